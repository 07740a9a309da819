// ember convert: from any format to any other.
#include <ember/ember.h>
#include <fmt/format.h>

#include <map>

#include "commands.h"
#include "tensors.h"

using namespace ember;

namespace {

/// "float16 becomes float32: 2 tensors (h, w)". Nothing is lost, but the file grows.
void print_widened(const FileContents& file, const std::vector<Named>& tensors) {
  std::map<std::string, std::vector<std::string>> names;  // by what happens
  for (const Named& t : tensors)
    if (const std::string type = file.dtype_in_file(t.tensor); type != name(t.tensor.dtype()))
      names[type + " becomes " + name(t.tensor.dtype())].push_back(t.name);
  constexpr std::size_t kMost = 5;
  for (const auto& [what, which] : names) {
    const std::vector<std::string> shown(which.begin(), which.begin() + std::ptrdiff_t(std::min(kMost, which.size())));
    fmt::print("{}: {} tensors ({}{})\n", what, which.size(), printable(fmt::format("{}", fmt::join(shown, ", "))),
               which.size() > kMost ? ", ..." : "");
  }
}

}  // namespace

int convert(const std::string& from, const std::string& to, bool skip_unreadable) {
  const std::string ending = to.substr(std::min(to.rfind('.'), to.size()));
  const bool nests = ending == ".pt" || ending == ".pth";
  if (!nests && ending != ".safetensors" && ending != ".npz" && ending != ".npy")
    throw ValueError(fmt::format("{}: expected a name that ends in .pt, .pth, .safetensors, .npy or .npz", to));
  const FileContents file = read_file(from, {.convert = true, .skip_unreadable = skip_unreadable});
  const std::vector<Named> all = tensors_of(file.value, from);
  if (nests) {
    save(file.value, to);
  } else {
    const nn::StateDict tensors = flat(file.value, from);
    if (ending == ".safetensors") file.metadata.empty() ? save_safetensors(tensors, to) : save_safetensors(tensors, to, file.metadata);
    if (ending == ".npz") save_npz(tensors, to);
    if (ending == ".npy") {
      if (tensors.size() != 1) throw ValueError(fmt::format("{}: a .npy holds one array, {} has {}", to, from, tensors.size()));
      save_npy(tensors.begin()->second, to);
    }
  }
  print_widened(file, all);
  std::int64_t bytes = 0;
  for (const Named& t : all) bytes += t.tensor.numel() * item_size(t.tensor.dtype());
  fmt::print("{} tensors, {} bytes", all.size(), bytes);
  if (const std::int64_t others = nests ? 0 : count_other_values(file.value); others > 0)
    fmt::print("; {} values that are no tensors were left out", others);
  if (ending != ".safetensors" && !file.metadata.empty()) fmt::print("; {} entries of metadata were left out", file.metadata.size());
  fmt::print("\n");
  return 0;
}
