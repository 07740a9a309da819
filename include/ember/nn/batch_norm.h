// Batch normalisation (Ioffe & Szegedy 2015). As torch.nn.BatchNorm1d, 2d, 3d; docs/batch_norm.md says what it does and why.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

/// The weight of the newest batch in the running statistics; None gives every batch the same weight.
class Momentum {
 public:
  Momentum(double value) : value_(value), given_(true) {}
  Momentum(NoneType) {}
  bool given() const { return given_; }
  double value() const { return value_; }

 private:
  double value_ = 0;
  bool given_ = false;
};

struct BatchNormOptions {
  double eps = 1e-5;
  Momentum momentum = 0.1;
  bool affine = true;
  bool track_running_stats = true;
  bool bias = true;  ///< with affine: whether there is a bias, too
};

/// Normalises each channel: in training by the mean and the biased variance of the batch, in evaluation by the running ones, then
/// scales and shifts it by weight and bias. Training moves running_mean and running_var (unbiased) by `momentum` towards the batch.
///
/// Shapes: x (N, C, ...) -> the same. weight, bias, running_mean, running_var (C); num_batches_tracked () int64.
/// Throws ValueError "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])" and others of
/// PyTorch's texts. A call that throws changes nothing (PyTorch has counted the batch by then).
class BatchNormBase : public Module {
 public:
  BatchNormBase(int64_t num_features, BatchNormOptions options);

  Tensor forward(const Tensor& x) override;
  Tensor forward_then(const Tensor& x, const Then& then) final;
  bool join(Then& then, const Tensor& x) const final;  ///< in evaluation, by its running statistics
  void reset_running_stats();                          ///< mean 0, variance 1, no batches
  void reset_parameters();                             ///< that, and weight 1, bias 0
  std::string extra_repr() const override;
  std::string type_name() const override;
  std::int64_t state_version() const override { return 2; }

  /// How a training forward takes its statistics from more than this process: given to synchronise() by nn::SyncBatchNorm
  /// (ember/distributed/sync_batch_norm.h). Moves the running statistics, which may be undefined.
  using ForwardOverRanks = Tensor (*)(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                                      const Tensor& bias, double momentum, double eps);
  void synchronise(ForwardOverRanks forward) { over_ranks_ = forward; }
  bool is_synchronised() const { return over_ranks_ != nullptr; }

  const int64_t num_features;
  double eps;
  Momentum momentum;
  bool track_running_stats;
  Tensor& weight = add_parameter("weight");  ///< gamma; undefined without affine
  Tensor& bias = add_parameter("bias");      ///< beta
  Tensor& running_mean = add_buffer("running_mean");
  Tensor& running_var = add_buffer("running_var");
  Tensor& num_batches_tracked = add_buffer("num_batches_tracked");

 protected:
  virtual bool takes(int dims) const = 0;         ///< inputs of so many dimensions
  virtual const char* expected_rank() const = 0;  ///< "4D"
  void prepare_load(StateDict& state, const std::string& prefix, int64_t version) const override;

  bool over_ranks() const { return over_ranks_ && is_training(); }

  ForwardOverRanks over_ranks_ = nullptr;
};

/// x (N, C) or (N, C, L).
class BatchNorm1d : public BatchNormBase {
 public:
  explicit BatchNorm1d(int64_t num_features, BatchNormOptions options = {}) : BatchNormBase(num_features, options) {}
  BatchNorm1d clone() const;

 protected:
  bool takes(int dims) const override { return dims == 2 || dims == 3; }
  const char* expected_rank() const override { return "2D or 3D"; }
};
/// x (N, C, H, W).
class BatchNorm2d : public BatchNormBase {
 public:
  explicit BatchNorm2d(int64_t num_features, BatchNormOptions options = {}) : BatchNormBase(num_features, options) {}
  BatchNorm2d clone() const;

 protected:
  bool takes(int dims) const override { return dims == 4; }
  const char* expected_rank() const override { return "4D"; }
};
/// x (N, C, D, H, W).
class BatchNorm3d : public BatchNormBase {
 public:
  explicit BatchNorm3d(int64_t num_features, BatchNormOptions options = {}) : BatchNormBase(num_features, options) {}
  BatchNorm3d clone() const;

 protected:
  bool takes(int dims) const override { return dims == 5; }
  const char* expected_rank() const override { return "5D"; }
};

/// Batch norm whose statistics and weights are constants: all four are buffers, so that neither training nor an optimiser moves them.
/// For networks that are tuned with batches too small for statistics. As torchvision.ops.FrozenBatchNorm2d; reads the state of a
/// BatchNorm2d. Where only the mode should stay: `void train(bool on = true) override { Module::train(on); bn.eval(); }` in the network.
class FrozenBatchNorm2d final : public Module {
 public:
  explicit FrozenBatchNorm2d(int64_t num_features, double eps = 1e-5);
  Tensor forward(const Tensor& x) override;  ///< x * scale + (bias - running_mean * scale), scale = weight / sqrt(running_var + eps)
  FrozenBatchNorm2d clone() const;
  std::string extra_repr() const override;

  const int64_t num_features;
  double eps;
  Tensor& weight = add_buffer("weight", ones({num_features}));
  Tensor& bias = add_buffer("bias", zeros({num_features}));
  Tensor& running_mean = add_buffer("running_mean", zeros({num_features}));
  Tensor& running_var = add_buffer("running_var", ones({num_features}));

 protected:
  void prepare_load(StateDict& state, const std::string& prefix, int64_t version) const override;
};

}  // namespace ember::nn
