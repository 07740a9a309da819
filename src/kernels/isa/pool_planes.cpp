// Pooling plane by plane: the lanes are neighbouring outputs of one row, whose inputs lie `stride` apart.
#include "kernels/isa/lane_folds.h"
#include "kernels/isa/pool.h"
#include "kernels/isa/transpose.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// n numbers from p, as two vectors; n <= 2 kLanes<T>.
template <class T>
struct Pair {
  Lanes<T> low, high;
  [[gnu::always_inline]] Pair(const T* p, int n)
      : low(n >= kLanes<T> ? load(p) : load(p, n)),
        high(n == 2 * kLanes<T> ? load(p + kLanes<T>) : n > kLanes<T> ? load(p + kLanes<T>, n - kLanes<T>) : zeros<T>()) {}
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

/// Do the windows lie side by side along x, two columns each?
EMBER_INLINE bool are_pairs(const PoolAxis& x) {
  return x.out > 0 && x.count[0] == 2 && x.step == 1 && x.stride == 2 && x.even_begin == 0 && x.even_end == x.out;
}

/// As for_each_lanes, for bodies that may do an element twice: the last vector overlaps the one before instead of being cut.
template <class T, class Body>
EMBER_INLINE void for_overlapping_lanes(int64_t n, Body body) {
  if (n < kLanes<T>) return body(int64_t(0), int(n));
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) body(i, AllLanes{});
  if (i < n) body(n - kLanes<T>, AllLanes{});
}

/// Pairs: even and odd numbers of each row are the left and right column.
template <class T>
void max_pool_pairs(const PoolShape& s, const T* x, T* y, std::uint8_t* tap) {
  for (int64_t oy = 0; oy < s.y.out; ++oy, y += s.x.out, tap += s.x.out) {
    const T* const line = x + s.y.start[oy] * s.x.in + s.x.start[0];
    if (s.y.count[oy] == 0) continue;
    for_overlapping_lanes<T>(s.x.out, [&](int64_t ox, auto lanes) {
      const int numbers = 2 * lane_count<T>(lanes);
      const Pair<T> first(line + 2 * ox, numbers);
      Largest<T> best{every_second<0, T>(first.low, first.high)};
      best.offer(every_second<1, T>(first.low, first.high), 1);
      for (int ky = 1; ky < s.y.count[oy]; ++ky) {
        const Pair<T> pair(line + ky * s.y.step * s.x.in + 2 * ox, numbers);
        best.offer(every_second<0, T>(pair.low, pair.high), Int<T>(2 * ky));
        best.offer(every_second<1, T>(pair.low, pair.high), Int<T>(2 * ky + 1));
      }
      store(y + ox, best.value, lanes);
      store_taps<T>(tap + ox, best.tap, lanes);
    });
  }
}

template <class T, class Tap>
void max_pool(const PoolShape& s, const T* x, T* y, Tap* tap) {
  if constexpr (sizeof(Tap) == 1)
    if (are_pairs(s.x)) return max_pool_pairs(s, x, y, tap);
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

/// Windows of two columns that lie side by side: the two halves of each row of dx interleave to what is stored.
template <class T>
void scatter_pairs(const PoolShape& s, const T* dy, const std::uint8_t* tap, T* dx) {
  constexpr int L = kLanes<T>;
  for (int64_t oy = 0; oy < s.y.out; ++oy, dy += s.x.out, tap += s.x.out) {
    T* const line = dx + s.y.start[oy] * s.x.in + s.x.start[0];
    for_overlapping_lanes<T>(s.x.out, [&](int64_t ox, auto lanes) {
      const Lanes<T> g = load(dy + ox, lanes);
      const Mask<T> taps = load_taps<T>(tap + ox, lanes);
      const int numbers = 2 * lane_count<T>(lanes);
      for (int ky = 0; ky < s.y.count[oy]; ++ky) {
        const Lanes<T> left = select(taps == broadcast(Int<T>(2 * ky)), g, zeros<T>());
        const Lanes<T> right = select(taps == broadcast(Int<T>(2 * ky + 1)), g, zeros<T>());
        T* const to = line + ky * s.y.step * s.x.in + 2 * ox;
        const Lanes<T> low = interleave_low(left, right), high = interleave_high(left, right);
        if (numbers == 2 * L) {
          store(to, low);
          store(to + L, high);
        } else {
          store(to, low, numbers < L ? numbers : L);
          if (numbers > L) store(to + L, high, numbers - L);
        }
      }
    });
  }
}

template <class T, class Tap>
void scatter(const PoolShape& s, const T* dy, const Tap* tap, T* dx, bool tiled) {
  if constexpr (sizeof(Tap) == 1)
    if (tiled && are_pairs(s.x)) return scatter_pairs(s, dy, tap, dx);
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

/// Sum of the window at `line`, by whole vectors where its columns are neighbours.
template <class T>
T window_sum(const T* window, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  Lanes<T> parts{};
  T sum = 0;
  for (int64_t ky = 0; ky < rows; ++ky, window += row) {
    int64_t kx = 0;
    if (column == 1)
      for (; kx + kLanes<T> <= columns; kx += kLanes<T>) parts += load(window + kx);
    for (; kx < columns; ++kx) sum += window[kx * column];
  }
  return sum + horizontal_sum(parts);
}

template <class T>
void average(const PoolShape& s, const T* x, const T* scale, T* y) {
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
void spread(const PoolShape& s, const T* dy, const T* scale, T* dx) {
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
  return {max_pool<T, std::uint8_t>, max_pool<T, int32_t>, scatter<T, std::uint8_t>, scatter<T, int32_t>,
          gather<T, std::uint8_t>,   gather<T, int32_t>,   average<T>,               spread<T>};
}

}  // namespace

extern const PoolFamily<float> pool_planes_float;
extern const PoolFamily<double> pool_planes_double;
constinit const PoolFamily<float> pool_planes_float = family<float>();
constinit const PoolFamily<double> pool_planes_double = family<double>();

}  // namespace ember::kernels::EMBER_ISA
