// LeNet-5.
#include <ember/models/lenet.h>
#include <ember/ops/activation.h>
#include <ember/ops/pool.h>

namespace ember::models {

LeNet::LeNet(LeNetOptions options)
    : o_(options), conv1_(add("conv1", nn::Conv2d(options.in_channels, 6, 5, {.padding = 2}))), conv2_(add("conv2", nn::Conv2d(6, 16, 5))),
      fc1_(add("fc1", nn::Linear(16 * 5 * 5, 120))), fc2_(add("fc2", nn::Linear(120, 84))), fc3_(add("fc3", nn::Linear(84, options.num_classes))) {}

LeNet LeNet::clone() const {
  return copy_of([&] { return LeNet(o_); });
}

Tensor LeNet::forward(const Tensor& x) {
  Tensor y = max_pool2d(relu(conv1_(x)), 2);
  y = max_pool2d(relu(conv2_(y)), 2).flatten(1);
  return fc3_(relu(fc2_(relu(fc1_(y)))));
}

}  // namespace ember::models
