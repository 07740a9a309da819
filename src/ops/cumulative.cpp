// Running sums and products.
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/kernels.h"
#include "ops/reduced_dims.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

Tensor running(ReduceKind reduction, const Tensor& input, int dim) {
  NoGradGuard no_grad;
  if (input.dtype() == kUInt8 || input.dtype() == kBool)  // wraps around, as sums of the narrow type would
    return running(reduction, input.to(kInt64), dim).to(input.dtype());
  const Tensor x = input.contiguous();
  Tensor y = make_dense(x.sizes(), x.dtype());
  int64_t outer = 1, inner = 1;
  for (int d = 0; d < dim; ++d) outer *= x.sizes()[d];
  for (int d = dim + 1; d < x.dim(); ++d) inner *= x.sizes()[d];
  const int64_t n = x.dim() ? x.sizes()[dim] : 1;
  if (x.numel() == 0) return y;
  const kernels::ReduceLoop loop = kernels::reduce_loops().loops[int(reduction)][int(x.dtype())];
  const int64_t bytes = item_size(x.dtype());
  kernels::reduce(loop, {outer, n, inner, n * inner, inner, n * inner, x.data_ptr(), y.data_ptr()}, bytes, bytes, double(x.numel()) * 2, 64);
  return y;
}

DType running_type(const Tensor& x, DType asked) { return asked != DType::Undefined ? asked : is_floating_point(x.dtype()) ? x.dtype() : kInt64; }

/// The same from single products: right where x has zeros, and to any order.
Tensor product_steps(const Tensor& x, int dim) {
  std::vector<Tensor> products;
  for (int64_t i = 0; i < x.size(dim); ++i) products.push_back(i == 0 ? x.select(dim, 0) : products.back() * x.select(dim, i));
  return stack(products, dim);
}

}  // namespace

Tensor cumsum(const Tensor& input, int64_t at, DType dtype) {
  require_defined("cumsum", input);
  const Tensor x = input.to(running_type(input, dtype));
  const int dim = wrap_dim(at, x.dim());
  // Each x counts in all later sums: the gradients are summed from the end.
  note("Cumsum", [&] { return Attributes{{"axis", {dim}}}; });
  return record("Cumsum", {x}, running(ReduceKind::CumSum, x, dim),
                [dim](const Tensor& dy, Grads& grads) { grads.add(0, dy.dim() == 0 ? dy : flip(cumsum(flip(dy, dim), dim), dim)); });
}

Tensor cumprod(const Tensor& input, int64_t at, DType dtype) {
  require_defined("cumprod", input);
  const Tensor x = input.to(running_type(input, dtype));
  const int dim = wrap_dim(at, x.dim());
  Tensor y = running(ReduceKind::CumProd, x, dim);
  const Saved output = Saved::output(y);
  return record("Cumprod", {x}, std::move(y), [x = Saved(x), output, dim](const Tensor& dy, Grads& grads) {
    const Tensor values = x.get();
    if (values.dim() == 0 || values.numel() == 0) return grads.add(0, dy);
    if (logical_not(values).any().item<bool>())
      return grads.replay(dy, {values}, [dim](const std::vector<Tensor>& in) { return product_steps(in[0], dim); });
    grads.add(0, flip(cumsum(flip(dy * output.get(), dim), dim), dim) / values);
  });
}

}  // namespace ember
