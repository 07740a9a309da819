// A suite on disk: the tensors of a safetensors file, mapped, and the lines of cases.jsonl.
#pragma once

#include "runner/value.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string_view>
#include <unordered_map>

namespace ember::parity {

using Json = nlohmann::json;

/// A tensor in the file: where its bytes are.
struct StoredTensor {
  DType dtype;
  std::vector<int64_t> sizes;
  const char* bytes;
};

class Suite {
 public:
  explicit Suite(const std::string& folder);

  std::size_t size() const { return lines_.size(); }
  std::string_view line(std::size_t i) const { return lines_[i]; }
  const StoredTensor& stored(const std::string& name) const;
  Tensor tensor(const std::string& name) const;  ///< a fresh row-major copy
  /// A fresh copy as the strided view that the case's "layout" describes; the rest of its buffer holds NaN (or 113).
  Tensor tensor(const std::string& name, const Json& layout) const;

 private:
  void read_tensors(std::string_view file);

  std::vector<std::string_view> lines_;
  std::unordered_map<std::string, StoredTensor> tensors_;
};

/// The tensors of one call by name, so that a name that stands twice is one tensor.
class Inputs {
 public:
  Inputs(const Suite& suite, const Json* layouts, const Json* gradients);

  Value value(const Json& json);
  List list(const Json& json);
  Tensor tensor(const std::string& name);
  /// The tensor that the call got under this name; undefined when it got none.
  Tensor find(const std::string& name) const;

 private:
  const Suite& suite_;
  const Json* layouts_;
  const Json* gradients_;
  std::map<std::string, Tensor> tensors_;
};

DType dtype_from_name(const std::string& name);

}  // namespace ember::parity
