// The weights of the two layers in one: w * scale, and a bias that takes up the shift.
#include <ember/nn/fusion.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include "error_format.h"

namespace ember::nn::utils {
namespace {

/// What `make` builds, without a trace in the sequence of random numbers.
template <class Make>
auto without_draws(const Make& make) {
  const nn::detail::DrawsApart apart;
  return make();
}

template <class Layer>
Layer with_parameters(Layer layer, const Layer& of, const FusedParameters& fused) {
  layer.weight.set_data(fused.weight);
  layer.bias.set_data(fused.bias);
  layer.weight.requires_grad_(of.weight.requires_grad());
  layer.bias.requires_grad_(of.bias.defined() ? of.bias.requires_grad() : of.weight.requires_grad());
  layer.eval();
  return layer;
}

void check_eval(const Module& layer, const BatchNormBase& bn) {
  check<RuntimeError>(!layer.is_training() && !bn.is_training(), "Fusion only for eval!");
  check<RuntimeError>(bn.running_mean.defined() && bn.running_var.defined(), "fuse: expected a batch norm with running statistics");
}

/// With (in, out / groups, ...) memory of transposed convolutions each group of input channels meets its own output channels.
FusedParameters fuse_grouped_transposed(const Tensor& weight, const Tensor& bias, const BatchNormBase& bn, int64_t groups) {
  const auto of_group = [&](const Tensor& t, int64_t g) { return t.defined() ? t.chunk(groups, 0)[std::size_t(g)] : t; };
  std::vector<Tensor> weights, biases;
  for (int64_t g = 0; g < groups; ++g) {
    const FusedParameters part = fuse_conv_bn_weights(of_group(weight, g), of_group(bias, g), of_group(bn.running_mean, g),
                                                      of_group(bn.running_var, g), bn.eps, of_group(bn.weight, g), of_group(bn.bias, g), true);
    weights.push_back(part.weight);
    biases.push_back(part.bias);
  }
  return {cat(weights).detach(), cat(biases).detach()};
}

template <class Conv>
Conv fuse_conv(const Conv& conv, const BatchNormBase& bn, bool transpose) {
  check_eval(conv, bn);
  check<RuntimeError>(bn.num_features == conv.out_channels, "fuse_conv_bn_eval: expected a batch norm of {} features behind {} channels, got {}",
                      conv.out_channels, conv.out_channels, bn.num_features);
  const FusedParameters fused = transpose && conv.options.groups > 1 ? fuse_grouped_transposed(conv.weight, conv.bias, bn, conv.options.groups)
                                                                     : fuse_conv_bn_weights(conv.weight, conv.bias, bn.running_mean, bn.running_var,
                                                                                            bn.eps, bn.weight, bn.bias, transpose);
  auto options = conv.options;
  options.bias = true;
  return with_parameters(without_draws([&] { return Conv(conv.in_channels, conv.out_channels, conv.kernel_size, options); }), conv, fused);
}

}  // namespace

FusedParameters fuse_conv_bn_weights(const Tensor& conv_w, const Tensor& conv_b, const Tensor& bn_rm, const Tensor& bn_rv, double bn_eps,
                                     const Tensor& bn_w, const Tensor& bn_b, bool transpose) {
  const NoGradGuard no_grad;
  const DType bias_dtype = conv_b.defined() ? conv_b.dtype() : conv_w.dtype();
  const Tensor bias = conv_b.defined() ? conv_b : zeros_like(bn_rm), gamma = bn_w.defined() ? bn_w : ones_like(bn_rm);
  const Tensor beta = bn_b.defined() ? bn_b : zeros_like(bn_rm), invstd = rsqrt(bn_rv + bn_eps);
  Shape channels = Shape::filled(conv_w.dim(), 1);
  channels[transpose ? 1 : 0] = -1;
  return {(conv_w * (gamma * invstd).reshape(channels)).to(conv_w.dtype()).detach(),
          ((bias - bn_rm) * invstd * gamma + beta).to(bias_dtype).detach()};
}

FusedParameters fuse_linear_bn_weights(const Tensor& linear_w, const Tensor& linear_b, const Tensor& bn_rm, const Tensor& bn_rv, double bn_eps,
                                       const Tensor& bn_w, const Tensor& bn_b) {
  return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b);
}

Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNormBase& bn) { return fuse_conv(conv, bn, false); }
Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNormBase& bn) { return fuse_conv(conv, bn, false); }
Conv3d fuse_conv_bn_eval(const Conv3d& conv, const BatchNormBase& bn) { return fuse_conv(conv, bn, false); }
ConvTranspose1d fuse_conv_bn_eval(const ConvTranspose1d& conv, const BatchNormBase& bn) { return fuse_conv(conv, bn, true); }
ConvTranspose2d fuse_conv_bn_eval(const ConvTranspose2d& conv, const BatchNormBase& bn) { return fuse_conv(conv, bn, true); }
ConvTranspose3d fuse_conv_bn_eval(const ConvTranspose3d& conv, const BatchNormBase& bn) { return fuse_conv(conv, bn, true); }

Linear fuse_linear_bn_eval(const Linear& linear, const BatchNormBase& bn) {
  check_eval(linear, bn);
  const int64_t in = linear.weight.sizes()[1], out = linear.weight.sizes()[0];
  check<RuntimeError>(bn.num_features == out || bn.num_features == 1, "To fuse, linear.out_features == bn.num_features or bn.num_features == 1");
  FusedParameters fused = fuse_linear_bn_weights(linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias);
  fused.bias = fused.bias.expand({out}).contiguous();
  return with_parameters(without_draws([&] { return Linear(in, out); }), linear, fused);
}

}  // namespace ember::nn::utils
