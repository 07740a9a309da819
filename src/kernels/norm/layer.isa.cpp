// Layer norm and RMS norm: rows normalised one by one.
#include "kernels/families.isa.h"
#include "kernels/lanes/sums.h"
#include "kernels/norm/norm.h"

namespace ember::kernels::EMBER_ISA {
namespace {

constexpr int kTogether = 4;  // rows, each step of which is done for all before the next one: the ends of their sums overlap

/// kRows rows of n numbers.
template <int kRows, class T>
EMBER_INLINE void forward_rows(int64_t n, const T* x, const T* weight, const T* bias, double eps, bool center, T* y, T* mean, T* invstd) {
  T middle[kRows] = {}, scale[kRows];
  double squares[kRows];
  for (int r = 0; r < kRows && center; ++r)
    middle[r] = T(row_total<T>(n, [=](int64_t i, auto lanes) { return load(x + r * n + i, lanes); }) / double(n));
  for (int r = 0; r < kRows; ++r)
    squares[r] = row_total<T>(n, [=, m = middle[r]](int64_t i, auto lanes) {
      prefetch(x + (r + kRows) * n + i);  // the next rows, while memory is at rest
      const Lanes<T> d = load(x + r * n + i, lanes) - m;
      return d * d;
    });
  for (int r = 0; r < kRows; ++r) {
    scale[r] = T(1 / square_root(squares[r] / double(n) + eps));
    if (mean) mean[r] = middle[r];
    invstd[r] = scale[r];
  }
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
    const Lanes<T> w = weight ? load(weight + i, lanes) : broadcast(T(1)), b = bias ? load(bias + i, lanes) : zeros<T>();
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) store(y + r * n + i, fma((load(x + r * n + i, lanes) - middle[r]) * scale[r], w, b), lanes);
  });
}

template <class T>
void forward(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, bool center, T* y, T* mean, T* invstd) {
  int64_t r = 0;
  const auto run = [&]<int kRows> {
    forward_rows<kRows>(n, x + r * n, weight, bias, eps, center, y + r * n, mean ? mean + r : nullptr, invstd + r);
    r += kRows;
  };
  while (r + kTogether <= rows) run.template operator()<kTogether>();
  while (r < rows) run.template operator()<1>();
}

/// One row on its way back.
template <class T>
struct Row {
  const T *x, *dy;
  T* dx;
  T middle, scale, slope, offset;
};

// With xhat = (x - mean) * invstd and g = dy * weight, dx = invstd * (g - mean(g) - xhat * mean(g * xhat)). The first mean is what g
// sends through the mean of x, the second what it sends through the variance; RMS norm has no mean to send anything through. Gathered,
//   dx = g * invstd + (x - mean) * slope + offset, slope = -invstd^3 * mean(g * (x - mean)), offset = -invstd * mean(g)
template <class T>
EMBER_INLINE void find_slope(int64_t n, const T* weight, bool center, Row<T>& row) {
  Totals<T, 2> totals;
  totals.add(n, [&](int64_t i, auto lanes, Lanes<T>(&v)[2]) __attribute__((always_inline)) {
    const Lanes<T> dy = load(row.dy + i, lanes);
    v[0] = weight ? dy * load(weight + i, lanes) : dy;
    v[1] = v[0] * (load(row.x + i, lanes) - row.middle);
  });
  const double scale = double(row.scale);
  row.slope = T(-scale * scale * scale * totals.sum[1].total() / double(n));
  row.offset = center ? T(-scale * totals.sum[0].total() / double(n)) : T(0);
}

/// What rows add to dweight and dbias, column by column; null where nobody wants it.
template <class T, class LaneCount>
EMBER_INLINE void add_to(T* sums, int64_t i, Lanes<T> v, LaneCount lanes) {
  if (sums) store(sums + i, load(sums + i, lanes) + v, lanes);
}

/// dx of kRows rows, and what they add to the columns' sums.
template <int kRows, class T>
EMBER_INLINE void gradients_of_rows(int64_t n, const Row<T>* rows, const T* weight, bool wants_dx, T* dweight, T* dbias) {
  Lanes<T> middle[kRows], scale[kRows], slope[kRows], offset[kRows];
  for (int r = 0; r < kRows; ++r) {
    middle[r] = broadcast(rows[r].middle), scale[r] = broadcast(rows[r].scale);
    slope[r] = broadcast(rows[r].slope), offset[r] = broadcast(rows[r].offset);
  }
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
    const Lanes<T> w = weight ? load(weight + i, lanes) : broadcast(T(1));
    Lanes<T> of_weight{}, of_bias{};
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Lanes<T> dy = load(rows[r].dy + i, lanes), d = load(rows[r].x + i, lanes) - middle[r], scaled = dy * scale[r];
      of_weight = fma(scaled, d, of_weight);
      of_bias += dy;
      if (wants_dx) store(rows[r].dx + i, fma(scaled, w, fma(d, slope[r], offset[r])), lanes);
    }
    add_to(dweight, i, of_weight, lanes);
    add_to(dbias, i, of_bias, lanes);
  });
}

/// dx of the rows [first, last), and the columns' sums over them, each where it is not null.
template <class T>
void gradients(int64_t first, int64_t last, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
               T* dweight, T* dbias) {
  if (dweight) __builtin_memset(dweight, 0, std::size_t(n) * sizeof(T));
  if (dbias) __builtin_memset(dbias, 0, std::size_t(n) * sizeof(T));
  while (first < last) {
    const int count = last - first < kTogether ? 1 : kTogether;
    Row<T> block[kTogether];
    for (int j = 0; j < count; ++j) {
      const int64_t r = first + j;
      block[j] = {x + r * n, dy + r * n, dx + r * n, center ? mean[r] : T(0), invstd[r], 0, 0};
      if (dx) find_slope(n, weight, center, block[j]);
    }
    count == 1 ? gradients_of_rows<1>(n, block, weight, dx != nullptr, dweight, dbias)
               : gradients_of_rows<kTogether>(n, block, weight, dx != nullptr, dweight, dbias);
    first += count;
  }
}

template <class T>
void backward(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx, double* dweight,
              double* dbias, T* room) {
  constexpr int64_t kFoldRows = 32;  // are added in T before their sum moves on into doubles
  for (int64_t first = 0; first < rows; first += kFoldRows) {
    const int64_t last = first + kFoldRows < rows ? first + kFoldRows : rows;
    gradients(first, last, n, x, dy, weight, mean, invstd, center, dx, dweight ? room : nullptr, dbias ? room + n : nullptr);
    for (int64_t i = 0; dweight && i < n; ++i) dweight[i] = (first ? dweight[i] : 0) + double(room[i]);
    for (int64_t i = 0; dbias && i < n; ++i) dbias[i] = (first ? dbias[i] : 0) + double(room[n + i]);
  }
}

template <class T>
void add_parts(int64_t parts, int64_t n, int64_t step, const double* from, T* to) {
  for_each_lanes<double>(n, [&](int64_t i, auto lanes) {
    DoubleLanes total = load(from + i, lanes);
    for (int64_t part = 1; part < parts; ++part) total += load(from + part * step + i, lanes);
    for (int k = 0; k < lane_count<double>(lanes); ++k) to[i + k] = T(total[k]);
  });
}

template <class T>
constexpr LayerNormLoops<T> loops() {
  return {forward<T>, backward<T>, add_parts<T>};
}

}  // namespace

constinit const Both<LayerNormLoops> Families::layer_norm{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
