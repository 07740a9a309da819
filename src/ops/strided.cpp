// as_strided and unfold: views whose elements may overlap, and their gradient, which adds up what overlaps.
#include <ember/autograd.h>

#include <algorithm>

#include "autograd/recorder.h"
#include "error_format.h"
#include "sizes.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// Elements of dy added to their places in a row-major buffer.
template <class T>
void scatter_add(const Tensor& dy, IntArrayRef strides, T* out) {
  const T* from = dy.data<T>();
  int64_t index[kMaxDims] = {};
  int64_t at = 0;
  for (int64_t n = 0; n < dy.numel(); ++n) {
    out[at] += from[n];
    for (int d = dy.dim(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < dy.sizes()[d]) break;
      at -= index[d] * strides[d];
      index[d] = 0;
    }
  }
}

struct Geometry {
  Shape sizes, strides;
  int64_t offset = 0;
};

/// Whether two elements can lie in one place: sorted by stride, a dimension reaches as far as the next one's step.
bool may_overlap(const Geometry& g) {
  int order[kMaxDims], n = 0;
  for (int d = 0; d < int(g.sizes.size()); ++d)
    if (g.sizes[d] > 1) order[n++] = d;
  std::sort(order, order + n, [&](int a, int b) { return g.strides[a] < g.strides[b]; });
  int64_t reach = 0;
  for (int i = 0; i < n; ++i) {
    if (g.strides[order[i]] <= reach) return true;
    reach += (g.sizes[order[i]] - 1) * g.strides[order[i]];
  }
  return false;
}

/// How many elements of a view share each place of a memory of `span` elements that begins at `low`; at least 1.
Tensor sharers(const Geometry& view, int64_t low, int64_t span) {
  const Tensor counts = zeros({span}, kFloat64);
  scatter_add(ones(view.sizes, kFloat64), view.strides, counts.data<double>() + (view.offset - low));
  return counts.clamp_min(1);
}

/// x laid into memory by one geometry, overlaps added up, and read by another: the gradient of a view with regard to its input. What
/// elements of the input share is divided among them, as in PyTorch's as_strided. Linear, and its own transpose with from and to
/// exchanged, which is its gradient.
Tensor through_memory(const Tensor& x, const Geometry& from, const Geometry& to, const Geometry& input) {
  const int64_t low = std::min(from.offset, to.offset);
  const int64_t span = std::max(from.offset + span_of(from.sizes, from.strides), to.offset + span_of(to.sizes, to.strides)) - low;
  Tensor memory = zeros({span}, x.dtype());
  Tensor y;
  {
    NoGradGuard no_grad;
    const Tensor dense = x.contiguous();
    if (x.dtype() == kFloat32) scatter_add(dense, from.strides, memory.data<float>() + (from.offset - low));
    else scatter_add(dense, from.strides, memory.data<double>() + (from.offset - low));
    if (may_overlap(input)) memory.div_(sharers(input, low, span));
    y = make_alias(memory, to.sizes, to.strides, to.offset - low);
  }
  return record("AsStridedBackward", {x}, std::move(y), [=](const Tensor& dy, Grads& grads) { grads.add(0, through_memory(dy, to, from, input)); });
}

/// The view, whose gradient is computed as if x had the geometry `input` and the view lay in it as `in_input` says.
Tensor strided_view(const char* name, const Tensor& x, const Geometry& view, const Geometry& input, const Geometry& in_input) {
  Tensor y = make_alias(x, view.sizes, view.strides, view.offset - x.storage_offset());
  if (detail::grad_mode && x.is_floating_point()) detail::attach_view(x, y);
  return record(name, {x}, std::move(y), [=](const Tensor& dy, Grads& grads) { grads.add(0, through_memory(dy, in_input, input, input)); });
}

}  // namespace

Tensor Tensor::as_strided(IntArrayRef sizes, IntArrayRef strides, int64_t offset) const {
  require_defined("as_strided", *this);
  check<RuntimeError>(sizes.size() == strides.size(), "mismatch in length of strides and shape");
  for (int64_t s : strides) check<RuntimeError>(s >= 0, "as_strided: Negative strides are not supported at the moment, got strides: {}", strides);
  for (int64_t s : sizes) check<RuntimeError>(s >= 0, "Trying to create tensor with negative dimension {}: {}", s, sizes);
  if (offset == Slice::None) offset = storage_offset();
  check<RuntimeError>(offset >= 0, "Tensor: invalid storage offset {}", offset);
  const int64_t span = span_of(sizes, strides), bytes = (std::min(offset, kMostElements) + span) * item_size(dtype());
  check<RuntimeError>(span == 0 || bytes <= impl_->storage->bytes,
                      "setStorage: sizes {}, strides {}, storage offset {}, and itemsize {} requiring a storage size of {} are "
                      "out of bounds for storage of size {}",
                      sizes, strides, offset, item_size(dtype()), bytes, impl_->storage->bytes);
  const Geometry view{sizes.shape(), strides.shape(), offset};
  return strided_view("AsStrided", *this, view, {this->sizes().shape(), this->strides().shape(), storage_offset()}, view);
}

Tensor Tensor::unfold(int64_t dim, int64_t size, int64_t step) const {
  require_defined("unfold", *this);
  const int at = wrap_dim(dim, this->dim());
  const int64_t length = this->dim() ? impl_->sizes[at] : 1;
  check<RuntimeError>(size >= 0, "size is {} but must be >= 0", size);
  check<RuntimeError>(size <= length, "maximum size for tensor at dimension {} is {} but size is {}", at, length, size);
  check<RuntimeError>(step > 0, "step is {} but must be > 0", step);
  const auto windows = [&](IntArrayRef strides, int64_t offset) {
    Geometry view{sizes().shape(), strides.shape(), offset};
    if (this->dim()) {
      view.sizes[at] = (length - size) / step + 1;
      view.strides[at] = view.sizes[at] > 1 ? step * strides[at] : strides[at];
    }
    view.sizes.push_back(size);
    view.strides.push_back(this->dim() ? strides[at] : 1);
    return view;
  };
  // Each element of x has its own gradient even where x repeats one: that is counted on a row-major tensor.
  const Shape dense = contiguous_strides(sizes());
  note("Unfold", [&] { return Attributes{{"axis", {at}}, {"size", {size}}, {"step", {step}}}; });
  return strided_view("Unfold", *this, windows(strides(), storage_offset()), {sizes().shape(), dense, 0}, windows(dense, 0));
}

}  // namespace ember
