// Softmax and cross-entropy of all rows: how they are cut for the threads.
#include "kernels/softmax/softmax.h"

#include "kernels/kernels.h"
#include "runtime/parallel.h"

namespace ember::kernels {

constexpr int64_t kRowsOfSlice = 16;  // short rows go through the kernels in blocks of as many

template <class T>
void softmax_rows(bool logarithm, int64_t rows, int64_t n, const T* x, T* y) {
  const SoftmaxFamily<T>& k = softmax_loops<T>();
  parallel_for(rows, 1, double(rows * n) * 10,
               [&](int64_t begin, int64_t end) { (logarithm ? k.log_softmax : k.softmax)(end - begin, n, x + begin * n, y + begin * n); });
}

template <class T>
void softmax_rows_backward(bool logarithm, int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  const SoftmaxFamily<T>& k = softmax_loops<T>();
  parallel_for(rows, 1, double(rows * n) * 6, [&](int64_t begin, int64_t end) {
    (logarithm ? k.log_softmax_backward : k.softmax_backward)(end - begin, n, dy + begin * n, y + begin * n, dx + begin * n);
  });
}

template <class T>
void log_sum_exp_rows(int64_t rows, int64_t n, const T* x, T* tops, T* logs, T* p) {
  parallel_for(rows, kRowsOfSlice, double(rows * n) * 10, [&](int64_t begin, int64_t end) {
    softmax_loops<T>().log_sum_exp(end - begin, n, x + begin * n, tops + begin, logs + begin, p ? p + begin * n : nullptr);
  });
}

template <class T>
void cross_entropy_rows_backward(int64_t rows, int64_t n, const T* x, const T* tops, const T* logs, const int64_t* target, const T* scale, T* dx) {
  parallel_for(rows, kRowsOfSlice, double(rows * n) * (tops ? 8 : 1), [&](int64_t b, int64_t e) {
    softmax_loops<T>().cross_entropy_backward(e - b, n, x + b * n, tops ? tops + b : nullptr, logs ? logs + b : nullptr, target + b, scale + b,
                                              dx + b * n);
  });
}

template void softmax_rows(bool, int64_t, int64_t, const float*, float*);
template void softmax_rows(bool, int64_t, int64_t, const double*, double*);
template void softmax_rows_backward(bool, int64_t, int64_t, const float*, const float*, float*);
template void softmax_rows_backward(bool, int64_t, int64_t, const double*, const double*, double*);
template void log_sum_exp_rows(int64_t, int64_t, const float*, float*, float*, float*);
template void log_sum_exp_rows(int64_t, int64_t, const double*, double*, double*, double*);
template void cross_entropy_rows_backward(int64_t, int64_t, const float*, const float*, const float*, const int64_t*, const float*, float*);
template void cross_entropy_rows_backward(int64_t, int64_t, const double*, const double*, const double*, const int64_t*, const double*, double*);

}  // namespace ember::kernels
