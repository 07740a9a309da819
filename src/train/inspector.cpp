// Statistics of layers, written line by line.
#include <ember/autograd.h>
#include <ember/nn/batch_norm.h>
#include <ember/ops/reduce.h>
#include <ember/train/inspector.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::train {

namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::vector<double> values_of(const Tensor& t) {
  const Tensor dense = t.detach().to(kFloat64).contiguous();
  return {dense.data<double>(), dense.data<double>() + dense.numel()};
}

Json five_numbers(const Tensor& t) {
  std::vector<double> values = values_of(t);
  std::sort(values.begin(), values.end());
  Json result = Json::array();
  for (int quarter = 0; quarter <= 4; ++quarter) result.push_back(number(values[(values.size() - 1) * std::size_t(quarter) / 4]));
  return result;
}

}  // namespace

struct Inspector::State final : nn::ForwardObserver {
  State(const std::string& folder, nn::Module& model, InspectorOptions options) : model(model), options(options) {
    check<ValueError>(options.every >= 1, "Inspector: expected every to be 1 or more, got {}", options.every);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    check<RuntimeError>(!error, "Inspector: cannot make the folder {}: {}", folder, error.message());
    path = folder + "/layers.jsonl";
    file = std::fopen(path.c_str(), "w");
    check<RuntimeError>(file != nullptr, "Inspector: cannot write {}: {}", path, std::strerror(errno));
    watch();
  }
  ~State() {
    unwatch();
    std::fclose(file);
  }

  // --- one step
  void watch() {
    places.clear();
    for (const auto& [name, module] : model.named_modules())
      if (nn::ModuleState::of(*module).children.empty()) places.emplace(&nn::ModuleState::of(*module), name);
    nn::add_forward_observer(*this);
  }
  void unwatch() { nn::remove_forward_observer(*this); }
  void before_forward(const nn::Module&, const std::vector<Tensor>&) override {}
  void abandon_forward(const nn::Module&) override {}
  void after_forward(const nn::Module& module, const std::vector<Tensor>&, const Tensor& output) override {
    const auto place = places.find(&nn::ModuleState::of(module));
    if (!module.is_training()) return;  // an evaluation in between
    if (place == places.end() || !output.defined() || !output.is_floating_point() || output.numel() == 0) return;
    NoGradGuard no_grad;
    const Tensor y = output.detach();
    const double n = double(y.numel()), zeros = 1 - y.count_nonzero().item<double>() / n;
    write({{"step", step},
           {"module", place->second},
           {"type", module.type_name()},
           {"kind", "activation"},
           {"mean", number(y.mean().item<double>())},
           {"std", number(y.std({}, 0).item<double>())},
           {"zeros", zeros}});
  }

  void gradients() {
    NoGradGuard no_grad;
    for (const auto& [name, module] : model.named_modules()) {
      double gradient = 0, weight = 0;
      bool any = false;
      for (const auto& p : nn::ModuleState::of(*module).parameters) {
        if (!p->value.defined() || !p->value.grad().defined()) continue;
        any = true;
        gradient += std::pow(p->value.grad().detach().norm().item<double>(), 2);
        weight += std::pow(p->value.detach().norm().item<double>(), 2);
      }
      if (any)
        write({{"step", step},
               {"module", name},
               {"type", module->type_name()},
               {"kind", "gradient"},
               {"norm", number(std::sqrt(gradient))},
               {"weight_norm", number(std::sqrt(weight))}});
      const Tensor mean = buffer(*module, "running_mean"), var = buffer(*module, "running_var");
      if (mean.defined() && var.defined() && mean.numel() > 0)
        write({{"step", step}, {"module", name}, {"kind", "batch_norm"}, {"mean", five_numbers(mean)}, {"var", five_numbers(var)}});
    }
    std::fflush(file);
  }

  static Tensor buffer(const nn::Module& module, const char* name) {
    for (const auto& b : nn::ModuleState::of(module).buffers)
      if (b->name == name) return b->value;
    return {};
  }

  void write(const Json& line) {
    const std::string text = line.dump() + "\n";
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size() && !said) {
      said = true;
      warn(fmt::format("Inspector: cannot write {}: {}", path, std::strerror(errno)));
    }
  }

  nn::Module& model;
  InspectorOptions options;
  std::string path;
  std::FILE* file = nullptr;
  std::unordered_map<const nn::ModuleState*, std::string> places;
  int64_t step = 0;
  bool said = false;
};

Inspector::Inspector(const std::string& folder, nn::Module& model, InspectorOptions options)
    : state_(std::make_unique<State>(folder, model, options)) {}
Inspector::~Inspector() = default;

void Inspector::step() {
  State& s = *state_;
  if (s.step % s.options.every == 0) {
    s.unwatch();
    s.gradients();
  }
  if (++s.step % s.options.every == 0) s.watch();
}

}  // namespace ember::train
