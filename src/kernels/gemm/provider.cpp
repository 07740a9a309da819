// The measured limits from which on OpenBLAS multiplies, and the check that it multiplies rightly.
#include "kernels/gemm/provider.h"

#include <ember/error.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/lapack/openblas.h"
#include "runtime/parallel.h"

namespace ember::kernels {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int64_t kPiece = 256;  // OpenBLAS packs the other operand once for each piece of this width: a few percent
constexpr int64_t kMostPieces = 32;

/// Products of at least so many multiply-adds, and no side shorter than that, go to OpenBLAS.
struct Rule {
  double multiply_adds;
  int64_t side;
};
struct Rules {
  const char* isa;
  Rule float32, float64;
};

// Measured, docs/performance.md: own tiles against OpenBLAS on one thread. Those of AVX-512 are ahead nearly everywhere; the others keep up until the
// operands leave the caches. "base" is reasoned: its tiles are laid out for sixteen registers, OpenBLAS's own for each processor (AArch64 has
// thirty-two), and from 64 cubed on its packing weighs little.
constexpr Rules kMeasured[] = {
    {"v4", {kNever, 0}, {kNever, 0}},
    {"v3", {1 << 26, 64}, {1 << 26, 64}},
    {"v2", {1 << 26, 64}, {1 << 26, 64}},
    {"base", {1 << 18, 16}, {1 << 18, 16}},
};

enum class Wanted { Measured, Own, OpenBlas };

Wanted read_wanted() {
  const char* const text = std::getenv("EMBER_GEMM");
  if (!text || !*text) return Wanted::Measured;
  if (std::string_view(text) == "own") return Wanted::Own;
  if (std::string_view(text) == "openblas") return Wanted::OpenBlas;
  warn(fmt::format("EMBER_GEMM: expected own or openblas, got '{}'; what is faster is used", text));
  return Wanted::Measured;
}

Wanted wanted() {
  static const Wanted chosen = read_wanted();
  return chosen;
}

template <class T>
using GemmRoutine = void (*)(const char* trans_a, const char* trans_b, const int* m, const int* n, const int* k, const T* alpha, const T* a,
                             const int* lda, const T* b, const int* ldb, const T* beta, T* c, const int* ldc, std::size_t, std::size_t);

template <class T>
GemmRoutine<T> routine() {
  static const auto found = reinterpret_cast<GemmRoutine<T>>(openblas::find(std::is_same_v<T, float> ? "sgemm_" : "dgemm_"));
  return found;
}

/// How BLAS reads the transpose of a matrix: as it lies where its rows are contiguous, "T" where its columns are.
struct Layout {
  const char* flag;
  int leading;
};
template <class T>
bool has_rows(Matrix<T> x, int64_t columns) {
  return x.column_stride == 1 && x.row_stride >= columns && x.row_stride < INT_MAX;
}
template <class T>
Layout layout(Matrix<T> x, int64_t columns) {
  return has_rows(x, columns) ? Layout{"N", int(x.row_stride)} : Layout{"T", int(x.column_stride)};
}
/// Can BLAS read this matrix? One of its directions is contiguous, the other does not overlap.
template <class T>
bool readable(Matrix<T> x, int64_t rows, int64_t columns) {
  return has_rows(x, columns) || has_rows(x.transposed(), rows);
}

/// C = beta C + A B, row-major, which is C^T = beta C^T + B^T A^T in the column-major terms of BLAS. Where C has one row, ldc may be anything: BLAS
/// wants a possible one.
template <class T>
void call(int64_t m, int64_t n, int64_t k, const T* a, Layout of_a, const T* b, Layout of_b, T beta, T* c, int64_t ldc) {
  const int rows = int(m), columns = int(n), depth = int(k), ld = int(m == 1 ? n : ldc);
  const T one = 1;
  routine<T>()(of_b.flag, of_a.flag, &columns, &rows, &depth, &one, b, &of_b.leading, a, &of_a.leading, &beta, c, &ld, 1, 1);
}

/// One product of small whole numbers, so that the right answer is exact, in each orientation of A and B, longer than OpenBLAS's blocks.
template <class T>
bool multiplies_right() {
  constexpr int64_t m = 67, n = 129, k = 400;
  std::vector<T> a(std::size_t(m * k)), b(std::size_t(k * n)), right(std::size_t(m * n)), c(right.size()), at(a.size()), bt(b.size());
  for (int64_t i = 0; i < m; ++i)
    for (int64_t p = 0; p < k; ++p) a[std::size_t(i * k + p)] = at[std::size_t(p * m + i)] = T((i * 7 + p * 3) % 11 - 5);
  for (int64_t p = 0; p < k; ++p)
    for (int64_t j = 0; j < n; ++j) b[std::size_t(p * n + j)] = bt[std::size_t(j * k + p)] = T((p * 5 + j * 2) % 13 - 6);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t p = 0; p < k; ++p)
      for (int64_t j = 0; j < n; ++j) right[std::size_t(i * n + j)] += a[std::size_t(i * k + p)] * b[std::size_t(p * n + j)];
  for (const bool a_turned : {false, true})
    for (const bool b_turned : {false, true}) {
      std::fill(c.begin(), c.end(), std::numeric_limits<T>::quiet_NaN());
      call<T>(m, n, k, (a_turned ? at : a).data(), a_turned ? Layout{"T", m} : Layout{"N", k}, (b_turned ? bt : b).data(),
              b_turned ? Layout{"T", k} : Layout{"N", n}, T(0), c.data(), n);
      if (c != right) return false;
    }
  return true;
}

/// May OpenBLAS multiply here? Loads and checks it at the first call.
template <class T>
bool usable() {
  static const bool answer = [] {
    if (!routine<T>()) {
      if (wanted() == Wanted::OpenBlas) warn("EMBER_GEMM=openblas: libopenblas.so.0 was not found; products run on Ember's own tiles");
      return false;
    }
    if (multiplies_right<T>()) return true;
    warn(fmt::format("{} multiplies wrongly on this processor; products run on Ember's own tiles (a newer OpenBLAS, or OPENBLAS_CORETYPE, may help)",
                     *openblas::version() ? openblas::version() : "OpenBLAS"));
    return false;
  }();
  return answer;
}

template <class T>
Rule rule() {
  static const Rule chosen = [] {
    switch (wanted()) {
      case Wanted::Own: return Rule{kNever, 0};
      case Wanted::OpenBlas: return Rule{0, 0};
      case Wanted::Measured: break;
    }
    for (const Rules& r : kMeasured)
      if (std::string_view(r.isa) == instruction_set()) return std::is_same_v<T, float> ? r.float32 : r.float64;
    return Rule{kNever, 0};
  }();
  return chosen;
}

}  // namespace

const char* gemm_provider() {
  static const std::string text = [] {
    const double least = rule<float>().multiply_adds;
    if (least == kNever || !usable<float>() || !usable<double>()) return std::string("own");
    const std::string library = fmt::format("openblas ({})", openblas::version());
    return least == 0 ? library : fmt::format("own, from {:.0f} multiply-adds on {}", least, library);
  }();
  return text.c_str();
}

template <class T>
double least_for_openblas() {
  return rule<T>().multiply_adds;
}

template <class T>
bool openblas_takes_large(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b) {
  return std::min({m, n, k}) >= rule<T>().side && std::max({m, n, k}) < INT_MAX && readable(a, m, k) && readable(b, k, n) && usable<T>();
}

template <class T>
void openblas_gemm(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, Epilogue<T> e) {
  const bool by_rows = m >= n;
  const Layout of_a = layout(a, k), of_b = layout(b, n);
  const int64_t longer = std::max(m, n), pieces = std::clamp<int64_t>(longer / kPiece, 1, kMostPieces);
  parallel_slices(
      pieces,
      [&](int64_t piece) {
        const Range part = slice_range(longer, 16, piece, pieces);
        if (part.begin == part.end) return;
        const int64_t i0 = by_rows ? part.begin : 0, i1 = by_rows ? part.end : m, j0 = by_rows ? 0 : part.begin,
                      columns = (by_rows ? n : part.end) - j0;
        if (e.bias)
          for (int64_t i = i0; i < i1; ++i)
            for (int64_t j = 0; j < columns; ++j) {
              T& out = c[i * ldc + j0 + j];
              out = e.accumulate ? out + e.bias[j0 + j] : e.bias[j0 + j];
            }
        call<T>(i1 - i0, columns, k, a.data + i0 * a.row_stride, of_a, b.data + j0 * b.column_stride, of_b, T(e.accumulate || e.bias),
                c + i0 * ldc + j0, ldc);
        if (e.relu)
          for (int64_t i = i0; i < i1; ++i)
            for (int64_t j = 0; j < columns; ++j) {
              T& out = c[i * ldc + j0 + j];
              out = out < T(0) ? T(0) : out;
            }
      },
      double(m) * double(n) * double(k) / 8);
}

template double least_for_openblas<float>();
template double least_for_openblas<double>();
template bool openblas_takes_large(int64_t, int64_t, int64_t, Matrix<float>, Matrix<float>);
template bool openblas_takes_large(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>);
template void openblas_gemm(int64_t, int64_t, int64_t, Matrix<float>, Matrix<float>, float*, int64_t, Epilogue<float>);
template void openblas_gemm(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>, double*, int64_t, Epilogue<double>);

}  // namespace ember::kernels
