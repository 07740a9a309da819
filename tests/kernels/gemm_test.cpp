// Matrix products against the sum as it is defined, in float64, whichever way gemm() goes: as they stand, transposed, as dot products,
// with cut sums, on several threads.
#include "kernels/gemm/gemm.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "runtime/parallel.h"
#include "support/catch.h"
#include "support/random_numbers.h"

using namespace ember::kernels;

namespace {

struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  int before = num_threads();
};

struct Case {
  int64_t m, n, k;
  bool a_transposed, b_transposed, accumulate, bias, relu;
};

template <class T>
struct Problem {
  Case c;
  int64_t ldc;
  std::vector<T> a, b, before, bias;

  explicit Problem(const Case& c)
      : c(c), ldc(c.n + 3), a(random_numbers<T>(c.m * c.k, 1)), b(random_numbers<T>(c.k * c.n, 2)), before(random_numbers<T>(c.m * ldc, 3)),
        bias(random_numbers<T>(c.n, 4)) {}

  Matrix<T> a_matrix() const { return c.a_transposed ? Matrix<T>{a.data(), 1, c.m} : Matrix<T>{a.data(), c.k, 1}; }
  Matrix<T> b_matrix() const { return c.b_transposed ? Matrix<T>{b.data(), 1, c.k} : Matrix<T>{b.data(), c.n, 1}; }

  std::vector<T> product() const {
    std::vector<T> out = before;
    gemm<T>(c.m, c.n, c.k, a_matrix(), b_matrix(), out.data(), ldc, {c.accumulate, c.bias ? bias.data() : nullptr, c.relu});
    return out;
  }

  /// The largest error in units of what float rounding allows for the sum; infinite where a number beside C was touched.
  double error(const std::vector<T>& out) const {
    double worst = 0;
    for (int64_t i = 0; i < c.m; ++i)
      for (int64_t j = 0; j < ldc; ++j) {
        const std::size_t at = std::size_t(i * ldc + j);
        if (j >= c.n) {
          if (out[at] != before[at]) return INFINITY;
          continue;
        }
        double sum = 0, size = 1;
        const auto add = [&](double term) {
          sum += term;
          size += std::abs(term);
        };
        for (int64_t p = 0; p < c.k; ++p) {
          const Matrix<T> x = a_matrix(), y = b_matrix();
          add(double(x.data[i * x.row_stride + p * x.column_stride]) * double(y.data[p * y.row_stride + j * y.column_stride]));
        }
        if (c.bias) add(double(bias[std::size_t(j)]));
        if (c.accumulate) add(double(before[at]));
        if (c.relu) sum = std::max(sum, 0.0);
        const double unit = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;
        worst = std::max(worst, std::abs(double(out[at]) - sum) / (size * unit * std::sqrt(double(c.k) + 4)));
      }
    return worst;
  }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const int64_t sizes[][3] = {{32, 16, 2},   {32, 2, 16},  {16, 2, 32},    {64, 10, 128},  {10, 128, 64},  {64, 128, 10},
                              {128, 64, 64}, {33, 7, 70},  {5, 300, 41},   {64, 256, 784}, {256, 784, 64}, {3, 50, 20},
                              {1, 40, 33},   {40, 1, 33},  {17, 49, 1},    {9, 5, 2100},   {200, 33, 520}, {48, 96, 600},
                              {37, 70, 1},   {1, 600, 90}, {600, 50, 130}, {50, 70, 3}};
  for (const auto& [m, n, k] : sizes)
    for (int way = 0; way < 4; ++way) {
      all.push_back({m, n, k, way % 2 == 1, way / 2 == 1, false, true, false});
      all.push_back({m, n, k, way % 2 == 1, way / 2 == 1, true, way == 2, way == 1});
    }
  return all;
}

template <class T>
void check_all() {
  for (const Case& c : cases()) {
    INFO(fmt::format("{}x{}x{} A{} B{} accumulate {} bias {} relu {}", c.m, c.n, c.k, c.a_transposed ? "^T" : "", c.b_transposed ? "^T" : "",
                     c.accumulate, c.bias, c.relu));
    const Problem<T> problem(c);
    const Threads restore(1);
    const std::vector<T> one = problem.product();
    CHECK(problem.error(one) < 2);
    for (int threads : {2, 3, 5}) {
      set_num_threads(threads);
      const std::vector<T> several = problem.product();
      CHECK(std::memcmp(one.data(), several.data(), one.size() * sizeof(T)) == 0);
    }
  }
}

}  // namespace

TEST_CASE("matrix products of floats agree with the definition and do not depend on the number of threads") { check_all<float>(); }
TEST_CASE("matrix products of doubles agree with the definition and do not depend on the number of threads") { check_all<double>(); }
