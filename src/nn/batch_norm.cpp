#include <ember/nn/batch_norm.h>
#include <ember/nn/init.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/pool.h>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {

BatchNormBase::BatchNormBase(int64_t num_features, BatchNormOptions options)
    : num_features(num_features), eps(options.eps), momentum(options.momentum), track_running_stats(options.track_running_stats) {
  check<RuntimeError>(num_features >= 0, "Trying to create tensor with negative dimension {}: [{}]", num_features, num_features);
  if (options.affine) set_parameter(weight, ones({num_features}));
  if (options.affine && options.bias) set_parameter(bias, zeros({num_features}));
  if (track_running_stats) {
    running_mean = zeros({num_features});
    running_var = ones({num_features});
    num_batches_tracked = zeros({}, kInt64);
  }
  reset_parameters();
}

void BatchNormBase::reset_running_stats() {
  if (!track_running_stats) return;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

void BatchNormBase::reset_parameters() {
  reset_running_stats();
  if (weight.defined()) init::ones_(weight);
  if (bias.defined()) init::zeros_(bias);
}

/// operation(x, running_mean, running_var, weight, bias, training, momentum, eps) as the module's state wants it.
template <class Operation>
Tensor BatchNormBase::normalise(const Tensor& x, Operation operation) {
  check_rank(x);
  const bool has_statistics = running_mean.defined() || running_var.defined();
  const bool by_batch = is_training() || !has_statistics;
  const bool counts = is_training() && track_running_stats && num_batches_tracked.defined();
  double factor = momentum.given() ? momentum.value() : 0;
  int64_t batches = 0;
  if (counts) {
    batches = num_batches_tracked.item<int64_t>() + 1;
    if (!momentum.given()) factor = 1.0 / double(batches);
  }
  // Training without tracking leaves the buffers alone; evaluation uses them whenever they exist.
  const bool passes = !is_training() || track_running_stats;
  const Tensor y = operation(x, passes ? running_mean : Tensor(), passes ? running_var : Tensor(), weight, bias, by_batch, factor, eps);
  // PyTorch counts before its checks; here a call that is refused changes nothing.
  if (counts) *num_batches_tracked.data<int64_t>() = batches;
  return y;
}

Tensor BatchNormBase::forward(const Tensor& x) {
  if (!over_ranks()) return normalise(x, batch_norm);
  return normalise(x, [this](const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight, const Tensor& bias, bool,
                             double momentum, double eps) { return over_ranks_(x, mean, var, weight, bias, momentum, eps); });
}
Tensor BatchNormBase::forward_relu(const Tensor& x) {
  return over_ranks() ? relu(forward(x)) : normalise(x, batch_norm_relu);
}
Tensor BatchNormBase::forward_relu_max_pool2d(const Tensor& x) {
  return over_ranks() ? max_pool2d(relu(forward(x)), 2) : normalise(x, batch_norm_relu_max_pool2d);
}
Tensor BatchNormBase::forward_add_relu(const Tensor& x, const Tensor& addend) {
  if (over_ranks()) return relu(forward(x) + addend);
  return normalise(x, [&](const Tensor& x, const auto&... arguments) { return batch_norm_add_relu(x, addend, arguments...); });
}

std::string BatchNormBase::type_name() const { return over_ranks_ ? "SyncBatchNorm" : Module::type_name(); }

std::string BatchNormBase::extra_repr() const {
  return fmt::format("{}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={}", num_features, python_repr(eps),
                     momentum.given() ? python_repr(momentum.value()) : "None", python_repr(weight.defined()), python_repr(bias.defined()),
                     python_repr(track_running_stats));
}

void BatchNormBase::prepare_load(StateDict& state, const std::string& prefix, int64_t version) const {
  // Before version 2 files had no counter: the module keeps its own.
  const std::string name = prefix + "num_batches_tracked";
  if (version < 2 && num_batches_tracked.defined() && !state.contains(name)) state.set(name, num_batches_tracked.detach().clone());
}

void BatchNorm1d::check_rank(const Tensor& x) const {
  check<ValueError>(x.dim() == 2 || x.dim() == 3, "expected 2D or 3D input (got {}D input)", x.dim());
}
void BatchNorm2d::check_rank(const Tensor& x) const { check<ValueError>(x.dim() == 4, "expected 4D input (got {}D input)", x.dim()); }
void BatchNorm3d::check_rank(const Tensor& x) const { check<ValueError>(x.dim() == 5, "expected 5D input (got {}D input)", x.dim()); }

}  // namespace ember::nn
