// LAPACK and BLAS of OpenBLAS for one matrix at a time, column-major, single-threaded.
#pragma once

#include <cstdint>

#include "runtime/parallel.h"

namespace ember::kernels::lapack {

// Every function returns LAPACK's info: 0, or what went wrong with which row. `a` is overwritten as LAPACK does. Without an OpenBLAS they throw
// RuntimeError that says what to install. T is float or double.

template <class T>
int getrf(int m, int n, T* a, int lda, int* pivots);  ///< PLU
template <class T>
int getrs(char trans, int n, int nrhs, const T* lu, int ldlu, const int* pivots, T* b, int ldb);
template <class T>
int potrf(char uplo, int n, T* a, int lda);  ///< Cholesky
template <class T>
int potri(char uplo, int n, T* a, int lda);
template <class T>
int geqrf(int m, int n, T* a, int lda, T* tau);  ///< QR, as reflectors
/// The same by recursion, m >= n, and T, upper triangular with n columns, so that Q = I - V T V^T.
template <class T>
int geqrt3(int m, int n, T* a, int lda, T* t, int ldt);
template <class T>
int orgqr(int m, int n, int k, T* a, int lda, const T* tau);  ///< Q of reflectors
template <class T>
int gesdd(char job, int m, int n, T* a, int lda, T* s, T* u, int ldu, T* vt, int ldvt);  ///< singular values
template <class T>
int syevd(char job, char uplo, int n, T* a, int lda, T* w);  ///< symmetric eigenvalues
template <class T>
int sytrd(char uplo, int n, T* a, int lda, T* diagonal, T* beside, T* tau);  ///< to a tridiagonal matrix, by reflectors
template <class T>
int stedc(int n, T* diagonal, T* beside, T* z, int ldz);  ///< eigenvalues and eigenvectors of a tridiagonal matrix
/// T of the reflectors V (m, n) with ones on the diagonal: Q = I - V T V^T.
template <class T>
void larft(int m, int n, const T* v, int ldv, const T* tau, T* t, int ldt);
template <class T>
int gels(int m, int n, int nrhs, T* a, int lda, T* b, int ldb);  ///< least squares, full rank
template <class T>
int gelsy(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T rcond, int* rank);
template <class T>
int gelsd(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T* s, T rcond, int* rank);
template <class T>
int gelss(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T* s, T rcond, int* rank);
/// b = op(a)^-1 b, or b op(a)^-1 on the right.
template <class T>
void trsm(char side, char uplo, char trans, char diag, int m, int n, const T* a, int lda, T* b, int ldb);
/// b = alpha op(a) b, or alpha b op(a) on the right.
template <class T>
void trmm(char side, char uplo, char trans, char diag, int m, int n, T alpha, const T* a, int lda, T* b, int ldb);
template <class T>
void trsv(char uplo, char trans, char diag, int n, const T* a, int lda, T* x);  ///< x = op(a)^-1 x
template <class T>
void trmv(char uplo, char trans, char diag, int n, const T* a, int lda, T* x);  ///< x = op(a) x

/// body(matrix) for each of `count` matrices, on all threads; `work` counts multiply-adds of all together.
template <class Body>
void for_each_matrix(int64_t count, double work, Body&& body) {
  parallel_for(count, 1, work, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace ember::kernels::lapack
