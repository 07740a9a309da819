// What the tape needs to add gradients up and to undo broadcasting (autograd/gradient_ops.h).
#include "autograd/gradient_ops.h"

#include <ember/autograd.h>

#include "kernels/copy.h"
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

namespace {

/// The elements of x added up to where they fall when the leading and the size-1 dimensions of `sizes` are broadcast.
template <class T>
Tensor sum_to(const Tensor& x, IntArrayRef sizes) {
  const Tensor from = x.contiguous();
  Shape strides = Shape::filled(x.dim(), 0);
  const Shape dense = contiguous_strides(sizes);
  for (int i = 0; i < sizes.size(); ++i)
    if (sizes[i] != 1) strides[i + x.dim() - sizes.size()] = dense[i];
  std::vector<double> sums(std::size_t(sizes.shape().numel()));
  int64_t index[kMaxDims] = {};
  int64_t at = 0;
  for (int64_t n = 0; n < from.numel(); ++n) {
    sums[std::size_t(at)] += double(from.data<T>()[n]);
    for (int d = x.dim(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < x.sizes()[d]) break;
      at -= index[d] * strides[d];
      index[d] = 0;
    }
  }
  Tensor y = make_dense(sizes, x.dtype());
  for (std::size_t i = 0; i < sums.size(); ++i) y.data<T>()[i] = T(sums[i]);
  return y;
}

}  // namespace

Tensor fit_gradient(const Tensor& gradient, IntArrayRef sizes, DType dtype) {
  Tensor g = gradient.to(dtype);
  if (g.sizes() == sizes) return g;
  Tensor y = dtype == kFloat32 ? sum_to<float>(g.detach(), sizes) : sum_to<double>(g.detach(), sizes);
  return record("SumToSize", {g}, y, [from = g.sizes().shape()](const Tensor& dy, Grads& grads) { grads.add(0, dy.expand(from)); });
}

}  // namespace ember
