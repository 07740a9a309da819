// The transforms of Winograd's convolution: small fixed matrices applied to the rows and the columns of a tile, one vector of channels
// at a time. See winograd_loops.h for what they are for.

#include "kernels/conv/winograd_loops.h"

#include <utility>

#include "kernels/families.isa.h"
#include "kernels/lanes/lanes.h"

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

/// Row kRow of T d T^T for the squares d of kIn x kIn pixels, kStep from tile to tile, whose first pixel is (y - top, x - left). Neighbours
/// share kIn - kStep columns, which are transformed once.
template <int kRow, int kIn, int kOut, int kStep, class T>
EMBER_INLINE void transform_row(WinogradPixels s, int64_t top, int64_t left, const WinogradRuns& runs, WinogradTiles out, T transform) {
  constexpr int kShared = kIn - kStep;
  for (const WinogradRun& t : runs) {
    const float* rows[kIn];
#pragma GCC unroll 8
    for (int r = 0; r < kIn; ++r) {
      const int64_t y = t.y - top + r;
      rows[r] = y >= 0 && y < s.h ? s.data + (t.image * s.h + y) * s.w * s.c : s.zeros;
    }
    const int64_t count = t.count, first = t.x - left;
    for_each_lanes<float>(s.c, [&](int64_t c, auto lanes) __attribute__((always_inline)) {
      const auto column = [&](int64_t x) __attribute__((always_inline)) {
        V d[kIn], o[kOut];
#pragma GCC unroll 8
        for (int r = 0; r < kIn; ++r) d[r] = load(rows[r] + x * s.c + c, lanes);
        transform(d, o);
        return o[kRow];
      };
      const auto column_or_zero = [&](int64_t x) __attribute__((always_inline)) { return x >= 0 && x < s.w ? column(x) : zeros<float>(); };
      float* to = out.data + c / kWinogradBlock * out.block + c % kWinogradBlock;
      V d[kIn], o[kOut];
#pragma GCC unroll 8
      for (int j = 0; j < kShared; ++j) d[j] = column_or_zero(first + j);
      int64_t x = first + kShared;
      for (int64_t k = 0; k < count; ++k, x += kStep, to += out.row) {
        if (x >= 0 && x + kStep <= s.w) {
#pragma GCC unroll 8
          for (int j = 0; j < kStep; ++j) d[kShared + j] = column(x + j);
        } else {
#pragma GCC unroll 8
          for (int j = 0; j < kStep; ++j) d[kShared + j] = column_or_zero(x + j);
        }
        transform(d, o);
#pragma GCC unroll 8
        for (int e = 0; e < kOut; ++e) store(to + e * out.plane, o[e]);
#pragma GCC unroll 8
        for (int j = 0; j < kShared; ++j) d[j] = d[j + kStep];
      }
    });
    out.data += count * out.row;
  }
}

template <class F, int kRow>
void input(const WinogradPixels& x, int64_t top, int64_t left, const WinogradRuns& runs, const WinogradTiles& out) {
  transform_row<kRow, F::patch, F::patch, F::outputs>(x, top, left, runs, out,
                                                      [](const V* d, V* o) __attribute__((always_inline)) { F::input(d, o); });
}

template <class F, int kRow>
void output_gradient(const WinogradPixels& dy, int64_t top, int64_t left, const WinogradRuns& runs, const WinogradTiles& out) {
  transform_row<kRow, F::outputs, F::patch, F::outputs>(dy, top, left, runs, out,
                                                        [](const V* d, V* o) __attribute__((always_inline)) { F::output_transposed(d, o); });
}

// A whole convolution is done a few tiles and a row of elements at a time, so that between the transforms nothing leaves the first-level
// cache and the weights alone come from the second. A row of elements of some tiles is summed in registers, where it takes half of the
// way back: A^T m A needs A for the row, and A^T for what is left of the rows.
template <class F>
struct Sizes {
  static constexpr int L = kLanes<float>, patch = F::patch;
  static constexpr int at_once = kLaneBytes == 64 ? 4 : patch == 4 ? 3 : 2;  // tiles whose sums fit the registers
  static constexpr int tiles = kLaneBytes == 64 ? 8 : 12;
};

constexpr int64_t kLongestSum = 64;  // of channels in one go: keeps the error of many channels near that of few

/// h[j] = (sum over inputs of v * u) A for a row of elements of some tiles, m vectors of one tile and `tiles` vectors apart.
template <class F>
void row_products(int64_t inputs, const float* v, const float* u, float* h) {
  constexpr int L = Sizes<F>::L, patch = F::patch, at_once = Sizes<F>::at_once, tiles = Sizes<F>::tiles;
  for (int64_t first = 0; first < inputs; first += kLongestSum) {
    V sum[at_once][patch];
#pragma GCC unroll 8
    for (int t = 0; t < at_once; ++t)
#pragma GCC unroll 8
      for (int e = 0; e < patch; ++e) sum[t][e] = zeros<float>();
    const int64_t end = first + kLongestSum < inputs ? first + kLongestSum : inputs;
    for (int64_t block = first; block < end; block += kWinogradBlock, v += patch * tiles * kWinogradBlock) {
      const int n = int(end - block < kWinogradBlock ? end - block : kWinogradBlock);
      for (int k = 0; k < n; ++k, u += patch * L) {
#pragma GCC unroll 8
        for (int e = 0; e < patch; ++e) {
          const V weight = load(u + e * L);
#pragma GCC unroll 8
          for (int t = 0; t < at_once; ++t) sum[t][e] = fma(broadcast(v[(e * tiles + t) * kWinogradBlock + k]), weight, sum[t][e]);
        }
      }
    }
#pragma GCC unroll 8
    for (int t = 0; t < at_once; ++t) {
      V o[F::outputs];
      F::output(sum[t], o);
#pragma GCC unroll 8
      for (int j = 0; j < F::outputs; ++j) {
        float* const to = h + (j * tiles + t) * L;
        store(to, first == 0 ? o[j] : load(to) + o[j]);
      }
    }
  }
}

/// As the elementwise ReLU: 0 for -0, NaN stays.
EMBER_INLINE V relu(V v) { return select(v <= V{}, V{}, v); }

/// The rest of the way back, and the epilogue, for a vector of outputs from `o` on; what lies outside of the image is dropped.
template <class F>
EMBER_INLINE void finish(WinogradImages s, ConvEpilogue<float> e, float* y, const WinogradRuns& runs, const float* h, int64_t o, int lanes) {
  constexpr int L = Sizes<F>::L, m = F::outputs;
  const V bias = e.bias ? load(e.bias + o, lanes) : zeros<float>();
  const V scale = e.scale ? load(e.scale + o, lanes) : zeros<float>(), shift = e.scale ? load(e.shift + o, lanes) : zeros<float>();
  for (const WinogradRun& t : runs) {
    const int64_t rows = s.h - t.y;
    int64_t at = ((t.image * s.h + t.y) * s.w + t.x) * s.c + o, columns = s.w - t.x;
    int64_t window = ((t.image * (s.h / 2) + t.y / 2) * (s.w / 2) + t.x / 2) * s.c + o;  // m is 2 then
    for (const float* const end = h + t.count * L; h < end; h += L, at += m * s.c, window += s.c, columns -= m) {
      const bool whole = rows >= m && columns >= m;
      V out[m][m];
#pragma GCC unroll 8
      for (int b = 0; b < m; ++b) {
        V rest[F::patch], column[m];
#pragma GCC unroll 8
        for (int r = 0; r < F::patch; ++r) rest[r] = load(h + (r * m + b) * Sizes<F>::tiles * L);
        F::output(rest, column);
#pragma GCC unroll 8
        for (int a = 0; a < m; ++a) out[a][b] = column[a] + bias;
      }
      const auto each = [&](auto body) __attribute__((always_inline)) {
#pragma GCC unroll 8
        for (int a = 0; a < m; ++a)
#pragma GCC unroll 8
          for (int b = 0; b < m; ++b)
            if (whole || (a < rows && b < columns)) body(out[a][b], at + (a * s.w + b) * s.c);
      };
      if (e.scale) each([&](V& v, int64_t) __attribute__((always_inline)) { v = fma(v, scale, shift); });
      if (e.addend) each([&](V& v, int64_t pixel) __attribute__((always_inline)) { v += load(e.addend + pixel, lanes); });
      if (e.relu) each([&](V& v, int64_t) __attribute__((always_inline)) { v = relu(v); });
      if (!e.pool) {
        each([&](V& v, int64_t pixel) __attribute__((always_inline)) { store(y + pixel, v, lanes); });
      } else if (whole) {
        V largest = out[0][0];
#pragma GCC unroll 8
        for (int i = 1; i < 4; ++i) largest = select((out[i / 2][i % 2] > largest) | is_nan(out[i / 2][i % 2]), out[i / 2][i % 2], largest);
        store(y + window, largest, lanes);
      }
    }
  }
}

/// Fetches the part [c, c + 16) of the pixels of a row of some tiles that their neighbours to the left do not touch.
template <class F>
EMBER_INLINE void fetch(const WinogradImages& s, const float* pixels, const WinogradRuns& runs, int64_t down, int64_t right, int64_t c, bool writes) {
  for (const WinogradRun& t : runs) {
    const float* p = pixels + ((t.image * s.h + t.y + down) * s.w + t.x + right) * s.c + c;
    for (int64_t i = 0; i < t.count * F::outputs; ++i, p += s.c) writes ? __builtin_prefetch(p, 1) : __builtin_prefetch(p);
  }
}

template <class F>
int64_t room(int64_t inputs, int64_t outputs) {
  constexpr int64_t B = kWinogradBlock, L = Sizes<F>::L;
  return Sizes<F>::tiles * F::patch * ((inputs + B - 1) / B * B + F::outputs * ((outputs + L - 1) / L * L));
}

template <class F>
void convolve(const WinogradProblem& p, const WinogradRuns& runs, const WinogradRuns& next, int64_t begin, int64_t end, float* memory) {
  constexpr int64_t B = kWinogradBlock, L = Sizes<F>::L, patch = F::patch, m = F::outputs, tiles = Sizes<F>::tiles;
  const WinogradPixels& in = p.x;
  const WinogradImages& out = p.out;
  const WinogradTiles v{memory, B, tiles * B, patch * tiles * B};
  const int64_t vector = in.c * patch * L, vectors = (p.weights.outputs + L - 1) / L, h_row = m * tiles * L, h_vector = patch * h_row;
  float* const h = memory + (in.c + B - 1) / B * v.block;
  int64_t count = 0;
  for (const WinogradRun& t : runs) count += t.count;

  const auto one_row = [&]<int kRow> {
    input<F, kRow>(in, p.top, p.left, runs, v);
    const float* u = p.weights.data + (kRow * vectors + begin / L) * vector;
    for (int64_t o = begin; o < end; o += L, u += vector) {
      if (p.fetches && o % B == 0) {
        for (int64_t c = o - begin; kRow < m && c < in.c; c += end - begin)
          fetch<F>(in, in.data, next, kRow + patch - m - p.top, patch - m - p.left, c, false);
        if (kRow >= patch - m && !p.epilogue.pool) fetch<F>(out, p.y, runs, kRow - (patch - m), 0, o, true);
      }
      float* const to = h + (o - begin) / L * h_vector + kRow * h_row;
      for (int64_t t = 0; t < count; t += Sizes<F>::at_once) row_products<F>(in.c, v.data + t * B, u, to + t * L);
    }
  };
  [&]<int... kRow>(std::integer_sequence<int, kRow...>) { (one_row.template operator()<kRow>(), ...); }(std::make_integer_sequence<int, patch>());
  for (int64_t o = begin; o < end; o += L) finish<F>(out, p.epilogue, p.y, runs, h + (o - begin) / L * h_vector, o, int(end - o < L ? end - o : L));
}

template <class F>
void weights(const float* taps, int64_t output, int64_t begin, int64_t end, const WinogradWeights& out) {
  constexpr int L = kLanes<float>, patch = F::patch;
  const int64_t vectors = (out.outputs + L - 1) / L, row = vectors * out.inputs * patch * L;
  float* to = out.data + (output / L * out.inputs + begin) * patch * L;
  for (int64_t i = begin; i < end; ++i, taps += 9 * L, to += patch * L)
    on_both_sides<3, patch>([](const V* g, V* u) __attribute__((always_inline)) { F::weights(g, u); },
                            [&](int a, int b) __attribute__((always_inline)) { return load(taps + (a * 3 + b) * L); },
                            [&](int a, int b, V v) __attribute__((always_inline)) { store(to + a * row + b * L, v); });
}

template <class F>
void weight_gradient(const WinogradSums& u, int64_t parts, int64_t part_stride, int64_t begin, int64_t end, const Taps<float>& taps) {
  const int64_t tap = taps.inputs * taps.wide;
  for (int64_t o = 0; o < u.outputs; o += kLanes<float>)
    for (int64_t i = begin; i < end; ++i) {
      const float* from = u.at(0, i, o);
      float* to = taps.at(0, i, o);
      on_both_sides<F::patch, 3>([](const V* g, V* t) __attribute__((always_inline)) { F::weights_transposed(g, t); },
                                 [&](int a, int b) __attribute__((always_inline)) {
                                   const float* element = from + (a * F::patch + b) * u.plane;
                                   V sum = load(element);
                                   for (int64_t part = 1; part < parts; ++part) sum += load(element + part * part_stride);
                                   return sum;
                                 },
                                 [&](int a, int b, V v) __attribute__((always_inline)) { store(to + (a * 3 + b) * tap, v); });
    }
}

/// The transforms of all rows of elements.
template <class F, class Rows = std::make_integer_sequence<int, F::patch>>
struct Transforms;
template <class F, int... kRow>
struct Transforms<F, std::integer_sequence<int, kRow...>> {
  static constexpr WinogradFamily::Transform inputs[] = {input<F, kRow>...}, output_gradients[] = {output_gradient<F, kRow>...};
};

template <class F>
constexpr WinogradFamily family{F::outputs, Sizes<F>::tiles, Transforms<F>::inputs, Transforms<F>::output_gradients, convolve<F>,
                                room<F>,    weights<F>,      weight_gradient<F>};

}  // namespace

constinit const WinogradKernels Families::winograd{family<Two>, family<Four>};

}  // namespace ember::kernels::EMBER_ISA
