// gather and scatter, slices by index.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <utility>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/gather/gather.h"
#include "ops/gather.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// A row-major tensor seen along one dimension.
kernels::Along along(IntArrayRef sizes, int dim) {
  kernels::Along form;
  for (int d = 0; d < sizes.size(); ++d) (d < dim ? form.outer : d > dim ? form.inner : form.n) *= sizes[d];
  return form;
}

void check_index_type(const char* name, const Tensor& index) {
  check<RuntimeError>(index.dtype() == kInt64 || index.numel() == 0, "{}(): Expected dtype int64 for index", name);
}

/// x cut to index's sizes outside dim, row-major.
Tensor cut_to(const Tensor& x, const Tensor& index, int dim) {
  Tensor y = x;
  for (int d = 0; d < x.dim(); ++d)
    if (d != dim && index.sizes()[d] < x.sizes()[d]) y = y.narrow(d, 0, index.sizes()[d]);
  return y;
}

void check_shapes(const char* name, const Tensor& x, const Tensor& index, int dim, const Tensor& source) {
  check_index_type(name, index);
  const int dims = x.dim() ? x.dim() : 1;
  check<RuntimeError>((index.dim() ? index.dim() : 1) == dims, "Index tensor must have the same number of dimensions as {} tensor",
                      source.defined() ? "self" : "input");
  check<RuntimeError>(!source.defined() || (source.dim() ? source.dim() : 1) == dims,
                      "Index tensor must have the same number of dimensions as src tensor");
  for (int d = 0; d < x.dim() && d < index.dim(); ++d) {
    const bool fits = (d == dim || index.sizes()[d] <= x.sizes()[d]) &&
                      (!source.defined() || source.dim() <= d || index.sizes()[d] <= source.sizes()[d]);
    if (fits) continue;
    if (source.defined())
      fail<RuntimeError>("Expected index {} to be no larger than self {} apart from dimension {} and to be no larger size than src {}", index.sizes(),
                         x.sizes(), dim, source.sizes());
    fail<RuntimeError>("Size does not match at dimension {} expected index {} to be no larger than self {} apart from dimension {}", d, index.sizes(),
                       x.sizes(), dim);
  }
}

/// The first of these that is not in 0 .. size - 1; null when all are.
const int64_t* find_outside(const Tensor& index, int64_t size) {
  const int64_t *const begin = index.data<int64_t>(), *const end = begin + index.numel();
  bool some = false;
  for (const int64_t* p = begin; p < end; ++p) some |= std::uint64_t(*p) >= std::uint64_t(size);
  return some ? std::find_if(begin, end, [=](int64_t i) { return i < 0 || i >= size; }) : nullptr;
}

void check_range(const Tensor& index, int dim, int64_t size) {
  const int64_t* const outside = find_outside(index, size);
  check<RuntimeError>(!outside, "index {} is out of bounds for dimension {} with size {}", outside ? *outside : 0, dim, size);
}

Tensor at_least_1d(const Tensor& t) { return t.dim() == 0 ? t.reshape({1}) : t; }

/// The common part of scatter and scatter_add.
Tensor scattered(kernels::ScatterOp op, const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  check_shapes("scatter", x, index, dim, source);
  NoGradGuard no_grad;
  Tensor y = x.detach().clone(MemoryFormat::Contiguous);
  const Tensor at = at_least_1d(index).contiguous();
  check_range(at, dim, x.dim() ? x.sizes()[dim] : 1);
  if (at.numel() == 0) return y;
  const Tensor from = cut_to(at_least_1d(source), at, -1).contiguous();
  Tensor target = cut_to(at_least_1d(y), at, dim);
  const bool whole = target.is_contiguous();
  Tensor dense = whole ? target : target.contiguous();
  kernels::scatter(op, x.dtype(), along(at.sizes(), dim), along(dense.sizes(), dim), at.data<int64_t>(), from.data_ptr(), dense.data_ptr());
  if (!whole) target.copy_(dense);
  return y;
}

}  // namespace

Tensor gather(const Tensor& x, int64_t at, const Tensor& index) {
  require_defined("gather", x, index);
  const int dim = wrap_dim(at, x.dim());
  if (index.numel() > 0) check_shapes("gather", x, index, dim, {});
  Tensor y = make_dense(index.sizes(), x.dtype());
  if (index.numel() > 0) {
    NoGradGuard no_grad;
    const Tensor positions = at_least_1d(index).contiguous(), values = cut_to(at_least_1d(x), positions, dim).contiguous();
    check_range(positions, dim, values.sizes()[dim]);
    kernels::gather(x.dtype(), along(values.sizes(), dim), along(positions.sizes(), dim), positions.data<int64_t>(), values.data_ptr(), y.data_ptr());
  }
  note("Gather", [&] { return Attributes{{"axis", {dim}}, {"indices", {}, {}, index}}; });
  return record("Gather", {x}, std::move(y), [sizes = x.sizes().shape(), index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    const Tensor none = zeros(sizes, dy.dtype());
    grads.add(0, dy.numel() ? scatter_add(none, dim, index.get(), dy) : none);
  });
}

Tensor scatter_add(const Tensor& x, int64_t at, const Tensor& index, const Tensor& source) {
  require_defined("scatter_add", x, index, source);
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(x.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  Tensor y = scattered(kernels::ScatterOp::Add, x, dim, index, source);
  note("ScatterAdd", [&] { return Attributes{{"axis", {dim}}, {"indices", {}, {}, index}, {"source", {}, {}, source}}; });
  return record("ScatterAdd", {x, source}, std::move(y), [index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    if (grads.wants(1)) grads.add(1, gather(dy, dim, index.get()));
  });
}

Tensor scatter(const Tensor& x, int64_t at, const Tensor& index, const Operand& operand) {
  require_defined("scatter", x, index, operand);
  const int dim = wrap_dim(at, x.dim());
  const Tensor source = operand.is_tensor() ? operand.tensor() : full({}, operand.number(), x.dtype()).expand(index.sizes());
  check<RuntimeError>(x.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  Tensor y = scattered(kernels::ScatterOp::Set, x, dim, index, source);
  note("Scatter", [&] { return Attributes{{"axis", {dim}}, {"indices", {}, {}, index}, {"source", {}, {}, source}}; });
  return record("Scatter", {x, operand.tensor()}, std::move(y), [index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    if (grads.wants(0)) grads.add(0, scatter(dy, dim, index.get(), 0));
    if (grads.wants(1)) grads.add(1, gather(dy, dim, index.get()));
  });
}

Tensor scatter(const Tensor& x, int64_t at, const Tensor& index, const Operand& operand, ScatterReduce reduce) {
  require_defined("scatter", x, index, operand);
  const Tensor source = operand.is_tensor() ? operand.tensor() : full({}, operand.number(), x.dtype()).expand(index.sizes());
  if (reduce == ScatterReduce::Add) return scatter_add(x, at, index, source);
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(x.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  return scattered(kernels::ScatterOp::Multiply, x, dim, index, source);
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices) {
  require_defined("take_along_dim", x, indices);
  return take_along_dim(x.reshape({-1}), indices.reshape({-1}), 0);
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t at) {
  require_defined("take_along_dim", x, indices);
  check<RuntimeError>(indices.dtype() == kInt64, "torch.take_along_dim(): dtype of indices should be Long but got {}",
                      scalar_type_name(indices.dtype()));
  check<RuntimeError>(x.dim() == indices.dim(),
                      "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} dimensions "
                      "for input, and {} dimensions for indices",
                      x.dim(), indices.dim());
  const int dim = wrap_dim(at, x.dim());
  Shape without = x.sizes().shape(), of_indices = indices.sizes().shape();
  without[dim] = of_indices[dim] = 1;
  Shape common = broadcast_shapes(without, of_indices), x_shape = common;
  x_shape[dim] = x.sizes()[dim];
  common[dim] = indices.sizes()[dim];
  const Tensor from_front = indices.numel() ? where(lt(indices, 0), indices + x.sizes()[dim], indices) : indices;
  return gather(x.expand(x_shape), dim, from_front.expand(common));
}

// --- whole slices

namespace {

/// Adds slice k of `rows` to slice index[k] of y. All are row-major and checked.
void add_slices(const Tensor& y, kernels::Before before, int dim, const Tensor& index, const Tensor& rows) {
  kernels::add_slices(y.dtype(), before, along(at_least_1d(y).sizes(), dim), index.numel(), index.data<int64_t>(), rows.data_ptr(), y.data_ptr());
}

}  // namespace

Tensor sum_slices(const Tensor& dy, IntArrayRef sizes, int dim, const Tensor& index) {
  Tensor dx = make_dense(sizes, dy.dtype());
  add_slices(dx, kernels::Before::Nothing, dim, index.contiguous(), dy.detach().contiguous());
  return record("IndexSelectBackward", {dy}, std::move(dx),
                [index = Saved(index), dim](const Tensor& u, Grads& grads) { grads.add(0, index_select(u, dim, index.get())); });
}

Tensor index_select(const Tensor& x, int64_t at, const Tensor& index) {
  require_defined("index_select", x, index);
  const int dim = wrap_dim(at, x.dim());
  check<IndexError>(index.dim() <= 1, "index_select(): Index is supposed to be a vector");
  check<RuntimeError>(index.dtype() == kInt64, "index_select(): Expected dtype int32 or int64 for index");
  Shape sizes = x.sizes().shape();
  if (x.dim() > 0) sizes[dim] = index.numel();
  const Tensor values = x.detach().contiguous(), positions = index.contiguous();
  const int64_t size = x.dim() ? x.sizes()[dim] : 1;
  const int64_t* p = positions.data<int64_t>();
  check<IndexError>(!find_outside(positions, size), "index out of range in self");

  Tensor y = make_dense(sizes, x.dtype());
  kernels::select_slices(x.dtype(), along(values.sizes(), dim), positions.numel(), p, values.data_ptr(), y.data_ptr());
  note("IndexSelect", [&] { return Attributes{{"axis", {dim}}, {"indices", {}, {}, index}}; });
  return record("IndexSelect", {x}, std::move(y), [sizes = x.sizes().shape(), index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    grads.add(0, sum_slices(dy, sizes, dim, index.get()));
  });
}

Tensor index_add(const Tensor& x, int64_t at, const Tensor& index, const Tensor& source, Scalar alpha) {
  require_defined("index_add", x, index, source);
  const int dim = wrap_dim(at, x.dim());
  check<IndexError>(index.dim() <= 1, "index_add_(): Index is supposed to be a vector, but got dim: {}", index.dim());
  check<RuntimeError>(index.dtype() == kInt64, "index_add_(): Expected dtype int32/int64 for index but got: {}", scalar_type_name(index.dtype()));
  check<RuntimeError>(x.dtype() == source.dtype(), "index_add_(): self ({}) and source ({}) must have the same scalar type",
                      scalar_type_name(x.dtype()), scalar_type_name(source.dtype()));
  check<RuntimeError>(source.dim() == 0 || source.sizes()[wrap_dim(dim, source.dim())] == index.numel(),
                      "index_add_(): Number of indices ({}) should be equal to source.size(dim): ({}), for dim: {}", index.numel(),
                      source.dim() ? source.size(dim) : 1, dim);
  if (!is_floating_point(x.dtype())) alpha = x.dtype() == kBool ? Scalar(alpha.to<bool>()) : Scalar(alpha.to<int64_t>());
  Tensor y;
  {
    NoGradGuard no_grad;
    y = x.detach().clone(MemoryFormat::Contiguous);
    Tensor rows = alpha.to<double>() == 1 ? source.detach() : (source.detach() * alpha).to(x.dtype());
    Shape sizes = at_least_1d(y).sizes().shape();
    sizes[dim] = index.numel();
    check<RuntimeError>(at_least_1d(rows).sizes() == sizes || rows.dim() == 0,
                        "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {} "
                        "source.shape = {}",
                        x.sizes(), source.sizes());
    rows = rows.contiguous();
    const Tensor positions = index.contiguous();
    const int64_t size = at_least_1d(y).sizes()[dim];
    const bool looks = y.numel() > 0 || y.dim() <= 1;  // where there is nothing to write to, PyTorch looks at the indices of vectors only
    check<IndexError>(!looks || !find_outside(positions, size), "index out of range in self");
    if (y.numel() > 0) add_slices(y, kernels::Before::Values, dim, positions, rows);
  }
  note("IndexAdd", [&] { return Attributes{{"axis", {dim}}, {"indices", {}, {}, index}, {"alpha", {}, {alpha.to<double>()}}}; });
  return record("IndexAdd", {x, source}, std::move(y), [index = Saved(index), dim, alpha](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    if (!grads.wants(1)) return;
    const Tensor picked = index_select(dy, dim, index.get());
    grads.add(1, alpha.to<double>() == 1 ? picked : picked * alpha);
  });
}

}  // namespace ember
