// Blocks and stages of a residual network.
#include <ember/models/resnet.h>
#include <ember/nn/together.h>
#include <ember/ops/activation.h>
#include <ember/ops/pool.h>

#include "error_format.h"
#include "models/init.h"

namespace ember::models {

namespace {

nn::Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1) { return nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}); }
nn::Conv2d conv1x1(int64_t in, int64_t out, int64_t stride = 1) { return nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}); }

/// What the input is added as: itself, or by a 1 x 1 convolution where the block changes the shape.
class Block : public nn::Module {
 public:
  Tensor shortcut(const Tensor& x) { return downsample_ ? (*downsample_)(x) : x; }
  virtual void zero_last_norm() = 0;

 protected:
  void add_downsample(int64_t in, int64_t out, int64_t stride) {
    if (stride != 1 || in != out) downsample_ = &add("downsample", nn::Sequential{conv1x1(in, out, stride), nn::BatchNorm2d(out)});
  }

 private:
  nn::Sequential* downsample_ = nullptr;
};

struct BasicBlock final : Block {
  BasicBlock(int64_t in, int64_t planes, int64_t stride)
      : conv1(add("conv1", conv3x3(in, planes, stride))), bn1(add("bn1", nn::BatchNorm2d(planes))), conv2(add("conv2", conv3x3(planes, planes))),
        bn2(add("bn2", nn::BatchNorm2d(planes))) {
    add_downsample(in, planes, stride);
  }
  Tensor forward(const Tensor& x) override {
    return nn::together(conv2, bn2)(nn::together(conv1, bn1)(x, {.relu = true}), {.addend = shortcut(x), .relu = true});
  }
  void zero_last_norm() override { bn2.weight.detach().zero_(); }

  nn::Conv2d& conv1;
  nn::BatchNorm2d& bn1;
  nn::Conv2d& conv2;
  nn::BatchNorm2d& bn2;
};

/// The stride lies at the 3 x 3 convolution: "ResNet V1.5".
struct Bottleneck final : Block {
  Bottleneck(int64_t in, int64_t planes, int64_t stride)
      : conv1(add("conv1", conv1x1(in, planes))), bn1(add("bn1", nn::BatchNorm2d(planes))), conv2(add("conv2", conv3x3(planes, planes, stride))),
        bn2(add("bn2", nn::BatchNorm2d(planes))), conv3(add("conv3", conv1x1(planes, 4 * planes))), bn3(add("bn3", nn::BatchNorm2d(4 * planes))) {
    add_downsample(in, 4 * planes, stride);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = nn::together(conv2, bn2)(nn::together(conv1, bn1)(x, {.relu = true}), {.relu = true});
    return nn::together(conv3, bn3)(y, {.addend = shortcut(x), .relu = true});
  }
  void zero_last_norm() override { bn3.weight.detach().zero_(); }

  nn::Conv2d& conv1;
  nn::BatchNorm2d& bn1;
  nn::Conv2d& conv2;
  nn::BatchNorm2d& bn2;
  nn::Conv2d& conv3;
  nn::BatchNorm2d& bn3;
};

void check_blocks(const std::vector<int64_t>& blocks) {
  check<ValueError>(blocks.size() == 4, "ResNet: expected the numbers of blocks of 4 stages, got {}", blocks.size());
  for (const int64_t n : blocks) check<ValueError>(n >= 1, "ResNet: expected 1 block or more in each stage, got {}", n);
}

}  // namespace

nn::Sequential ResNet::stage(int64_t planes, int64_t blocks, int64_t stride) {
  nn::Sequential result;
  for (int64_t i = 0; i < blocks; ++i) {
    if (bottleneck_) result.append(Bottleneck(channels_, planes, i == 0 ? stride : 1));
    else result.append(BasicBlock(channels_, planes, i == 0 ? stride : 1));
    channels_ = bottleneck_ ? 4 * planes : planes;
  }
  return result;
}

ResNet::ResNet(const std::vector<int64_t>& blocks, bool bottleneck, ResNetOptions options)
    : blocks_((check_blocks(blocks), blocks)), bottleneck_(bottleneck), o_(options),
      conv1_(add("conv1", nn::Conv2d(3, 64, 7, {.stride = 2, .padding = 3, .bias = false}))), bn1_(add("bn1", nn::BatchNorm2d(64))),
      layer1_(add("layer1", stage(64, blocks[0], 1))), layer2_(add("layer2", stage(128, blocks[1], 2))),
      layer3_(add("layer3", stage(256, blocks[2], 2))), layer4_(add("layer4", stage(512, blocks[3], 2))),
      fc_(add("fc", nn::Linear(channels_, options.num_classes))) {
  init_convolutions(*this);
  if (!options.zero_init_residual) return;
  for (const auto& [path, module] : named_modules())
    if (auto* const block = dynamic_cast<Block*>(module)) block->zero_last_norm();
}

ResNet ResNet::clone() const {
  return copy_of([&] { return ResNet(blocks_, bottleneck_, o_); });
}

Tensor ResNet::forward(const Tensor& x) {
  Tensor y = max_pool2d(nn::together(conv1_, bn1_)(x, {.relu = true}), 3, {.stride = 2, .padding = 1});
  y = layer4_(layer3_(layer2_(layer1_(y))));
  return fc_(adaptive_avg_pool2d(y, 1).flatten(1));
}

ResNet resnet18(ResNetOptions options) { return ResNet({2, 2, 2, 2}, false, options); }
ResNet resnet34(ResNetOptions options) { return ResNet({3, 4, 6, 3}, false, options); }
ResNet resnet50(ResNetOptions options) { return ResNet({3, 4, 6, 3}, true, options); }

}  // namespace ember::models
