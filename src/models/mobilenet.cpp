// The inverted residuals of MobileNetV2, and the table of its stages.
#include <ember/models/mobilenet.h>
#include <ember/nn/activation.h>
#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/dropout.h>
#include <ember/nn/linear.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/pool.h>

#include "models/init.h"

namespace ember::models {

namespace {

nn::Sequential conv_norm_relu6(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
  return nn::Sequential{nn::Conv2d(in, out, kernel, {.stride = stride, .padding = (kernel - 1) / 2, .groups = groups, .bias = false}),
                        nn::BatchNorm2d(out), nn::ReLU6()};
}

struct InvertedResidual final : nn::Module {
  InvertedResidual(int64_t in, int64_t out, int64_t stride, int64_t expand) : conv(add("conv", nn::Sequential())), adds(stride == 1 && in == out) {
    const int64_t wide = in * expand;
    if (expand != 1) conv.append(conv_norm_relu6(in, wide, 1));
    conv.append(conv_norm_relu6(wide, wide, 3, stride, wide));
    conv.append(nn::Conv2d(wide, out, 1, {.bias = false}));
    conv.append(nn::BatchNorm2d(out));
  }
  Tensor forward(const Tensor& x) override { return adds ? x + conv(x) : conv(x); }

  nn::Sequential& conv;
  bool adds;
};

struct Stage {
  int64_t expand, channels, blocks, stride;
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

nn::Sequential features() {
  nn::Sequential result{conv_norm_relu6(3, 32, 3, 2)};
  int64_t channels = 32;
  for (const Stage& stage : kStages)
    for (int64_t i = 0; i < stage.blocks; ++i) {
      result.append(InvertedResidual(channels, stage.channels, i == 0 ? stage.stride : 1, stage.expand));
      channels = stage.channels;
    }
  result.append(conv_norm_relu6(channels, 1280, 1));
  return result;
}

}  // namespace

MobileNetV2::MobileNetV2(MobileNetV2Options options)
    : o_(options), features_(add("features", features())),
      classifier_(add("classifier", nn::Sequential{nn::Dropout(options.dropout), nn::Linear(1280, options.num_classes)})) {
  init_convolutions(*this);
  init_linears(*this, 0.01);
}

MobileNetV2 MobileNetV2::clone() const {
  return copy_of([&] { return MobileNetV2(o_); });
}

Tensor MobileNetV2::forward(const Tensor& x) { return classifier_(adaptive_avg_pool2d(features_(x), 1).flatten(1)); }

}  // namespace ember::models
