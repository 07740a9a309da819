// Powers, and remainders of divisions, of float32 lanes. For float64, and for arguments that need care, the C library.
#pragma once

#include "kernels/lanes/math_circle.h"

namespace ember::kernels::EMBER_ISA {

/// log2 x of positive normal numbers, 2^-42: x = 2^k m with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh s with s = (m - 1) / (m + 1).
EMBER_INLINE DoubleLanes log2_exactly(DoubleLanes x) {
  using V = DoubleLanes;
  const LongLanes bits = (LongLanes)x, shifted = bits - 0x3fe6a09e667f3bcdL, k = shifted >> 52;
  const V m = (V)(bits - (k << 52)), s = (m - 1.0) / (m + 1.0), z = s * s;
  V p = V{} + 2.0 / 15;
#pragma GCC unroll 7
  for (int odd = 13; odd > 0; odd -= 2) p = p * z + 2.0 / odd;
  return p * s * 1.4426950408889634 + convert<double>(k);
}

/// 2^t for |t| <= 1000, 2^-32.
EMBER_INLINE DoubleLanes exp2_exactly(DoubleLanes t) {
  using V = DoubleLanes;
  const V shifted = t + 6755399441055744.0;  // 1.5 2^52: its last bits are round(t)
  const V r = (t - (shifted - 6755399441055744.0)) * 0.6931471805599453;
  constexpr double kInverseFactorials[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320};
  V p = V{} + kInverseFactorials[8];
#pragma GCC unroll 8
  for (int i = 7; i >= 0; --i) p = p * r + kInverseFactorials[i];
  return (V)((LongLanes)p + ((LongLanes)shifted << 52));
}

/// x^y for positive numbers x.
EMBER_INLINE DoubleLanes power_of_positive(DoubleLanes x, DoubleLanes y) {
  return exp2_exactly(maximum(DoubleLanes{} - 1000.0, minimum(DoubleLanes{} + 1000.0, y * log2_exactly(x))));
}

/// x^y, 0.51 ULP: in double; the conversion to float sees to what is too large or too small.
EMBER_INLINE FloatLanes pow(FloatLanes x, FloatLanes y) {
  const FloatLanes a = absolute(x), whole = truncate(y);
  const FloatLanes size = narrow(power_of_positive(widen_low(a), widen_low(y)), power_of_positive(widen_high(a), widen_high(y)));
  const IntLanes odd = truncate(0.5f * whole) * 2.0f != whole, fractional = whole != y;
  const FloatLanes negative = select(fractional, FloatLanes{} + __builtin_nanf(""), select(odd, -size, size));
  const IntLanes special = !((a > 0.0f) & (a < __builtin_inff()) & (absolute(y) < __builtin_inff()));
  return replace_where(special, select(x < 0.0f, negative, size), [&](int i) { return __builtin_powf(x[i], y[i]); });
}

/// What is left of a / b, with the sign of a; exact. With q = trunc(a / b), at most 1 too large where the division rounds up, a - q b
/// is a float: a multiple of the last place of b, and not larger than b.
EMBER_INLINE FloatLanes fmod(FloatLanes a, FloatLanes b) {
  const FloatLanes quotient = a / b, q = truncate(quotient), rest = fused(-q, b, a);
  const FloatLanes size = select(absolute(a) < absolute(b), absolute(a), copy_sign(rest, as_float(as_bits(rest) ^ as_bits(a))));
  const FloatLanes result = copy_sign(select(size < 0.0f, size + absolute(b), size), a);
#if defined(__FMA__) || defined(__aarch64__)
  const IntLanes special = !(absolute(quotient) < 4194304.0f);  // NaN, too
#else
  const IntLanes special = !(absolute(quotient) < 1.0f);
#endif
  return replace_where(special, result, [&](int i) { return __builtin_fmodf(a[i], b[i]); });
}

EMBER_INLINE double pow(double x, double y) { return __builtin_pow(x, y); }
EMBER_INLINE double fmod(double a, double b) { return __builtin_fmod(a, b); }
EMBER_INLINE int64_t fmod(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }  // the smallest one by -1 traps
EMBER_INLINE std::uint8_t fmod(std::uint8_t a, std::uint8_t b) { return std::uint8_t(a % b); }

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
