// Dropout layers: noise while training, nothing in evaluation. As the modules of the same names in torch.nn.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

/// What all share. Throws ValueError "dropout probability has to be between 0 and 1, but got 1.5".
class DropoutBase : public Module {
 public:
  explicit DropoutBase(double p, bool inplace);
  std::string extra_repr() const override;  ///< p=0.5, inplace=False
  double p;
  bool inplace;

 protected:
  Tensor finish(const Tensor& x, const Tensor& y) const;
};

class Dropout final : public DropoutBase {
 public:
  explicit Dropout(double p = 0.5, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Dropout clone() const;
};
class Dropout1d final : public DropoutBase {
 public:
  explicit Dropout1d(double p = 0.5, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Dropout1d clone() const;
};
class Dropout2d final : public DropoutBase {
 public:
  explicit Dropout2d(double p = 0.5, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Dropout2d clone() const;
};
class Dropout3d final : public DropoutBase {
 public:
  explicit Dropout3d(double p = 0.5, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  Dropout3d clone() const;
};
class FeatureAlphaDropout final : public DropoutBase {
 public:
  explicit FeatureAlphaDropout(double p = 0.5, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  FeatureAlphaDropout clone() const;
};
class AlphaDropout final : public DropoutBase {
 public:
  explicit AlphaDropout(double p = 0.5, bool inplace = false);
  Tensor forward(const Tensor& x) override;
  AlphaDropout clone() const;
};

}  // namespace ember::nn
