// Moving numbers of four and eight bytes, whatever they mean: fills and transposes; and sums into place.
#include "kernels/copy/copy.h"

#include "kernels/families.isa.h"
#include "kernels/lanes/lanes.h"
#include "kernels/lanes/transpose.h"

namespace ember::kernels::EMBER_ISA {
namespace {

// Eight loads, then eight stores: a load waits for an earlier store whose address has the same last twelve bits. Bytes may lie anywhere.
void copy_row(int64_t bytes, const void* from, void* to) {
  typedef std::uint8_t Vector __attribute__((vector_size(kLaneBytes), aligned(1), may_alias));
  constexpr int kBlock = 8;
  const auto* in = static_cast<const std::uint8_t*>(from);
  auto* out = static_cast<std::uint8_t*>(to);
  int64_t i = 0;
  for (; i + kBlock * kLaneBytes <= bytes; i += kBlock * kLaneBytes) {
    Vector block[kBlock];
#pragma GCC unroll 8
    for (int j = 0; j < kBlock; ++j) block[j] = *reinterpret_cast<const Vector*>(in + i + j * kLaneBytes);
#pragma GCC unroll 8
    for (int j = 0; j < kBlock; ++j) *reinterpret_cast<Vector*>(out + i + j * kLaneBytes) = block[j];
  }
  __builtin_memcpy(out + i, in + i, std::size_t(bytes - i));
}

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
  // Whole cache lines of `to`, of one vector or two.
  constexpr int L = kLanes<Bits>, kLine = 64 / int(sizeof(Bits)) < L ? L : 64 / int(sizeof(Bits));
  const int64_t whole = columns / kLine * kLine;
  const auto strip = [&](int64_t c, auto column_lanes) {
    for_each_lanes<Bits>(rows, [&](int64_t r, auto row_lanes) {
      transpose_block(row_lanes, column_lanes, to + r * to_row + c, to_row, from + c * from_column + r, from_column);
    });
  };
  for (int64_t c = 0; c < whole; c += kLine)
    for_each_lanes<Bits>(rows, [&](int64_t r, auto row_lanes) {
      for (int64_t i = c; i < c + kLine; i += L)
        transpose_block(row_lanes, AllLanes{}, to + r * to_row + i, to_row, from + i * from_column + r, from_column);
    });
  for_each_lanes<Bits>(columns - whole, [&](int64_t c, auto column_lanes) { strip(whole + c, column_lanes); });
}

template <class Bits>
void copy_every_second(int64_t n, const Bits* from, Bits* to) {
  constexpr int L = kLanes<Bits>;
  int64_t i = 0;
  for (; i + L < n; i += L) store(to + i, every_second<0, Bits>(load(from + 2 * i), load(from + 2 * i + L)));
  if (i == 0) {
    for (; i < n; ++i) to[i] = from[2 * i];
    return;
  }
  const Bits* const last = from + 2 * (n - L) - 1;  // from one number earlier on: none behind the last one is touched
  store(to + n - L, every_second<1, Bits>(load(last), load(last + L)));
}

template <class T>
void accumulate(int64_t n, const T* from, T* to) {
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(to + i, load(to + i, lanes) + load(from + i, lanes), lanes); });
}

}  // namespace

constinit const CopyKernels Families::copy{copy_row,
                                           fill<std::uint32_t>,
                                           fill<std::uint64_t>,
                                           transpose_numbers<std::uint32_t>,
                                           transpose_numbers<std::uint64_t>,
                                           copy_every_second<std::uint32_t>,
                                           copy_every_second<std::uint64_t>,
                                           accumulate<float>,
                                           accumulate<double>};

}  // namespace ember::kernels::EMBER_ISA
