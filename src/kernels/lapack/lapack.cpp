// The calls of LAPACK, each with the work space that it asks for.
#include "kernels/lapack/lapack.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/lapack/openblas.h"

namespace ember::kernels::lapack {
namespace {

/// The Fortran routine `name` for T ("dgetrf_"), called with pointers to all arguments; characters bring hidden lengths at the end, which
/// OpenBLAS's own routines do not read and the compiled Fortran ones do.
template <class T, class... Args>
void call(const char* name, Args... args) {
  using Routine = void (*)(Args..., std::size_t, std::size_t, std::size_t, std::size_t);
  reinterpret_cast<Routine>(openblas::required((std::is_same_v<T, float> ? "s" : "d") + std::string(name) + "_"))(args..., 1, 1, 1, 1);
}

/// Work space, of numbers and of integers: the routine says how much it wants, then gets it. run(work, lwork, integers, liwork) calls it.
template <class T, class Run>
void with_works(Run run) {
  T wanted = 0;
  int integers_wanted = 0, lwork = -1, liwork = -1;
  run(&wanted, &lwork, &integers_wanted, &liwork);
  lwork = std::max(1, int(wanted * T(1.000001)) + 1);
  liwork = std::max(1, integers_wanted);
  std::vector<T> work(static_cast<std::size_t>(lwork));
  std::vector<int> integers(static_cast<std::size_t>(liwork));
  run(work.data(), &lwork, integers.data(), &liwork);
}
/// Of numbers alone: run(work, lwork).
template <class T, class Run>
void with_work(Run run) {
  with_works<T>([&](T* work, int* lwork, int*, int*) { run(work, lwork); });
}

}  // namespace

template <class T>
int getrf(int m, int n, T* a, int lda, int* pivots) {
  int info = 0;
  call<T>("getrf", &m, &n, a, &lda, pivots, &info);
  return info;
}

template <class T>
int getrs(char trans, int n, int nrhs, const T* lu, int ldlu, const int* pivots, T* b, int ldb) {
  int info = 0;
  call<T>("getrs", &trans, &n, &nrhs, lu, &ldlu, pivots, b, &ldb, &info);
  return info;
}

template <class T>
int potrf(char uplo, int n, T* a, int lda) {
  int info = 0;
  call<T>("potrf", &uplo, &n, a, &lda, &info);
  return info;
}

template <class T>
int potri(char uplo, int n, T* a, int lda) {
  int info = 0;
  call<T>("potri", &uplo, &n, a, &lda, &info);
  return info;
}

template <class T>
int geqrf(int m, int n, T* a, int lda, T* tau) {
  int info = 0;
  with_work<T>([&](T* work, int* lwork) { call<T>("geqrf", &m, &n, a, &lda, tau, work, lwork, &info); });
  return info;
}

template <class T>
int geqrt3(int m, int n, T* a, int lda, T* t, int ldt) {
  int info = 0;
  call<T>("geqrt3", &m, &n, a, &lda, t, &ldt, &info);
  return info;
}

template <class T>
int orgqr(int m, int n, int k, T* a, int lda, const T* tau) {
  int info = 0;
  with_work<T>([&](T* work, int* lwork) { call<T>("orgqr", &m, &n, &k, a, &lda, tau, work, lwork, &info); });
  return info;
}

template <class T>
int gesdd(char job, int m, int n, T* a, int lda, T* s, T* u, int ldu, T* vt, int ldvt) {
  int info = 0;
  std::vector<int> integers(std::size_t(8 * std::min(m, n)));
  with_work<T>([&](T* work, int* lwork) { call<T>("gesdd", &job, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, lwork, integers.data(), &info); });
  return info;
}

template <class T>
int syevd(char job, char uplo, int n, T* a, int lda, T* w) {
  int info = 0;
  with_works<T>(
      [&](T* work, int* lwork, int* integers, int* liwork) { call<T>("syevd", &job, &uplo, &n, a, &lda, w, work, lwork, integers, liwork, &info); });
  return info;
}

template <class T>
int sytrd(char uplo, int n, T* a, int lda, T* diagonal, T* beside, T* tau) {
  int info = 0;
  with_work<T>([&](T* work, int* lwork) { call<T>("sytrd", &uplo, &n, a, &lda, diagonal, beside, tau, work, lwork, &info); });
  return info;
}

template <class T>
int stedc(int n, T* diagonal, T* beside, T* z, int ldz) {
  int info = 0;
  char vectors = 'I';
  with_works<T>([&](T* work, int* lwork, int* integers, int* liwork) {
    call<T>("stedc", &vectors, &n, diagonal, beside, z, &ldz, work, lwork, integers, liwork, &info);
  });
  return info;
}

template <class T>
void larft(int m, int n, const T* v, int ldv, const T* tau, T* t, int ldt) {
  char forward = 'F', columns = 'C';
  call<T>("larft", &forward, &columns, &m, &n, v, &ldv, tau, t, &ldt);
}

template <class T>
int gels(int m, int n, int nrhs, T* a, int lda, T* b, int ldb) {
  int info = 0;
  char trans = 'N';
  with_work<T>([&](T* work, int* lwork) { call<T>("gels", &trans, &m, &n, &nrhs, a, &lda, b, &ldb, work, lwork, &info); });
  return info;
}

template <class T>
int gelsy(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T rcond, int* rank) {
  int info = 0;
  std::vector<int> pivots(std::size_t(std::max(1, n)), 0);
  with_work<T>([&](T* work, int* lwork) { call<T>("gelsy", &m, &n, &nrhs, a, &lda, b, &ldb, pivots.data(), &rcond, rank, work, lwork, &info); });
  return info;
}

template <class T>
int gelsd(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T* s, T rcond, int* rank) {
  int info = 0;
  with_works<T>([&](T* work, int* lwork, int* integers, int*) {
    call<T>("gelsd", &m, &n, &nrhs, a, &lda, b, &ldb, s, &rcond, rank, work, lwork, integers, &info);
  });
  return info;
}

template <class T>
int gelss(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T* s, T rcond, int* rank) {
  int info = 0;
  with_work<T>([&](T* work, int* lwork) { call<T>("gelss", &m, &n, &nrhs, a, &lda, b, &ldb, s, &rcond, rank, work, lwork, &info); });
  return info;
}

template <class T>
void trsm(char side, char uplo, char trans, char diag, int m, int n, const T* a, int lda, T* b, int ldb) {
  const T one = 1;
  call<T>("trsm", &side, &uplo, &trans, &diag, &m, &n, &one, a, &lda, b, &ldb);
}

template <class T>
void trmm(char side, char uplo, char trans, char diag, int m, int n, T alpha, const T* a, int lda, T* b, int ldb) {
  call<T>("trmm", &side, &uplo, &trans, &diag, &m, &n, &alpha, a, &lda, b, &ldb);
}

template <class T>
void trsv(char uplo, char trans, char diag, int n, const T* a, int lda, T* x) {
  const int step = 1;
  call<T>("trsv", &uplo, &trans, &diag, &n, a, &lda, x, &step);
}

template <class T>
void trmv(char uplo, char trans, char diag, int n, const T* a, int lda, T* x) {
  const int step = 1;
  call<T>("trmv", &uplo, &trans, &diag, &n, a, &lda, x, &step);
}

template int getrf(int, int, float*, int, int*);
template int getrf(int, int, double*, int, int*);
template int getrs(char, int, int, const float*, int, const int*, float*, int);
template int getrs(char, int, int, const double*, int, const int*, double*, int);
template int potrf(char, int, float*, int);
template int potrf(char, int, double*, int);
template int potri(char, int, float*, int);
template int potri(char, int, double*, int);
template int geqrf(int, int, float*, int, float*);
template int geqrf(int, int, double*, int, double*);
template int geqrt3(int, int, float*, int, float*, int);
template int geqrt3(int, int, double*, int, double*, int);
template int orgqr(int, int, int, float*, int, const float*);
template int orgqr(int, int, int, double*, int, const double*);
template int gesdd(char, int, int, float*, int, float*, float*, int, float*, int);
template int gesdd(char, int, int, double*, int, double*, double*, int, double*, int);
template int syevd(char, char, int, float*, int, float*);
template int syevd(char, char, int, double*, int, double*);
template int sytrd(char, int, float*, int, float*, float*, float*);
template int sytrd(char, int, double*, int, double*, double*, double*);
template int stedc(int, float*, float*, float*, int);
template int stedc(int, double*, double*, double*, int);
template void larft(int, int, const float*, int, const float*, float*, int);
template void larft(int, int, const double*, int, const double*, double*, int);
template int gels(int, int, int, float*, int, float*, int);
template int gels(int, int, int, double*, int, double*, int);
template int gelsy(int, int, int, float*, int, float*, int, float, int*);
template int gelsy(int, int, int, double*, int, double*, int, double, int*);
template int gelsd(int, int, int, float*, int, float*, int, float*, float, int*);
template int gelsd(int, int, int, double*, int, double*, int, double*, double, int*);
template int gelss(int, int, int, float*, int, float*, int, float*, float, int*);
template int gelss(int, int, int, double*, int, double*, int, double*, double, int*);
template void trsm(char, char, char, char, int, int, const float*, int, float*, int);
template void trsm(char, char, char, char, int, int, const double*, int, double*, int);
template void trmm(char, char, char, char, int, int, float, const float*, int, float*, int);
template void trmm(char, char, char, char, int, int, double, const double*, int, double*, int);
template void trsv(char, char, char, int, const float*, int, float*);
template void trsv(char, char, char, int, const double*, int, double*);
template void trmv(char, char, char, int, const float*, int, float*);
template void trmv(char, char, char, int, const double*, int, double*);

}  // namespace ember::kernels::lapack
