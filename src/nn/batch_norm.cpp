// The layer keeps the running statistics; ember::batch_norm computes.
#include <ember/nn/batch_norm.h>
#include <ember/nn/init.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {

BatchNormBase::BatchNormBase(int64_t num_features, BatchNormOptions options)
    : num_features(num_features), eps(options.eps), momentum(options.momentum), track_running_stats(options.track_running_stats) {
  check<RuntimeError>(num_features >= 0, "Trying to create tensor with negative dimension {}: [{}]", num_features, num_features);
  check<ValueError>(options.eps == options.eps, "batch norm: expected eps to be a number, got nan");
  check<ValueError>(!options.momentum.given() || options.momentum.value() == options.momentum.value(),
                    "batch norm: expected momentum to be a number, got nan");
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

Tensor BatchNormBase::forward(const Tensor& x) { return forward_then(x, {}); }

/// A class derived from these may have a forward of its own, which no pass over several modules would call.
static bool is_plain(const BatchNormBase& norm) {
  return typeid(norm) == typeid(BatchNorm1d) || typeid(norm) == typeid(BatchNorm2d) || typeid(norm) == typeid(BatchNorm3d);
}

Tensor BatchNormBase::forward_then(const Tensor& x, const Then& then) {
  if (!then.empty() && !is_plain(*this)) return {};
  check<ValueError>(takes(x.dim()), "expected {} input (got {}D input)", expected_rank(), x.dim());
  const bool has_statistics = running_mean.defined() || running_var.defined();
  const bool by_batch = is_training() || !has_statistics;
  const bool counts = is_training() && track_running_stats && num_batches_tracked.defined();
  double factor = momentum.given() ? momentum.value() : 0;
  int64_t batches = 0;
  if (counts) {
    check<RuntimeError>(num_batches_tracked.dtype() == kInt64 && num_batches_tracked.numel() == 1,
                        "expected num_batches_tracked to be one int64 number, got {} of shape {}", name(num_batches_tracked.dtype()),
                        num_batches_tracked.sizes());
    batches = num_batches_tracked.item<int64_t>() + 1;
    if (!momentum.given()) factor = 1.0 / double(batches);
  }
  // Training without tracking leaves the buffers alone; evaluation uses them whenever they exist.
  const bool passes = !is_training() || track_running_stats;
  const Tensor mean = passes ? running_mean : Tensor(), var = passes ? running_var : Tensor();
  const Tensor y = over_ranks() ? ember::apply(then, over_ranks_(x, mean, var, weight, bias, factor, eps))
                                : batch_norm(x, mean, var, weight, bias, by_batch, factor, eps, then);
  // PyTorch counts before its checks; here a call that is refused changes nothing.
  if (counts) *num_batches_tracked.data<int64_t>() = batches;
  return y;
}

bool BatchNormBase::join(Then& then, const Tensor& x) const {
  if (!is_plain(*this) || is_training() || !running_mean.defined() || !running_var.defined() || !takes(x.dim()) || !then.empty()) return false;
  then.norm = {running_mean, running_var, weight, bias, eps};
  return true;
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

FrozenBatchNorm2d::FrozenBatchNorm2d(int64_t num_features, double eps) : num_features(num_features), eps(eps) {}

Tensor FrozenBatchNorm2d::forward(const Tensor& x) {
  check<ValueError>(x.dim() == 4, "expected 4D input (got {}D input)", x.dim());
  const Shape channels{1, -1, 1, 1};
  const Tensor scale = weight * rsqrt(running_var + eps);
  return x * scale.reshape(channels) + (bias - running_mean * scale).reshape(channels);
}

std::string FrozenBatchNorm2d::extra_repr() const { return fmt::format("{}, eps={}", num_features, python_repr(eps)); }

void FrozenBatchNorm2d::prepare_load(StateDict& state, const std::string& prefix, int64_t) const { state.erase(prefix + "num_batches_tracked"); }

}  // namespace ember::nn
