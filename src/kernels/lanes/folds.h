// One number from all lanes of a vector. The order of the additions is fixed: halves onto each other.
#pragma once

#include "kernels/lanes/lanes.h"

namespace ember::kernels::EMBER_ISA {

template <class V, class Combine>
EMBER_INLINE auto fold(V v, Combine combine) {
  constexpr int n = int(sizeof(V) / sizeof(v[0]));
  ElementOf<V> x[n];
  __builtin_memcpy(x, &v, sizeof v);
#pragma GCC unroll 16
  for (int half = n / 2; half > 0; half /= 2)
#pragma GCC unroll 16
    for (int i = 0; i < half; ++i) x[i] = combine(x[i], x[i + half]);
  return x[0];
}

template <class V>
EMBER_INLINE auto horizontal_sum(V v) {
  return fold(v, [](auto a, auto b) { return a + b; });
}
/// As maximum(): a NaN may be lost. Test for NaN beforehand where it matters.
template <class V>
EMBER_INLINE auto horizontal_max(V v) {
  return fold(v, [](auto a, auto b) { return a > b ? a : b; });
}
template <class V>
EMBER_INLINE auto horizontal_min(V v) {
  return fold(v, [](auto a, auto b) { return a < b ? a : b; });
}

/// Is any lane of a mask true?
template <class M>
EMBER_INLINE bool any(M mask) {
  return fold(mask, [](auto a, auto b) { return a | b; }) != 0;
}
#if defined(__AVX512F__)
EMBER_INLINE bool any(IntLanes mask) { return _mm512_movepi32_mask((__m512i)mask) != 0; }
#elif defined(__AVX2__)
EMBER_INLINE bool any(IntLanes mask) { return _mm256_movemask_ps((__m256)mask) != 0; }
#endif
template <class M>
EMBER_INLINE bool all(M mask) {
  return fold(mask, [](auto a, auto b) { return a & b; }) != 0;
}

}  // namespace ember::kernels::EMBER_ISA
