// Life and geometry of tensors: storages, handles, aliases, and what can be asked of them without an operation.
#include <ember/tensor.h>

#include <new>

#include "error_format.h"
#include "sizes.h"
#include "kernels/copy/copy.h"
#include "runtime/allocator.h"
#include "tensor/defined.h"
#include "tensor/history.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {

Storage* Storage::allocate(int64_t bytes) {
  void* block = block_allocate(sizeof(Storage) + std::size_t(bytes));
  Storage* storage = ::new (block) Storage;
  storage->bytes = bytes;
  storage->data = storage + 1;
  return storage;
}

void Storage::destroy() {
  if (release) {
    release(owner);
    block_free(this, sizeof(Storage));
  } else {
    block_free(this, sizeof(Storage) + std::size_t(bytes));
  }
}

TensorImpl* TensorImpl::allocate() { return ::new (block_allocate(sizeof(TensorImpl))) TensorImpl; }

void TensorImpl::destroy() {
  if (meta) drop_meta(this);
  if (node) drop_node(node);
  if (grad) grad->drop();
  if (storage) storage->drop();
  block_free(this, sizeof(TensorImpl));
}

// Of sizes whose product is checked.
bool strides_are_contiguous(IntArrayRef sizes, IntArrayRef strides) {
  int64_t expected = 1;
  bool contiguous = true;
  for (int i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 0) return true;
    if (sizes[i] != 1 && strides[i] != expected) contiguous = false;
    expected *= sizes[i];
  }
  return contiguous;
}

namespace {

/// The product of sizes that are many or large, of which one is 0, or something is wrong.
[[gnu::noinline, gnu::cold]] int64_t unusual_numel(IntArrayRef sizes) {
  int64_t product = 1;
  bool empty = false, overflow = false;
  for (int64_t size : sizes) {
    check<RuntimeError>(size >= 0, "Trying to create tensor with negative dimension {}: {}", size, sizes);
    if (size == 0) empty = true;
    else overflow |= __builtin_mul_overflow(product, size, &product);
  }
  check<RuntimeError>(!overflow && product < kMostElements, "Storage size calculation overflowed with sizes={}", sizes);
  return empty ? 0 : product;
}

/// The product of the sizes of a tensor with memory of its own. Four sizes of 15 bits cannot overflow.
inline int64_t stored_numel(IntArrayRef sizes) {
  std::uint64_t product = 1, bits = 0;
  for (int64_t size : sizes) {
    product *= std::uint64_t(size);
    bits |= std::uint64_t(size);
  }
  return sizes.size() <= 4 && bits < 1 << 15 && product > 0 && product < kMostElements ? int64_t(product) : unusual_numel(sizes);
}

void set_geometry(TensorImpl* t, IntArrayRef sizes, IntArrayRef strides, int64_t numel) {
  t->dims = std::uint8_t(sizes.size());
  t->numel = numel;
  for (int i = 0; i < sizes.size(); ++i) {
    t->sizes[i] = sizes[i];
    t->strides[i] = strides[i];
  }
  t->contiguous = strides_are_contiguous(sizes, strides);
}

#ifdef EMBER_POISON_EMPTY
void poison(const Tensor& t) {
  if (t.dtype() == kFloat32) {
    const float nan = __builtin_nanf("");
    kernels::fill(t.dtype(), t.data_ptr(), t.numel(), &nan);
  } else if (t.dtype() == kFloat64) {
    const double nan = __builtin_nan("");
    kernels::fill(t.dtype(), t.data_ptr(), t.numel(), &nan);
  }
}
#endif

}  // namespace

namespace {

/// A new row-major tensor; of these sizes it is known that they are valid and have this product.
Tensor make_row_major(IntArrayRef sizes, int64_t numel, DType dtype) {
  TensorImpl* t = TensorImpl::allocate();
  Tensor result(t);
  t->dtype = dtype;
  t->dims = std::uint8_t(sizes.size());
  t->numel = numel;
  int64_t stride = 1;
  for (int i = sizes.size(); i-- > 0;) {
    t->sizes[i] = sizes[i];
    t->strides[i] = stride;
    stride *= sizes[i] > 1 ? sizes[i] : 1;
  }
  t->storage = Storage::allocate(numel * item_size(dtype));
  t->data = t->storage->data;
#ifdef EMBER_POISON_EMPTY
  poison(result);
#endif
  return result;
}

}  // namespace

Tensor make_dense(IntArrayRef sizes, DType dtype) {
  check<RuntimeError>(sizes.size() <= kMaxDims, "a tensor has at most {} dimensions, got sizes {}", kMaxDims, sizes);
  return make_row_major(sizes, stored_numel(sizes), dtype);
}

void check_storable(IntArrayRef sizes) { stored_numel(sizes); }

Tensor make_dense_like(const Tensor& like, DType dtype) { return make_row_major(like.sizes(), like.numel(), dtype); }

Tensor make_alias(const Tensor& like) {
  const TensorImpl* from = like.impl();
  TensorImpl* t = TensorImpl::allocate();
  t->dtype = from->dtype;
  t->dims = from->dims;
  t->contiguous = from->contiguous;
  t->numel = from->numel;
  for (int i = 0; i < from->dims; ++i) {  // only what is there: copying the whole arrays takes longer
    t->sizes[i] = from->sizes[i];
    t->strides[i] = from->strides[i];
  }
  t->data = from->data;
  t->storage = from->storage;
  t->storage->references.increment();
  return Tensor(t);
}

Tensor make_alias(const Tensor& like, IntArrayRef sizes, IntArrayRef strides, int64_t offset) {
  check<RuntimeError>(sizes.size() <= kMaxDims, "a tensor has at most {} dimensions, got sizes {}", kMaxDims, sizes);
  const int64_t numel = numel_of(sizes);
  TensorImpl* t = TensorImpl::allocate();
  t->dtype = like.dtype();
  t->storage = like.impl()->storage;
  t->storage->references.increment();
  t->data = static_cast<char*>(like.data_ptr()) + offset * item_size(like.dtype());
  set_geometry(t, sizes, strides, numel);
  return Tensor(t);
}

bool is_dense(const Tensor& t) {
  if (t.is_contiguous()) return true;
  int order[kMaxDims], n = 0;
  for (int i = 0; i < t.dim(); ++i)
    if (t.impl()->sizes[i] != 1) order[n++] = i;
  for (int i = 1; i < n; ++i)
    for (int k = i; k > 0 && t.impl()->strides[order[k]] < t.impl()->strides[order[k - 1]]; --k) std::swap(order[k], order[k - 1]);
  int64_t expected = 1;
  for (int i = 0; i < n; ++i) {
    if (t.impl()->strides[order[i]] != expected) return false;
    expected *= t.impl()->sizes[order[i]];
  }
  return true;
}

// PyTorch's infer_dense_strides, to the letter: an insertion sort from the innermost dimension out, in which a stride of 0 says
// nothing about order, so that such a dimension stays where it is among its neighbours.
Shape strides_like(const Tensor& like) {
  if (is_dense(like)) return like.strides().shape();
  const IntArrayRef sizes = like.sizes(), strides = like.strides();
  const int dims = like.dim();
  int order[kMaxDims];  // from the innermost
  for (int i = 0; i < dims; ++i) order[i] = dims - 1 - i;
  const auto outside = [&](int a, int b) {  // 1: a lies outside of b, -1: inside, 0: unknown
    if (strides[a] == 0 || strides[b] == 0) return 0;
    return strides[a] != strides[b] ? (strides[a] > strides[b] ? 1 : -1) : sizes[a] > sizes[b];
  };
  for (int i = 1; i < dims; ++i) {
    int at = i;
    for (int k = i; k-- > 0;) {
      const int inner = outside(order[k], order[at]);
      if (inner > 0) std::swap(order[k], order[at]), at = k;
      else if (inner < 0) break;
    }
  }
  Shape dense = Shape::filled(dims, 0);
  int64_t step = 1;
  for (int i = 0; i < dims; ++i) {
    dense[order[i]] = step;
    step *= std::max<int64_t>(1, sizes[order[i]]);
  }
  return dense;
}

Shape channels_last_strides(IntArrayRef sizes) {
  check<RuntimeError>(sizes.size() == 4, "required rank 4 tensor to use channels_last format");
  Shape strides = Shape::filled(4, 1);
  int64_t next = 1;
  for (int i : {1, 3, 2, 0}) {
    strides[i] = next;
    next *= sizes[i] > 1 ? sizes[i] : 1;
  }
  return strides;
}

int64_t Tensor::size(int64_t dim) const { return impl_->sizes[wrap_dim(dim, checked("size")->dims)]; }
int64_t Tensor::stride(int64_t dim) const { return impl_->strides[wrap_dim(dim, checked("stride")->dims)]; }

int64_t Tensor::storage_offset() const {
  const TensorImpl* t = checked("storage_offset");
  return (static_cast<char*>(t->data) - static_cast<char*>(t->storage->data)) / item_size(t->dtype);
}

bool Tensor::is_contiguous(MemoryFormat format) const {
  if (format != MemoryFormat::ChannelsLast) return checked("is_contiguous")->contiguous;
  if (dim() != 4) return false;
  int64_t expected = 1;
  for (int i : {1, 3, 2, 0}) {
    if (impl_->sizes[i] == 0) return true;
    if (impl_->sizes[i] == 1) continue;
    if (impl_->strides[i] != expected) return false;
    expected *= impl_->sizes[i];
  }
  return true;
}

void Tensor::wrong_dtype(DType asked) const {
  if (!defined()) detail::undefined_in_method("data");
  fail<RuntimeError>("expected scalar type {} but found {}", scalar_type_name(asked), scalar_type_name(dtype()));
}

void Tensor::check_dim(int asked) const { check<RuntimeError>(dim() == asked, "TensorAccessor expected {} dims but tensor has {}", asked, dim()); }

void accessor_out_of_bounds(int64_t index, int64_t size) {
  fail<IndexError>("index {} is out of bounds for a dimension with size {} (TensorAccessor)", index, size);
}

Scalar Tensor::item() const {
  require_defined("item", *this);
  check<RuntimeError>(numel() == 1, "a Tensor with {} elements cannot be converted to Scalar", numel());
  return with_type(dtype(), [this]<class T>(T) { return Scalar(*data<T>()); });
}

void Tensor::set_data(const Tensor& other) const {
  require_defined("set_data", *this, other);
  Tensor alias = make_alias(other);
  TensorImpl* from = alias.impl();
  std::swap(impl_->dtype, from->dtype);
  std::swap(impl_->dims, from->dims);
  std::swap(impl_->contiguous, from->contiguous);
  std::swap(impl_->data, from->data);
  std::swap(impl_->storage, from->storage);
  std::swap(impl_->numel, from->numel);
  std::swap(impl_->sizes, from->sizes);
  std::swap(impl_->strides, from->strides);
  const auto shape = [](const TensorImpl* t) { return IntArrayRef(t->sizes, t->dims); };
  if (impl_->requires_grad && !(impl_->dtype == from->dtype && shape(impl_) == shape(from))) leaf_changed(impl_);
}

}  // namespace ember
