// Finds the tensors in whatever a file holds.
#include "tensors.h"

#include <ember/error.h>
#include <fmt/format.h>

#include <filesystem>
#include <unordered_set>

using namespace ember;

namespace {

std::string key_text(const Value& key) {
  switch (key.kind()) {
    case Value::String: return key.as_string();
    case Value::Int: return std::to_string(key.as_int());
    case Value::Bool: return key.as_bool() ? "True" : "False";
    case Value::Float: return fmt::format("{}", key.as_float());
    case Value::Nothing: return "None";
    default: return "?";
  }
}

class Walk {
 public:
  explicit Walk(const std::string& path) : path_(path) {
    std::error_code missing;
    limit_ = 2 * std::int64_t(std::filesystem::file_size(path, missing)) + (std::int64_t(20) << 20);
  }

  void visit(const Value& value, const std::string& name) {
    const auto below = [&](const std::string& part) { return name.empty() ? part : name + "." + part; };
    switch (value.kind()) {
      case Value::Array: add(name, value.as_tensor()); break;
      case Value::List:
      case Value::Tuple:
        for (std::int64_t i = 0; i < value.size(); ++i) visit(value[i], below(std::to_string(i)));
        break;
      case Value::Dict:
        for (const Value::Entry& e : value.entries()) visit(e.value, below(key_text(e.key)));
        break;
      default: break;
    }
  }

  std::vector<Named> found;

 private:
  /// A view with strides of 0 may show more than the file could ever hold, and one tensor may be named again and again.
  void add(const std::string& name, const Tensor& t) {
    const std::int64_t bytes = t.numel() * item_size(t.dtype());
    total_ += bytes / 64 + std::int64_t(name.size()) + 128;
    if (bytes > limit_ || total_ > limit_)
      throw RuntimeError(fmt::format("{}: {} shows {} elements, more than can be listed of a file of this size", path_, name, t.numel()));
    found.push_back({name, t.detach()});
  }

  const std::string& path_;
  std::int64_t limit_ = 0, total_ = 0;
};

}  // namespace

std::vector<Named> tensors_of(const Value& value, const std::string& path) {
  Walk walk(path);
  walk.visit(value, "");
  return std::move(walk.found);
}

nn::StateDict flat(const Value& value, const std::string& path) {
  std::vector<nn::StateDict::Entry> entries;
  std::unordered_set<std::string> taken;
  for (Named& t : tensors_of(value, path)) {
    if (!taken.insert(t.name).second) throw ValueError(fmt::format("{}: two tensors would be called \"{}\"", path, t.name));
    entries.emplace_back(t.name.empty() ? "tensor" : std::move(t.name), std::move(t.tensor));
  }
  return nn::StateDict(std::move(entries));
}

std::int64_t count_other_values(const Value& value) {
  std::int64_t count = 0;
  switch (value.kind()) {
    case Value::Array: return 0;
    case Value::List:
    case Value::Tuple:
      for (const Value& item : value.items()) count += count_other_values(item);
      return count;
    case Value::Dict:
      for (const Value::Entry& e : value.entries()) count += count_other_values(e.value);
      return count;
    default: return 1;
  }
}

std::string printable(const std::string& text) {
  std::string out = text;
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}
