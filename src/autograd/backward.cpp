// The calls that start a walk: Tensor::backward, autograd::backward, autograd::grad; and the replay of a fused operation.
#include "autograd/node.h"
#include "autograd/walk.h"
#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

#include <atomic>

namespace ember {
namespace {

std::atomic<autograd::BackwardObserver> observer{nullptr};
std::atomic<autograd::LossObserver> loss_observer{nullptr};

void report_begin(const Tensor& loss) {
  if (const autograd::LossObserver watching = loss_observer.load(std::memory_order_acquire)) watching(loss);
}

void report_end() {
  if (const autograd::BackwardObserver watching = observer.load(std::memory_order_acquire)) watching();
}

std::string torch_size(IntArrayRef sizes) { return fmt::format("torch.Size({})", sizes); }

/// The gradient that a walk starts with: the given one after its checks, or 1 for a scalar.
Tensor initial_gradient(const Tensor& output, const Tensor& given, std::size_t index) {
  check<RuntimeError>(output.defined() && output.requires_grad(), "element {} of tensors does not require grad and does not have a grad_fn", index);
  if (given.defined()) {
    if (!(given.sizes() == output.sizes()))  // not check(): its arguments would be made every time
      fail<RuntimeError>("Mismatch in shape: grad_output[{}] has a shape of {} and output[{}] has a shape of {}.", index, torch_size(given.sizes()),
                         index, torch_size(output.sizes()));
    return given.dtype() == output.dtype() ? given : given.to(output.dtype());
  }
  check<RuntimeError>(output.numel() == 1, "grad can be implicitly created only for scalar outputs");
  return ones_like(output);
}

void check_counts(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients) {
  check<RuntimeError>(gradients.empty() || gradients.size() == outputs.size(), "got {} tensors and {} gradients", outputs.size(), gradients.size());
}

void start(GraphWalk& walk, const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients) {
  std::vector<Tensor> first;
  for (std::size_t i = 0; i < outputs.size(); ++i) first.push_back(initial_gradient(outputs[i], gradients.empty() ? Tensor() : gradients[i], i));
  for (std::size_t i = 0; i < outputs.size(); ++i) walk.seed(outputs[i], std::move(first[i]));
}

}  // namespace

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  require_defined("backward", *this);
  report_begin(*this);
  GraphWalk walk(retain_graph || create_graph, create_graph);
  walk.seed(*this, initial_gradient(*this, gradient, 0));
  walk.run();
  report_end();
}

namespace autograd {

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, const std::vector<Tensor>& grad_outputs,
                         GradOptions options) {
  check<ValueError>(!inputs.empty(), "grad requires non-empty inputs.");
  require_defined("grad", outputs, inputs);
  check_counts(outputs, grad_outputs);
  for (const Tensor& input : inputs) check<RuntimeError>(input.requires_grad(), "One of the differentiated Tensors does not require grad");
  GraphWalk walk(options.retain_graph || options.create_graph, options.create_graph);
  walk.restrict_to(outputs, inputs);
  start(walk, outputs, grad_outputs);
  walk.run();
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.push_back(walk.take(int(i)));
    check<RuntimeError>(options.allow_unused || result.back().defined(),
                        "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
                        "this is the desired behavior.");
  }
  return result;
}

void backward(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients, bool retain_graph, bool create_graph,
              const std::vector<Tensor>& inputs) {
  require_defined("backward", outputs, inputs);
  check_counts(outputs, gradients);
  for (const Tensor& output : outputs) report_begin(output);
  if (inputs.empty()) {
    GraphWalk walk(retain_graph || create_graph, create_graph);
    start(walk, outputs, gradients);
    walk.run();
    return report_end();
  }
  const GradOptions options{.retain_graph = retain_graph || create_graph, .create_graph = create_graph, .allow_unused = true};
  const std::vector<Tensor> found = grad(outputs, inputs, gradients, options);
  const GradMode mode(create_graph);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!found[i].defined()) continue;
    Tensor sum = inputs[i].grad();
    accumulate_gradient(sum, found[i]);
    inputs[i].set_grad(sum);
  }
  report_end();
}

void set_detect_anomaly(bool on) { detail::anomaly_mode = on; }
void set_backward_observer(BackwardObserver watching) { observer.store(watching, std::memory_order_release); }
void set_loss_observer(LossObserver watching) { loss_observer.store(watching, std::memory_order_release); }

}  // namespace autograd

// The local inputs are the same values behind a node of their own: the gradients stop there, and what the recorded backward computes
// from them leads on to where the real inputs came from.
std::vector<Tensor> Grads::begin_replay(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> local;
  for (const Tensor& input : inputs) {
    if (!input.defined() || !input.is_floating_point()) {
      local.push_back(input);
      continue;
    }
    if (create_graph()) local.push_back(record("Identity", {input}, make_alias(input), [](const Tensor& dy, Grads& grads) { grads.add(0, dy); }));
    else local.push_back(make_alias(input).requires_grad_());
  }
  return local;
}

void Grads::end_replay(const Tensor& dy, const std::vector<Tensor>& local, const Tensor& value) {
  std::vector<Tensor> targets;
  std::vector<int> places;
  for (std::size_t i = 0; i < local.size(); ++i)
    if (wants(int(i)) && local[i].defined() && local[i].requires_grad()) {
      targets.push_back(local[i]);
      places.push_back(int(i));
    }
  if (targets.empty()) return;
  std::vector<Tensor> found = autograd::grad({value}, targets, {dy},
                                             {.retain_graph = create_graph(), .create_graph = create_graph(), .allow_unused = true});
  for (std::size_t i = 0; i < found.size(); ++i) add(places[i], std::move(found[i]));
}

}  // namespace ember
