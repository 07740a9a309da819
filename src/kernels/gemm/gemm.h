// Matrix products: C = A B over any strides of A and B, with bias, ReLU and accumulation on the way out. gemm() decides by itself
// how to cut, pack and thread; the panels below it are what convolution is made of, too.
#pragma once

#include <cstdint>

namespace ember::kernels {

/// An element (i, j) lies at data[i * row_stride + j * column_stride].
template <class T>
struct Matrix {
  const T* data;
  int64_t row_stride;
  int64_t column_stride;

  Matrix transposed() const { return {data, column_stride, row_stride}; }
};

/// What happens to A B on its way into C: C = relu(C * accumulate + A B + bias).
template <class T>
struct Epilogue {
  bool accumulate = false;
  const T* bias = nullptr;  ///< one number for each column of C
  bool relu = false;        ///< NaN stays NaN
};

/// A: m x k, B: k x n, C: m x n with rows of ldc numbers. C must not overlap A, B or the bias. An empty sum (k = 0) is 0.
/// Runs on the pool, or on the calling thread alone inside a parallel loop; the bits of the result are the same.
template <class T>
void gemm(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, Epilogue<T> epilogue = {});

/// `batch` products, the operands of the i-th a_step and b_step numbers behind those before; c holds them one after the other.
template <class T>
void gemm_batch(int64_t batch, int64_t m, int64_t n, int64_t k, Matrix<T> a, int64_t a_step, Matrix<T> b, int64_t b_step, T* c);

/// C = C * accumulate + A B on the calling thread, for a B that is in the cache as it is: rows of numbers side by side, b_row apart, readable up to
/// whole vectors. `strip` columns of B at a time: 0 for those of a panel.
template <class T>
void gemm_in_cache(int64_t m, int64_t n, int64_t k, Matrix<T> a, const T* b, int64_t b_row, T* c, int64_t c_row, bool accumulate = false,
                   int64_t strip = 0);

/// sums[j] = sums[j] * accumulate + sum of x[i * x_row + j] over `rows` rows: the gradient of a bias.
template <class T>
void column_sums(int64_t rows, int64_t n, const T* x, int64_t x_row, T* sums, bool accumulate);

// ---------------------------------------------------------------------------------------------------------------------------
// One instruction set's part.

/// The sum that every number of C takes, as three nested loops over strided operands: a matrix product uses the innermost alone,
/// a convolution walks kernel rows or images, image rows and pixels.
struct SumLoop {
  int64_t length = 1;
  int64_t a_stride = 0;
  int64_t b_stride = 0;
};

/// `rows` rows of C, up to max_columns() wide: C[i][j] = sum over the loops of A[i * a_row + ...] * B[... + j].
template <class T>
struct Panel {
  int64_t rows;
  int columns;
  const T* a;
  int64_t a_row;
  const T* b;  ///< readable up to whole vectors, unless the instruction set has masked_loads
  T* c;
  int64_t c_row;
  SumLoop outer, middle, inner;
  Epilogue<T> epilogue;
};

template <class T>
struct GemmFamily {
  int lanes;          ///< numbers in a vector
  int panel_vectors;  ///< vectors in the panels that matrix products are cut into
  bool masked_loads;  ///< the last vector of B may be cut off by the panel's columns
  void (*panel)(const Panel<T>&);
  /// out[p * out_row + j] = b[j * b_row + p] for j < columns, p < k, and 0 for j from columns up to whole vectors.
  void (*pack_transposed)(int64_t k, int columns, const T* b, int64_t b_row, T* out, int64_t out_row);
  /// out[p * out_row + j] = b[p * b_row + j], likewise.
  void (*pack_rows)(int64_t k, int columns, const T* b, int64_t b_row, T* out, int64_t out_row);
  /// C = relu(C * accumulate + P^T + bias) for C of m x n, P of n rows.
  void (*write_transposed)(int64_t m, int64_t n, const T* p, int64_t p_row, T* c, int64_t c_row, Epilogue<T> epilogue);
  /// C = relu(C * accumulate + A B^T + bias) for few rows of A (m x k); A and B (n x k) have contiguous rows.
  void (*dot_rows)(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c, int64_t c_row, Epilogue<T> epilogue);
  /// C = C * accumulate + a b^T for a column a and a row b: sums of one product.
  void (*outer_product)(int64_t m, int64_t n, const T* a, int64_t a_row, const T* b, T* c, int64_t c_row, bool accumulate);
  void (*column_sums)(int64_t rows, int64_t n, const T* x, int64_t x_row, T* sums, bool accumulate);
};

}  // namespace ember::kernels
