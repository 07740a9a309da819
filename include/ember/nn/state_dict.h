// The named tensors of a module: what is saved, loaded and compared.
#pragma once

#include <ember/tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace ember::nn {

/// Parameters and buffers by their PyTorch names, in PyTorch's order: "conv.weight", "bn.running_mean". The tensors share memory
/// with the module's; clone() makes them independent.
class StateDict {
 public:
  using Entry = std::pair<std::string, Tensor>;

  StateDict() = default;
  explicit StateDict(std::vector<Entry> entries);  ///< no name twice

  int64_t size() const { return int64_t(entries_.size()); }
  bool contains(const std::string& name) const { return find(name) != nullptr; }
  const Tensor* find(const std::string& name) const&;            ///< null when there is none
  const Tensor* find(const std::string& name) const&& = delete;  ///< it would point into a temporary: keep the StateDict in a variable
  const Tensor& at(const std::string& name) const&;              ///< throws RuntimeError naming the missing key
  Tensor at(const std::string& name) const&& { return at(name); }
  const Tensor& operator[](const std::string& name) const& { return at(name); }
  Tensor operator[](const std::string& name) const&& { return at(name); }
  void set(const std::string& name, Tensor value);  ///< replaces or appends
  bool erase(const std::string& name);

  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

  StateDict clone() const;
  /// The same names in the same order, with equal shapes, dtypes and bits.
  friend bool operator==(const StateDict& a, const StateDict& b);

  /// PyTorch's `_metadata`: the layout version of each module by its path ("" is the root). Absent in files from elsewhere.
  std::vector<std::pair<std::string, int64_t>> versions;
  int64_t version(const std::string& path) const;  ///< -1 when unknown

 private:
  std::vector<Entry> entries_;
};

struct LoadOptions {
  bool strict = true;
  /// Each name in the file that starts with `first` is read as if it started with `second`.
  std::vector<std::pair<std::string, std::string>> rename = {};
};

struct LoadResult {
  std::vector<std::string> missing_keys, unexpected_keys;
};

}  // namespace ember::nn
