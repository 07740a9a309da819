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

/// One row on its way back.
template <class T>
struct Row {
  const T *x, *dy;
  T* dx;
  T middle, scale, through_mean, through_variance;

  template <class LaneCount>
  [[gnu::always_inline]] Lanes<T> xhat(int64_t i, LaneCount lanes) const { return (load(x + i, lanes) - middle) * scale; }
};

// With xhat = (x - mean) * invstd and g = dy * weight, dx = invstd * (g - mean(g) - xhat * mean(g * xhat)). The first mean is what g
// sends through the mean of x, the second what it sends through the variance; RMS norm has no mean to send anything through.
template <class T>
EMBER_INLINE void find_means(int64_t n, const T* weight, bool center, Row<T>& row) {
  const TwoTotals totals = row_totals<T>(n, [&](int64_t i, auto lanes, Lanes<T>& g, Lanes<T>& g_xhat) {
    g = load(row.dy + i, lanes);
    if (weight) g *= load(weight + i, lanes);
    g_xhat = g * row.xhat(i, lanes);
  });
  row.through_mean = center ? T(totals.a / double(n)) : T(0);
  row.through_variance = T(totals.b / double(n));
}

/// Adds one vector of column sums to the doubles at `to`.
template <class T, class LaneCount>
EMBER_INLINE void add_columns(Lanes<T> sums, LaneCount lanes, double* to) {
  if constexpr (__is_same(T, float) && __is_same(LaneCount, AllLanes)) {
    constexpr int kHalf = kLanes<float> / 2;
    store(to, load(to) + widen_low(sums));
    store(to + kHalf, load(to + kHalf) + widen_high(sums));
  } else {
    for (int i = 0; i < lane_count<T>(lanes); ++i) to[i] += double(sums[i]);
  }
}

/// dx of kRows rows, and what they add to the columns' sums.
template <int kRows, class T>
EMBER_INLINE void gradients_of_rows(int64_t n, const Row<T>* rows, const T* weight, bool wants_dx, double* dweight, double* dbias) {
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
    Lanes<T> of_weight{}, of_bias{};
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Row<T>& row = rows[r];
      const Lanes<T> dy = load(row.dy + i, lanes), xhat = row.xhat(i, lanes);
      of_weight = fma(dy, xhat, of_weight);
      of_bias += dy;
      const Lanes<T> g = weight ? dy * load(weight + i, lanes) : dy;
      if (wants_dx) store(row.dx + i, (g - row.through_mean - xhat * row.through_variance) * row.scale, lanes);
    }
    if (dweight) add_columns<T>(of_weight, lanes, dweight + i);
    if (dbias) add_columns<T>(of_bias, lanes, dbias + i);
  });
}

constexpr int kFoldRows = 4;  // additions in T before a column's sum moves on into doubles

template <class T>
void backward(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
              double* dweight, double* dbias) {
  for (int64_t i = 0; dweight && i < n; ++i) dweight[i] = 0;
  for (int64_t i = 0; dbias && i < n; ++i) dbias[i] = 0;
  for (int64_t first = 0; first < rows; first += kFoldRows) {
    const int count = int(rows - first < kFoldRows ? rows - first : kFoldRows);
    Row<T> block[kFoldRows];
    for (int j = 0; j < count; ++j) {
      const int64_t r = first + j;
      block[j] = {x + r * n, dy + r * n, dx + r * n, center ? mean[r] : T(0), invstd[r], 0, 0};
      if (dx) find_means(n, weight, center, block[j]);
    }
    if (count == kFoldRows) gradients_of_rows<kFoldRows>(n, block, weight, dx != nullptr, dweight, dbias);
    else
      for (int j = 0; j < count; ++j) gradients_of_rows<1>(n, block + j, weight, dx != nullptr, dweight, dbias);
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
