// Reads a trace: the arrays of src/train/trace.cpp and tools/parity/ember_trace.py.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "diff_trace.h"
#include "tensors.h"

using namespace ember;

namespace {

/// "000012/conv#1/grad_output"; anything else is not from a trace.
bool parse_name(const std::string& name, int64_t& step, TracedArray& array) {
  const std::size_t first = name.find('/'), last = name.rfind('/');
  if (first == std::string::npos || first == last || first == 0 || first > 18) return false;
  if (!std::all_of(name.begin(), name.begin() + std::ptrdiff_t(first), [](char c) { return c >= '0' && c <= '9'; })) return false;
  step = std::stoll(name.substr(0, first));
  array.call = printable(name.substr(first + 1, last - first - 1));
  array.path = array.call.substr(0, array.call.find('#'));
  array.what = printable(name.substr(last + 1));
  return true;
}

}  // namespace

bool TracedModule::trains_at(int64_t step) const {
  bool on = true;
  for (const auto& [from, mode] : training)
    if (from <= step) on = mode;
  return on;
}

bool is_trace(const Value& value) {
  const Value* const header = value.kind() == Value::Dict ? value.find("trace") : nullptr;
  return header && header->kind() == Value::Array && header->as_tensor().dtype() == kUInt8 && header->as_tensor().is_contiguous();
}

TracedRun::TracedRun(const std::string& path, const Value& arrays) : file(printable(path)) {
  if (!is_trace(arrays)) throw RuntimeError(path + ": no trace: it has no array \"trace\"");
  try {
    const Tensor header = arrays["trace"].as_tensor();
    const auto* const text = static_cast<const char*>(header.data_ptr());
    const auto json = nlohmann::json::parse(text, text + header.numel());
    if (json.at("version") != 1) throw RuntimeError(fmt::format("{}: a trace of version {}, expected 1", path, json.at("version").dump()));
    framework = printable(json.at("framework"));
    count = json.at("steps");
    every = json.at("every");
    only = printable(json.at("only"));
    truncated = json.at("truncated");
    for (const auto& m : json.at("modules")) {
      TracedModule module{printable(m.at("path")), printable(m.at("type")), printable(m.at("extra"))};
      module.own_path = module.path;
      for (const auto& change : m.at("training")) module.training.emplace_back(change.at(0), change.at(1));
      lists_parameters = lists_parameters || m.contains("parameters");
      for (const auto& p : m.value("parameters", nlohmann::json::array()))
        module.parameters.push_back({printable(p.at("name")), printable(p.at("shape")), p.at("requires_grad")});
      modules.push_back(std::move(module));
    }
    for (const auto& change : json.value("backward", nlohmann::json::array())) backward.emplace_back(change.at(0), change.at(1));
    for (const auto& type : json.value("strangers", nlohmann::json::array())) strangers.push_back(printable(type));
  } catch (const nlohmann::json::exception& error) {
    throw RuntimeError(fmt::format("{}: a broken trace: {}", path, error.what()));
  }
  for (const Value::Entry& entry : arrays.entries()) {
    TracedArray array;
    int64_t step = 0;
    const std::string& name = entry.key.as_string();
    if (name == "trace") continue;
    if (!parse_name(name, step, array)) throw RuntimeError(fmt::format("{}: array {} is not of a trace", path, name));
    array.value = entry.value.as_tensor();
    steps[step].push_back(std::move(array));
  }
}

const TracedModule* TracedRun::find(const std::string& path) const {
  for (const TracedModule& m : modules)
    if (m.path == path) return &m;
  return nullptr;
}

bool TracedRun::has_state(const std::string& path) const {
  for (const auto& [step, arrays] : steps)
    for (const TracedArray& array : arrays)
      if (array.path == path && (array.what.starts_with("param.") || array.what.starts_with("buffer."))) return true;
  return false;
}

bool TracedRun::has_children(const std::string& path) const {
  const auto is_child = [&](const TracedModule& m) { return path == "(root)" ? m.path != path : m.path.starts_with(path + "."); };
  return std::any_of(modules.begin(), modules.end(), is_child);
}

const Tensor* TracedRun::array(int64_t step, const std::string& call, const std::string& what) const {
  const auto found = steps.find(step);
  if (found == steps.end()) return nullptr;
  for (const TracedArray& array : found->second)
    if (array.what == what && array.call == call) return &array.value;
  return nullptr;
}

bool TracedRun::trains(int64_t step) const {
  if (truncated && step + 1 == count) return true;  // its backward may have been cut off
  if (!backward.empty()) {
    bool on = false;
    for (const auto& [from, had] : backward)
      if (from <= step) on = had;
    return on;
  }
  const auto found = steps.find(step);  // an older trace
  return found == steps.end() || std::any_of(found->second.begin(), found->second.end(), [](const TracedArray& a) { return a.is_backward(); });
}

void TracedRun::rename(const std::map<std::string, std::string>& paths) {
  for (TracedModule& m : modules)
    if (const auto to = paths.find(m.path); to != paths.end()) m.path = to->second;
  for (auto& [step, arrays] : steps)
    for (TracedArray& array : arrays) {
      const auto to = paths.find(array.path);
      if (to == paths.end()) continue;
      array.call = to->second + array.call.substr(array.path.size());
      array.path = to->second;
    }
}
