// ember convert: from any format to any other.
#include <ember/ember.h>
#include <fmt/format.h>

#include "commands.h"
#include "tensors.h"

using namespace ember;

int convert(const std::string& from, const std::string& to) {
  const std::string ending = to.substr(std::min(to.rfind('.'), to.size()));
  const bool nests = ending == ".pt" || ending == ".pth";
  if (!nests && ending != ".safetensors" && ending != ".npz" && ending != ".npy")
    throw ValueError(fmt::format("{}: expected a name that ends in .pt, .pth, .safetensors, .npy or .npz", to));
  const Value value = load(from, {.convert = true});
  if (nests) {
    save(value, to);
    return 0;
  }
  const nn::StateDict tensors = flat(value, from);
  if (ending == ".safetensors") save_safetensors(tensors, to);
  if (ending == ".npz") save_npz(tensors, to);
  if (ending == ".npy") {
    if (tensors.size() != 1) throw ValueError(fmt::format("{}: a .npy holds one array, {} has {}", to, from, tensors.size()));
    save_npy(tensors.begin()->second, to);
  }
  if (const std::int64_t others = count_other_values(value); others > 0)
    fmt::print("{} tensors; {} values that are no tensors were left out\n", tensors.size(), others);
  return 0;
}
