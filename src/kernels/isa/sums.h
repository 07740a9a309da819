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

/// The sum of term(i, lanes) over a row. Eight vectors at a time are added in T, the rest in double.
template <class T, class Term>
EMBER_INLINE double row_total(int64_t n, Term term) {
  constexpr int L = kLanes<T>;
  DoubleSum<T> sum;
  int64_t i = 0;
  for (; i + 8 * L <= n; i += 8 * L) {
    Lanes<T> part[8];
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) part[j] = term(i + j * L, AllLanes{});
    sum.add(((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7])));
  }
  for (; i + L <= n; i += L) sum.add(term(i, AllLanes{}));
  if (i < n) sum.add(keep(term(i, int(n - i)), int(n - i)));
  return sum.total();
}

/// Two sums in one pass: term(i, lanes, a, b) gives the vectors. Four at a time are added in T.
struct TwoTotals {
  double a, b;
};
template <class T, class Term>
EMBER_INLINE TwoTotals row_totals(int64_t n, Term term) {
  constexpr int L = kLanes<T>;
  DoubleSum<T> sum_a, sum_b;
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    Lanes<T> a[4], b[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) term(i + j * L, AllLanes{}, a[j], b[j]);
    sum_a.add((a[0] + a[1]) + (a[2] + a[3]));
    sum_b.add((b[0] + b[1]) + (b[2] + b[3]));
  }
  for_each_lanes<T>(n - i, [&](int64_t j, auto lanes) {
    Lanes<T> a, b;
    term(i + j, lanes, a, b);
    sum_a.add(keep(a, lanes));
    sum_b.add(keep(b, lanes));
  });
  return {sum_a.total(), sum_b.total()};
}

}  // namespace ember::kernels::EMBER_ISA
