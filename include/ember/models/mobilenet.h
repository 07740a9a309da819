// MobileNetV2 (Sandler et al. 2018), as torchvision.models builds it.
#pragma once

#include <ember/nn/sequential.h>

namespace ember::models {

struct MobileNetV2Options {
  int64_t num_classes = 1000;
  double dropout = 0.2;
};

/// (N, 3, H, W) -> (N, num_classes), H and W at least 32. Inverted residuals: a 1 x 1 convolution that widens, a 3 x 3 convolution of
/// each channel by itself, a 1 x 1 convolution that narrows, without an activation behind it.
class MobileNetV2 final : public nn::Module {
 public:
  explicit MobileNetV2(MobileNetV2Options options = {});
  Tensor forward(const Tensor& x) override;
  MobileNetV2 clone() const;

 private:
  const MobileNetV2Options o_;
  nn::Sequential &features_, &classifier_;
};

}  // namespace ember::models
