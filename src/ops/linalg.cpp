// Matrix products and the linear layer.
#include <ember/ops/linalg.h>

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include "error_format.h"
#include "kernels/copy/copy.h"
#include "kernels/gemm/gemm.h"
#include "ops/relu_backward.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

template <class T>
kernels::Matrix<T> matrix(const Tensor& t) {
  return {t.data<T>(), t.strides()[t.dim() - 2], t.strides()[t.dim() - 1]};
}

/// Integers have no kernel: nobody trains on them.
template <class T>
void plain_product(int64_t m, int64_t n, int64_t k, kernels::Matrix<T> a, kernels::Matrix<T> b, T* c) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T sum = 0;
      for (int64_t p = 0; p < k; ++p) sum = T(sum + a.data[i * a.row_stride + p * a.column_stride] * b.data[p * b.row_stride + j * b.column_stride]);
      c[i * n + j] = sum;
    }
}

/// The real matrix product c (m, n) = a b + bias (and its ReLU), or += a b, of operands that need not be tensors.
template <class T>
void product(int64_t m, int64_t n, int64_t k, kernels::Matrix<T> a, kernels::Matrix<T> b, const Tensor& c, bool accumulate = false,
             const Tensor& bias = {}, bool then_relu = false) {
  kernels::gemm<T>(m, n, k, a, b, c.data<T>(), n, {accumulate, static_cast<const T*>(bias.data_or_null()), then_relu});
}

/// c (m, n) = a b, or += a b; c is row-major, a and b have any strides. No history.
void multiply(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate = false) {
  const int64_t m = a.sizes()[0], k = a.sizes()[1], n = b.sizes()[1];
  switch (a.dtype()) {
    case kFloat32: return product(m, n, k, matrix<float>(a), matrix<float>(b), c, accumulate);
    case kFloat64: return product(m, n, k, matrix<double>(a), matrix<double>(b), c, accumulate);
    case kInt64: return plain_product(m, n, k, matrix<int64_t>(a), matrix<int64_t>(b), c.data<int64_t>());
    case kUInt8: return plain_product(m, n, k, matrix<std::uint8_t>(a), matrix<std::uint8_t>(b), c.data<std::uint8_t>());
    default: fail<NotImplementedError>("\"addmm_impl_cpu_\" not implemented for 'Bool'");
  }
}

/// a^T b summed into the gradient of `input`: straight into a leaf's own, when nothing is recorded.
void write_product(Grads& grads, int input, const Tensor& a, const Tensor& b) {
  if (grads.create_graph()) return grads.add(input, mm(a, b));
  grads.write(input, [&](Tensor& target, bool accumulate) { multiply(a, b, target, accumulate); });
}

void check_same_type(const Tensor& a, const Tensor& b) {
  check<RuntimeError>(a.dtype() == b.dtype(), "expected m1 and m2 to have the same dtype, but got: {} != {}", detail::dtype_row(a.dtype()).c_type,
                      detail::dtype_row(b.dtype()).c_type);
}

void check_product(int64_t rows, int64_t k, int64_t other_k, int64_t columns) {
  check<RuntimeError>(k == other_k, "mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})", rows, k, other_k, columns);
}

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  require_defined("mm", a, b);
  check<RuntimeError>(a.dim() == 2, "self must be a matrix");
  check<RuntimeError>(b.dim() == 2, "mat2 must be a matrix");
  check_product(a.sizes()[0], a.sizes()[1], b.sizes()[0], b.sizes()[1]);
  check_same_type(a, b);

  Tensor c = make_dense({a.sizes()[0], b.sizes()[1]}, a.dtype());
  multiply(a, b, c);

  // C = A B: dA = dC B^T, dB = A^T dC
  return record("Mm", {a, b}, std::move(c), [a = Saved(a), b = Saved(b)](const Tensor& dc, Grads& grads) {
    if (grads.wants(0)) write_product(grads, 0, dc, b.get().t());
    if (grads.wants(1)) write_product(grads, 1, a.get().t(), dc);
  });
}

namespace {

/// x as a matrix of `rows` rows: itself when it is one, so that the common case makes no view.
Tensor as_matrix(const Tensor& x, int64_t rows, int64_t width) { return x.dim() == 2 ? x : x.reshape({rows, width}); }

template <class T>
void column_sums(const Tensor& x, const Tensor& sums, bool accumulate) {
  const Tensor dense = x.strides()[1] == 1 ? x : x.contiguous();
  const kernels::Matrix<T> from = matrix<T>(dense);
  kernels::column_sums<T>(x.sizes()[0], x.sizes()[1], from.data, from.row_stride, sums.data<T>(), accumulate);
}

// Y = X W^T + b: dX = dY W, dW = dY^T X, db = column sums of dY
void linear_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, Grads& grads) {
  const int64_t rows = dy.sizes()[0], in = weight.sizes()[1], out = weight.sizes()[0];
  with_real(dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    grads.write(0, [&](Tensor& target, bool accumulate) { column_sums<T>(dy, target, accumulate); });
    grads.write(1, [&](Tensor& target, bool accumulate) { product(rows, in, out, matrix<T>(dy), matrix<T>(weight), target, accumulate); });
    grads.write(2, [&](Tensor& target, bool accumulate) { product(out, in, rows, matrix<T>(dy).transposed(), matrix<T>(x), target, accumulate); });
  });
}

/// linear, and with `then_relu` the ReLU of its result in the same pass.
Tensor linear_layer(const Tensor& x, const Tensor& weight, const Tensor& bias, bool then_relu) {
  const auto finish = [then_relu](const Tensor& y) { return then_relu ? relu(y) : y; };
  check<RuntimeError>(weight.dim() == 2 || weight.dim() == 1, "linear: expected weight of 1 or 2 dimensions, got shape {}", weight.sizes());
  check<RuntimeError>(x.dim() > 0, "both arguments to linear need to be at least 1D, but they are {}D and {}D", x.dim(), weight.dim());
  if (weight.dim() == 1) {
    const Tensor y = matmul(x, weight);
    return finish(bias.defined() ? y + bias : y);
  }
  const int64_t in = weight.sizes()[1], out = weight.sizes()[0], width = x.sizes().back();
  int64_t rows = 1;
  for (int d = 0; d + 1 < x.dim(); ++d) rows *= x.sizes()[d];
  check_product(rows, width, in, out);
  check<RuntimeError>(x.dtype() == weight.dtype(), "mat1 and mat2 must have the same dtype, but got {} and {}", scalar_type_name(x.dtype()),
                      scalar_type_name(weight.dtype()));
  if (!is_floating_point(x.dtype())) {
    const Tensor y = matmul(x, weight.t());
    return finish(bias.defined() ? y + bias : y);
  }
  if (bias.defined() && (bias.dim() != 1 || bias.numel() != out || bias.dtype() != x.dtype() || !bias.is_contiguous()))
    return finish(linear(x, weight) + bias.expand(Shape{out}));  // PyTorch's error, or a broadcast

  Shape sizes = x.sizes().shape();
  sizes[x.dim() - 1] = out;
  Tensor y = make_dense(sizes, x.dtype());
  {
    const NoGradGuard no_grad;
    const Tensor rows_of_x = as_matrix(x, rows, in);
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      product(rows, out, in, matrix<T>(rows_of_x), matrix<T>(weight).transposed(), y, false, bias, then_relu);
    });
  }
  auto backward = [x = Saved(x), weight = Saved(weight), rows, in, out](const Tensor& dy, Grads& grads) {
    const Tensor saved = x.get(), w = weight.get(), dy2 = as_matrix(dy, rows, out), x2 = as_matrix(saved, rows, in);
    if (!grads.create_graph()) return linear_backward(dy2, x2, w, grads);
    if (grads.wants(0)) grads.add(0, sum(dy2, 0));
    if (grads.wants(1)) grads.add(1, mm(dy2, w).reshape(saved.sizes()));
    if (grads.wants(2)) grads.add(2, mm(dy2.t(), x2));
  };
  if (!then_relu || !will_record({bias, x, weight})) return record("Addmm", {bias, x, weight}, std::move(y), std::move(backward));
  const Saved output = Saved::output(y);
  return record("AddmmRelu", {bias, x, weight}, std::move(y), [backward = std::move(backward), output](const Tensor& dy, Grads& grads) {
    backward(relu_backward(dy, output.get().detach()), grads);
  });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Then& then) {
  require_defined("linear", x, weight);
  if (then.empty()) [[likely]]
    return linear_layer(x, weight, bias, false);
  const bool only_relu = then.relu && !then.max_pool && !then.norm.defined() && !then.addend.defined();
  return only_relu ? linear_layer(x, weight, bias, true) : apply(then, linear_layer(x, weight, bias, false));
}

Tensor mv(const Tensor& a, const Tensor& x) {
  require_defined("mv", a, x);
  check<RuntimeError>(a.dim() == 2 && x.dim() == 1, "vector + matrix @ vector expected, got {}, {}, {}", 1, a.dim(), x.dim());
  check<RuntimeError>(a.sizes()[1] == x.sizes()[0], "size mismatch, got input ({}), mat ({}x{}), vec ({})", a.sizes()[0], a.sizes()[0], a.sizes()[1],
                      x.sizes()[0]);
  return mm(a, x.unsqueeze(1)).squeeze(1);
}

Tensor dot(const Tensor& x, const Tensor& y) {
  require_defined("dot", x, y);
  check<RuntimeError>(x.dim() == 1 && y.dim() == 1, "1D tensors expected, but got {}D and {}D tensors", x.dim(), y.dim());
  check<RuntimeError>(x.dtype() == y.dtype(), "dot : expected both vectors to have same dtype, but found {} and {}", scalar_type_name(x.dtype()),
                      scalar_type_name(y.dtype()));
  check<RuntimeError>(x.numel() == y.numel(),
                      "inconsistent tensor size, expected tensor [{}] and src [{}] to have the same number of elements, but got {} "
                      "and {} elements respectively",
                      x.numel(), y.numel(), x.numel(), y.numel());
  return mm(x.unsqueeze(0), y.unsqueeze(1)).reshape({});
}

Tensor outer(const Tensor& x, const Tensor& y) {
  require_defined("outer", x, y);
  check<RuntimeError>(x.dim() == 1, "outer: Expected 1-D argument self, but got {}-D", x.dim());
  check<RuntimeError>(y.dim() == 1, "outer: Expected 1-D argument vec2, but got {}-D", y.dim());
  return x.unsqueeze(1) * y.unsqueeze(0);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  require_defined("bmm", a, b);
  check<RuntimeError>(a.dim() == 3, "batch1 must be a 3D tensor");
  check<RuntimeError>(b.dim() == 3, "batch2 must be a 3D tensor");
  check<RuntimeError>(a.sizes()[0] == b.sizes()[0] && a.sizes()[2] == b.sizes()[1],
                      "Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].", a.sizes()[0], a.sizes()[2],
                      b.sizes()[0], b.sizes()[1]);
  check_same_type(a, b);
  const int64_t batch = a.sizes()[0], m = a.sizes()[1], k = a.sizes()[2], n = b.sizes()[2];
  Tensor c = make_dense({batch, m, n}, a.dtype());
  {
    NoGradGuard no_grad;
    if (is_floating_point(a.dtype()))
      with_real(a.dtype(),
                [&]<class T>(T) { kernels::gemm_batch<T>(batch, m, n, k, matrix<T>(a), a.strides()[0], matrix<T>(b), b.strides()[0], c.data<T>()); });
    else
      for (int64_t i = 0; i < batch; ++i) multiply(a.detach().select(0, i), b.detach().select(0, i), c.select(0, i));
  }
  return record("Bmm", {a, b}, std::move(c), [a = Saved(a), b = Saved(b)](const Tensor& dc, Grads& grads) {
    if (grads.wants(0)) grads.add(0, bmm(dc, b.get().mT()));
    if (grads.wants(1)) grads.add(1, bmm(a.get().mT(), dc));
  });
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  require_defined("matmul", a, b);
  check<RuntimeError>(a.dim() > 0 && b.dim() > 0, "both arguments to matmul need to be at least 1D, but they are {}D and {}D", a.dim(), b.dim());
  if (a.dim() == 1 && b.dim() == 1) return dot(a, b);
  if (a.dim() == 2 && b.dim() == 1) return mv(a, b);
  if (a.dim() == 1 && b.dim() == 2) return mm(a.unsqueeze(0), b).squeeze(0);
  if (a.dim() == 2 && b.dim() == 2) return mm(a, b);
  // A batch of matrices by one matrix is one tall product.
  if (b.dim() <= 2) {
    const Tensor right = b.dim() == 1 ? b.unsqueeze(1) : b;
    check_product(a.sizes().back() ? a.numel() / a.sizes().back() : 0, a.sizes().back(), right.sizes()[0], right.sizes()[1]);
    Shape sizes = a.sizes().shape();
    sizes[a.dim() - 1] = right.sizes()[1];
    const Tensor y = mm(a.sizes().back() ? a.reshape({-1, a.sizes().back()})
                                         : a.reshape({sizes.numel() / (right.sizes()[1] ? right.sizes()[1] : 1), 0}),
                        right)
                         .reshape(sizes);
    return b.dim() == 1 ? y.squeeze(-1) : y;
  }
  const Tensor left = a.dim() == 1 ? a.unsqueeze(0) : a, right = b.dim() == 1 ? b.unsqueeze(1) : b;
  Shape batch_a = left.sizes().shape(), batch_b = right.sizes().shape();
  for (int i = 0; i < 2; ++i) {
    batch_a.erase(batch_a.size() - 1);
    batch_b.erase(batch_b.size() - 1);
  }
  const Shape batch = broadcast_shapes(batch_a, batch_b);
  const auto flat = [&](const Tensor& t) {
    Shape sizes = batch;
    sizes.push_back(t.size(-2));
    sizes.push_back(t.size(-1));
    return t.expand(sizes).reshape({batch.numel(), t.size(-2), t.size(-1)});
  };
  Shape sizes = batch;
  sizes.push_back(left.size(-2));
  sizes.push_back(right.size(-1));
  const Tensor y = bmm(flat(left), flat(right)).reshape(sizes);
  return a.dim() == 1 ? y.squeeze(-2) : b.dim() == 1 ? y.squeeze(-1) : y;
}

namespace {

/// beta * x + alpha * product, leaving x out entirely for beta 0.
Tensor scaled_sum(const Tensor& x, const Tensor& product, AddmmOptions options) {
  check<RuntimeError>(x.dtype() == product.dtype(), "self and mat2 must have the same dtype, but got {} and {}", scalar_type_name(x.dtype()),
                      scalar_type_name(product.dtype()));
  if (!is_floating_point(x.dtype())) options = {.beta = options.beta.to<int64_t>(), .alpha = options.alpha.to<int64_t>()};
  const Tensor start = x.expand(product.sizes());
  const Tensor scaled = options.alpha.to<double>() == 1 ? product : product * options.alpha;
  if (options.beta.to<double>() == 0)  // x is left out, even its NaN, and its gradient is zero
    return record("Addmm", {start, scaled}, make_alias(scaled), [](const Tensor& dy, Grads& grads) {
      if (grads.wants(0)) grads.add(0, zeros_like(dy));
      grads.add(1, dy);
    });
  return (options.beta.to<double>() == 1 ? start : start * options.beta) + scaled;
}

}  // namespace

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, AddmmOptions options) {
  require_defined("addmm", x, a, b);
  check<RuntimeError>(a.dim() == 2 && b.dim() == 2, "mat1 must be a matrix, got {}-D tensor", a.dim() == 2 ? b.dim() : a.dim());
  return scaled_sum(x, mm(a, b), options);
}
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& v, AddmmOptions options) {
  require_defined("addmv", x, a, v);
  return scaled_sum(x, mv(a, v), options);
}
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, AddmmOptions options) {
  require_defined("baddbmm", x, a, b);
  return scaled_sum(x, bmm(a, b), options);
}

Tensor trace(const Tensor& x) {
  require_defined("trace", x);
  check<RuntimeError>(x.dim() == 2, "trace: expected a matrix, but got tensor with dim {}", x.dim());
  return x.diagonal().sum();
}

}  // namespace ember
