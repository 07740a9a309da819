// Cases about modules: construct, load, run the steps, compare outputs, gradients and states.
#include "bind/module_binding.h"

#include "error_format.h"
#include "runner/cases.h"

#include <unordered_map>

namespace ember::parity {
namespace {

const Json* field(const Json& json, const char* key) { return json.contains(key) ? &json[key] : nullptr; }

struct Maker {
  Signature signature;
  BoundModule (*make)(Args&);
};

const std::unordered_map<std::string, Maker>& makers() {
  static const auto all = [] {
    std::unordered_map<std::string, Maker> makers;
    for (auto* table : {layer_modules, activation_modules, loss_modules, sequence_modules})
      for (const ModuleRow& row : table()) makers.emplace(row.name, Maker{Signature(row.signature), row.make});
    return makers;
  }();
  return all;
}

/// The default dtype while this lives; Undefined leaves it.
class DefaultType {
 public:
  explicit DefaultType(DType dtype) : before_(get_default_dtype()) {
    if (dtype != DType::Undefined) set_default_dtype(dtype);
  }
  ~DefaultType() { set_default_dtype(before_); }
  DefaultType(const DefaultType&) = delete;

 private:
  DType before_;
};

void run_step(const BoundModule& bound, const Suite& suite, const Json& step, const Json* layouts, const std::string& what, Findings& findings,
              Tolerance tolerance) {
  nn::Module& module = *bound.module;
  if (step.contains("mode")) module.train(step["mode"] == "train");
  module.zero_grad();
  Inputs inputs(suite, layouts, field(step, "grads"));
  const List positional = step.contains("args") ? inputs.list(step["args"]) : List();
  const Keywords keywords = keywords_of(step, inputs);
  const bool raises = step.contains("raises") && step["raises"] != Json(false);
  try {
    const Result result = bound(positional, keywords);
    if (raises) findings.add(what + "no error was raised");
    if (step.contains("outputs")) compare_outputs(findings, what, result.values, step["outputs"], suite, tolerance);
    const auto find = [&](const std::string& name) {
      if (const Tensor input = inputs.find(name); input.defined()) return input;
      for (const auto& [path, parameter] : module.named_parameters())
        if (path == name) return parameter;
      return Tensor();
    };
    check_gradients(findings, what, result.values, step, suite, find, tolerance);
  } catch (const Error& error) {
    if (!raises) throw;
    if (step["raises"].is_string() && std::string(error.what()).find(step["raises"]) == std::string::npos)
      findings.add(fmt::format("{}error text: got \"{}\", want \"{}\"", what, error.what(), step["raises"].get<std::string>()));
  }
  if (step.contains("state_after")) compare_state(findings, what, module, step["state_after"], suite, tolerance);
}

}  // namespace

std::vector<std::string> bound_modules() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers()) names.push_back(name);
  return names;
}

BoundModule make_module(const std::string& name, const List& positional, const Keywords& keywords) {
  const auto found = makers().find(name);
  if (found == makers().end()) throw Unsupported("module " + name);
  Keywords own;
  DType dtype = DType::Undefined;
  for (const auto& [key, value] : keywords) {
    if (key == "dtype" && (value.is<DType>() || value.is_none())) dtype = value.is_none() ? dtype : *value.as<DType>();
    else if (key == "device" && (value.is_none() || (value.is<std::string>() && *value.as<std::string>() == "cpu"))) continue;
    else own.emplace_back(key, value);
  }
  const Maker& maker = found->second;
  Args args(maker.signature, maker.signature.bind(name, positional, own));
  const DefaultType scope(dtype);  // parameters of float64 are drawn as such
  BoundModule module = maker.make(args);
  if (dtype != DType::Undefined) module.module->to(dtype);
  return module;
}

void compare_state(Findings& findings, const std::string& what, const nn::Module& module, const Json& expected, const Suite& suite,
                   Tolerance tolerance) {
  const nn::StateDict state = module.state_dict();
  for (const auto& [name, value] : expected.items()) {
    const Tensor* got = state.find(name);
    if (!got) findings.add(fmt::format("{}state has no {}", what, name));
    else compare_tensors(findings, fmt::format("{}state {}", what, name), *got, suite.tensor(value["tensor"]), tolerance);
  }
}

void run_steps(const BoundModule& bound, const Suite& suite, const Json& json, Findings& findings, Tolerance tolerance) {
  if (json.contains("steps"))
    for (std::size_t i = 0; i < json["steps"].size(); ++i)
      run_step(bound, suite, json["steps"][i], field(json, "layout"), fmt::format("step {}: ", i), findings, tolerance);
  if (json.contains("state_after")) compare_state(findings, "", *bound.module, json["state_after"], suite, tolerance);
}

BoundModule module_of(const Suite& suite, const Json& json) {
  Inputs inputs(suite, nullptr, nullptr);
  BoundModule bound = make_module(json["module"], json.contains("args") ? inputs.list(json["args"]) : List(), keywords_of(json, inputs));
  if (json.contains("dtype") && !json["dtype"].is_null()) {
    const Json& dtype = json["dtype"];
    bound.module->to(dtype_from_name(dtype.is_object() ? dtype["dtype"] : dtype));
  }
  if (json.contains("state")) {
    nn::StateDict state;
    for (const auto& [name, value] : json["state"].items()) state.set(name, suite.tensor(value["tensor"]));
    bound.module->load_state_dict(state);
  }
  return bound;
}

void run_module(const Suite& suite, const Json& json, Findings& findings) {
  const BoundModule bound = module_of(suite, json);
  run_steps(bound, suite, json, findings, Tolerance::of_case(json));
}

}  // namespace ember::parity
