// Layer norm and RMS norm: rows normalised one by one.
#include "kernels/isa/lanes.h"
#include "kernels/norm.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T>
struct DoubleSum;
template <>
struct DoubleSum<float> {
  DoubleLanes low{}, high{};
  [[gnu::always_inline]] void add(FloatLanes v) {
    low += widen_low(v);
    high += widen_high(v);
  }
  double total() const { return horizontal_sum(low + high); }
};
template <>
struct DoubleSum<double> {
  DoubleLanes sum{};
  [[gnu::always_inline]] void add(DoubleLanes v) { sum += v; }
  double total() const { return horizontal_sum(sum); }
};

/// The sum of term(i, lanes) over a row. Eight vectors at a time are added in T, the rest in double.
template <class T, class Term>
EMBER_INLINE double row_total(int64_t n, Term term) {
  constexpr int L = kLanes<T>;
  DoubleSum<T> sum;
  int64_t i = 0;
  for (; i + 8 * L <= n; i += 8 * L) {
    Lanes<T> part[8];
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) part[j] = term(i + j * L, AllLanes{});
    sum.add(((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7])));
  }
  for (; i + L <= n; i += L) sum.add(term(i, AllLanes{}));
  if (i < n) sum.add(keep(term(i, int(n - i)), int(n - i)));
  return sum.total();
}

template <class T>
void forward(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, bool center, T* y, T* mean, T* invstd) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const T middle = center ? T(row_total<T>(n, [=](int64_t i, auto lanes) { return load(x + i, lanes); }) / double(n)) : T(0);
    const double squares = row_total<T>(n, [=](int64_t i, auto lanes) {
      const Lanes<T> d = load(x + i, lanes) - middle;
      return d * d;
    });
    const T scale = T(1 / square_root(squares / double(n) + eps));
    if (mean) mean[r] = middle;
    invstd[r] = scale;
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      Lanes<T> v = (load(x + i, lanes) - middle) * scale;
      if (weight) v = bias ? fma(v, load(weight + i, lanes), load(bias + i, lanes)) : v * load(weight + i, lanes);
      else if (bias) v += load(bias + i, lanes);
      store(y + i, v, lanes);
    });
  }
}

// With xhat = (x - mean) * invstd and g = dy * weight, dx = invstd * (g - mean(g) - xhat * mean(g * xhat)). The first mean is what g
// sends through the mean of x, the second what it sends through the variance; RMS norm has no mean to send anything through.
template <class T>
void backward(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
              double* dweight, double* dbias) {
  for (int64_t r = 0; r < rows; ++r, x += n, dy += n) {
    const T middle = center ? mean[r] : T(0), scale = invstd[r];
    const auto g = [=](int64_t i, auto lanes) {
      const Lanes<T> upstream = load(dy + i, lanes);
      return weight ? upstream * load(weight + i, lanes) : upstream;
    };
    const auto xhat = [=](int64_t i, auto lanes) { return (load(x + i, lanes) - middle) * scale; };
    if (dx) {
      const T through_mean = center ? T(row_total<T>(n, g) / double(n)) : T(0);
      const T through_variance = T(row_total<T>(n, [=](int64_t i, auto lanes) { return g(i, lanes) * xhat(i, lanes); }) / double(n));
      for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
        store(dx + r * n + i, (g(i, lanes) - through_mean - xhat(i, lanes) * through_variance) * scale, lanes);
      });
    }
    if (dweight)
      for (int64_t i = 0; i < n; ++i) dweight[i] += double(dy[i] * ((x[i] - middle) * scale));
    if (dbias)
      for (int64_t i = 0; i < n; ++i) dbias[i] += double(dy[i]);
  }
}

template <class T>
constexpr LayerNormLoops<T> loops() {
  return {forward<T>, backward<T>};
}

}  // namespace

extern const LayerNormKernels layer_norm_kernels;
constinit const LayerNormKernels layer_norm_kernels{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
