// How tensors come into being and are printed. Part of ember/tensor.h.
#pragma once

#include <ember/runtime.h>
#include <ember/tensor.h>

namespace ember {

// --- factories. As torch.empty, torch.zeros, ...; the numbers of dtypes and defaults are PyTorch's.
Tensor empty(IntArrayRef sizes, TensorOptions options = {});                ///< not initialised
Tensor empty(IntArrayRef sizes, DType dtype);                               ///< not initialised
Tensor empty_strided(IntArrayRef sizes, IntArrayRef strides, DType dtype);  ///< the memory that the strides reach, not initialised
Tensor zeros(IntArrayRef sizes, TensorOptions options = {});                ///< all 0
Tensor zeros(IntArrayRef sizes, DType dtype);                               ///< all 0
Tensor ones(IntArrayRef sizes, TensorOptions options = {});                 ///< all 1
Tensor ones(IntArrayRef sizes, DType dtype);                                ///< all 1
Tensor full(IntArrayRef sizes, Scalar value, TensorOptions options = {});   ///< dtype from the value when none is named
Tensor full(IntArrayRef sizes, Scalar value, DType dtype);                  ///< all the same
Tensor scalar_tensor(Scalar value, TensorOptions options = {});             ///< 0-dim
/// start, start + step, ... below end. Integers give int64. Throws when step is 0 or leads away from end.
Tensor arange(Scalar end, TensorOptions options = {});
Tensor arange(Scalar start, Scalar end, Scalar step = 1, TensorOptions options = {});
Tensor linspace(Scalar start, Scalar end, int64_t steps, TensorOptions options = {});
Tensor eye(int64_t n, int64_t m = -1, TensorOptions options = {});

// zeros(2, 3) is zeros({2, 3}).
template <WholeNumber... Sizes>
  requires(sizeof...(Sizes) > 0)
Tensor empty(Sizes... sizes) {
  return empty(IntArrayRef({int64_t(sizes)...}));
}
template <WholeNumber... Sizes>
  requires(sizeof...(Sizes) > 0)
Tensor zeros(Sizes... sizes) {
  return zeros(IntArrayRef({int64_t(sizes)...}));
}
template <WholeNumber... Sizes>
  requires(sizeof...(Sizes) > 0)
Tensor ones(Sizes... sizes) {
  return ones(IntArrayRef({int64_t(sizes)...}));
}

// The dtype, and for a dense tensor the strides, of `like`.
Tensor empty_like(const Tensor& like, DType dtype = DType::Undefined);               ///< not initialised
Tensor empty_like(const Tensor& like, DType dtype, MemoryFormat format);             ///< not initialised
Tensor zeros_like(const Tensor& like, DType dtype = DType::Undefined);               ///< all 0
Tensor ones_like(const Tensor& like, DType dtype = DType::Undefined);                ///< all 1
Tensor full_like(const Tensor& like, Scalar value, DType dtype = DType::Undefined);  ///< all the same

/// Nested braces of numbers: tensor({{1.f, 2.f}, {3.f, 4.f}}). Reals give the default dtype as in PyTorch (float literals and
/// double literals alike), integers int64, bools bool. Rows of unequal length throw ValueError.
class NestedNumbers {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  NestedNumbers(T value) : leaf_(value), is_leaf_(true) {}
  NestedNumbers(std::initializer_list<NestedNumbers> items);
  template <class T>
    requires std::is_arithmetic_v<T>
  NestedNumbers(const std::vector<T>& values) {
    reserve(values.size());
    for (const T value : values) append(value);
  }
  template <class T>
  NestedNumbers(const std::vector<std::vector<T>>& rows) {
    for (const std::vector<T>& row : rows) append(row);
  }
  static NestedNumbers of(std::vector<NestedNumbers> items);
  NestedNumbers(const NestedNumbers& other);
  ~NestedNumbers();

  bool is_leaf() const { return is_leaf_; }
  Scalar leaf() const { return leaf_; }
  const std::vector<NestedNumbers>& items() const { return items_; }

 private:
  void reserve(std::size_t count);
  void append(const NestedNumbers& item);
  Scalar leaf_;
  bool is_leaf_ = false;
  std::vector<NestedNumbers> items_;
};
Tensor tensor(const NestedNumbers& values, TensorOptions options = {});                  ///< reals have the default dtype, integers int64
Tensor tensor(const NestedNumbers& values, DType dtype);                                 ///< converted
Tensor tensor(std::initializer_list<NestedNumbers> values, TensorOptions options = {});  ///< reals have the default dtype, integers int64
Tensor tensor(std::initializer_list<NestedNumbers> values, DType dtype);                 ///< converted

/// A tensor over memory that somebody else owns. `release(owner)` runs when the last tensor on it dies. The dtype is that of the pointer;
/// bytes of another kind come as void* with the dtype named.
Tensor from_blob(void* data, IntArrayRef sizes, DType dtype = kFloat32, void (*release)(void* owner) = nullptr, void* owner = nullptr);
Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides, DType dtype, void (*release)(void* owner) = nullptr, void* owner = nullptr);
template <class T>
concept TypedElement = !std::is_void_v<T>;
template <class T>
inline constexpr DType pointed_dtype = sizeof(T) == 1 && dtype_of<T> == DType::Undefined && !std::is_const_v<T> ? kUInt8
                                                                                                                : dtype_of<T>;  // char is a byte
void check_blob_dtype(DType pointer, DType named);
template <TypedElement T>
Tensor from_blob(T* data, IntArrayRef sizes, DType dtype = pointed_dtype<T>, void (*release)(void* owner) = nullptr, void* owner = nullptr) {
  static_assert(pointed_dtype<T> != DType::Undefined,
                "from_blob takes float*, double*, std::int64_t*, bytes and bool*, not const: cast others to void* and name the dtype");
  check_blob_dtype(pointed_dtype<T>, dtype);
  return from_blob(static_cast<void*>(data), sizes, dtype, release, owner);
}
/// The same with strides, in elements.
template <TypedElement T>
Tensor from_blob(T* data, IntArrayRef sizes, IntArrayRef strides, DType dtype = pointed_dtype<T>, void (*release)(void* owner) = nullptr,
                 void* owner = nullptr) {
  static_assert(pointed_dtype<T> != DType::Undefined,
                "from_blob takes float*, double*, std::int64_t*, bytes and bool*, not const: cast others to void* and name the dtype");
  check_blob_dtype(pointed_dtype<T>, dtype);
  return from_blob(static_cast<void*>(data), sizes, strides, dtype, release, owner);
}

// --- printing, as PyTorch prints
struct PrintOptions {
  int precision = 4, threshold = 1000, edgeitems = 3, linewidth = 80;
  int sci_mode = -1;  ///< -1: when the range of the values asks for it
};
PrintOptions& print_options();                                 ///< of this process: change them in place
std::string to_string(const Tensor& t);                        ///< "tensor([1., 2.])"
void print(const Tensor& t);                                   ///< one line feed after it, to stdout
std::ostream& operator<<(std::ostream& out, const Tensor& t);  ///< as to_string

}  // namespace ember
