// The errors that src/kernels/isa/math.h states, measured over floats of every exponent and sign. The instruction set is the one in
// use; tests/integration/instruction_sets.sh runs them all.
#include <ember/ember.h>

#include <cmath>
#include <cstring>
#include <limits>

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
      {"exp", exp, std::exp, 1.01},
      {"expm1", expm1, std::expm1, 4},
      {"log", log, std::log, 1},
      {"log1p", log1p, std::log1p, 3},
      {"tanh", tanh, std::tanh, 1.4},
      {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 3},
      {"erf", erf, std::erf, 2},
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

TEST_CASE("a number's function does not depend on where it stands in a tensor") {
  for (Tensor (*function)(const Tensor&) : {exp, log, tanh, sigmoid, erf, expm1, log1p}) {
    const Tensor x = rand({67}), y = function(x), strided = function(stack({x, x}, 1).select(1, 0));
    CHECK(equal(y, strided));
    for (int64_t i = 0; i < 67; ++i) CHECK(function(x[i].clone()).item<float>() == y.data<float>()[i]);
  }
}
