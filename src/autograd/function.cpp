// User-defined operations with any number of outputs on a tape whose nodes have one. A joint node stands for the call; its output
// is a token without elements. Each output hangs on the token through a node of its own, which leaves its gradient in the context;
// being older, the joint node runs when all of them have.
#include <ember/function.h>
#include <ember/owned.h>

#include "error_format.h"
#include "tensor/impl.h"

namespace ember::autograd {

void Context::save_for_backward(const std::vector<Tensor>& tensors) { to_save_ = tensors; }
void Context::mark_non_differentiable(const std::vector<Tensor>& outputs) { constant_ = outputs; }
bool Context::needs_input_grad(int input) const { return needs_[std::size_t(input)] != 0; }
std::vector<Tensor> Context::saved_tensors() const {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < saved_->size(); ++i) {
    Tensor value = saved_[i].get();
    Node* made_by = saved_output_[i] < 0 ? nullptr : output_nodes_[std::size_t(saved_output_[i])];
    if (made_by && is_grad_enabled()) {  // its place in the graph, which saving could not hold without a cycle
      value = make_alias(value);
      made_by->references.increment();
      value.impl()->node = made_by;
    }
    result.push_back(std::move(value));
  }
  return result;
}

namespace {

bool contains(const std::vector<Tensor>& list, const Tensor& t) {
  for (const Tensor& item : list)
    if (item.is_same(t)) return true;
  return false;
}

}  // namespace

struct FunctionCall {
  /// The backward of one output: leaves its gradient in the context and wakes the joint node.
  struct Output {
    Shared<Context> context;
    std::size_t place;
    Output(Shared<Context> context, std::size_t place) : context(std::move(context)), place(place) {}
    Output(Output&&) = default;
    ~Output() {
      if (context) context->output_nodes_[place] = nullptr;
    }
    void operator()(const Tensor& dy, Grads& grads) const {
      context->gradients_[place] = dy;
      grads.add(0, empty({0}));
    }
  };

  static std::vector<Tensor> run(const char* name, FunctionForward forward, FunctionBackward backward, const std::vector<Tensor>& inputs) {
    const auto shared = Shared<Context>::make();
    Context& context = *shared;
    bool records = false;
    for (const Tensor& t : inputs) {
      context.needs_.push_back(t.defined() && t.requires_grad());
      records = records || context.needs_.back();
    }
    std::vector<Tensor> outputs;
    {
      const NoGradGuard quiet;
      outputs = forward(context, inputs);
    }
    if (!records || !is_grad_enabled()) return outputs;
    for (Tensor& t : outputs)
      if (t.defined() && contains(inputs, t)) t = make_alias(t);  // an output of its own, not the input

    const Tensor token = record(name, inputs, empty({0}), [=](const Tensor&, Grads& grads) {
      Context& c = *shared;
      const std::vector<Tensor> given = std::exchange(c.gradients_, {});
      const std::vector<Tensor> result = backward(c, given);
      check<RuntimeError>(result.size() == c.needs_.size(), "function {} returned an incorrect number of gradients (expected {}, got {})", name,
                          c.needs_.size(), result.size());
      c.gradients_.assign(given.size(), Tensor());
      for (std::size_t i = 0; i < result.size(); ++i) grads.add(int(i), result[i]);
    });
    context.gradients_.resize(outputs.size());
    context.output_nodes_->resize(outputs.size());
    for (const Tensor& t : std::exchange(context.to_save_, {})) {
      int output = -1;
      for (std::size_t i = 0; i < outputs.size(); ++i)
        if (outputs[i].is_same(t)) output = int(i);
      context.saved_output_.push_back(output);
      context.saved_->push_back(Saved(t));  // before the outputs get their nodes
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].defined() || !outputs[i].is_floating_point() || contains(context.constant_, outputs[i])) continue;
      record(name, {token}, outputs[i], Output(shared, i));
      context.output_nodes_[i] = outputs[i].impl()->node;
    }
    return outputs;
  }
};

std::vector<Tensor> apply_function(const char* name, FunctionForward forward, FunctionBackward backward, const std::vector<Tensor>& inputs) {
  return FunctionCall::run(name, forward, backward, inputs);
}

}  // namespace ember::autograd
