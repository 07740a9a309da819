// Right-looking factorisation, panel by panel.
#include "kernels/lapack/blocked.h"

#include <algorithm>

#include "kernels/gemm/gemm.h"
#include "kernels/lapack/lapack.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels::lapack {
namespace {

constexpr int kWhole = 256;   // up to here one thread is done before two have shared the work
constexpr int kPanel = 64;    // columns that LAPACK factorises on one thread
constexpr int kColumns = 64;  // of a slice

/// C -= A B^T for column-major C (m, n) and A (m, k), B as element (j, p) at b[j * b_row + p * b_column]. C^T = C^T - B A^T in the row-major terms of
/// gemm().
template <class T>
void subtract_product(int m, int n, int k, const T* a, int64_t lda, const T* b, int64_t b_row, int64_t b_column, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  const Scratch<T> negated(int64_t(n) * k);
  for (int64_t j = 0; j < n; ++j)
    for (int64_t p = 0; p < k; ++p) negated[j * k + p] = -b[j * b_row + p * b_column];
  gemm<T>(n, m, k, {negated, k, 1}, {a, lda, 1}, c, ldc, {.accumulate = true});
}

template <class T>
void swap_rows(int columns, T* a, int64_t lda, int first, int end, const int* pivots) {
  for (int c = 0; c < columns; ++c, a += lda)
    for (int i = first; i < end; ++i) std::swap(a[i], a[pivots[i] - 1]);
}

/// The reflectors of a panel: Q = I - V T V^T, V (m, w) column-major with ones on its diagonal and zeros above.
template <class T>
struct Reflectors {
  int m, w;
  const T *v, *t;
};

/// C = Q^T C = C - V T^T V^T C for column-major C (m, n).
template <class T>
void reflect(const Reflectors<T>& q, int n, T* c, int64_t ldc) {
  if (n == 0) return;
  const Scratch<T> product(int64_t(n) * q.w);
  gemm<T>(n, q.w, q.m, {c, ldc, 1}, {q.v, 1, q.m}, product, q.w);
  trmm<T>('L', 'U', 'T', 'N', q.w, n, T(-1), q.t, q.w, product, q.w);
  gemm<T>(n, q.m, q.w, {product, q.w, 1}, {q.v, q.m, 1}, c, ldc, {.accumulate = true});
}

}  // namespace

// Right-looking: after the panel [j, j + w) the rows of all other columns are swapped, U12 = L11^-1 A12 and A22 -= L21 U12.
template <class T>
int factorise_lu(int n, T* a, int* pivots) {
  if (n <= kWhole) return getrf<T>(n, n, a, n, pivots);
  const int64_t lda = n;
  int info = 0;
  for (int j = 0; j < n; j += kPanel) {
    const int w = std::min(kPanel, n - j), right = j + w;
    T* const panel = a + j + j * lda;
    if (const int failed = getrf<T>(n - j, w, panel, n, pivots + j); failed > 0 && info == 0) info = j + failed;
    for (int i = j; i < right; ++i) pivots[i] += j;
    parallel_for(n - w, kColumns, double(n) * w * w, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end;) {  // columns [0, j) and [right, n): the panel is left out
        const int64_t from = c < j ? c : c + w, stop = c < j ? std::min<int64_t>(end, j) : end, count = stop - c;
        swap_rows(int(count), a + from * lda, lda, j, right, pivots);
        if (from >= right) trsm<T>('L', 'L', 'N', 'U', w, int(count), panel, n, a + j + from * lda, n);
        c = stop;
      }
    });
    T* const upper = a + j + right * lda;
    subtract_product<T>(n - right, n - right, w, panel + w, lda, upper, lda, 1, a + right + right * lda, lda);
  }
  return info;
}

// Right-looking: L21 = A21 L11^-T, and the lower half of A22 -= L21 L21^T, column block by column block.
template <class T>
int factorise_cholesky(int n, T* a) {
  if (n <= kWhole) return potrf<T>('L', n, a, n);
  const int64_t lda = n;
  for (int j = 0; j < n; j += kPanel) {
    const int w = std::min(kPanel, n - j), below = j + w, rest = n - below;
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
  parallel_for(nrhs, kColumns, double(n) * n * nrhs / 8,
               [&](int64_t begin, int64_t end) { getrs<T>('N', n, int(end - begin), lu, n, pivots, b + begin * n, n); });
}

template <class T>
void factorise_qr_onto(int m, int n, T* a, int nrhs, T* b, int ldb) {
  const Scratch<T> v(int64_t(m) * kPanel), t(kPanel * kPanel);
  for (int j = 0; j < n; j += kPanel) {
    const int w = std::min(kPanel, n - j), rows = m - j;
    T* const panel = a + j + int64_t(j) * m;
    geqrt3<T>(rows, w, panel, m, t, w);
    for (int p = 0; p < w; ++p) {
      T* const column = v + int64_t(p) * rows;
      std::fill(column, column + p, T(0));
      column[p] = 1;
      std::copy(panel + int64_t(p) * m + p + 1, panel + int64_t(p) * m + rows, column + p + 1);
    }
    const Reflectors<T> q{rows, w, v, t};
    reflect<T>(q, n - j - w, panel + int64_t(w) * m, m);
    reflect<T>(q, nrhs, b + j, ldb);
  }
}

template int factorise_lu(int, float*, int*);
template int factorise_lu(int, double*, int*);
template int factorise_cholesky(int, float*);
template int factorise_cholesky(int, double*);
template void factorise_qr_onto(int, int, float*, int, float*, int);
template void factorise_qr_onto(int, int, double*, int, double*, int);
template void solve_lu(int, int, const float*, const int*, float*);
template void solve_lu(int, int, const double*, const int*, double*);

}  // namespace ember::kernels::lapack
