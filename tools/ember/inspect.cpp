// ember inspect: what a file holds.
#include <ember/ember.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "commands.h"
#include "sha256.h"

using namespace ember;

namespace {

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20) out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else out += c;
  }
  return out + '"';
}

std::string shape_text(const Tensor& t, const char* separator) { return fmt::format("{}", fmt::join(t.sizes().begin(), t.sizes().end(), separator)); }

/// A view with strides of 0 may show more than the file could ever hold.
void check_size(const std::string& path, const std::string& name, const Tensor& t, int64_t limit, int64_t& total) {
  total += t.numel() * item_size(t.dtype()) / 64 + 1;
  if (t.numel() * item_size(t.dtype()) > limit || total > limit)
    throw RuntimeError(fmt::format("{}: {} shows {} elements, more than can be listed of a file of this size", path, name, t.numel()));
}

struct Listed {
  std::string name;
  Tensor tensor;
};

void print_table(const std::vector<Listed>& tensors) {
  const bool colours = isatty(STDOUT_FILENO);
  const auto bold = [&](const std::string& text) { return colours ? "\x1b[1m" + text + "\x1b[0m" : text; };
  std::size_t width = 4;
  for (const Listed& l : tensors) width = std::max(width, l.name.size());
  fmt::print("{}\n", bold(fmt::format("{:<{}}  {:<8} {:>20} {:>10}  {:>11} {:>11} {:>11} {:>11}  {}", "name", width, "dtype", "shape", "bytes", "mean", "std", "min", "max", "NaN/inf")));
  int64_t elements = 0, bytes = 0;
  for (const auto& [name, t] : tensors) {
    const int64_t size = t.numel() * item_size(t.dtype());
    elements += t.numel();
    bytes += size;
    std::string line = fmt::format("{:<{}}  {:<8} {:>20} {:>10}", name, width, ember::name(t.dtype()), "(" + shape_text(t, ", ") + ")", size);
    if (t.numel() > 0) {
      const Tensor x = t.detach().to(kFloat64);
      const int64_t nan = isnan(x).sum().item<int64_t>(), inf = isinf(x).sum().item<int64_t>();
      line += fmt::format("  {:>11.4g} {:>11.4g} {:>11.4g} {:>11.4g}", x.mean().item<double>(), x.numel() > 1 ? x.std().item<double>() : 0.0, x.min().item<double>(), x.max().item<double>());
      if (nan + inf > 0) line += colours ? fmt::format("  \x1b[31m{}/{}\x1b[0m", nan, inf) : fmt::format("  {}/{}", nan, inf);
    }
    fmt::print("{}\n", line);
  }
  fmt::print("{} tensors, {} elements, {} bytes\n", tensors.size(), elements, bytes);
}

/// Running statistics of batch norms at a glance: a variance near 0, or no batches seen, is what goes wrong.
void print_batch_norms(const std::vector<Listed>& tensors) {
  bool first = true;
  for (const auto& [name, mean] : tensors) {
    const std::string suffix = "running_mean";
    if (name.size() < suffix.size() || name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0) continue;
    const std::string prefix = name.substr(0, name.size() - suffix.size());
    const auto find = [&](const char* what) {
      const auto at = std::find_if(tensors.begin(), tensors.end(), [&](const Listed& l) { return l.name == prefix + what; });
      return at == tensors.end() ? Tensor() : at->tensor;
    };
    const Tensor var = find("running_var"), batches = find("num_batches_tracked");
    if (!var.defined() || var.numel() == 0) continue;
    if (first) fmt::print("\nbatch norms: running statistics\n");
    first = false;
    fmt::print("  {:<24} channels {:>4}  mean {:.3g} .. {:.3g}  variance {:.3g} .. {:.3g}  batches {}\n", prefix.empty() ? "(root)" : prefix.substr(0, prefix.size() - 1),
               mean.numel(), mean.min().item<double>(), mean.max().item<double>(), var.min().item<double>(), var.max().item<double>(),
               batches.defined() ? std::to_string(batches.item<int64_t>()) : "?");
  }
}

}  // namespace

void for_each_tensor(const Value& value, const std::string& path, const std::function<void(const std::string&, const Tensor&)>& visit) {
  const auto join = [&](const std::string& part) { return path.empty() ? part : path + "." + part; };
  switch (value.kind()) {
    case Value::Array: visit(path, value.as_tensor()); break;
    case Value::List:
    case Value::Tuple:
      for (int64_t i = 0; i < value.size(); ++i) for_each_tensor(value[i], join(std::to_string(i)), visit);
      break;
    case Value::Dict:
      for (const Value::Entry& e : value.entries()) {
        const std::string key = e.key.kind() == Value::String ? e.key.as_string() : e.key.kind() == Value::Int ? std::to_string(e.key.as_int()) : "?";
        for_each_tensor(e.value, join(key), visit);
      }
      break;
    default: break;
  }
}

int inspect(const std::string& path, bool json) {
  const Value value = load(path, {.convert = true});
  std::ifstream file(path, std::ios::ate | std::ios::binary);
  const int64_t limit = 2 * int64_t(file.tellg()) + (int64_t(20) << 20);
  std::vector<Listed> tensors;
  int64_t total = 0;
  for_each_tensor(value, "", [&](const std::string& name, const Tensor& t) {
    check_size(path, name, t, limit, total);
    tensors.push_back({name, t.detach()});
  });
  if (!json) {
    print_table(tensors);
    print_batch_norms(tensors);
    return 0;
  }
  std::string out = "{\"tensors\": [";
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor t = tensors[i].tensor.contiguous();
    out += fmt::format("{}{{\"name\": {}, \"dtype\": \"{}\", \"shape\": [{}], \"sha256\": \"{}\"}}", i ? ", " : "", json_string(tensors[i].name), name(t.dtype()), shape_text(t, ", "),
                       sha256(t.data_ptr(), t.numel() * item_size(t.dtype())));
  }
  fmt::print("{}]}}\n", out);
  return 0;
}
