// Lanes of 32-bit words: what random numbers are made with.
#pragma once

#include "kernels/lanes/bytes.h"

namespace ember::kernels::EMBER_ISA {

using Words = Lanes<std::uint32_t>;

/// The bits of a where those of `mask` are 1, of b elsewhere.
EMBER_INLINE Words choose_bits(std::uint32_t mask, Words a, Words b) {
#if defined(__AVX512F__)
  return (Words)_mm512_ternarylogic_epi32(_mm512_set1_epi32(int(mask)), (__m512i)a, (__m512i)b, 0xca);
#else
  return (a & mask) | (b & ~mask);
#endif
}

/// `value` where the lowest bit is 1, 0 elsewhere.
EMBER_INLINE Words if_odd(Words v, std::uint32_t value) {
#if defined(__AVX512F__)  // one look-up by the lowest bits instead of three operations
  return (Words)_mm512_permutexvar_epi32((__m512i)v, (__m512i)(-(lane_index<std::uint32_t>() & 1) & value));
#else
  return -(v & 1) & value;
#endif
}

/// The words from p + 1 on, where `here` are those from p on and `next` the ones behind them. A load across lines counts twice: with
/// vectors of a line each it would always be one.
EMBER_INLINE Words one_further([[maybe_unused]] const std::uint32_t* p, [[maybe_unused]] Words here, [[maybe_unused]] Words next) {
#if defined(__AVX512F__)
  return (Words)_mm512_alignr_epi32((__m512i)next, (__m512i)here, 1);
#else
  return load(p + 1);
#endif
}

/// A byte for each word: its highest bit.
template <class LaneCount>
EMBER_INLINE void store_highest_bits(std::uint8_t* p, Words v, LaneCount lanes) {
#if defined(__AVX512F__)
  const __m128i bytes = _mm_maskz_set1_epi8(_mm512_movepi32_mask((__m512i)v), 1);
  if constexpr (__is_same(LaneCount, AllLanes)) _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  else _mm_mask_storeu_epi8(p, __mmask16((1u << lanes) - 1), bytes);
#else
  store_bytes<float>(p, (IntLanes)(v >> 31), lanes);
#endif
}

}  // namespace ember::kernels::EMBER_ISA
