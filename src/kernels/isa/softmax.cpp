#include "kernels/softmax.h"

#include "kernels/isa/math.h"
#include "kernels/isa/sums.h"

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

/// y = e^(x - top), then its sum. Of a row of only -inf they are NaN, as in PyTorch.
template <class T>
double exponentials(int64_t n, const T* x, T top, T* y) {
  return row_total<T>(n, [&](int64_t i, auto lanes) {
    const Lanes<T> e = exp(load(x + i, lanes) - top);
    store(y + i, e, lanes);
    return e;
  });
}

template <class T>
void softmax(int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const T scale = T(1 / exponentials(n, x, row_max(n, x), y));
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(y + i, load(y + i, lanes) * scale, lanes); });
  }
}

template <class T>
T log_of_sum(int64_t n, const T* x, T top) {
  return T(__builtin_log(row_total<T>(n, [&](int64_t i, auto lanes) { return exp(load(x + i, lanes) - top); })));
}

template <class T>
void log_softmax(int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const T top = row_max(n, x), rest = log_of_sum(n, x, top);
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(y + i, load(x + i, lanes) - top - rest, lanes); });
  }
}

template <class T>
void softmax_backward(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, dy += n, y += n, dx += n) {
    const T dot = T(row_total<T>(n, [&](int64_t i, auto lanes) { return load(dy + i, lanes) * load(y + i, lanes); }));
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(dx + i, load(y + i, lanes) * (load(dy + i, lanes) - dot), lanes); });
  }
}

template <class T>
void log_softmax_backward(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, dy += n, y += n, dx += n) {
    const T sum = T(row_total<T>(n, [&](int64_t i, auto lanes) { return load(dy + i, lanes); }));
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(dx + i, load(dy + i, lanes) - exp(load(y + i, lanes)) * sum, lanes); });
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
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(dx + i, exp(load(x + i, lanes) - l) * s, lanes); });
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
