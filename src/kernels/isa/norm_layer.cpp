// Layer norm and RMS norm: rows normalised one by one.
#include "kernels/isa/sums.h"
#include "kernels/norm.h"

namespace ember::kernels::EMBER_ISA {
namespace {

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

constexpr int kFoldRows = 16;  // additions in T before a column's sum moves on into doubles

// With xhat = (x - mean) * invstd and g = dy * weight, dx = invstd * (g - mean(g) - xhat * mean(g * xhat)). The first mean is what g
// sends through the mean of x, the second what it sends through the variance; RMS norm has no mean to send anything through.
template <class T>
EMBER_INLINE void gradient_of_row(int64_t n, const T* x, const T* dy, const T* weight, T middle, T scale, bool center, T* dx) {
  const auto g = [=](int64_t i, auto lanes) {
    const Lanes<T> upstream = load(dy + i, lanes);
    return weight ? upstream * load(weight + i, lanes) : upstream;
  };
  const auto xhat = [=](int64_t i, auto lanes) { return (load(x + i, lanes) - middle) * scale; };
  const T through_mean = center ? T(row_total<T>(n, g) / double(n)) : T(0);
  const T through_variance = T(row_total<T>(n, [=](int64_t i, auto lanes) { return g(i, lanes) * xhat(i, lanes); }) / double(n));
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
    store(dx + i, (g(i, lanes) - through_mean - xhat(i, lanes) * through_variance) * scale, lanes);
  });
}

/// Adds one vector of column sums to the doubles at `to`.
template <class T, class LaneCount>
EMBER_INLINE void add_columns(Lanes<T> sums, LaneCount lanes, double* to) {
  T part[kLanes<T>];
  store(part, sums);
  for (int i = 0; i < lane_count<T>(lanes); ++i) to[i] += double(part[i]);
}

template <class T>
void backward(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
              double* dweight, double* dbias) {
  for (int64_t r0 = 0; r0 < rows; r0 += kFoldRows) {
    const int64_t r1 = r0 + kFoldRows < rows ? r0 + kFoldRows : rows;
    for (int64_t r = r0; dx && r < r1; ++r)
      gradient_of_row(n, x + r * n, dy + r * n, weight, center ? mean[r] : T(0), invstd[r], center, dx + r * n);
    if (!dweight && !dbias) continue;
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      Lanes<T> of_weight{}, of_bias{};
      for (int64_t r = r0; r < r1; ++r) {
        const Lanes<T> g = load(dy + r * n + i, lanes);
        of_weight = fma(g, (load(x + r * n + i, lanes) - (center ? mean[r] : T(0))) * invstd[r], of_weight);
        of_bias += g;
      }
      if (dweight) add_columns<T>(of_weight, lanes, dweight + i);
      if (dbias) add_columns<T>(of_bias, lanes, dbias + i);
    });
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
