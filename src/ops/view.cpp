// Views: the same memory under other sizes and strides. Each has its own backward where that is cheaper than the general one of
// as_strided; a part of a tensor (select, slice, diagonal) sends its gradient into a tensor of zeros.
#include <ember/autograd.h>

#include <algorithm>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/view.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

template <class Backward>
Tensor view_of(const char* name, const Tensor& x, IntArrayRef sizes, IntArrayRef strides, int64_t offset, Backward&& backward) {
  Tensor y = make_alias(x, sizes, strides, offset);
  if (detail::grad_mode && x.is_floating_point()) detail::attach_view(x, y);
  return record(name, {x}, std::move(y), static_cast<Backward&&>(backward));
}

/// A view of all elements in the same order of dimensions or another: the gradient only changes its shape.
Tensor reshaped(const char* name, const Tensor& x, IntArrayRef sizes, IntArrayRef strides) {
  return view_of(name, x, sizes, strides, 0, [from = x.sizes().shape()](const Tensor& dy, Grads& grads) { grads.add(0, dy.reshape(from)); });
}

/// The sizes of a tensor, and whether its channels are innermost: its gradient lies like it, so that sums of gradients need no reordering.
struct Form {
  Shape sizes;
  bool channels_last;
  explicit Form(const Tensor& x)
      : sizes(x.sizes().shape()), channels_last(x.dim() == 4 && x.strides()[1] == 1 && x.sizes()[1] > 1 && x.strides()[3] > 1) {}
};

/// Zeros of this form with dy in the part that `part` selects.
template <class Part>
Tensor embed(const Tensor& dy, const Form& form, Part&& part) {
  const Tensor dx = form.channels_last ? empty_strided(form.sizes, channels_last_strides(form.sizes), dy.dtype()).zero_()
                                       : zeros(form.sizes, dy.dtype());
  part(dx).copy_(dy);
  return dx;
}

int64_t clamp_index(int64_t index, int64_t size) { return index < 0 ? 0 : index > size ? size : index; }

}  // namespace

Shape infer_size(IntArrayRef sizes, int64_t numel) {
  Shape result = sizes.shape();
  int64_t known = 1;
  bool empty = false, overflow = false;
  int unknown = -1;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1) {
      check<RuntimeError>(unknown < 0, "only one dimension can be inferred");
      unknown = i;
    } else {
      check<RuntimeError>(sizes[i] >= 0, "invalid shape dimension {}", sizes[i]);
      if (sizes[i] == 0) empty = true;
      else overflow |= __builtin_mul_overflow(known, sizes[i], &known);
    }
  }
  check<RuntimeError>(!overflow, "numel: integer multiplication overflow\nshape '{}' is invalid for input of size {}", sizes, numel);
  if (empty) known = 0;
  const bool fits = unknown < 0 ? known == numel : known > 0 ? numel % known == 0 : numel == 0;
  check<RuntimeError>(fits, "shape '{}' is invalid for input of size {}", sizes, numel);
  if (unknown >= 0) {
    check<RuntimeError>(known != 0,
                        "cannot reshape tensor of 0 elements into shape {} because the unspecified dimension size -1 can be any "
                        "value and is ambiguous",
                        sizes);
    result[unknown] = numel / known;
  }
  return result;
}

// Dimensions of x that follow each other without a gap form one run; the new sizes must cut each run exactly.
bool view_strides(const Tensor& x, IntArrayRef sizes, Shape& strides) {
  strides = contiguous_strides(sizes);
  if (x.numel() == 0 || x.is_contiguous()) return true;
  int at = sizes.size() - 1;
  int64_t run_numel = 1, view_numel = 1, run_stride = x.dim() ? x.strides().back() : 1;
  for (int i = x.dim(); i-- > 0;) {
    run_numel *= x.sizes()[i];
    const bool run_ends = i == 0 || (x.sizes()[i - 1] != 1 && x.strides()[i - 1] != run_numel * run_stride);
    if (!run_ends) continue;
    while (at >= 0 && (view_numel < run_numel || sizes[at] == 1)) {
      strides[at] = view_numel * run_stride;
      view_numel *= sizes[at--];
    }
    if (view_numel != run_numel) return false;
    if (i > 0) {
      run_stride = x.strides()[i - 1];
      run_numel = view_numel = 1;
    }
  }
  return at == -1;
}

Tensor Tensor::view(IntArrayRef sizes) const {
  require_defined("view", *this);
  const Shape wanted = infer_size(sizes, numel());
  Shape strides;
  check<RuntimeError>(view_strides(*this, wanted, strides),
                      "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                      "contiguous subspaces). Use .reshape(...) instead.");
  return reshaped("View", *this, wanted, strides);
}

Tensor Tensor::reshape(IntArrayRef sizes) const {
  require_defined("reshape", *this);
  const Shape wanted = infer_size(sizes, numel());
  Shape strides;
  if (view_strides(*this, wanted, strides)) return reshaped("View", *this, wanted, strides);
  return reshaped("UnsafeView", contiguous(), wanted, contiguous_strides(wanted));
}

Tensor Tensor::expand(IntArrayRef sizes) const {
  require_defined("expand", *this);
  const int added = sizes.size() - dim();
  check<RuntimeError>(added >= 0,
                      "expand(torch.{}{{{}}}, size={}): the number of sizes provided ({}) must be greater or equal to the number of "
                      "dimensions in the tensor ({})",
                      tensor_type_name(dtype()), this->sizes(), sizes, sizes.size(), dim());
  Shape wanted = sizes.shape(), strides = Shape::filled(sizes.size(), 0);
  for (int i = 0; i < sizes.size(); ++i) {
    const int from = i - added;
    if (from < 0) {
      check<RuntimeError>(sizes[i] >= 0, "The expanded size of the tensor ({}) isn't allowed in a leading, non-existing dimension {}", sizes[i], i);
      continue;
    }
    const int64_t have = impl_->sizes[from];
    if (wanted[i] == -1) wanted[i] = have;
    check<RuntimeError>(wanted[i] >= 0, "The expanded size of the tensor ({}) must not be negative.  Target sizes: {}.  Tensor sizes: {}", wanted[i],
                        sizes, this->sizes());
    strides[i] = have == 1 && wanted[i] != 1 ? 0 : impl_->strides[from];
    check<RuntimeError>(have == 1 || wanted[i] == have,
                        "The expanded size of the tensor ({}) must match the existing size ({}) at non-singleton dimension {}.  "
                        "Target sizes: {}.  Tensor sizes: {}",
                        wanted[i], have, i, sizes, this->sizes());
  }
  return view_of("Expand", *this, wanted, strides, 0, [](const Tensor& dy, Grads& grads) { grads.add(0, dy); });
}

Tensor Tensor::permute(IntArrayRef dims) const {
  require_defined("permute", *this);
  check<RuntimeError>(dims.size() == dim(),
                      "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
                      "ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}",
                      dim(), dims.size());
  Shape sizes = this->sizes().shape(), strides = sizes, inverse = Shape::filled(dim(), -1);
  for (int i = 0; i < dim(); ++i) {
    const int from = wrap_dim(dims[i], dim());
    check<RuntimeError>(inverse[from] == -1, "permute(): duplicate dims are not allowed.");
    inverse[from] = i;
    sizes[i] = impl_->sizes[from];
    strides[i] = impl_->strides[from];
  }
  return view_of("Permute", *this, sizes, strides, 0, [inverse](const Tensor& dy, Grads& grads) { grads.add(0, dy.permute(inverse)); });
}

Tensor Tensor::transpose(int64_t a, int64_t b) const {
  require_defined("transpose", *this);
  const int i = wrap_dim(a, dim()), k = wrap_dim(b, dim());
  if (dim() == 0) return view({});
  Shape sizes = this->sizes().shape(), strides = this->strides().shape();
  std::swap(sizes[i], sizes[k]);
  std::swap(strides[i], strides[k]);
  return view_of("Transpose", *this, sizes, strides, 0, [i, k](const Tensor& dy, Grads& grads) { grads.add(0, dy.transpose(i, k)); });
}

Tensor Tensor::t() const {
  require_defined("t", *this);
  check<RuntimeError>(dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is {}D", dim());
  return dim() < 2 ? view(sizes()) : transpose(0, 1);
}

Tensor Tensor::T() const {
  require_defined("T", *this);
  Shape order = Shape::filled(dim(), 0);
  for (int i = 0; i < dim(); ++i) order[i] = dim() - 1 - i;
  return permute(order);
}

Tensor Tensor::squeeze() const {
  require_defined("squeeze", *this);
  Shape sizes, strides;
  for (int i = 0; i < dim(); ++i)
    if (impl_->sizes[i] != 1) {
      sizes.push_back(impl_->sizes[i]);
      strides.push_back(impl_->strides[i]);
    }
  return reshaped("Squeeze", *this, sizes, strides);
}

Tensor Tensor::squeeze(int64_t dim) const {
  require_defined("squeeze", *this);
  return squeeze(IntArrayRef(&dim, 1));
}

Tensor Tensor::squeeze(IntArrayRef dims) const {
  require_defined("squeeze", *this);
  bool named[kMaxDims] = {}, drop[kMaxDims] = {};
  for (int64_t d : dims) {
    const int i = wrap_dim(d, dim());
    check<RuntimeError>(!std::exchange(named[i], true), "dim {} appears multiple times in the list of dims", i);
    drop[i] = dim() && impl_->sizes[i] == 1;
  }
  Shape sizes, strides;
  for (int i = 0; i < dim(); ++i)
    if (!drop[i]) {
      sizes.push_back(impl_->sizes[i]);
      strides.push_back(impl_->strides[i]);
    }
  return reshaped("Squeeze", *this, sizes, strides);
}

Tensor Tensor::unsqueeze(int64_t dim) const {
  require_defined("unsqueeze", *this);
  const int at = wrap_dim(dim, this->dim() + 1);
  Shape sizes = this->sizes().shape(), strides = this->strides().shape();
  const int64_t stride = at < this->dim() ? sizes[at] * strides[at] : 1;
  sizes.insert(at, 1);
  strides.insert(at, stride);
  return reshaped("Unsqueeze", *this, sizes, strides);
}

Tensor Tensor::select(int64_t dim, int64_t index) const {
  require_defined("select", *this);
  check<IndexError>(this->dim() > 0, "select() cannot be applied to a 0-dim tensor.");
  const int at = wrap_dim(dim, this->dim());
  const int64_t size = impl_->sizes[at];
  check<IndexError>(index >= -size && index < size, "index {} is out of bounds for dimension {} with size {}", index, at, size);
  if (index < 0) index += size;
  Shape sizes = this->sizes().shape(), strides = this->strides().shape();
  const int64_t offset = index * strides[at];
  sizes.erase(at);
  strides.erase(at);
  return view_of("Select", *this, sizes, strides, offset, [from = Form(*this), at, index](const Tensor& dy, Grads& grads) {
    grads.add(0, embed(dy, from, [&](const Tensor& dx) { return dx.select(at, index); }));
  });
}

Tensor Tensor::select_first(int64_t index) const {
  require_defined("select_first", *this);
  check<IndexError>(dim() > 0, "invalid index of a 0-dim tensor. Use `tensor.item()` to convert it to a number");
  return select(0, index);
}

Tensor Tensor::slice(int64_t dim, int64_t start, int64_t stop, int64_t step) const {
  require_defined("slice", *this);
  check<RuntimeError>(this->dim() > 0, "slice() cannot be applied to a 0-dim tensor.");
  check<ValueError>(step > 0, "step must be greater than zero");
  const int at = wrap_dim(dim, this->dim());
  const int64_t size = impl_->sizes[at];
  start = start == Slice::None ? 0 : clamp_index(start < 0 ? start + size : start, size);
  stop = stop == Slice::None ? size : clamp_index(stop < 0 ? stop + size : stop, size);
  if (stop < start) stop = start;
  Shape sizes = this->sizes().shape(), strides = this->strides().shape();
  const int64_t offset = start * strides[at];
  sizes[at] = stop > start ? (stop - start - 1) / step + 1 : 0;
  if (step < size) strides[at] *= step;
  return view_of("Slice", *this, sizes, strides, offset, [from = Form(*this), at, start, stop, step](const Tensor& dy, Grads& grads) {
    grads.add(0, embed(dy, from, [&](const Tensor& dx) { return dx.slice(at, start, stop, step); }));
  });
}

Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  require_defined("narrow", *this);
  check<RuntimeError>(this->dim() > 0, "narrow() cannot be applied to a 0-dim tensor.");
  check<RuntimeError>(length >= 0, "narrow(): length must be non-negative.");
  const int64_t size = this->size(dim);
  check<IndexError>(start >= -size && start <= size, "start out of range (expected to be in range of [{}, {}], but got {})", -size, size, start);
  if (start < 0) start += size;
  check<RuntimeError>(start <= size - length, "start ({}) + length ({}) exceeds dimension size ({}).", start, length, size);
  return slice(dim, start, start + length);
}

Tensor Tensor::diagonal(int64_t offset, int64_t dim1, int64_t dim2) const {
  require_defined("diagonal", *this);
  const int a = wrap_dim(dim1, dim()), b = wrap_dim(dim2, dim());
  check<RuntimeError>(a != b, "diagonal dimensions cannot be identical {}, {}", dim1, dim2);
  offset = std::clamp(offset, -size(a), size(b));
  const int64_t length = std::max<int64_t>(0, offset >= 0 ? std::min(size(a), size(b) - offset) : std::min(size(a) + offset, size(b)));
  const int64_t first = length == 0 ? 0 : offset >= 0 ? offset * stride(b) : -offset * stride(a);
  Shape sizes, strides;
  for (int i = 0; i < dim(); ++i)
    if (i != a && i != b) {
      sizes.push_back(impl_->sizes[i]);
      strides.push_back(impl_->strides[i]);
    }
  sizes.push_back(length);
  strides.push_back(stride(a) + stride(b));
  note("Diagonal", [&] { return Attributes{{"offset", {offset}}, {"dim1", {a}}, {"dim2", {b}}}; });
  return view_of("Diagonal", *this, sizes, strides, first, [from = Form(*this), offset, a, b](const Tensor& dy, Grads& grads) {
    grads.add(0, embed(dy, from, [&](const Tensor& dx) { return dx.diagonal(offset, a, b); }));
  });
}

Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim) const {
  require_defined("flatten", *this);
  const int first = wrap_dim(start_dim, dim()), last = wrap_dim(end_dim, dim());
  check<RuntimeError>(first <= last, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (dim() == 0) return reshape({1});
  if (first == last) return *this;
  Shape sizes;
  int64_t merged = 1;
  for (int i = first; i <= last; ++i) merged *= impl_->sizes[i];
  for (int i = 0; i < dim(); ++i) {
    if (i == first) sizes.push_back(merged);
    if (i < first || i > last) sizes.push_back(impl_->sizes[i]);
  }
  return reshape(sizes);
}

Tensor Tensor::unflatten(int64_t dim, IntArrayRef sizes) const {
  require_defined("unflatten", *this);
  const int at = wrap_dim(dim, this->dim());
  check<RuntimeError>(!sizes.empty(), "unflatten: sizes must be non-empty");
  Shape wanted;
  const Shape inner = infer_size(sizes, impl_->sizes[at]);
  for (int i = 0; i < this->dim(); ++i) {
    if (i != at) wanted.push_back(impl_->sizes[i]);
    else
      for (int64_t s : inner) wanted.push_back(s);
  }
  return view(wanted);
}

Tensor Tensor::movedim(IntArrayRef source, IntArrayRef destination) const {
  require_defined("movedim", *this);
  check<RuntimeError>(source.size() == destination.size(),
                      "movedim: Invalid source or destination dims: source ({} dims) should contain the same number of dims as "
                      "destination ({} dims)",
                      source, destination);
  if (dim() == 0) {
    for (int i = 0; i < source.size(); ++i) wrap_dim(source[i], 0), wrap_dim(destination[i], 0);
    return permute({});
  }
  Shape order = Shape::filled(dim(), -1);
  bool moved[kMaxDims] = {};
  for (int i = 0; i < source.size(); ++i) {
    const int from = wrap_dim(source[i], dim()), to = wrap_dim(destination[i], dim());
    check<RuntimeError>(!moved[from], "movedim: repeated dim in `source` ({})", source);
    check<RuntimeError>(order[to] == -1, "movedim: repeated dim in `destination` ({})", destination);
    order[to] = from;
    moved[from] = true;
  }
  int next = 0;
  for (int i = 0; i < dim(); ++i) {
    if (order[i] != -1) continue;
    while (moved[next]) ++next;
    order[i] = next++;
  }
  return permute(order);
}

}  // namespace ember
