// The register tiles under matrix products and convolutions.
//
// A tile of rows x vectors numbers of C lives in registers while the sums run: each step loads `vectors` vectors of B and
// multiplies them by one broadcast number of A per row. 8 x 3 and 14 x 2 (of 32 registers), 4 x 3 and 6 x 2 (of 16) leave just
// enough registers for B and the broadcast, and have independent chains enough to hide the latency of the multiply-adds.

#include "kernels/gemm/gemm.h"

#include <utility>

#include "kernels/families.isa.h"
#include "kernels/lanes/sums.h"
#include "kernels/lanes/transpose.h"

namespace ember::kernels::EMBER_ISA {
namespace {

#if defined(__AVX512F__)
constexpr bool kMaskedLoads = true;
constexpr int kMaxVectors = 4, kPanelVectors = 3;
constexpr int kMaxRows[kMaxVectors + 1] = {0, 16, 14, 8, 6};
#else
constexpr bool kMaskedLoads = false;
constexpr int kMaxVectors = 3, kPanelVectors = 2;
constexpr int kMaxRows[kMaxVectors + 1] = {0, 12, 6, 4};
#endif

/// c: kRows x kVectors vectors, the last of which has `last` lanes.
// GCC 12 keeps `sum` in registers only when every loop over it is unrolled by name.
/// kAdjacent: the rows of A lie side by side (a_row = 1), so that one address serves them all.
template <class T, int kRows, int kVectors, bool kAdjacent>
void tile(const Panel<T>& p, const T* a, T* c, int last) {
  constexpr int W = kLanes<T>;
  Lanes<T> sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[i][v] = zeros<T>();

  const int64_t a_row = kAdjacent ? 1 : p.a_row, a_step = p.inner.a_stride, b_step = p.inner.b_stride;
  const T *a_outer = a, *b_outer = p.b;
  for (int64_t o = 0; o < p.outer.length; ++o, a_outer += p.outer.a_stride, b_outer += p.outer.b_stride) {
    const T *a_middle = a_outer, *b_middle = b_outer;
    for (int64_t m = 0; m < p.middle.length; ++m, a_middle += p.middle.a_stride, b_middle += p.middle.b_stride) {
      const T *ap = a_middle, *bp = b_middle;
      for (int64_t k = p.inner.length; k > 0; --k, ap += a_step, bp += b_step) {
        Lanes<T> b[kVectors];
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) b[v] = kMaskedLoads && v == kVectors - 1 ? load(bp + v * W, last) : load(bp + v * W);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
          const Lanes<T> x = broadcast(ap[i * a_row]);
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) sum[i][v] = fma(x, b[v], sum[i][v]);
        }
      }
    }
  }

  const Epilogue<T>& e = p.epilogue;
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    const int lanes = v == kVectors - 1 ? last : W;
    const Lanes<T> bias = e.bias ? load(e.bias + v * W, lanes) : zeros<T>();
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      T* out = c + i * p.c_row + v * W;
      Lanes<T> y = sum[i][v] + bias;
      if (e.accumulate) y += load(out, lanes);
      if (e.relu) y = maximum(zeros<T>(), y);
      store(out, y, lanes);
    }
  }
}

template <class T>
using Tile = void (*)(const Panel<T>&, const T* a, T* c, int last);

/// tiles[r - 1] has r rows.
template <class T, int kVectors, bool kAdjacent, int... kRows>
const Tile<T>* tiles_of(const std::integer_sequence<int, kRows...>*) {
  static constexpr Tile<T> tiles[] = {tile<T, kRows + 1, kVectors, kAdjacent>...};
  return tiles;
}

/// Cuts the rows into tiles of nearly equal height, so that no thin one is left over.
template <class T, int kVectors>
void panel_of(const Panel<T>& p, int last) {
  static constexpr int most = kMaxRows[kVectors];
  constexpr const std::make_integer_sequence<int, most>* heights = nullptr;
  const Tile<T>* tiles = p.a_row == 1 ? tiles_of<T, kVectors, true>(heights) : tiles_of<T, kVectors, false>(heights);
  const int64_t count = (p.rows + most - 1) / most;
  const int64_t height = p.rows / count, taller = p.rows % count;
  const T* a = p.a;
  T* c = p.c;
  for (int64_t t = 0; t < count; ++t) {
    const int64_t rows = height + (t < taller);
    tiles[rows - 1](p, a, c, last);
    a += rows * p.a_row;
    c += rows * p.c_row;
  }
}

template <class T>
void panel(const Panel<T>& p) {
  const int vectors = (p.columns + kLanes<T> - 1) / kLanes<T>;
  const int last = p.columns - (vectors - 1) * kLanes<T>;
  switch (vectors) {
    case 1: return panel_of<T, 1>(p, last);
    case 2: return panel_of<T, 2>(p, last);
    case 3: return panel_of<T, 3>(p, last);
#if defined(__AVX512F__)
    case 4: return panel_of<T, 4>(p, last);
#endif
  }
}

template <class T>
void pack_transposed(int64_t k, int columns, const T* b, int64_t b_row, T* out, int64_t out_row) {
  constexpr int W = kLanes<T>;
  for (int j = 0; j < columns; j += W)
    for (int64_t p = 0; p < k; p += W) {
      const int depth = int(k - p < W ? k - p : W);
      Lanes<T> block[W];
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i)
        block[i] = j + i >= columns ? zeros<T>() : depth == W ? load(b + (j + i) * b_row + p) : load(b + (j + i) * b_row + p, depth);
      transpose<T>(block);
      T* o = out + p * out_row + j;
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i)
        if (i < depth) store(o + i * out_row, block[i]);
    }
}

template <class T>
void pack_rows(int64_t k, int columns, const T* b, int64_t b_row, T* out, int64_t out_row) {
  constexpr int W = kLanes<T>;
  const int whole = columns / W * W;
  for (int64_t p = 0; p < k; ++p, b += b_row, out += out_row) {
    for (int j = 0; j < whole; j += W) store(out + j, load(b + j));
    if (whole < columns) store(out + whole, load(b + whole, columns - whole));
  }
}

template <class T>
EMBER_INLINE T finished(T sum, T bias, const T* out, const Epilogue<T>& e) {
  T y = sum + bias;
  if (e.accumulate) y += *out;
  return e.relu && y < T(0) ? T(0) : y;
}

template <class T>
void write_transposed(int64_t m, int64_t n, const T* p, int64_t p_row, T* c, int64_t c_row, Epilogue<T> e) {
  constexpr int W = kLanes<T>;
  int64_t j = 0;
  // Whole vectors of columns through registers, the rest number by number.
  for (; j + W <= n; j += W) {
    const Lanes<T> bias = e.bias ? load(e.bias + j) : zeros<T>();
    for (int64_t i = 0; i < m; i += W) {
      const int rows = int(m - i < W ? m - i : W);
      Lanes<T> block[W];
#pragma GCC unroll 16
      for (int k = 0; k < W; ++k) block[k] = rows == W ? load(p + (j + k) * p_row + i) : load(p + (j + k) * p_row + i, rows);
      transpose<T>(block);
      T* out = c + i * c_row + j;
#pragma GCC unroll 16
      for (int k = 0; k < W; ++k) {
        if (k >= rows) continue;
        Lanes<T> y = block[k] + bias;
        if (e.accumulate) y += load(out + k * c_row);
        if (e.relu) y = maximum(zeros<T>(), y);
        store(out + k * c_row, y);
      }
    }
  }
  for (; j < n; ++j) {
    const T bias = e.bias ? e.bias[j] : T(0);
    for (int64_t i = 0; i < m; ++i) c[i * c_row + j] = finished(p[j * p_row + i], bias, c + i * c_row + j, e);
  }
}

/// kRows x kColumns dot products side by side, lanes along k.
template <class T, int kRows, int kColumns>
void dot_tile(int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c, int64_t c_row, const Epilogue<T>& e) {
  Lanes<T> sum[kRows][kColumns];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kColumns; ++j) sum[i][j] = zeros<T>();

  for_each_lanes<T>(k, [&](int64_t p, auto lanes) __attribute__((always_inline)) {
    Lanes<T> x[kRows];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) x[i] = load(a + i * a_row + p, lanes);
#pragma GCC unroll 16
    for (int j = 0; j < kColumns; ++j) {
      const Lanes<T> y = load(b + j * b_row + p, lanes);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) sum[i][j] = fma(x[i], y, sum[i][j]);
    }
  });

#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kColumns; ++j) {
      T* out = c + i * c_row + j;
      T y = horizontal_sum(sum[i][j]) + (e.bias ? e.bias[j] : T(0));
      if (e.accumulate) y += *out;
      if (e.relu) y = y < T(0) ? T(0) : y;
      *out = y;
    }
}

template <class T, int kRows>
void dot_columns(int64_t n, int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c, int64_t c_row, Epilogue<T> e) {
  constexpr int most = kRows == 1 ? 8 : 4;
  int64_t j = 0;
  for (; j + most <= n; j += most) {
    dot_tile<T, kRows, most>(k, a, a_row, b + j * b_row, b_row, c + j, c_row, e);
    if (e.bias) e.bias += most;
  }
  for (; j < n; ++j) {
    dot_tile<T, kRows, 1>(k, a, a_row, b + j * b_row, b_row, c + j, c_row, e);
    if (e.bias) ++e.bias;
  }
}

template <class T>
void dot_rows(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c, int64_t c_row, Epilogue<T> e) {
  int64_t i = 0;
  constexpr int most = kLaneBytes == 64 ? 4 : 2;
  for (; i + most <= m; i += most) dot_columns<T, most>(n, k, a + i * a_row, a_row, b, b_row, c + i * c_row, c_row, e);
  for (; i < m; ++i) dot_columns<T, 1>(n, k, a + i * a_row, a_row, b, b_row, c + i * c_row, c_row, e);
}

/// Four rows at a time, each along memory.
template <class T>
void outer_product(int64_t m, int64_t n, const T* a, int64_t a_row, const T* b, T* c, int64_t c_row, bool accumulate) {
  constexpr int kRows = 4;
  for (int64_t i = 0; i < m; i += kRows, c += kRows * c_row) {
    const int rows = int(m - i < kRows ? m - i : kRows);
    Lanes<T> x[kRows];
    for (int k = 0; k < kRows; ++k) x[k] = broadcast(k < rows ? a[(i + k) * a_row] : T(0));
    for_each_lanes<T>(n, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
      const Lanes<T> y = load(b + j, lanes);
#pragma GCC unroll 4
      for (int k = 0; k < kRows; ++k) {
        if (k >= rows) continue;
        T* const out = c + k * c_row + j;
        store(out, accumulate ? fma(x[k], y, load(out, lanes)) : x[k] * y, lanes);
      }
    });
  }
}

/// A strip of kVectors vectors of columns. Its sums run in four chains, and every 16 rows go on into doubles.
template <class T, int kVectors, class LaneCount>
EMBER_INLINE void sum_strip(int64_t rows, const T* x, int64_t x_row, T* sums, bool accumulate, LaneCount lanes) {
  constexpr int W = kLanes<T>, kChains = 4 / kVectors;
  DoubleSum<T> total[kVectors];
  for (int64_t r0 = 0; r0 < rows; r0 += 16) {
    const int64_t end = r0 + 16 < rows ? r0 + 16 : rows;
    Lanes<T> part[kChains][kVectors] = {};
    int64_t r = r0;
    for (; r + kChains <= end; r += kChains)
#pragma GCC unroll 4
      for (int c = 0; c < kChains; ++c)
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) part[c][v] += load(x + (r + c) * x_row + v * W, lanes);
    for (; r < end; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) part[0][v] += load(x + r * x_row + v * W, lanes);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      Lanes<T> sum = part[0][v];
#pragma GCC unroll 4
      for (int c = 1; c < kChains; ++c) sum += part[c][v];
      total[v].add(sum);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    Lanes<T> y = total[v].lanes();
    if (accumulate) y += load(sums + v * W, lanes);
    store(sums + v * W, y, lanes);
  }
}

template <class T>
void column_sums(int64_t rows, int64_t n, const T* x, int64_t x_row, T* sums, bool accumulate) {
  constexpr int W = kLanes<T>;
  int64_t j = 0;
  for (; j + 4 * W <= n; j += 4 * W) sum_strip<T, 4>(rows, x + j, x_row, sums + j, accumulate, AllLanes{});
  for (; j + W <= n; j += W) sum_strip<T, 1>(rows, x + j, x_row, sums + j, accumulate, AllLanes{});
  if (j < n) sum_strip<T, 1>(rows, x + j, x_row, sums + j, accumulate, int(n - j));
}

}  // namespace

constinit const Both<GemmFamily> Families::gemm{
    .float32 = {kLanes<float>, kPanelVectors, kMaskedLoads, panel<float>, pack_transposed<float>, pack_rows<float>, write_transposed<float>,
                dot_rows<float>, outer_product<float>, column_sums<float>},
    .float64 = {kLanes<double>, kPanelVectors, kMaskedLoads, panel<double>, pack_transposed<double>, pack_rows<double>, write_transposed<double>,
                dot_rows<double>, outer_product<double>, column_sums<double>},
};

}  // namespace ember::kernels::EMBER_ISA
