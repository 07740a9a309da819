// Products with Jacobians, without the Jacobian: torch.autograd.functional.
#pragma once

#include <ember/autograd.h>

#include <concepts>
#include <vector>

namespace ember::autograd::functional {

using Function = Callback<std::vector<Tensor>(const std::vector<Tensor>&)>;

struct FunctionalOptions {
  bool create_graph = false;  ///< outputs and products are differentiable with respect to inputs that require grad
  bool strict = false;        ///< throws RuntimeError "... independent of input 0 ..." instead of giving zeros
};

struct Products {
  std::vector<Tensor> outputs, products;
};
struct Product {
  Tensor output, product;
};

/// f(inputs), and v' J with the shapes of the inputs. v has the shapes of the outputs, and may be left out when there is one output of one
/// element. Throws RuntimeError "v has invalid size: ..." for others.
Products vjp(const Function& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v = {}, FunctionalOptions options = {});

/// f(inputs), and J v with the shapes of the outputs, by differentiating v' J. v has the shapes of the inputs, and may be left out when
/// there is one input of one element.
Products jvp(const Function& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v = {}, FunctionalOptions options = {});

/// The same for functions from one tensor to one tensor: vjp([](const Tensor& x) { return x.exp().sum(1); }, x, v).
template <class F>
concept OfOneTensor = requires(F& f, const Tensor& x) {
  { f(x) } -> std::convertible_to<Tensor>;
};
template <OfOneTensor F>
  requires(!std::is_convertible_v<F, Function>)
Product vjp(F f, const Tensor& x, const Tensor& v = {}, FunctionalOptions options = {}) {
  const Products all = vjp(Function([&f](const std::vector<Tensor>& in) { return std::vector<Tensor>{f(in[0])}; }), std::vector<Tensor>{x},
                           v.defined() ? std::vector<Tensor>{v} : std::vector<Tensor>(), options);
  return {all.outputs[0], all.products[0]};
}
/// jvp of a function from one tensor to one tensor.
template <OfOneTensor F>
  requires(!std::is_convertible_v<F, Function>)
Product jvp(F f, const Tensor& x, const Tensor& v = {}, FunctionalOptions options = {}) {
  const Products all = jvp(Function([&f](const std::vector<Tensor>& in) { return std::vector<Tensor>{f(in[0])}; }), std::vector<Tensor>{x},
                           v.defined() ? std::vector<Tensor>{v} : std::vector<Tensor>(), options);
  return {all.outputs[0], all.products[0]};
}

}  // namespace ember::autograd::functional
