// What pooling with the channels innermost (pool.cpp) and plane by plane (pool_planes.cpp) have in common.
#pragma once

#include <utility>

#include "kernels/lanes/bytes.h"
#include "kernels/pool/pool.h"

namespace ember::kernels::EMBER_ISA {

/// body(output position, base of the window, its rows, its columns) for every output position whose window is not empty.
template <class Body>
EMBER_INLINE void for_each_window(const PoolShape& s, Body body) {
  for (int64_t oy = 0; oy < s.y.out; ++oy)
    for (int64_t ox = 0; ox < s.x.out; ++ox)
      if (s.y.count[oy] > 0 && s.x.count[ox] > 0) body(oy * s.x.out + ox, s.y.start[oy] * s.x.in + s.x.start[ox], s.y.count[oy], s.x.count[ox]);
}

/// The size of a window, known to the compiler for the windows that most networks have.
template <int kRows, int kColumns>
struct FixedWindow {
  /// body(row, column, number of the tap), unrolled.
  template <class Body>
  [[gnu::always_inline]] void for_each_tap(Body body) const {
    each(body, std::make_integer_sequence<int, kRows * kColumns>{});
  }

 private:
  template <class Body, int... number>
  [[gnu::always_inline]] void each(Body body, std::integer_sequence<int, number...>) const {
    (body(number / kColumns, number % kColumns, number), ...);
  }
};
struct AnyWindow {
  int64_t rows, columns;
  template <class Body>
  [[gnu::always_inline]] void for_each_tap(Body body) const {
    int number = 0;
    for (int64_t ky = 0; ky < rows; ++ky)
      for (int64_t kx = 0; kx < columns; ++kx) body(ky, kx, number++);
  }
};
template <class Body>
EMBER_INLINE void with_window(int64_t rows, int64_t columns, Body body) {
  if (rows == 2 && columns == 2) body(FixedWindow<2, 2>{});
  else if (rows == 3 && columns == 3) body(FixedWindow<3, 3>{});
  else body(AnyWindow{rows, columns});
}

template <class T, class LaneCount>
EMBER_INLINE Mask<T> load_taps(const std::uint8_t* p, LaneCount lanes) {
  return load_bytes<T>(p, lanes);
}
template <class T, class LaneCount>
EMBER_INLINE void store_taps(std::uint8_t* p, Mask<T> taps, LaneCount lanes) {
  store_bytes<T>(p, taps, lanes);
}
template <class T, class LaneCount>
EMBER_INLINE Mask<T> load_taps(const int32_t* p, LaneCount lanes) {
  Mask<T> taps{};
  for (int i = 0; i < lane_count<T>(lanes); ++i) taps[i] = p[i];
  return taps;
}
template <class T, class LaneCount>
EMBER_INLINE void store_taps(int32_t* p, Mask<T> taps, LaneCount lanes) {
  for (int i = 0; i < lane_count<T>(lanes); ++i) p[i] = int32_t(taps[i]);
}

/// The running maximum of a window, and the number of the tap that it came from.
template <class T>
struct Largest {
  Lanes<T> value;
  Mask<T> tap{};

  [[gnu::always_inline]] void offer(Lanes<T> v, Int<T> number) {
    const auto takes = (v > value) | is_nan(v);
    value = select(takes, v, value);
    tap = select(takes, broadcast(number), tap);
  }
};

/// The elements at the taps of one image. Works for either layout.
template <class T, class Tap>
static void gather(const PoolShape& s, const T* x, const Tap* tap, T* y) {
  for_each_window(s, [&](int64_t out, int64_t base, int64_t, int64_t columns) {
    for (int64_t c = 0; c < s.c; ++c) {
      const int64_t number = tap[out * s.c + c], ky = number / columns, kx = number % columns;
      y[out * s.c + c] = x[(base + ky * s.y.step * s.x.in + kx * s.x.step) * s.c + c];
    }
  });
}

}  // namespace ember::kernels::EMBER_ISA
