// Ember's side of the rows that layers.py names.
#pragma once

#include <ember/ember.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "clock.h"

namespace bench {

using namespace ember;

template <class M>
Step layer_step(M layer, const Tensor& x, bool backward) {
  const auto net = std::make_shared<M>(std::move(layer));
  if (!backward)
    return [=] {
      NoGradGuard no_grad;
      (*net)(x);
    };
  x.requires_grad_();
  const Tensor cotangent = randn_like((*net)(x).detach());
  return [=] {
    net->zero_grad();
    x.set_grad({});
    (*net)(x).backward(cotangent);
  };
}

/// `conv2d n=8 in=64 ...`, perhaps with ` +backward`; null for any other name.
inline Step layer_step(const std::string& row) {
  std::istringstream words(row);
  std::string name;
  words >> name;
  std::vector<int64_t> v;
  for (std::string word; words >> word;)
    if (const std::size_t at = word.find('='); at != std::string::npos) v.push_back(std::stoll(word.substr(at + 1)));
  if (v.size() != 9) return nullptr;
  const int64_t n = v[0], in = v[1], out = v[2], size = v[3], kernel = v[4], stride = v[5], padding = v[6], dilation = v[7], groups = v[8];
  const bool backward = row.ends_with(" +backward");
  if (name == "linear") return layer_step(nn::Linear(in, out), randn({n, in}), backward);
  if (name == "conv1d")
    return layer_step(nn::Conv1d(in, out, kernel, {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups}),
                      randn({n, in, size}), backward);
  const Tensor images = randn({n, in, size, size});
  if (name == "conv2d")
    return layer_step(nn::Conv2d(in, out, kernel, {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups}), images, backward);
  if (name == "conv_transpose2d")
    return layer_step(nn::ConvTranspose2d(in, out, kernel, {.stride = stride, .padding = padding, .groups = groups, .dilation = dilation}), images,
                      backward);
  return nullptr;
}

}  // namespace bench
