#include "onnx/record.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "autograd/node.h"
#include "autograd/recorder.h"
#include "error_format.h"

namespace ember::exporting {

namespace {

Tensor handle_of(TensorImpl* impl) {
  impl->references.increment();
  return Tensor(impl);
}

std::uint32_t version_of(const TensorImpl* impl) { return impl->storage ? impl->storage->version : 0; }

/// Operations that compute with elementwise loops inside; of all others on the tape whose output such a loop has made, the loop says it all.
bool is_more_than_its_loop(std::string_view name) {
  for (const char* whole : {"Mean", "Sum", "Prod", "Var", "Std", "LinalgVectorNorm", "Logsumexp", "LinalgDet", "Cdist"})
    if (name == whole) return true;
  return false;
}

class Tape final : public Recorder {
 public:
  Graph graph;

  int add_value(Value::Kind kind, const Tensor& tensor, std::string name = {}) {
    const int id = int(graph.values.size());
    graph.values.push_back({kind, tensor, std::move(name), version_of(tensor.impl())});
    tensors_[tensor.impl()] = id;
    if (tensor.numel() > 0) memory_.emplace(tensor.data_ptr(), id);
    return id;
  }

  /// -1 for an undefined tensor.
  int id_of(TensorImpl* impl) {
    if (!impl || impl->dtype == DType::Undefined) return -1;
    if (Node* const node = history_of(impl)) {
      if (const auto at = nodes_.find(node); at != nodes_.end()) return at->second;
    } else if (const auto at = tensors_.find(impl); at != tensors_.end() && graph.values[std::size_t(at->second)].version == version_of(impl)) {
      return at->second;
    }
    // x.detach() and other handles to the same elements
    const auto [first, last] = memory_.equal_range(impl->data);
    for (auto at = first; at != last; ++at) {
      const Value& value = graph.values[std::size_t(at->second)];
      const TensorImpl* same = value.tensor.impl();
      if (value.version == version_of(impl) && same->dtype == impl->dtype && value.tensor.sizes() == IntArrayRef(impl->sizes, impl->dims) &&
          value.tensor.strides() == IntArrayRef(impl->strides, impl->dims))
        return at->second;
    }
    return add_value(Value::Constant, handle_of(impl));
  }

  void recorded(const Node& node, const detail::InputRef* inputs, std::size_t count, const Tensor& output) override {
    auto [noted, attributes] = std::exchange(noted_, {nullptr, {}});
    if (!noted || std::strcmp(noted, node.name) != 0) attributes.clear();
    const auto loop = loops_.find(output.impl());
    if (loop != loops_.end() && attributes.empty() && !is_more_than_its_loop(node.name)) {
      nodes_[&node] = graph.operations[loop->second].output;
      return;
    }
    Operation operation{.name = node.name, .inputs = {}, .module = node.module};
    for (std::size_t i = 0; i < count; ++i) operation.inputs.push_back(id_of(inputs[i].impl));
    if (count == 1 && output.impl()->storage == inputs[0].impl->storage) {
      const TensorImpl *in = inputs[0].impl, *out = output.impl();
      operation.is_view = true;
      operation.view = {Shape(in->sizes, in->sizes + in->dims), Shape(in->strides, in->strides + in->dims),
                        Shape(out->strides, out->strides + out->dims),
                        (static_cast<char*>(out->data) - static_cast<char*>(in->data)) / item_size(in->dtype)};
    }
    take(operation, std::move(attributes));
    nodes_[&node] = operation.output = add_value(Value::Computed, output);
    graph.operations.push_back(std::move(operation));
  }

  /// The parts are recorded already; from here on the output is that of the whole, and what only the parts needed is pruned.
  void composed(const char* name, std::initializer_list<Tensor> inputs, Attributes attributes, const Tensor& output) override {
    Operation operation{.name = name, .inputs = {}, .module = detail::current_module};
    for (const Tensor& input : inputs) operation.inputs.push_back(id_of(input.impl()));
    take(operation, std::move(attributes));
    operation.output = add_value(Value::Computed, output);
    if (const Node* const node = history_of(output.impl())) nodes_[node] = operation.output;
    graph.operations.push_back(std::move(operation));
  }

  void pointwise(int op, std::initializer_list<const Operand*> operands, DType compute, const double (&parameters)[3],
                 const Tensor& output) override {
    Operation operation{.loop = op, .compute = compute, .inputs = {}, .module = detail::current_module};
    for (const Operand* operand : operands)
      operation.inputs.push_back(operand->is_tensor() ? id_of(operand->tensor().impl())
                                                      : add_value(Value::Constant, full({}, operand->number(), compute)));
    operation.reals.push_back({"parameters", {parameters[0], parameters[1], parameters[2]}});
    operation.output = add_value(Value::Computed, output);
    loops_[output.impl()] = graph.operations.size();
    graph.operations.push_back(std::move(operation));
  }

 private:
  void take(Operation& operation, Attributes attributes) {
    for (Attribute& attribute : attributes) {
      if (attribute.tensor.defined()) operation.more.push_back({attribute.name, id_of(attribute.tensor.impl())});
      else if (!attribute.reals.empty()) operation.reals.push_back({attribute.name, std::move(attribute.reals)});
      else operation.ints.push_back({attribute.name, std::move(attribute.ints)});
    }
  }

  std::unordered_map<const Node*, int> nodes_;
  std::unordered_map<const TensorImpl*, int> tensors_;
  std::unordered_multimap<const void*, int> memory_;
  std::unordered_map<const TensorImpl*, std::size_t> loops_;  // the operation whose loop has made a tensor
};

template <class F>
void each_input(const Operation& operation, F f) {
  for (const int input : operation.inputs)
    if (input >= 0) f(input);
  for (const NamedInput& input : operation.more) f(input.value);
}

/// Only what the outputs need, with values numbered in the order of their use.
Graph pruned(Graph all) {
  std::vector<bool> needed(all.values.size());
  for (const int output : all.outputs) needed[std::size_t(output)] = true;
  Graph graph;
  for (std::size_t i = all.operations.size(); i-- > 0;) {
    Operation& operation = all.operations[i];
    if (!needed[std::size_t(operation.output)]) continue;
    each_input(operation, [&](int input) { needed[std::size_t(input)] = true; });
    graph.operations.push_back(std::move(operation));
  }
  std::reverse(graph.operations.begin(), graph.operations.end());

  std::vector<int> number(all.values.size(), -1);
  const auto renumber = [&](int& value) {
    if (value < 0) return;
    int& now = number[std::size_t(value)];
    if (now < 0) {
      now = int(graph.values.size());
      graph.values.push_back(std::move(all.values[std::size_t(value)]));
    }
    value = now;
  };
  for (int& input : all.inputs) renumber(input);
  for (Operation& operation : graph.operations) {
    for (int& input : operation.inputs) renumber(input);
    for (NamedInput& input : operation.more) renumber(input.value);
    renumber(operation.output);
  }
  for (int& output : all.outputs) renumber(output);
  graph.inputs = std::move(all.inputs);
  graph.outputs = std::move(all.outputs);
  return graph;
}

}  // namespace

Graph record_forward(const Forward& forward, const std::vector<Tensor>& inputs, const std::vector<std::pair<std::string, Tensor>>& named) {
  Tape tape;
  for (const auto& [name, tensor] : named) tape.add_value(Value::Named, tensor, name);
  for (const Tensor& input : inputs) tape.graph.inputs.push_back(tape.add_value(Value::Input, input));
  const EnableGradGuard with_history;
  const Recording recording(tape);
  const std::vector<Tensor> outputs = forward(inputs);
  check<ValueError>(!outputs.empty(), "export_onnx: the forward gave no output");
  for (const Tensor& output : outputs) {
    check<ValueError>(output.defined(), "export_onnx: the forward gave an undefined tensor as an output");
    tape.graph.outputs.push_back(tape.id_of(output.impl()));
  }
  return pruned(std::move(tape.graph));
}

}  // namespace ember::exporting
