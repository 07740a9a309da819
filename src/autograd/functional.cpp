// Products with Jacobians, as torch.autograd.functional computes them.
#include <ember/functional.h>

#include "error_format.h"
#include "tensor/defined.h"

namespace ember::autograd::functional {

namespace {

using Tensors = std::vector<Tensor>;

/// Handles of their own, so that an input is not confused with the same tensor captured by the function.
Tensors apart(const Tensors& inputs, bool create_graph, bool needs_graph) {
  Tensors result;
  for (const Tensor& x : inputs) {
    const bool stays = create_graph && x.requires_grad();
    result.push_back(stays ? x.view(x.sizes()) : x.detach());
    if (!stays && needs_graph) result.back().requires_grad_();
  }
  return result;
}

void check_v(const Tensors& v, const Tensors& like) {
  check<RuntimeError>(v.size() == like.size(), "v is a tuple of invalid length: should be {} but got {}.", like.size(), v.size());
  for (std::size_t i = 0; i < v.size(); ++i)
    check<RuntimeError>(v[i].sizes() == like[i].sizes(), "{}v has invalid size: should be {} but got {}.",
                        v.size() > 1 ? fmt::format("Entry {} in ", i) : "", like[i].sizes(), v[i].sizes());
}

void check_differentiable(const Tensors& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i)
    check<RuntimeError>(
        outputs[i].requires_grad(),
        "Output {} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the "
        "input when running in strict mode.",
        i);
}

Tensors called(const Function& f, const Tensors& inputs, const char* name) {
  check<TypeError>(bool(f), "{}: expected a function, got an empty one", name);
  Tensors outputs = f(inputs);
  check<TypeError>(!outputs.empty(), "{}: the function gave no output", name);
  for (const Tensor& y : outputs) require_defined(name, y);
  return outputs;
}

/// Gradients of those outputs that have any; an undefined one where there is none.
Tensors gradients(const Tensors& outputs, const Tensors& inputs, const Tensors& v, bool create_graph) {
  Tensors from, weights;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !outputs[i].requires_grad()) continue;
    from.push_back(outputs[i]);
    if (!v.empty()) weights.push_back(v[i]);
  }
  if (from.empty()) return Tensors(inputs.size());
  return grad(from, inputs, weights, {.retain_graph = create_graph, .create_graph = create_graph, .allow_unused = true});
}

Tensors filled(Tensors products, const Tensors& like, const FunctionalOptions& options, bool forward) {
  for (std::size_t i = 0; i < products.size(); ++i) {
    if (!products[i].defined()) {
      check<RuntimeError>(!options.strict || forward,
                          "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.", i);
      check<RuntimeError>(
          !options.strict,
          "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double backward trick to compute "
          "forward mode gradients. This is not allowed in strict mode.",
          i);
      products[i] = zeros_like(like[i].detach());
    }
    check<RuntimeError>(
        !options.strict || !options.create_graph || products[i].requires_grad(),
        "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode when create_graph=True.", i);
    if (!options.create_graph) products[i] = products[i].detach();
  }
  return products;
}

Tensors finished(Tensors outputs, const FunctionalOptions& options) {
  for (Tensor& y : outputs)
    if (!options.create_graph) y = y.detach();
  return outputs;
}

}  // namespace

Products vjp(const Function& f, const Tensors& inputs, const Tensors& v, FunctionalOptions options) {
  require_defined("vjp", inputs, v);
  const bool records = options.create_graph || is_grad_enabled();
  Tensors in, outputs, weights;
  {
    const EnableGradGuard recording;
    in = apart(inputs, options.create_graph, true);
    outputs = called(f, in, "vjp");
    if (options.strict) check_differentiable(outputs);
    if (!v.empty()) {
      weights = apart(v, options.create_graph, false);
      check_v(weights, outputs);
    } else {
      check<RuntimeError>(outputs.size() == 1 && outputs[0].numel() == 1,
                          "The vector v can only be None if the user-provided function returns a single Tensor with a single element.");
    }
  }
  const GradMode mode(records);
  Tensors products = filled(gradients(outputs, in, weights, options.create_graph), in, options, false);
  return {finished(std::move(outputs), options), std::move(products)};
}

// With g(u) = u' J, linear in u, the derivative of g along v is (J v)': its backward from v gives J v at any u.
Products jvp(const Function& f, const Tensors& inputs, const Tensors& v, FunctionalOptions options) {
  require_defined("jvp", inputs, v);
  const EnableGradGuard recording;
  const Tensors in = apart(inputs, options.create_graph, true);
  Tensors weights;
  if (!v.empty()) {
    weights = apart(v, options.create_graph, false);
    check_v(weights, in);
  } else {
    check<RuntimeError>(in.size() == 1 && in[0].numel() == 1,
                        "The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.");
  }
  Tensors outputs = called(f, in, "jvp");
  if (options.strict) check_differentiable(outputs);
  Tensors u;
  for (const Tensor& y : outputs) u.push_back(zeros_like(y.detach()).requires_grad_());
  const Tensors of_u = gradients(outputs, in, u, true);
  if (options.strict)
    for (std::size_t i = 0; i < of_u.size(); ++i)
      check<RuntimeError>(of_u[i].defined(),
                          "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.", i);
  if (weights.empty()) weights = {ones_like(in[0].detach())};
  Tensors products = filled(gradients(of_u, u, weights, options.create_graph), outputs, options, true);
  return {finished(std::move(outputs), options), std::move(products)};
}

}  // namespace ember::autograd::functional
