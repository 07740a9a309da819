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

template <class Bits>
void transpose_numbers(int64_t rows, int64_t columns, Bits* to, int64_t to_row, const Bits* from, int64_t from_column) {
  constexpr int L = kLanes<Bits>;
  const int64_t whole_rows = rows / L * L, whole_columns = columns / L * L;
  for (int64_t c = 0; c < whole_columns; c += L)
    for (int64_t r = 0; r < whole_rows; r += L) {
      Lanes<Bits> block[L];
#pragma GCC unroll 16
      for (int i = 0; i < L; ++i) block[i] = load(from + (c + i) * from_column + r);
      transpose<Bits>(block);
#pragma GCC unroll 16
      for (int i = 0; i < L; ++i) store(to + (r + i) * to_row + c, block[i]);
    }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c) to[r * to_row + c] = from[c * from_column + r];
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
