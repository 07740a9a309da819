// Matchers for tensors: is_close({{1.0, 2.0}}, rtol) names the first element that differs. And short names for text matchers.
#pragma once

#include <ember/tensor.h>

#include <cmath>
#include <string>

#include "support/catch.h"

namespace ember {

inline std::string difference(const Tensor& got, const Tensor& want, double rtol, double atol) {
  if (!(got.sizes() == want.sizes())) return "another shape: " + to_string(got);
  const Tensor a = got.detach().to(kFloat64).contiguous(), b = want.detach().to(kFloat64).contiguous();
  for (int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.data<double>()[i], y = b.data<double>()[i];
    const bool same = x == y || (std::isnan(x) && std::isnan(y)) || std::fabs(x - y) <= atol + rtol * std::fabs(y);
    if (!same) return "element " + std::to_string(i) + ": " + std::to_string(x) + " instead of " + std::to_string(y);
  }
  return "";
}

class IsClose : public MatcherBase<Tensor> {
 public:
  IsClose(Tensor want, double rtol, double atol) : want_(std::move(want)), rtol_(rtol), atol_(atol) {}
  bool match(const Tensor& got) const override { return (difference_ = difference(got, want_, rtol_, atol_)).empty(); }
  std::string describe() const override { return "is close to " + to_string(want_) + (difference_.empty() ? "" : ": " + difference_); }

 private:
  Tensor want_;
  double rtol_, atol_;
  mutable std::string difference_;
};

inline IsClose is_close(const Tensor& want, double rtol = 1.3e-6, double atol = 1e-6) { return {want, rtol, atol}; }
inline IsClose is_close(std::initializer_list<NestedNumbers> want, double rtol = 1.3e-6, double atol = 1e-6) {
  return {tensor(want, kFloat64), rtol, atol};
}

}  // namespace ember
