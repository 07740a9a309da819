// Floats on their way into sums of doubles: read half a vector at a time, nothing has to be taken apart before it is widened.
#pragma once

#include "kernels/lanes/fused.h"

namespace ember::kernels::EMBER_ISA {

/// sum + v. The units that widen are those that add; those that multiply have nothing else to do.
EMBER_INLINE DoubleLanes add_widened(DoubleLanes sum, DoubleLanes v) { return kFuses ? fused(v, broadcast(1.0), sum) : sum + v; }

/// Adds term(x) of kLanes<T> numbers from p to the doubles in `low` and `high`; term may be asked for vectors of any length.
template <class Term>
EMBER_INLINE void add_terms(const double* p, Term term, DoubleLanes& low, DoubleLanes&) {
  low = add_widened(low, term(load(p)));
}
template <class Term>
EMBER_INLINE void add_terms(const float* p, Term term, DoubleLanes& low, DoubleLanes& high) {
#if defined(__AVX512F__)
  typedef float Half __attribute__((vector_size(32)));
  low = add_widened(low, (DoubleLanes)_mm512_cvtps_pd((__m256)term((Half)_mm256_loadu_ps(p))));
  high = add_widened(high, (DoubleLanes)_mm512_cvtps_pd((__m256)term((Half)_mm256_loadu_ps(p + 8))));
#elif defined(__AVX2__)
  typedef float Half __attribute__((vector_size(16)));
  low = add_widened(low, (DoubleLanes)_mm256_cvtps_pd((__m128)term((Half)_mm_loadu_ps(p))));
  high = add_widened(high, (DoubleLanes)_mm256_cvtps_pd((__m128)term((Half)_mm_loadu_ps(p + 4))));
#else
  const FloatLanes v = term(load(p));
  low = add_widened(low, widen_low(v));
  high = add_widened(high, widen_high(v));
#endif
}

}  // namespace ember::kernels::EMBER_ISA
