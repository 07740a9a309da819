// LU, Cholesky and QR factors and eigenvectors of one matrix on all threads: panels by LAPACK, what lies right of them by products that the threads
// share. Cut by the size of the matrix alone: the same bits for any number of threads.
#pragma once

#include <cstdint>

namespace ember::kernels::lapack {

/// As getrf of A (m, n), m >= n, column-major.
template <class T>
int factorise_lu(int m, int n, T* a, int64_t lda, int* pivots);

/// As potrf('L'): the half above the diagonal is overwritten with numbers of no meaning.
template <class T>
int factorise_cholesky(int n, T* a);

/// As getrs('N'): B (n, nrhs) becomes A^-1 B.
template <class T>
void solve_lu(int n, int nrhs, const T* lu, const int* pivots, T* b);

/// As geqrf of A (m, n), m >= n, column-major without gaps, whose reflectors B (m, nrhs) meets on the way: A becomes R and what lies below of the
/// reflectors, B becomes Q^T B.
template <class T>
void factorise_qr_onto(int m, int n, T* a, int nrhs, T* b, int ldb);

/// As syevd('V', 'L') of A (n, n): A becomes its eigenvectors, w the eigenvalues.
template <class T>
int eigenvectors(int n, T* a, T* w);

}  // namespace ember::kernels::lapack
