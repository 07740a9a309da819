// Every call of a module while the model runs once, as a row of a table.
#include <ember/autograd.h>
#include <ember/train/summary.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::train {

namespace {

using nn::Module;
using nn::ModuleState;

int64_t elements(const std::vector<Tensor>& tensors) {
  int64_t sum = 0;
  for (const Tensor& t : tensors) sum += t.numel();
  return sum;
}

/// torchinfo's count: a convolution uses its weights once for each output position, everything else once for each row of the batch.
int64_t mult_adds_of(const Module& module, const Shape& output) {
  int64_t times = output.empty() ? 1 : output[0];
  if (module.type_name().find("Conv") != std::string::npos)
    for (int d = 2; d < output.size(); ++d) times *= output[d];
  return times * elements(module.parameters());
}

class Recorder final : public nn::ForwardObserver {
 public:
  explicit Recorder(nn::Module& model) {
    for (const auto& [path, module] : model.named_modules()) paths_.emplace(&ModuleState::of(*module), path);
  }

  void before_forward(const Module& module, const std::vector<Tensor>&) override {
    const auto path = paths_.find(&ModuleState::of(module));
    LayerSummary layer;
    layer.path = path == paths_.end() ? "" : path->second;
    layer.type = module.type_name();
    layer.depth = int(running_.size());
    layer.leaf = ModuleState::of(module).children.empty();
    layer.repeated = !seen_.insert(&ModuleState::of(module)).second;
    const std::vector<Tensor> parameters = module.parameters();
    layer.parameters = elements(parameters);
    for (const Tensor& p : parameters) layer.trainable += p.requires_grad() ? p.numel() : 0;
    running_.push_back(layers.size());
    layers.push_back(std::move(layer));
  }
  void after_forward(const Module& module, const std::vector<Tensor>&, const Tensor& output) override {
    LayerSummary& layer = layers[running_.back()];
    running_.pop_back();
    if (!output.defined()) return;
    layer.output = output.sizes().shape();
    if (!layer.leaf) return;
    layer.mult_adds = mult_adds_of(module, layer.output);
    if (layer.parameters > 0) activation_bytes += 2 * output.numel() * item_size(output.dtype());
  }
  void abandon_forward(const Module&) override { running_.pop_back(); }

  std::vector<LayerSummary> layers;
  int64_t activation_bytes = 0;

 private:
  std::unordered_map<const ModuleState*, std::string> paths_;
  std::unordered_set<const ModuleState*> seen_;
  std::vector<std::size_t> running_;
};

/// Evaluation mode as long as it lives.
class Evaluation {
 public:
  explicit Evaluation(Module& model) {
    for (const auto& [path, module] : model.named_modules()) modes_.emplace_back(module, module->is_training());
    model.eval();
  }
  ~Evaluation() {
    for (const auto& [module, training] : modes_) module->train(training);  // parents first, so that each has its own at the end
  }
  Evaluation(const Evaluation&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;
};

std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = std::ptrdiff_t(text.size()) - 3; at > (number < 0); at -= 3) text.insert(std::size_t(at), ",");
  return text;
}

std::string megabytes(int64_t bytes) { return fmt::format("{:.2f}", double(bytes) / 1e6); }

}  // namespace

ModelSummary summary(nn::Module& model, const Tensor& input) {
  ModelSummary result;
  NoGradGuard no_grad;
  {
    const Evaluation evaluation(model);
    Recorder recorder(model);
    const nn::SoleObserver sole(recorder);
    model(input);
    result.layers = std::move(recorder.layers);
    result.activation_bytes = recorder.activation_bytes;
  }
  for (const LayerSummary& layer : result.layers) result.mult_adds += layer.mult_adds;
  for (const Tensor& p : model.parameters()) {
    result.parameters += p.numel();
    result.trainable += p.requires_grad() ? p.numel() : 0;
    result.parameter_bytes += p.numel() * item_size(p.dtype());
  }
  result.input_bytes = input.numel() * item_size(input.dtype());
  return result;
}

ModelSummary summary(nn::Module& model, IntArrayRef input_shape) {
  const std::vector<Tensor> parameters = model.parameters();
  const auto real = std::find_if(parameters.begin(), parameters.end(), [](const Tensor& p) { return p.is_floating_point(); });
  return summary(model, zeros(input_shape, real == parameters.end() ? kFloat32 : real->dtype()));
}

std::string ModelSummary::table() const {
  std::vector<std::string> names;
  std::size_t wide = 30;
  std::vector<int> counts;  // of calls at each depth, as torchinfo numbers them
  for (const LayerSummary& layer : layers) {
    counts.resize(std::max(counts.size(), std::size_t(layer.depth) + 1), 0);
    const int number = ++counts[std::size_t(layer.depth)];
    std::string name;
    for (int d = 0; d < layer.depth; ++d) name += d + 1 < layer.depth ? "│    " : d == 0 ? "├─" : "└─";
    name += layer.depth == 0 ? layer.type : fmt::format("{}: {}-{} ({})", layer.type, layer.depth, number, layer.path);
    names.push_back(name);
    wide = std::max(wide, std::size_t(std::count_if(name.begin(), name.end(), [](char c) { return (c & 0xC0) != 0x80; })) + 2);
  }
  const std::size_t line = wide + 58;
  std::string text = std::string(line, '=') +
                     fmt::format("\n{:<{}}{:<22}{:>14}{:>22}\n", "Layer (type:depth-idx)", wide, "Output Shape", "Param #", "Mult-Adds");
  text += std::string(line, '=') + "\n";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerSummary& layer = layers[i];
    const std::string params = layer.repeated ? "(recursive)" : !layer.leaf || layer.parameters == 0 ? "--" : with_commas(layer.parameters);
    text += names[i] +
            std::string(wide - std::size_t(std::count_if(names[i].begin(), names[i].end(), [](char c) { return (c & 0xC0) != 0x80; })), ' ');
    text += fmt::format("{:<22}{:>14}{:>22}\n", ember::to_string(IntArrayRef(layer.output)), params,
                        layer.mult_adds == 0 ? "--" : with_commas(layer.mult_adds));
  }
  text += std::string(line, '=') + "\n";
  text += fmt::format("Total params: {}\nTrainable params: {}\nNon-trainable params: {}\nTotal mult-adds: {}\n", with_commas(parameters),
                      with_commas(trainable), with_commas(parameters - trainable), with_commas(mult_adds));
  text += std::string(line, '=') + "\n";
  text += fmt::format("Input size (MB): {}\nForward/backward pass size (MB): {}\nParams size (MB): {}\nEstimated total size (MB): {}\n",
                      megabytes(input_bytes), megabytes(activation_bytes), megabytes(parameter_bytes),
                      megabytes(input_bytes + activation_bytes + parameter_bytes));
  return text + std::string(line, '=') + "\n";
}

}  // namespace ember::train
