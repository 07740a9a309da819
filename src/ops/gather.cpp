// gather and scatter, slices by index.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "error_format.h"
#include "kernels/kernels.h"
#include "ops/gather.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// A row-major tensor seen along one dimension: (outer, n, inner).
struct Along {
  int64_t outer = 1, n = 1, inner = 1;
  Along(IntArrayRef sizes, int dim) {
    for (int d = 0; d < sizes.size(); ++d) (d < dim ? outer : d > dim ? inner : n) *= sizes[d];
  }
};

void check_index_type(const char* name, const Tensor& index) {
  check<RuntimeError>(index.dtype() == kInt64 || index.numel() == 0, "{}(): Expected dtype int64 for index", name);
}

/// Calls body with a number of the size of one element: gathering moves bits, whatever they mean.
template <class Body>
void with_size(DType dtype, Body&& body) {
  if (item_size(dtype) == 8) return body(std::uint64_t());
  if (item_size(dtype) == 4) return body(std::uint32_t());
  body(std::uint8_t());
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
  check<RuntimeError>(!source.defined() || (source.dim() ? source.dim() : 1) == dims, "Index tensor must have the same number of dimensions as src tensor");
  for (int d = 0; d < x.dim() && d < index.dim(); ++d) {
    const bool fits = (d == dim || index.sizes()[d] <= x.sizes()[d]) && (!source.defined() || source.dim() <= d || index.sizes()[d] <= source.sizes()[d]);
    if (fits) continue;
    if (source.defined())
      fail<RuntimeError>("Expected index {} to be no larger than self {} apart from dimension {} and to be no larger size than src {}",
                         index.sizes(), x.sizes(), dim, source.sizes());
    fail<RuntimeError>("Size does not match at dimension {} expected index {} to be no larger than self {} apart from dimension {}",
                       d, index.sizes(), x.sizes(), dim);
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

/// body(place in `whole`, number of the index) for the indices `p` of the slices [begin, end) of `index`.
template <class Body>
void for_each_place(const Along& whole, const Along& index, int64_t begin, int64_t end, const int64_t* p, Body body) {
  int64_t s = begin * index.n * index.inner;
  for (int64_t o = begin; o < end; ++o) {
    const int64_t first = o * whole.n * whole.inner;
    if (whole.inner == 1)
      for (int64_t k = 0; k < index.n; ++k, ++s) body(first + p[s], s);
    else
      for (int64_t k = 0; k < index.n; ++k)
        for (int64_t i = 0; i < whole.inner; ++i, ++s) body(first + p[s] * whole.inner + i, s);
  }
}

/// The common part of scatter and scatter_add: put(to, from) for each element of index, T being as wide as those of x.
template <class T, class Put>
Tensor scatter_values(const Tensor& x, int dim, const Tensor& index, const Tensor& source, Put put) {
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
  const Along to(dense.sizes(), dim), given(at.sizes(), dim);
  const int64_t* const p = at.data<int64_t>();
  const T* const in = static_cast<const T*>(from.data_ptr());
  T* const out = static_cast<T*>(dense.data_ptr());
  kernels::parallel_for(to.outer, 1, double(at.numel()) * 3, [&](int64_t begin, int64_t end) {
    for_each_place(to, given, begin, end, p, [=](int64_t place, int64_t s) { put(out[place], in[s]); });
  });
  if (!whole) target.copy_(dense);
  return y;
}

template <class Change>
Tensor scatter_changed(const Tensor& x, int dim, const Tensor& index, const Tensor& source, Change change) {
  Tensor y;
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    y = scatter_values<T>(x, dim, index, source, [&](T& to, T from) { to = T(change(to, from)); });
  });
  return y;
}

}  // namespace

Tensor gather(const Tensor& x, int64_t at, const Tensor& index) {
  const int dim = wrap_dim(at, x.dim());
  if (index.numel() > 0) check_shapes("gather", x, index, dim, {});
  Tensor y = make_dense(index.sizes(), x.dtype());
  if (index.numel() > 0) {
    NoGradGuard no_grad;
    const Tensor positions = at_least_1d(index).contiguous(), values = cut_to(at_least_1d(x), positions, dim).contiguous();
    check_range(positions, dim, values.sizes()[dim]);
    const Along from(values.sizes(), dim), to(positions.sizes(), dim);
    const int64_t* p = positions.data<int64_t>();
    with_size(x.dtype(), [&](auto bits) {
      using Bits = decltype(bits);
      const Bits* in = static_cast<const Bits*>(values.data_ptr());
      Bits* out = static_cast<Bits*>(y.data_ptr());
      kernels::parallel_for(to.outer, 1, double(y.numel()) * 3, [&](int64_t begin, int64_t end) {
        for_each_place(from, to, begin, end, p, [=](int64_t place, int64_t s) { out[s] = in[place]; });
      });
    });
  }
  return record("Gather", {x}, std::move(y), [sizes = x.sizes().shape(), index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    const Tensor none = zeros(sizes, dy.dtype());
    grads.add(0, dy.numel() ? scatter_add(none, dim, index.get(), dy) : none);
  });
}

Tensor scatter_add(const Tensor& x, int64_t at, const Tensor& index, const Tensor& source) {
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(x.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  Tensor y = scatter_changed(x, dim, index, source, [](auto a, auto b) { return a + b; });
  return record("ScatterAdd", {x, source}, std::move(y), [index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    if (grads.wants(1)) grads.add(1, gather(dy, dim, index.get()));
  });
}

Tensor scatter(const Tensor& x, int64_t at, const Tensor& index, const Operand& operand) {
  const int dim = wrap_dim(at, x.dim());
  const Tensor source = operand.is_tensor() ? operand.tensor() : full({}, operand.number(), x.dtype()).expand(index.sizes());
  check<RuntimeError>(x.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  Tensor y;
  with_size(x.dtype(), [&](auto bits) {
    using Bits = decltype(bits);
    y = scatter_values<Bits>(x, dim, index, source, [](Bits& to, Bits from) { to = from; });
  });
  return record("Scatter", {x, operand.tensor()}, std::move(y), [index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    if (grads.wants(0)) grads.add(0, scatter(dy, dim, index.get(), 0));
    if (grads.wants(1)) grads.add(1, gather(dy, dim, index.get()));
  });
}

Tensor scatter(const Tensor& x, int64_t at, const Tensor& index, const Operand& operand, ScatterReduce reduce) {
  const Tensor source = operand.is_tensor() ? operand.tensor() : full({}, operand.number(), x.dtype()).expand(index.sizes());
  if (reduce == ScatterReduce::Add) return scatter_add(x, at, index, source);
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(x.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  return scatter_changed(x, dim, index, source, [](auto a, auto b) { return a * b; });
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices) { return take_along_dim(x.reshape({-1}), indices.reshape({-1}), 0); }

Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t at) {
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

constexpr int64_t kAhead = 4;  // rows fetched before their turn: no hardware guesses which one comes next

void fetch_row(const void* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes && i < 512; i += 64) __builtin_prefetch(static_cast<const char*>(row) + i);
}

/// to += from, n numbers.
template <class T>
void add_run(int64_t n, const T* from, T* to) {
  const kernels::CopyKernels& k = kernels::kernels().copy;
  if constexpr (std::is_same_v<T, float>) k.accumulate_float(n, from, to);
  else if constexpr (std::is_same_v<T, double>) k.accumulate_double(n, from, to);
  else
    for (int64_t i = 0; i < n; ++i) to[i] = T(to[i] + from[i]);
}

/// Indices below n in parts of 2^shift places: order[begin(part) .. end(part)) are the positions in the list of those that lie in it,
/// in rising order.
struct PartsOfPlaces {
  int shift;
  int64_t count;
  kernels::Scratch<int64_t> order, ends;

  PartsOfPlaces(int64_t n, int64_t most_parts, int64_t length, const int64_t* index)
      : shift(std::bit_width(std::uint64_t(n - 1) / std::uint64_t(most_parts))),
        count(((n - 1) >> shift) + 1),
        order(length),
        ends(count + 1) {
    std::fill_n(ends.data(), count + 1, 0);
    for (int64_t k = 0; k < length; ++k) ++ends[(index[k] >> shift) + 1];
    for (int64_t part = 0; part < count; ++part) ends[part + 1] += ends[part];
    for (int64_t k = 0; k < length; ++k) order[ends[index[k] >> shift]++] = k;  // moves every end to the next one's place
  }
  int64_t begin(int64_t part) const { return part == 0 ? 0 : ends[part - 1]; }
  int64_t end(int64_t part) const { return ends[part]; }
};

/// What y holds before slices are added.
enum class Before { Values, Nothing };

/// Adds slice k of `rows` to slice index[k] of y, where nothing counts as 0. All are row-major and checked.
template <class T>
void add_slices(const Tensor& y, Before before, int dim, const Tensor& index, const Tensor& rows) {
  const Along to(at_least_1d(y).sizes(), dim);
  const int64_t* const p = index.data<int64_t>();
  const int64_t count = index.numel();
  const T* const in = static_cast<const T*>(rows.data_ptr());
  T* const out = static_cast<T*>(y.data_ptr());
  // Equal indices must not meet on two threads: each takes places of its own, or, where y has few, a part of every slice.
  if (to.outer == 1 && to.n >= 256) {
    const PartsOfPlaces parts(to.n, kernels::slices_for(to.n, 1, double(rows.numel() + y.numel())), count, p);
    kernels::parallel_slices(parts.count, [&](int64_t part) {
      const int64_t first = part << parts.shift, places = std::min(to.n - first, int64_t(1) << parts.shift), end = parts.end(part);
      if (before == Before::Nothing) std::memset(out + first * to.inner, 0, std::size_t(places * to.inner) * sizeof(T));
      for (int64_t j = parts.begin(part); j < end; ++j) {
        const int64_t k = parts.order[j];
        if (j + kAhead < end) fetch_row(in + parts.order[j + kAhead] * to.inner, to.inner * int64_t(sizeof(T)));
        add_run(to.inner, in + k * to.inner, out + p[k] * to.inner);
      }
    });
    return;
  }
  if (before == Before::Nothing) std::memset(y.data_ptr(), 0, std::size_t(y.numel() * item_size(y.dtype())));
  const auto add = [&](int64_t o, int64_t begin, int64_t end) {
    const T* const from = in + o * count * to.inner;
    T* const target = out + o * to.n * to.inner;
    if (to.inner == 1)
      for (int64_t k = 0; k < count; ++k) target[p[k]] = T(target[p[k]] + from[k]);
    else
      for (int64_t k = 0; k < count; ++k) add_run(end - begin, from + k * to.inner + begin, target + p[k] * to.inner + begin);
  };
  if (to.outer == 1)
    kernels::parallel_for(to.inner, 16, double(rows.numel()), [&](int64_t begin, int64_t end) { add(0, begin, end); });
  else  // or none
    kernels::parallel_for(to.outer, 1, double(rows.numel()) * 2, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) add(o, 0, to.inner);
    });
}

void add_slices(const Tensor& y, Before before, int dim, const Tensor& index, const Tensor& rows) {
  with_type(y.dtype(), [&](auto zero) { add_slices<decltype(zero)>(y, before, dim, index, rows); });
}

}  // namespace

Tensor sum_slices(const Tensor& dy, IntArrayRef sizes, int dim, const Tensor& index) {
  Tensor dx = make_dense(sizes, dy.dtype());
  add_slices(dx, Before::Nothing, dim, index.contiguous(), dy.detach().contiguous());
  return record("IndexSelectBackward", {dy}, std::move(dx), [index = Saved(index), dim](const Tensor& u, Grads& grads) {
    grads.add(0, index_select(u, dim, index.get()));
  });
}

Tensor index_select(const Tensor& x, int64_t at, const Tensor& index) {
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
  const Along from(values.sizes(), dim);
  const int64_t rows = positions.numel(), bytes = from.inner * item_size(x.dtype());
  const char* in = static_cast<const char*>(values.data_ptr());
  char* out = static_cast<char*>(y.data_ptr());
  if (from.inner == 1 && dim > 0)
    with_size(x.dtype(), [&](auto bits) {
      using Bits = decltype(bits);
      kernels::parallel_for(from.outer, 1, double(y.numel()), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) {
          const Bits* const row = reinterpret_cast<const Bits*>(in) + o * from.n;
          for (int64_t k = 0; k < rows; ++k) reinterpret_cast<Bits*>(out)[o * rows + k] = row[p[k]];
        }
      });
    });
  else kernels::parallel_for(from.outer * rows, 1, double(y.numel()), [&](int64_t begin, int64_t end) {
    const auto row = [&](int64_t r) { return in + ((r / rows) * from.n + p[r % rows]) * bytes; };
    for (int64_t r = begin; r < end; ++r) {
      if (r + kAhead < end) fetch_row(row(r + kAhead), bytes);
      std::memcpy(out + r * bytes, row(r), std::size_t(bytes));
    }
  });
  return record("IndexSelect", {x}, std::move(y), [sizes = x.sizes().shape(), index = Saved(index), dim](const Tensor& dy, Grads& grads) {
    grads.add(0, sum_slices(dy, sizes, dim, index.get()));
  });
}

Tensor index_add(const Tensor& x, int64_t at, const Tensor& index, const Tensor& source, Scalar alpha) {
  const int dim = wrap_dim(at, x.dim());
  check<IndexError>(index.dim() <= 1, "index_add_(): Index is supposed to be a vector, but got dim: {}", index.dim());
  check<RuntimeError>(index.dtype() == kInt64, "index_add_(): Expected dtype int32/int64 for index but got: {}",
                      scalar_type_name(index.dtype()));
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
    if (y.numel() > 0) add_slices(y, Before::Values, dim, positions, rows);
  }
  return record("IndexAdd", {x, source}, std::move(y), [index = Saved(index), dim, alpha](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    if (!grads.wants(1)) return;
    const Tensor picked = index_select(dy, dim, index.get());
    grads.add(1, alpha.to<double>() == 1 ? picked : picked * alpha);
  });
}

}  // namespace ember
