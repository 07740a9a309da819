// Writing at indices: compositions of scatter, gather and index_select, which bring the gradients.
#include <ember/ops/pick.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include <limits>

#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// An index of slices as one of elements: of these sizes, the same along all other dimensions.
Tensor element_index(const Tensor& index, IntArrayRef sizes, int dim) {
  Shape along = Shape::filled(sizes.size(), 1);
  if (sizes.size() > 0) along[dim] = index.numel();
  return index.reshape(along).expand(sizes);
}

void check_slices(const char* name, const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  check<IndexError>(index.dim() < 2, "{}(): Index should have dimension 1 or 0 (got {})", name, index.dim());
  check<IndexError>(source.dim() != 0 || index.numel() == 1 || x.dim() == 0, "{}(): When source is scalar, index should have one element (got {})",
                    name, index.numel());
  check<IndexError>(source.dim() == x.dim() || source.dim() == 0 || x.dim() == 0,
                    "{}(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({}), destination "
                    "dimensionality ({})",
                    name, source.dim(), x.dim());
  check<RuntimeError>(index.dtype() == kInt64, "{}(): Expected a long tensor for index, but got {}", name, scalar_type_name(index.dtype()));
  check<RuntimeError>(x.dtype() == source.dtype(), "{}(): self and source expected to have the same dtype, but got (self) {} and (source) {}", name,
                      scalar_type_name(x.dtype()), scalar_type_name(source.dtype()));
  for (int d = 0; d < x.dim() && source.dim() == x.dim(); ++d)
    check<RuntimeError>(d == dim || source.sizes()[d] == x.sizes()[d],
                        "{}(): Source/destination tensor must have same slice shapes. Destination slice shape: {} at dimension {} and source slice "
                        "shape: {} at dimension {}.",
                        name, x.sizes(), dim, source.sizes(), dim);
  check<IndexError>(source.dim() == 0 || index.numel() == source.sizes()[x.dim() ? dim : 0],
                    "{}(): Number of indices ({}) should be equal to source.size(dim) ({})", name, index.numel(),
                    source.dim() == 0 ? 1 : source.sizes()[x.dim() ? dim : 0]);
}

void check_inside(const char* name, const Tensor& index, int dim, int64_t size) {
  const Tensor at = index.contiguous();
  for (int64_t i = 0; i < at.numel(); ++i)
    check<IndexError>(at.data<int64_t>()[i] >= 0 && at.data<int64_t>()[i] < size, "{}index {} is out of bounds for dimension {} with size {}", name,
                      at.data<int64_t>()[i], dim, size);
}

/// -1 is the last one. Throws for what is outside.
Tensor from_the_front(const Tensor& index, int dim, int64_t size) {
  const Tensor at = where(lt(index, 0), index + size, index);
  check_inside("", at, dim, size);
  return at;
}

}  // namespace

Tensor index_copy(const Tensor& x, int64_t at, const Tensor& index, const Tensor& source) {
  require_defined("index_copy", x, index, source);
  const int dim = wrap_dim(at, x.dim());
  check_slices("index_copy_", x, dim, index, source);
  check_inside("index_copy_(): ", index, dim, x.dim() ? x.sizes()[dim] : 1);
  if (x.dim() == 0) return index_copy(x.reshape({1}), 0, index, source.reshape({-1})).reshape({});
  Shape sizes = x.sizes().shape();
  sizes[dim] = index.numel();
  return scatter(x, dim, element_index(index, sizes, dim), source.dim() == 0 ? source.expand(sizes) : source);
}

Tensor index_fill(const Tensor& x, int64_t at, const Tensor& index, const Operand& value) {
  require_defined("index_fill", x, index, value);
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(!value.is_tensor() || value.tensor().dim() == 0,
                      "index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                      value.is_tensor() ? value.tensor().dim() : 0);
  check<IndexError>(index.dtype() == kInt64, "index_fill_(): Expected dtype int64 for index.");
  check<RuntimeError>(index.dim() <= 1, "Index has to be a vector/scalar");
  const Tensor filling = value.is_tensor() ? value.tensor().to(x.dtype()) : full({}, value.number(), x.dtype());
  // A place that is named twice is filled once, and counts once in the gradient of the value.
  const Tensor places = unique(from_the_front(index, dim, x.dim() ? x.sizes()[dim] : 1)).values;
  if (x.dim() == 0) return index_fill(x.reshape({1}), 0, index, filling).reshape({});
  Shape sizes = x.sizes().shape();
  sizes[dim] = places.numel();
  return scatter(x, dim, element_index(places, sizes, dim), filling.expand(sizes));
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  require_defined("masked_scatter", x, mask, source);
  check<RuntimeError>(x.dtype() == source.dtype(), "masked_scatter: expected self and source to have same dtypes but got{} and {}",
                      scalar_type_name(x.dtype()), scalar_type_name(source.dtype()));
  check<RuntimeError>(mask.dtype() == kBool, "masked_scatter_ only supports boolean masks, but got mask with dtype {}",
                      scalar_type_name(mask.dtype()));
  const Shape sizes = broadcast_shapes(x.sizes(), mask.sizes());
  const Tensor places = nonzero(mask.expand(sizes).reshape({-1})).reshape({-1});
  check<RuntimeError>(source.numel() >= places.numel(), "Number of elements of source < number of ones in mask");
  return scatter(x.expand(sizes).reshape({-1}), 0, places, source.reshape({-1}).narrow(0, 0, places.numel())).reshape(sizes);
}

Tensor take(const Tensor& x, const Tensor& index) {
  require_defined("take", x, index);
  check<RuntimeError>(index.dtype() == kInt64, "take(): Expected a long tensor for index, but got {}", scalar_type_name(index.dtype()));
  check<IndexError>(x.numel() > 0 || index.numel() == 0, "take(): tried to take from an empty tensor");
  const Tensor at = index.contiguous();
  const int64_t n = x.numel();
  for (int64_t i = 0; i < at.numel(); ++i)
    check<IndexError>(at.data<int64_t>()[i] >= -n && at.data<int64_t>()[i] < n, "out of range: tried to access index {} on a tensor of {} elements.",
                      at.data<int64_t>()[i], n);
  return index_select(x.reshape({-1}), 0, where(lt(at, 0), at + n, at).reshape({-1})).reshape(index.sizes());
}

// --- scatter_reduce

namespace {

/// Where index says, in row-major order of index: body(place in y, element of src).
template <class T, class Body>
void for_each_place(const Tensor& y, int dim, const Tensor& index, const Tensor& src, Body&& body) {
  const IntArrayRef sizes = index.sizes();
  std::vector<int64_t> at(std::size_t(index.dim()), 0);
  const int64_t* chosen = index.data<int64_t>();
  T* const to = y.data<T>();
  const T* const from = src.data<T>();
  for (int64_t i = 0; i < index.numel(); ++i) {
    int64_t place = 0, source = 0;
    for (int d = 0; d < index.dim(); ++d) {
      place += (d == dim ? chosen[i] : at[std::size_t(d)]) * y.strides()[d];
      source += at[std::size_t(d)] * src.strides()[d];
    }
    body(to[place], from[source]);
    for (int d = index.dim(); d-- > 0;) {
      if (++at[std::size_t(d)] < sizes[d]) break;
      at[std::size_t(d)] = 0;
    }
  }
}

template <class T>
T start_of(IndexReduce reduce) {
  using Limits = std::numeric_limits<T>;
  if (reduce == IndexReduce::Prod) return T(1);
  if (reduce == IndexReduce::Amax) return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  if (reduce == IndexReduce::Amin) return Limits::has_infinity ? Limits::infinity() : Limits::max();
  return T(0);
}

template <class T>
void reduce_into(T& to, T value, IndexReduce reduce) {
  switch (reduce) {
    case IndexReduce::Prod: to = T(to * value); break;
    case IndexReduce::Amax: to = value != value || value > to ? value : to; break;
    case IndexReduce::Amin: to = value != value || value < to ? value : to; break;
    default: to = T(to + value);
  }
}

Tensor counts_at(const Tensor& like, int dim, const Tensor& index, bool include_self) {
  const Tensor start = include_self ? ones_like(like) : zeros_like(like);
  return scatter_add(start, dim, index, ones(index.sizes(), like.dtype()));
}

Tensor reduced(const Tensor& x, int dim, const Tensor& given_index, const Tensor& given_src, IndexReduce reduce, bool include_self) {
  const NoGradGuard no_grad;
  Tensor y = x.detach().clone(MemoryFormat::Contiguous);
  const Tensor index = given_index.contiguous(), src = given_src.detach().contiguous();
  with_type(x.dtype(), [&]<class T>(T) {
    if (!include_self) for_each_place<T>(y, dim, index, src, [&](T& to, T) { to = start_of<T>(reduce); });
    for_each_place<T>(y, dim, index, src, [&](T& to, T value) { reduce_into(to, value, reduce); });
  });
  if (reduce != IndexReduce::Mean) return y;
  const Tensor counts = clamp_min(counts_at(y, dim, index, include_self), 1);
  return is_floating_point(x.dtype()) ? y / counts : floor_divide(y, counts);
}

/// The gradients of x and src with PyTorch's conventions: extremes share among equals, products without their own factor.
void add_gradients(const Tensor& dy, const Tensor& x, const Tensor& y, int dim, const Tensor& index, const Tensor& src, IndexReduce reduce,
                   bool include_self, Grads& grads) {
  Tensor dx, dsrc;
  if (reduce == IndexReduce::Sum) {
    dx = dy;
    dsrc = gather(dy, dim, index);
  } else if (reduce == IndexReduce::Mean) {
    dx = dy / clamp_min(counts_at(dy.detach(), dim, index, include_self), 1);
    dsrc = gather(dx, dim, index);
  } else if (reduce == IndexReduce::Prod) {
    const Tensor own = masked_fill(x, eq(x.detach(), 0), 1), zero = eq(src.detach(), 0);
    const Tensor nonzero = masked_fill(src, zero, 1);
    dx = dy * scatter_reduce(own, dim, index, src, reduce, include_self) / own;
    const Tensor zeros_there = gather(scatter_add(zeros_like(x.detach()), dim, index, zero.to(x.dtype())), dim, index);
    const Tensor alone = zero & eq(zeros_there, 1);
    const Tensor others = gather(dy * scatter_reduce(x, dim, index, nonzero, reduce, include_self), dim, index);
    dsrc = where(alone, others, gather(dy * y, dim, index) / nonzero);
  } else {
    const Tensor of_src = eq(src.detach(), gather(y.detach(), dim, index)).to(dy.dtype()), of_x = eq(x.detach(), y.detach()).to(dy.dtype());
    const Tensor share = dy / scatter_add(of_x, dim, index, of_src);
    dx = of_x * share;
    dsrc = of_src * gather(share, dim, index);
  }
  if (!include_self) dx = scatter(dx, dim, index, 0);
  grads.add(0, dx);
  grads.add(1, dsrc);
}

}  // namespace

Tensor scatter_reduce(const Tensor& given_x, int64_t at, const Tensor& given_index, const Tensor& given_src, IndexReduce reduce, bool include_self) {
  require_defined("scatter_reduce", given_x, given_index, given_src);
  const int dim = wrap_dim(at, given_x.dim());
  check<RuntimeError>(given_x.dtype() == given_src.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  scatter(given_x.detach(), dim, given_index, given_src.detach());  // its checks
  const bool scalar = given_x.dim() == 0;
  const auto vector = [](const Tensor& t) { return t.dim() == 0 ? t.reshape({1}) : t; };
  const Tensor x = vector(given_x), index = vector(given_index);
  Tensor src = vector(given_src);
  for (int d = 0; d < index.dim(); ++d) src = src.narrow(d, 0, index.sizes()[d]);
  Tensor y = reduced(x, dim, index, src, reduce, include_self);
  y = record(
      "ScatterReduce", {x, src}, std::move(y), [x = Saved(x), src = Saved(src), index, dim, reduce, include_self](const Tensor& dy, Grads& grads) {
        const Tensor from = x.get(), values = src.get();
        const Tensor y = reduce == IndexReduce::Sum || reduce == IndexReduce::Mean ? Tensor()
                                                                                   : scatter_reduce(from, dim, index, values, reduce, include_self);
        add_gradients(dy, from, y, dim, index, values, reduce, include_self, grads);
      });
  return scalar ? y.reshape({}) : y;
}

Tensor index_reduce(const Tensor& x, int64_t at, const Tensor& index, const Tensor& source, IndexReduce reduce, bool include_self) {
  require_defined("index_reduce", x, index, source);
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(reduce != IndexReduce::Sum, "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got sum.");
  check_slices("index_reduce", x, dim, index, source);
  const Tensor places = index.contiguous();
  for (int64_t i = 0; i < places.numel(); ++i)
    check<IndexError>(places.data<int64_t>()[i] >= 0 && places.data<int64_t>()[i] < (x.dim() ? x.sizes()[dim] : 1), "index out of range in self");
  if (x.dim() == 0) return scatter_reduce(x.reshape({1}), 0, index.reshape({-1}), source.reshape({-1}), reduce, include_self).reshape({});
  Shape sizes = x.sizes().shape();
  sizes[dim] = index.numel();
  return scatter_reduce(x, dim, element_index(index, sizes, dim).contiguous(), source.dim() == 0 ? source.expand(sizes) : source, reduce,
                        include_self);
}

}  // namespace ember
