// The networks of the benchmark, by the names of its rows.
#pragma once

#include <ember/ember.h>

#include <string>
#include <vector>

namespace bench {

using namespace ember;

/// He et al. 2015, option A: the shortcut subsamples and pads channels with zeros.
struct BasicBlock : nn::Module {
  BasicBlock(int64_t in, int64_t out, int64_t stride)
      : conv1(add("conv1", nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}))), bn1(add("bn1", nn::BatchNorm2d(out))),
        conv2(add("conv2", nn::Conv2d(out, out, 3, {.padding = 1, .bias = false}))), bn2(add("bn2", nn::BatchNorm2d(out))),
        padding(in == out ? 0 : (out - in) / 2) {}
  Tensor forward(const Tensor& x) override {
    const Tensor y = nn::together(conv1, bn1)(x, {.relu = true});
    if (padding == 0) return nn::together(conv2, bn2)(y, {.addend = x, .relu = true});
    const Tensor half = x.slice(2, 0, Slice::None, 2).slice(3, 0, Slice::None, 2);
    return nn::together(conv2, bn2)(y, {.addend = pad(half, {0, 0, 0, 0, padding, padding}), .relu = true});
  }
  nn::Conv2d& conv1;
  nn::BatchNorm2d& bn1;
  nn::Conv2d& conv2;
  nn::BatchNorm2d& bn2;
  int64_t padding;
};

inline nn::Sequential mlp(const std::vector<int64_t>& sizes) {
  nn::Sequential net;
  for (std::size_t i = 0; i + 2 < sizes.size(); ++i) {
    net.append(nn::Linear(sizes[i], sizes[i + 1]));
    net.append(nn::BatchNorm1d(sizes[i + 1]));
    net.append(nn::ReLU());
  }
  net.append(nn::Linear(sizes[sizes.size() - 2], sizes.back()));
  return net;
}

inline nn::Sequential small_cnn() {
  return {nn::Conv2d(1, 16, 3, {.padding = 1}),
          nn::BatchNorm2d(16),
          nn::ReLU(),
          nn::MaxPool2d(2),
          nn::Conv2d(16, 32, 3, {.padding = 1}),
          nn::BatchNorm2d(32),
          nn::ReLU(),
          nn::MaxPool2d(2),
          nn::Flatten(),
          nn::Linear(1568, 10)};
}

inline nn::Sequential lenet() {
  return {nn::Conv2d(1, 6, 5, {.padding = 2}),
          nn::BatchNorm2d(6),
          nn::ReLU(),
          nn::MaxPool2d(2),
          nn::Conv2d(6, 16, 5),
          nn::BatchNorm2d(16),
          nn::ReLU(),
          nn::MaxPool2d(2),
          nn::Flatten(),
          nn::Linear(400, 120),
          nn::ReLU(),
          nn::Linear(120, 84),
          nn::ReLU(),
          nn::Linear(84, 10)};
}

inline nn::Sequential resnet20() {
  nn::Sequential net{nn::Conv2d(3, 16, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(16), nn::ReLU()};
  int64_t in = 16;
  for (int64_t out : {16, 32, 64})
    for (int i = 0; i < 3; ++i, in = out) net.append(BasicBlock(in, out, i == 0 && out > 16 ? 2 : 1));
  net.append(nn::AdaptiveAvgPool2d(1));
  net.append(nn::Flatten());
  net.append(nn::Linear(64, 10));
  return net;
}

inline nn::Sequential vgg() {
  nn::Sequential net;
  const auto block = [&net](int64_t in, int64_t out) {
    net.append(nn::Conv2d(in, out, 3, {.padding = 1}));
    net.append(nn::BatchNorm2d(out));
    net.append(nn::ReLU());
  };
  block(3, 64);
  block(64, 64);
  net.append(nn::MaxPool2d(2));
  block(64, 128);
  block(128, 128);
  net.append(nn::MaxPool2d(2));
  net.append(nn::Flatten());
  net.append(nn::Linear(8192, 10));
  return net;
}

struct NetRow {
  const char* name;
  nn::Sequential (*make)();
  std::vector<int64_t> shape;  // of the input, without the batch
  int64_t batch;               // of the training step
};

inline const std::vector<NetRow>& net_rows() {
  static const std::vector<NetRow> rows = {
      {"W1", [] { return mlp({2, 16, 2}); }, {2}, 32},
      {"W2", [] { return mlp({64, 128, 10}); }, {64}, 64},
      {"W3", [] { return mlp({784, 256, 128, 10}); }, {784}, 64},
      {"W4", small_cnn, {1, 28, 28}, 64},
      {"W5", lenet, {1, 28, 28}, 128},
      {"W6", resnet20, {3, 32, 32}, 32},
      {"W7", vgg, {3, 32, 32}, 32},
      {"W8", [] { return mlp({784, 256, 128, 10}); }, {784}, 64},
  };
  return rows;
}

}  // namespace bench
