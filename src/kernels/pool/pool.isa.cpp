// Pooling with the channels innermost: the lanes are channels, so that a window is a few whole vectors.
#include "kernels/families.isa.h"
#include "kernels/pool/windows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T, class Tap>
void max_pool(const PoolShape& s, const T* x, T* y, Tap* tap) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    const T* const window = x + base * s.c;
    with_window(rows, columns, [&](auto taps) {
      for_each_lanes<T>(s.c, [&](int64_t c, auto lanes) {
        Largest<T> best{load(window + c, lanes)};
        taps.for_each_tap([&](int64_t ky, int64_t kx, int number) {
          if (number > 0) best.offer(load(window + ky * row + kx * column + c, lanes), Int<T>(number));
        });
        store(y + out * s.c + c, best.value, lanes);
        store_taps<T>(tap + out * s.c + c, best.tap, lanes);
      });
    });
  });
}

template <class T, class Tap, bool kTiled>
void scatter_loop(const PoolShape& s, const T* dy, const Tap* tap, T* dx) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    T* const window = dx + base * s.c;
    with_window(rows, columns, [&](auto taps) {
      for_each_lanes<T>(s.c, [&](int64_t c, auto lanes) {
        const Lanes<T> g = load(dy + out * s.c + c, lanes);
        const Mask<T> taken = load_taps<T>(tap + out * s.c + c, lanes);
        taps.for_each_tap([&](int64_t ky, int64_t kx, int number) {
          T* const to = window + ky * row + kx * column + c;
          const Lanes<T> mine = select(taken == broadcast(Int<T>(number)), g, zeros<T>());
          store(to, kTiled ? mine : load(to, lanes) + mine, lanes);
        });
      });
    });
  });
}
template <class T, class Tap>
void scatter(const PoolShape& s, const T* dy, const Tap* tap, T* dx, bool tiled) {
  tiled ? scatter_loop<T, Tap, true>(s, dy, tap, dx) : scatter_loop<T, Tap, false>(s, dy, tap, dx);
}

template <class T>
void average(const PoolShape& s, const T* x, const T* scale, T* y, bool) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    const T* const window = x + base * s.c;
    const Lanes<T> by = broadcast(scale[out]);
    for_each_lanes<T>(s.c, [&](int64_t c, auto lanes) {
      Lanes<T> sum{};
      for (int64_t ky = 0; ky < rows; ++ky)
        for (int64_t kx = 0; kx < columns; ++kx) sum += load(window + ky * row + kx * column + c, lanes);
      store(y + out * s.c + c, sum * by, lanes);
    });
  });
}

template <class T>
void spread(const PoolShape& s, const T* dy, const T* scale, T* dx, bool) {
  const int64_t row = s.y.step * s.x.in * s.c, column = s.x.step * s.c;
  for_each_window(s, [&](int64_t out, int64_t base, int64_t rows, int64_t columns) {
    T* const window = dx + base * s.c;
    const Lanes<T> by = broadcast(scale[out]);
    for_each_lanes<T>(s.c, [&](int64_t c, auto lanes) {
      const Lanes<T> share = load(dy + out * s.c + c, lanes) * by;
      for (int64_t ky = 0; ky < rows; ++ky)
        for (int64_t kx = 0; kx < columns; ++kx) {
          T* const to = window + ky * row + kx * column + c;
          store(to, load(to, lanes) + share, lanes);
        }
    });
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

constinit const Both<PoolFamily> Families::pool{family<float>(), family<double>()};

}  // namespace ember::kernels::EMBER_ISA
