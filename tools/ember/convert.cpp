// ember convert.
#include <ember/ember.h>
#include <ember/io/npy.h>
#include <ember/io/safetensors.h>
#include <fmt/format.h>

#include "commands.h"

using namespace ember;

namespace {

bool ends_with(const std::string& text, const std::string& end) { return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0; }

}  // namespace

nn::StateDict flat(const Value& value) {
  nn::StateDict tensors;
  for_each_tensor(value, "", [&](const std::string& name, const Tensor& t) { tensors.set(name, t.detach()); });
  return tensors;
}

int convert(const std::string& from, const std::string& to) {
  const Value value = load(from, {.convert = true});
  if (ends_with(to, ".pt") || ends_with(to, ".pth")) {
    save(value, to);
  } else if (ends_with(to, ".safetensors")) {
    save_safetensors(flat(value), to);
  } else if (ends_with(to, ".npz")) {
    save_npz(flat(value), to);
  } else if (ends_with(to, ".npy")) {
    const nn::StateDict tensors = flat(value);
    if (tensors.size() != 1) throw ValueError(fmt::format("{}: a .npy holds one array, {} has {}", to, from, tensors.size()));
    save_npy(tensors.begin()->second, to);
  } else {
    throw ValueError(fmt::format("{}: expected a name that ends in .pt, .pth, .safetensors, .npy or .npz", to));
  }
  return 0;
}
