// ResNet-20, -32 and -56.
#include <ember/models/cifar_resnet.h>
#include <ember/nn/init.h>
#include <ember/nn/together.h>
#include <ember/ops/activation.h>
#include <ember/ops/pool.h>
#include <ember/ops/shape.h>

#include "error_format.h"

namespace ember::models {

namespace {

struct Block final : nn::Module {
  Block(int64_t in, int64_t out, int64_t stride)
      : conv1(add("conv1", nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}))), bn1(add("bn1", nn::BatchNorm2d(out))),
        conv2(add("conv2", nn::Conv2d(out, out, 3, {.padding = 1, .bias = false}))), bn2(add("bn2", nn::BatchNorm2d(out))), stride(stride),
        new_channels(out - in) {}
  Tensor forward(const Tensor& x) override {
    return nn::together(conv2, bn2)(nn::together(conv1, bn1)(x, {.relu = true}), {.addend = shortcut(x), .relu = true});
  }
  Tensor shortcut(const Tensor& x) const {
    if (stride == 1 && new_channels == 0) return x;
    const Tensor fewer = x.slice(2, Slice::None, Slice::None, stride).slice(3, Slice::None, Slice::None, stride);
    return pad(fewer, {0, 0, 0, 0, new_channels / 2, new_channels - new_channels / 2});
  }

  nn::Conv2d& conv1;
  nn::BatchNorm2d& bn1;
  nn::Conv2d& conv2;
  nn::BatchNorm2d& bn2;
  int64_t stride, new_channels;
};

nn::Sequential stage(int64_t in, int64_t out, int64_t n) {
  nn::Sequential result;
  for (int64_t i = 0; i < n; ++i) result.append(Block(i == 0 ? in : out, out, i == 0 && in != out ? 2 : 1));
  return result;
}

int64_t checked(int64_t n) {
  check<ValueError>(n >= 1, "CifarResNet: expected 1 block or more in each stage, got {}", n);
  return n;
}

}  // namespace

CifarResNet::CifarResNet(int64_t n, CifarResNetOptions options)
    : n_(checked(n)), o_(options), conv1_(add("conv1", nn::Conv2d(options.in_channels, 16, 3, {.padding = 1, .bias = false}))),
      bn1_(add("bn1", nn::BatchNorm2d(16))), layer1_(add("layer1", stage(16, 16, n))), layer2_(add("layer2", stage(16, 32, n))),
      layer3_(add("layer3", stage(32, 64, n))), linear_(add("linear", nn::Linear(64, options.num_classes))) {
  for (const auto& [path, p] : named_parameters())
    if (p.dim() > 1) nn::init::kaiming_normal_(p);
}

CifarResNet CifarResNet::clone() const {
  return copy_of([&] { return CifarResNet(n_, o_); });
}

Tensor CifarResNet::forward(const Tensor& x) {
  const Tensor y = layer3_(layer2_(layer1_(nn::together(conv1_, bn1_)(x, {.relu = true}))));
  return linear_(adaptive_avg_pool2d(y, 1).flatten(1));
}

CifarResNet resnet20(CifarResNetOptions options) { return CifarResNet(3, options); }
CifarResNet resnet32(CifarResNetOptions options) { return CifarResNet(5, options); }
CifarResNet resnet56(CifarResNetOptions options) { return CifarResNet(9, options); }

}  // namespace ember::models
