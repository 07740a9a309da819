// nn.Linear.
#include <ember/nn/init.h>
#include <ember/nn/linear.h>
#include <ember/ops/linalg.h>

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

}  // namespace ember::nn
