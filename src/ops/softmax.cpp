// Softmax and its logarithm along any dimension: rows of contiguous numbers under the hood.
#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>

#include <utility>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/softmax/softmax.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

Tensor prepared(const char* name, const Tensor& x, DType dtype) {
  const Tensor converted = dtype == DType::Undefined ? x : x.to(dtype);
  check<NotImplementedError>(is_floating_point(converted.dtype()), "\"{}_kernel_impl\" not implemented for '{}'", name,
                             scalar_type_name(converted.dtype()));
  return converted;
}

/// y of x along its last dimension, contiguous.
Tensor forward(const Tensor& x, bool logarithm) {
  Tensor y = make_dense(x.sizes(), x.dtype());
  if (y.numel() == 0) return y;
  const int64_t n = y.dim() ? y.sizes().back() : 1;
  with_real(y.dtype(), [&]<class T>(T) { kernels::softmax_rows<T>(logarithm, y.numel() / n, n, x.data<T>(), y.data<T>()); });
  return y;
}

Tensor backward(const Tensor& dy, const Tensor& y, bool logarithm) {
  Tensor dx = make_dense(y.sizes(), y.dtype());
  if (y.numel() == 0) return dx;
  const int64_t n = y.dim() ? y.sizes().back() : 1;
  with_real(y.dtype(), [&]<class T>(T) { kernels::softmax_rows_backward<T>(logarithm, y.numel() / n, n, dy.data<T>(), y.data<T>(), dx.data<T>()); });
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
  note(name, [&] { return Attributes{{"axis", {dim}}}; });
  return record(name, {x}, std::move(y), [output, dim, logarithm](const Tensor& dy, Grads& grads) {
    const Tensor y = output.get();
    if (grads.create_graph() && y.dim() > 0) return grads.add(0, logarithm ? dy - exp(y) * sum(dy, dim, true) : y * (dy - sum(dy * y, dim, true)));
    grads.add(0, moved_back(backward(moved_last(dy, dim), moved_last(y, dim), logarithm), dim));
  });
}

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim, DType dtype) {
  require_defined("softmax", input);
  const Tensor x = prepared("softmax", input, dtype);
  return normalised("Softmax", x, wrap_dim(dim, x.dim()), false);
}
Tensor softmin(const Tensor& x, int64_t dim, DType dtype) {
  require_defined("softmin", x);
  return softmax(neg(x), dim, dtype);
}
Tensor log_softmax(const Tensor& input, int64_t dim, DType dtype) {
  require_defined("log_softmax", input);
  const Tensor x = prepared("log_softmax", input, dtype);
  return normalised("LogSoftmax", x, wrap_dim(dim, x.dim()), true);
}

}  // namespace ember
