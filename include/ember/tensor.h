// Tensor: a handle to a strided array of numbers. Copying a handle shares the array; clone() copies the numbers.
//
// Methods follow torch.Tensor by name, argument order and default. What is a method and a function in PyTorch is both here;
// the functions are documented in ember/ops/*.h, the methods are the same with the tensor in front.
#pragma once

#include <ember/dtype.h>
#include <ember/error.h>
#include <ember/scalar.h>
#include <ember/shape.h>
#include <ember/tensor_impl.h>

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace ember {

enum class MemoryFormat : std::uint8_t { Contiguous, ChannelsLast, Preserve };

/// dtype (the default one when Undefined) and whether gradients are collected.
struct TensorOptions {
  DType dtype = DType::Undefined;
  bool requires_grad = false;
};

/// start:stop:step as in Python; a missing end is Slice::None.
struct Slice {
  static constexpr int64_t None = INT64_MIN;
  int64_t start = None, stop = None, step = 1;
  constexpr Slice(int64_t start = None, int64_t stop = None, int64_t step = 1) : start(start), stop(stop), step(step) {}
};
struct NoneType {};
struct EllipsisType {};
inline constexpr NoneType None{};          ///< a new dimension of size 1
inline constexpr EllipsisType Ellipsis{};  ///< as many full slices as are missing

class Tensor;
struct TensorIndex;
class Generator;
class Operand;
struct ValuesIndices;
enum class Rounding : std::uint8_t;

/// Dimensions to reduce or flip: none named means all; a number; a list. Negative ones count from the end.
class Dims {
 public:
  Dims() : all_(true) {}
  template <class T>
    requires std::is_integral_v<T>
  Dims(T dim) : list_{int64_t(dim)} {}
  Dims(std::initializer_list<int64_t> dims) : list_(dims) {}
  Dims(IntArrayRef dims) : list_(dims.shape()) {}
  Dims(const std::vector<int64_t>& dims) : Dims(IntArrayRef(dims)) {}
  Dims(NoneType) : Dims() {}
  static Dims of_mask(std::uint32_t mask) {
    Dims dims{IntArrayRef()};
    for (int d = 0; mask >> d; ++d)
      if (mask >> d & 1) dims.list_.push_back(d);
    return dims;
  }
  bool all() const { return all_; }
  IntArrayRef list() const { return list_; }

 private:
  Shape list_;
  bool all_ = false;
};

class Tensor {
 public:
  Tensor() : impl_(nullptr) {}  ///< undefined: no array at all; what optional arguments are when they are left out
  Tensor(const Tensor& other) : impl_(other.impl_) {
    if (impl_) impl_->references.increment();
  }
  Tensor(Tensor&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(impl_, other.impl_);
    return *this;
  }
  ~Tensor() {
    if (impl_) impl_->drop();
  }

  // --- what it is
  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const = delete;  // ask defined() or item<bool>()
  int dim() const { return impl_->dims; }
  IntArrayRef sizes() const { return {impl_->sizes, impl_->dims}; }
  IntArrayRef strides() const { return {impl_->strides, impl_->dims}; }  ///< in elements
  int64_t size(int64_t dim) const;                                      ///< negative dims count from the end
  int64_t stride(int64_t dim) const;
  int64_t numel() const { return impl_->numel; }
  DType dtype() const { return impl_->dtype; }
  bool is_floating_point() const { return ember::is_floating_point(dtype()); }
  int64_t storage_offset() const;
  bool is_contiguous() const { return impl_->contiguous; }
  bool is_contiguous(MemoryFormat format) const;
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }      ///< the same tensor, not an equal one
  bool shares_storage(const Tensor& other) const { return impl_->storage == other.impl_->storage; }
  std::uint32_t version() const { return impl_->storage->version; }  ///< number of writes in place so far; `_version`

  /// The first element. Throws RuntimeError "expected scalar type Float but found Double" when T is not the dtype.
  template <class T>
  T* data() const {
    if (dtype_of<T> != impl_->dtype) [[unlikely]] wrong_dtype(dtype_of<T>);
    return static_cast<T*>(impl_->data);
  }
  void* data_ptr() const { return impl_->data; }
  void* data_or_null() const { return impl_ ? impl_->data : nullptr; }  ///< for kernels with optional arguments

  /// The only element as a number. Throws "a Tensor with 2 elements cannot be converted to Scalar".
  Scalar item() const;
  template <class T>
  T item() const {
    return item().to<T>();
  }

  // --- autograd (ember/autograd.h)
  bool requires_grad() const { return impl_->requires_grad || impl_->node || (impl_->meta && base_has_history()); }
  const Tensor& requires_grad_(bool on = true) const;
  bool is_leaf() const { return !impl_->node && !(impl_->meta && base_has_history()); }
  Tensor grad() const;                          ///< undefined until a backward reached this leaf
  void set_grad(const Tensor& gradient) const;  ///< undefined clears it
  void retain_grad() const;                     ///< keep the gradient of a tensor that is not a leaf
  Tensor detach() const;                        ///< the same memory without history
  void detach_() const;
  /// Gradients of this scalar (or of sum(this * gradient)) into the leaves' grad. As torch.Tensor.backward.
  void backward(const Tensor& gradient = Tensor(), bool retain_graph = false, bool create_graph = false) const;
  std::string grad_fn_name() const;  ///< "AddBackward0"; "" for leaves

  // --- views: same memory, recorded on the tape
  Tensor view(IntArrayRef sizes) const;
  Tensor view_as(const Tensor& other) const { return view(other.sizes()); }
  Tensor reshape(IntArrayRef sizes) const;  ///< a view where possible, else a copy
  Tensor as_strided(IntArrayRef sizes, IntArrayRef strides, int64_t offset = -1) const;
  Tensor expand(IntArrayRef sizes) const;
  Tensor expand_as(const Tensor& other) const { return expand(other.sizes()); }
  Tensor permute(IntArrayRef dims) const;
  Tensor transpose(int64_t a, int64_t b) const;
  Tensor t() const;
  Tensor T() const;  ///< all dimensions reversed
  Tensor mT() const { return transpose(-2, -1); }
  Tensor squeeze() const;
  Tensor squeeze(int64_t dim) const;
  Tensor squeeze(IntArrayRef dims) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor select(int64_t dim, int64_t index) const;
  Tensor slice(int64_t dim, int64_t start = Slice::None, int64_t stop = Slice::None, int64_t step = 1) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  Tensor diagonal(int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1) const;
  Tensor unfold(int64_t dim, int64_t size, int64_t step) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor unflatten(int64_t dim, IntArrayRef sizes) const;
  Tensor movedim(IntArrayRef source, IntArrayRef destination) const;

  // --- copies
  Tensor clone(MemoryFormat format = MemoryFormat::Preserve) const;
  Tensor contiguous(MemoryFormat format = MemoryFormat::Contiguous) const;
  Tensor to(DType dtype, bool copy = false) const;
  const Tensor& copy_(const Tensor& source) const;  ///< broadcasts and converts
  const Tensor& fill_(Scalar value) const;
  const Tensor& fill_(const Tensor& value) const;
  const Tensor& zero_() const { return fill_(0); }

  // --- indexing: x[2], x.index({Slice(0, 3), Ellipsis, None, mask})
  Tensor operator[](int64_t index) const { return select_first(index); }
  Tensor operator[](const Tensor& index) const;
  Tensor index(const std::vector<TensorIndex>& indices) const;
  const Tensor& index_put_(const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate = false) const;
  const Tensor& index_put_(const std::vector<TensorIndex>& indices, Scalar value) const;

  // --- arithmetic and the rest of PyTorch's methods; documented at the functions of the same name in ember/ops/*.h
  Tensor neg() const, abs() const, sign() const, square() const, reciprocal() const, sqrt() const, rsqrt() const,
         exp() const, expm1() const, log() const, log2() const, log10() const, log1p() const, sin() const,
         cos() const, tan() const, asin() const, acos() const, atan() const, sinh() const, cosh() const,
         tanh() const, sigmoid() const, erf() const, floor() const, ceil() const, trunc() const, frac() const;
  const Tensor &neg_() const, &abs_() const, &sign_() const, &square_() const, &reciprocal_() const, &sqrt_() const,
         &rsqrt_() const, &exp_() const, &expm1_() const, &log_() const, &log2_() const, &log10_() const,
         &log1p_() const, &sin_() const, &cos_() const, &tan_() const, &asin_() const, &acos_() const,
         &atan_() const, &sinh_() const, &cosh_() const, &tanh_() const, &sigmoid_() const, &erf_() const,
         &floor_() const, &ceil_() const, &trunc_() const, &frac_() const;
  Tensor round(int64_t decimals = 0) const;
  const Tensor& round_(int64_t decimals = 0) const;
  Tensor nan_to_num(double nan, const Operand& posinf, const Operand& neginf) const;
  Tensor nan_to_num(double nan = 0) const;
  Tensor clamp(const Operand& min, const Operand& max) const;
  Tensor clamp_min(const Operand& min) const;
  Tensor clamp_max(const Operand& max) const;
  const Tensor& clamp_(const Operand& min, const Operand& max) const;
  Tensor add(const Operand& other, Scalar alpha = 1) const;
  Tensor sub(const Operand& other, Scalar alpha = 1) const;
  Tensor mul(const Operand& other) const;
  Tensor div(const Operand& other) const;
  Tensor div(const Operand& other, Rounding rounding_mode) const;
  Tensor true_divide(const Operand& other) const;
  Tensor floor_divide(const Operand& other) const;
  Tensor remainder(const Operand& other) const;
  Tensor fmod(const Operand& other) const;
  Tensor pow(const Operand& exponent) const;
  Tensor atan2(const Tensor& other) const;
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;
  Tensor logaddexp(const Tensor& other) const;
  const Tensor& add_(const Operand& other, Scalar alpha = 1) const;
  const Tensor& sub_(const Operand& other, Scalar alpha = 1) const;
  const Tensor& mul_(const Operand& other) const;
  const Tensor& div_(const Operand& other) const;
  const Tensor& floor_divide_(const Operand& other) const;
  const Tensor& remainder_(const Operand& other) const;
  const Tensor& fmod_(const Operand& other) const;
  const Tensor& pow_(const Operand& exponent) const;
  const Tensor& operator+=(const Operand& other) const;
  const Tensor& operator-=(const Operand& other) const;
  const Tensor& operator*=(const Operand& other) const;
  const Tensor& operator/=(const Operand& other) const;
  Tensor lerp(const Tensor& end, const Operand& weight) const;
  Tensor addcmul(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  Tensor addcdiv(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  const Tensor& lerp_(const Tensor& end, const Operand& weight) const;
  const Tensor& addcmul_(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  const Tensor& addcdiv_(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  Tensor where(const Tensor& condition, const Operand& other) const;  ///< this where condition holds
  Tensor masked_fill(const Tensor& mask, const Operand& value) const;
  const Tensor& masked_fill_(const Tensor& mask, const Operand& value) const;
  Tensor eq(const Operand& other) const, ne(const Operand& other) const, lt(const Operand& other) const,
         le(const Operand& other) const, gt(const Operand& other) const, ge(const Operand& other) const;
  Tensor logical_not() const, isnan() const, isinf() const, isfinite() const;
  Tensor logical_and(const Tensor& other) const;
  Tensor logical_or(const Tensor& other) const;
  Tensor logical_xor(const Tensor& other) const;
  Tensor isclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false) const;
  bool allclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false) const;
  bool equal(const Tensor& other) const;

  Tensor sum(const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined) const;
  Tensor mean(const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined) const;
  Tensor prod() const;
  Tensor prod(int64_t dim, bool keepdim = false) const;
  Tensor amax(const Dims& dims = {}, bool keepdim = false) const;
  Tensor amin(const Dims& dims = {}, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  ValuesIndices max(int64_t dim, bool keepdim = false) const;
  ValuesIndices min(int64_t dim, bool keepdim = false) const;
  Tensor argmax() const;
  Tensor argmin() const;
  Tensor argmax(int64_t dim, bool keepdim = false) const;
  Tensor argmin(int64_t dim, bool keepdim = false) const;
  Tensor var(const Dims& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor std(const Dims& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor logsumexp(const Dims& dims, bool keepdim = false) const;
  Tensor all(const Dims& dims = {}, bool keepdim = false) const;
  Tensor any(const Dims& dims = {}, bool keepdim = false) const;
  Tensor count_nonzero(const Dims& dims = {}) const;
  Tensor norm(double p = 2, const Dims& dims = {}, bool keepdim = false) const;
  Tensor cumsum(int64_t dim) const;
  Tensor cumprod(int64_t dim) const;
  Tensor median() const;
  ValuesIndices median(int64_t dim, bool keepdim = false) const;
  ValuesIndices sort(int64_t dim = -1, bool descending = false) const;
  Tensor argsort(int64_t dim = -1, bool descending = false) const;
  ValuesIndices topk(int64_t k, int64_t dim = -1, bool largest = true) const;

  Tensor repeat(IntArrayRef repeats) const;
  Tensor tile(IntArrayRef repeats) const;
  Tensor broadcast_to(IntArrayRef sizes) const;
  std::vector<Tensor> split(int64_t split_size, int64_t dim = 0) const;
  std::vector<Tensor> chunk(int64_t chunks, int64_t dim = 0) const;
  std::vector<Tensor> unbind(int64_t dim = 0) const;
  Tensor flip(const Dims& dims) const;
  Tensor tril(int64_t diagonal = 0) const;
  Tensor triu(int64_t diagonal = 0) const;
  Tensor diag(int64_t diagonal = 0) const;
  Tensor index_select(int64_t dim, const Tensor& index) const;
  Tensor gather(int64_t dim, const Tensor& index) const;
  Tensor scatter(int64_t dim, const Tensor& index, const Operand& source) const;
  Tensor scatter_add(int64_t dim, const Tensor& index, const Tensor& source) const;
  const Tensor& scatter_(int64_t dim, const Tensor& index, const Operand& source) const;
  const Tensor& scatter_add_(int64_t dim, const Tensor& index, const Tensor& source) const;
  const Tensor& index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1) const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor nonzero() const;

  Tensor matmul(const Tensor& other) const;
  Tensor mm(const Tensor& other) const;
  Tensor dot(const Tensor& other) const;

  // --- random fills in place (ember/random.h)
  const Tensor& uniform_(double from = 0, double to = 1, Generator* generator = nullptr) const;
  const Tensor& normal_(double mean = 0, double std = 1, Generator* generator = nullptr) const;
  const Tensor& bernoulli_(double p = 0.5, Generator* generator = nullptr) const;
  const Tensor& bernoulli_(const Tensor& p, Generator* generator = nullptr) const;
  const Tensor& random_(Generator* generator = nullptr) const;  ///< up to the largest integer of the dtype
  const Tensor& random_(int64_t to, Generator* generator = nullptr) const;
  const Tensor& random_(int64_t from, int64_t to, Generator* generator = nullptr) const;
  const Tensor& exponential_(double lambda = 1, Generator* generator = nullptr) const;

  /// Replaces the memory, shape and dtype of this tensor by another's. As `x.data = y`.
  void set_data(const Tensor& other) const;

  // For the library: the handle takes over one reference.
  explicit Tensor(TensorImpl* impl) : impl_(impl) {}
  TensorImpl* impl() const { return impl_; }
  TensorImpl* release() { return std::exchange(impl_, nullptr); }
  void bump_version() const { ++impl_->storage->version; }

 private:
  [[noreturn]] void wrong_dtype(DType asked) const;
  bool base_has_history() const;
  Tensor select_first(int64_t index) const;

  TensorImpl* impl_;
};

/// A tensor, a plain number, or nothing: what arithmetic takes, so that x + y, x + 2 and clamp(x, None, 1) are one function each.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(&tensor) {}
  Operand(Scalar number) : tensor_(&none()), number_(number), is_number_(true) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T number) : Operand(Scalar(number)) {}
  Operand(NoneType) : tensor_(&none()) {}

  bool is_tensor() const { return tensor_->defined(); }
  bool is_none() const { return !is_number_ && !is_tensor(); }
  const Tensor& tensor() const { return *tensor_; }  ///< undefined for a number
  Scalar number() const { return number_; }

 private:
  static const Tensor& none();
  const Tensor* tensor_;
  Scalar number_;
  bool is_number_ = false;
};

/// One part of an index: a number, a slice, None, Ellipsis, a bool, or a tensor of integers or bools.
struct TensorIndex {
  enum Kind : std::uint8_t { Integer, Range, NewDim, Dots, Boolean, Array };
  template <class T>
    requires std::is_integral_v<T>
  TensorIndex(T value) : kind(std::is_same_v<T, bool> ? Boolean : Integer), integer(int64_t(value)) {}
  TensorIndex(Slice slice) : kind(Range), slice(slice) {}
  TensorIndex(NoneType) : kind(NewDim) {}
  TensorIndex(EllipsisType) : kind(Dots) {}
  TensorIndex(Tensor tensor) : kind(Array), tensor(static_cast<Tensor&&>(tensor)) {}

  Kind kind;
  int64_t integer = 0;
  Slice slice;
  Tensor tensor;
};

}  // namespace ember

#include <ember/factories.h>
