// sin, cos, tan and their inverses of float32 lanes; the errors over all floats are in units in the last place. For float64, and for
// arguments so large that their reduction needs more than three parts of pi, the C library.
//
// Sources: the polynomials of Cephes (S. Moshier).
#pragma once

#include "kernels/lanes/folds.h"
#include "kernels/lanes/math.h"

namespace ember::kernels::EMBER_ISA {

/// f(i) for the lanes i where `mask` is true, instead of those of v.
template <class F>
EMBER_INLINE FloatLanes replace_where(IntLanes mask, FloatLanes v, F f) {
  if (__builtin_expect(any(mask), 0))
    for (int i = 0; i < kLanes<float>; ++i)
      if (mask[i]) v[i] = f(i);
  return v;
}

/// x = quarter pi / 2 + r with |r| <= pi / 4, for |x| < 1e5. The first product is subtracted without rounding where the hardware fuses.
struct OnCircle {
  IntLanes quarter;
  FloatLanes r;
};
EMBER_INLINE OnCircle on_circle(FloatLanes x) {
  using V = FloatLanes;
  const V q = round_even(x * 0.636619772f);
  V r = fused(q, V{} - 1.57079637f, x);
  r = fused(q, V{} + 4.37113883e-8f, r);
  return {convert<int32_t>(q), fused(q, V{} + 1.71512489e-15f, r)};
}

EMBER_INLINE FloatLanes sine_near_zero(FloatLanes r) {
  const FloatLanes z = r * r;
  return fused(polynomial(z, -1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f) * z, r, r);
}
EMBER_INLINE FloatLanes cosine_near_zero(FloatLanes r) {
  const FloatLanes z = r * r;
  return fused(polynomial(z, 4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f), z * z, 1.0f - 0.5f * z);
}

/// The sine of x + quarters pi / 2.
EMBER_INLINE FloatLanes turned_sine(OnCircle c, int quarters) {
  const IntLanes quarter = c.quarter + quarters;
  const FloatLanes y = select((quarter & 1) != 0, cosine_near_zero(c.r), sine_near_zero(c.r));
  return as_float(as_bits(y) ^ ((quarter & 2) << 30));
}

#if defined(__FMA__) || defined(__aarch64__)
EMBER_INLINE IntLanes beyond_reduction(FloatLanes x) { return !(absolute(x) < 1e5f); }
#else
EMBER_INLINE IntLanes beyond_reduction(FloatLanes x) { return !(absolute(x) < -1.0f); }  // without fusing, all
#endif

/// 1.6 ULP, as cos.
EMBER_INLINE FloatLanes sin(FloatLanes x) {
  return replace_where(beyond_reduction(x), turned_sine(on_circle(x), 0), [&](int i) { return __builtin_sinf(x[i]); });
}
EMBER_INLINE FloatLanes cos(FloatLanes x) {
  return replace_where(beyond_reduction(x), turned_sine(on_circle(x), 1), [&](int i) { return __builtin_cosf(x[i]); });
}
/// 2.7 ULP.
EMBER_INLINE FloatLanes tan(FloatLanes x) {
  const auto [quarter, r] = on_circle(x);
  const FloatLanes z = r * r;
  const FloatLanes p = polynomial(z, 3.33331568548e-1f, 1.33387994085e-1f, 5.34112807005e-2f, 2.44301354525e-2f, 3.11992232697e-3f,
                                  9.38540185543e-3f);
  const FloatLanes y = fused(p * z, r, r);
  return replace_where(beyond_reduction(x), select((quarter & 1) != 0, -1.0f / y, y), [&](int i) { return __builtin_tanf(x[i]); });
}

/// asin a for 0 <= a <= 1 is s + rest, or pi / 2 - 2 (s + rest) where `far`, that is a > 1/2. NaN beyond 1.
struct HalfArc {
  IntLanes far;
  FloatLanes s, rest;
};
EMBER_INLINE HalfArc half_arc(FloatLanes a) {
  const IntLanes far = a > 0.5f;
  const FloatLanes z = select(far, 0.5f - 0.5f * a, a * a), s = select(far, square_root(z), a);
  return {far, s, polynomial(z, 1.6666752422e-1f, 7.4953002686e-2f, 4.5470025998e-2f, 2.4181311049e-2f, 4.2163199048e-2f) * z * s};
}

static constexpr float kHalfPi = 1.57079637f, kHalfPiRest = -4.37113883e-8f;

/// 2 ULP.
EMBER_INLINE FloatLanes asin(FloatLanes x) {
  const auto [far, s, rest] = half_arc(absolute(x));
  return copy_sign(select(far, (kHalfPi - 2.0f * s) - (2.0f * rest - kHalfPiRest), s + rest), x);
}
/// 2 ULP.
EMBER_INLINE FloatLanes acos(FloatLanes x) {
  const auto [far, s, rest] = half_arc(absolute(x));
  const FloatLanes near_one = select(x < 0.0f, (2 * kHalfPi - 2.0f * s) - (2.0f * rest - 2 * kHalfPiRest), 2.0f * (s + rest));
  return select(far, near_one, (kHalfPi - copy_sign(s, x)) - (copy_sign(rest, x) - kHalfPiRest));
}

/// atan a for a >= 0 as the quotient n / d: turned by pi / 4 or pi / 2 into |n / d| <= tan(pi / 8).
EMBER_INLINE FloatLanes arc_of_quotient(FloatLanes n, FloatLanes d) {
  using V = FloatLanes;
  const auto middle = n > 0.414213562f * d, steep = n > 2.41421356f * d;
  const V t = select(steep, -d, select(middle, n - d, n)) / select(steep, n, select(middle, n + d, d));
  const V z = t * t;
  const V p = polynomial(z, -3.33329491539e-1f, 1.99777106478e-1f, -1.38776856032e-1f, 8.05374449538e-2f);
  const V turn = select(steep, V{} + kHalfPi, select(middle, V{} + kHalfPi / 2, V{}));
  const V rest = select(steep, V{} + kHalfPiRest, select(middle, V{} + kHalfPiRest / 2, V{}));
  return turn + (fused(p * z, t, t) + rest);
}

/// 2.3 ULP.
EMBER_INLINE FloatLanes atan(FloatLanes x) { return copy_sign(arc_of_quotient(absolute(x), FloatLanes{} + 1.0f), x); }

/// 3 ULP.
EMBER_INLINE FloatLanes atan2(FloatLanes y, FloatLanes x) {
  const FloatLanes a = absolute(x), b = absolute(y), small = minimum(a, b), large = maximum(a, b);
  // Zeros, infinities and what is near them are for the C library, and so is NaN.
  const IntLanes special = !((small > 1e-30f) & (large < 1e30f));
  const FloatLanes arc = arc_of_quotient(b, a);
  const FloatLanes whole = select(as_bits(x) < 0, 2 * kHalfPi - (arc - 2 * kHalfPiRest), arc);
  return replace_where(special, copy_sign(whole, y), [&](int i) { return __builtin_atan2f(y[i], x[i]); });
}

EMBER_INLINE double sin(double x) { return __builtin_sin(x); }
EMBER_INLINE double cos(double x) { return __builtin_cos(x); }
EMBER_INLINE double tan(double x) { return __builtin_tan(x); }
EMBER_INLINE double asin(double x) { return __builtin_asin(x); }
EMBER_INLINE double acos(double x) { return __builtin_acos(x); }
EMBER_INLINE double atan(double x) { return __builtin_atan(x); }
EMBER_INLINE double atan2(double y, double x) { return __builtin_atan2(y, x); }

}  // namespace ember::kernels::EMBER_ISA
