// exp, log, tanh, erf and what is made of them, of float32 without branches, so that loops over them become vector code. Errors in units in the last
// place (ULP) are against the exact value, over all floats; tests/kernels/math_test.cpp measures them. For float64 the C library.
//
// Sources: Cody & Waite's reduction, the polynomials of Cephes (S. Moshier) for exp and log, minimax fits for the others.
#pragma once

#include "kernels/lanes/lanes.h"
#include "kernels/lanes/math_tables.h"

namespace ember::kernels::EMBER_ISA {

// --- the same words for one float and for lanes of them

EMBER_INLINE float as_float(int32_t bits) { return __builtin_bit_cast(float, bits); }
EMBER_INLINE int32_t as_bits(float x) { return __builtin_bit_cast(int32_t, x); }
EMBER_INLINE FloatLanes as_float(IntLanes bits) { return (FloatLanes)bits; }
EMBER_INLINE IntLanes as_bits(FloatLanes x) { return (IntLanes)x; }
EMBER_INLINE float to_real(int32_t n) { return float(n); }
EMBER_INLINE FloatLanes to_real(IntLanes n) { return convert<float>(n); }

/// p 2^k for whole k within -150 .. 129, in two steps: results may be denormal.
EMBER_INLINE float times_power_of_two(float p, float k) {
  const int32_t n = int32_t(k), half = n >> 1;
  return p * as_float((half + 127) << 23) * as_float((n - half + 127) << 23);
}

/// a * b + c, fused where the hardware does it.
#if defined(__FMA__) || defined(__aarch64__)
EMBER_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
EMBER_INLINE float fused(float a, float b, float c) { return a * b + c; }  // a library call for each element otherwise
#endif
EMBER_INLINE FloatLanes fused(FloatLanes a, FloatLanes b, FloatLanes c) { return fma(a, b, c); }

/// c0 + x (c1 + x (c2 + ...)), from the highest coefficient down.
template <class V>
EMBER_INLINE V polynomial(V, float c) {
  return V{} + c;
}
template <class V, class... More>
EMBER_INLINE V polynomial(V x, float c, More... higher) {
  return fused(polynomial(x, higher...), x, V{} + c);
}

// --- functions. V is float or FloatLanes.

/// e^r for |r| <= ln 2 / 2: 1 + r + r^2 p(r).
template <class V>
EMBER_INLINE V exp_near_zero(V r) {
  const V p = polynomial(r, 4.99999940e-1f, 1.66665211e-1f, 4.16682586e-2f, 8.36866535e-3f, 1.38211960e-3f);
  return fused(p, r * r, r) + 1.0f;
}

/// e^x / 2^halvings, 1.01 ULP. x = k ln 2 + r with |r| <= ln 2 / 2. Subtracting no halvings costs nothing; adding 0 would turn -0 into 0.
template <class V>
EMBER_INLINE V halved_exp(V x, float halvings) {
  const V clamped = minimum(V{} + 90.0f, maximum(V{} - 104.0f, x));  // inf and 0 beyond; NaN stays
  const V k = round_even(clamped * 1.44269504088896341f);
  V r = fused(k, V{} - 0.693359375f, clamped);
  r = fused(k, V{} + 2.12194440e-4f, r);
  return times_power_of_two(exp_near_zero(r), k - halvings);
}
#if defined(__AVX512F__)
/// x = k ln 2 + r, where k counts sixteenths: the last four bits of `index`. Where k is infinite or NaN, r is not.
struct Sixteenths {
  IntLanes index;
  FloatLanes k, r;
};
EMBER_INLINE Sixteenths in_sixteenths(FloatLanes x) {
  using V = FloatLanes;
  const V shifted = fused(x, V{} + 1.44269504088896341f, V{} + 786432.0f);  // 1.5 2^19
  const V k = shifted - 786432.0f;
  const V r = fused(k, V{} - 0.693359375f, x);
  return {as_bits(shifted), k, limit_size(fused(k, V{} + 2.12194440e-4f, r), 0.5f)};
}

/// e^r - 1 for |r| <= ln 2 / 32.
EMBER_INLINE FloatLanes exp_minus_one(FloatLanes r) { return fused(fused(r, FloatLanes{} + 1.66666667e-1f, FloatLanes{} + 0.5f), r * r, r); }

/// The same of lanes, 0.8 ULP: 2^k comes from a table and the exponent, and two terms less of e^r are needed.
EMBER_INLINE FloatLanes halved_exp(FloatLanes x, float halvings) {
  const auto [index, k, r] = in_sixteenths(x);
  const FloatLanes power = look_up(kPowers, index), rest = look_up(kPowersRest, index);
  return times_power_of_two(power + fused(exp_minus_one(r), power, rest), k - halvings);
}

/// kWeightOfZero e^x for x <= 0: what a softmax needs, which divides by the sum. The factor makes a table whose rounding does no harm.
/// The error is 1 ULP + |x| / 25 ULP, less than the rounding of a difference x makes.
EMBER_INLINE FloatLanes weight(FloatLanes x) {
  using V = FloatLanes;
  const V shifted = fused(x, V{} + 1.44269504088896341f, V{} + 786432.0f), k = shifted - 786432.0f;
  const V r = limit_size(fused(k, V{} - 0.69314718f, x), 0.5f), power = look_up(kScaledPowers, as_bits(shifted));
  return times_power_of_two(fused(exp_minus_one(r), power, power), k);
}
template <class T>
static constexpr T kWeightOfZero = sizeof(T) == 4 ? T(kScaledPowers[0]) : T(1);
#else
EMBER_INLINE FloatLanes weight(FloatLanes x) { return halved_exp(x, 0); }
template <class T>
static constexpr T kWeightOfZero = 1;
#endif

template <class V>
EMBER_INLINE V exp(V x) {
  return halved_exp(x, 0);
}
EMBER_INLINE double exp(double x) { return __builtin_exp(x); }
EMBER_INLINE DoubleLanes exp(DoubleLanes v) {
  return each_lane(v, [](double x) { return __builtin_exp(x); });
}
EMBER_INLINE DoubleLanes weight(DoubleLanes x) { return exp(x); }

/// x = 2^k (1 + m) with 1 + m in [sqrt(1/2), sqrt(2)), and ln(1 + m) - m; denormals are scaled first.
template <class V>
struct LogParts {
  V k, m, rest;
};
template <class V>
EMBER_INLINE LogParts<V> log_parts(V x, float multiple_of_k = 0) {
  const auto tiny = x < 1.17549435e-38f;
  const auto bits = as_bits(select(tiny, x * 8388608.0f, x));
  V m = as_float((bits & 0x007fffff) | 0x3f000000);  // [0.5, 1)
  const auto low = m < 0.70710678118654752f;
  const V k = to_real(((bits >> 23) & 255) - 126) - select(tiny, V{} + 23.0f, V{}) - select(low, V{} + 1.0f, V{});
  m = select(low, m + m, m) - 1.0f;
  const V z = m * m;
  const V p = polynomial(m, 3.3333331174e-1f, -2.4999993993e-1f, 2.0000714765e-1f, -1.6668057665e-1f, 1.4249322787e-1f, -1.2420140846e-1f,
                         1.1676998740e-1f, -1.1514610310e-1f, 7.0376836292e-2f);
  return {k, m, fused(V{} - 0.5f, z, fused(k, V{} + multiple_of_k, p * m * z))};
}
/// y, a logarithm of x, but for 0, infinity and what has none.
template <class V>
EMBER_INLINE V log_of_any(V x, V y) {
  y = select(x == 0.0f, V{} - __builtin_inff(), y);
  y = select(x == __builtin_inff(), x, y);
  return select(x >= 0.0f, y, V{} + __builtin_nanf(""));
}

/// ln x, 1 ULP.
template <class V>
EMBER_INLINE V log(V x) {
  const auto [k, m, rest] = log_parts(x, -2.12194440e-4f);
  return log_of_any(x, fused(k, V{} + 0.693359375f, m + rest));
}
/// 2 ULP: with log2 e = 1 + c the small products come first.
template <class V>
EMBER_INLINE V log2(V x) {
  const auto [k, m, rest] = log_parts(x);
  constexpr float c = 0.44269504088896340736f;
  return log_of_any(x, fused(rest, V{} + c, m * c) + rest + m + k);
}
/// 2 ULP: log10 e = 0.43359375 + c.
template <class V>
EMBER_INLINE V log10(V x) {
  const auto [k, m, rest] = log_parts(x);
  constexpr float c = 7.00731903251827651129e-4f;
  const V small = fused(k, V{} + 2.48745663981195213739e-4f, (m + rest) * c);
  return log_of_any(x, fused(k, V{} + 3.0078125e-1f, fused(m, V{} + 0.43359375f, fused(rest, V{} + 0.43359375f, small))));
}
EMBER_INLINE double log(double x) { return __builtin_log(x); }

/// e^x - 1, 4 ULP: a polynomial where e^x is near 1, so that nothing cancels.
template <class V>
EMBER_INLINE V expm1(V x) {
  const V p = polynomial(x, 5.0e-1f, 1.66666667e-1f, 4.16666667e-2f, 8.33333333e-3f, 1.38888889e-3f, 1.98412698e-4f);
  return select(absolute(x) < 0.35f, fused(p, x * x, x), exp(x) - 1.0f);
}
EMBER_INLINE double expm1(double x) { return __builtin_expm1(x); }

/// cosh x, 2 ULP: h + 1 / (4 h) with h = e^|x| / 2.
template <class V>
EMBER_INLINE V cosh(V x) {
  const V h = halved_exp(absolute(x), 1);
  return h + 0.25f / h;
}
/// sinh x, 2 ULP: the difference, and near 0 a polynomial.
template <class V>
EMBER_INLINE V sinh(V x) {
  const V h = halved_exp(absolute(x), 1), z = x * x;
  const V p = polynomial(z, 1.66667160211e-1f, 8.33028376239e-3f, 2.03721912945e-4f);
  return select(absolute(x) > 1.0f, copy_sign(h - 0.25f / h, x), fused(p * z, x, x));
}

/// ln(1 + x), 3 ULP: what 1 + x loses is put back through the derivative.
template <class V>
EMBER_INLINE V log1p(V x) {
  const V u = x + 1.0f, d = u - 1.0f;
  const V y = select(d == 0.0f, x, log(u) * (x / d));
  return select(x == __builtin_inff(), x, y);
}
EMBER_INLINE double log1p(double x) { return __builtin_log1p(x); }

/// 1 / (1 + e^-x), 3 ULP.
template <class V>
EMBER_INLINE V sigmoid(V x) {
  const V e = exp(-absolute(x));  // never overflows
  return select(x < 0.0f, e, V{} + 1.0f) / (e + 1.0f);
}
#if defined(__AVX512F__)
/// The same of lanes, 2.3 ULP, as f 2^k / (f 2^k + f 2^-i/16 e^-r): 2^k goes to 0 and never overflows. The factor f is for the table.
EMBER_INLINE FloatLanes sigmoid(FloatLanes x) {
  const auto [index, k, r] = in_sixteenths(minimum(FloatLanes{} + 40.0f, x));  // 1 beyond
  const FloatLanes power = look_up(kScaledRoots, index), scale = times_power_of_two(FloatLanes{} + kScaledRoots[0], k);
  return scale / (scale + fused(exp_minus_one(-r), power, power));
}
#endif
EMBER_INLINE double sigmoid(double x) {
  const double e = __builtin_exp(x < 0 ? x : -x);
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

/// v 2^k for the k in the last bits of `shifted`. The bits of a NaN may wrap around: they are not used.
EMBER_INLINE float add_to_exponent(float v, float shifted) {
  return as_float(int32_t(std::uint32_t(as_bits(v)) + (std::uint32_t(as_bits(shifted)) << 23)));
}
EMBER_INLINE FloatLanes add_to_exponent(FloatLanes v, FloatLanes shifted) {
  using Bits = Lanes<std::uint32_t>;
  return (FloatLanes)((Bits)v + ((Bits)shifted << 23));
}

/// tanh x, 1.4 ULP. One division serves both forms, base + base n / d:
///   |x| > 0.6: sign(x) (1 - 2 / (e^2|x| + 1)); the exponent fits, so 2^k is added to e^r's bits
///   else x + x z (p0 + p1 z) / (q0 + z), z = x^2, a minimax fit; NaN goes this way
template <class V>
EMBER_INLINE V tanh(V x) {
  const V a = minimum(V{} + 10.0f, absolute(x)), z = x * x;
  const V shifted = a * 2.88539008f + 12582912.0f;  // 1.5 2^23: its last bits are k = round(2 a / ln 2)
  const V r = fused(shifted - 12582912.0f, V{} - 0.69314718f, a + a);
  const V e = add_to_exponent(exp_near_zero(r), shifted);
  const auto large = a > 0.6f;
  const V n = select(large, V{} - 2.0f, fused(z, V{} - 3.81847e-3f, V{} - 8.2380847e-1f) * z);
  const V d = select(large, e + 1.0f, z + 2.47142689f);
  const V base = select(large, copy_sign(V{} + 1.0f, x), x);
  return fused(base, n / d, base);
}
#if defined(__AVX512F__)
/// An odd function by the polynomial of the piece in which |x| is: the exponent of 1 + s |x| and two bits more say which.
EMBER_INLINE FloatLanes by_pieces(FloatLanes x, const Pieces& function) {
  using V = FloatLanes;
  const V a = minimum(V{} + function.end, absolute(x));
  const V place = fused(a, V{} + function.s, V{} + 1.0f);
  const IntLanes piece = as_bits(place) >> 21;
  const V d = a - look_up(function.numbers[0], piece);
  V y = look_up(function.numbers[6], piece);
#pragma GCC unroll 4
  for (int i = 5; i > 1; --i) y = fused(y, d, look_up(function.numbers[i], piece));
  V value = look_up(function.numbers[1], piece);
  if (function.adds_itself) value = select(place < 1.25f, a, value);
  y = fused(y, d, value);
  return (V)(as_bits(y) | (as_bits(x) & INT32_MIN));
}
/// The same of lanes, 1.05 ULP.
EMBER_INLINE FloatLanes tanh(FloatLanes x) { return by_pieces(x, kTanh); }
#endif
EMBER_INLINE double tanh(double x) { return __builtin_tanh(x); }

/// erf x, 2 ULP: an odd polynomial near 0, else 1 - e^-p(|x|). The coefficients are N. Juffa's (2-clause BSD).
template <class V>
EMBER_INLINE V erf(V x) {
  const V a = absolute(x), z = x * x;
  const V p = polynomial(a, -1.28717512e-1f, -6.34846687e-1f, -1.06777877e-1f, 2.42546219e-2f, -3.88396438e-3f, 3.83197126e-4f, -1.72853470e-5f);
  const V large = 1.0f - exp(fused(p, a, -a));
  const V q = polynomial(z, 1.28379166e-1f, -3.76125336e-1f, 1.12819925e-1f, -2.67681349e-2f, 4.99119423e-3f, -5.96761703e-4f);
  return select(a > 0.927734375f, copy_sign(large, x), fused(q, x, x));
}
#if defined(__AVX512F__)
/// The same of lanes, 1 ULP.
EMBER_INLINE FloatLanes erf(FloatLanes x) { return by_pieces(x, kErf); }
#endif
EMBER_INLINE double erf(double x) { return __builtin_erf(x); }

EMBER_INLINE double log2(double x) { return __builtin_log2(x); }
EMBER_INLINE double log10(double x) { return __builtin_log10(x); }
EMBER_INLINE double sinh(double x) { return __builtin_sinh(x); }
EMBER_INLINE double cosh(double x) { return __builtin_cosh(x); }

}  // namespace ember::kernels::EMBER_ISA
