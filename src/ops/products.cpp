// Products and distances made of matrix products, norms and broadcasting.
#include <ember/ops/products.h>

#include <ember/autograd.h>
#include <ember/ops/arrange.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>

#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// beta x + alpha product; with beta 0, NaN of x do not count.
Tensor combined(const Tensor& x, const Tensor& product, const AddmmOptions& o) {
  const DType dtype = promote_types(x.dtype(), product.dtype());
  if (!is_floating_point(dtype))
    for (const auto& [factor, name] : {std::pair(o.beta, "beta"), std::pair(o.alpha, "alpha")})
      check<RuntimeError>(factor.is_integral(), "For integral input tensors, argument {} must not be a floating point number.", name);
  const Tensor scaled = o.alpha.to<double>() == 1 ? product : product * o.alpha;
  if (o.beta.to<double>() == 0) {
    Tensor y = scaled.detach().to(dtype).expand(broadcast_shapes(x.sizes(), scaled.sizes())).clone();
    return record("AddBmm", {x, scaled}, std::move(y), [](const Tensor& dy, Grads& grads) {
      grads.add(0, zeros_like(dy));
      grads.add(1, dy);
    });
  }
  return (o.beta.to<double>() == 1 ? x : x * o.beta) + scaled;
}

}  // namespace

Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b, AddmmOptions o) {
  require_defined("addbmm", x, a, b);
  check<RuntimeError>(a.dim() == 3, "batch1 must be a 3D tensor");
  check<RuntimeError>(b.dim() == 3, "batch2 must be a 3D tensor");
  check<RuntimeError>(a.size(0) == b.size(0), "batch1 and batch2 must have same number of batches, got {} and {}", a.size(0), b.size(0));
  check<RuntimeError>(a.size(2) == b.size(1), "Incompatible matrix sizes for bmm ({}x{} and {}x{})", a.size(1), a.size(2), b.size(1), b.size(2));
  check<RuntimeError>(a.dtype() == b.dtype() && x.dtype() == a.dtype(), "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}",
                      name(x.dtype()), name(a.dtype()), name(b.dtype()));
  const Shape sizes{a.size(1), b.size(2)};
  // The sum over the batch is one product of matrices that lie side by side.
  const Tensor product = mm(a.transpose(0, 1).reshape({a.size(1), a.size(0) * a.size(2)}), b.reshape({b.size(0) * b.size(1), b.size(2)}));
  if (!is_floating_point(x.dtype())) o = {.beta = o.beta.to<int64_t>(), .alpha = o.alpha.to<int64_t>()};  // as PyTorch: 0.6 counts as 0
  return combined(x.expand(sizes), product, o);
}

Tensor addr(const Tensor& x, const Tensor& u, const Tensor& v, AddmmOptions o) {
  require_defined("addr", x, u, v);
  check<RuntimeError>(u.dim() == 1, "addr: Expected 1-D argument vec1, but got {}-D", u.dim());
  check<RuntimeError>(v.dim() == 1, "addr: Expected 1-D argument vec2, but got {}-D", v.dim());
  const Shape sizes{u.numel(), v.numel()};
  const DType dtype = promote_types(promote_types(x.dtype(), u.dtype()), v.dtype());
  if (dtype == kBool) {
    const Tensor product = logical_and(u.unsqueeze(1), v);
    return o.beta.to<bool>() ? logical_or(x.expand(sizes), o.alpha.to<bool>() ? product : zeros_like(product))
                             : product.logical_and(full({}, o.alpha.to<bool>(), kBool));
  }
  return combined(x.expand(sizes), (u.unsqueeze(1) * v).to(dtype), o);
}

Tensor inner(const Tensor& a, const Tensor& b) {
  require_defined("inner", a, b);
  check<RuntimeError>(a.dtype() == b.dtype(), "inner() expected both tensors to have the same dtype, but got {} and {}", name(a.dtype()),
                      name(b.dtype()));
  if (a.dim() == 0 || b.dim() == 0) return a * b;
  check<RuntimeError>(a.size(-1) == b.size(-1), "inner() the last dimension must match on both input tensors but got shapes {} and {}", a.sizes(),
                      b.sizes());
  return tensordot(a, b, {-1}, {-1});
}

Tensor kron(const Tensor& a, const Tensor& b) {
  require_defined("kron", a, b);
  const int dims = std::max(a.dim(), b.dim());
  Shape rows, columns, result;
  for (int d = 0; d < dims; ++d) {
    const int i = d - (dims - a.dim()), j = d - (dims - b.dim());
    const int64_t n = i < 0 ? 1 : a.sizes()[i], m = j < 0 ? 1 : b.sizes()[j];
    rows.push_back(n), rows.push_back(1);
    columns.push_back(1), columns.push_back(m);
    result.push_back(n * m);
  }
  return (a.reshape(rows) * b.reshape(columns)).reshape(result);
}

Tensor cross(const Tensor& a, const Tensor& b, int64_t at) {
  require_defined("cross", a, b);
  check<RuntimeError>(a.dim() == b.dim(), "linalg.cross: inputs must have the same number of dimensions.");
  const int dim = wrap_dim(at, a.dim());
  check<RuntimeError>(a.dim() > 0 && a.sizes()[dim] == 3 && b.sizes()[dim] == 3,
                      "linalg.cross: inputs dimension {} must have length 3. Got {} and {}", at, a.dim() ? a.sizes()[dim] : 1,
                      b.dim() ? b.sizes()[dim] : 1);
  const Shape sizes = broadcast_shapes(a.sizes(), b.sizes());
  const Tensor x = a.expand(sizes), y = b.expand(sizes);
  const auto turned = [dim](const Tensor& t, int64_t by) { return roll(t, {-by}, {dim}); };
  return turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1);
}

Tensor cross(const Tensor& a, const Tensor& b) {
  require_defined("cross", a, b);
  for (int d = 0; d < a.dim(); ++d)
    if (a.sizes()[d] == 3) return cross(a, b, d);
  fail<RuntimeError>("no dimension of size 3 in input");
}

namespace {

/// From all differences: any p, to any order.
Tensor distances(const Tensor& a, const Tensor& b, double p) { return norm(a.unsqueeze(-2) - b.unsqueeze(-3), p, -1); }

/// Euclidean distances of many rows: |a|^2 + |b|^2 - 2 a b, as PyTorch does from 26 rows on.
Tensor distances_by_product(const Tensor& a, const Tensor& b) {
  Tensor y;
  {
    const NoGradGuard no_grad;
    const Tensor x1 = a.detach(), x2 = b.detach(), n1 = square(x1).sum(-1, true), n2 = square(x2).sum(-1, true);
    y = sqrt(clamp_min(matmul(cat({x1 * -2, n1, ones_like(n1)}, -1), cat({x2, ones_like(n2), n2}, -1).mT()), 0));
  }
  const Saved output = Saved::output(y);
  return record("Cdist", {a, b}, std::move(y), [a = Saved(a), b = Saved(b), output](const Tensor& dy, Grads& grads) {
    const Tensor x1 = a.get(), x2 = b.get();
    if (grads.create_graph()) return grads.replay(dy, {x1, x2}, [](const std::vector<Tensor>& in) { return distances(in[0], in[1], 2); });
    // d|a - b| = (a - b) / |a - b|
    const Tensor y = output.get(), share = where(eq(y, 0), 0, dy / y);
    if (grads.wants(0)) grads.add(0, x1 * share.sum(-1, true) - matmul(share, x2));
    if (grads.wants(1)) grads.add(1, x2 * share.mT().sum(-1, true) - matmul(share.mT(), x1));
  });
}

}  // namespace

Tensor cdist(const Tensor& a, const Tensor& b, double p) {
  require_defined("cdist", a, b);
  check<RuntimeError>(a.dim() >= 2, "cdist only supports at least 2D tensors, X1 got: {}D", a.dim());
  check<RuntimeError>(b.dim() >= 2, "cdist only supports at least 2D tensors, X2 got: {}D", b.dim());
  check<RuntimeError>(a.size(-1) == b.size(-1), "X1 and X2 must have the same number of columns. X1: {} X2: {}", a.size(-1), b.size(-1));
  check<RuntimeError>(is_floating_point(a.dtype()), "cdist only supports floating-point dtypes, X1 got: {}", scalar_type_name(a.dtype()));
  check<RuntimeError>(is_floating_point(b.dtype()), "cdist only supports floating-point dtypes, X2 got: {}", scalar_type_name(b.dtype()));
  check<RuntimeError>(a.dtype() == b.dtype(), "expected scalar type {} but found {}", scalar_type_name(a.dtype()), scalar_type_name(b.dtype()));
  check<RuntimeError>(p >= 0, "cdist only supports non-negative p values");
  return p == 2 && (a.size(-2) > 25 || b.size(-2) > 25) && a.size(-1) > 0 ? distances_by_product(a, b) : distances(a, b, p);
}

Tensor pdist(const Tensor& x, double p) {
  require_defined("pdist", x);
  check<RuntimeError>(x.dim() == 2, "pdist only supports 2D tensors, got: {}D", x.dim());
  check<RuntimeError>(is_floating_point(x.dtype()), "pdist only supports floating-point dtypes");
  check<RuntimeError>(p >= 0, "pdist only supports non-negative p values");
  const Tensor pairs = triu_indices(x.size(0), x.size(0), 1);
  return norm(x.index_select(0, pairs[0]) - x.index_select(0, pairs[1]), p, -1);
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  require_defined("bilinear", x1, x2, weight);
  check<RuntimeError>(x1.dim() == x2.dim(), "bilinear(): input dimensions do not match: got {} and {}", x1.dim(), x2.dim());
  for (int d = 0; d + 1 < x1.dim(); ++d)
    check<RuntimeError>(x1.sizes()[d] == x2.sizes()[d], "bilinear(): input batch dimensions do not match at dim {}: got {} and {}", d, x1.sizes()[d],
                        x2.sizes()[d]);
  check<RuntimeError>(weight.dim() == 3, "bilinear(): expected weight (out, in1, in2), but got weight of size {}", weight.sizes());
  check<RuntimeError>(x1.dim() > 0 && x1.size(-1) == weight.size(1), "bilinear(): input1 size does not match weight size: got {} but expected {}",
                      x1.dim() ? x1.size(-1) : 0, weight.size(1));
  check<RuntimeError>(x2.size(-1) == weight.size(2), "bilinear(): input2 size does not match weight size: got {} but expected {}", x2.size(-1),
                      weight.size(2));
  check<RuntimeError>(!bias.defined() || (bias.dim() == 1 && bias.numel() == weight.size(0)),
                      "bilinear(): bias size does not match weight size: got {} but expected {}", bias.defined() ? bias.numel() : 0, weight.size(0));
  const int64_t out = weight.size(0), in1 = weight.size(1), in2 = weight.size(2);
  Shape sizes = x1.sizes().shape();
  sizes[x1.dim() - 1] = out;
  const Tensor rows = x1.reshape({-1, in1}), columns = x2.reshape({-1, 1, in2});
  Tensor y = (mm(rows, weight.transpose(0, 1).reshape({in1, out * in2})).view({-1, out, in2}) * columns).sum(-1, false, x1.dtype());
  if (bias.defined()) y = y + bias;
  return y.reshape(sizes);
}

}  // namespace ember
