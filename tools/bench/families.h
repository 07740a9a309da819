// Ember's side of the rows that families.py names.
#pragma once

#include <ember/ember.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "more_nets.h"

namespace bench {

inline Step factor_step(const std::string& name, int64_t n, DType dtype) {
  manual_seed(0);
  const TensorOptions as{.dtype = dtype};
  const Tensor a = randn({n, n}, as), b = randn({n, 8}, as), positive = matmul(a, a.mT()) + eye(n, -1, as) * double(n);
  const std::vector<std::pair<std::string, std::function<void()>>> work{
      {"solve", [=] { linalg::solve(a, b); }},   {"cholesky", [=] { linalg::cholesky(positive); }}, {"svd", [=] { linalg::svd(a, false); }},
      {"eigh", [=] { linalg::eigh(positive); }}, {"lstsq", [=] { linalg::lstsq(a, b); }},
  };
  for (const auto& [key, run] : work)
    if (key == name)
      return [run = run] {
        NoGradGuard no_grad;
        run();
      };
  return nullptr;
}

/// A recurrent layer, and a linear one on its last output.
template <class Layer>
struct Last : nn::Module {
  Layer& layer = add("layer", Layer(32, 64, {.batch_first = true}));
  nn::Linear& head = add("head", nn::Linear(64, 10));
  Tensor forward(const Tensor& x) override { return head(layer(x).output.select(1, -1)); }
};

inline nn::Sequential volumes_net() {
  return {nn::Conv3d(1, 16, 3, {.padding = 1}),
          nn::BatchNorm3d(16),
          nn::ReLU(),
          nn::MaxPool3d(2),
          nn::Conv3d(16, 32, 3, {.padding = 1}),
          nn::BatchNorm3d(32),
          nn::ReLU(),
          nn::MaxPool3d(2),
          nn::Flatten(),
          nn::Linear(32 * 64, 10)};
}

/// A training step, or the forward in evaluation.
template <class Net>
Step network_step(Net made, const Tensor& x, bool forward) {
  const auto net = std::make_shared<Net>(std::move(made));
  if (forward) {
    net->eval();
    return [=] {
      NoGradGuard no_grad;
      (*net)(x);
    };
  }
  const Tensor target = randint(0, 10, {x.size(0)});
  return step_of(net, std::make_shared<optim::SGD>(net->parameters(), optim::SGDOptions{.lr = 0.01, .momentum = 0.9}), x,
                 [=](const Tensor& y) { return cross_entropy(y, target); });
}

inline Step attention_step(int64_t n, bool causal, bool backward) {
  manual_seed(0);
  std::vector<Tensor> t;
  for (int i = 0; i < 4; ++i) t.push_back(randn({1, 8, n, 64}));
  const auto run = [=] { return scaled_dot_product_attention(t[0], t[1], t[2], {.is_causal = causal}); };
  if (!backward)
    return [=] {
      NoGradGuard no_grad;
      run();
    };
  for (int i = 0; i < 3; ++i) t[std::size_t(i)].requires_grad_();
  return [=] {
    for (int i = 0; i < 3; ++i) t[std::size_t(i)].set_grad({});
    run().backward(t[3]);
  };
}

/// Null for any other name.
inline Step family_step(const std::string& row) {
  std::istringstream stream(row);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.size() < 3) return nullptr;
  const auto says = [&](const char* what) { return row.find(what) != std::string::npos; };
  if (words.size() == 3 && words[2].starts_with("float"))
    return factor_step(words[0], std::stoll(words[1]), words[2] == "float32" ? kFloat32 : kFloat64);
  if (words[0] == "attention") return attention_step(std::stoll(words[3]), says(" causal"), says(" +backward"));
  manual_seed(0);
  if (words[0] == "volumes") return network_step(volumes_net(), randn({8, 1, 16, 16, 16}), says(" forward"));
  if (words[0] == "lstm") return network_step(Last<nn::LSTM>(), randn({32, 50, 32}), says(" forward"));
  if (words[0] == "gru") return network_step(Last<nn::GRU>(), randn({32, 50, 32}), says(" forward"));
  return nullptr;
}

}  // namespace bench
