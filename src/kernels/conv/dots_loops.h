// Convolution with few outputs: lanes run along the inputs, which lie side by side, and are added up at the end.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"

namespace ember::kernels {

constexpr int kMostDotOutputs = 8;

/// C[i * c_row + j] = relu(bias[j] + sum over `outer` and k < length of A[i * a_row + outer + k] * B[j * b_output + outer + k]).
template <class T>
struct DotPanel {
  int64_t rows;
  int outputs;  ///< at most kMostDotOutputs
  const T* a;
  int64_t a_row;
  const T* b;
  int64_t b_output;
  T* c;
  int64_t c_row;
  SumLoop outer;
  int64_t length;
  const T* bias;  ///< or null
  bool relu;
};

template <class T>
struct DotFamily {
  void (*panel)(const DotPanel<T>&);
};

}  // namespace ember::kernels
