#include "kernels/lapack/least_squares.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/lapack/lapack.h"

namespace ember::kernels::lapack {
namespace {

constexpr int kFew = 32;         // columns up to which gelsy is as fast
constexpr int kIterations = 10;  // of the power method: within a few percent where the outermost singular values stand apart

/// Scales v to length 1 and returns the length that it had.
template <class T>
double normalise(std::vector<T>& v) {
  double squares = 0;
  for (const T one : v) squares += double(one) * double(one);
  const double length = std::sqrt(squares);
  for (T& one : v) one = T(double(one) / length);
  return length;
}

/// v becomes R^T R v, R (n, n) upper triangular and column-major.
template <class T>
void multiply_twice(int n, const T* r, int ldr, std::vector<T>& v) {
  std::vector<T> y(v.size(), T(0));
  for (int j = 0; j < n; ++j)
    for (int i = 0; i <= j; ++i) y[std::size_t(i)] += r[int64_t(j) * ldr + i] * v[std::size_t(j)];
  for (int j = 0; j < n; ++j) {
    T sum = 0;
    for (int i = 0; i <= j; ++i) sum += r[int64_t(j) * ldr + i] * y[std::size_t(i)];
    v[std::size_t(j)] = sum;
  }
}

/// The largest over the smallest singular value of R, from below; not a number where R is singular.
template <class T>
double condition(int n, const T* r, int ldr) {
  std::vector<T> high(std::size_t(n), T(0)), low(high);
  for (int i = 0; i < n; ++i) high[std::size_t(i)] = low[std::size_t(i)] = T(1 + (i * 7 % 11) * 0.1) * (i % 3 ? T(1) : T(-1));
  normalise(high), normalise(low);
  double largest = 0, inverse = 0;  // squared
  for (int k = 0; k < kIterations; ++k) {
    multiply_twice(n, r, ldr, high);
    largest = normalise(high);
    trsm<T>('L', 'U', 'T', 'N', n, 1, r, ldr, low.data(), n);
    trsm<T>('L', 'U', 'N', 'N', n, 1, r, ldr, low.data(), n);
    inverse = normalise(low);
  }
  return std::sqrt(largest * inverse);
}

}  // namespace

template <class T>
int least_squares(int m, int n, int nrhs, T* a, T* b, int ldb, T rcond, int* rank) {
  if (m >= n && n > kFew) {
    std::vector<T> r(a, a + int64_t(m) * n), x(b, b + int64_t(ldb) * nrhs);
    const bool solved = gels<T>(m, n, nrhs, r.data(), m, x.data(), ldb) == 0;
    // gelsy estimates the condition from below, too, so that twice this one lies above its own.
    if (solved && 2 * condition(n, r.data(), m) * double(rcond) < 1) {
      std::copy(x.begin(), x.end(), b);
      *rank = n;
      return 0;
    }
  }
  return gelsy<T>(m, n, nrhs, a, m, b, ldb, rcond, rank);
}

template int least_squares(int, int, int, float*, float*, int, float, int*);
template int least_squares(int, int, int, double*, double*, int, double, int*);

}  // namespace ember::kernels::lapack
