// Sums, means, products, extremes, variances and norms, with their derivatives.
#include "autograd/recorder.h"
#include "ops/reduced_dims.h"

#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include <cmath>

#include "error_format.h"
#include "kernels/kernels.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

DType sum_type(const Tensor& x, DType asked) { return asked != DType::Undefined ? asked : is_floating_point(x.dtype()) ? x.dtype() : kInt64; }

void check_real(const char* name, const Tensor& x) {
  check<RuntimeError>(is_floating_point(x.dtype()), "{} only support floating point and complex dtypes", name);
}

/// y with its reduced dimensions back as size 1, for a comparison with x.
Tensor as_kept(const Tensor& y, const Shape& sizes, ReducedDims dims) { return y.reshape(reduced_shape(sizes, dims, true)); }

void check_not_empty(const char* name, const Tensor& x, ReducedDims dims, bool all) {
  if (x.numel() > 0) return;
  check<RuntimeError>(!all,
                      "{}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
                      "'dim' argument.",
                      name);
  for (int d = 0; d < x.dim(); ++d)
    check<IndexError>(!dims.contains(d) || x.sizes()[d] > 0, "{}(): Expected reduction dim {} to have non-zero size.", name, d);
}

/// The largest or smallest over dims; equal ones share the gradient. A NaN among them takes it in max; amax divides by the number of
/// values equal to it, which is none.
Tensor extreme(const char* node, const char* name, ReduceKind reduction, const Tensor& x, const Dims& at, bool keepdim, bool nan_is_best = false) {
  const ReducedDims dims = reduced_dims(x, at);
  check_not_empty(name, x, dims, at.all() || at.list().empty());
  Tensor y = reduce(reduction, x, dims, keepdim, x.dtype());
  const Saved output = Saved::output(y);
  note_dims(node, dims);
  return record(node, {x}, std::move(y), [=, x = Saved(x)](const Tensor& dy, Grads& grads) {
    const Tensor values = x.get();
    const Shape sizes = values.sizes().shape();
    const Tensor best = as_kept(output.get(), sizes, dims);
    const Tensor mask = (nan_is_best ? where(isnan(best), isnan(values), eq(values, best)) : eq(values, best)).to(dy.dtype());
    const Dims list = Dims::of_mask(dims.mask);
    grads.add(0, mask / (values.dim() ? sum(mask, list, true) : mask) * as_kept(dy, sizes, dims));
  });
}

}  // namespace

Tensor sum(const Tensor& input, const Dims& at, bool keepdim, DType dtype) {
  require_defined("sum", input);
  const Tensor x = input.to(sum_type(input, dtype));
  const ReducedDims dims = reduced_dims(x, at);
  Tensor y = reduce(ReduceKind::Sum, x, dims, keepdim, x.dtype());
  note_dims("Sum", dims);
  return record("Sum", {x}, std::move(y),
                [sizes = x.sizes().shape(), dims](const Tensor& dy, Grads& grads) { grads.add(0, spread(dy, sizes, dims)); });
}

Tensor mean(const Tensor& input, const Dims& at, bool keepdim, DType dtype) {
  require_defined("mean", input);
  const DType type = dtype == DType::Undefined ? input.dtype() : dtype;
  check<RuntimeError>(is_floating_point(type),
                      "mean(): could not infer output dtype. {} dtype must be either a floating point or complex dtype. Got: {}",
                      dtype == DType::Undefined ? "Input" : "Optional", scalar_type_name(type));
  const Tensor x = input.to(type);
  const ReducedDims dims = reduced_dims(x, at);
  const double n = double(reduced_count(x.sizes(), dims));
  Tensor y;
  {
    NoGradGuard no_grad;
    y = reduce(ReduceKind::Sum, x, dims, keepdim, type) / n;
  }
  note_dims("Mean", dims);
  return record("Mean", {x}, std::move(y),
                [sizes = x.sizes().shape(), dims, n](const Tensor& dy, Grads& grads) { grads.add(0, spread(dy / n, sizes, dims)); });
}

namespace {

/// x[0] * x[1] * ... along dim, one product after the other: right at zeros, and to any order.
Tensor product_chain(const Tensor& x, int dim) {
  Tensor y = x.select(dim, 0);
  for (int64_t i = 1; i < x.size(dim); ++i) y = y * x.select(dim, i);
  return y;
}

Tensor product(const Tensor& x, int dim, bool keepdim) {
  const ReducedDims dims{1u << dim};
  Tensor y = reduce(ReduceKind::Prod, x, dims, keepdim, x.dtype());
  const Saved output = Saved::output(y);
  // The product of the others is y / x, or has to be found one by one when an x is 0.
  note_dims("Prod", dims);
  return record("Prod", {x}, std::move(y), [x = Saved(x), output, dims, dim, keepdim](const Tensor& dy, Grads& grads) {
    const Tensor values = x.get();
    const Shape sizes = values.sizes().shape();
    if (values.numel() == 0) return grads.add(0, zeros_like(values));
    if (logical_not(values).any().item<bool>())
      return grads.replay(keepdim ? dy.squeeze(dim) : dy, {values}, [dim](const std::vector<Tensor>& in) { return product_chain(in[0], dim); });
    grads.add(0, as_kept(dy * output.get(), sizes, dims) / values);
  });
}

}  // namespace

Tensor prod(const Tensor& input, DType dtype) {
  require_defined("prod", input);
  return product(input.to(sum_type(input, dtype)).reshape({-1}), 0, false);
}
Tensor prod(const Tensor& input, int64_t dim, bool keepdim, DType dtype) {
  require_defined("prod", input);
  const int d = wrap_dim(dim, input.dim());
  const Tensor x = input.to(sum_type(input, dtype));
  return x.dim() == 0 ? x.clone() : product(x, d, keepdim);
}

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  require_defined("amax", x);
  return extreme("Amax", "amax", ReduceKind::Max, x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  require_defined("amin", x);
  return extreme("Amin", "amin", ReduceKind::Min, x, dims, keepdim);
}
Tensor max(const Tensor& x) {
  require_defined("max", x);
  return extreme("Max", "max", ReduceKind::Max, x, {}, false, true);
}
Tensor min(const Tensor& x) {
  require_defined("min", x);
  return extreme("Min", "min", ReduceKind::Min, x, {}, false, true);
}
MinMax aminmax(const Tensor& x, const Dims& dim, bool keepdim) {
  require_defined("aminmax", x);
  const ReducedDims dims = reduced_dims(x, dim);
  check_not_empty("aminmax", x, dims, dim.all());
  const auto axes = [&] { return Attributes{{"axes", axes_of(dims)}}; };
  return {composed("Amin", {x}, extreme("Aminmax", "aminmax", ReduceKind::Min, x, dim, keepdim), axes),
          composed("Amax", {x}, extreme("Aminmax", "aminmax", ReduceKind::Max, x, dim, keepdim), axes)};
}

namespace {

/// What a listener is told about a position: of all elements in their order where `flat`.
Tensor told(ReduceKind reduction, const Tensor& x, Tensor positions, int axis, bool keepdim, bool flat) {
  return composed(reduction == ReduceKind::ArgMax ? "Argmax" : "Argmin", {x}, std::move(positions),
                  [&] { return Attributes{{"axis", {axis}}, {"keepdims", {keepdim}}, {"flat", {flat}}}; });
}

Tensor position(const char* name, ReduceKind reduction, const Tensor& x, int64_t dim, bool keepdim) {
  const int d = wrap_dim(dim, x.dim());
  const ReducedDims dims{x.dim() ? 1u << d : 0};
  check<IndexError>(x.dim() == 0 || x.sizes()[d] > 0, "{}(): Expected reduction dim {} to have non-zero size.", name, d);
  if (x.dim() == 0) return zeros({}, kInt64);
  return told(reduction, x, reduce(reduction, x, dims, keepdim, kInt64), d, keepdim, false);
}

Tensor position(const char* name, ReduceKind reduction, const Tensor& x) {
  check<IndexError>(x.numel() > 0, "{}(): Expected reduction dim to be specified for input.numel() == 0.", name);
  return told(reduction, x, reduce(reduction, x.reshape({-1}), {1}, false, kInt64), 0, false, true);
}

const Tensor& not_bool(const char* name, const Tensor& x) {
  check<RuntimeError>(x.dtype() != kBool, "{}(): does not support bool input", name);
  return x;
}

ValuesIndices extreme_along(const char* node, const char* name, ReduceKind reduction, const Tensor& x, int64_t dim, bool keepdim) {
  const Tensor indices = position(name, reduction, x, dim, keepdim);
  const int d = wrap_dim(dim, x.dim());
  if (x.dim() == 0) return {x.clone(), indices};
  const Tensor kept = keepdim ? indices : indices.unsqueeze(d);
  Tensor values;
  {
    NoGradGuard no_grad;
    values = gather(x, d, kept);
    if (!keepdim) values = values.squeeze(d);
  }
  note_dims(node, {1u << d});
  values = record(node, {x}, std::move(values), [sizes = x.sizes().shape(), kept = Saved(kept), d, keepdim](const Tensor& dy, Grads& grads) {
    grads.add(0, scatter(zeros(sizes, dy.dtype()), d, kept.get(), keepdim ? dy : dy.unsqueeze(d)));
  });
  return {values, indices};
}

}  // namespace

ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim) {
  require_defined("max", x);
  return extreme_along("Max", "max", ReduceKind::ArgMax, x, dim, keepdim);
}
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim) {
  require_defined("min", x);
  return extreme_along("Min", "min", ReduceKind::ArgMin, x, dim, keepdim);
}
Tensor argmax(const Tensor& x) {
  require_defined("argmax", x);
  return position("argmax", ReduceKind::ArgMax, not_bool("argmax", x));
}
Tensor argmin(const Tensor& x) {
  require_defined("argmin", x);
  return position("argmin", ReduceKind::ArgMin, not_bool("argmin", x));
}
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) {
  require_defined("argmax", x);
  return position("argmax", ReduceKind::ArgMax, not_bool("argmax", x), dim, keepdim);
}
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim) {
  require_defined("argmin", x);
  return position("argmin", ReduceKind::ArgMin, not_bool("argmin", x), dim, keepdim);
}

// --- variance

namespace {

struct Moments {
  Tensor mean, squares;  // of sizes without the reduced dimensions, in double
  double n;
};

Moments moments_of(const Tensor& x, ReducedDims dims, bool keepdim) {
  NoGradGuard no_grad;
  const Shape shape = reduced_shape(x.sizes(), dims, keepdim);
  const int64_t n = reduced_count(x.sizes(), dims), rows = shape.numel();
  Moments m{full(shape, NAN, kFloat64), full(shape, NAN, kFloat64), double(n)};
  if (n == 0 || rows == 0) return m;
  const Tensor all = as_rows(x, dims);
  with_real(x.dtype(), [&]<class T>(T) { kernels::row_moments<T>(rows, n, all.data<T>(), m.mean.data<double>(), m.squares.data<double>()); });
  return m;
}

/// d var / dx = 2 (x - mean) / (n - correction). Where n <= correction PyTorch gives inf, and NaN at the mean, for the variance of all elements;
/// along some dimensions it divides by the negative number.
Tensor deviation_gradient(const Tensor& dvar, const Tensor& x, ReducedDims dims, double freedom, bool whole) {
  const Tensor centre = x.dim() ? mean(x, Dims::of_mask(dims.mask), true) : x;
  if (freedom <= 0 && whole) return dvar * where(eq(x, centre), NAN, full({}, INFINITY, x.dtype()));
  return as_kept(dvar, x.sizes().shape(), dims) * (2 / freedom) * (x - centre);
}

Tensor variance(const Tensor& x, const Dims& at, ReducedDims dims, const Moments& m, double correction, bool root) {
  const bool whole = at.all() || x.dim() == 0;
  const double freedom = m.n - correction, divisor = freedom > 0 ? freedom : 0;
  Tensor y;
  {
    NoGradGuard no_grad;
    y = m.squares / divisor;
    if (root) y = sqrt(y);
    y = y.to(x.dtype());
  }
  note(root ? "Std" : "Var", [&] { return Attributes{{"axes", axes_of(dims)}, {"correction", {}, {correction}}}; });
  if (!root)
    return record("Var", {x}, std::move(y), [x = Saved(x), dims, freedom, whole](const Tensor& dy, Grads& grads) {
      grads.add(0, deviation_gradient(dy, x.get(), dims, freedom, whole));
    });
  const Saved output = Saved::output(y);
  return record("Std", {x}, std::move(y), [x = Saved(x), output, dims, freedom, whole](const Tensor& dy, Grads& grads) {
    const Tensor y = output.get();
    grads.add(0, deviation_gradient(masked_fill(dy / (y * 2), eq(y, 0), 0), x.get(), dims, freedom, whole));
  });
}

Tensor recorded_mean(const Tensor& x, ReducedDims dims, const Moments& m) {
  Tensor y = m.mean.to(x.dtype());
  note_dims("Mean", dims);
  return record("Mean", {x}, std::move(y),
                [sizes = x.sizes().shape(), dims, n = m.n](const Tensor& dy, Grads& grads) { grads.add(0, spread(dy / n, sizes, dims)); });
}

}  // namespace

VarMean var_mean(const Tensor& x, const Dims& at, double correction, bool keepdim) {
  require_defined("var_mean", x);
  check_real("var_mean", x);
  const ReducedDims dims = reduced_dims(x, at);
  const Moments m = moments_of(x, dims, keepdim);
  return {variance(x, at, dims, m, correction, false), recorded_mean(x, dims, m)};
}
StdMean std_mean(const Tensor& x, const Dims& at, double correction, bool keepdim) {
  require_defined("std_mean", x);
  check_real("std_mean", x);
  const ReducedDims dims = reduced_dims(x, at);
  const Moments m = moments_of(x, dims, keepdim);
  return {variance(x, at, dims, m, correction, true), recorded_mean(x, dims, m)};
}
Tensor var(const Tensor& x, const Dims& at, double correction, bool keepdim) {
  require_defined("var", x);
  check<RuntimeError>(is_floating_point(x.dtype()), "std and var only support floating point and complex dtypes");
  const ReducedDims dims = reduced_dims(x, at);
  return variance(x, at, dims, moments_of(x, dims, keepdim), correction, false);
}
Tensor std(const Tensor& x, const Dims& at, double correction, bool keepdim) {
  require_defined("std", x);
  check<RuntimeError>(is_floating_point(x.dtype()), "std and var only support floating point and complex dtypes");
  const ReducedDims dims = reduced_dims(x, at);
  return variance(x, at, dims, moments_of(x, dims, keepdim), correction, true);
}

// --- norms, log-sum-exp

Tensor logsumexp(const Tensor& input, const Dims& at, bool keepdim) {
  require_defined("logsumexp", input);
  const Tensor x = is_floating_point(input.dtype()) ? input : input.to(get_default_dtype());
  const ReducedDims dims = reduced_dims(x, at);
  Tensor y;
  if (x.numel() == 0) {
    y = full(reduced_shape(x.sizes(), dims, keepdim), -INFINITY, x.dtype());
  } else {
    NoGradGuard no_grad;
    const Tensor top = reduce(ReduceKind::Max, x, dims, true, x.dtype());
    const Tensor shift = masked_fill(top, isinf(top), 0);
    y = log(reduce(ReduceKind::Sum, exp(x - shift), dims, true, x.dtype())) + shift;
    if (!keepdim) y = y.reshape(reduced_shape(x.sizes(), dims, false));
  }
  const Saved output = Saved::output(y);
  note_dims("Logsumexp", dims);
  return record("Logsumexp", {x}, std::move(y), [x = Saved(x), output, dims](const Tensor& dy, Grads& grads) {
    const Shape sizes = x.get().sizes().shape();
    grads.add(0, as_kept(dy, sizes, dims) * exp(x.get() - as_kept(output.get(), sizes, dims)));
  });
}

Tensor norm(const Tensor& x, double p, const Dims& at, bool keepdim) {
  require_defined("norm", x);
  check<RuntimeError>(is_floating_point(x.dtype()), "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
                      scalar_type_name(x.dtype()));
  const ReducedDims dims = reduced_dims(x, at);
  const auto attributes = [&] { return Attributes{{"axes", axes_of(dims)}, {"order", {}, {p}}}; };
  if (p == 0)
    return composed("LinalgVectorNorm", {x},
                    record("LinalgVectorNorm", {x}, sum(ne(x, 0), at, keepdim, x.dtype()),
                           [x = Saved(x)](const Tensor&, Grads& grads) { grads.add(0, zeros_like(x.get())); }),
                    attributes);
  if (p == 1) return sum(abs(x), at, keepdim);
  for (int d = 0; d < x.dim() && (p < 0 || std::isinf(p)); ++d)
    check<RuntimeError>(!dims.contains(d) || x.sizes()[d] > 0,
                        "linalg.vector_norm cannot compute the {} norm on an empty tensor because the operation does not have an identity; "
                        "dimension {} is empty",
                        p, d);
  if (std::isinf(p)) return p > 0 ? amax(abs(x), at, keepdim) : amin(abs(x), at, keepdim);
  Tensor y;
  {
    NoGradGuard no_grad;
    const Tensor powers = p == 2 ? pow(x, 2) : pow(abs(x), p);
    const Tensor total = reduce(ReduceKind::Sum, powers, dims, keepdim, x.dtype());
    y = p == 2 ? sqrt(total) : pow(total, 1 / p);
  }
  const Saved output = Saved::output(y);
  // d|x| / dx = x |x|^(p-2) / |x|^(p-1); 0 at the zero vector
  note("LinalgVectorNorm", attributes);
  return record("LinalgVectorNorm", {x}, std::move(y), [x = Saved(x), output, dims, p](const Tensor& dy, Grads& grads) {
    const Tensor values = x.get();
    const Shape sizes = values.sizes().shape();
    const Tensor length = as_kept(output.get(), sizes, dims), upstream = as_kept(dy, sizes, dims);
    if (p == 2) return grads.add(0, values * masked_fill(upstream / length, eq(length, 0), 0));
    const Tensor powers = p < 2 ? sign(values) * masked_fill(pow(abs(values), p - 1), eq(values, 0), 0) : values * pow(abs(values), p - 2);
    grads.add(0, powers * masked_fill(upstream / pow(length, p - 1), eq(length, 0), 0));
  });
}
Tensor linalg::vector_norm(const Tensor& x, double ord, const Dims& dims, bool keepdim) {
  require_defined("vector_norm", x);
  return norm(x, ord, dims, keepdim);
}

// --- truth

namespace {

/// PyTorch's old habit: uint8 in, uint8 out.
DType truth_type(const Tensor& x) { return x.dtype() == kUInt8 ? kUInt8 : kBool; }

}  // namespace

Tensor all(const Tensor& x, const Dims& at, bool keepdim) {
  require_defined("all", x);
  const ReducedDims dims = reduced_dims(x, at);
  if (x.numel() == 0) return ones(reduced_shape(x.sizes(), dims, keepdim), truth_type(x));
  return reduce(ReduceKind::Min, x.detach().to(kBool), dims, keepdim, kBool).to(truth_type(x));
}
Tensor any(const Tensor& x, const Dims& at, bool keepdim) {
  require_defined("any", x);
  const ReducedDims dims = reduced_dims(x, at);
  if (x.numel() == 0) return zeros(reduced_shape(x.sizes(), dims, keepdim), truth_type(x));
  return reduce(ReduceKind::Max, x.detach().to(kBool), dims, keepdim, kBool).to(truth_type(x));
}
Tensor count_nonzero(const Tensor& x, const Dims& dims) {
  require_defined("count_nonzero", x);
  return sum(ne(x, 0), dims);
}

}  // namespace ember
