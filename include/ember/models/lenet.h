// LeNet-5 (LeCun et al. 1998), with ReLU and max pooling, as it is taught today.
#pragma once

#include <ember/nn/conv.h>
#include <ember/nn/linear.h>

namespace ember::models {

struct LeNetOptions {
  int64_t num_classes = 10;
  int64_t in_channels = 1;
};

/// (N, in_channels, 28, 28) -> (N, num_classes). Keys: conv1, conv2, fc1, fc2, fc3.
class LeNet final : public nn::Module {
 public:
  explicit LeNet(LeNetOptions options = {});
  Tensor forward(const Tensor& x) override;
  LeNet clone() const;

 private:
  const LeNetOptions o_;
  nn::Conv2d &conv1_, &conv2_;
  nn::Linear &fc1_, &fc2_, &fc3_;
};

}  // namespace ember::models
