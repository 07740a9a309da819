// Nets of other kinds, as training steps: more_nets.py has the same for PyTorch.
#pragma once

#include <ember/ember.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"

namespace bench {

using namespace ember;

/// Depthwise 3 x 3, then 1 x 1, each with batch norm and ReLU.
inline void append_separable(nn::Sequential& net, int64_t in, int64_t out, int64_t stride) {
  net.append(nn::Conv2d(in, in, 3, {.stride = stride, .padding = 1, .groups = in, .bias = false}));
  net.append(nn::BatchNorm2d(in));
  net.append(nn::ReLU());
  net.append(nn::Conv2d(in, out, 1, {.bias = false}));
  net.append(nn::BatchNorm2d(out));
  net.append(nn::ReLU());
}

inline void append_classifier(nn::Sequential& net, int64_t features) {
  net.append(nn::AdaptiveAvgPool2d(1));
  net.append(nn::Flatten());
  net.append(nn::Linear(features, 10));
}

inline nn::Sequential separable_net() {
  nn::Sequential net{nn::Conv2d(3, 32, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(32), nn::ReLU()};
  for (const auto& [in, out, stride] : {std::array<int64_t, 3>{32, 64, 1}, {64, 128, 2}, {128, 128, 1}, {128, 256, 2}})
    append_separable(net, in, out, stride);
  append_classifier(net, 256);
  return net;
}

inline nn::Sequential grouped_net() {
  nn::Sequential net{nn::Conv2d(3, 64, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(64), nn::ReLU()};
  for (const auto& [in, out, stride] : {std::array<int64_t, 3>{64, 64, 1}, {64, 128, 2}, {128, 128, 1}}) {
    net.append(nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .groups = 8, .bias = false}));
    net.append(nn::BatchNorm2d(out));
    net.append(nn::ReLU());
    net.append(nn::Conv2d(out, out, 1, {.bias = false}));
    net.append(nn::BatchNorm2d(out));
    net.append(nn::ReLU());
  }
  append_classifier(net, 128);
  return net;
}

inline nn::Sequential signal_net() {
  return {nn::Conv1d(1, 32, 7, {.stride = 2, .padding = 3}),
          nn::BatchNorm1d(32),
          nn::ReLU(),
          nn::Conv1d(32, 64, 5, {.stride = 2, .padding = 2}),
          nn::BatchNorm1d(64),
          nn::ReLU(),
          nn::Conv1d(64, 128, 3, {.padding = 1}),
          nn::BatchNorm1d(128),
          nn::ReLU(),
          nn::AdaptiveAvgPool1d(1),
          nn::Flatten(),
          nn::Linear(128, 10)};
}

inline nn::Sequential normalised_mlp() {
  return {nn::Linear(784, 512), nn::LayerNorm({512}), nn::GELU(),       nn::Dropout(0.1),   nn::Linear(512, 512),
          nn::LayerNorm({512}), nn::GELU(),           nn::Dropout(0.1), nn::Linear(512, 10)};
}

inline nn::Sequential autoencoder() {
  return {nn::Linear(784, 256), nn::ReLU(), nn::Linear(256, 64), nn::ReLU(), nn::Linear(64, 256), nn::ReLU(), nn::Linear(256, 784)};
}

/// Two steps down, two up, each of two convolutions; what is on the way down joins the way up.
struct UNet : nn::Module {
  static nn::Sequential twice(int64_t in, int64_t out) {
    return {nn::Conv2d(in, out, 3, {.padding = 1}),  nn::BatchNorm2d(out), nn::ReLU(),
            nn::Conv2d(out, out, 3, {.padding = 1}), nn::BatchNorm2d(out), nn::ReLU()};
  }
  nn::Sequential &down1 = add("down1", twice(1, 16)), &down2 = add("down2", twice(16, 32)), &middle = add("middle", twice(32, 64));
  nn::ConvTranspose2d &up2 = add("up2", nn::ConvTranspose2d(64, 32, 2, {.stride = 2})),
                      &up1 = add("up1", nn::ConvTranspose2d(32, 16, 2, {.stride = 2}));
  nn::Sequential &join2 = add("join2", twice(64, 32)), &join1 = add("join1", twice(32, 16));
  nn::Conv2d& last = add("last", nn::Conv2d(16, 1, 1));
  Tensor forward(const Tensor& x) override {
    const Tensor a = down1(x), b = down2(max_pool2d(a, 2)), c = middle(max_pool2d(b, 2));
    const Tensor d = join2(cat({up2(c), b}, 1));
    return last(join1(cat({up1(d), a}, 1)));
  }
};

template <class Net, class Optimizer, class Loss>
Step step_of(std::shared_ptr<Net> net, std::shared_ptr<Optimizer> optimizer, Tensor x, Loss loss) {
  return [=] {
    optimizer->zero_grad();
    loss((*net)(x)).backward();
    optimizer->step();
  };
}

inline Step classification(nn::Sequential net, IntArrayRef shape, bool adamw) {
  const auto model = std::make_shared<nn::Sequential>(std::move(net));
  const Tensor x = randn(shape), target = randint(0, 10, {x.size(0)});
  const auto loss = [=](const Tensor& y) { return cross_entropy(y, target); };
  if (adamw) return step_of(model, std::make_shared<optim::AdamW>(model->parameters()), x, loss);
  return step_of(model, std::make_shared<optim::SGD>(model->parameters(), optim::SGDOptions{.lr = 0.01, .momentum = 0.9}), x, loss);
}

/// Radford et al. 2015 for 28 x 28: one step of the critic, one of the generator.
inline Step gan_step() {
  const auto generator = std::make_shared<nn::Sequential>(
      nn::Sequential{nn::ConvTranspose2d(100, 128, 7, {.bias = false}), nn::BatchNorm2d(128), nn::ReLU(),
                     nn::ConvTranspose2d(128, 64, 4, {.stride = 2, .padding = 1, .bias = false}), nn::BatchNorm2d(64), nn::ReLU(),
                     nn::ConvTranspose2d(64, 1, 4, {.stride = 2, .padding = 1}), nn::Tanh()});
  const auto critic = std::make_shared<nn::Sequential>(nn::Sequential{
      nn::Conv2d(1, 64, 4, {.stride = 2, .padding = 1}), nn::LeakyReLU(0.2), nn::Conv2d(64, 128, 4, {.stride = 2, .padding = 1, .bias = false}),
      nn::BatchNorm2d(128), nn::LeakyReLU(0.2), nn::Flatten(), nn::Linear(128 * 49, 1)});
  const optim::AdamOptions options{.lr = 2e-4, .betas = {0.5, 0.999}};
  const auto teach_generator = std::make_shared<optim::Adam>(generator->parameters(), options),
             teach_critic = std::make_shared<optim::Adam>(critic->parameters(), options);
  const Tensor noise = randn({64, 100, 1, 1}), images = randn({64, 1, 28, 28}), real = ones({64, 1}), drawn = zeros({64, 1});
  return [=] {
    const Tensor fake = (*generator)(noise);
    teach_critic->zero_grad();
    (binary_cross_entropy_with_logits((*critic)(images), real) + binary_cross_entropy_with_logits((*critic)(fake.detach()), drawn)).backward();
    teach_critic->step();
    teach_generator->zero_grad();
    binary_cross_entropy_with_logits((*critic)(fake), real).backward();
    teach_generator->step();
  };
}

inline std::vector<std::pair<std::string, std::function<Step()>>> more_nets() {
  return {{"W9", [] { return classification(separable_net(), {32, 3, 32, 32}, false); }},
          {"W10", gan_step},
          {"W11",
           [] {
             const auto net = std::make_shared<UNet>();
             const Tensor x = randn({8, 1, 64, 64}), target = randint(0, 2, {8, 1, 64, 64}).to(kFloat32);
             return step_of(net, std::make_shared<optim::Adam>(net->parameters()), x,
                            [=](const Tensor& y) { return binary_cross_entropy_with_logits(y, target); });
           }},
          {"W12", [] { return classification(signal_net(), {64, 1, 500}, false); }},
          {"W13", [] { return classification(normalised_mlp(), {128, 784}, true); }},
          {"W14",
           [] {
             const auto net = std::make_shared<nn::Sequential>(autoencoder());
             const Tensor x = rand({256, 784});
             return step_of(net, std::make_shared<optim::Adam>(net->parameters()), x, [=](const Tensor& y) { return mse_loss(y, x); });
           }},
          {"W15", [] { return classification(grouped_net(), {32, 3, 32, 32}, false); }}};
}

}  // namespace bench
