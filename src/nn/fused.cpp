#include "nn/fused.h"

#include <ember/nn/activation.h>
#include <ember/nn/linear.h>
#include <ember/nn/pool.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>

#include <typeinfo>

#include "nn/module_state.h"

namespace ember::nn {
namespace {

/// Observers see every module, and anomaly mode names the operation that went wrong: then each runs by itself.
bool may_fuse() { return !forward_observer() && !detail::anomaly_mode; }

/// Nobody waits for this module's call.
bool is_unwatched(const Module& module) {
  const auto& hooks = ModuleState::of(module).hooks;
  return !hooks || (hooks->before.empty() && hooks->after.empty());
}

/// Is it exactly an M? By the address of the type's record: where a program has two of them, the module runs by itself.
template <class M>
bool is_a(const Module& module) {
  return &typeid(module) == &typeid(M);
}

/// The child as an M that nobody watches, or null.
template <class M>
M* child_as(const Children& children, std::size_t i) {
  if (i >= children.size()) return nullptr;
  Module& module = *children[i].second;
  return is_a<M>(module) && is_unwatched(module) ? static_cast<M*>(&module) : nullptr;
}
BatchNormBase* batch_norm_at(const Children& children, std::size_t i) {
  if (i >= children.size()) return nullptr;
  Module& module = *children[i].second;
  const bool is_norm = is_a<BatchNorm1d>(module) || is_a<BatchNorm2d>(module) || is_a<BatchNorm3d>(module);
  return is_norm && is_unwatched(module) ? static_cast<BatchNormBase*>(&module) : nullptr;
}

/// Does the norm use its running statistics, so that a convolution can apply it?
bool is_fixed(const BatchNormBase& norm) { return !norm.is_training() && norm.running_mean.defined() && norm.running_var.defined(); }

/// Is the child a max pooling by 2 x 2 that nobody watches?
bool pools_by_two(const Children& children, std::size_t i) {
  const MaxPool2d* const pool = child_as<MaxPool2d>(children, i);
  if (!pool || pool->options.ceil_mode) return false;
  for (int d = 0; d < 2; ++d) {
    const int64_t stride = pool->options.stride[d];
    if (pool->kernel_size[d] != 2 || (stride != 2 && stride != kSameAsKernel) || pool->options.padding[d] != 0 || pool->options.dilation[d] != 1) return false;
  }
  return true;
}

Tensor conv_fixed_norm(Conv2d& conv, const BatchNormBase& norm, const Tensor& x, bool relu, const Tensor& addend = {}, bool max_pool = false) {
  return conv.forward_norm(x, {norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps, addend, relu, max_pool});
}

}  // namespace

Tensor conv_norm_relu(Conv2d& conv, BatchNorm2d& norm, const Tensor& x) {
  if (!may_fuse() || !is_unwatched(conv) || !is_unwatched(norm)) return relu(norm(conv(x)));
  return x.dim() == 4 && is_fixed(norm) ? conv_fixed_norm(conv, norm, x, true) : norm.forward_relu(conv.forward(x));
}

Tensor conv_norm_add_relu(Conv2d& conv, BatchNorm2d& norm, const Tensor& x, const Tensor& addend) {
  if (!may_fuse() || !is_unwatched(conv) || !is_unwatched(norm)) return relu(norm(conv(x)) + addend);
  return x.dim() == 4 && is_fixed(norm) ? conv_fixed_norm(conv, norm, x, true, addend) : norm.forward_add_relu(conv.forward(x), addend);
}

std::size_t run_together(const Children& children, std::size_t first, Tensor& x) {
  if (may_fuse()) {
    Conv2d* const conv = child_as<Conv2d>(children, first);
    BatchNormBase* const norm = batch_norm_at(children, first + (conv ? 1 : 0));
    const std::size_t next = first + (conv ? 1 : 0) + (norm ? 1 : 0);
    const bool relu = child_as<ReLU>(children, next) != nullptr;
    if (conv && norm && x.dim() == 4 && is_a<BatchNorm2d>(*norm) && is_fixed(*norm)) {
      const bool pools = relu && pools_by_two(children, next + 1);
      x = conv_fixed_norm(*conv, *norm, x, relu, {}, pools);
      return next + relu + pools;
    }
    if (Linear* const linear = conv || norm ? nullptr : child_as<Linear>(children, first); linear && child_as<ReLU>(children, first + 1)) {
      x = linear->forward_relu(x);
      return first + 2;
    }
    if (conv && !norm && relu) {
      x = conv->forward_relu(x);
      return next + 1;
    }
    if (!conv && norm && relu) {
      const bool pools = norm->is_training() && x.dim() == 4 && pools_by_two(children, next + 1);
      x = pools ? norm->forward_relu_max_pool2d(x) : norm->forward_relu(x);
      return next + 1 + pools;
    }
  }
  x = (*children[first].second)(x);
  return first + 1;
}

}  // namespace ember::nn
