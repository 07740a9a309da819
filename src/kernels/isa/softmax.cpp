#include "kernels/softmax.h"

#include "kernels/isa/lanes.h"
#include "kernels/isa/math.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T>
T row_max(int64_t n, const T* x) {
  T best = -T(__builtin_inf());
  if (n >= kLanes<T>) {
    Lanes<T> top = load(x);
    for (int64_t i = kLanes<T>; i + kLanes<T> <= n; i += kLanes<T>) top = maximum(load(x + i), top);
    top = maximum(load(x + n - kLanes<T>), top);
    best = horizontal_max(top);
  } else {
    for (int64_t i = 0; i < n; ++i) best = x[i] > best ? x[i] : best;
  }
  return best;
}

/// Sums in double, so that long rows lose nothing.
template <class T>
double row_sum(int64_t n, const T* x) {
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; ++j) part[j] += double(x[i + j]);
  for (; i < n; ++i) part[0] += double(x[i]);
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

template <class T>
double row_dot(int64_t n, const T* x, const T* y) {
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; ++j) part[j] += double(x[i + j] * y[i + j]);
  for (; i < n; ++i) part[0] += double(x[i] * y[i]);
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

/// y = e^(x - top). Of a row of only -inf that is NaN, as in PyTorch.
template <class T>
void exponentials(int64_t n, const T* x, T top, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = exp(x[i] - top);
}

template <class T>
void softmax(int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    exponentials(n, x, row_max(n, x), y);
    const T scale = T(1 / row_sum(n, y));
    for (int64_t i = 0; i < n; ++i) y[i] *= scale;
  }
}

/// ln of the sum of e^(x - top), by blocks that stay in the first-level cache.
template <class T>
T log_of_sum(int64_t n, const T* x, T top) {
  constexpr int64_t kBlock = 512;
  T e[kBlock];
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = n - i < kBlock ? n - i : kBlock;
    exponentials(count, x + i, top, e);
    sum += row_sum(count, e);
  }
  return T(__builtin_log(sum));
}

template <class T>
void log_softmax(int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const T top = row_max(n, x), rest = log_of_sum(n, x, top);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] - top - rest;
  }
}

template <class T>
void softmax_backward(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, dy += n, y += n, dx += n) {
    const T dot = T(row_dot(n, dy, y));
    for (int64_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
}

template <class T>
void log_softmax_backward(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, dy += n, y += n, dx += n) {
    const T sum = T(row_sum(n, dy));
    for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] - exp(y[i]) * sum;
  }
}

template <class T>
void log_sum_exp(int64_t rows, int64_t n, const T* x, T* lse) {
  for (int64_t r = 0; r < rows; ++r, x += n) {
    const T top = row_max(n, x);
    lse[r] = top + log_of_sum(n, x, top);
  }
}

template <class T>
void cross_entropy_backward(int64_t rows, int64_t n, const T* x, const T* lse, const int64_t* target, const T* scale, T* dx) {
  for (int64_t r = 0; r < rows; ++r, x += n, dx += n) {
    const T s = scale[r], l = lse[r];
    for (int64_t i = 0; i < n; ++i) dx[i] = exp(x[i] - l) * s;
    if (s != 0) dx[target[r]] -= s;
  }
}

template <class T>
constexpr SoftmaxFamily<T> family() {
  return {softmax<T>, log_softmax<T>, softmax_backward<T>, log_softmax_backward<T>, log_sum_exp<T>, cross_entropy_backward<T>};
}

}  // namespace

extern const SoftmaxKernels softmax_kernels;
constinit const SoftmaxKernels softmax_kernels{family<float>(), family<double>()};

}  // namespace ember::kernels::EMBER_ISA
