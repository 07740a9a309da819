// as_strided and unfold: views whose elements may overlap, and their gradient, which adds up what overlaps.
#include <ember/autograd.h>

#include <algorithm>

#include "error_format.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// One past the largest offset that the geometry reaches.
int64_t span_of(IntArrayRef sizes, IntArrayRef strides) {
  int64_t span = 1;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    span += (sizes[i] - 1) * strides[i];
  }
  return span;
}

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

/// The gradient of the storage behind a strided view, shown with the geometry of the view's input.
Tensor strided_backward(const Tensor& dy, const Geometry& view, const Geometry& input) {
  const int64_t low = std::min(view.offset, input.offset);
  const int64_t span = std::max(view.offset + span_of(view.sizes, view.strides), input.offset + span_of(input.sizes, input.strides)) - low;
  const Tensor memory = zeros({span}, dy.dtype());
  const Tensor dense = dy.contiguous();
  if (dy.dtype() == kFloat32) scatter_add(dense, view.strides, memory.data<float>() + (view.offset - low));
  else scatter_add(dense, view.strides, memory.data<double>() + (view.offset - low));
  Tensor dx = make_alias(memory, input.sizes, input.strides, input.offset - low);
  return record("AsStridedBackward", {dy}, dx, [=](const Tensor& ddx, Grads& grads) {
    const Tensor laid_out = zeros({span}, ddx.dtype());
    laid_out.as_strided(input.sizes, input.strides, input.offset - low).copy_(ddx);
    grads.add(0, laid_out.as_strided(view.sizes, view.strides, view.offset - low));
  });
}

Tensor strided_view(const char* name, const Tensor& x, const Geometry& view) {
  Tensor y = make_alias(x, view.sizes, view.strides, view.offset - x.storage_offset());
  if (detail::grad_mode && x.is_floating_point()) detail::attach_view(x, y);
  const Geometry input{x.sizes().shape(), x.strides().shape(), x.storage_offset()};
  return record(name, {x}, std::move(y),
                [view, input](const Tensor& dy, Grads& grads) { grads.add(0, strided_backward(dy, view, input)); });
}

}  // namespace

Tensor Tensor::as_strided(IntArrayRef sizes, IntArrayRef strides, int64_t offset) const {
  check<RuntimeError>(sizes.size() == strides.size(), "mismatch in length of strides and shape");
  for (int64_t s : strides)
    check<RuntimeError>(s >= 0, "as_strided: Negative strides are not supported at the moment, got strides: {}", strides);
  if (offset < 0) offset = storage_offset();
  const int64_t span = span_of(sizes, strides), bytes = (offset + span) * item_size(dtype());
  check<RuntimeError>(span == 0 || bytes <= impl_->storage->bytes,
                      "setStorage: sizes {}, strides {}, storage offset {}, and itemsize {} requiring a storage size of {} are "
                      "out of bounds for storage of size {}",
                      sizes, strides, offset, item_size(dtype()), bytes, impl_->storage->bytes);
  return strided_view("AsStrided", *this, {sizes.shape(), strides.shape(), offset});
}

Tensor Tensor::unfold(int64_t dim, int64_t size, int64_t step) const {
  const int at = wrap_dim(dim, this->dim());
  const int64_t length = this->dim() ? impl_->sizes[at] : 1;
  check<RuntimeError>(size >= 0, "size is {} but must be >= 0", size);
  check<RuntimeError>(size <= length, "maximum size for tensor at dimension {} is {} but size is {}", at, length, size);
  check<RuntimeError>(step > 0, "step is {} but must be > 0", step);
  Geometry view{sizes().shape(), strides().shape(), storage_offset()};
  const int64_t stride = this->dim() ? impl_->strides[at] : 1;
  if (this->dim()) {
    view.sizes[at] = (length - size) / step + 1;
    view.strides[at] = step * stride;
  }
  view.sizes.push_back(size);
  view.strides.push_back(stride);
  return strided_view("Unfold", *this, view);
}

}  // namespace ember
