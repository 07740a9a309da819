// The passes over one tile of attention scores.
#include "kernels/attention/attention.h"

#include "kernels/families.isa.h"
#include "kernels/lanes/folds.h"
#include "kernels/lanes/math.h"
#include "kernels/lanes/sums.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// Score `i` of a row, scaled and masked.
template <class T, class LaneCount>
EMBER_INLINE Lanes<T> score(const ScoreTile<T>& tile, const T* row, const T* mask, int64_t i, LaneCount lanes) {
  const Lanes<T> s = load(row + i, lanes) * tile.scale;
  return mask ? s + load(mask + i, lanes) : s;
}

template <class T>
void clear(int64_t from, int64_t end, T* row) {
  for (int64_t i = from; i < end; ++i) row[i] = T(0);
}

// Where all scores so far are -inf the top counts as 0: their weights are 0, and so is the sum.
template <class T>
void weights(const ScoreTile<T>& tile, T* top, T* sum, T* factor) {
  const T lowest = -T(__builtin_inf());
  for (int64_t r = 0; r < tile.rows; ++r) {
    T* const row = tile.scores + r * tile.columns;
    const T* const mask = tile.mask ? tile.mask + r * tile.mask_row : nullptr;
    const int64_t n = tile.seen(r);
    Lanes<T> highest = broadcast(T(0)) + lowest;
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      const Lanes<T> s = score(tile, row, mask, i, lanes);
      store(row + i, s, lanes);
      if constexpr (__is_same(decltype(lanes), AllLanes)) highest = maximum(s, highest);
      else highest = select(first_lanes<T>(lanes), maximum(s, highest), highest);
    });
    const T most = horizontal_max(highest), before = top[r], now = most > before ? most : before;
    const T base = now == lowest ? T(0) : now;
    Lanes<T> total{};
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      const Lanes<T> w = exp(load(row + i, lanes) - base);
      store(row + i, w, lanes);
      total += keep(w, lanes);
    });
    clear(n, tile.columns, row);
    factor[r] = before == lowest ? T(1) : T(__builtin_exp(double(before - base)));
    sum[r] = sum[r] * factor[r] + horizontal_sum(total);
    top[r] = now;
  }
}

template <class T>
void scale_rows(int64_t rows, int64_t columns, const T* factor, T* y, int64_t y_row) {
  for (int64_t r = 0; r < rows; ++r, y += y_row) {
    if (factor[r] == T(1)) continue;
    for_each_lanes<T>(columns, [&](int64_t i, auto lanes) { store(y + i, load(y + i, lanes) * factor[r], lanes); });
  }
}

template <class T>
void dot_rows(int64_t rows, int64_t columns, const T* x, int64_t x_row, const T* y, int64_t y_row, T* sums) {
  for (int64_t r = 0; r < rows; ++r)
    sums[r] = T(row_total<T>(columns, [=](int64_t i, auto lanes) { return load(x + r * x_row + i, lanes) * load(y + r * y_row + i, lanes); }));
}

template <class T>
void gradient(const ScoreTile<T>& tile, const T* log_sum, const T* delta, T* d) {
  for (int64_t r = 0; r < tile.rows; ++r, d += tile.columns) {
    T* const row = tile.scores + r * tile.columns;
    const T* const mask = tile.mask ? tile.mask + r * tile.mask_row : nullptr;
    const int64_t n = tile.seen(r);
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      const Lanes<T> p = exp(score(tile, row, mask, i, lanes) - log_sum[r]);
      store(row + i, p, lanes);
      store(d + i, p * (load(d + i, lanes) - delta[r]) * tile.scale, lanes);
    });
    clear(n, tile.columns, row);
    clear(n, tile.columns, d);
  }
}

template <class T>
constexpr AttentionLoops<T> loops() {
  return {weights<T>, scale_rows<T>, dot_rows<T>, gradient<T>};
}

}  // namespace

constinit const Both<AttentionLoops> Families::attention{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
