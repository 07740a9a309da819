// Batch norm, ReLU and max pooling by 2 x 2 in one pass over channels-last images, forward and back.
#include "kernels/families.isa.h"
#include "kernels/norm/passes.isa.h"
#include "kernels/pool/windows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// The pixels of a window, by their tap.
struct Window {
  int64_t place[4];
  Window(int64_t width, int64_t channels) : place{0, channels, width * channels, (width + 1) * channels} {}
};

template <class T>
void affine(int64_t width, int64_t channels, const T* x, const T* scale, const T* shift, bool with_relu, T* y) {
  const Window window(width, channels);
  for_each_lanes<T>(channels, [&](int64_t c, auto lanes) {
    const Lanes<T> a = load(scale + c, lanes), b = load(shift + c, lanes);
    const T* from = x + c;
    for (int64_t i = 0; i < width / 2; ++i, from += 2 * channels) {
      Lanes<T> largest;
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        Lanes<T> v = fma(load(from + window.place[k], lanes), a, b);
        if (with_relu) v = relu(v);
        largest = k == 0 ? v : select((v > largest) | is_nan(v), v, largest);
      }
      store(y + i * channels + c, largest, lanes);
    }
  });
}

template <class T>
void affine_taps(int64_t width, int64_t channels, const T* x, const T* scale, const T* shift, T* y, std::uint8_t* taps) {
  const Window window(width, channels);
  for_each_lanes<T>(channels, [&](int64_t c, auto lanes) {
    const Lanes<T> a = load(scale + c, lanes), b = load(shift + c, lanes);
    const T* from = x + c;
    for (int64_t i = c; i < width / 2 * channels; i += channels, from += 2 * channels) {
      Largest<T> best{relu(fma(load(from, lanes), a, b))};
#pragma GCC unroll 4
      for (int k = 1; k < 4; ++k) best.offer(relu(fma(load(from + window.place[k], lanes), a, b)), k);
      store(y + i, best.value, lanes);
      store_taps<T>(taps + i, best.tap, lanes);
    }
  });
}

template <class T>
void gradient(int64_t width, int64_t channels, const T* x, const T* dy, const std::uint8_t* taps, const T* mean, const T* scale, const T* shift,
              const T* slope, const T* offset, T* dx, bool stream_it) {
  const Window window(width, channels);
  stream_it = stream_it && can_stream(dx, channels);
  constexpr int64_t kAtOnce = 8;  // windows, so that memory is passed in order
  for (int64_t left = width / 2; left >= 0; left -= kAtOnce) {
    const int64_t n = left < kAtOnce ? left : kAtOnce;
    for_each_lanes<T>(channels, [&](int64_t c, auto lanes) {
      const Lanes<T> m = load(mean + c, lanes), a = load(scale + c, lanes), b = load(shift + c, lanes);
      const Lanes<T> u = load(slope + c, lanes), w = load(offset + c, lanes);
      const auto write = [&](int64_t at, Lanes<T> value, Lanes<T> g) { put(dx + at, fma(g, a, fma(value - m, u, w)), lanes, stream_it); };
      int64_t at = c;
      for (int64_t i = c; i < n * channels; i += channels, at += 2 * channels) {
        const Mask<T> tap = load_taps<T>(taps + i, lanes);
        const Lanes<T> upstream = load(dy + i, lanes);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const Lanes<T> value = load(x + at + window.place[k], lanes);
          write(at + window.place[k], value, select(tap == broadcast(Int<T>(k)), through_relu(upstream, fma(value, a, b)), zeros<T>()));
        }
      }
      if (left < kAtOnce && width % 2)
        for (const int64_t k : {0, 2}) write(at + window.place[k], load(x + at + window.place[k], lanes), zeros<T>());
    });
    x += 2 * n * channels, dx += 2 * n * channels;
    dy += n * channels, taps += n * channels;
  }
  if (stream_it) stream_fence();
}

template <class T>
constexpr WindowNormLoops<T> loops{affine<T>, affine_taps<T>, gradient<T>};

}  // namespace

constinit const Both<WindowNormLoops> Families::window_norm{loops<float>, loops<double>};

}  // namespace ember::kernels::EMBER_ISA
