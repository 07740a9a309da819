// Writes in place: the values change, the version goes up, and the history of the tensor becomes that of the new value. A write
// through a view changes the history of the base; the view's own node is then made anew from the base (node.cpp). A tensor that becomes
// a view of itself keeps its values.
#include "autograd/node.h"
#include "autograd/recorder.h"
#include "autograd/walk.h"
#include "error_format.h"
#include "kernels/copy/copy.h"
#include "tensor/defined.h"
#include "tensor/history.h"
#include "tensor/impl.h"

namespace ember {
namespace {

bool is_view(const TensorImpl* t) { return t->meta && t->meta->base.defined(); }

void check_no_leaf(const Tensor& self) {
  if (!detail::grad_mode) return;
  check<RuntimeError>(!(self.is_leaf() && self.impl()->requires_grad), "a leaf Variable that requires grad is being used in an in-place operation.");
  if (!is_view(self.impl())) return;
  const Tensor& base = self.impl()->meta->base;
  check<RuntimeError>(!(base.is_leaf() && base.requires_grad()),
                      "a view of a leaf Variable that requires grad is being used in an in-place operation.");
}

void check_no_overlap(const Tensor& self) {
  for (int i = 0; i < self.dim(); ++i)
    check<RuntimeError>(self.impl()->strides[i] != 0 || self.impl()->sizes[i] <= 1,
                        "unsupported operation: more than one element of the written-to tensor refers to a single memory "
                        "location. Please clone() the tensor before performing the operation.");
}

/// PyTorch records no write into one of several views that one operation has made.
void check_not_one_of_many(const Tensor& self) {
  const AutogradMeta* meta = self.impl()->meta;
  check<RuntimeError>(!meta || !meta->one_of_many,
                      "Output {} of {} is a view and is being modified inplace. This view is the output of a function that returns multiple views. "
                      "Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an "
                      "out-of-place one.",
                      meta ? meta->number : 0, meta && meta->one_of_many ? meta->one_of_many : "");
}

/// Gives `self` the history of `value`, which has its shape and dtype.
void rebase(const Tensor& self, const Tensor& value) {
  Node* node = history_of(value.impl());
  if (node) node->references.increment();
  set_node(self.impl(), node);
  ++meta_of(self.impl()).history;
}

/// The base after `value` was written to the place that `view` shows.
Tensor written_base(const Tensor& base, const Tensor& view, const Tensor& value) {
  const Shape base_sizes = base.sizes().shape(), base_strides = base.strides().shape();
  const Shape sizes = view.sizes().shape(), strides = view.strides().shape();
  const int64_t offset = view.storage_offset() - base.storage_offset();
  note("CopySlices", [&] { return Attributes{{"strides", {strides.begin(), strides.end()}}, {"offset", {offset}}}; });
  return record("CopySlices", {base, value}, make_alias(base), [=](const Tensor& dy, Grads& grads) {
    const Tensor laid_out = empty_strided(base_sizes, base_strides, dy.dtype()).copy_(dy);
    if (grads.wants(1)) grads.add(1, laid_out.as_strided(sizes, strides, offset).clone());
    if (!grads.wants(0)) return;
    laid_out.as_strided(sizes, strides, offset).zero_();
    grads.add(0, laid_out);
  });
}

}  // namespace

void check_inplace(const Tensor& self) {
  if (!self.defined()) return;  // the operation says so, by its name
  check_no_leaf(self);
  check_no_overlap(self);
}

const Tensor& assign_inplace(const Tensor& self, const Tensor& result) {
  check_inplace(self);
  const bool same_shape = result.sizes() == self.sizes();
  if (!same_shape) {
    const Shape broadcast = broadcast_shapes(self.sizes(), result.sizes());
    check<RuntimeError>(self.sizes() == broadcast, "output with shape {} doesn't match the broadcast shape {}", self.sizes(), broadcast);
  }
  const auto category = [](DType d) { return d == kBool ? 0 : is_floating_point(d) ? 2 : 1; };
  check<RuntimeError>(category(result.dtype()) <= category(self.dtype()), "result type {} can't be cast to the desired output type {}",
                      scalar_type_name(result.dtype()), scalar_type_name(self.dtype()));
  const bool records = detail::grad_mode && (self.requires_grad() || result.requires_grad());
  if (records) check_not_one_of_many(self);
  const Tensor fitted = same_shape ? result : result.expand(self.sizes());
  kernels::copy(self.dtype(), self.data_ptr(), self.impl()->strides, fitted.dtype(), fitted.data_ptr(), fitted.impl()->strides, self.impl()->sizes,
                self.dim());
  self.bump_version();
  if (!records) return self;

  Tensor value = fitted.dtype() == self.dtype() ? fitted : fitted.to(self.dtype());
  if (value.is_leaf() && value.requires_grad())  // written as it is: the copy is an operation of its own
    value = record("Copy", {value}, make_alias(value), [](const Tensor& dy, Grads& grads) { grads.add(0, dy); });
  if (is_view(self.impl())) {
    const Tensor base = self.impl()->meta->base;
    rebase(base, written_base(base, self, value));
  } else {
    rebase(self, value);
  }
  return self;
}

const Tensor& become_view(const Tensor& self, const Tensor& view) {
  check_no_leaf(self);
  const bool records = detail::grad_mode && self.requires_grad();
  if (records) check_not_one_of_many(self);
  self.set_data(view);
  self.bump_version();
  if (self.impl()->requires_grad) leaf_changed(self.impl());
  if (records) rebase(self, view);
  else if (is_view(self.impl())) --self.impl()->meta->seen;  // its node is of the old sizes: made anew from the base
  return self;
}

// What no other tensor shares and nobody holds, but for the base that a view keeps, would be lost.
const Tensor& Tensor::seen(const char* operation) const {
  require_defined(operation, *this);
  const bool keeps_base = is_view(impl_) && impl_->meta->base.impl()->references.get() == 1;
  const bool lost = impl_->references.get() == 1 && impl_->storage->references.get() == (keeps_base ? 2u : 1u) && !impl_->storage->release;
  check<RuntimeError>(
      !lost,
      "assignment to a temporary tensor, which nobody could read afterwards\nWhat is written to the result of an operation that copies "
      "is lost. x[i], x.index({{...}}) of numbers and slices, x.select(), x.slice() and other views can be assigned to; for masks and "
      "index tensors write x.index_put_({{mask}}, value).");
  return *this;
}

const Tensor& Tensor::write(const Tensor& source) const {
  require_defined("operator=", *this, source);
  return seen("operator=").copy_(source);
}

const Tensor& Tensor::write(Scalar value) const { return seen("operator=").fill_(value); }

}  // namespace ember
