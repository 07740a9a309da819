// Normalisation layers beside batch norm. As torch.nn.LayerNorm, GroupNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, RMSNorm.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true, bias = true;
};
/// Over the last dimensions of x.
class LayerNorm final : public Module {
 public:
  explicit LayerNorm(IntArrayRef normalized_shape, LayerNormOptions options = {});
  explicit LayerNorm(int64_t normalized_shape, LayerNormOptions options = {});
  Tensor forward(const Tensor& x) override;
  LayerNorm clone() const;
  std::string extra_repr() const override;
  const Shape normalized_shape;
  double eps;
  Tensor& weight = add_parameter("weight");
  Tensor& bias = add_parameter("bias");
};

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true, bias = true;
};
/// Over groups of channels of each sample of x (N, C, ...).
class GroupNorm final : public Module {
 public:
  GroupNorm(int64_t num_groups, int64_t num_channels, GroupNormOptions options = {});
  Tensor forward(const Tensor& x) override;
  GroupNorm clone() const;
  std::string extra_repr() const override;
  const int64_t num_groups, num_channels;
  double eps;
  Tensor& weight = add_parameter("weight");
  Tensor& bias = add_parameter("bias");
};

struct RMSNormOptions {
  double eps = -1;  ///< negative: the dtype's epsilon
  bool elementwise_affine = true;
};
class RMSNorm final : public Module {
 public:
  explicit RMSNorm(IntArrayRef normalized_shape, RMSNormOptions options = {});
  explicit RMSNorm(int64_t normalized_shape, RMSNormOptions options = {});
  Tensor forward(const Tensor& x) override;
  RMSNorm clone() const;
  std::string extra_repr() const override;
  const Shape normalized_shape;
  double eps;
  Tensor& weight = add_parameter("weight");
};

/// Over neighbouring channels of x (N, C, ...).
class LocalResponseNorm final : public Module {
 public:
  explicit LocalResponseNorm(int64_t size, double alpha = 1e-4, double beta = 0.75, double k = 1);
  Tensor forward(const Tensor& x) override;
  LocalResponseNorm clone() const;
  std::string extra_repr() const override;
  const int64_t size;
  double alpha, beta, k;
};

struct InstanceNormOptions {
  double eps = 1e-5, momentum = 0.1;
  bool affine = false, track_running_stats = false, bias = true;
};
/// Over the positions of each channel of each sample.
class InstanceNormBase : public Module {
 public:
  InstanceNormBase(int64_t num_features, InstanceNormOptions options);
  Tensor forward(const Tensor& x) final;
  std::string extra_repr() const override;
  std::int64_t state_version() const override { return 2; }
  const int64_t num_features;
  const InstanceNormOptions options;
  Tensor& weight = add_parameter("weight");
  Tensor& bias = add_parameter("bias");
  Tensor& running_mean = add_buffer("running_mean");
  Tensor& running_var = add_buffer("running_var");
  Tensor& num_batches_tracked = add_buffer("num_batches_tracked");

 protected:
  virtual int spatial() const = 0;
};
class InstanceNorm1d final : public InstanceNormBase {  ///< (N, C, L) or (C, L)
 public:
  explicit InstanceNorm1d(int64_t num_features, InstanceNormOptions options = {});
  InstanceNorm1d clone() const;

 protected:
  int spatial() const override { return 1; }
};
class InstanceNorm2d final : public InstanceNormBase {  ///< (N, C, H, W) or (C, H, W)
 public:
  explicit InstanceNorm2d(int64_t num_features, InstanceNormOptions options = {});
  InstanceNorm2d clone() const;

 protected:
  int spatial() const override { return 2; }
};
class InstanceNorm3d final : public InstanceNormBase {  ///< (N, C, D, H, W) or (C, D, H, W)
 public:
  explicit InstanceNorm3d(int64_t num_features, InstanceNormOptions options = {});
  InstanceNorm3d clone() const;

 protected:
  int spatial() const override { return 3; }
};

}  // namespace ember::nn
