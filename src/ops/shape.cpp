// Joining, splitting and rearranging.
#include <ember/ops/shape.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>

#include <algorithm>
#include <string_view>

#include "autograd/recorder.h"
#include "error_format.h"
#include "sizes.h"
#include "kernels/copy/copy.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

// A leftover of old PyTorch: an empty vector fits everywhere in cat.
bool skipped(const Tensor& t) { return t.dim() == 1 && t.numel() == 0; }

Shape cat_shape(const std::vector<Tensor>& tensors, int dim, const Tensor& first) {
  Shape shape = first.sizes().shape();
  shape[dim] = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (skipped(t)) continue;
    check<RuntimeError>(t.dim() == first.dim(), "Tensors must have same number of dimensions: got {} and {}", first.dim(), t.dim());
    for (int d = 0; d < t.dim(); ++d)
      check<RuntimeError>(d == dim || t.sizes()[d] == first.sizes()[d],
                          "Sizes of tensors must match except in dimension {}. Expected size {} but got size {} for tensor number "
                          "{} in the list.",
                          dim, first.sizes()[d], t.sizes()[d], i);
    shape[dim] += t.sizes()[dim];
  }
  return shape;
}

/// Row-major tensors of one type side by side: y is written from its first to its last byte.
void join_rows(const std::vector<Tensor>& tensors, int dim, const Tensor& y) {
  std::vector<kernels::RowsOfBytes> parts;
  int64_t rows = 1;
  for (int d = 0; d < dim; ++d) rows *= y.sizes()[d];
  for (const Tensor& t : tensors)
    if (t.numel() > 0) parts.push_back({static_cast<const char*>(t.data_ptr()), t.numel() / rows * item_size(t.dtype())});
  kernels::join_rows(rows, parts.data(), int64_t(parts.size()), static_cast<char*>(y.data_ptr()), y.numel());
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, int64_t at) {
  require_defined("cat", tensors);
  check<ValueError>(!tensors.empty(), "torch.cat(): expected a non-empty list of Tensors");
  const Tensor* first = nullptr;
  DType dtype = tensors[0].dtype();
  bool channels_last = true, rows = true;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    check<TypeError>(t.defined(), "expected Tensor as element {} in argument 0, but got NoneType", i);
    check<RuntimeError>(t.dim() > 0, "zero-dimensional tensor (at position {}) cannot be concatenated", i);
    dtype = promote_types(dtype, t.dtype());
    if (skipped(t)) continue;
    if (!first) first = &t;
    rows = rows && t.dtype() == first->dtype() && t.is_contiguous();
    channels_last = channels_last && t.dim() == 4 && t.is_contiguous(MemoryFormat::ChannelsLast) && !t.is_contiguous();
  }
  if (!first) first = &tensors[0], channels_last = false;
  const int dim = wrap_dim(at, first->dim());
  rows = rows && first->dtype() == dtype && dim > 0;
  const Shape shape = cat_shape(tensors, dim, *first);

  Tensor y = channels_last ? empty_strided(shape, channels_last_strides(shape), dtype) : make_dense(shape, dtype);
  if (rows) join_rows(tensors, dim, y);
  std::vector<int64_t> lengths;
  int64_t start = 0;
  for (const Tensor& t : tensors) {
    lengths.push_back(skipped(t) ? -1 : t.sizes()[dim]);
    if (rows || skipped(t)) continue;
    char* to = static_cast<char*>(y.data_ptr()) + start * y.strides()[dim] * item_size(dtype);
    kernels::copy(dtype, to, y.impl()->strides, t.dtype(), t.data_ptr(), t.impl()->strides, t.impl()->sizes, t.dim());
    start += t.sizes()[dim];
  }
  note("Cat", [&] { return Attributes{{"axis", {dim}}}; });
  return record("Cat", tensors, std::move(y), [lengths, dim](const Tensor& dy, Grads& grads) {
    int64_t start = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if (lengths[i] < 0) {
        grads.add(int(i), zeros({0}, dy.dtype()));
        continue;
      }
      if (grads.wants(int(i))) grads.add(int(i), dy.narrow(dim, start, lengths[i]));
      start += lengths[i];
    }
  });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t at) {
  require_defined("stack", tensors);
  check<RuntimeError>(!tensors.empty(), "stack expects a non-empty TensorList");
  const int dim = wrap_dim(at, tensors[0].dim() + 1);
  std::vector<Tensor> rows;
  rows.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check<RuntimeError>(tensors[i].sizes() == tensors[0].sizes(),
                        "stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {}", tensors[0].sizes(),
                        tensors[i].sizes(), i);
    rows.push_back(tensors[i].unsqueeze(dim));
  }
  return cat(rows, dim);
}

Tensor hstack(const std::vector<Tensor>& tensors) {
  require_defined("hstack", tensors);
  check<RuntimeError>(!tensors.empty(), "hstack expects a non-empty TensorList");
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) parts.push_back(t.dim() == 0 ? t.reshape({1}) : t);
  return cat(parts, parts[0].dim() == 1 ? 0 : 1);
}

Tensor vstack(const std::vector<Tensor>& tensors) {
  require_defined("vstack", tensors);
  check<RuntimeError>(!tensors.empty(), "vstack expects a non-empty TensorList");
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) parts.push_back(t.dim() == 0 ? t.reshape({1, 1}) : t.dim() == 1 ? t.unsqueeze(0) : t);
  return cat(parts, 0);
}

/// Views that one operation has made together.
static std::vector<Tensor> one_of_many(const char* operation, std::vector<Tensor> views) {
  for (std::size_t i = 0; i < views.size(); ++i) detail::mark_one_of_many(views[i], operation, int(i));
  return views;
}

std::vector<Tensor> split(const Tensor& x, int64_t split_size, int64_t dim) {
  require_defined("split", x);
  check<RuntimeError>(x.dim() > 0, "split expects at least a 1-dimensional tensor");
  const int d = wrap_dim(dim, x.dim());
  const int64_t size = x.sizes()[d];
  check<RuntimeError>(split_size >= 0, "split expects split_size be non-negative, but got split_size={}", split_size);
  check<RuntimeError>(split_size > 0 || size == 0, "split_size can only be 0 if dimension size is 0, but got dimension size of {}", size);
  std::vector<Tensor> parts;
  for (int64_t start = 0; start < size || parts.empty(); start += split_size) parts.push_back(x.narrow(d, start, std::min(split_size, size - start)));
  return one_of_many("Split", std::move(parts));
}

std::vector<Tensor> split(const Tensor& x, IntArrayRef split_sizes, int64_t dim) {
  require_defined("split", x);
  check<RuntimeError>(x.dim() > 0, "split expects at least a 1-dimensional tensor");
  const int d = wrap_dim(dim, x.dim());
  int64_t total = 0;
  for (int64_t size : split_sizes) {
    check<RuntimeError>(size >= 0, "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={}", split_sizes);
    total += size;
  }
  check<RuntimeError>(total == x.sizes()[d],
                      "split_with_sizes expects split_sizes to sum exactly to {} (input tensor's size at dimension {}), but got "
                      "split_sizes={}",
                      x.sizes()[d], d, split_sizes);
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : split_sizes) {
    parts.push_back(x.narrow(d, start, size));
    start += size;
  }
  return one_of_many("SplitWithSizes", std::move(parts));
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  require_defined("chunk", x);
  check<RuntimeError>(x.dim() > 0, "chunk expects at least a 1-dimensional tensor");
  check<RuntimeError>(chunks > 0, "chunk expects `chunks` to be greater than 0, got: {}", chunks);
  const int64_t size = x.sizes()[wrap_dim(dim, x.dim())], each = (size + chunks - 1) / chunks;
  if (each == 0) return split(x, std::vector<int64_t>(std::size_t(chunks), 0), dim);
  return split(x, each, dim);
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  require_defined("unbind", x);
  const int d = wrap_dim(dim, x.dim());
  check<RuntimeError>(x.dim() > 0, "Dimension specified as {} but tensor has no dimensions", dim);
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < x.sizes()[d]; ++i) parts.push_back(x.select(d, i));
  return one_of_many("Unbind", std::move(parts));
}

Tensor broadcast_to(const Tensor& x, IntArrayRef sizes) {
  require_defined("broadcast_to", x);
  return x.expand(sizes);
}

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors) {
  require_defined("broadcast_tensors", tensors);
  Shape shape;
  for (const Tensor& t : tensors) shape = broadcast_shapes(shape, t.sizes());
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) result.push_back(t.expand(shape));
  return result;
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, const char* indexing) {
  require_defined("meshgrid", tensors);
  const bool xy = std::string_view(indexing) == "xy";
  check<RuntimeError>(xy || std::string_view(indexing) == "ij", "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {}",
                      indexing);
  check<RuntimeError>(!tensors.empty(), "meshgrid expects a non-empty TensorList");
  const int n = int(tensors.size());
  std::vector<Tensor> inputs = tensors;
  if (xy && n >= 2) std::swap(inputs[0], inputs[1]);
  Shape shape;
  for (const Tensor& t : inputs) {
    check<RuntimeError>(t.dim() <= 1, "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {}", t.sizes());
    check<RuntimeError>(t.dtype() == inputs[0].dtype(), "torch.meshgrid expects all tensors to have the same dtype");
    shape.push_back(t.numel());
  }
  std::vector<Tensor> grids;
  for (int i = 0; i < n; ++i) {
    Shape along = Shape::filled(n, 1);
    along[i] = shape[i];
    grids.push_back(inputs[std::size_t(i)].reshape(along).expand(shape));
  }
  if (xy && n >= 2) std::swap(grids[0], grids[1]);
  return grids;
}

Tensor repeat(const Tensor& x, IntArrayRef repeats) {
  require_defined("repeat", x);
  check<RuntimeError>(repeats.size() >= x.dim(), "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  Shape sizes = Shape::filled(repeats.size() - x.dim(), 1), repeated;
  for (int64_t size : x.sizes()) sizes.push_back(size);
  for (int d = 0; d < repeats.size(); ++d) {
    check<RuntimeError>(repeats[d] >= 0, "Repeat dims must be non-negative: {}", repeats);
    int64_t size;
    check<RuntimeError>(!__builtin_mul_overflow(sizes[d], repeats[d], &size), "repeat: {} times the size {} overflows", repeats[d], sizes[d]);
    repeated.push_back(size);
  }
  check_storable(repeated);
  // Along one dimension after the other: of (outer, 1, the rest) a view (outer, times, the rest), copied when it is reshaped.
  Tensor y = x.reshape(sizes);
  int64_t outer = 1;
  for (int d = 0; d < repeats.size(); outer *= sizes[d++]) {
    if (repeats[d] == 1) continue;
    sizes[d] = repeated[d];
    y = y.numel() == 0 || repeats[d] == 0 ? y.reshape({-1}).narrow(0, 0, 0).reshape(sizes)
                                          : y.reshape({outer, 1, -1}).expand({outer, repeats[d], -1}).reshape(sizes);
  }
  return y.shares_storage(x) ? y.clone() : y;
}

Tensor tile(const Tensor& x, IntArrayRef repeats) {
  require_defined("tile", x);
  Shape all = Shape::filled(std::max(0, x.dim() - repeats.size()), 1);
  for (int64_t r : repeats) all.push_back(r);
  return repeat(x, all);
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats) {
  require_defined("repeat_interleave", x);
  return repeat_interleave(x.reshape({-1}), repeats, 0);
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim) {
  require_defined("repeat_interleave", x);
  check<RuntimeError>(repeats >= 0, "repeats can not be negative");
  const int d = wrap_dim(dim, x.dim());
  Shape spread;
  for (int i = 0; i < x.dim(); ++i) {
    spread.push_back(x.sizes()[i]);
    if (i == d) spread.push_back(repeats);
  }
  return x.unsqueeze(d + 1).expand(spread).flatten(d, d + 1);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim) {
  require_defined("repeat_interleave", x, repeats);
  check<RuntimeError>(repeats.dim() <= 1, "repeats must be 0-dim or 1-dim tensor");
  if (repeats.numel() == 1) return repeat_interleave(x, repeats.item<int64_t>(), dim);
  const int64_t size = x.size(dim);
  check<RuntimeError>(repeats.numel() == size,
                      "repeats must have the same size as input along dim, but got repeats.size(0) = {} and input.size({}) = {}", repeats.numel(),
                      dim, size);
  const Tensor counts = repeats.to(kInt64).contiguous();
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < size; ++i) {
    check<RuntimeError>(counts.data<int64_t>()[i] >= 0, "repeats can not be negative");
    rows.insert(rows.end(), std::size_t(counts.data<int64_t>()[i]), i);
  }
  return index_select(x, dim, rows.empty() ? empty({0}, kInt64) : tensor(NestedNumbers(rows)));
}

Tensor flip(const Tensor& x, const Dims& dims) {
  require_defined("flip", x);
  Tensor y = empty_like(x);
  Shape strides = y.strides().shape();
  char* to = static_cast<char*>(y.data_ptr());
  std::uint32_t seen = 0;
  for (int64_t dim : dims.list()) {
    const int d = wrap_dim(dim, x.dim());
    check<RuntimeError>(!(seen >> d & 1), "dim {} appears multiple times in the list of dims", d);
    seen |= 1u << d;
    if (x.dim() == 0 || x.sizes()[d] == 0) continue;
    to += (x.sizes()[d] - 1) * strides[d] * item_size(x.dtype());
    strides[d] = -strides[d];
  }
  kernels::copy(x.dtype(), to, strides.begin(), x.dtype(), x.data_ptr(), x.impl()->strides, x.impl()->sizes, x.dim());
  note("Flip", [&] { return Attributes{{"axes", {dims.list().begin(), dims.list().end()}}}; });
  return record("Flip", {x}, std::move(y), [dims](const Tensor& dy, Grads& grads) { grads.add(0, flip(dy, dims)); });
}

Tensor roll(const Tensor& x, int64_t shift) {
  require_defined("roll", x);
  return roll(x.reshape({-1}), {shift}, {0}).reshape(x.sizes());
}

Tensor roll(const Tensor& x, IntArrayRef shifts, IntArrayRef dims) {
  require_defined("roll", x);
  check<RuntimeError>(!shifts.empty(), "`shifts` required");
  if (dims.empty() && shifts.size() == 1) return roll(x, shifts[0]);
  check<RuntimeError>(shifts.size() == dims.size(), "shifts and dimensions must align. shifts: {}, dims:{}", shifts.size(), dims.size());
  for (int64_t dim : dims) {
    wrap_dim(dim, x.dim());
    check<IndexError>(x.dim() > 0, "Dimension specified as {} but tensor has no dimensions", dim);
  }
  Tensor y = x;
  for (int i = 0; i < dims.size(); ++i) {
    const int64_t size = x.size(dims[i]);
    if (size == 0) continue;
    const int64_t shift = ((shifts[i] % size) + size) % size;
    if (shift > 0) y = cat({y.narrow(dims[i], size - shift, shift), y.narrow(dims[i], 0, size - shift)}, dims[i]);
  }
  return y.is_same(x) ? x.clone() : y;
}

namespace {

/// Columns minus rows of a matrix of x's last two sizes: 0 on the diagonal.
Tensor diagonal_number(const Tensor& x) { return arange(x.size(-1)) - arange(x.size(-2)).unsqueeze(1); }

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) {
  require_defined("tril", x);
  check<RuntimeError>(x.dim() >= 2, "tril: input tensor must have at least 2 dimensions");
  const Tensor mask = le(diagonal_number(x), diagonal);
  return record("Tril", {x}, where(mask, x.detach(), zeros({}, x.dtype())),
                [diagonal](const Tensor& dy, Grads& grads) { grads.add(0, tril(dy, diagonal)); });
}

Tensor triu(const Tensor& x, int64_t diagonal) {
  require_defined("triu", x);
  check<RuntimeError>(x.dim() >= 2, "triu: input tensor must have at least 2 dimensions");
  const Tensor mask = ge(diagonal_number(x), diagonal);
  return record("Triu", {x}, where(mask, x.detach(), zeros({}, x.dtype())),
                [diagonal](const Tensor& dy, Grads& grads) { grads.add(0, triu(dy, diagonal)); });
}

Tensor diag(const Tensor& x, int64_t diagonal) {
  require_defined("diag", x);
  check<RuntimeError>(x.dim() == 1 || x.dim() == 2, "diag(): Supports 1D or 2D tensors. Got {}D", x.dim());
  if (x.dim() == 2) return x.diagonal(diagonal).clone();
  check<RuntimeError>(diagonal > -kMostElements && diagonal < kMostElements, "Storage size calculation overflowed with diagonal={}", diagonal);
  const int64_t n = x.numel() + (diagonal < 0 ? -diagonal : diagonal);
  Tensor y = zeros({n, n}, x.dtype());
  {
    NoGradGuard no_grad;
    y.diagonal(diagonal).copy_(x);
  }
  note("DiagEmbed", [&] { return Attributes{{"offset", {diagonal}}, {"dim1", {0}}, {"dim2", {1}}}; });
  return record("DiagEmbed", {x}, std::move(y), [diagonal](const Tensor& dy, Grads& grads) { grads.add(0, dy.diagonal(diagonal)); });
}

}  // namespace ember
