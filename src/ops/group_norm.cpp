// Group norm and instance norm: the passes of batch norm, with statistics for each group of channels of each image.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <utility>
#include <vector>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/norm/layer.h"
#include "ops/batch_norm_checks.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// (C) so that it broadcasts over (N, C, ...).
Tensor per_channel(const Tensor& t, int dims) {
  Shape sizes = Shape::filled(dims, 1);
  sizes[1] = t.numel();
  return t.reshape(sizes);
}

Tensor with_affine(Tensor y, const Tensor& weight, const Tensor& bias) {
  if (weight.defined()) y = y * per_channel(weight, y.dim());
  return bias.defined() ? y + per_channel(bias, y.dim()) : y;
}

void check_affine(const char* name, const Tensor& t, int64_t channels) {
  check<RuntimeError>(!t.defined() || (t.dim() == 1 && t.numel() == channels),
                      "Expected {} to be a vector of size equal to the number of channels in input, but got {} of shape {} and input of channels {}",
                      name, name, t.defined() ? t.sizes() : IntArrayRef(), channels);
}

/// From basic operations: for gradients of gradients, and where there is little to do.
Tensor composed(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  if (x.numel() == 0) return with_affine(x.clone(), weight, bias);
  const int64_t n = x.numel() / (x.sizes()[0] * groups);
  return with_affine(layer_norm(x.reshape({x.sizes()[0] * groups, n}), {n}, {}, {}, eps).reshape(x.sizes()), weight, bias);
}

kernels::GroupLayout groups_of(const Tensor& x, int64_t groups) {
  const int64_t images = x.sizes()[0], channels = x.sizes()[1];
  return {images, groups, channels / groups, x.numel() / (images * channels)};
}

template <class T>
T* numbers(const Tensor& t) {
  return static_cast<T*>(t.data_or_null());
}

void backward(const Tensor& x, int64_t groups, const Tensor& dy, const Tensor& weight, const Tensor& mean, const Tensor& invstd, Grads& grads) {
  const auto per_channel = [&](int input) { return grads.wants(input) ? make_dense({x.sizes()[1]}, x.dtype()) : Tensor(); };
  Tensor dx = grads.wants(0) ? make_dense(x.sizes(), x.dtype()) : Tensor(), dweight = per_channel(1), dbias = per_channel(2);
  with_real(x.dtype(), [&]<class T>(T) {
    kernels::group_norm_backward<T>(groups_of(x, groups), x.data<T>(), dy.data<T>(), numbers<T>(weight), mean.data<T>(), invstd.data<T>(),
                                    numbers<T>(dx), numbers<T>(dweight), numbers<T>(dbias));
  });
  grads.add(0, std::move(dx));
  grads.add(1, std::move(dweight));
  grads.add(2, std::move(dbias));
}

/// Everything is checked.
Tensor normalise(const Tensor& input, int64_t groups, const Tensor& given_weight, const Tensor& given_bias, double eps) {
  constexpr int64_t kShort = 16;  // numbers of a channel, below which a call for each channel takes longer than further passes
  const auto alike = [&](const Tensor& t) { return !t.defined() || t.dtype() == input.dtype(); };
  const bool has_runs = input.numel() >= kShort * input.sizes()[0] * input.sizes()[1] && input.numel() > 0;
  if (!has_runs || !is_floating_point(input.dtype()) || !alike(given_weight) || !alike(given_bias))
    return composed(input, groups, given_weight, given_bias, eps);
  const Tensor x = input.contiguous();
  const Tensor weight = given_weight.defined() ? given_weight.contiguous() : given_weight;
  const Tensor bias = given_bias.defined() ? given_bias.contiguous() : given_bias;
  Tensor y = make_dense(x.sizes(), x.dtype());
  const Tensor mean = make_dense({x.sizes()[0] * groups}, x.dtype()), invstd = make_dense({x.sizes()[0] * groups}, x.dtype());
  with_real(x.dtype(), [&]<class T>(T) {
    kernels::group_norm<T>(groups_of(x, groups), x.data<T>(), numbers<T>(weight), numbers<T>(bias), eps, y.data<T>(), mean.data<T>(),
                           invstd.data<T>());
  });
  note("NativeGroupNorm", [&] { return Attributes{{"groups", {groups}}, {"epsilon", {}, {eps}}}; });
  return record("NativeGroupNorm", {x, weight, bias}, std::move(y),
                [x = Saved(x), weight = Saved(weight), bias, mean, invstd, groups, eps](const Tensor& dy, Grads& grads) {
                  if (grads.create_graph())
                    return grads.replay(dy, {x.get(), weight.get(), bias},
                                        [&](const std::vector<Tensor>& in) { return composed(in[0], groups, in[1], in[2], eps); });
                  backward(x.get(), groups, dy.contiguous(), weight.get(), mean, invstd, grads);
                });
}

}  // namespace

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  require_defined("group_norm", x);
  check<RuntimeError>(x.dim() >= 2, "Expected at least 2 dimensions for input tensor but received {}", x.dim());
  const int64_t channels = x.sizes()[1];
  check<RuntimeError>(num_groups > 0, "Expected num groups to be greater than 0, got {}", num_groups);
  check<RuntimeError>(channels % num_groups == 0,
                      "Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={}", x.sizes(),
                      num_groups);
  check_affine("weight", weight, channels);
  check_affine("bias", bias, channels);
  const int64_t spatial = x.sizes()[0] * channels != 0 ? x.numel() / (x.sizes()[0] * channels) : 1;
  check<ValueError>(x.sizes()[0] * channels / num_groups * spatial != 1 || x.numel() == 0 || channels / num_groups * spatial * x.sizes()[0] > 1,
                    "Expected more than 1 value per channel when training, got input size torch.Size([{}, {}, 1])",
                    x.sizes()[0] * channels / num_groups, num_groups);
  return normalise(x, num_groups, weight, bias, eps);
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                     bool use_input_stats, double momentum, double eps) {
  require_defined("instance_norm", x);
  check<RuntimeError>(x.dim() >= 2, "instance_norm: expected input (N, C, ...), got shape {}", x.sizes());
  check<ValueError>(running_mean.defined() == running_var.defined(), "running_mean and running_var must either both be None or neither be None");
  check<RuntimeError>(use_input_stats || (running_mean.defined() && running_var.defined()),
                      "Expected running_mean and running_var to be defined when use_input_stats is false");
  const int64_t batch = x.sizes()[0], channels = x.sizes()[1];
  if (!use_input_stats) return batch_norm(x, running_mean, running_var, weight, bias, false, momentum, eps);
  const int64_t spatial = batch * channels != 0 ? x.numel() / (batch * channels) : 0;
  check<ValueError>(spatial != 1, "Expected more than 1 spatial element when training, got input size torch.Size({})", x.sizes());
  check_channels("weight", weight, channels);
  check_channels("bias", bias, channels);
  if (running_mean.defined() && x.numel() > 0) {
    NoGradGuard no_grad;
    const Tensor flat = x.detach().reshape({batch, channels, spatial});
    const VarMean moments = var_mean(flat, 2);
    running_mean.copy_(running_mean * (1 - momentum) + moments.mean.mean(0) * momentum);
    running_var.copy_(running_var * (1 - momentum) + moments.var.mean(0) * momentum);
  }
  return normalise(x, channels, weight, bias, eps);
}

}  // namespace ember
