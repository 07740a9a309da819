// Sixteen numbers in one register, looked up lane by lane: AVX-512 does it in one instruction, as the comments say it.
#pragma once

#include "kernels/lanes/lanes.h"

#if defined(__AVX512F__)
namespace ember::kernels::EMBER_ISA {

/// table[index % 16]
EMBER_INLINE FloatLanes look_up(const float* table, IntLanes index) {
  return (FloatLanes)_mm512_permutexvar_ps((__m512i)index, _mm512_load_ps(table));
}

/// v, but no larger than `limit` in size; `limit` in size where v is NaN.
EMBER_INLINE FloatLanes limit_size(FloatLanes v, float limit) {
  constexpr int kSmallerSizeSignOfFirst = 0b0010;
  return (FloatLanes)_mm512_range_ps((__m512)v, _mm512_set1_ps(limit), kSmallerSizeSignOfFirst);
}

}  // namespace ember::kernels::EMBER_ISA
#endif
