// Dispatch over the kinds of case, the "raises" rule, and the calls of functions.
#include "runner/cases.h"

#include "error_format.h"

namespace ember::parity {
namespace {

const Json* field(const Json& json, const char* key) { return json.contains(key) ? &json[key] : nullptr; }

void run_kind(const Suite& suite, const Json& json, Findings& findings) {
  if (json.contains("call")) return run_call(suite, json, findings);
  if (json.contains("module")) return run_module(suite, json, findings);
  if (json.contains("optimizer")) return run_optimizer(suite, json, findings);
  if (json.contains("scheduler")) return run_scheduler(suite, json, findings);
  if (json.contains("rng")) return run_random(suite, json, findings);
  if (json.contains("train")) return run_train(suite, json, findings);
  throw Unsupported("a case of this kind");
}

bool names_no_tensor(const Json& outputs) {
  for (const Json& output : outputs)
    if (!output.is_null()) return false;
  return true;
}

/// Something in the case must fail with a library error; a text must be part of the message.
void run_raising(const Suite& suite, const Json& json, Findings& findings) {
  try {
    Findings ignored;
    run_kind(suite, json, ignored);
  } catch (const Error& error) {
    if (json["raises"].is_string() && std::string(error.what()).find(json["raises"]) == std::string::npos)
      findings.add(fmt::format("error text: got \"{}\", want \"{}\"", error.what(), json["raises"].get<std::string>()));
    return;
  }
  findings.add("no error was raised, want " + json["raises"].dump());
}

}  // namespace

std::string case_name(const Json& json) {
  for (const char* key : {"call", "module"})
    if (json.contains(key)) return json[key];
  if (json.contains("optimizer")) return "optim." + json["optimizer"].get<std::string>();
  if (json.contains("scheduler")) return "optim.lr_scheduler." + json["scheduler"].get<std::string>();
  if (json.contains("train")) return "(training runs)";
  if (json.contains("rng")) return "(random numbers)";
  return "(unknown kind)";
}

Outcome run_case(const Suite& suite, const Json& json) {
  Outcome outcome;
  Findings findings;
  try {
    outcome.name = case_name(json);
    const bool raises = json.contains("raises") && json["raises"] != Json(false);
    if (raises) run_raising(suite, json, findings);
    else run_kind(suite, json, findings);
  } catch (const Unsupported& missing) {
    return {Outcome::Skipped, outcome.name, {missing.what()}, 0};
  } catch (const Error& error) {
    findings.add(fmt::format("threw \"{}\"", error.what()));
  } catch (const std::exception& error) {
    findings.add(fmt::format("threw (not a library error) \"{}\"", error.what()));
  }
  outcome.kind = findings.ok() ? Outcome::Passed : Outcome::Failed;
  outcome.messages = std::move(findings.problems);
  outcome.worst = findings.worst;
  return outcome;
}

Keywords keywords_of(const Json& json, Inputs& inputs) {
  Keywords keywords;
  if (json.contains("kwargs"))
    for (const auto& [key, value] : json["kwargs"].items()) keywords.emplace_back(key, inputs.value(value));
  return keywords;
}

void check_gradients(Findings& findings, const std::string& what, const List& outputs, const Json& json, const Suite& suite,
                     const std::function<Tensor(const std::string&)>& find, Tolerance tolerance) {
  if (!json.contains("grads") && !json.contains("cotangents")) return;
  std::vector<Tensor> roots, cotangents;
  const List flat = flatten_values(outputs);
  if (json.contains("cotangents")) {
    const Json& given = json["cotangents"];
    for (std::size_t i = 0; i < flat.size() && i < given.size(); ++i) {
      const auto* root = flat[i].as<Tensor>();
      if (given[i].is_null() || !root) continue;
      if (!root->requires_grad()) {
        if (json.contains("grads") && json["grads"].empty()) continue;  // nobody asks
        findings.add(fmt::format("{}output {} does not require grad", what, i));
        continue;
      }
      roots.push_back(*root);
      cotangents.push_back(suite.tensor(given[i]["tensor"]));
    }
  }
  if (!roots.empty()) autograd::backward(roots, cotangents);
  if (!json.contains("grads")) return;
  for (const auto& [name, expected] : json["grads"].items()) {
    const Tensor leaf = find(name);
    if (!leaf.defined()) {
      findings.add(fmt::format("{}gradient of {}: no such tensor", what, name));
    } else if (expected.is_null()) {
      if (leaf.grad().defined()) findings.add(fmt::format("{}gradient of {}: want none", what, name));
    } else {
      compare_tensors(findings, fmt::format("{}gradient of {}", what, name), leaf.grad(), suite.tensor(expected["tensor"]), tolerance);
    }
  }
}

void run_call(const Suite& suite, const Json& json, Findings& findings) {
  Inputs inputs(suite, field(json, "layout"), field(json, "grads"));
  const List positional = json.contains("args") ? inputs.list(json["args"]) : List();
  const Keywords keywords = keywords_of(json, inputs);
  const Result result = call(json["call"], positional, keywords);
  const Tolerance tolerance = Tolerance::of_case(json);
  const bool returns_none = json["call"] == "Tensor.__setitem__";  // a statement; what it wrote may stand as its output
  if (json.contains("outputs") && !(returns_none && names_no_tensor(json["outputs"])))
    compare_outputs(findings, "", result.values, json["outputs"], suite, tolerance);
  if (json.contains("args_after"))
    for (const auto& [name, expected] : json["args_after"].items())
      compare_tensors(findings, "argument " + name + " afterwards", inputs.find(name), suite.tensor(expected["tensor"]), tolerance);
  check_gradients(findings, "", result.values, json, suite, [&](const std::string& name) { return inputs.find(name); }, tolerance);
}

}  // namespace ember::parity
