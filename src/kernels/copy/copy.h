// Copies between any layouts and types, fills, and sums into place.
#pragma once

#include <ember/dtype.h>

namespace ember::kernels {

using std::int64_t;

/// dst[i...] = src[i...] for all indices below sizes, strides in elements. Converts as C does (reals are cut towards zero; to bool:
/// is it other than 0). The two must not overlap.
void copy(DType to, void* dst, const int64_t* dst_strides, DType from, const void* src, const int64_t* src_strides, const int64_t* sizes, int dims);

/// n elements, one after the other, all *value.
void fill(DType dtype, void* dst, int64_t n, const void* value);

/// Rows of bytes.
struct RowsOfBytes {
  const char* data;
  int64_t bytes;  ///< of a row
};

/// `rows` rows of `to`, each the rows of the parts one after the other. numbers: how many there are, for the cut.
void join_rows(int64_t rows, const RowsOfBytes* parts, int64_t count, char* to, int64_t numbers);

/// y += x, n elements each.
void accumulate(DType dtype, int64_t n, const void* x, void* y);

/// to[r * to_row + c] = from[c * from_column + r] for rows x columns numbers.
void transpose(int64_t rows, int64_t columns, float* to, int64_t to_row, const float* from, int64_t from_column);
void transpose(int64_t rows, int64_t columns, double* to, int64_t to_row, const double* from, int64_t from_column);

/// to[i] = from[i * step] for n numbers.
void copy_strided(int64_t n, const float* from, int64_t step, float* to);
void copy_strided(int64_t n, const double* from, int64_t step, double* to);

/// One instruction set's part.
struct CopyKernels {
  void (*copy_row)(int64_t bytes, const void* from, void* to);  ///< for rows that fit the caches
  void (*fill_32)(int64_t n, std::uint32_t value, std::uint32_t* to);
  void (*fill_64)(int64_t n, std::uint64_t value, std::uint64_t* to);
  /// to[r * to_row + c] = from[c * from_column + r] for rows x columns numbers.
  void (*transpose_32)(int64_t rows, int64_t columns, std::uint32_t* to, int64_t to_row, const std::uint32_t* from, int64_t from_column);
  void (*transpose_64)(int64_t rows, int64_t columns, std::uint64_t* to, int64_t to_row, const std::uint64_t* from, int64_t from_column);
  void (*every_second_32)(int64_t n, const std::uint32_t* from, std::uint32_t* to);  ///< to[i] = from[2 i]
  void (*every_second_64)(int64_t n, const std::uint64_t* from, std::uint64_t* to);
  void (*accumulate_float)(int64_t n, const float* from, float* to);  ///< to += from
  void (*accumulate_double)(int64_t n, const double* from, double* to);
};

}  // namespace ember::kernels
