// The sizes of a recurrent layer, and its composition of basic operations.
#pragma once

#include <ember/ops/recurrent.h>

#include <vector>

#include "kernels/recurrent/recurrent.h"

namespace ember {

struct RecurrentSizes {
  int64_t steps = 0, batch = 0, rows = 0, input = 0, hidden = 0, state = 0, gates = 0;
  std::vector<int64_t> rows_at, first_row;  ///< of each step
  bool reverse = false, lstm = false;

  /// Throws RuntimeError for an x or batch sizes that are none.
  static RecurrentSizes of(RecurrentKind kind, const Tensor& x, const Tensor& h_0, const RecurrentWeights& weights, const RecurrentOptions& options);
  int64_t output_numbers() const { return (rows + batch) * state + (lstm ? batch * hidden : 0); }
  kernels::Sequences sequences() const { return {steps, batch, rows_at.data(), first_row.data(), reverse}; }
};

/// The layer step by step from differentiable operations: y, h_n and c_n, flat, one after the other.
Tensor recurrent_plain(RecurrentKind kind, const RecurrentSizes& sizes, const Tensor& x, const Tensor& h_0, const Tensor& c_0,
                       const RecurrentWeights& weights);

}  // namespace ember
