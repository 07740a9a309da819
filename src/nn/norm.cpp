// Normalisation layers: their parameters, and the calls of the functions.
#include <ember/nn/norm.h>
#include <ember/ops/norm.h>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {

LayerNorm::LayerNorm(IntArrayRef shape, LayerNormOptions o) : normalized_shape(shape.shape()), eps(o.eps) {
  if (!o.elementwise_affine) return;
  set_parameter(weight, ones(shape));
  if (o.bias) set_parameter(bias, zeros(shape));
}
Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, normalized_shape, weight, bias, eps); }
std::string LayerNorm::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}, bias={}", python_repr(IntArrayRef(normalized_shape)), python_repr(eps),
                     python_repr(weight.defined()), python_repr(bias.defined()));
}

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, GroupNormOptions o) : num_groups(num_groups), num_channels(num_channels), eps(o.eps) {
  check<ValueError>(num_groups > 0 && num_channels % num_groups == 0, "num_channels ({}) must be divisible by num_groups ({})", num_channels,
                    num_groups);
  if (!o.affine) return;
  set_parameter(weight, ones({num_channels}));
  if (o.bias) set_parameter(bias, zeros({num_channels}));
}
Tensor GroupNorm::forward(const Tensor& x) { return group_norm(x, num_groups, weight, bias, eps); }
std::string GroupNorm::extra_repr() const {
  return fmt::format("{}, {}, eps={}, affine={}, bias={}", num_groups, num_channels, python_repr(eps), python_repr(weight.defined()),
                     python_repr(bias.defined()));
}

RMSNorm::RMSNorm(IntArrayRef shape, RMSNormOptions o) : normalized_shape(shape.shape()), eps(o.eps) {
  if (o.elementwise_affine) set_parameter(weight, ones(shape));
}
Tensor RMSNorm::forward(const Tensor& x) { return rms_norm(x, normalized_shape, weight, eps); }
std::string RMSNorm::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}", python_repr(IntArrayRef(normalized_shape)), eps < 0 ? "None" : python_repr(eps),
                     python_repr(weight.defined()));
}

Tensor LocalResponseNorm::forward(const Tensor& x) { return local_response_norm(x, size, alpha, beta, k); }
std::string LocalResponseNorm::extra_repr() const {
  return fmt::format("{}, alpha={}, beta={}, k={}", size, python_repr(alpha), python_repr(beta), python_repr(k));
}

InstanceNormBase::InstanceNormBase(int64_t num_features, InstanceNormOptions o) : num_features(num_features), options(o) {
  if (o.affine) {
    set_parameter(weight, ones({num_features}));
    if (o.bias) set_parameter(bias, zeros({num_features}));
  }
  if (!o.track_running_stats) return;
  running_mean = zeros({num_features});
  running_var = ones({num_features});
  num_batches_tracked = zeros({}, kInt64);
}

Tensor InstanceNormBase::forward(const Tensor& x) {
  const int unbatched = spatial() + 1;
  check<ValueError>(x.dim() == unbatched || x.dim() == unbatched + 1, "expected {}D or {}D input (got {}D input)", unbatched, unbatched + 1, x.dim());
  const int64_t channels = x.size(-unbatched);
  if (channels != num_features) {
    check<ValueError>(!options.affine, "expected input's size at dim={} to match num_features ({}), but got: {}.", x.dim() == unbatched ? 0 : 1,
                      num_features, channels);
    warn(
        fmt::format("input's size at dim={} does not match num_features. You can silence this warning by not passing in num_features, "
                    "which is not used because affine=False",
                    x.dim() == unbatched ? 0 : 1));
  }
  const Tensor batch = x.dim() == unbatched ? x.unsqueeze(0) : x;
  const bool by_input = is_training() || !options.track_running_stats;
  const Tensor y = instance_norm(batch, running_mean, running_var, weight, bias, by_input, options.momentum, options.eps);
  return x.dim() == unbatched ? y.squeeze(0) : y;
}

std::string InstanceNormBase::extra_repr() const {
  return fmt::format("{}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={}", num_features, python_repr(options.eps),
                     python_repr(options.momentum), python_repr(options.affine), python_repr(bias.defined()),
                     python_repr(options.track_running_stats));
}

}  // namespace ember::nn
