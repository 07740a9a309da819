// Tensors from nothing: filled, counted, from braces, from foreign memory.
#include <ember/tensor.h>

#include <cmath>
#include <cstring>
#include <new>

#include "error_format.h"
#include "sizes.h"
#include "kernels/copy/copy.h"
#include "runtime/allocator.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

DType resolve(DType dtype) { return dtype == DType::Undefined ? get_default_dtype() : dtype; }

/// The dtype that Python infers from a number: bool, int64, or the default floating type.
DType inferred(Scalar value) { return value.is_floating_point() ? get_default_dtype() : value.dtype(); }

void fill_dense(const Tensor& t, Scalar value) {
  check_fits(value, t.dtype());
  with_type(t.dtype(), [&](auto zero) {
    const auto v = value.to<decltype(zero)>();
    kernels::fill(t.dtype(), t.data_ptr(), t.numel(), &v);
  });
}

void check_geometry(const char* operation, IntArrayRef sizes, IntArrayRef strides) {
  check<RuntimeError>(sizes.size() == strides.size(), "dimensionality of sizes ({}) must match dimensionality of strides ({})", sizes.size(),
                      strides.size());
  for (int i = 0; i < sizes.size(); ++i) {
    check<RuntimeError>(sizes[i] >= 0, "Trying to create tensor with negative dimension {}: {}", sizes[i], sizes);
    check<RuntimeError>(strides[i] >= 0, "{}: Negative strides are not supported at the moment, got strides: {}", operation, strides);
  }
}

template <class T>
bool fits(double v) {
  return v >= double(std::numeric_limits<T>::lowest()) && v <= double(std::numeric_limits<T>::max());
}

Tensor finish(Tensor t, const TensorOptions& options) {
  if (options.requires_grad) t.requires_grad_();
  return t;
}

}  // namespace

void check_fits(Scalar value, DType dtype) {
  const double v = value.to<double>();
  if (dtype == kFloat32) check<RuntimeError>(!std::isfinite(v) || fits<float>(v), "value cannot be converted to type float without overflow");
  else if (dtype == kInt64)
    check<RuntimeError>(!value.is_floating_point() || fits<int64_t>(v), "value cannot be converted to type int64_t without overflow");
  else if (dtype == kUInt8)
    check<RuntimeError>(fits<std::uint8_t>(!value.is_floating_point() && v < 0 ? -v : v),
                        "value cannot be converted to type uint8_t without overflow");
}

Tensor empty(IntArrayRef sizes, TensorOptions options) { return finish(make_dense(sizes, resolve(options.dtype)), options); }
Tensor empty(IntArrayRef sizes, DType dtype) { return make_dense(sizes, resolve(dtype)); }

Tensor empty_strided(IntArrayRef sizes, IntArrayRef strides, DType dtype) {
  check_geometry("empty_strided", sizes, strides);
  const Tensor memory = make_dense({span_of(sizes, strides)}, resolve(dtype));
  return make_alias(memory, sizes, strides, 0);
}

Tensor full(IntArrayRef sizes, Scalar value, TensorOptions options) {
  Tensor t = make_dense(sizes, options.dtype == DType::Undefined ? inferred(value) : options.dtype);
  fill_dense(t, value);
  return finish(t, options);
}
Tensor full(IntArrayRef sizes, Scalar value, DType dtype) { return full(sizes, value, TensorOptions{.dtype = dtype}); }
Tensor zeros(IntArrayRef sizes, TensorOptions options) {
  options.dtype = resolve(options.dtype);
  return full(sizes, 0, options);
}
Tensor zeros(IntArrayRef sizes, DType dtype) { return full(sizes, 0, resolve(dtype)); }
Tensor ones(IntArrayRef sizes, TensorOptions options) {
  options.dtype = resolve(options.dtype);
  return full(sizes, 1, options);
}
Tensor ones(IntArrayRef sizes, DType dtype) { return full(sizes, 1, resolve(dtype)); }
Tensor scalar_tensor(Scalar value, TensorOptions options) { return full({}, value, options); }

Tensor arange(Scalar end, TensorOptions options) { return arange(0, end, 1, options); }

Tensor arange(Scalar start, Scalar end, Scalar step, TensorOptions options) {
  if (options.dtype == kInt64)  // whole numbers from the start; other integer types count in reals
    start = start.to<int64_t>(), end = end.to<int64_t>(), step = step.to<int64_t>();
  const bool real = start.is_floating_point() || end.is_floating_point() || step.is_floating_point();
  const DType dtype = options.dtype != DType::Undefined ? options.dtype : real ? get_default_dtype() : kInt64;
  const double from = start.to<double>(), to = end.to<double>(), by = step.to<double>();
  check<RuntimeError>(by != 0, "step must be nonzero");
  check<RuntimeError>(!std::isnan(by), "step must be nonzero");
  check<RuntimeError>(std::isfinite(from) && std::isfinite(to), "unsupported range: {} -> {}", from, to);
  check<RuntimeError>((by > 0 && to >= from) || (by < 0 && to <= from), "upper bound and lower bound inconsistent with step sign");
  int64_t count;
  if (!real) {
    const int64_t a = start.to<int64_t>(), b = end.to<int64_t>(), s = step.to<int64_t>();
    int64_t range, steps = 0;  // the range less one step towards the start, so that the end is left out
    const bool overflow = __builtin_sub_overflow(b, a, &range) || __builtin_add_overflow(range, s - (s > 0 ? 1 : -1), &steps);
    check<RuntimeError>(!overflow, "invalid size, possible overflow?\narange: from {} to {} by {}", a, b, s);
    count = steps / s;
  } else {
    const double steps = std::ceil((to - from) / by);
    check<RuntimeError>(steps < double(std::numeric_limits<int64_t>::max()), "invalid size, possible overflow?\narange: from {} to {} by {}", from,
                        to, by);
    count = int64_t(steps);
  }
  Tensor t = make_dense({count}, dtype);
  // Each value is start + i * step in one piece (not a running sum), in double for float32 as PyTorch's accumulation type.
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = t.data<T>();
    for (int64_t i = 0; i < count; ++i)
      p[i] = std::is_floating_point_v<T> && real ? T(from + double(i) * by) : T(start.to<int64_t>() + i * step.to<int64_t>());
  });
  return finish(t, options);
}

Tensor linspace(Scalar start, Scalar end, int64_t steps, TensorOptions options) {
  check<RuntimeError>(steps >= 0, "number of steps must be non-negative");
  Tensor t = make_dense({steps}, resolve(options.dtype));
  if (steps == 0) return finish(t, options);
  check_fits(start, t.dtype());
  check_fits(end, t.dtype());
  // Filled from both ends, so that the last value is `end` exactly.
  with_type(t.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Step = std::conditional_t<std::is_floating_point_v<T>, T, double>;
    const T first = start.to<T>(), last = end.to<T>();
    const Step step = steps > 1 ? (Step(last) - Step(first)) / Step(steps - 1) : Step(0);
    T* p = t.data<T>();
    for (int64_t i = 0; i < steps; ++i)
      p[i] = i < steps / 2 ? T(std::fma(step, Step(i), Step(first))) : T(std::fma(-step, Step(steps - i - 1), Step(last)));
    if (steps == 1) p[0] = first;
  });
  return finish(t, options);
}

Tensor eye(int64_t n, int64_t m, TensorOptions options) {
  check<RuntimeError>(n >= 0, "n must be greater or equal to 0, got {}", n);
  if (m < 0) m = n;
  Tensor t = zeros({n, m}, options.dtype);
  with_type(t.dtype(), [&](auto zero) {
    auto* p = t.data<decltype(zero)>();
    for (int64_t i = 0; i < n && i < m; ++i) p[i * m + i] = 1;
  });
  return finish(t, options);
}

Tensor empty_like(const Tensor& like, DType dtype) {
  require_defined("empty_like", like);
  if (dtype == DType::Undefined) dtype = like.dtype();
  if (like.is_contiguous()) return make_dense(like.sizes(), dtype);
  return empty_strided(like.sizes(), strides_like(like), dtype);
}
Tensor empty_like(const Tensor& like, DType dtype, MemoryFormat format) {
  require_defined("empty_like", like);
  if (format == MemoryFormat::Preserve) return empty_like(like, dtype);
  if (dtype == DType::Undefined) dtype = like.dtype();
  if (format == MemoryFormat::Contiguous) return make_dense(like.sizes(), dtype);
  return empty_strided(like.sizes(), channels_last_strides(like.sizes()), dtype);
}

namespace {

Tensor filled_like(const char* operation, const Tensor& like, Scalar value, DType dtype) {
  require_defined(operation, like);
  Tensor t = empty_like(like, dtype);
  fill_dense(t, value);
  return t;
}

}  // namespace

Tensor full_like(const Tensor& like, Scalar value, DType dtype) { return filled_like("full_like", like, value, dtype); }
Tensor zeros_like(const Tensor& like, DType dtype) { return filled_like("zeros_like", like, 0, dtype); }
Tensor ones_like(const Tensor& like, DType dtype) { return filled_like("ones_like", like, 1, dtype); }

// --- nested braces

namespace {

void measure(const NestedNumbers& v, Shape& sizes, DType& dtype) {
  if (v.is_leaf()) {
    dtype = dtype == DType::Undefined ? v.leaf().dtype() : promote_types(dtype, v.leaf().dtype());
    return;
  }
  sizes.push_back(int64_t(v.items().size()));
  if (!v.items().empty()) measure(v.items()[0], sizes, dtype);
}

void flatten_into(const NestedNumbers& v, const Shape& sizes, int depth, std::vector<Scalar>& out, DType& dtype) {
  if (v.is_leaf()) {
    check<ValueError>(depth == sizes.size(), "expected sequence of length {} at dim {} (got a number)", depth < sizes.size() ? sizes[depth] : 0,
                      depth);
    dtype = dtype == DType::Undefined ? v.leaf().dtype() : promote_types(dtype, v.leaf().dtype());
    out.push_back(v.leaf());
    return;
  }
  const int64_t length = int64_t(v.items().size());
  check<ValueError>(depth < sizes.size() && length == sizes[depth], "expected sequence of length {} at dim {} (got {})",
                    depth < sizes.size() ? sizes[depth] : 0, depth, length);
  for (const NestedNumbers& item : v.items()) flatten_into(item, sizes, depth + 1, out, dtype);
}

}  // namespace

NestedNumbers::NestedNumbers(std::initializer_list<NestedNumbers> items) : items_(items) {}
NestedNumbers::NestedNumbers(const NestedNumbers& other) = default;
NestedNumbers::~NestedNumbers() = default;
NestedNumbers NestedNumbers::of(std::vector<NestedNumbers> items) {
  NestedNumbers all(std::initializer_list<NestedNumbers>{});
  all.items_ = std::move(items);
  return all;
}
void NestedNumbers::reserve(std::size_t count) { items_.reserve(count); }
void NestedNumbers::append(const NestedNumbers& item) { items_.push_back(item); }

Tensor tensor(const NestedNumbers& values, TensorOptions options) {
  Shape sizes;
  DType found = DType::Undefined;
  measure(values, sizes, found);
  std::vector<Scalar> flat;
  flatten_into(values, sizes, 0, flat, found);
  const DType natural = found == DType::Undefined || is_floating_point(found) ? get_default_dtype() : found;
  Tensor t = make_dense(sizes, options.dtype == DType::Undefined ? natural : options.dtype);
  with_type(t.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < flat.size(); ++i) {
      if (!t.is_floating_point()) check_fits(flat[i], t.dtype());
      t.data<T>()[i] = flat[i].to<T>();
    }
  });
  return finish(t, options);
}
Tensor tensor(const NestedNumbers& values, DType dtype) { return tensor(values, TensorOptions{.dtype = dtype}); }
Tensor tensor(std::initializer_list<NestedNumbers> values, TensorOptions options) { return tensor(NestedNumbers(values), options); }
Tensor tensor(std::initializer_list<NestedNumbers> values, DType dtype) { return tensor(NestedNumbers(values), TensorOptions{.dtype = dtype}); }

// --- foreign memory

void check_blob_dtype(DType pointer, DType named) {
  check<RuntimeError>(pointer == named, "from_blob: expected memory of {}, got a pointer to {}: leave the dtype out, or cast the pointer to void*",
                      name(named), name(pointer));
}

Tensor from_blob(void* data, IntArrayRef sizes, DType dtype, void (*release)(void*), void* owner) {
  return from_blob(data, sizes, contiguous_strides(sizes), dtype, release, owner);
}

Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides, DType dtype, void (*release)(void*), void* owner) {
  check_geometry("from_blob", sizes, strides);
  const int64_t span = span_of(sizes, strides);
  check<RuntimeError>(data || span == 0, "from_blob: expected memory for sizes {}, got a null pointer", sizes);
  Storage* storage = ::new (block_allocate(sizeof(Storage))) Storage;
  storage->bytes = span * item_size(dtype);
  storage->data = data;
  storage->owner = owner;
  storage->release = release ? release : [](void*) {};
  TensorImpl* base = TensorImpl::allocate();
  base->dtype = dtype;
  base->storage = storage;
  base->data = data;
  const Tensor memory(base);
  return make_alias(memory, sizes, strides, 0);
}

}  // namespace ember
