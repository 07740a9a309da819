// Operations of your own: forward and backward in one place. As torch.autograd.Function.
//
//   struct Cube : autograd::Function<Cube> {
//     static std::vector<Tensor> forward(Context& context, const std::vector<Tensor>& inputs) {
//       context.save_for_backward({inputs[0]});
//       return {inputs[0] * inputs[0] * inputs[0]};
//     }
//     static std::vector<Tensor> backward(Context& context, const std::vector<Tensor>& gradients) {
//       const Tensor x = context.saved_tensors()[0];
//       return {gradients[0] * 3 * x * x};  // one for each input, undefined where there is none
//     }
//   };
//   Tensor y = Cube::apply({x})[0];
//
// forward runs without recording. A backward built from differentiable operations can be differentiated again.
#pragma once

#include <ember/autograd.h>
#include <ember/owned.h>

namespace ember::autograd {

/// What forward leaves for backward.
class Context {
 public:
  /// Inputs or outputs of forward that backward needs. A later write in place to one of them is an error in backward.
  void save_for_backward(const std::vector<Tensor>& tensors);
  std::vector<Tensor> saved_tensors() const;
  bool needs_input_grad(int input) const;
  /// Outputs without a gradient (indices, masks).
  void mark_non_differentiable(const std::vector<Tensor>& outputs);

  ReferenceCount references;

 private:
  friend struct FunctionCall;
  std::vector<Tensor> to_save_, constant_, gradients_;
  Boxed<std::vector<Saved>> saved_;
  std::vector<int64_t> saved_output_;       // which output a saved value is, -1 for others
  Boxed<std::vector<Node*>> output_nodes_;  // while they live; not owned: they own this
  std::vector<int64_t> needs_;              // 0 or 1
};

using FunctionForward = std::vector<Tensor> (*)(Context&, const std::vector<Tensor>&);
using FunctionBackward = std::vector<Tensor> (*)(Context&, const std::vector<Tensor>&);
/// What Function<Self>::apply calls: runs forward without recording, and records backward where an input needs a gradient.
std::vector<Tensor> apply_function(const char* name, FunctionForward forward, FunctionBackward backward, const std::vector<Tensor>& inputs);

template <class Self>
struct Function {
  using Context = autograd::Context;
  static constexpr const char* name = "Function";  ///< shadow it to name the node
  static std::vector<Tensor> apply(const std::vector<Tensor>& inputs) { return apply_function(Self::name, &Self::forward, &Self::backward, inputs); }
};

}  // namespace ember::autograd
