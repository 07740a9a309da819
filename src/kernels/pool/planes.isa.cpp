// Pooling plane by plane: the lanes are neighbouring outputs of one row, whose inputs lie `stride` apart.
#include "kernels/families.isa.h"
#include "kernels/lanes/folds.h"
#include "kernels/lanes/transpose.h"
#include "kernels/pool/windows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// n numbers from p, as two vectors; n <= 2 kLanes<T>.
template <class T>
struct Pair {
  Lanes<T> low, high;
  [[gnu::always_inline]] Pair(const T* p, int n)
      : low(n >= kLanes<T> ? load(p) : load(p, n)), high(n == 2 * kLanes<T> ? load(p + kLanes<T>)
                                                         : n > kLanes<T>    ? load(p + kLanes<T>, n - kLanes<T>)
                                                                            : zeros<T>()) {}
  [[gnu::always_inline]] static void write(T* p, Lanes<T> low, Lanes<T> high, int n) {
    n >= kLanes<T> ? store(p, low) : store(p, low, n);
    if (n > kLanes<T>) n == 2 * kLanes<T> ? store(p + kLanes<T>, high) : store(p + kLanes<T>, high, n - kLanes<T>);
  }
};

/// p[0], p[stride], p[2 stride], ... in the first n lanes.
template <class T, class LaneCount>
EMBER_INLINE Lanes<T> load_apart(const T* p, int64_t stride, LaneCount lanes) {
  if (stride == 1) return load(p, lanes);
  if (stride == 2) {
    const Pair<T> pair(p, 2 * lane_count<T>(lanes) - 1);  // nothing behind the last one is read
    return every_second<0, T>(pair.low, pair.high);
  }
  Lanes<T> v{};
  for (int i = 0; i < lane_count<T>(lanes); ++i) v[i] = p[i * stride];
  return v;
}

/// lanes(ox, lane count) over the evenly spaced outputs of a row, single(ox) over the others at either end.
template <class T, class WithLanes, class Single>
EMBER_INLINE void for_each_in_row(const PoolAxis& x, WithLanes with_lanes, Single single) {
  for (int64_t ox = 0; ox < x.even_begin; ++ox) single(ox);
  for_each_lanes<T>(x.even_end - x.even_begin, [&](int64_t i, auto lanes) { with_lanes(x.even_begin + i, lanes); });
  for (int64_t ox = x.even_end; ox < x.out; ++ox) single(ox);
}

/// Windows of 2 columns and 1 or 2 rows, one behind the other.
EMBER_INLINE bool are_pairs(const PoolShape& s) { return s.x.tiles == 2 && (s.y.tiles == 1 || s.y.tiles == 2); }

/// body.operator()<rows of a window>(row, column, lanes) over the outputs of pairs; an element may be done twice. Of a row that fills no
/// vector a whole one is done as long as something comes later: what spills over is written again. In longer rows the last vector
/// overlaps the one before.
template <class T, int kRows, class Body>
EMBER_INLINE void for_each_pair_of(const PoolShape& s, Body body) {
  constexpr int L = kLanes<T>;
  const int64_t n = s.x.out;
  for (int64_t oy = 0, left = s.y.out; left > 0; ++oy, --left) {
    if (n < L) {
      const bool more = left * n >= L && (kRows * (left - 1) + 1) * s.x.in - s.x.start[0] >= 2 * L;
      more ? body.template operator()<kRows>(oy, int64_t(0), AllLanes{}) : body.template operator()<kRows>(oy, int64_t(0), int(n));
      continue;
    }
    int64_t i = 0;
    for (; i + L <= n; i += L) body.template operator()<kRows>(oy, i, AllLanes{});
    if (i < n) body.template operator()<kRows>(oy, n - L, AllLanes{});
  }
}
template <class T, class Body>
EMBER_INLINE void for_each_pair(const PoolShape& s, Body body) {
  s.y.tiles == 1 ? for_each_pair_of<T, 1>(s, body) : for_each_pair_of<T, 2>(s, body);
}

/// The two columns of a window's row: its even and its odd numbers.
template <class T, class LaneCount>
EMBER_INLINE void load_columns(const T* p, LaneCount lanes, Lanes<T>& left, Lanes<T>& right) {
  const Pair<T> pair(p, 2 * lane_count<T>(lanes));
  left = every_second<0, T>(pair.low, pair.high);
  right = every_second<1, T>(pair.low, pair.high);
}

template <class T>
void max_pool_pairs(const PoolShape& s, const T* x, T* y, std::uint8_t* tap) {
  x += s.y.start[0] * s.x.in + s.x.start[0];
  for_each_pair<T>(s, [=, row = s.x.in, n = s.x.out]<int kRows>(int64_t oy, int64_t ox, auto lanes) __attribute__((always_inline)) {
    Lanes<T> left, right;
    const T* const window = x + kRows * oy * row + 2 * ox;
    load_columns(window, lanes, left, right);
    Largest<T> best{left};
    best.offer(right, 1);
    if (kRows == 2) {
      load_columns(window + row, lanes, left, right);
      best.offer(left, 2);
      best.offer(right, 3);
    }
    store(y + oy * n + ox, best.value, lanes);
    store_taps<T>(tap + oy * n + ox, best.tap, lanes);
  });
}

template <class T, class Tap>
void max_pool(const PoolShape& s, const T* x, T* y, Tap* tap) {
  if constexpr (sizeof(Tap) == 1)
    if (are_pairs(s)) return max_pool_pairs(s, x, y, tap);
  const int64_t row = s.y.step * s.x.in, column = s.x.step;
  for (int64_t oy = 0; oy < s.y.out; ++oy, y += s.x.out, tap += s.x.out) {
    const T* const line = x + s.y.start[oy] * s.x.in;
    const auto with_lanes = [&](int64_t ox, auto lanes) {
      const T* const window = line + s.x.start[ox];
      if (s.y.count[oy] == 0 || s.x.count[ox] == 0) return;
      with_window(s.y.count[oy], s.x.count[ox], [&](auto taps) {
        Largest<T> best{load_apart(window, s.x.stride, lanes)};
        taps.for_each_tap([&](int64_t ky, int64_t kx, int number) {
          if (number > 0) best.offer(load_apart(window + ky * row + kx * column, s.x.stride, lanes), Int<T>(number));
        });
        store(y + ox, best.value, lanes);
        store_taps<T>(tap + ox, best.tap, lanes);
      });
    };
    for_each_in_row<T>(s.x, with_lanes, [&](int64_t ox) { with_lanes(ox, 1); });
  }
}

/// The two columns interleave to what is stored.
template <class T>
void scatter_pairs(const PoolShape& s, const T* dy, const std::uint8_t* tap, T* dx) {
  dx += s.y.start[0] * s.x.in + s.x.start[0];
  for_each_pair<T>(s, [=, row = s.x.in, n = s.x.out]<int kRows>(int64_t oy, int64_t ox, auto lanes) __attribute__((always_inline)) {
    const Lanes<T> g = load(dy + oy * n + ox, lanes);
    const Mask<T> taps = load_taps<T>(tap + oy * n + ox, lanes);
    const int numbers = 2 * lane_count<T>(lanes);
#pragma GCC unroll 2
    for (int ky = 0; ky < kRows; ++ky) {
      const Lanes<T> left = select(taps == broadcast(Int<T>(2 * ky)), g, zeros<T>());
      const Lanes<T> right = select(taps == broadcast(Int<T>(2 * ky + 1)), g, zeros<T>());
      Pair<T>::write(dx + (kRows * oy + ky) * row + 2 * ox, interleave_low(left, right), interleave_high(left, right), numbers);
    }
  });
}

template <class T, class Tap>
void scatter(const PoolShape& s, const T* dy, const Tap* tap, T* dx, bool tiled) {
  if constexpr (sizeof(Tap) == 1)
    if (tiled && are_pairs(s)) return scatter_pairs(s, dy, tap, dx);
  if (tiled)
    for (int64_t oy = 0; oy < s.y.out; ++oy)
      for (int64_t ky = 0; ky < s.y.count[oy]; ++ky) {
        T* const line = dx + (s.y.start[oy] + ky * s.y.step) * s.x.in;
        for (int64_t i = 0; i < s.x.in; ++i) line[i] = 0;
      }
  for_each_window(s, [&](int64_t out, int64_t base, int64_t, int64_t columns) {
    const int64_t ky = tap[out] / columns, kx = tap[out] % columns;
    dx[base + ky * s.y.step * s.x.in + kx * s.x.step] += dy[out];
  });
}

/// Sum of a window, by whole vectors where its columns are neighbours.
template <class T>
T window_sum(const T* window, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  constexpr int L = kLanes<T>;
  if (column == 1 && columns == row) columns *= rows, rows = 1;  // whole rows are one
  Lanes<T> parts[4] = {};
  T sum = 0;
  for (int64_t ky = 0; ky < rows; ++ky, window += row) {
    int64_t kx = 0;
    if (column == 1) {
      for (; kx + 4 * L <= columns; kx += 4 * L)
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) parts[j] += load(window + kx + j * L);
      for (; kx + L <= columns; kx += L) parts[0] += load(window + kx);
    }
    for (; kx < columns; ++kx) sum += window[kx * column];
  }
  return sum + horizontal_sum((parts[0] + parts[1]) + (parts[2] + parts[3]));
}

template <class T>
void average_pairs(const PoolShape& s, const T* x, T scale, T* y) {
  x += s.y.start[0] * s.x.in + s.x.start[0];
  for_each_pair<T>(s, [=, row = s.x.in, n = s.x.out]<int kRows>(int64_t oy, int64_t ox, auto lanes) __attribute__((always_inline)) {
    Lanes<T> left, right;
    const T* const window = x + kRows * oy * row + 2 * ox;
    load_columns(window, lanes, left, right);
    Lanes<T> sum = left + right;
    if (kRows == 2) {
      load_columns(window + row, lanes, left, right);
      sum += left;  // in PyTorch's order
      sum += right;
    }
    store(y + oy * n + ox, sum * scale, lanes);
  });
}

template <class T>
void spread_pairs(const PoolShape& s, const T* dy, T scale, T* dx) {
  dx += s.y.start[0] * s.x.in + s.x.start[0];
  for_each_pair<T>(s, [=, row = s.x.in, n = s.x.out]<int kRows>(int64_t oy, int64_t ox, auto lanes) __attribute__((always_inline)) {
    const Lanes<T> share = load(dy + oy * n + ox, lanes) * scale;
    for (int ky = 0; ky < kRows; ++ky)
      Pair<T>::write(dx + (kRows * oy + ky) * row + 2 * ox, interleave_low(share, share), interleave_high(share, share), 2 * lane_count<T>(lanes));
  });
}

template <class T>
void average(const PoolShape& s, const T* x, const T* scale, T* y, bool pairs) {
  if (pairs) return average_pairs(s, x, scale[0], y);
  const int64_t row = s.y.step * s.x.in, column = s.x.step;
  // Lanes are outputs where there are enough of them, else inputs.
  PoolAxis axis = s.x;
  if (axis.even_end - axis.even_begin < kLanes<T> / 2) axis.even_begin = axis.even_end = 0;
  for (int64_t oy = 0; oy < s.y.out; ++oy, y += axis.out, scale += axis.out) {
    const T* const line = x + s.y.start[oy] * axis.in;
    const int64_t rows = s.y.count[oy];
    const auto with_lanes = [&](int64_t ox, auto lanes) {
      const T* const window = line + axis.start[ox];
      Lanes<T> sum{};
      for (int64_t ky = 0; ky < rows; ++ky)
        for (int64_t kx = 0; kx < axis.count[ox]; ++kx) sum += load_apart(window + ky * row + kx * column, axis.stride, lanes);
      store(y + ox, sum * load(scale + ox, lanes), lanes);
    };
    for_each_in_row<T>(axis, with_lanes,
                       [&](int64_t ox) { y[ox] = window_sum(line + axis.start[ox], rows, axis.count[ox], row, column) * scale[ox]; });
  }
}

template <class T>
void spread(const PoolShape& s, const T* dy, const T* scale, T* dx, bool pairs) {
  if (pairs) return spread_pairs(s, dy, scale[0], dx);
  const int64_t row = s.y.step * s.x.in, column = s.x.step;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    const T share = dy[out] * scale[out];
    for (int64_t ky = 0; ky < rows; ++ky) {
      T* const to = dx + base + ky * row;
      if (column == 1)
        for (int64_t kx = 0; kx < columns; ++kx) to[kx] += share;
      else
        for (int64_t kx = 0; kx < columns; ++kx) to[kx * column] += share;
    }
  });
}

template <class T>
constexpr PoolFamily<T> family() {
  return {max_pool<T, std::uint8_t>,
          max_pool<T, int32_t>,
          scatter<T, std::uint8_t>,
          scatter<T, int32_t>,
          gather<T, std::uint8_t>,
          gather<T, int32_t>,
          average<T>,
          spread<T>};
}

}  // namespace

constinit const Both<PoolFamily> Families::pool_planes{family<float>(), family<double>()};

}  // namespace ember::kernels::EMBER_ISA
