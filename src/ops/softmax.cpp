// Softmax and its logarithm along any dimension: rows of contiguous numbers under the hood.
#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>

#include <utility>

#include "error_format.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "tensor/impl.h"

namespace ember {
namespace {

template <class T>
const kernels::SoftmaxFamily<T>& family() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().softmax.float32;
  else return kernels::kernels().softmax.float64;
}

Tensor prepared(const char* name, const Tensor& x, DType dtype) {
  const Tensor converted = dtype == DType::Undefined ? x : x.to(dtype);
  check<NotImplementedError>(is_floating_point(converted.dtype()), "\"{}_kernel_impl\" not implemented for '{}'", name,
                             scalar_type_name(converted.dtype()));
  return converted;
}

/// loop(family, rows, n, pointers into each tensor's rows) over the last dimension of contiguous tensors.
template <class Loop>
void over_rows(const Tensor& out, double steps, Loop&& loop) {
  const int64_t n = out.dim() ? out.sizes().back() : 1;
  if (out.numel() == 0) return;
  kernels::parallel_for(out.numel() / n, 1, double(out.numel()) * steps, [&](int64_t begin, int64_t end) {
    if (out.dtype() == kFloat32) loop(float(), end - begin, n, begin * n);
    else loop(double(), end - begin, n, begin * n);
  });
}

/// y of x along its last dimension, contiguous.
Tensor forward(const Tensor& x, bool logarithm) {
  Tensor y = make_dense(x.sizes(), x.dtype());
  over_rows(y, 10, [&](auto zero, int64_t rows, int64_t n, int64_t at) {
    using T = decltype(zero);
    (logarithm ? family<T>().log_softmax : family<T>().softmax)(rows, n, x.data<T>() + at, y.data<T>() + at);
  });
  return y;
}

Tensor backward(const Tensor& dy, const Tensor& y, bool logarithm) {
  Tensor dx = make_dense(y.sizes(), y.dtype());
  over_rows(dx, 6, [&](auto zero, int64_t rows, int64_t n, int64_t at) {
    using T = decltype(zero);
    (logarithm ? family<T>().log_softmax_backward : family<T>().softmax_backward)(rows, n, dy.data<T>() + at, y.data<T>() + at, dx.data<T>() + at);
  });
  return dx;
}

Tensor moved_last(const Tensor& x, int dim) { return dim + 1 >= x.dim() ? x.contiguous() : x.transpose(dim, -1).contiguous(); }
Tensor moved_back(Tensor y, int dim) { return dim + 1 >= y.dim() ? std::move(y) : y.transpose(dim, -1).contiguous(); }

Tensor normalised(const char* name, const Tensor& x, int dim, bool logarithm) {
  Tensor y;
  {
    NoGradGuard no_grad;
    y = moved_back(forward(moved_last(x.detach(), dim), logarithm), dim);
  }
  const Saved output = Saved::output(y);
  return record(name, {x}, std::move(y), [output, dim, logarithm](const Tensor& dy, Grads& grads) {
    const Tensor y = output.get();
    if (grads.create_graph() && y.dim() > 0)
      return grads.add(0, logarithm ? dy - exp(y) * sum(dy, dim, true) : y * (dy - sum(dy * y, dim, true)));
    grads.add(0, moved_back(backward(moved_last(dy, dim), moved_last(y, dim), logarithm), dim));
  });
}

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim, DType dtype) {
  const Tensor x = prepared("softmax", input, dtype);
  return normalised("Softmax", x, wrap_dim(dim, x.dim()), false);
}
Tensor softmin(const Tensor& x, int64_t dim, DType dtype) { return softmax(neg(x), dim, dtype); }
Tensor log_softmax(const Tensor& input, int64_t dim, DType dtype) {
  const Tensor x = prepared("log_softmax", input, dtype);
  return normalised("LogSoftmax", x, wrap_dim(dim, x.dim()), true);
}

}  // namespace ember
