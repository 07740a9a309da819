// VGG with batch norm (Simonyan & Zisserman 2014), as torchvision.models builds it.
#pragma once

#include <ember/nn/sequential.h>

namespace ember::models {

struct VggOptions {
  int64_t num_classes = 1000;
  double dropout = 0.5;
};

/// (N, 3, H, W) -> (N, num_classes), H and W at least 32.
class Vgg final : public nn::Module {
 public:
  /// Channels of the 3 x 3 convolutions in order; 0 stands for a max pooling.
  explicit Vgg(const std::vector<int64_t>& layers, VggOptions options = {});
  Tensor forward(const Tensor& x) override;
  Vgg clone() const;
  std::string type_name() const override { return "VGG"; }

 private:
  const std::vector<int64_t> layers_;
  const VggOptions o_;
  nn::Sequential &features_, &classifier_;
};

/// Configurations A and D of the paper, with batch norm. As torchvision.models.
Vgg vgg11_bn(VggOptions options = {});
Vgg vgg16_bn(VggOptions options = {});

}  // namespace ember::models
