// ember convert and ember diff.
#include <ember/ember.h>
#include <ember/io/npy.h>
#include <ember/io/safetensors.h>
#include <fmt/format.h>

#include <cmath>

#include "commands.h"

using namespace ember;

namespace {

bool ends_with(const std::string& text, const std::string& end) { return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0; }

nn::StateDict flat(const Value& value) {
  nn::StateDict tensors;
  for_each_tensor(value, "", [&](const std::string& name, const Tensor& t) { tensors.set(name, t.detach()); });
  return tensors;
}

}  // namespace

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

int diff(const std::string& path_a, const std::string& path_b, double rtol, double atol) {
  const nn::StateDict a = flat(load(path_a, {.convert = true})), b = flat(load(path_b, {.convert = true}));
  int64_t differences = 0, equal = 0;
  for (const auto& [name, x] : a) {
    const Tensor* y = b.find(name);
    if (!y) {
      fmt::print("only in {}: {}\n", path_a, name);
      ++differences;
      continue;
    }
    if (!(x.sizes() == y->sizes()) || x.dtype() != y->dtype()) {
      fmt::print("{}: {} ({}) against {} ({})\n", name, ember::name(x.dtype()), fmt::join(x.sizes().begin(), x.sizes().end(), ", "), ember::name(y->dtype()),
                 fmt::join(y->sizes().begin(), y->sizes().end(), ", "));
      ++differences;
      continue;
    }
    const Tensor u = x.to(kFloat64), v = y->to(kFloat64);
    if (u.numel() == 0 || isclose(u, v, rtol, atol, true).all().item<bool>()) {
      ++equal;
      continue;
    }
    const Tensor distance = nan_to_num((u - v).abs(), INFINITY);
    const int64_t worst = distance.argmax().item<int64_t>();
    fmt::print("{}: largest difference {:.6g} at element {}: {:.9g} against {:.9g}\n", name, distance.max().item<double>(), worst, u.reshape({-1}).select(0, worst).item<double>(),
               v.reshape({-1}).select(0, worst).item<double>());
    ++differences;
  }
  for (const auto& [name, y] : b)
    if (!a.contains(name)) {
      fmt::print("only in {}: {}\n", path_b, name);
      ++differences;
    }
  fmt::print("{} equal, {} different\n", equal, differences);
  return differences == 0 ? 0 : 1;
}
