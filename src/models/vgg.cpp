// VGG: 3 x 3 convolutions in a row, then three linear layers.
#include <ember/models/vgg.h>
#include <ember/nn/activation.h>
#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/dropout.h>
#include <ember/nn/linear.h>
#include <ember/nn/pool.h>
#include <ember/ops/pool.h>

#include "models/init.h"

namespace ember::models {

static nn::Sequential convolutions(const std::vector<int64_t>& layers) {
  nn::Sequential result;
  int64_t channels = 3;
  for (const int64_t layer : layers) {
    if (layer == 0) {
      result.append(nn::MaxPool2d(2));
      continue;
    }
    result.append(nn::Conv2d(channels, layer, 3, {.padding = 1}));
    result.append(nn::BatchNorm2d(layer));
    result.append(nn::ReLU());
    channels = layer;
  }
  return result;
}

Vgg::Vgg(const std::vector<int64_t>& layers, VggOptions options)
    : layers_(layers), o_(options), features_(add("features", convolutions(layers))),
      classifier_(add("classifier", nn::Sequential{nn::Linear(512 * 7 * 7, 4096), nn::ReLU(), nn::Dropout(options.dropout), nn::Linear(4096, 4096),
                                                   nn::ReLU(), nn::Dropout(options.dropout), nn::Linear(4096, options.num_classes)})) {
  init_convolutions(*this);
  init_linears(*this, 0.01);
}

Vgg Vgg::clone() const {
  return copy_of([&] { return Vgg(layers_, o_); });
}

Tensor Vgg::forward(const Tensor& x) { return classifier_(adaptive_avg_pool2d(features_(x), 7).flatten(1)); }

Vgg vgg11_bn(VggOptions options) { return Vgg({64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0}, options); }
Vgg vgg16_bn(VggOptions options) { return Vgg({64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}, options); }

}  // namespace ember::models
