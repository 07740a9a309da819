// Activations as modules. As the modules of the same names in torch.nn; `inplace` overwrites the input.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

class ReLU final : public Module {
 public:
  explicit ReLU(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  bool join(Then& then, const Tensor& x) const override;
  ReLU clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class ReLU6 final : public Module {
 public:
  explicit ReLU6(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  ReLU6 clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class LeakyReLU final : public Module {
 public:
  explicit LeakyReLU(double negative_slope = 0.01, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  LeakyReLU clone() const;
  std::string extra_repr() const override;
  double negative_slope;
  bool inplace;
};
class ELU final : public Module {
 public:
  explicit ELU(double alpha = 1, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  ELU clone() const;
  std::string extra_repr() const override;
  double alpha;
  bool inplace;
};
class SELU final : public Module {
 public:
  explicit SELU(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  SELU clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class CELU final : public Module {
 public:
  explicit CELU(double alpha = 1, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  CELU clone() const;
  std::string extra_repr() const override;
  double alpha;
  bool inplace;
};
class SiLU final : public Module {
 public:
  explicit SiLU(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  SiLU clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class Mish final : public Module {
 public:
  explicit Mish(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Mish clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class Hardswish final : public Module {
 public:
  explicit Hardswish(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Hardswish clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class Hardsigmoid final : public Module {
 public:
  explicit Hardsigmoid(bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Hardsigmoid clone() const;
  std::string extra_repr() const override;
  bool inplace;
};
class Hardtanh final : public Module {
 public:
  explicit Hardtanh(double min_val = -1, double max_val = 1, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Hardtanh clone() const;
  std::string extra_repr() const override;
  double min_val;
  double max_val;
  bool inplace;
};
class Threshold final : public Module {
 public:
  Threshold(double threshold, double value, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Threshold clone() const;
  std::string extra_repr() const override;
  double threshold;
  double value;
  bool inplace;
};
class Sigmoid final : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  Sigmoid clone() const;
};
class Tanh final : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  Tanh clone() const;
};
class Softsign final : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  Softsign clone() const;
};
class Tanhshrink final : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  Tanhshrink clone() const;
};
class LogSigmoid final : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  LogSigmoid clone() const;
};
class Softplus final : public Module {
 public:
  explicit Softplus(double beta = 1, double threshold = 20);
  Tensor forward(const Tensor& x) override;
  Softplus clone() const;
  std::string extra_repr() const override;
  double beta;
  double threshold;
};
class Softshrink final : public Module {
 public:
  explicit Softshrink(double lambd = 0.5);
  Tensor forward(const Tensor& x) override;
  Softshrink clone() const;
  std::string extra_repr() const override;
  double lambd;
};
class Hardshrink final : public Module {
 public:
  explicit Hardshrink(double lambd = 0.5);
  Tensor forward(const Tensor& x) override;
  Hardshrink clone() const;
  std::string extra_repr() const override;
  double lambd;
};

/// approximate is "none" or "tanh".
class GELU final : public Module {
 public:
  explicit GELU(std::string approximate = "none");
  Tensor forward(const Tensor& x) override;
  GELU clone() const;
  std::string extra_repr() const override;
  std::string approximate;
};
class GLU final : public Module {
 public:
  explicit GLU(int64_t dim = -1);
  Tensor forward(const Tensor& x) override;
  GLU clone() const;
  std::string extra_repr() const override;
  int64_t dim;
};
class Softmax final : public Module {
 public:
  explicit Softmax(int64_t dim);
  Tensor forward(const Tensor& x) override;
  Softmax clone() const;
  std::string extra_repr() const override;
  int64_t dim;
};
class Softmin final : public Module {
 public:
  explicit Softmin(int64_t dim);
  Tensor forward(const Tensor& x) override;
  Softmin clone() const;
  std::string extra_repr() const override;
  int64_t dim;
};
class LogSoftmax final : public Module {
 public:
  explicit LogSoftmax(int64_t dim);
  Tensor forward(const Tensor& x) override;
  LogSoftmax clone() const;
  std::string extra_repr() const override;
  int64_t dim;
};
/// Softmax over the channels of (N, C, H, W) or (C, H, W).
class Softmax2d final : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  Softmax2d clone() const;
};
/// Slopes below 0 that are drawn in training.
class RReLU final : public Module {
 public:
  explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  RReLU clone() const;
  std::string extra_repr() const override;
  double lower, upper;
  bool inplace;
};

/// A slope below 0 that is learned: one, or one for each channel.
class PReLU final : public Module {
 public:
  explicit PReLU(int64_t num_parameters = 1, double init = 0.25);
  Tensor forward(const Tensor& x) override;
  PReLU clone() const;
  std::string extra_repr() const override;
  Tensor& weight = add_parameter("weight");
};

}  // namespace ember::nn
