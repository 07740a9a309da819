// Numbers that change places between vectors: interleaved, taken apart, transposed in square blocks.
#pragma once

#include <utility>

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {

template <int kUpper, class V, int... lane>
EMBER_INLINE V interleave(V a, V b, std::integer_sequence<int, lane...>) {
  constexpr int n = sizeof...(lane);
  return __builtin_shufflevector(a, b, (kUpper * n / 2 + lane / 2 + (lane % 2) * n)...);
}

/// a0 b0 a1 b1 ... of the lower halves of a and b.
template <class V>
EMBER_INLINE V interleave_low(V a, V b) {
  return interleave<0>(a, b, std::make_integer_sequence<int, int(sizeof(V) / sizeof(a[0]))>{});
}
/// The same of the upper halves.
template <class V>
EMBER_INLINE V interleave_high(V a, V b) {
  return interleave<1>(a, b, std::make_integer_sequence<int, int(sizeof(V) / sizeof(a[0]))>{});
}

template <int kFirst, class V, int... lane>
EMBER_INLINE V every_second(V low, V high, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(low, high, (2 * lane + kFirst)...);
}
/// Numbers kFirst, kFirst + 2, kFirst + 4, ... of low and high, one behind the other.
template <int kFirst, class T>
EMBER_INLINE Lanes<T> every_second(Lanes<T> low, Lanes<T> high) {
  return every_second<kFirst>(low, high, std::make_integer_sequence<int, kLanes<T>>{});
}

/// kLanes<T> rows of kLanes<T> numbers; afterwards rows[j][i] is what rows[i][j] was. Interleaving row i with row i + n / 2
/// rotates the bits of every number's address by one; after log2(n) rounds row and column have changed places.
template <class T>
EMBER_INLINE void transpose(Lanes<T> (&rows)[kLanes<T>]) {
  constexpr int n = kLanes<T>;
#pragma GCC unroll 4
  for (int round = 1; round < n; round *= 2) {
    Lanes<T> next[n];
#pragma GCC unroll 16
    for (int i = 0; i < n / 2; ++i) {
      next[2 * i] = interleave_low(rows[i], rows[i + n / 2]);
      next[2 * i + 1] = interleave_high(rows[i], rows[i + n / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) rows[i] = next[i];
  }
}

}  // namespace ember::kernels::EMBER_ISA
