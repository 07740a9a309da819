// The transforms of Winograd's convolution: small fixed matrices applied to the rows and the columns of a tile, one vector of channels
// at a time. See kernels/winograd.h for what they are for.

#include "kernels/winograd.h"

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {
namespace {

using V = FloatLanes;

/// F(2, 3): interpolation at 0, 1, -1 and infinity. The matrices as Lavin & Gray give them; `_transposed` is the way back.
struct Two {
  static constexpr int outputs = 2, patch = 4;

  EMBER_INLINE void input(const V* d, V* o) {
    o[0] = d[0] - d[2];
    o[1] = d[1] + d[2];
    o[2] = d[2] - d[1];
    o[3] = d[1] - d[3];
  }
  EMBER_INLINE void output(const V* m, V* o) {
    o[0] = m[0] + m[1] + m[2];
    o[1] = m[1] - m[2] - m[3];
  }
  EMBER_INLINE void output_transposed(const V* y, V* o) {
    o[0] = y[0];
    o[1] = y[0] + y[1];
    o[2] = y[0] - y[1];
    o[3] = -y[1];
  }
  EMBER_INLINE void weights(const V* g, V* o) {
    const V even = (g[0] + g[2]) * 0.5f, odd = g[1] * 0.5f;
    o[0] = g[0];
    o[1] = even + odd;
    o[2] = even - odd;
    o[3] = g[2];
  }
  EMBER_INLINE void weights_transposed(const V* u, V* o) {
    const V even = (u[1] + u[2]) * 0.5f;
    o[0] = u[0] + even;
    o[1] = (u[1] - u[2]) * 0.5f;
    o[2] = even + u[3];
  }
};

/// F(4, 3): interpolation at 0, ±p, ±q and infinity. p = sqrt(1/2) and q = sqrt(2) round half as much as the usual 1 and 2.
struct Four {
  static constexpr int outputs = 4, patch = 6;
  static constexpr float p = 0.70710678118654752f, q = 1.41421356237309505f;
  static constexpr float p2 = 0.5f, q2 = 2.0f, p3 = p * p2, q3 = q * q2;
  static constexpr float at_0 = 1 / (p2 * q2), at_p = 1 / (2 * p2 * (p2 - q2)), at_q = 1 / (2 * q2 * (q2 - p2));  // Lagrange's weights

  EMBER_INLINE void input(const V* d, V* o) {
    const V even_p = d[4] - q2 * d[2], odd_p = p * (d[3] - q2 * d[1]);
    const V even_q = d[4] - p2 * d[2], odd_q = q * (d[3] - p2 * d[1]);
    o[0] = (p2 * q2) * d[0] - (p2 + q2) * d[2] + d[4];
    o[1] = even_p + odd_p;
    o[2] = even_p - odd_p;
    o[3] = even_q + odd_q;
    o[4] = even_q - odd_q;
    o[5] = (p2 * q2) * d[1] - (p2 + q2) * d[3] + d[5];
  }
  EMBER_INLINE void output(const V* m, V* o) {
    const V even_p = m[1] + m[2], odd_p = m[1] - m[2], even_q = m[3] + m[4], odd_q = m[3] - m[4];
    o[0] = m[0] + even_p + even_q;
    o[1] = p * odd_p + q * odd_q;
    o[2] = p2 * even_p + q2 * even_q;
    o[3] = p3 * odd_p + q3 * odd_q + m[5];
  }
  EMBER_INLINE void output_transposed(const V* y, V* o) {
    const V even_p = y[0] + p2 * y[2], odd_p = p * y[1] + p3 * y[3], even_q = y[0] + q2 * y[2], odd_q = q * y[1] + q3 * y[3];
    o[0] = y[0];
    o[1] = even_p + odd_p;
    o[2] = even_p - odd_p;
    o[3] = even_q + odd_q;
    o[4] = even_q - odd_q;
    o[5] = y[3];
  }
  EMBER_INLINE void weights(const V* g, V* o) {
    const V even_p = at_p * (g[0] + p2 * g[2]), odd_p = (at_p * p) * g[1];
    const V even_q = at_q * (g[0] + q2 * g[2]), odd_q = (at_q * q) * g[1];
    o[0] = at_0 * g[0];
    o[1] = even_p + odd_p;
    o[2] = even_p - odd_p;
    o[3] = even_q + odd_q;
    o[4] = even_q - odd_q;
    o[5] = g[2];
  }
  EMBER_INLINE void weights_transposed(const V* u, V* o) {
    const V even_p = at_p * (u[1] + u[2]), odd_p = (at_p * p) * (u[1] - u[2]);
    const V even_q = at_q * (u[3] + u[4]), odd_q = (at_q * q) * (u[3] - u[4]);
    o[0] = at_0 * u[0] + even_p + even_q;
    o[1] = odd_p + odd_q;
    o[2] = p2 * even_p + q2 * even_q + u[5];
  }
};

/// The one-dimensional transform of `kIn` to `kOut` vectors applied to all columns, then to all rows of a square.
template <int kIn, int kOut, class Transform, class Load, class Store>
EMBER_INLINE void on_both_sides(Transform transform, Load load_at, Store store_at) {
  V half[kOut][kIn];
#pragma GCC unroll 8
  for (int c = 0; c < kIn; ++c) {
    V column[kIn], out[kOut];
#pragma GCC unroll 8
    for (int r = 0; r < kIn; ++r) column[r] = load_at(r, c);
    transform(column, out);
#pragma GCC unroll 8
    for (int r = 0; r < kOut; ++r) half[r][c] = out[r];
  }
#pragma GCC unroll 8
  for (int r = 0; r < kOut; ++r) {
    V out[kOut];
    transform(half[r], out);
#pragma GCC unroll 8
    for (int c = 0; c < kOut; ++c) store_at(r, c, out[c]);
  }
}

/// Which rows or columns of a patch that begins at `first` lie within [0, size).
template <int kPatch>
EMBER_INLINE unsigned inside(int64_t first, int64_t size) {
  unsigned bits = 0;
  for (int i = 0; i < kPatch; ++i) bits |= unsigned(first + i >= 0 && first + i < size) << i;
  return bits;
}

/// Transforms a kPatch x kPatch square of pixels of an image, zeros around it, for all channels.
template <int kPatch, int kOut, class Transform>
EMBER_INLINE void transform_patch(const WinogradImages& s, const float* image, int64_t y, int64_t x, Transform transform, float* out,
                                  int64_t plane) {
  const float* corner = image + (y * s.w + x) * s.c;
  const int64_t row = s.w * s.c;
  if (y >= 0 && x >= 0 && y + kPatch <= s.h && x + kPatch <= s.w) {
    for_each_lanes<float>(s.c, [&](int64_t c, auto lanes) __attribute__((always_inline)) {
      on_both_sides<kPatch, kOut>(
          transform, [&](int i, int j) __attribute__((always_inline)) { return load(corner + i * row + j * s.c + c, lanes); },
          [&](int i, int j, V v) __attribute__((always_inline)) { store(out + (i * kOut + j) * plane + c, v, lanes); });
    });
    return;
  }
  const unsigned rows = inside<kPatch>(y, s.h), columns = inside<kPatch>(x, s.w);
  for (int64_t c = 0; c < s.c; c += kLanes<float>) {
    const int lanes = int(s.c - c < kLanes<float> ? s.c - c : kLanes<float>);
    on_both_sides<kPatch, kOut>(
        transform,
        [&](int i, int j) __attribute__((always_inline)) {
          return load(corner + i * row + j * s.c + c, rows >> i & columns >> j & 1 ? lanes : 0);
        },
        [&](int i, int j, V v) __attribute__((always_inline)) { store(out + (i * kOut + j) * plane + c, v, lanes); });
  }
}

template <class F>
void input(const WinogradImages& s, const float* x, int64_t top, int64_t left, const WinogradTile* tiles, int64_t count,
           const WinogradTiles& out) {
  for (int64_t i = 0; i < count; ++i)
    transform_patch<F::patch, F::patch>(
        s, x + tiles[i].image * s.h * s.w * s.c, tiles[i].y - top, tiles[i].x - left,
        [](const V* d, V* o) __attribute__((always_inline)) { F::input(d, o); }, out.data + i * out.row, out.plane);
}

template <class F>
void output_gradient(const WinogradImages& s, const float* dy, const WinogradTile* tiles, int64_t count, const WinogradTiles& out) {
  for (int64_t i = 0; i < count; ++i)
    transform_patch<F::outputs, F::patch>(
        s, dy + tiles[i].image * s.h * s.w * s.c, tiles[i].y, tiles[i].x,
        [](const V* d, V* o) __attribute__((always_inline)) { F::output_transposed(d, o); }, out.data + i * out.row, out.plane);
}

/// As the elementwise ReLU: 0 for -0, NaN stays.
EMBER_INLINE V relu(V v) { return select(v <= V{}, V{}, v); }

template <class F>
void output(const WinogradTiles& products, const WinogradTile* tiles, int64_t count, const ConvEpilogue<float>& e, const WinogradImages& s,
            int64_t begin, int64_t end, float* y) {
  constexpr int m = F::outputs;
  const int64_t row = s.w * s.c;
  for (int64_t i = 0; i < count; ++i) {
    const WinogradTile& t = tiles[i];
    const float* from = products.data + i * products.row;
    const int64_t at = ((t.image * s.h + t.y) * s.w + t.x) * s.c + begin, rows = s.h - t.y, columns = s.w - t.x;
    const bool whole = rows >= m && columns >= m;
    if (e.pool && !whole) continue;
    const int64_t window = ((t.image * (s.h / 2) + t.y / 2) * (s.w / 2) + t.x / 2) * s.c + begin;  // m is 2 then
    for_each_lanes<float>(end - begin, [&](int64_t c, auto lanes) __attribute__((always_inline)) {
      const V bias = e.bias ? load(e.bias + begin + c, lanes) : zeros<float>();
      const V scale = e.scale ? load(e.scale + begin + c, lanes) : zeros<float>(), shift = e.scale ? load(e.shift + begin + c, lanes) : zeros<float>();
      V largest = zeros<float>();
      on_both_sides<F::patch, m>(
          [](const V* d, V* o) __attribute__((always_inline)) { F::output(d, o); },
          [&](int a, int b) __attribute__((always_inline)) { return load(from + (a * F::patch + b) * products.plane + c, lanes); },
          [&](int a, int b, V v) __attribute__((always_inline)) {
            if (!whole && (a >= rows || b >= columns)) return;
            const int64_t pixel = at + a * row + b * s.c + c;
            v += bias;
            if (e.scale) v = fma(v, scale, shift);
            if (e.addend) v += load(e.addend + pixel, lanes);
            if (e.relu) v = relu(v);
            if (e.pool) largest = a + b == 0 ? v : select((v > largest) | is_nan(v), v, largest);
            else store(y + pixel, v, lanes);
          });
      if (e.pool) store(y + window + c, largest, lanes);
    });
  }
}

template <class F>
void weights(const float* taps, int64_t output, int64_t begin, int64_t end, const WinogradWeights& out) {
  float* to = out.at(0, begin, output);
  for (int64_t i = begin; i < end; ++i, taps += 9 * kLanes<float>, to += out.wide)
    on_both_sides<3, F::patch>(
        [](const V* g, V* u) __attribute__((always_inline)) { F::weights(g, u); },
        [&](int a, int b) __attribute__((always_inline)) { return load(taps + (a * 3 + b) * kLanes<float>); },
        [&](int a, int b, V v) __attribute__((always_inline)) { store(to + (a * F::patch + b) * out.plane, v); });
}

template <class F>
void weight_gradient(const WinogradWeights& u, int64_t parts, int64_t part_stride, int64_t begin, int64_t end, const Taps<float>& taps) {
  const int64_t tap = taps.inputs * taps.wide;
  for (int64_t o = 0; o < u.outputs; o += kLanes<float>)
    for (int64_t i = begin; i < end; ++i) {
      const float* from = u.at(0, i, o);
      float* to = taps.at(0, i, o);
      on_both_sides<F::patch, 3>(
          [](const V* g, V* t) __attribute__((always_inline)) { F::weights_transposed(g, t); },
          [&](int a, int b) __attribute__((always_inline)) {
            const float* element = from + (a * F::patch + b) * u.plane;
            V sum = load(element);
            for (int64_t part = 1; part < parts; ++part) sum += load(element + part * part_stride);
            return sum;
          },
          [&](int a, int b, V v) __attribute__((always_inline)) { store(to + (a * 3 + b) * tap, v); });
    }
}

constexpr int kThinTiles = 8;

/// A row of elements of some tiles: m = sum over inputs of v * u. Elements lie kThinTiles tiles apart in v and m.
template <int kElements, int kTiles>
EMBER_INLINE void thin_products(int64_t inputs, const float* v, const float* u, int64_t u_plane, int64_t u_row, float* m) {
  V sum[kTiles][kElements];
#pragma GCC unroll 8
  for (int t = 0; t < kTiles; ++t)
#pragma GCC unroll 8
    for (int e = 0; e < kElements; ++e) sum[t][e] = zeros<float>();
  for (int64_t k = 0; k < inputs; ++k, ++v, u += u_row) {
#pragma GCC unroll 8
    for (int e = 0; e < kElements; ++e) {
      const V weight = load(u + e * u_plane);
#pragma GCC unroll 8
      for (int t = 0; t < kTiles; ++t) sum[t][e] = fma(broadcast(v[(e * kThinTiles + t) * kThinInputs]), weight, sum[t][e]);
    }
  }
#pragma GCC unroll 8
  for (int e = 0; e < kElements; ++e)
#pragma GCC unroll 8
    for (int t = 0; t < kTiles; ++t) store(m + (e * kThinTiles + t) * kLanes<float>, sum[t][e]);
}

/// Fetches the pixels of a tile that the one to its left did not touch, and the ones that are written.
template <class F>
EMBER_INLINE void fetch(const WinogradImages& s, const float* image, int64_t y, int64_t x, int rows, int64_t column, bool writes) {
  const float* p = image + (y * s.w + x + column) * s.c;
  for (int r = 0; r < rows; ++r, p += s.w * s.c)
    for (int64_t i = 0; i < F::outputs * s.c; i += 16) writes ? __builtin_prefetch(p + i, 1) : __builtin_prefetch(p + i);
}

template <class F>
void thin(const WinogradImages& in, const float* x, int64_t top, int64_t left, const WinogradTile* tiles, int64_t count,
          const WinogradWeights& u, const ConvEpilogue<float>& epilogue, const WinogradImages& out, float* y, bool fetches) {
  constexpr int L = kLanes<float>, patch = F::patch, elements = patch * patch;
  constexpr int at_once = kLaneBytes == 64 ? 4 : patch == 4 ? 2 : 1;  // tiles whose sums fit the registers
  alignas(64) float v[elements * kThinTiles * kThinInputs] = {}, m[elements * kThinTiles * L];
  for (int64_t first = 0; first < count; first += kThinTiles) {
    const int64_t n = count - first < kThinTiles ? count - first : kThinTiles;
    input<F>(in, x, top, left, tiles + first, n, {v, kThinInputs, kThinTiles * kThinInputs});
    for (int64_t o = 0; o < out.c; o += L) {
      for (int row = 0; row < patch; ++row) {
        for (int64_t i = first + row * kThinTiles / patch; fetches && o == 0 && i < first + (row + 1) * kThinTiles / patch; ++i) {
          if (i < count && !epilogue.pool) fetch<F>(out, y + tiles[i].image * out.h * out.w * out.c, tiles[i].y, tiles[i].x, F::outputs, 0, true);
          if (i + kThinTiles >= count) continue;
          const WinogradTile& next = tiles[i + kThinTiles];
          fetch<F>(in, x + next.image * in.h * in.w * in.c, next.y - top, next.x - left, patch, patch - F::outputs, false);
        }
        for (int64_t t = 0; t < n; t += at_once)
          thin_products<patch, at_once>(in.c, v + (row * patch * kThinTiles + t) * kThinInputs, u.at(row * patch, 0, o), u.plane, u.wide,
                                        m + (row * patch * kThinTiles + t) * L);
      }
      output<F>({m, L, kThinTiles * L}, tiles + first, n, epilogue, out, o, o + L < out.c ? o + L : out.c, y);
    }
  }
}

template <class F>
constexpr WinogradFamily family{F::outputs, thin<F>, input<F>, output<F>, output_gradient<F>, weights<F>, weight_gradient<F>};

}  // namespace

extern const WinogradKernels winograd_kernels;
constinit const WinogradKernels winograd_kernels{family<Two>, family<Four>};

}  // namespace ember::kernels::EMBER_ISA
