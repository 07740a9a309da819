// The fully connected layers, and the layer that does nothing.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

struct LinearOptions {
  bool bias = true;
};

/// y = x W^T + b over the last dimension of x.
///
/// Shapes: x (..., in_features) -> (..., out_features). W (out_features, in_features), b (out_features).
/// W and b start uniform in ±1/sqrt(in_features), with PyTorch's random numbers for the same seed.
/// Throws RuntimeError "mat1 and mat2 shapes cannot be multiplied (2x5 and 4x3)" when the last dimension of x is not in_features.
/// As torch.nn.Linear.
class Linear final : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, LinearOptions options = {});

  Tensor forward(const Tensor& x) override;
  Tensor forward_then(const Tensor& x, const Then& then) override;  ///< of a ReLU
  Linear clone() const;
  std::string extra_repr() const override;

  const int64_t in_features, out_features;
  Tensor& weight = add_parameter("weight");
  Tensor& bias = add_parameter("bias");  ///< undefined without bias
};

/// y_o = x1^T W_o x2 + b_o. Shapes: x1 (*, in1), x2 (*, in2) -> (*, out). W (out, in1, in2) and b (out) start uniform in ±1/sqrt(in1).
/// As torch.nn.Bilinear.
class Bilinear final : public Module {
 public:
  Bilinear(int64_t in1_features, int64_t in2_features, int64_t out_features, LinearOptions options = {});
  Tensor operator()(const Tensor& x1, const Tensor& x2) const;
  Bilinear clone() const;
  std::string extra_repr() const override;

  const int64_t in1_features, in2_features, out_features;
  Tensor& weight = add_parameter("weight");
  Tensor& bias = add_parameter("bias");  ///< undefined without bias
};

/// Gives back its input. As torch.nn.Identity.
class Identity final : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
  Identity clone() const;
};

}  // namespace ember::nn
