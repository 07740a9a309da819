// The errors that src/kernels/lanes/math.h states, measured over floats of every exponent and sign. The instruction set is the one in
// use; tests/integration/instruction_sets.sh runs them all.
#include <ember/ember.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/catch.h"

using namespace ember;

namespace {

/// |got - want| in units of the last place of want.
double ulps(float got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : INFINITY;
  if (std::fabs(want) > double(std::numeric_limits<float>::max())) return std::isinf(got) == (got * want > 0) ? 0 : INFINITY;
  int exponent;
  std::frexp(want, &exponent);
  return std::fabs(double(got) - want) / std::max(std::ldexp(1.0, exponent - 24), std::ldexp(1.0, -149));
}

/// Every 257th of all bit patterns.
Tensor all_floats() {
  const int64_t n = (int64_t(1) << 32) / 257;
  Tensor x = empty({n});
  for (int64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = std::uint32_t(i * 257);
    std::memcpy(x.data<float>() + i, &bits, sizeof bits);
  }
  return x;
}

}  // namespace

TEST_CASE("functions of one float keep to the errors that are stated") {
  struct Row {
    const char* name;
    Tensor (*function)(const Tensor&);
    double (*exact)(double);
    double limit;
  };
  const Row rows[] = {
      {"exp", exp, std::exp, 1.01},    {"expm1", expm1, std::expm1, 4}, {"log", log, std::log, 1},
      {"log1p", log1p, std::log1p, 3}, {"tanh", tanh, std::tanh, 1.4},  {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 3},
      {"erf", erf, std::erf, 2},       {"log2", log2, std::log2, 2},    {"log10", log10, std::log10, 2},
      {"sin", sin, std::sin, 1.6},     {"cos", cos, std::cos, 1.6},     {"tan", tan, std::tan, 2.7},
      {"asin", asin, std::asin, 2},    {"acos", acos, std::acos, 2},    {"atan", atan, std::atan, 2.3},
      {"sinh", sinh, std::sinh, 2},    {"cosh", cosh, std::cosh, 2},
  };
  const Tensor x = all_floats();
  for (const Row& row : rows) {
    const Tensor y = row.function(x);
    double worst = 0;
    float at = 0;
    for (int64_t i = 0; i < x.numel(); ++i) {
      const double error = ulps(y.data<float>()[i], row.exact(double(x.data<float>()[i])));
      if (error > worst) worst = error, at = x.data<float>()[i];
    }
    INFO(row.name << " is worst at " << at);
    CHECK(worst <= row.limit);
  }
}

TEST_CASE("functions of two floats keep to the errors that are stated") {
  struct Row {
    const char* name;
    Tensor (*function)(const Tensor&, const Tensor&);
    double (*exact)(double, double);
    double limit;
  };
  const Row rows[] = {
      {"pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); }, std::pow, 0.52},
      {"atan2", [](const Tensor& a, const Tensor& b) { return atan2(a, b); }, std::atan2, 3},
      {"fmod", [](const Tensor& a, const Tensor& b) { return fmod(a, b); }, std::fmod, 0},
  };
  manual_seed(1);
  // Numbers of all sizes; numbers that are near each other; whole ones; and every pair of those that are special.
  constexpr int64_t kMany = 1 << 18;
  std::vector<Tensor> firsts, seconds;
  const auto any_size = [] { return randn({kMany}) * exp(randint(-40, 40, {kMany}).to(kFloat32)); };
  firsts.push_back(any_size()), seconds.push_back(any_size());
  firsts.push_back(randn({kMany}) * 5), seconds.push_back(randn({kMany}) * 3);
  firsts.push_back(randint(-30, 30, {kMany}).to(kFloat32)), seconds.push_back(randint(-9, 9, {kMany}).to(kFloat32));
  firsts.push_back(seconds[1] * randint(1, 4000000, {kMany}).to(kFloat32)), seconds.push_back(seconds[1]);
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor special = tensor(
      {0.0f, -0.0f, 1.0f, -1.0f, 2.0f, -2.0f, 0.5f, 3.0f, -3.0f, inf, -inf, std::nanf(""), 1e-45f, -1e-40f, 3e38f, -3e38f, 1e-30f, 8388609.0f});
  firsts.push_back(special.unsqueeze(1).expand({18, 18}).reshape({-1})), seconds.push_back(special.repeat({18}));
  for (const Row& row : rows)
    for (std::size_t k = 0; k < firsts.size(); ++k) {
      const Tensor z = row.function(firsts[k], seconds[k]);
      double worst = 0;
      bool same_sign = true;
      int64_t at = 0;
      for (int64_t i = 0; i < z.numel(); ++i) {
        const float got = z.data<float>()[i];
        const double want = row.exact(double(firsts[k].data<float>()[i]), double(seconds[k].data<float>()[i])), error = ulps(got, want);
        if (error > worst) worst = error, at = i;
        same_sign &= std::isnan(want) || std::signbit(got) == std::signbit(want);
      }
      INFO(row.name << ", set " << k << ", is worst at " << firsts[k].data<float>()[at] << ", " << seconds[k].data<float>()[at]);
      CHECK(worst <= row.limit);
      CHECK(same_sign);
    }
}

TEST_CASE("remainders and whole quotients of floats are Python's") {
  manual_seed(2);
  const Tensor a = cat({randn({1000}) * 100, tensor({6.0f, -6.0f, 7.0f, -7.0f, 1.0f, 0.0f, -0.0f})});
  const Tensor b = cat({randn({1000}) * 3, tensor({3.0f, 3.0f, -2.0f, 2.0f, 0.1f, -5.0f, 5.0f})});
  const Tensor rest = remainder(a, b), quotient = floor_divide(a, b);
  for (int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.data<float>()[i], y = b.data<float>()[i], truncated = std::fmod(x, y);
    const double want = truncated != 0 && (truncated < 0) != (y < 0) ? double(float(truncated) + float(y)) : truncated;
    CHECK(rest.data<float>()[i] == float(want));
    CHECK(quotient.data<float>()[i] == std::round((x - (truncated != 0 && (truncated < 0) != (y < 0) ? truncated + y : truncated)) / y));
  }
}

TEST_CASE("a number's function does not depend on where it stands in a tensor") {
  for (Tensor (*function)(const Tensor&) : {exp, log, tanh, sigmoid, erf, expm1, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh}) {
    const Tensor x = rand({67}), y = function(x), strided = function(stack({x, x}, 1).select(1, 0));
    CHECK(equal(y, strided));
    for (int64_t i = 0; i < 67; ++i) CHECK(function(x[i].clone()).item<float>() == y.data<float>()[i]);
  }
}
