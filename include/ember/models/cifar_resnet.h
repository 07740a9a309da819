// The small residual networks for images of 32 x 32 (He et al. 2015, section 4.2), of 6n + 2 layers.
#pragma once

#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/linear.h>
#include <ember/nn/sequential.h>

namespace ember::models {

struct CifarResNetOptions {
  int64_t num_classes = 10;
  int64_t in_channels = 3;
};

/// (N, in_channels, H, W) -> (N, num_classes). Shortcuts have no parameters: where the shape changes they take every second pixel and fill
/// the new channels with zeros, half before and half behind ("option A"). Keys: conv1, bn1, layer1 .. layer3, linear, as the reference
/// implementations for PyTorch call them; convolutions and the linear layer start as He's normal numbers.
class CifarResNet final : public nn::Module {
 public:
  /// n blocks in each of the three stages of 16, 32, 64 channels.
  explicit CifarResNet(int64_t n, CifarResNetOptions options = {});
  Tensor forward(const Tensor& x) override;
  CifarResNet clone() const;

 private:
  const int64_t n_;
  const CifarResNetOptions o_;
  nn::Conv2d& conv1_;
  nn::BatchNorm2d& bn1_;
  nn::Sequential &layer1_, &layer2_, &layer3_;
  nn::Linear& linear_;
};

/// Of 20, 32 and 56 layers: 3, 5 and 9 blocks a stage.
CifarResNet resnet20(CifarResNetOptions options = {});
CifarResNet resnet32(CifarResNetOptions options = {});
CifarResNet resnet56(CifarResNetOptions options = {});

}  // namespace ember::models
