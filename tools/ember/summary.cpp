// Totals of a file: what a model would call its parameters, which tensors share memory, what a checkpoint was at.
#include <ember/ember.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <unordered_map>

#include "tensor/impl.h"
#include "tensors.h"

using namespace ember;

const Value* weights_of(const Value& value, std::string& name) {
  const auto all_tensors = [](const Value& v) {
    if (v.kind() != Value::Dict || v.size() == 0) return false;
    for (const Value::Entry& e : v.entries())
      if (e.value.kind() != Value::Array) return false;
    return true;
  };
  if (all_tensors(value)) return &value;
  if (value.kind() != Value::Dict) return nullptr;
  for (const Value::Entry& e : value.entries())
    if (e.key.kind() == Value::String && all_tensors(e.value)) {
      name = e.key.as_string();
      return &e.value;
    }
  return nullptr;
}

namespace {

bool is_buffer(const std::string& name) {
  for (const char* ending : {"running_mean", "running_var", "num_batches_tracked"})
    if (name.ends_with(ending)) return true;
  return false;
}

void print_parameters(const Value& value) {
  std::string where;
  const Value* weights = weights_of(value, where);
  if (!weights) return;
  std::int64_t parameters = 0, tensors = 0, buffers = 0;
  std::unordered_map<const void*, bool> seen;
  for (const Value::Entry& e : weights->entries()) {
    const Tensor& t = e.value.as_tensor();
    if (e.key.kind() != Value::String || is_buffer(e.key.as_string()) || !is_floating_point(t.dtype())) {
      ++buffers;
    } else if (!std::exchange(seen[t.data_ptr()], true) || t.numel() == 0) {
      parameters += t.numel();
      ++tensors;
    }
  }
  fmt::print("parameters{}: {} in {} tensors, and {} buffers\n", where.empty() ? "" : fmt::format(" of \"{}\"", printable(where)), parameters,
             tensors, buffers);
}

void print_shared(const std::vector<Named>& tensors) {
  std::map<const void*, std::vector<std::string>> names;  // by memory
  std::vector<const void*> order;
  for (const Named& t : tensors) {
    if (t.tensor.numel() == 0) continue;
    std::vector<std::string>& shared = names[t.tensor.impl()->storage];
    if (shared.empty()) order.push_back(t.tensor.impl()->storage);
    shared.push_back(t.name);
  }
  constexpr std::size_t kMost = 6;
  for (const void* storage : order) {
    const std::vector<std::string>& shared = names[storage];
    if (shared.size() < 2) continue;
    const std::vector<std::string> shown(shared.begin(), shared.begin() + std::ptrdiff_t(std::min(kMost, shared.size())));
    fmt::print("shared memory: {}{}\n", printable(fmt::format("{}", fmt::join(shown, ", "))),
               shared.size() > kMost ? fmt::format(" and {} more", shared.size() - kMost) : "");
  }
}

std::string text_of(const Value& v) {
  switch (v.kind()) {
    case Value::Bool: return v.as_bool() ? "True" : "False";
    case Value::Int: return std::to_string(v.as_int());
    case Value::Float: return fmt::format("{:.6g}", v.as_float());
    case Value::String: return v.as_string().size() > 60 ? v.as_string().substr(0, 57) + "..." : v.as_string();
    default: return "";
  }
}

/// Numbers and texts at the top, in "values", and the rates of an optimiser.
void print_checkpoint(const Value& value) {
  if (value.kind() != Value::Dict) return;
  std::vector<std::string> values;
  const auto collect = [&](const Value& dict) {
    for (const Value::Entry& e : dict.entries())
      if (const std::string text = text_of(e.value); !text.empty() && e.key.kind() == Value::String)
        values.push_back(printable(e.key.as_string() + " = " + text));
  };
  collect(value);
  if (const Value* own = value.find("values"); own && own->kind() == Value::Dict) collect(*own);
  constexpr std::size_t kMost = 20;
  if (!values.empty())
    fmt::print("values: {}{}\n", fmt::join(values.begin(), values.begin() + std::ptrdiff_t(std::min(kMost, values.size())), ", "),
               values.size() > kMost ? ", ..." : "");
  for (const Value::Entry& e : value.entries()) {
    const Value* const groups = e.value.kind() == Value::Dict ? e.value.find("param_groups") : nullptr;
    if (!groups || groups->kind() != Value::List) continue;
    std::vector<std::string> rates;
    for (const Value& group : groups->items())
      if (const Value* rate = group.kind() == Value::Dict ? group.find("lr") : nullptr) rates.push_back(text_of(*rate));
    fmt::print("{}: learning rate {}\n", e.key.kind() == Value::String ? printable(e.key.as_string()) : "optimizer", fmt::join(rates, ", "));
  }
}

}  // namespace

void print_summary(const FileContents& file, const std::vector<Named>& tensors) {
  fmt::print("{}, {} bytes\n", file.kind, file.bytes);
  for (const auto& [key, text] : file.metadata) fmt::print("metadata: {} = {}\n", printable(key), printable(text));
  print_parameters(file.value);
  print_shared(tensors);
  print_checkpoint(file.value);
}
