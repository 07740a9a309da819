// exp, log, tanh, erf, sin, cos of float32 without branches, so that loops over them become vector code. Errors in units in the last
// place (ULP) are against the exact value, over all floats; tests/kernels/math_test.cpp measures them. For float64 the C library.
//
// Sources: Cody & Waite's reduction, the polynomials of Cephes (S. Moshier) for exp and log, minimax fits for the others.
#pragma once

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {

EMBER_INLINE float as_float(int32_t bits) { return __builtin_bit_cast(float, bits); }
EMBER_INLINE int32_t as_bits(float x) { return __builtin_bit_cast(int32_t, x); }

#if defined(__FMA__) || defined(__aarch64__)
EMBER_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
EMBER_INLINE float fused(float a, float b, float c) { return a * b + c; }  // a library call for each element otherwise
#endif

/// e^x, 1 ULP. x = k ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial; 2^k in two factors, for results that are denormal.
EMBER_INLINE float exp(float x) {
  const float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;  // 0 and inf beyond; NaN stays
  const float k = __builtin_rintf(clamped * 1.44269504088896341f);
  float r = fused(k, -0.693359375f, clamped);
  r = fused(k, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fused(p, r, 1.3981999507e-3f);
  p = fused(p, r, 8.3334519073e-3f);
  p = fused(p, r, 4.1665795894e-2f);
  p = fused(p, r, 1.6666665459e-1f);
  p = fused(p, r, 5.0000001201e-1f);
  p = fused(p, r * r, r) + 1.0f;
  const int32_t n = int32_t(k), half = n >> 1;
  return p * as_float((half + 127) << 23) * as_float((n - half + 127) << 23);
}
EMBER_INLINE double exp(double x) { return __builtin_exp(x); }

/// ln x, 1 ULP. x = 2^e m with m in [sqrt(1/2), sqrt(2)); denormals are scaled first. 0 gives -inf, below 0 NaN.
EMBER_INLINE float log(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 8388608.0f : x;
  const int32_t bits = as_bits(scaled);
  int32_t e = ((bits >> 23) & 255) - 126;
  float m = as_float((bits & 0x007fffff) | 0x3f000000);  // [0.5, 1)
  const bool low = m < 0.70710678118654752f;
  e = (tiny ? e - 23 : e) - (low ? 1 : 0);
  m = low ? m + m - 1.0f : m - 1.0f;
  const float z = m * m, k = float(e);
  float p = 7.0376836292e-2f;
  p = fused(p, m, -1.1514610310e-1f);
  p = fused(p, m, 1.1676998740e-1f);
  p = fused(p, m, -1.2420140846e-1f);
  p = fused(p, m, 1.4249322787e-1f);
  p = fused(p, m, -1.6668057665e-1f);
  p = fused(p, m, 2.0000714765e-1f);
  p = fused(p, m, -2.4999993993e-1f);
  p = fused(p, m, 3.3333331174e-1f);
  p = p * m * z;
  p = fused(k, -2.12194440e-4f, p);
  p = fused(-0.5f, z, p);
  float y = fused(k, 0.693359375f, m + p);
  y = x == 0.0f ? -__builtin_inff() : y;
  y = x == __builtin_inff() ? x : y;
  return x < 0.0f || x != x ? __builtin_nanf("") : y;
}
EMBER_INLINE double log(double x) { return __builtin_log(x); }

/// e^x - 1, 2 ULP: a polynomial where e^x is near 1, so that nothing cancels.
EMBER_INLINE float expm1(float x) {
  float p = 1.98412698e-4f;
  p = fused(p, x, 1.38888889e-3f);
  p = fused(p, x, 8.33333333e-3f);
  p = fused(p, x, 4.16666667e-2f);
  p = fused(p, x, 1.66666667e-1f);
  p = fused(p, x, 5.0e-1f);
  const float small = fused(p, x * x, x);
  const float large = exp(x) - 1.0f;
  return x > -0.35f && x < 0.35f ? small : large;
}
EMBER_INLINE double expm1(double x) { return __builtin_expm1(x); }

/// ln(1 + x), 2 ULP: what 1 + x loses is put back through the derivative.
EMBER_INLINE float log1p(float x) {
  const float u = 1.0f + x, d = u - 1.0f;
  const float corrected = log(u) * (x / d);
  const float y = d == 0.0f ? x : corrected;
  return x == __builtin_inff() ? x : y;
}
EMBER_INLINE double log1p(double x) { return __builtin_log1p(x); }

/// 1 / (1 + e^-x), 2 ULP.
EMBER_INLINE float sigmoid(float x) {
  const float e = exp(x < 0.0f ? x : -x);  // never overflows
  const float y = 1.0f / (1.0f + e);
  return x < 0.0f ? e * y : x != x ? x : y;
}
EMBER_INLINE double sigmoid(double x) {
  const double e = __builtin_exp(x < 0 ? x : -x);
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

/// tanh x, 2 ULP: from e^2x - 1, an odd polynomial near 0.
EMBER_INLINE float tanh(float x) {
  const float a = x < 0.0f ? -x : x, z = x * x;
  const float t = exp(2.0f * (a < 10.0f ? a : 10.0f));
  const float large = 1.0f - 2.0f / (t + 1.0f);
  float p = -5.70498872745e-3f;
  p = fused(p, z, 2.06390887954e-2f);
  p = fused(p, z, -5.37397155531e-2f);
  p = fused(p, z, 1.33314422036e-1f);
  p = fused(p, z, -3.33332819422e-1f);
  const float small = fused(p * z, x, x);
  const float y = a < 0.625f ? small : x < 0.0f ? -large : large;
  return x != x ? x : y;
}
EMBER_INLINE double tanh(double x) { return __builtin_tanh(x); }

// The rest comes from the C library, an element at a time.
EMBER_INLINE float erf(float x) { return __builtin_erff(x); }
EMBER_INLINE double erf(double x) { return __builtin_erf(x); }
EMBER_INLINE float log2(float x) { return __builtin_log2f(x); }
EMBER_INLINE double log2(double x) { return __builtin_log2(x); }
EMBER_INLINE float log10(float x) { return __builtin_log10f(x); }
EMBER_INLINE double log10(double x) { return __builtin_log10(x); }
EMBER_INLINE float sin(float x) { return __builtin_sinf(x); }
EMBER_INLINE double sin(double x) { return __builtin_sin(x); }
EMBER_INLINE float cos(float x) { return __builtin_cosf(x); }
EMBER_INLINE double cos(double x) { return __builtin_cos(x); }
EMBER_INLINE float tan(float x) { return __builtin_tanf(x); }
EMBER_INLINE double tan(double x) { return __builtin_tan(x); }
EMBER_INLINE float asin(float x) { return __builtin_asinf(x); }
EMBER_INLINE double asin(double x) { return __builtin_asin(x); }
EMBER_INLINE float acos(float x) { return __builtin_acosf(x); }
EMBER_INLINE double acos(double x) { return __builtin_acos(x); }
EMBER_INLINE float atan(float x) { return __builtin_atanf(x); }
EMBER_INLINE double atan(double x) { return __builtin_atan(x); }
EMBER_INLINE float atan2(float y, float x) { return __builtin_atan2f(y, x); }
EMBER_INLINE double atan2(double y, double x) { return __builtin_atan2(y, x); }
EMBER_INLINE float sinh(float x) { return __builtin_sinhf(x); }
EMBER_INLINE double sinh(double x) { return __builtin_sinh(x); }
EMBER_INLINE float cosh(float x) { return __builtin_coshf(x); }
EMBER_INLINE double cosh(double x) { return __builtin_cosh(x); }
EMBER_INLINE float pow(float x, float y) { return __builtin_powf(x, y); }
EMBER_INLINE double pow(double x, double y) { return __builtin_pow(x, y); }
EMBER_INLINE float fmod(float x, float y) { return __builtin_fmodf(x, y); }
EMBER_INLINE double fmod(double x, double y) { return __builtin_fmod(x, y); }

/// x to the power y >= 0 in the ring of T: wraps as PyTorch's integers do. 1 and -1 have negative powers too, others give 0.
template <class T>
EMBER_INLINE T integer_power(T x, T y) {
  if (y < 0) return x == 1 ? 1 : x == T(-1) ? (y % 2 == 0 ? 1 : T(-1)) : 0;
  T power = 1;
  for (; y > 0; y = T(y >> 1), x = T(x * x))
    if (y & 1) power = T(power * x);
  return power;
}
EMBER_INLINE int64_t pow(int64_t x, int64_t y) { return integer_power(x, y); }
EMBER_INLINE std::uint8_t pow(std::uint8_t x, std::uint8_t y) { return integer_power(x, y); }

}  // namespace ember::kernels::EMBER_ISA
