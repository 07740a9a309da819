// What the tape needs to add gradients up and to undo broadcasting (autograd/gradient_ops.h).
#include "autograd/gradient_ops.h"

#include <ember/autograd.h>

#include <ember/ops/reduce.h>

#include "kernels/copy/copy.h"
#include "tensor/impl.h"

namespace ember {

Tensor add_gradients(const Tensor& a, const Tensor& b) {
  Tensor sum = a.detach().clone();
  const Tensor addend = empty_like(sum).copy_(b.detach());
  kernels::accumulate(sum.dtype(), sum.numel(), addend.data_ptr(), sum.data_ptr());
  return record("Add", {a, b}, std::move(sum), [](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    grads.add(1, dy);
  });
}

Tensor fit_gradient(const Tensor& gradient, IntArrayRef sizes, DType dtype) {
  if (gradient.sizes() == sizes) return gradient.to(dtype);
  Tensor g = gradient;
  const int extra = g.dim() - sizes.size();
  std::uint32_t mask = (1u << extra) - 1;
  for (int d = 0; d < sizes.size(); ++d)
    if (sizes[d] == 1 && g.sizes()[extra + d] != 1) mask |= 1u << (extra + d);
  g = sum(g, Dims::of_mask(mask), true).to(dtype);  // in the wider type first
  return extra > 0 ? g.reshape(sizes) : g;
}

}  // namespace ember
