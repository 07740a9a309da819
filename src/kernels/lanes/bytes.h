// Bytes beside lanes: whole numbers 0 .. 255 of the width of T, from memory and back.
#pragma once

#include "kernels/lanes/lanes.h"

namespace ember::kernels::EMBER_ISA {

template <int kBytes>
struct BytesOf;
template <>
struct BytesOf<4> {
  typedef std::uint8_t type __attribute__((vector_size(kLaneBytes / 4)));
};
template <>
struct BytesOf<8> {
  typedef std::uint8_t type __attribute__((vector_size(kLaneBytes / 8)));
};

template <class T>
EMBER_INLINE Mask<T> load_bytes(const std::uint8_t* p) {
#if defined(__AVX512F__)  // GCC converts number by number
  if constexpr (sizeof(T) == 4) return (Mask<T>)_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) return (Mask<T>)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#elif defined(__SSE4_1__)
  if constexpr (sizeof(T) == 4) {
    int four;
    __builtin_memcpy(&four, p, 4);
    return (Mask<T>)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
  }
#endif
  typename BytesOf<sizeof(T)>::type bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
  return __builtin_convertvector(bytes, Mask<T>);
}
template <class T>
EMBER_INLINE void store_bytes(std::uint8_t* p, Mask<T> v) {
#if defined(__AVX512F__) || defined(__clang__)  // Clang has no __builtin_shuffle
  const auto bytes = __builtin_convertvector(v, typename BytesOf<sizeof(T)>::type);
#else
  // The lowest byte of each number, gathered at the front: one shuffle, where the conversion goes number by number.
  typedef std::uint8_t AllBytes __attribute__((vector_size(kLaneBytes)));
  AllBytes order{};
#pragma GCC unroll 8
  for (int i = 0; i < kLanes<T>; ++i) order[i] = std::uint8_t(i * int(sizeof(T)));
  const AllBytes bytes = __builtin_shuffle((AllBytes)v, order);
#endif
  __builtin_memcpy(p, &bytes, kLanes<T>);
}

template <class T>
EMBER_INLINE Mask<T> load_bytes(const std::uint8_t* p, int n) {
  std::uint8_t x[kLanes<T>] = {};
#if defined(__AVX512F__)
  const __m128i bytes = _mm_maskz_loadu_epi8(__mmask16((1u << n) - 1), p);
  __builtin_memcpy(x, &bytes, sizeof x);
#else
#pragma GCC unroll 1
  for (int i = 0; i < n; ++i) x[i] = p[i];
#endif
  return load_bytes<T>(x);
}
template <class T>
EMBER_INLINE void store_bytes(std::uint8_t* p, Mask<T> v, int n) {
  std::uint8_t x[kLanes<T>];
  store_bytes<T>(x, v);
#if defined(__AVX512F__)
  __m128i bytes = _mm_setzero_si128();
  __builtin_memcpy(&bytes, x, sizeof x);
  _mm_mask_storeu_epi8(p, __mmask16((1u << n) - 1), bytes);
#else
#pragma GCC unroll 1
  for (int i = 0; i < n; ++i) p[i] = x[i];
#endif
}

template <class T>
EMBER_INLINE Mask<T> load_bytes(const std::uint8_t* p, AllLanes) {
  return load_bytes<T>(p);
}
template <class T>
EMBER_INLINE void store_bytes(std::uint8_t* p, Mask<T> v, AllLanes) {
  store_bytes<T>(p, v);
}

}  // namespace ember::kernels::EMBER_ISA
