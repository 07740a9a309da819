// What reductions share: which dimensions go, the loop over them, and how a gradient finds back to the reduced shape.
#pragma once

#include <ember/autograd.h>
#include <ember/ops/reduce.h>

#include "autograd/recorder.h"
#include "kernels/reduce/reduce.h"

namespace ember {

using ReduceKind = kernels::Reduction;

/// The dimensions to reduce, as a bit for each. Throws for a dimension out of range or named twice.
struct ReducedDims {
  std::uint32_t mask = 0;
  bool contains(int d) const { return mask >> d & 1; }
};
ReducedDims reduced_dims(const Tensor& x, const Dims& dims);

/// The same as a list, and as an attribute for recorders.
inline std::vector<int64_t> axes_of(ReducedDims dims) {
  std::vector<int64_t> axes;
  for (int d = 0; d < kMaxDims; ++d)
    if (dims.contains(d)) axes.push_back(d);
  return axes;
}
inline void note_dims(const char* name, ReducedDims dims) {
  note(name, [&] { return Attributes{{"axes", axes_of(dims)}}; });
}

Shape reduced_shape(IntArrayRef sizes, ReducedDims dims, bool keepdim);

/// How many numbers become one.
int64_t reduced_count(IntArrayRef sizes, ReducedDims dims);

/// y, reduced from x without keepdim, spread again over x's sizes. Differentiable.
Tensor spread(const Tensor& y, IntArrayRef sizes, ReducedDims dims);

/// The loop of `kind` over x's own type. No history. x must not be empty along dims for extremes.
Tensor reduce(ReduceKind kind, const Tensor& x, ReducedDims dims, bool keepdim, DType out);

/// x with the kept dimensions first and the reduced ones last, row-major: (rows, n).
Tensor as_rows(const Tensor& x, ReducedDims dims);

}  // namespace ember
