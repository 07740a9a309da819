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

// Rows of a few classes, as classifiers have them, would leave most lanes of a vector empty: many of them go through e^x and ln
// side by side.
constexpr int64_t kShortRow = 32, kBlockOfShortRows = 512;

/// f(first, count) for blocks of rows that have at most kBlockOfShortRows numbers.
template <class F>
EMBER_INLINE void for_blocks(int64_t rows, int64_t n, F f) {
  const int64_t most = kBlockOfShortRows / n;
  for (int64_t first = 0; first < rows; first += most) f(first, rows - first < most ? rows - first : most);
}

// Inside a block the numbers stand by class, so that every loop runs along the rows and fills its vectors.
template <class T>
void log_sum_exp_short(int64_t rows, int64_t n, const T* x, T* lse) {
  T e[kBlockOfShortRows], top[kBlockOfShortRows], sum[kBlockOfShortRows];
  for_blocks(rows, n, [&](int64_t first, int64_t count) __attribute__((always_inline)) {
    const T* const in = x + first * n;
    for (int64_t r = 0; r < count; ++r) top[r] = in[r * n];
    for (int64_t i = 1; i < n; ++i)
      for (int64_t r = 0; r < count; ++r) top[r] = in[r * n + i] > top[r] ? in[r * n + i] : top[r];
    for (int64_t i = 0; i < n; ++i)
      for (int64_t r = 0; r < count; ++r) e[i * count + r] = in[r * n + i] - top[r];
    for (int64_t i = 0; i < count * n; ++i) e[i] = exp(e[i]);
    for (int64_t r = 0; r < count; ++r) sum[r] = e[r];
    for (int64_t i = 1; i < n; ++i)
      for (int64_t r = 0; r < count; ++r) sum[r] += e[i * count + r];
    for (int64_t r = 0; r < count; ++r) lse[first + r] = top[r] + log(sum[r]);
  });
}

template <class T>
void cross_entropy_backward_short(int64_t rows, int64_t n, const T* x, const T* lse, const int64_t* target, const T* scale, T* dx) {
  T e[kBlockOfShortRows];
  for_blocks(rows, n, [&](int64_t first, int64_t count) __attribute__((always_inline)) {
    const T *const in = x + first * n, *const l = lse + first, *const s = scale + first;
    T* const out = dx + first * n;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t r = 0; r < count; ++r) e[i * count + r] = in[r * n + i] - l[r];
    for (int64_t i = 0; i < count * n; ++i) e[i] = exp(e[i]);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t r = 0; r < count; ++r) out[r * n + i] = e[i * count + r] * s[r];
    for (int64_t r = 0; r < count; ++r)
      if (s[r] != 0) out[r * n + target[first + r]] -= s[r];
  });
}

template <class T>
void log_sum_exp(int64_t rows, int64_t n, const T* x, T* lse) {
  if (n <= kShortRow) return log_sum_exp_short(rows, n, x, lse);
  for (int64_t r = 0; r < rows; ++r, x += n) {
    const T top = row_max(n, x);
    lse[r] = top + log_of_sum(n, x, top);
  }
}

template <class T>
void cross_entropy_backward(int64_t rows, int64_t n, const T* x, const T* lse, const int64_t* target, const T* scale, T* dx) {
  if (n <= kShortRow) return cross_entropy_backward_short(rows, n, x, lse, target, scale, dx);
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
