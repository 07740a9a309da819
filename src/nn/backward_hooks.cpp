// Hooks on the backward of a module. As PyTorch's BackwardHook: the input and the output of the call become results of identities on the
// tape, whose backward runs the hooks.
#include "autograd/node.h"
#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {

struct BackwardHookCall::Running {
  Shared<ModuleState> state;
  Hooks<FullBackwardPreHook> before;
  Hooks<FullBackwardHook> hooks;
  bool has_input = false;  // one that requires grad
  Tensor grad_output = {};

  explicit Running(ModuleState& s) : state(Shared<ModuleState>::of(s)), before(s.hooks->backward_before), hooks(s.hooks->backward) {}

  Tensor at_output(Tensor gradient) {
    if (!state->self) return gradient;
    for (const auto& [handle, hook] : before) replace_gradient(gradient, hook(*state->self, gradient));
    grad_output = gradient;
    if (has_input || hooks.empty()) return gradient;
    warn(
        "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require gradients. "
        "See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook for more details.");
    for (const auto& [handle, hook] : hooks)
      check<RuntimeError>(!hook(*state->self, Tensor(), gradient).defined(),
                          "Backward hook for Modules where no input requires gradient should always return None or None for all gradients.");
    grad_output = Tensor();
    return gradient;
  }

  Tensor at_input(Tensor gradient) {
    if (!state->self || !grad_output.defined()) return gradient;
    const Tensor of_output = std::exchange(grad_output, Tensor());
    for (const auto& [handle, hook] : hooks) replace_gradient(gradient, hook(*state->self, gradient, of_output));
    return gradient;
  }
};

BackwardHookCall::BackwardHookCall(ModuleState& state, const Tensor& input) : running_(std::make_shared<Running>(state)), input_(input) {
  if (!is_grad_enabled() || !input.defined() || !input.requires_grad()) return;
  running_->has_input = true;
  input_ = record("BackwardHookFunction", {input}, input.detach(),
                  [shared = running_](const Tensor& dy, Grads& grads) { grads.add(0, shared->at_input(dy)); });
}

Tensor BackwardHookCall::output(const Tensor& y) const {
  if (!y.defined() || !will_record({y})) return y;
  return record("BackwardHookFunction", {y}, y.detach(),
                [shared = running_](const Tensor& dy, Grads& grads) { grads.add(0, shared->at_output(dy)); });
}

}  // namespace ember::nn
