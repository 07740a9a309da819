// Softmax and cross-entropy over rows of n contiguous numbers.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// Rows up to this length have their softmax kept for the backward of cross-entropy; for longer ones e^x is computed anew.
inline constexpr int64_t kShortRow = 32;

template <class T>
struct SoftmaxFamily {
  void (*softmax)(int64_t rows, int64_t n, const T* x, T* y);
  void (*log_softmax)(int64_t rows, int64_t n, const T* x, T* y);
  void (*softmax_backward)(int64_t rows, int64_t n, const T* dy, const T* y, T* dx);      ///< dx = y (dy - sum dy y)
  void (*log_softmax_backward)(int64_t rows, int64_t n, const T* dy, const T* y, T* dx);  ///< dx = dy - e^y sum dy
  /// The largest of each row, the logarithm of sum e^(x - top), and softmax(x) into p where it is not null, which it may be for short rows.
  void (*log_sum_exp)(int64_t rows, int64_t n, const T* x, T* tops, T* logs, T* p);
  /// dx = (softmax - [i = target]) scale[row]; scale is 0 for ignored rows, whose target is not read. The softmax is e^(x - top - log);
  /// without tops and logs x holds it.
  void (*cross_entropy_backward)(int64_t rows, int64_t n, const T* x, const T* tops, const T* logs, const int64_t* target, const T* scale, T* dx);
};

// ---------------------------------------------------------------------------------------------------------------------------
// All rows, on all threads.

/// softmax or log_softmax of rows of n numbers.
template <class T>
void softmax_rows(bool logarithm, int64_t rows, int64_t n, const T* x, T* y);
template <class T>
void softmax_rows_backward(bool logarithm, int64_t rows, int64_t n, const T* dy, const T* y, T* dx);

/// As log_sum_exp and cross_entropy_backward above.
template <class T>
void log_sum_exp_rows(int64_t rows, int64_t n, const T* x, T* tops, T* logs, T* p);
template <class T>
void cross_entropy_rows_backward(int64_t rows, int64_t n, const T* x, const T* tops, const T* logs, const int64_t* target, const T* scale, T* dx);

}  // namespace ember::kernels
