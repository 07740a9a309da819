// Tiles of rows x outputs dot products. A row of A and one of B are loaded for all products of the tile that need them; the vectors
// that remain are added across their lanes many at a time, by folding two of them into one until one holds all sums.

#include "kernels/conv/dots_loops.h"

#include <utility>

#include "kernels/families.isa.h"
#include "kernels/lanes/lanes.h"
#include "kernels/lanes/transpose.h"

namespace ember::kernels::EMBER_ISA {
namespace {

constexpr int kSums = kLaneBytes == 64 ? 24 : 12;  // vectors of a tile: what the registers hold beside A and B

template <class T>
constexpr int rows_for(int outputs) {
  const int fit = kSums / outputs;
  return outputs == 1 && fit > kLanes<T> ? kLanes<T> : fit;
}

/// Lane i of the result is the sum of the lanes of v[i]. Folding v[i] with v[i + n / 2] keeps the order.
template <class T>
EMBER_INLINE Lanes<T> sums_of(Lanes<T> (&v)[kLanes<T>]) {
#pragma GCC unroll 4
  for (int n = kLanes<T>; n > 1; n /= 2)
#pragma GCC unroll 16
    for (int i = 0; i < n / 2; ++i) v[i] = interleave_low(v[i], v[i + n / 2]) + interleave_high(v[i], v[i + n / 2]);
  return v[0];
}

template <class T, int kRows, int kOutputs>
void tile(const DotPanel<T>& p, const T* a, T* c) {
  constexpr int W = kLanes<T>, kCount = kRows * kOutputs;
  Lanes<T> sum[kRows][kOutputs];
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kOutputs; ++j) sum[i][j] = zeros<T>();

  for (int64_t o = 0; o < p.outer.length; ++o) {
    const T *ap = a + o * p.outer.a_stride, *bp = p.b + o * p.outer.b_stride;
    for_each_lanes<T>(p.length, [&](int64_t k, auto lanes) __attribute__((always_inline)) {
      Lanes<T> b[kOutputs];
#pragma GCC unroll 8
      for (int j = 0; j < kOutputs; ++j) b[j] = load(bp + j * p.b_output + k, lanes);
#pragma GCC unroll 32
      for (int i = 0; i < kRows; ++i) {
        const Lanes<T> x = load(ap + i * p.a_row + k, lanes);
#pragma GCC unroll 8
        for (int j = 0; j < kOutputs; ++j) sum[i][j] = fma(x, b[j], sum[i][j]);
      }
    });
  }

  const bool plain = p.c_row == kOutputs && !p.bias && !p.relu;  // the tile's results lie side by side
  T result[(kCount + W - 1) / W * W];
#pragma GCC unroll 8
  for (int first = 0; first < kCount; first += W) {
    Lanes<T> part[W];
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) part[i] = first + i < kCount ? sum[(first + i) / kOutputs % kRows][(first + i) % kOutputs] : zeros<T>();
    const Lanes<T> sums = sums_of<T>(part);
    if (plain) store(c + first, sums, first + W <= kCount ? W : kCount - first);
    else store(result + first, sums);
  }
  if (plain) return;
  for (int i = 0; i < kRows; ++i, c += p.c_row)
    for (int j = 0; j < kOutputs; ++j) {
      T y = result[i * kOutputs + j];
      if (p.bias) y += p.bias[j];
      c[j] = p.relu && y < T(0) ? T(0) : y;
    }
}

template <class T>
using Tile = void (*)(const DotPanel<T>&, const T* a, T* c);

/// tiles[r - 1] has r rows.
template <class T, int kOutputs, int... kRows>
const Tile<T>* tiles_of(std::integer_sequence<int, kRows...>) {
  static constexpr Tile<T> tiles[] = {tile<T, kRows + 1, kOutputs>...};
  return tiles;
}

template <class T, int kOutputs>
void panel_of(const DotPanel<T>& p) {
  constexpr int most = rows_for<T>(kOutputs);
  const Tile<T>* tiles = tiles_of<T, kOutputs>(std::make_integer_sequence<int, most>{});
  const int64_t count = (p.rows + most - 1) / most, height = p.rows / count, taller = p.rows % count;
  const T* a = p.a;
  T* c = p.c;
  for (int64_t t = 0; t < count; ++t) {
    const int64_t rows = height + (t < taller);
    tiles[rows - 1](p, a, c);
    a += rows * p.a_row;
    c += rows * p.c_row;
  }
}

template <class T>
void panel(const DotPanel<T>& p) {
  switch (p.outputs) {
    case 1: return panel_of<T, 1>(p);
    case 2: return panel_of<T, 2>(p);
    case 3: return panel_of<T, 3>(p);
    case 4: return panel_of<T, 4>(p);
    case 5: return panel_of<T, 5>(p);
    case 6: return panel_of<T, 6>(p);
    case 7: return panel_of<T, 7>(p);
    case 8: return panel_of<T, 8>(p);
  }
}

}  // namespace

constinit const Both<DotFamily> Families::dots{{panel<float>}, {panel<double>}};

}  // namespace ember::kernels::EMBER_ISA
