#include "kernels/pool.h"

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// body(output position, base of the window, its rows, its columns) for every output position.
template <class Body>
EMBER_INLINE void for_each_window(const PoolShape& s, Body body) {
  for (int64_t oy = 0; oy < s.y.out; ++oy)
    for (int64_t ox = 0; ox < s.x.out; ++ox)
      body(oy * s.x.out + ox, s.y.start[oy] * s.x.in + s.x.start[ox], s.y.count[oy], s.x.count[ox]);
}

template <class T, class Tap>
void max_pool(const PoolShape& s, const T* x, T* y, Tap* tap) {
  constexpr int kStrip = 64;
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    for (int64_t c0 = 0; c0 < s.c; c0 += kStrip) {
      const int width = int(s.c - c0 < kStrip ? s.c - c0 : kStrip);
      const T* window = x + base * s.c + c0;
      T best[kStrip];
      Int<T> where[kStrip];
      for (int i = 0; i < width; ++i) best[i] = window[i], where[i] = 0;
      Int<T> number = 0;
      for (int64_t ky = 0; ky < rows; ++ky)
        for (int64_t kx = 0; kx < columns; ++kx, ++number) {
          if (number == 0) continue;
          const T* v = window + ky * row + kx * column;
          for (int i = 0; i < width; ++i) {
            const bool takes = (v[i] > best[i]) | (v[i] != v[i]);
            best[i] = takes ? v[i] : best[i];
            where[i] = takes ? number : where[i];
          }
        }
      T* to = y + out * s.c + c0;
      Tap* taps = tap + out * s.c + c0;
      for (int i = 0; i < width; ++i) to[i] = best[i];
      for (int i = 0; i < width; ++i) taps[i] = Tap(where[i]);
    }
  });
}

template <class T, class Tap>
void scatter(const PoolShape& s, const T* dy, const Tap* tap, T* dx) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    const T* from = dy + out * s.c;
    const Tap* taps = tap + out * s.c;
    int number = 0;
    for (int64_t ky = 0; ky < rows; ++ky)
      for (int64_t kx = 0; kx < columns; ++kx, ++number) {
        T* to = dx + base * s.c + ky * row + kx * column;
#pragma GCC ivdep
        for (int64_t c = 0; c < s.c; ++c) to[c] += int(taps[c]) == number ? from[c] : T(0);
      }
  });
}

template <class T, class Tap>
void gather(const PoolShape& s, const T* x, const Tap* tap, T* y) {
  for_each_window(s, [&](int64_t out, int64_t base, int64_t, int64_t columns) {
    for (int64_t c = 0; c < s.c; ++c) {
      const int64_t number = tap[out * s.c + c], ky = number / columns, kx = number % columns;
      y[out * s.c + c] = x[(base + ky * s.y.step * s.x.in + kx * s.x.step) * s.c + c];
    }
  });
}

template <class T>
void average(const PoolShape& s, const T* x, const T* scale, T* y) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    T* to = y + out * s.c;
    for (int64_t c = 0; c < s.c; ++c) to[c] = 0;
    for (int64_t ky = 0; ky < rows; ++ky)
      for (int64_t kx = 0; kx < columns; ++kx) {
        const T* v = x + base * s.c + ky * row + kx * column;
#pragma GCC ivdep
        for (int64_t c = 0; c < s.c; ++c) to[c] += v[c];
      }
    const T by = scale[out];
    for (int64_t c = 0; c < s.c; ++c) to[c] *= by;
  });
}

template <class T>
void spread(const PoolShape& s, const T* dy, const T* scale, T* dx) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    const T* from = dy + out * s.c;
    const T by = scale[out];
    for (int64_t ky = 0; ky < rows; ++ky)
      for (int64_t kx = 0; kx < columns; ++kx) {
        T* to = dx + base * s.c + ky * row + kx * column;
#pragma GCC ivdep
        for (int64_t c = 0; c < s.c; ++c) to[c] += from[c] * by;
      }
  });
}

template <class T>
constexpr PoolFamily<T> family() {
  return {max_pool<T, std::uint8_t>, max_pool<T, int32_t>, scatter<T, std::uint8_t>, scatter<T, int32_t>,
          gather<T, std::uint8_t>,   gather<T, int32_t>,   average<T>,               spread<T>};
}

}  // namespace

extern const PoolKernels pool_kernels;
constinit const PoolKernels pool_kernels{family<float>(), family<double>()};

}  // namespace ember::kernels::EMBER_ISA
