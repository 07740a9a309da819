// Tensor: a handle to a strided array of numbers. Copying a handle shares the array; clone() copies the numbers.
//
// Methods follow torch.Tensor by name, argument order and default. What is a method and a function in PyTorch is both here;
// the functions are documented in ember/ops/*.h, the methods are the same with the tensor in front.
#pragma once

#include <ember/arguments.h>
#include <ember/dtype.h>
#include <ember/error.h>
#include <ember/scalar.h>
#include <ember/shape.h>
#include <ember/tensor_impl.h>
#include <ember/tensor_methods.h>

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace ember {

template <class T, int N>
class TensorAccessor;

class Tensor : public TensorMethods {
 public:
  /// Undefined: no array at all. It is what optional arguments are when they are left out, what grad() gives before a backward, and what
  /// remains of a tensor that was moved from. All but defined(), is_same(), data_or_null() and assignment throws RuntimeError on one.
  Tensor() : impl_(&detail::undefined_tensor) {}
  Tensor(const Tensor& other) : impl_(other.impl_) {
    if (defined()) impl_->references.increment();
  }
  Tensor(Tensor&& other) noexcept : impl_(std::exchange(other.impl_, &detail::undefined_tensor)) {}
  ~Tensor() {
    if (defined()) impl_->drop();
  }

  /// `y = x` makes a variable another handle of x. Assignment to what a function has returned writes into it, as copy_ and fill_ do:
  /// `x[0] = t`, `x.index({Slice(), 1}) = t`, `x.select(1, 0) = 2`. Where nobody could see what was written, RuntimeError.
  Tensor& operator=(Tensor other) & noexcept {
    std::swap(impl_, other.impl_);
    return *this;
  }
  const Tensor& operator=(const Tensor& source) && { return write(source); }
  const Tensor& operator=(Scalar value) && { return write(value); }
  template <class T>
    requires std::is_arithmetic_v<T>
  const Tensor& operator=(T value) && {
    return write(Scalar(value));
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void operator=(T) & {
    static_assert(sizeof(T) == 0, "a variable becomes another tensor, not a number: write x.fill_(2), or x = scalar_tensor(2)");
  }
  template <class T>
    requires(std::is_arithmetic_v<T> || std::is_convertible_v<T, const Tensor&>)
  void operator=(const T&) const&& {
    static_assert(sizeof(T) == 0, "grad() gives a handle that cannot be assigned to: write x.set_grad(t), or x.grad().copy_(t)");
  }

  // --- what it is
  bool defined() const { return impl_->dtype != DType::Undefined; }
  template <class T>
    requires std::is_arithmetic_v<T>
  explicit operator T() const {
    static_assert(sizeof(T) == 0, "ask x.defined() whether there is a tensor, or x.item<bool>() for the value of its only element");
  }
  int dim() const { return checked("dim")->dims; }
  IntArrayRef sizes() const { return {checked("sizes")->sizes, impl_->dims}; }
  IntArrayRef strides() const { return {checked("strides")->strides, impl_->dims}; }  ///< in elements
  IntArrayRef size() const { return sizes(); }
  int64_t size(int64_t dim) const;  ///< negative dims count from the end
  int64_t stride(int64_t dim) const;
  int64_t numel() const { return checked("numel")->numel; }
  DType dtype() const { return checked("dtype")->dtype; }
  bool is_floating_point() const { return ember::is_floating_point(checked("is_floating_point")->dtype); }
  int64_t storage_offset() const;
  bool is_contiguous() const { return checked("is_contiguous")->contiguous; }
  bool is_contiguous(MemoryFormat format) const;
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }  ///< the same tensor, not an equal one
  bool shares_storage(const Tensor& other) const { return checked("shares_storage")->storage == other.checked("shares_storage")->storage; }
  std::uint32_t version() const { return checked("version")->storage->version; }  ///< number of writes in place so far; `_version`

  /// The first element. Throws RuntimeError "expected scalar type Float but found Double" when T is not the dtype.
  template <class T>
  T* data() const {
    static_assert(dtype_of<T> != DType::Undefined, "elements are float, double, std::int64_t, std::uint8_t or bool");
    if (dtype_of<T> != impl_->dtype) [[unlikely]]
      wrong_dtype(dtype_of<T>);
    return static_cast<T*>(impl_->data);
  }
  void* data_ptr() const { return checked("data_ptr")->data; }
  template <class T>
  T* data_ptr() const {
    return data<T>();
  }
  void* data_or_null() const { return impl_->data; }  ///< null of an undefined tensor, for kernels with optional arguments

  /// The elements in row-major order, as numbers of type T.
  template <class T>
  std::vector<T> to_vector() const {
    checked("to_vector");
    const Tensor dense = to(dtype_of<T>).contiguous();
    const T* const first = dense.template data<T>();
    return std::vector<T>(first, first + dense.numel());
  }

  /// For loops over elements: a[i][j]. Throws when T is not the dtype or N not dim(), and IndexError beyond the sizes.
  template <class T, int N>
  TensorAccessor<T, N> accessor() const& {
    checked("accessor");
    check_dim(N);
    return {data<T>(), impl_->sizes, impl_->strides};
  }
  template <class T, int N>
  TensorAccessor<T, N> accessor() && {
    static_assert(N < 0, "an accessor does not keep its tensor: put the tensor into a variable first");
  }

  /// The only element as a number: `double v = x.item()`. Throws "a Tensor with 2 elements cannot be converted to Scalar".
  Scalar item() const;
  template <class T>
  T item() const {
    return item().to<T>();
  }

  // --- autograd (ember/autograd.h)
  bool requires_grad() const { return checked("requires_grad")->requires_grad || impl_->node || (impl_->meta && base_has_history()); }
  const Tensor& requires_grad_(bool on = true) const;
  bool is_leaf() const { return !checked("is_leaf")->node && !(impl_->meta && base_has_history()); }
  const Tensor grad() const;                            ///< undefined until a backward reached this leaf; set_grad() replaces it
  void set_grad(const OptionalTensor& gradient) const;  ///< undefined clears it
  void retain_grad() const;                             ///< keep the gradient of a tensor that is not a leaf
  Tensor detach() const;                                ///< the same memory without history
  const Tensor& detach_() const;                        ///< forgets its history; a view of a tensor is refused
  /// Gradients of this scalar (or of sum(this * gradient)) into the leaves' grad. As torch.Tensor.backward.
  void backward(const OptionalTensor& gradient = Tensor(), bool retain_graph = false, bool create_graph = false) const;
  std::string grad_fn_name() const;  ///< "AddBackward0"; "" for leaves

  // --- views: same memory, recorded on the tape
  Tensor view(IntArrayRef sizes) const;
  Tensor view_as(const Tensor& other) const { return view(other.sizes()); }
  Tensor reshape(IntArrayRef sizes) const;                                                        ///< a view where possible, else a copy
  Tensor as_strided(IntArrayRef sizes, IntArrayRef strides, int64_t offset = Slice::None) const;  ///< offset: in the storage; None is this tensor's
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
  Tensor movedim(int64_t source, int64_t destination) const { return movedim(IntArrayRef({source}), IntArrayRef({destination})); }

  // --- the same with sizes that are not in braces
  template <WholeNumber... Sizes>
    requires(sizeof...(Sizes) > 0)
  Tensor view(Sizes... sizes) const {
    return view(IntArrayRef({int64_t(sizes)...}));
  }
  template <WholeNumber... Sizes>
    requires(sizeof...(Sizes) > 0)
  Tensor reshape(Sizes... sizes) const {
    return reshape(IntArrayRef({int64_t(sizes)...}));
  }
  template <WholeNumber... Sizes>
    requires(sizeof...(Sizes) > 0)
  Tensor expand(Sizes... sizes) const {
    return expand(IntArrayRef({int64_t(sizes)...}));
  }
  template <WholeNumber... Sizes>
    requires(sizeof...(Sizes) > 0)
  Tensor permute(Sizes... sizes) const {
    return permute(IntArrayRef({int64_t(sizes)...}));
  }
  template <WholeNumber... Sizes>
    requires(sizeof...(Sizes) > 0)
  Tensor repeat(Sizes... sizes) const {
    return repeat(IntArrayRef({int64_t(sizes)...}));
  }

  // --- copies
  Tensor clone(MemoryFormat format = MemoryFormat::Preserve) const;
  Tensor contiguous(MemoryFormat format = MemoryFormat::Contiguous) const;
  Tensor to(DType dtype, bool copy = false) const;
  const Tensor& copy_(const Tensor& source) const;  ///< broadcasts and converts
  const Tensor& fill_(Scalar value) const;
  const Tensor& fill_(const Tensor& value) const;
  const Tensor& zero_() const;

  // --- indexing: x[2], x.index({Slice(0, 3), Ellipsis, None, mask})
  Tensor operator[](int64_t index) const { return select_first(index); }
  Tensor operator[](const Tensor& index) const;
  Tensor index(const std::vector<TensorIndex>& indices) const;
  const Tensor& index_put_(const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate = false) const;
  const Tensor& index_put_(const std::vector<TensorIndex>& indices, Scalar value) const;

  // --- arithmetic and the rest of PyTorch's methods; documented at the functions of the same name in ember/ops/*.h
  Tensor neg() const, abs() const, sign() const, square() const, reciprocal() const, sqrt() const, rsqrt() const, exp() const, expm1() const,
      log() const, log2() const, log10() const, log1p() const, sin() const, cos() const, tan() const, asin() const, acos() const, atan() const,
      sinh() const, cosh() const, tanh() const, sigmoid() const, erf() const, floor() const, ceil() const, trunc() const, frac() const;
  const Tensor &neg_() const, &abs_() const, &sign_() const, &square_() const, &reciprocal_() const, &sqrt_() const, &rsqrt_() const, &exp_() const,
      &expm1_() const, &log_() const, &log2_() const, &log10_() const, &log1p_() const, &sin_() const, &cos_() const, &tan_() const, &asin_() const,
      &acos_() const, &atan_() const, &sinh_() const, &cosh_() const, &tanh_() const, &sigmoid_() const, &erf_() const, &floor_() const,
      &ceil_() const, &trunc_() const, &frac_() const;
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
  const Tensor& div_(const Operand& other, Rounding rounding_mode) const;
  const Tensor& floor_divide_(const Operand& other) const;
  const Tensor& remainder_(const Operand& other) const;
  const Tensor& fmod_(const Operand& other) const;
  const Tensor& pow_(const Operand& exponent) const;
  const Tensor& operator+=(const Operand& other) const&, &operator-=(const Operand& other) const&, &operator*=(const Operand& other) const&,
      &operator/=(const Operand& other) const&;
  // On what a function has returned: as `=`.
  const Tensor& operator+=(const Operand& other) &&, &operator-=(const Operand& other) &&, &operator*=(const Operand& other) &&,
      &operator/=(const Operand& other) &&;
  Tensor lerp(const Tensor& end, const Operand& weight) const;
  Tensor addcmul(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  Tensor addcdiv(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  const Tensor& lerp_(const Tensor& end, const Operand& weight) const;
  const Tensor& addcmul_(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  const Tensor& addcdiv_(const Tensor& a, const Tensor& b, Scalar value = 1) const;
  Tensor where(const Tensor& condition, const Operand& other) const;  ///< this where condition holds
  Tensor masked_fill(const Tensor& mask, const Operand& value) const;
  const Tensor& masked_fill_(const Tensor& mask, const Operand& value) const;
  Tensor eq(const Operand& other) const, ne(const Operand& other) const, lt(const Operand& other) const, le(const Operand& other) const,
      gt(const Operand& other) const, ge(const Operand& other) const;
  Tensor logical_not() const, isnan() const, isinf() const, isfinite() const;
  Tensor logical_and(const Tensor& other) const;
  Tensor logical_or(const Tensor& other) const;
  Tensor logical_xor(const Tensor& other) const;
  // Bit by bit on whole numbers, logical on bools; NotImplementedError on real numbers.
  Tensor bitwise_not() const;
  Tensor bitwise_and(const Operand& other) const, bitwise_or(const Operand& other) const, bitwise_xor(const Operand& other) const,
      bitwise_left_shift(const Operand& other) const, bitwise_right_shift(const Operand& other) const;
  const Tensor &bitwise_not_() const, &bitwise_and_(const Operand& other) const, &bitwise_or_(const Operand& other) const,
      &bitwise_xor_(const Operand& other) const, &bitwise_left_shift_(const Operand& other) const, &bitwise_right_shift_(const Operand& other) const;
  const Tensor& operator&=(const Operand& other) const&, &operator|=(const Operand& other) const&, &operator^=(const Operand& other) const&,
      &operator<<=(const Operand& other) const&, &operator>>=(const Operand& other) const&;
  const Tensor& operator&=(const Operand& other) &&, &operator|=(const Operand& other) &&, &operator^=(const Operand& other) &&,
      &operator<<=(const Operand& other) &&, &operator>>=(const Operand& other) &&;
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
  template <class T>
    requires std::is_same_v<T, bool>
  Tensor var(T unbiased) const {
    return var(Dims(), unbiased);
  }
  Tensor std(const Dims& dims = {}, double correction = 1, bool keepdim = false) const;
  template <class T>
    requires std::is_same_v<T, bool>
  Tensor std(T unbiased) const {
    return std(Dims(), unbiased);
  }
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
  std::vector<Tensor> split(IntArrayRef split_sizes, int64_t dim = 0) const;
  std::vector<Tensor> split(std::initializer_list<int64_t> split_sizes, int64_t dim = 0) const;
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

  // For the library: the handle takes over one reference; null is none.
  explicit Tensor(TensorImpl* impl) : impl_(impl ? impl : &detail::undefined_tensor) {}
  TensorImpl* impl() const { return impl_; }
  TensorImpl* release() { return defined() ? std::exchange(impl_, &detail::undefined_tensor) : nullptr; }
  void bump_version() const { ++impl_->storage->version; }

 private:
  /// What it points to, for a method that needs a tensor.
  const TensorImpl* checked(const char* method) const {
    if (!defined()) [[unlikely]]
      detail::undefined_in_method(method);
    return impl_;
  }
  [[noreturn]] void wrong_dtype(DType asked) const;
  void check_dim(int asked) const;
  const Tensor& seen(const char* operation) const;  ///< itself, unless what is written to it would be lost
  const Tensor& write(const Tensor& source) const;
  const Tensor& write(Scalar value) const;
  bool base_has_history() const;
  Tensor select_first(int64_t index) const;

  TensorImpl* impl_;
};

}  // namespace ember

#include <ember/accessor.h>
#include <ember/factories.h>
#include <ember/operand.h>
