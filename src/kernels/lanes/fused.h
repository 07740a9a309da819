// a * b + c with one rounding where the machine has the instruction, whatever the file's rules of contraction.
#pragma once

#include "kernels/lanes/lanes.h"

namespace ember::kernels::EMBER_ISA {

#if defined(__FMA__) || defined(__aarch64__)
static constexpr bool kFuses = true;
EMBER_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
EMBER_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
static constexpr bool kFuses = false;
EMBER_INLINE float fused(float a, float b, float c) { return a * b + c; }
EMBER_INLINE double fused(double a, double b, double c) { return a * b + c; }
#endif

#if defined(__AVX512F__)
EMBER_INLINE FloatLanes fused(FloatLanes a, FloatLanes b, FloatLanes c) { return (FloatLanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
EMBER_INLINE DoubleLanes fused(DoubleLanes a, DoubleLanes b, DoubleLanes c) {
  return (DoubleLanes)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#elif defined(__AVX2__) && defined(__FMA__)
EMBER_INLINE FloatLanes fused(FloatLanes a, FloatLanes b, FloatLanes c) { return (FloatLanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
EMBER_INLINE DoubleLanes fused(DoubleLanes a, DoubleLanes b, DoubleLanes c) {
  return (DoubleLanes)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#else
template <class V>
EMBER_INLINE V fused(V a, V b, V c) {
  for (int i = 0; i < int(sizeof(V) / sizeof(a[0])); ++i) a[i] = fused(a[i], b[i], c[i]);
  return a;
}
#endif

}  // namespace ember::kernels::EMBER_ISA
