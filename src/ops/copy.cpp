// Copies: clone, contiguous, to, and the writes copy_ and fill_.
#include <ember/autograd.h>

#include "error_format.h"
#include "kernels/copy/copy.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

void copy_values(const Tensor& to, const Tensor& from) {
  kernels::copy(to.dtype(), to.data_ptr(), to.impl()->strides, from.dtype(), from.data_ptr(), from.impl()->strides, to.impl()->sizes, to.dim());
}

/// A copy in its own memory. The gradient passes as it is; the walk converts it back to the input's dtype.
Tensor copied(const char* name, const Tensor& x, DType dtype, MemoryFormat format) {
  Tensor y = empty_like(x, dtype, format);
  copy_values(y, x);
  return record(name, {x}, std::move(y), [](const Tensor& dy, Grads& grads) { grads.add(0, dy); });
}

}  // namespace

Tensor Tensor::clone(MemoryFormat format) const {
  require_defined("clone", *this);
  return copied("Clone", *this, dtype(), format);
}

Tensor Tensor::contiguous(MemoryFormat format) const {
  require_defined("contiguous", *this);
  check<RuntimeError>(format != MemoryFormat::Preserve, "preserve memory format is unsupported by the contiguous operator");
  return is_contiguous(format) ? *this : copied("Clone", *this, dtype(), format);
}

Tensor Tensor::to(DType dtype, bool copy) const {
  require_defined("to", *this);
  if (dtype == this->dtype() && !copy) return *this;
  return copied("ToCopy", *this, dtype, MemoryFormat::Preserve);
}

const Tensor& Tensor::copy_(const Tensor& source) const {
  require_defined("copy_", *this, source);
  if (is_same(source)) return *this;
  if (!will_record({*this, source})) {
    check_inplace(*this);
    Tensor from = source;
    if (!(source.sizes() == sizes())) from = source.expand(sizes());
    if (from.shares_storage(*this)) from = from.clone();
    copy_values(*this, from);
    bump_version();
    return *this;
  }
  return assign_inplace(*this, source.to(dtype()));
}

const Tensor& Tensor::zero_() const {
  require_defined("zero_", *this);
  return fill_(0);
}

const Tensor& Tensor::fill_(Scalar value) const {
  require_defined("fill_", *this);
  check_inplace(*this);
  if (!will_record({*this}) && is_dense(*this)) {
    const Tensor one = full({}, value, dtype());
    kernels::fill(dtype(), data_ptr(), numel(), one.data_ptr());
    bump_version();
    return *this;
  }
  return assign_inplace(*this, full({}, value, dtype()));
}

const Tensor& Tensor::fill_(const Tensor& value) const {
  require_defined("fill_", *this, value);
  check<RuntimeError>(value.dim() == 0, "fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.", value.dim());
  return assign_inplace(*this, value.to(dtype()));
}

}  // namespace ember
