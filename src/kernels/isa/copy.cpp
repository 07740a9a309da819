// Moving numbers of four and eight bytes, whatever they mean: fills and transposes; and sums into place.
#include "kernels/copy.h"

#include "kernels/isa/lanes.h"
#include "kernels/isa/transpose.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class Bits>
void fill(int64_t n, Bits value, Bits* to) {
  const Lanes<Bits> v = Lanes<Bits>{} + value;
  for_each_lanes<Bits>(n, [&](int64_t i, auto lanes) { store(to + i, v, lanes); });
}

/// A block of at most kLanes rows and columns; lanes that are not asked for are left alone.
template <class Bits, class Rows, class Columns>
EMBER_INLINE void transpose_block(Rows rows, Columns columns, Bits* to, int64_t to_row, const Bits* from, int64_t from_column) {
  constexpr int L = kLanes<Bits>;
  Lanes<Bits> block[L];
#pragma GCC unroll 16
  for (int i = 0; i < L; ++i) block[i] = i < lane_count<Bits>(columns) ? load(from + i * from_column, rows) : Lanes<Bits>{};
  transpose<Bits>(block);
#pragma GCC unroll 16
  for (int i = 0; i < L; ++i)
    if (i < lane_count<Bits>(rows)) store(to + i * to_row, block[i], columns);
}

template <class Bits>
void transpose_numbers(int64_t rows, int64_t columns, Bits* to, int64_t to_row, const Bits* from, int64_t from_column) {
  for_each_lanes<Bits>(columns, [&](int64_t c, auto column_lanes) {
    for_each_lanes<Bits>(rows, [&](int64_t r, auto row_lanes) {
      transpose_block(row_lanes, column_lanes, to + r * to_row + c, to_row, from + c * from_column + r, from_column);
    });
  });
}

template <class T>
void accumulate(int64_t n, const T* from, T* to) {
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(to + i, load(to + i, lanes) + load(from + i, lanes), lanes); });
}

}  // namespace

extern const CopyKernels copy_kernels;
constinit const CopyKernels copy_kernels{fill<std::uint32_t>, fill<std::uint64_t>, transpose_numbers<std::uint32_t>,
                                         transpose_numbers<std::uint64_t>, accumulate<float>, accumulate<double>};

}  // namespace ember::kernels::EMBER_ISA
