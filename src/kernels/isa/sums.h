// Sums of floats that lose nothing: a few additions in float, the rest in double.
#pragma once

#include "kernels/isa/lane_folds.h"

namespace ember::kernels::EMBER_ISA {

/// Sums in double of vectors of T.
template <class T>
struct DoubleSum;
template <>
struct DoubleSum<float> {
  DoubleLanes low{}, high{};
  [[gnu::always_inline]] void add(FloatLanes v) {
    low += widen_low(v);
    high += widen_high(v);
  }
  [[gnu::always_inline]] double total() const { return horizontal_sum(low + high); }
  [[gnu::always_inline]] FloatLanes lanes() const { return narrow(low, high); }
};
template <>
struct DoubleSum<double> {
  DoubleLanes sum{};
  [[gnu::always_inline]] void add(DoubleLanes v) { sum += v; }
  [[gnu::always_inline]] double total() const { return horizontal_sum(sum); }
  [[gnu::always_inline]] DoubleLanes lanes() const { return sum; }
};

/// The sums of kSums terms over a row in one pass: term(i, lanes, v) gives their vectors. At most four numbers a lane are added one to
/// another in T, then four of those sums, the rest in double.
template <class T, int kSums, class Term>
EMBER_INLINE void row_totals(int64_t n, Term term, double (&totals)[kSums]) {
  constexpr int L = kLanes<T>, kSide = 4, kDeep = 4;
  DoubleSum<T> sum[kSums];
  int64_t i = 0;
  const auto add_up = [&](int deep) __attribute__((always_inline)) {
    Lanes<T> part[kSide][kSums] = {};
    for (int k = 0; k < deep; ++k, i += kSide * L)
#pragma GCC unroll 4
      for (int j = 0; j < kSide; ++j) {
        Lanes<T> v[kSums];
        term(i + j * L, AllLanes{}, v);
        for (int s = 0; s < kSums; ++s) part[j][s] += v[s];
      }
    for (int s = 0; s < kSums; ++s) sum[s].add((part[0][s] + part[1][s]) + (part[2][s] + part[3][s]));
  };
  while (i + kDeep * kSide * L <= n) add_up(kDeep);
  while (i + kSide * L <= n) add_up(1);
  for_each_lanes<T>(n - i, [&](int64_t j, auto lanes) {
    Lanes<T> v[kSums];
    term(i + j, lanes, v);
    for (int s = 0; s < kSums; ++s) sum[s].add(keep(v[s], lanes));
  });
  for (int s = 0; s < kSums; ++s) totals[s] = sum[s].total();
}

/// The same of one: term(i, lanes) gives the vector.
template <class T, class Term>
EMBER_INLINE double row_total(int64_t n, Term term) {
  double total[1];
  row_totals<T>(n, [=](int64_t i, auto lanes, Lanes<T> (&v)[1]) __attribute__((always_inline)) { v[0] = term(i, lanes); }, total);
  return total[0];
}

}  // namespace ember::kernels::EMBER_ISA
