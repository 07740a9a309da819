// Numbers that change places between vectors: interleaved, taken apart, transposed in square blocks.
#pragma once

#include <utility>

#include "kernels/lanes/lanes.h"

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

/// How many numbers fill sixteen bytes, a section: instructions that move numbers between sections take longer than others.
template <class V>
static constexpr int kSection = 16 / int(sizeof(V{}[0]));

/// a0 b0 a1 b1 of the lower (kUpper: the upper) half of each section.
template <int kUpper, class V, int... lane>
EMBER_INLINE V interleave_sections(V a, V b, std::integer_sequence<int, lane...>) {
  constexpr int n = sizeof...(lane), s = kSection<V>;
  return __builtin_shufflevector(a, b, (lane / s * s + kUpper * s / 2 + lane % s / 2 + lane % 2 * n)...);
}
/// Every second section of a from the first (kOdd: the second) on, then of b.
template <int kOdd, class V, int... lane>
EMBER_INLINE V every_second_section(V a, V b, std::integer_sequence<int, lane...>) {
  constexpr int n = sizeof...(lane), s = kSection<V>;
  return __builtin_shufflevector(a, b, (lane / (n / 2) * n + (2 * (lane % (n / 2) / s) + kOdd) * s + lane % s)...);
}

/// kLanes<T> rows of kLanes<T> numbers; afterwards rows[j][i] is what rows[i][j] was. Each round works on the rows whose numbers differ
/// in one bit. Interleaving rotates that bit and those of the place within a section by one, picking sections that bit and those of the
/// section; once every bit of the row has had its round, row and column have changed places.
template <class T>
EMBER_INLINE void transpose(Lanes<T> (&rows)[kLanes<T>]) {
  constexpr int n = kLanes<T>, s = kSection<Lanes<T>>;
  constexpr auto lanes = std::make_integer_sequence<int, n>{};
  const auto each_pair = [&](int bit, auto change) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int pair = 0; pair < n / 2; ++pair) {
      const int i = pair + (pair & -bit);  // with a 0 put in at the bit
      change(rows[i], rows[i + bit]);
    }
  };
#pragma GCC unroll 4
  for (int bit = s / 2; bit > 0; bit /= 2)
    each_pair(bit, [&](Lanes<T>& a, Lanes<T>& b) __attribute__((always_inline)) {
      const Lanes<T> first = a;
      a = interleave_sections<0>(first, b, lanes);
      b = interleave_sections<1>(first, b, lanes);
    });
  if constexpr (n > s)
#pragma GCC unroll 4
    for (int bit = s; bit < n; bit *= 2)
      each_pair(bit, [&](Lanes<T>& a, Lanes<T>& b) __attribute__((always_inline)) {
        const Lanes<T> first = a;
        a = every_second_section<0>(first, b, lanes);
        b = every_second_section<1>(first, b, lanes);
      });
}

}  // namespace ember::kernels::EMBER_ISA
