// nn.Linear, nn.Bilinear.
#include <ember/nn/init.h>
#include <ember/nn/linear.h>
#include <ember/ops/products.h>

#include <cmath>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {

Linear::Linear(int64_t in_features, int64_t out_features, LinearOptions options) : in_features(in_features), out_features(out_features) {
  set_parameter(weight, empty({out_features, in_features}));
  if (options.bias) set_parameter(bias, empty({out_features}));
  // As torch.nn.Linear.reset_parameters: the weight first, then the bias.
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!options.bias) return;
  const double bound = in_features > 0 ? 1 / std::sqrt(double(in_features)) : 0;
  init::uniform_(bias, -bound, bound);
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }
Tensor Linear::forward_then(const Tensor& x, const Then& then) {
  if (then.norm.defined() || then.addend.defined() || then.max_pool) return {};  // what these run with comes behind
  return linear(x, weight, bias, then);
}

std::string Linear::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}", in_features, out_features, python_repr(bias.defined()));
}

Bilinear::Bilinear(int64_t in1, int64_t in2, int64_t out, LinearOptions options) : in1_features(in1), in2_features(in2), out_features(out) {
  check<ValueError>(in1 > 0, "in1_features must be > 0, but got {}", in1);
  set_parameter(weight, empty({out, in1, in2}));
  if (options.bias) set_parameter(bias, empty({out}));
  const double bound = 1 / std::sqrt(double(in1));
  init::uniform_(weight, -bound, bound);
  if (options.bias) init::uniform_(bias, -bound, bound);
}
Tensor Bilinear::operator()(const Tensor& x1, const Tensor& x2) const {
  return observed([&] { return bilinear(x1, x2, weight, bias); }, x1, x2);
}
std::string Bilinear::extra_repr() const {
  return fmt::format("in1_features={}, in2_features={}, out_features={}, bias={}", in1_features, in2_features, out_features,
                     python_repr(bias.defined()));
}

}  // namespace ember::nn
