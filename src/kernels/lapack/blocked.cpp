// LU by halves, whose products are as deep as they are wide and pass over a matrix of n columns log n times, not once for each panel (Toledo 1997);
// Cholesky and QR panel by panel.
#include "kernels/lapack/blocked.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "kernels/lapack/lapack.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels::lapack {
namespace {

constexpr int kWhole = 256;   // small: one thread is done before two have shared the work
constexpr int kPanel = 16;    // columns of LU that LAPACK factorises on one thread
constexpr int kBlock = 64;    // of Cholesky and QR
constexpr int kColumns = 64;  // of a slice

/// Where n columns are halved, at a whole panel.
int half(int n) { return (n / 2 + kPanel - 1) / kPanel * kPanel; }

/// An empty job for the workers, which sleep soon after the last one: a panel that one thread factorises takes as long, and to wake them takes
/// longer.
void keep_awake() {
  parallel_slices(2, [](int64_t) {});
}

/// C -= A B^T for column-major C (m, n) and A (m, k), B as element (j, p) at b[j * b_row + p * b_column]. C^T = C^T - B A^T in the row-major terms of
/// gemm().
template <class T>
void subtract_product(int m, int n, int k, const T* a, int64_t lda, const T* b, int64_t b_row, int64_t b_column, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  const Scratch<T> negated(int64_t(n) * k);
  const bool rows = b_column == 1;  // of B lie without gaps, otherwise its columns do
  const int64_t count = rows ? n : k, length = rows ? k : n, step = rows ? b_row : b_column;
  parallel_for(count, kColumns, double(n) * k / 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      elementwise_loops().row("Neg"_op).loops[int(dtype_of<T>)]({.n = length, .in = {b + i * step}, .stride = {1}, .out = negated + i * length});
  });
  gemm<T>(n, m, k, rows ? Matrix<T>{negated, k, 1} : Matrix<T>{negated, 1, n}, {a, lda, 1}, c, ldc, {.accumulate = true});
}

/// Rows [first, end) of A (m, n) change places with those of their pivots.
template <class T>
void swap_rows(int n, T* a, int64_t lda, int first, int end, const int* pivots) {
  parallel_for(n, kColumns, double(n) * (end - first), [&](int64_t begin, int64_t stop) {
    T* column = a + begin * lda;
    for (; begin + 4 <= stop; begin += 4, column += 4 * lda)  // four at a time: one does not wait for the other
      for (int i = first; i < end; ++i)
        for (int64_t c = 0; c < 4 * lda; c += lda) std::swap(column[c + i], column[c + pivots[i] - 1]);
    for (; begin < stop; ++begin, column += lda)
      for (int i = first; i < end; ++i) std::swap(column[i], column[pivots[i] - 1]);
  });
}

/// The inverse of a unit lower triangle L (n, n), column-major without gaps.
template <class T>
void invert(int n, const T* l, int64_t lda, T* inverse) {
  for (int j = 0; j < n; ++j, inverse += n) {
    std::fill(inverse, inverse + n, T(0));
    inverse[j] = 1;
    for (int p = j; p < n; ++p)
      for (int i = p + 1; i < n; ++i) inverse[i] -= l[i + p * lda] * inverse[p];
  }
}

/// B = L^-1 B for B (n, k) of many columns. OpenBLAS solves number by number; a product with the inverse is several times as fast. By pivoting no
/// number of L is above 1, so that those of the inverse of a panel of 16 stay small but for contrived matrices, and below 2^15 for these.
template <class T>
void solve_by_inverse(int n, int k, const T* l, int64_t lda, T* b, int64_t ldb) {
  const Scratch<T> inverse(n * n), before(int64_t(n) * k);
  invert<T>(n, l, lda, inverse);
  for (int64_t j = 0; j < k; ++j) std::copy(b + j * ldb, b + j * ldb + n, before + j * n);
  gemm<T>(k, n, n, {before, n, 1}, {inverse, n, 1}, b, ldb);
}

/// B = A^-1 B for a triangle A (n, n) and B (n, k): one half of B, then the other one without its share.
template <class T>
void solve_left(char uplo, char diag, int n, int k, const T* a, int64_t lda, T* b, int64_t ldb) {
  if (n <= kPanel && diag == 'U' && k >= kPanel) return solve_by_inverse<T>(n, k, a, lda, b, ldb);
  if (n <= kPanel)
    return parallel_for(k, kColumns, double(n) * n * k / 8, [&](int64_t begin, int64_t end) {
      trsm<T>('L', uplo, 'N', diag, n, int(end - begin), a, int(lda), b + begin * ldb, int(ldb));
    });
  const int h = half(n);
  const T* const corner = a + h + h * lda;
  if (uplo == 'L') {
    solve_left<T>(uplo, diag, h, k, a, lda, b, ldb);
    subtract_product<T>(n - h, k, h, a + h, lda, b, ldb, 1, b + h, ldb);
    solve_left<T>(uplo, diag, n - h, k, corner, lda, b + h, ldb);
  } else {
    solve_left<T>(uplo, diag, n - h, k, corner, lda, b + h, ldb);
    subtract_product<T>(h, k, n - h, a + h * lda, lda, b + h, ldb, 1, b, ldb);
    solve_left<T>(uplo, diag, h, k, a, lda, b, ldb);
  }
}

/// The reflectors of a panel: Q = I - V T V^T, V (m, w) column-major with ones on its diagonal and zeros above.
template <class T>
struct Reflectors {
  int m, w;
  const T *v, *t;
};

/// V (rows, w) as LAPACK leaves it below the first w numbers of a panel's diagonal, with the ones and zeros that it does not store.
template <class T>
void copy_reflectors(int rows, int w, const T* panel, int64_t lda, T* v) {
  for (int p = 0; p < w; ++p, panel += lda, v += rows) {
    std::fill(v, v + p, T(0));
    v[p] = 1;
    std::copy(panel + p + 1, panel + rows, v + p + 1);
  }
}

/// C = Q C = C - V T V^T C for column-major C (m, n), or with 'T' for 'N' C = Q^T C by the transpose of T.
template <class T>
void reflect(char trans, const Reflectors<T>& q, int n, T* c, int64_t ldc) {
  if (n == 0) return;
  const Scratch<T> product(int64_t(n) * q.w);
  gemm<T>(n, q.w, q.m, {c, ldc, 1}, {q.v, 1, q.m}, product, q.w);
  parallel_for(n, kColumns, double(n) * q.w * q.w / 8, [&](int64_t begin, int64_t end) {
    trmm<T>('L', 'U', trans, 'N', q.w, int(end - begin), T(-1), q.t, q.w, product + begin * q.w, q.w);
  });
  gemm<T>(n, q.m, q.w, {product, q.w, 1}, {q.v, q.m, 1}, c, ldc, {.accumulate = true});
}

/// Can squares of the lower half's numbers neither vanish nor overflow? LAPACK scales those that can.
template <class T>
bool is_moderate(int n, const T* a) {
  T largest = 0;
  for (int j = 0; j < n; ++j, a += n)
    for (int i = j; i < n; ++i) largest = std::max(largest, std::abs(a[i]));
  const T least = std::sqrt(std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon());
  return largest > least && largest < 1 / least;
}

}  // namespace

// [A1 A2] with the rows of A1's factors exchanged: A12 = L11^-1 A12, and A22 -= L21 A12 is factorised in turn.
template <class T>
int factorise_lu(int m, int n, T* a, int64_t lda, int* pivots) {
  if (n <= kPanel) {
    if (m > kWhole) keep_awake();
    return getrf<T>(m, n, a, int(lda), pivots);
  }
  const int left = half(n), right = n - left;
  T *const top = a + left * lda, *const rest = top + left;
  const int info = factorise_lu<T>(m, left, a, lda, pivots);
  swap_rows<T>(right, top, lda, 0, left, pivots);
  solve_left<T>('L', 'U', left, right, a, lda, top, lda);
  subtract_product<T>(m - left, right, left, a + left, lda, top, lda, 1, rest, lda);
  const int failed = factorise_lu<T>(m - left, right, rest, lda, pivots + left);
  for (int i = left; i < n; ++i) pivots[i] += left;
  swap_rows<T>(left, a, lda, left, n, pivots);
  return info || !failed ? info : left + failed;
}

// Right-looking: L21 = A21 L11^-T, and the lower half of A22 -= L21 L21^T, column block by column block.
template <class T>
int factorise_cholesky(int n, T* a) {
  if (n <= kWhole) return potrf<T>('L', n, a, n);
  const int64_t lda = n;
  for (int j = 0; j < n; j += kBlock) {
    const int w = std::min(kBlock, n - j), below = j + w, rest = n - below;
    T *const diagonal = a + j + j * lda, *const panel = diagonal + w;
    if (const int failed = potrf<T>('L', w, diagonal, n)) return j + failed;
    parallel_for(rest, kColumns, double(rest) * w * w / 2,
                 [&](int64_t begin, int64_t end) { trsm<T>('R', 'L', 'T', 'N', int(end - begin), w, diagonal, n, panel + begin, n); });
    const int64_t blocks = (rest + 2 * kColumns - 1) / (2 * kColumns);
    parallel_for(blocks, 1, double(rest) * rest * w / 16, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        // Block by block from both ends in turn, so that long and short ones are shared evenly.
        const int64_t at = (block % 2 ? blocks - 1 - block / 2 : block / 2) * 2 * kColumns;
        const int width = int(std::min<int64_t>(2 * kColumns, rest - at));
        subtract_product<T>(rest - int(at), width, w, panel + at, lda, panel + at, 1, lda, a + below + at + (below + at) * lda, lda);
      }
    });
  }
  return 0;
}

template <class T>
void solve_lu(int n, int nrhs, const T* lu, const int* pivots, T* b) {
  swap_rows<T>(nrhs, b, n, 0, n, pivots);
  solve_left<T>('L', 'U', n, nrhs, lu, n, b, n);
  solve_left<T>('U', 'N', n, nrhs, lu, n, b, n);
}

template <class T>
void factorise_qr_onto(int m, int n, T* a, int nrhs, T* b, int ldb) {
  const int block = n <= kWhole ? kBlock / 2 : kBlock;  // panels are slower than products, and short products than long ones
  const Scratch<T> v(int64_t(m) * block), t(block * block);
  for (int j = 0; j < n; j += block) {
    const int w = std::min(block, n - j), rows = m - j;
    T* const panel = a + j + int64_t(j) * m;
    geqrt3<T>(rows, w, panel, m, t, w);
    copy_reflectors<T>(rows, w, panel, m, v);
    const Reflectors<T> q{rows, w, v, t};
    reflect<T>('T', q, n - j - w, panel + int64_t(w) * m, m);
    reflect<T>('T', q, nrhs, b + j, ldb);
  }
}

// A = Q T Q^T with T tridiagonal = Z W Z^T: the eigenvectors are Q Z. Column i of the lower half holds the i-th reflector of Q from row i + 1 on.
template <class T>
int eigenvectors(int n, T* a, T* w) {
  if (n <= kBlock || !is_moderate(n, a)) return syevd<T>('V', 'L', n, a, n, w);
  const Scratch<T> beside(n), tau(n), z(int64_t(n) * n), v(int64_t(n) * kBlock), t(kBlock * kBlock);
  sytrd<T>('L', n, a, n, w, beside, tau);
  if (const int failed = stedc<T>(n, w, beside, z, n)) return failed;
  for (int j = (n - 2) / kBlock * kBlock; j >= 0; j -= kBlock) {
    const int width = std::min(kBlock, n - 1 - j), rows = n - 1 - j;
    copy_reflectors<T>(rows, width, a + j + 1 + int64_t(j) * n, n, v);
    larft<T>(rows, width, v, rows, tau + j, t, width);
    reflect<T>('N', {rows, width, v, t}, n, z + j + 1, n);
  }
  std::copy(z.data(), z.data() + int64_t(n) * n, a);
  return 0;
}

template int eigenvectors(int, float*, float*);
template int eigenvectors(int, double*, double*);
template int factorise_lu(int, int, float*, int64_t, int*);
template int factorise_lu(int, int, double*, int64_t, int*);
template int factorise_cholesky(int, float*);
template int factorise_cholesky(int, double*);
template void factorise_qr_onto(int, int, float*, int, float*, int);
template void factorise_qr_onto(int, int, double*, int, double*, int);
template void solve_lu(int, int, const float*, const int*, float*);
template void solve_lu(int, int, const double*, const int*, double*);

}  // namespace ember::kernels::lapack
