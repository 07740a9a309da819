// Residual networks for images of about 224 x 224 (He et al. 2015), as torchvision.models builds them: the same keys, shapes and initial
// values, so that its files load strictly and give its outputs.
#pragma once

#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/linear.h>
#include <ember/nn/sequential.h>

namespace ember::models {

struct ResNetOptions {
  int64_t num_classes = 1000;
  /// The last batch norm of each block starts with weight 0, so that the block starts as the identity (Goyal et al. 2017).
  bool zero_init_residual = false;
};

/// (N, 3, H, W) -> (N, num_classes), H and W at least 32.
class ResNet final : public nn::Module {
 public:
  /// Blocks in each of the four stages; bottleneck blocks have three convolutions and four times the channels at their end.
  ResNet(const std::vector<int64_t>& blocks, bool bottleneck, ResNetOptions options = {});
  Tensor forward(const Tensor& x) override;
  ResNet clone() const;

  nn::Linear& fc() { return fc_; }

 private:
  nn::Sequential stage(int64_t planes, int64_t blocks, int64_t stride);

  const std::vector<int64_t> blocks_;
  const bool bottleneck_;
  const ResNetOptions o_;
  int64_t channels_ = 64;  // that come in, while stages are built
  nn::Conv2d& conv1_;
  nn::BatchNorm2d& bn1_;
  nn::Sequential &layer1_, &layer2_, &layer3_, &layer4_;
  nn::Linear& fc_;
};

/// Of 18 and 34 layers with basic blocks, of 50 with bottlenecks. As torchvision.models.
ResNet resnet18(ResNetOptions options = {});
ResNet resnet34(ResNetOptions options = {});
ResNet resnet50(ResNetOptions options = {});

}  // namespace ember::models
