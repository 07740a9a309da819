#include "kernels/lapack/least_squares.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/lapack/blocked.h"
#include "kernels/lapack/lapack.h"
#include "runtime/scratch.h"

namespace ember::kernels::lapack {
namespace {

constexpr int kFew = 32;           // columns up to which gelsy is as fast
constexpr int kIterations = 10;    // of the power method: within a few percent where the outermost singular values stand apart
constexpr double kSettled = 1.05;  // of the square, from one iteration to the next

/// Scales v to length 1 and returns the length that it had.
template <class T>
double normalise(std::vector<T>& v) {
  double squares = 0;
  for (const T one : v) squares += double(one) * double(one);
  const double length = std::sqrt(squares);
  for (T& one : v) one = T(double(one) / length);
  return length;
}

/// The largest over the smallest singular value of R (n, n), upper triangular and column-major, from below; not a number where R is singular.
template <class T>
double condition(int n, const T* r, int ldr) {
  std::vector<T> high(std::size_t(n), T(0)), low(high);
  for (int i = 0; i < n; ++i) high[std::size_t(i)] = low[std::size_t(i)] = T(1 + (i * 7 % 11) * 0.1) * (i % 3 ? T(1) : T(-1));
  normalise(high), normalise(low);
  double found = 0;  // squared
  for (int k = 0; k < kIterations; ++k) {
    trmv<T>('U', 'N', 'N', n, r, ldr, high.data());
    trmv<T>('U', 'T', 'N', n, r, ldr, high.data());
    trsv<T>('U', 'T', 'N', n, r, ldr, low.data());
    trsv<T>('U', 'N', 'N', n, r, ldr, low.data());
    const double before = found;
    found = normalise(high) * normalise(low);
    if (found < kSettled * before) break;
  }
  return std::sqrt(found);
}

}  // namespace

template <class T>
int least_squares(int m, int n, int nrhs, T* a, T* b, int ldb, T rcond, int* rank) {
  if (m >= n && n > kFew) {
    const Scratch<T> r(int64_t(m) * n), x(int64_t(ldb) * nrhs);
    std::copy(a, a + int64_t(m) * n, r.data());
    std::copy(b, b + int64_t(ldb) * nrhs, x.data());
    factorise_qr_onto<T>(m, n, r, nrhs, x, ldb);
    // gelsy estimates the condition from below, too, so that twice this one lies above its own.
    if (2 * condition<T>(n, r, m) * double(rcond) < 1) {
      trsm<T>('L', 'U', 'N', 'N', n, nrhs, r, m, x, ldb);
      std::copy(x.data(), x.data() + int64_t(ldb) * nrhs, b);
      *rank = n;
      return 0;
    }
  }
  return gelsy<T>(m, n, nrhs, a, m, b, ldb, rcond, rank);
}

template int least_squares(int, int, int, float*, float*, int, float, int*);
template int least_squares(int, int, int, double*, double*, int, double, int*);

}  // namespace ember::kernels::lapack
