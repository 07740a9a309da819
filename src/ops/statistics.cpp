// Reductions that are compositions of others, with PyTorch's conventions.
#include <ember/ops/statistics.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/linalg.h>
#include <ember/ops/shape.h>

#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {

Tensor nansum(const Tensor& x, const Dims& dims, bool keepdim, DType dtype) {
  require_defined("nansum", x);
  return sum(is_floating_point(x.dtype()) ? where(isnan(x), 0, x) : x, dims, keepdim, dtype);
}

Tensor nanmean(const Tensor& x, const Dims& dims, bool keepdim, DType dtype) {
  require_defined("nanmean", x);
  check<RuntimeError>(is_floating_point(x.dtype()), "nanmean(): expected input to have floating point or complex dtype but got {}",
                      scalar_type_name(x.dtype()));
  const Tensor total = nansum(x, dims, keepdim, dtype);
  return total / sum(logical_not(isnan(x)), dims, keepdim).to(total.dtype());
}

Tensor diff(const Tensor& given, const DiffOptions& o) {
  require_defined("diff", given);
  check<RuntimeError>(given.dim() >= 1, "diff expects input to be at least one-dimensional");
  check<RuntimeError>(o.n >= 0, "order must be non-negative but got {}", o.n);
  const int dim = wrap_dim(o.dim, given.dim());
  std::vector<Tensor> parts;
  for (const Tensor& part : {o.prepend, given, o.append}) {
    if (!part.defined()) continue;
    check<RuntimeError>(part.dim() == given.dim(), "diff expects prepend or append to be the same dimension as input");
    for (int d = 0; d < given.dim(); ++d)
      check<RuntimeError>(d == dim || part.sizes()[d] == given.sizes()[d],
                          "diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; "
                          "input.size({}) = {}, but got tensor.size({}) = {}",
                          d, given.sizes()[d], d, part.sizes()[d]);
    parts.push_back(part);
  }
  if (o.n == 0) return given.clone();
  Tensor x = parts.size() == 1 ? given : cat(parts, dim);
  const int64_t n = std::min(o.n, x.sizes()[dim]);
  if (n == 0) return x.clone();
  for (int64_t i = 0; i < n && x.sizes()[dim] > 0; ++i) {
    const int64_t rest = x.sizes()[dim] - 1;
    const Tensor after = x.narrow(dim, 1, rest), before = x.narrow(dim, 0, rest);
    x = x.dtype() == kBool ? logical_xor(after, before) : after - before;
  }
  return x;
}

namespace {

/// The mean of neighbours, times `step`, summed.
Tensor trapezoids(const Tensor& y, const Operand& step, int dim) {
  const int64_t n = y.sizes()[dim];
  return sum((y.narrow(dim, 0, n - 1) + y.narrow(dim, 1, n - 1)) * step, dim) / 2;
}

void check_not_bool(const Tensor& t, const char* which) {
  check<RuntimeError>(t.dtype() != kBool, "trapezoid: received a bool input for `{}`, but bool is not supported", which);
}

Tensor no_area(const Tensor& y, int dim) {
  Shape sizes;
  for (int d = 0; d < y.dim(); ++d)
    if (d != dim) sizes.push_back(y.sizes()[d]);
  return zeros(sizes, y.dtype());
}

}  // namespace

Tensor trapezoid(const Tensor& y, double dx, int64_t at) {
  require_defined("trapezoid", y);
  check<IndexError>(y.dim() > 0, "Dimension specified as {} but tensor has no dimensions", at);
  const int dim = wrap_dim(at, y.dim());
  check_not_bool(y, "y");
  return y.sizes()[dim] == 0 ? no_area(y, dim) : trapezoids(y, dx, dim);
}

Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t at) {
  require_defined("trapezoid", y, x);
  check<IndexError>(y.dim() > 0, "Dimension specified as {} but tensor has no dimensions", at);
  const int dim = wrap_dim(at, y.dim());
  check_not_bool(y, "y");
  check_not_bool(x, "x");
  if (y.sizes()[dim] == 0) return no_area(y, dim);
  Tensor points = x;
  if (x.dim() == 1) {
    check<RuntimeError>(x.numel() == y.sizes()[dim], "trapezoid: There must be one `x` value for each sample point");
    Shape sizes = Shape::filled(y.dim(), 1);
    sizes[dim] = x.numel();
    points = x.reshape(sizes);
  } else if (x.dim() < y.dim()) {
    Shape sizes = x.sizes().shape();
    while (sizes.size() < y.dim()) sizes.insert(0, 1);
    points = x.reshape(sizes);
  }
  const int64_t n = points.dim() > dim ? points.sizes()[dim] : 1;
  if (n == 1) return trapezoids(y, points, dim) * 0;  // one place: nothing between
  return trapezoids(y, points.narrow(dim, 1, n - 1) - points.narrow(dim, 0, n - 1), dim);
}

Tensor dist(const Tensor& a, const Tensor& b, double p) {
  require_defined("dist", a, b);
  return norm(a - b, p);
}

Tensor cov(const Tensor& x, const CovOptions& o) {
  require_defined("cov", x);
  check<RuntimeError>(x.dim() <= 2, "cov(): expected input to have two or fewer dimensions but got an input with {} dimensions", x.dim());
  check<RuntimeError>(x.dtype() != kBool, "cov(): bool dtype is not supported for input");
  const Tensor table = x.dim() < 2 ? x.reshape({1, -1}) : x;
  const int64_t observations = table.size(1);
  Tensor weights;
  for (const auto& [w, which] : {std::pair(o.fweights, "fweights"), std::pair(o.aweights, "aweights")}) {
    if (!w.defined()) continue;
    const bool whole = which[0] == 'f';
    check<RuntimeError>(w.dim() <= 1, "cov(): expected {} to have one or fewer dimensions but got {} with {} dimensions", which, which, w.dim());
    check<RuntimeError>(whole ? is_integral(w.dtype(), false) : is_floating_point(w.dtype()),
                        "cov(): expected {} to have {} dtype but got {} with {} dtype", which, whole ? "integral" : "floating point", which,
                        scalar_type_name(w.dtype()));
    check<RuntimeError>(w.numel() == observations,
                        "cov(): expected {} to have the same numel as there are observations in the input but got {} != {}", which, w.numel(),
                        observations);
    check<RuntimeError>(observations == 0 || !lt(w.detach(), 0).any().item<bool>(), "cov(): {} cannot be negative", which);
    weights = weights.defined() ? weights * w : w;
  }
  Tensor total, mean_of_rows;
  const DType dtype = is_floating_point(x.dtype()) ? x.dtype() : kFloat32;
  const Tensor values = table.to(dtype);
  if (weights.defined()) {
    total = weights.sum();
    check<RuntimeError>(observations == 0 || total.detach().item<double>() != 0, "cov(): weights sum to zero, can't be normalized");
    mean_of_rows = (values * weights).sum(1) / total;
  } else {
    total = full({}, double(observations), kFloat64).to(dtype);
    mean_of_rows = values.sum(1) / double(observations);
  }
  Tensor factor;
  if (weights.defined() && o.aweights.defined() && o.correction != 0)
    factor = total - weights.to(dtype).mul(o.aweights).sum() * double(o.correction) / total;
  else factor = total - double(o.correction);
  if (factor.detach().item<double>() <= 0) {
    warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.");
    factor = zeros_like(factor.detach());
  }
  const Tensor centred = values - mean_of_rows.unsqueeze(1);
  return (matmul(centred, (weights.defined() ? centred * weights : centred).t()) / factor).squeeze();
}

Tensor corrcoef(const Tensor& x) {
  require_defined("corrcoef", x);
  check<RuntimeError>(x.dim() <= 2, "corrcoef(): expected input to have two or fewer dimensions but got an input with {} dimensions", x.dim());
  const Tensor c = cov(x);
  if (c.dim() == 0) return c / c;
  const Tensor scale = sqrt(c.diagonal());
  return clamp(c / scale.unsqueeze(1) / scale.unsqueeze(0), -1, 1);
}

}  // namespace ember
