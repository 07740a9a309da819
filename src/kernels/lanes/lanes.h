// Short vectors of the instruction set that a file is compiled for: Lanes<float> holds 16, 8 or 4 numbers. The arithmetic is the compiler's own
// (a * b + c, a < b, a & b on GNU vectors, a number beside a vector counts for all lanes); here stands what the operators do not say. Intrinsics
// occur in this folder only, where no plain loop becomes the instruction. Everything is static and inline: nothing of it may leave an object file.
#pragma once

#include <cstdint>
#include <type_traits>

#if defined(__SSE2__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 sees the undefined parts of its own intrinsics
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#define EMBER_INLINE [[gnu::always_inline]] static inline

namespace ember::kernels::EMBER_ISA {

#if defined(__AVX512F__)
static constexpr int kLaneBytes = 64;
#elif defined(__AVX2__)
static constexpr int kLaneBytes = 32;
#else
static constexpr int kLaneBytes = 16;
#endif

template <class T>
struct LanesOf;  // GCC drops an aligned attribute on a dependent type, hence one line for each element type
#define EMBER_LANES_OF(T)                                                                        \
  template <>                                                                                    \
  struct LanesOf<T> {                                                                            \
    typedef T type __attribute__((vector_size(kLaneBytes)));                                     \
    typedef T unaligned __attribute__((vector_size(kLaneBytes), aligned(sizeof(T)), may_alias)); \
  };
EMBER_LANES_OF(float)
EMBER_LANES_OF(double)
EMBER_LANES_OF(int32_t)
EMBER_LANES_OF(uint32_t)
EMBER_LANES_OF(int64_t)
EMBER_LANES_OF(uint64_t)
#undef EMBER_LANES_OF

template <class T>
using Lanes = typename LanesOf<T>::type;

/// How many numbers of type T one vector holds.
template <class T>
static constexpr int kLanes = kLaneBytes / int(sizeof(T));

/// The integer of the same width: comparisons of Lanes<T> give Lanes<Int<T>>, -1 where true and 0 where false.
template <class T>
using Int = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
template <class T>
using Mask = Lanes<Int<T>>;

/// The element type of a vector type.
template <class V>
using ElementOf = __typeof__(V{}[0] + V{}[0]);

using FloatLanes = Lanes<float>;
using DoubleLanes = Lanes<double>;
using IntLanes = Lanes<int32_t>;
using LongLanes = Lanes<int64_t>;

// --- constants

template <class T>
EMBER_INLINE Lanes<T> zeros() {
  return Lanes<T>{};
}

template <class T>
EMBER_INLINE Lanes<T> broadcast(T x) {
  return x - Lanes<T>{};  // x - 0 keeps the sign of -0
}

/// 0, 1, 2, ...
template <class T>
EMBER_INLINE Lanes<T> lane_index() {
  Lanes<T> v{};
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) v[i] = T(i);
  return v;
}

/// -1 in the first n lanes, 0 in the others.
template <class T>
EMBER_INLINE Mask<T> first_lanes(int n) {
  return lane_index<Int<T>>() < broadcast(Int<T>(n));
}

// --- memory. No pointer needs more alignment than its element. `n` is 0 .. kLanes<T>; memory past n is not touched.

template <class T>
EMBER_INLINE Lanes<T> load(const T* p) {
  return *reinterpret_cast<const typename LanesOf<T>::unaligned*>(p);
}

template <class T>
EMBER_INLINE void store(T* p, Lanes<T> v) {
  *reinterpret_cast<typename LanesOf<T>::unaligned*>(p) = v;
}

/// The first n numbers; the other lanes are 0.
template <class T>
EMBER_INLINE Lanes<T> load(const T* p, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (Lanes<T>)_mm512_maskz_loadu_epi32(__mmask16((1u << n) - 1), p);
  if constexpr (sizeof(T) == 8) return (Lanes<T>)_mm512_maskz_loadu_epi64(__mmask8((1u << n) - 1), p);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) return (Lanes<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p), (__m256i)first_lanes<T>(n));
  if constexpr (sizeof(T) == 8) return (Lanes<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), (__m256i)first_lanes<T>(n));
#else
  T x[kLanes<T>] = {};
#pragma GCC unroll 1
  for (int i = 0; i < n; ++i) x[i] = p[i];
  return load(x);
#endif
}

template <class T>
EMBER_INLINE void store(T* p, Lanes<T> v, int n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) _mm512_mask_storeu_epi32(p, __mmask16((1u << n) - 1), (__m512i)v);
  if constexpr (sizeof(T) == 8) _mm512_mask_storeu_epi64(p, __mmask8((1u << n) - 1), (__m512i)v);
#elif defined(__AVX2__)
  if (n == kLanes<T>) return store(p, v);  // a masked store takes tens of cycles on AMD's processors
  if (n * sizeof(T) & 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128((__m256i)v));
    v = (Lanes<T>)_mm256_permute2x128_si256((__m256i)v, (__m256i)v, 1);
    p += 16 / sizeof(T);
  }
  if (n * sizeof(T) & 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128((__m256i)v));
    v = (Lanes<T>)_mm256_srli_si256((__m256i)v, 8);
    p += 8 / sizeof(T);
  }
  if (n * sizeof(T) & 4) *p = v[0];
#else
  T x[kLanes<T>];
  store(x, v);
#pragma GCC unroll 1
  for (int i = 0; i < n; ++i) p[i] = x[i];
#endif
}

/// A non-temporal store, for outputs larger than the last-level cache; p is aligned to kLaneBytes. Call stream_fence() after the last one.
template <class T>
EMBER_INLINE void stream(T* p, Lanes<T> v) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)v);
#elif defined(__AVX2__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
#elif defined(__SSE2__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v);
#else
  store(p, v);
#endif
}

EMBER_INLINE void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

EMBER_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 3); }
EMBER_INLINE void prefetch_far(const void* p) { __builtin_prefetch(p, 0, 2); }  ///< into the second-level cache
EMBER_INLINE void prefetch_write(const void* p) { __builtin_prefetch(p, 1, 3); }

// --- loops. for_each_lanes<float>(n, [&](int64_t i, auto lanes) { store(y + i, f(load(x + i, lanes)), lanes); }) runs the body
// --- with AllLanes for whole vectors and once with the number of lanes that remain.

struct AllLanes {};

template <class T>
EMBER_INLINE constexpr int lane_count(AllLanes) {
  return kLanes<T>;
}
template <class T>
EMBER_INLINE constexpr int lane_count(int n) {
  return n;
}

template <class T>
EMBER_INLINE Lanes<T> load(const T* p, AllLanes) {
  return load(p);
}
template <class T>
EMBER_INLINE void store(T* p, Lanes<T> v, AllLanes) {
  store(p, v);
}

/// v, with 0 in the lanes past n.
template <class V>
EMBER_INLINE V keep(V v, AllLanes) {
  return v;
}
template <class V>
EMBER_INLINE V keep(V v, int n) {
  using I = Int<ElementOf<V>>;
  return (V)((Lanes<I>)v & first_lanes<I>(n));
}

template <class T, class Body>
EMBER_INLINE void for_each_lanes(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) body(i, AllLanes{});
  if (i < n) body(i, int(n - i));
}

// --- arithmetic

/// a * b + c: one rounding where the hardware fuses (v3, v4), two where it does not (v2).
template <class V>
EMBER_INLINE V fma(V a, V b, V c) {
  return a * b + c;
}

/// mask ? a : b, lane by lane; mask is what a comparison gave.
template <class V, class M>
EMBER_INLINE V select(M mask, V a, V b) {
  return mask ? a : b;
}

/// a > b ? a : b, so b where either is NaN: maximum(zeros, x) keeps a NaN of x.
template <class V>
EMBER_INLINE V maximum(V a, V b) {
  return a > b ? a : b;
}

/// a < b ? a : b, so b where either is NaN.
template <class V>
EMBER_INLINE V minimum(V a, V b) {
  return a < b ? a : b;
}

// GCC does not see the instruction when `a` is a constant.
#if defined(__AVX512F__)
EMBER_INLINE FloatLanes maximum(FloatLanes a, FloatLanes b) { return (FloatLanes)_mm512_max_ps((__m512)a, (__m512)b); }
EMBER_INLINE FloatLanes minimum(FloatLanes a, FloatLanes b) { return (FloatLanes)_mm512_min_ps((__m512)a, (__m512)b); }
#elif defined(__AVX2__)
EMBER_INLINE FloatLanes maximum(FloatLanes a, FloatLanes b) { return (FloatLanes)_mm256_max_ps((__m256)a, (__m256)b); }
EMBER_INLINE FloatLanes minimum(FloatLanes a, FloatLanes b) { return (FloatLanes)_mm256_min_ps((__m256)a, (__m256)b); }
#elif defined(__SSE2__)
EMBER_INLINE FloatLanes maximum(FloatLanes a, FloatLanes b) { return (FloatLanes)_mm_max_ps((__m128)a, (__m128)b); }
EMBER_INLINE FloatLanes minimum(FloatLanes a, FloatLanes b) { return (FloatLanes)_mm_min_ps((__m128)a, (__m128)b); }
#endif

template <class V>
EMBER_INLINE auto is_nan(V v) {
  return v != v;
}

/// The larger one, NaN where either is NaN: what PyTorch's max and amax want.
template <class V>
EMBER_INLINE V maximum_or_nan(V a, V b) {
  return select(is_nan(a), a, maximum(a, b));
}
template <class V>
EMBER_INLINE V minimum_or_nan(V a, V b) {
  return select(is_nan(a), a, minimum(a, b));
}

template <class V>
EMBER_INLINE V absolute(V v) {
  using I = Int<ElementOf<V>>;
  constexpr I all_but_sign = I(~(uint64_t(1) << (8 * sizeof(I) - 1)));
  return (V)((Lanes<I>)v & broadcast(all_but_sign));
}

/// The size of `v` with the sign of `sign`.
template <class V>
EMBER_INLINE V copy_sign(V v, V sign) {
  using I = Int<ElementOf<V>>;
  const Lanes<I> bit = broadcast(I(uint64_t(1) << (8 * sizeof(I) - 1)));
  return (V)(((Lanes<I>)v & ~bit) | ((Lanes<I>)sign & bit));
}

EMBER_INLINE float absolute(float x) { return __builtin_fabsf(x); }
EMBER_INLINE double absolute(double x) { return __builtin_fabs(x); }
EMBER_INLINE float copy_sign(float x, float sign) { return __builtin_copysignf(x, sign); }
EMBER_INLINE double copy_sign(double x, double sign) { return __builtin_copysign(x, sign); }

/// f of each lane; the compilers make one instruction of it where there is one.
template <class V, class F>
EMBER_INLINE V each_lane(V v, F f) {
  constexpr int n = int(sizeof(V) / sizeof(v[0]));
  ElementOf<V> x[n];
  __builtin_memcpy(x, &v, sizeof v);
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) x[i] = f(x[i]);
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}

EMBER_INLINE float floor(float x) { return __builtin_floorf(x); }
EMBER_INLINE double floor(double x) { return __builtin_floor(x); }
EMBER_INLINE float round_even(float x) { return __builtin_rintf(x); }
EMBER_INLINE double round_even(double x) { return __builtin_rint(x); }
EMBER_INLINE float truncate(float x) { return __builtin_truncf(x); }
EMBER_INLINE double truncate(double x) { return __builtin_trunc(x); }
EMBER_INLINE float square_root(float x) { return __builtin_sqrtf(x); }
EMBER_INLINE double square_root(double x) { return __builtin_sqrt(x); }

/// The largest integer that is not above v.
template <class V>
EMBER_INLINE V floor(V v) {
  return each_lane(v, [](auto x) { return floor(x); });
}
/// The nearest integer, halves to the even one.
template <class V>
EMBER_INLINE V round_even(V v) {
  return each_lane(v, [](auto x) { return round_even(x); });
}
/// Towards zero.
template <class V>
EMBER_INLINE V truncate(V v) {
  return each_lane(v, [](auto x) { return truncate(x); });
}
/// Correctly rounded; NaN below 0.
template <class V>
EMBER_INLINE V square_root(V v) {
  return each_lane(v, [](auto x) { return square_root(x); });
}

// --- conversions

/// The same bits as another type of the same width.
template <class T, class V>
EMBER_INLINE Lanes<T> bits_as(V v) {
  return (Lanes<T>)v;
}

/// Lane by lane to a type of the same width; reals are cut off towards zero, and must fit.
template <class T, class V>
EMBER_INLINE Lanes<T> convert(V v) {
  return __builtin_convertvector(v, Lanes<T>);
}

/// The lower and the upper half of a float vector as doubles; narrow() puts two of them together again.
#if defined(__AVX512F__)
EMBER_INLINE DoubleLanes widen_low(FloatLanes v) { return (DoubleLanes)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)); }
EMBER_INLINE DoubleLanes widen_high(FloatLanes v) { return (DoubleLanes)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1)); }
EMBER_INLINE FloatLanes narrow(DoubleLanes low, DoubleLanes high) {
  const __m512 half = _mm512_castps256_ps512(_mm512_cvtpd_ps((__m512d)low));
  return (FloatLanes)_mm512_insertf32x8(half, _mm512_cvtpd_ps((__m512d)high), 1);
}
#elif defined(__AVX2__)
EMBER_INLINE DoubleLanes widen_low(FloatLanes v) { return (DoubleLanes)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)); }
EMBER_INLINE DoubleLanes widen_high(FloatLanes v) { return (DoubleLanes)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1)); }
EMBER_INLINE FloatLanes narrow(DoubleLanes low, DoubleLanes high) {
  return (FloatLanes)_mm256_set_m128(_mm256_cvtpd_ps((__m256d)high), _mm256_cvtpd_ps((__m256d)low));
}
#else
EMBER_INLINE DoubleLanes widen_low(FloatLanes v) { return DoubleLanes{v[0], v[1]}; }
EMBER_INLINE DoubleLanes widen_high(FloatLanes v) { return DoubleLanes{v[2], v[3]}; }
EMBER_INLINE FloatLanes narrow(DoubleLanes low, DoubleLanes high) { return FloatLanes{float(low[0]), float(low[1]), float(high[0]), float(high[1])}; }
#endif

/// 2^n for integers n within the exponents of normal numbers (-126 .. 127, -1022 .. 1023), built in the exponent's bits.
EMBER_INLINE FloatLanes power_of_two(IntLanes n) { return (FloatLanes)((n + 127) << 23); }
EMBER_INLINE DoubleLanes power_of_two(LongLanes n) { return (DoubleLanes)((n + 1023) << 52); }

/// p 2^floor(k) for k within -150 .. 129; results may be denormal.
EMBER_INLINE FloatLanes times_power_of_two(FloatLanes p, FloatLanes k) {
#if defined(__AVX512F__)
  return (FloatLanes)_mm512_scalef_ps((__m512)p, (__m512)k);
#else
  const IntLanes n = convert<int32_t>(k), half = n >> 1;
  return p * power_of_two(half) * power_of_two(n - half);
#endif
}

/// floor(log2 |v|) of normal numbers, read from the exponent's bits.
EMBER_INLINE IntLanes exponent(FloatLanes v) { return (((IntLanes)v >> 23) & 255) - 127; }
EMBER_INLINE LongLanes exponent(DoubleLanes v) { return (((LongLanes)v >> 52) & 2047) - 1023; }

}  // namespace ember::kernels::EMBER_ISA
