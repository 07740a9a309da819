// Rearrangements that are views and joins of others.
#include <ember/ops/arrange.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>

#include "autograd/recorder.h"
#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {

std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int64_t at) {
  require_defined("tensor_split", x);
  check<RuntimeError>(x.dim() > 0, "tensor_split expected at least a 1-dimensional tensor, but got a tensor with {} dims", x.dim());
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(sections > 0, "number of sections must be larger than 0, got {}", sections);
  const int64_t each = x.sizes()[dim] / sections, longer = x.sizes()[dim] % sections;
  std::vector<Tensor> parts;
  for (int64_t i = 0, start = 0; i < sections; ++i) {
    const int64_t size = each + (i < longer ? 1 : 0);
    parts.push_back(x.narrow(dim, start, size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> tensor_split(const Tensor& x, IntArrayRef indices, int64_t at) {
  require_defined("tensor_split", x);
  check<RuntimeError>(x.dim() > 0, "tensor_split expected at least a 1-dimensional tensor, but got a tensor with {} dims", x.dim());
  const int dim = wrap_dim(at, x.dim());
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t end : indices) {
    parts.push_back(x.slice(dim, start, end));
    start = end;
  }
  parts.push_back(x.slice(dim, start));
  return parts;
}

namespace {

/// The dimension that a split by name cuts.
int split_dim(const char* name, const Tensor& x, int least) {
  require_defined(name, x);
  check<RuntimeError>(x.dim() >= least, "torch.{} requires a tensor with at least {} dimension, but got a tensor with {} dimensions!", name, least,
                      x.dim());
  return name[0] == 'v' ? 0 : name[0] == 'd' ? 2 : x.dim() == 1 ? 0 : 1;
}

std::vector<Tensor> even_split(const char* name, const Tensor& x, int least, int64_t sections) {
  const int dim = split_dim(name, x, least);
  const int64_t size = x.sizes()[dim];
  check<RuntimeError>(sections > 0 && size % sections == 0,
                      "torch.{} attempted to split along dimension {}, but the size of the dimension {} is not divisible by the split_size {}!", name,
                      dim, size, sections);
  return tensor_split(x, sections, dim);
}

}  // namespace

std::vector<Tensor> hsplit(const Tensor& x, int64_t sections) { return even_split("hsplit", x, 1, sections); }
std::vector<Tensor> hsplit(const Tensor& x, IntArrayRef indices) { return tensor_split(x, indices, split_dim("hsplit", x, 1)); }
std::vector<Tensor> vsplit(const Tensor& x, int64_t sections) { return even_split("vsplit", x, 2, sections); }
std::vector<Tensor> vsplit(const Tensor& x, IntArrayRef indices) { return tensor_split(x, indices, split_dim("vsplit", x, 2)); }
std::vector<Tensor> dsplit(const Tensor& x, int64_t sections) { return even_split("dsplit", x, 3, sections); }
std::vector<Tensor> dsplit(const Tensor& x, IntArrayRef indices) { return tensor_split(x, indices, split_dim("dsplit", x, 3)); }

Tensor fliplr(const Tensor& x) {
  require_defined("fliplr", x);
  check<RuntimeError>(x.dim() >= 2, "Input must be >= 2-d.");
  return flip(x, 1);
}
Tensor flipud(const Tensor& x) {
  require_defined("flipud", x);
  check<RuntimeError>(x.dim() >= 1, "Input must be >= 1-d.");
  return flip(x, 0);
}

Tensor rot90(const Tensor& x, int64_t k, IntArrayRef dims) {
  require_defined("rot90", x);
  check<RuntimeError>(dims.size() == 2, "expected total rotation dims == 2, but got dims = {}", dims.size());
  check<RuntimeError>(x.dim() >= 2, "expected total dims >= 2, but got total dims = {}", x.dim());
  const int a = wrap_dim(dims[0], x.dim()), b = wrap_dim(dims[1], x.dim());
  check<RuntimeError>(a != b, "expected rotation dims to be different, but got dim0 = {} and dim1 = {}", dims[0], dims[1]);
  switch ((k % 4 + 4) % 4) {
    case 1: return flip(x, b).transpose(a, b);
    case 2: return flip(x, {a, b});
    case 3: return flip(x, a).transpose(a, b);
    default: return x.clone();
  }
}

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t at1, int64_t at2) {
  require_defined("diag_embed", x);
  check<RuntimeError>(x.dim() >= 1, "diag_embed: expected at least one dimension, but got a tensor with none");
  const int dims = x.dim() + 1, dim1 = wrap_dim(at1, dims), dim2 = wrap_dim(at2, dims);
  check<RuntimeError>(dim1 != dim2, "diagonal dimensions cannot be identical {}, {}", at1, at2);
  Shape sizes;
  const int64_t n = x.size(-1) + std::abs(offset);
  for (int d = 0, from = 0; d < dims; ++d) sizes.push_back(d == dim1 || d == dim2 ? n : x.sizes()[from++]);
  Tensor y = zeros(sizes, x.dtype());
  y.diagonal(offset, dim1, dim2).copy_(x.detach());
  note("DiagEmbed", [&] { return Attributes{{"offset", {offset}}, {"dim1", {dim1}}, {"dim2", {dim2}}}; });
  return record("DiagEmbed", {x}, std::move(y),
                [offset, dim1, dim2](const Tensor& dy, Grads& grads) { grads.add(0, dy.diagonal(offset, dim1, dim2)); });
}

Tensor diagflat(const Tensor& x, int64_t offset) {
  require_defined("diagflat", x);
  return diag_embed(x.reshape({-1}), offset);
}

Tensor block_diag(const std::vector<Tensor>& tensors) {
  require_defined("block_diag", tensors);
  if (tensors.empty()) return zeros({1, 0});
  std::vector<Tensor> rows;
  DType dtype = tensors[0].dtype();
  int64_t width = 0, before = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check<RuntimeError>(tensors[i].dim() <= 2, "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {} has {} dimensions", i,
                        tensors[i].dim());
    dtype = promote_types(dtype, tensors[i].dtype());
    width += tensors[i].dim() == 0 ? 1 : tensors[i].size(-1);
  }
  for (const Tensor& t : tensors) {
    const Tensor block = t.dim() == 2 ? t : t.reshape({1, -1});
    const int64_t own = block.size(1), height = block.size(0);
    rows.push_back(cat({zeros({height, before}, dtype), block.to(dtype), zeros({height, width - before - own}, dtype)}, 1));
    before += own;
  }
  return cat(rows, 0);
}

namespace {

/// x with src written into view(x). The gradient of src is that view of dy.
template <class View>
Tensor with_written(const char* name, const Tensor& x, const Tensor& src, const View& view) {
  Tensor y = x.detach().clone();
  const Tensor part = view(y);
  check<RuntimeError>(part.sizes() == src.sizes(), "expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
                      src.sizes(), part.sizes());
  part.copy_(src.detach());
  return record(name, {x, src}, std::move(y), [name, view, sizes = src.sizes().shape()](const Tensor& dy, Grads& grads) {
    if (grads.wants(0)) grads.add(0, with_written(name, dy, zeros(sizes, dy.dtype()), view));
    if (grads.wants(1)) grads.add(1, view(dy));
  });
}

}  // namespace

Tensor select_scatter(const Tensor& x, const Tensor& src, int64_t dim, int64_t index) {
  require_defined("select_scatter", x, src);
  return composed("SelectScatter", {x, src}, with_written("SelectScatter", x, src, [dim, index](const Tensor& t) { return t.select(dim, index); }),
                  [&] {
                    const int d = wrap_dim(dim, x.dim());
                    return Attributes{{"axis", {d}}, {"start", {index < 0 ? index + x.sizes()[d] : index}}};
                  });
}
Tensor slice_scatter(const Tensor& x, const Tensor& src, int64_t dim, int64_t start, int64_t stop, int64_t step) {
  require_defined("slice_scatter", x, src);
  return composed("SliceScatter", {x, src}, with_written("SliceScatter", x, src, [=](const Tensor& t) { return t.slice(dim, start, stop, step); }),
                  [&] {
                    const int d = wrap_dim(dim, x.dim());
                    const int64_t skipped = x.detach().slice(dim, start, stop, step).storage_offset() - x.storage_offset();
                    return Attributes{{"axis", {d}}, {"start", {x.strides()[d] ? skipped / x.strides()[d] : 0}}, {"step", {step}}};
                  });
}
Tensor diagonal_scatter(const Tensor& x, const Tensor& src, int64_t offset, int64_t dim1, int64_t dim2) {
  require_defined("diagonal_scatter", x, src);
  return with_written("DiagonalScatter", x, src, [=](const Tensor& t) { return t.diagonal(offset, dim1, dim2); });
}

Tensor cartesian_prod(const std::vector<Tensor>& tensors) {
  require_defined("cartesian_prod", tensors);
  check<RuntimeError>(!tensors.empty(), "cartesian_prod: expected at least one tensor");
  for (const Tensor& t : tensors) check<RuntimeError>(t.dim() == 1, "Expect a 1D vector, but got shape {}", t.sizes());
  if (tensors.size() == 1) return tensors[0];
  std::vector<Tensor> columns = meshgrid(tensors);
  for (Tensor& column : columns) column = column.reshape({-1});
  return stack(columns, 1);
}

Tensor combinations(const Tensor& x, int64_t r, bool with_replacement) {
  require_defined("combinations", x);
  check<RuntimeError>(x.dim() == 1, "Expect a 1D vector, but got shape {}", x.sizes());
  check<RuntimeError>(r >= 0, "Expect a non-negative number, but got {}", r);
  if (r == 0) return zeros({0}, x.dtype());
  const int64_t n = x.numel();
  std::vector<int64_t> chosen, positions;
  for (int64_t i = 0; i < r; ++i) chosen.push_back(with_replacement ? 0 : i);
  while (n > 0 && chosen.back() < n) {
    positions.insert(positions.end(), chosen.begin(), chosen.end());
    int64_t i = r - 1;  // the last one that can move on
    const auto last = [&](int64_t k) { return with_replacement ? n - 1 : n - r + k; };
    while (i > 0 && chosen[std::size_t(i)] >= last(i)) --i;
    ++chosen[std::size_t(i)];
    for (int64_t k = i + 1; k < r; ++k) chosen[std::size_t(k)] = chosen[std::size_t(k - 1)] + (with_replacement ? 0 : 1);
  }
  const Tensor at = make_dense({int64_t(positions.size())}, kInt64);
  std::copy(positions.begin(), positions.end(), at.data<int64_t>());
  return index_select(x, 0, at).reshape({-1, r});
}

Tensor vander(const Tensor& given, int64_t n, bool increasing) {
  require_defined("vander", given);
  check<RuntimeError>(given.dim() == 1, "x must be a one-dimensional tensor.");
  if (n == -1) n = given.numel();
  check<RuntimeError>(n >= 0, "N must be non-negative.");
  const Tensor x = is_floating_point(given.dtype()) ? given : given.to(kInt64);
  if (n == 0) return zeros({x.numel(), 0}, x.dtype());
  const Tensor factors = cat({ones({x.numel(), 1}, x.dtype()), x.unsqueeze(1).expand({x.numel(), n - 1})}, 1);
  const Tensor powers = cumprod(factors, 1);
  return increasing ? powers : flip(powers, 1);
}

namespace {

/// Where rows x columns numbers are kept, as two rows of positions.
template <class Kept>
Tensor positions_where(int64_t rows, int64_t columns, TensorOptions options, Kept kept) {
  check<RuntimeError>(rows >= 0, "row must be non-negative, got{}", rows);
  check<RuntimeError>(columns >= 0, "col must be non-negative, got{}", columns);
  std::vector<int64_t> at[2];
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (kept(i, j)) at[0].push_back(i), at[1].push_back(j);
  const Tensor y = make_dense({2, int64_t(at[0].size())}, kInt64);
  for (int row : {0, 1}) std::copy(at[row].begin(), at[row].end(), y.data<int64_t>() + row * y.sizes()[1]);
  return options.dtype == DType::Undefined ? y : y.to(options.dtype);
}

DType dtype_of_new(const Tensor& like, TensorOptions options) { return options.dtype == DType::Undefined ? like.dtype() : options.dtype; }

}  // namespace

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, TensorOptions options) {
  return positions_where(rows, columns, options, [offset](int64_t i, int64_t j) { return j - i <= offset; });
}
Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset, TensorOptions options) {
  return positions_where(rows, columns, options, [offset](int64_t i, int64_t j) { return j - i >= offset; });
}

Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, TensorOptions options) {
  check<RuntimeError>(steps >= 0, "number of steps must be non-negative");
  const DType dtype = options.dtype == DType::Undefined ? get_default_dtype() : options.dtype;
  if (!is_floating_point(dtype)) start = start.to<int64_t>(), end = end.to<int64_t>();  // as PyTorch: of whole numbers the exponents are whole, too
  const Tensor y = pow(base, linspace(start, end, steps, {.dtype = kFloat64})).to(dtype);
  if (options.requires_grad) y.requires_grad_();
  return y;
}

Tensor new_full(const Tensor& like, IntArrayRef sizes, Scalar value, TensorOptions options) {
  require_defined("new_full", like);
  return full(sizes, value, {dtype_of_new(like, options), options.requires_grad});
}
Tensor new_zeros(const Tensor& like, IntArrayRef sizes, TensorOptions options) {
  require_defined("new_zeros", like);
  return zeros(sizes, {dtype_of_new(like, options), options.requires_grad});
}
Tensor new_ones(const Tensor& like, IntArrayRef sizes, TensorOptions options) {
  require_defined("new_ones", like);
  return ones(sizes, {dtype_of_new(like, options), options.requires_grad});
}
Tensor new_empty(const Tensor& like, IntArrayRef sizes, TensorOptions options) {
  require_defined("new_empty", like);
  return empty(sizes, {dtype_of_new(like, options), options.requires_grad});
}

}  // namespace ember
