// Sums of floats that lose nothing: a few additions in float, the rest in double.
#pragma once

#include "kernels/lanes/folds.h"

namespace ember::kernels::EMBER_ISA {

/// Sums in double of vectors of T: one vector of doubles, or two, of the lower and the upper half.
template <class T>
struct DoubleSum {
  static constexpr int kParts = int(sizeof(double) / sizeof(T));
  DoubleLanes part[kParts] = {};

  [[gnu::always_inline]] void add(Lanes<T> v) {
    if constexpr (kParts == 2) part[0] += widen_low(v), part[1] += widen_high(v);
    else part[0] += v;
  }
  [[gnu::always_inline]] double total() const {
    if constexpr (kParts == 2) return horizontal_sum(part[0] + part[1]);
    else return horizontal_sum(part[0]);
  }
  [[gnu::always_inline]] Lanes<T> lanes() const {
    if constexpr (kParts == 2) return narrow(part[0], part[1]);
    else return part[0];
  }

  /// From memory and back.
  template <class LaneCount>
  [[gnu::always_inline]] void read(const double* p, LaneCount lanes) {
    each(lanes, [&](DoubleLanes& v, int i, auto n) { v = load(p + i, n); });
  }
  template <class LaneCount>
  [[gnu::always_inline]] void write(double* p, LaneCount lanes) {
    each(lanes, [&](DoubleLanes& v, int i, auto n) { store(p + i, v, n); });
  }

 private:
  template <class LaneCount, class Body>
  [[gnu::always_inline]] void each(LaneCount lanes, Body body) {
    constexpr int H = kLanes<double>;
    for (int h = 0; h < kParts; ++h) {
      if constexpr (__is_same(LaneCount, AllLanes)) body(part[h], h * H, lanes);
      else if (lanes > h * H) body(part[h], h * H, lanes < (h + 1) * H ? lanes - h * H : H);
    }
  }
};

/// Sums of kSums terms in one pass: term(i, lanes, v) gives their vectors. At most four numbers a lane are added one to another in T,
/// then four of those sums, the rest in double.
template <class T, int kSums>
struct Totals {
  DoubleSum<T> sum[kSums];

  template <class Term>
  [[gnu::always_inline]] void add(int64_t n, Term term) {
    constexpr int L = kLanes<T>, kSide = 4, kDeep = 4;
    int64_t i = 0;
    const auto add_block = [&](int deep) __attribute__((always_inline)) {
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
    while (i + kDeep * kSide * L <= n) add_block(kDeep);
    while (i + kSide * L <= n) add_block(1);
    for_each_lanes<T>(n - i, [&](int64_t j, auto lanes) {
      Lanes<T> v[kSums];
      term(i + j, lanes, v);
      for (int s = 0; s < kSums; ++s) sum[s].add(keep(v[s], lanes));
    });
  }
};

/// The sum of term(i, lanes) over a row.
template <class T, class Term>
EMBER_INLINE double row_total(int64_t n, Term term) {
  Totals<T, 1> total;
  total.add(n, [=](int64_t i, auto lanes, Lanes<T>(&v)[1]) __attribute__((always_inline)) { v[0] = term(i, lanes); });
  return total.sum[0].total();
}

}  // namespace ember::kernels::EMBER_ISA
