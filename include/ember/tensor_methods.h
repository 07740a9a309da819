// The methods of torch.Tensor beyond those that ember/tensor.h names: documented at the functions of the same names in ember/ops/*.h, the tensor in
// front. Part of ember/tensor.h.
#pragma once

#include <ember/arguments.h>
#include <ember/dtype.h>
#include <ember/scalar.h>
#include <ember/shape.h>

#include <vector>

namespace ember {

class Tensor;
using OptionalTensor = Tensor;  ///< the type of a parameter that may be left out: only these take an undefined tensor
struct TensorIndex;
class Generator;
class Operand;
struct ValuesIndices;
struct MinMax;
struct Unique;
struct Histogram;
struct HistogramOptions;
struct DiffOptions;
struct CovOptions;
struct AddmmOptions;
namespace linalg {
struct SignLogabsdet;
struct QR;
struct USV;
}  // namespace linalg
enum class Rounding : std::uint8_t;
enum class Interpolation : std::uint8_t;
enum class IndexReduce : std::uint8_t;

/// A base of Tensor and of nothing else.
class TensorMethods {
 public:
  // --- element by element (ember/ops/elementwise.h, special.h, activation.h)
  Tensor positive() const, exp2() const, asinh() const, acosh() const, atanh() const, erfc() const;
  Tensor erfinv() const, lgamma() const, digamma() const, sinc() const, logit() const, deg2rad() const;
  Tensor rad2deg() const, signbit() const, absolute() const, negative() const, fix() const, arcsin() const;
  Tensor arccos() const, arctan() const, arcsinh() const, arccosh() const, arctanh() const, relu() const;
  Tensor logit(double eps) const, polygamma(int64_t n) const, float_power(const Operand& other) const, xlogy(const Operand& other) const,
      copysign(const Operand& other) const, multiply(const Operand& other) const;
  Tensor greater(const Operand& other) const, greater_equal(const Operand& other) const, less(const Operand& other) const,
      less_equal(const Operand& other) const, not_equal(const Operand& other) const, subtract(const Operand& other, Scalar alpha = 1) const;
  Tensor divide(const Operand& other) const, divide(const Operand& other, Rounding rounding_mode) const,
      clip(const Operand& min, const Operand& max) const, hypot(const Tensor& other) const, heaviside(const Tensor& other) const,
      gcd(const Tensor& other) const;
  Tensor lcm(const Tensor& other) const, fmax(const Tensor& other) const, fmin(const Tensor& other) const, arctan2(const Tensor& other) const,
      hardshrink(double lambd = 0.5) const, prelu(const Tensor& weight) const;
  Tensor softmax(int64_t dim, DType dtype = DType::Undefined) const, log_softmax(int64_t dim, DType dtype = DType::Undefined) const;

  // --- reductions and statistics (reduce.h, statistics.h, histogram.h)
  MinMax aminmax(const Dims& dim = {}, bool keepdim = false) const;
  Tensor nansum(const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined) const,
      nanmean(const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined) const, nanmedian() const;
  ValuesIndices nanmedian(int64_t dim, bool keepdim = false) const;
  Tensor quantile(double q) const, quantile(double q, int64_t dim, bool keepdim = false) const,
      quantile(double q, int64_t dim, bool keepdim, Interpolation interpolation) const, quantile(const Tensor& q) const,
      quantile(const Tensor& q, int64_t dim, bool keepdim = false) const,
      quantile(const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation) const;
  Tensor nanquantile(double q) const, nanquantile(double q, int64_t dim, bool keepdim = false) const,
      nanquantile(double q, int64_t dim, bool keepdim, Interpolation interpolation) const, nanquantile(const Tensor& q) const,
      nanquantile(const Tensor& q, int64_t dim, bool keepdim = false) const,
      nanquantile(const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation) const;
  ValuesIndices cummax(int64_t dim) const, cummin(int64_t dim) const;
  Tensor logcumsumexp(int64_t dim) const;
  ValuesIndices kthvalue(int64_t k, int64_t dim = -1, bool keepdim = false) const, mode(int64_t dim = -1, bool keepdim = false) const;
  Tensor diff() const, diff(const DiffOptions& options) const, dist(const Tensor& other, double p = 2) const, cov() const,
      cov(const CovOptions& options) const, corrcoef() const;
  Tensor histc(int64_t bins = 100, double min = 0, double max = 0) const;
  Histogram histogram(int64_t bins) const, histogram(int64_t bins, const HistogramOptions& options) const, histogram(const Tensor& bin_edges) const,
      histogram(const Tensor& bin_edges, const HistogramOptions& options) const;
  Tensor bincount() const, bincount(const OptionalTensor& weights, int64_t minlength = 0) const;
  Unique unique(bool return_inverse = false, bool return_counts = false) const, unique(bool return_inverse, bool return_counts, int64_t dim) const,
      unique_consecutive(bool return_inverse = false, bool return_counts = false) const,
      unique_consecutive(bool return_inverse, bool return_counts, int64_t dim) const;

  // --- rearrangements (shape.h, arrange.h)
  Tensor ravel() const, reshape_as(const Tensor& other) const, swapaxes(int64_t a, int64_t b) const, swapdims(int64_t a, int64_t b) const,
      moveaxis(IntArrayRef source, IntArrayRef destination) const, moveaxis(int64_t source, int64_t destination) const;
  std::vector<Tensor> split_with_sizes(IntArrayRef sizes, int64_t dim = 0) const;
  std::vector<Tensor> dsplit(int64_t sections) const, dsplit(IntArrayRef indices) const, hsplit(int64_t sections) const,
      hsplit(IntArrayRef indices) const, vsplit(int64_t sections) const, vsplit(IntArrayRef indices) const;
  std::vector<Tensor> dsplit(std::initializer_list<int64_t> indices) const, hsplit(std::initializer_list<int64_t> indices) const,
      vsplit(std::initializer_list<int64_t> indices) const, tensor_split(std::initializer_list<int64_t> indices, int64_t dim = 0) const;
  std::vector<Tensor> tensor_split(int64_t sections, int64_t dim = 0) const, tensor_split(IntArrayRef indices, int64_t dim = 0) const;
  Tensor diag_embed(int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1) const, diagflat(int64_t offset = 0) const,
      diagonal_scatter(const Tensor& src, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1) const,
      select_scatter(const Tensor& src, int64_t dim, int64_t index) const,
      slice_scatter(const Tensor& src, int64_t dim = 0, int64_t start = Slice::None, int64_t stop = Slice::None, int64_t step = 1) const,
      fliplr() const;
  Tensor flipud() const, rot90(int64_t k = 1, IntArrayRef dims = {0, 1}) const, roll(int64_t shift) const,
      roll(IntArrayRef shifts, IntArrayRef dims) const, repeat_interleave(int64_t repeats) const,
      repeat_interleave(int64_t repeats, int64_t dim) const;
  Tensor repeat_interleave(const Tensor& repeats, int64_t dim) const, new_empty(IntArrayRef sizes, TensorOptions options = {}) const,
      new_full(IntArrayRef sizes, Scalar value, TensorOptions options = {}) const, new_ones(IntArrayRef sizes, TensorOptions options = {}) const,
      new_zeros(IntArrayRef sizes, TensorOptions options = {}) const;

  // --- by index (index.h, pick.h)
  Tensor argwhere() const, take(const Tensor& index) const, take_along_dim(const Tensor& indices, int64_t dim) const,
      take_along_dim(const Tensor& indices) const, index_add(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1) const,
      index_copy(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor index_fill(int64_t dim, const Tensor& index, const Operand& value) const,
      index_put(const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate = false) const,
      index_reduce(int64_t dim, const Tensor& index, const Tensor& source, IndexReduce reduce, bool include_self = true) const,
      scatter_reduce(int64_t dim, const Tensor& index, const Tensor& src, IndexReduce reduce, bool include_self = true) const,
      masked_scatter(const Tensor& mask, const Tensor& source) const, bernoulli(Generator* generator = nullptr) const;
  Tensor multinomial(int64_t num_samples, bool replacement = false, Generator* generator = nullptr) const;

  // --- products and linear algebra (linalg.h, products.h, decompositions.h). AddmmOptions: {.beta = 1, .alpha = 1}
  Tensor addmm(const Tensor& a, const Tensor& b) const, addmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const,
      addmv(const Tensor& a, const Tensor& v) const, addmv(const Tensor& a, const Tensor& v, const AddmmOptions& options) const,
      baddbmm(const Tensor& a, const Tensor& b) const, baddbmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const;
  Tensor addbmm(const Tensor& a, const Tensor& b) const, addbmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const,
      addr(const Tensor& u, const Tensor& v) const, addr(const Tensor& u, const Tensor& v, const AddmmOptions& options) const,
      bmm(const Tensor& other) const, mv(const Tensor& other) const;
  Tensor outer(const Tensor& other) const, inner(const Tensor& other) const, kron(const Tensor& other) const, cross(const Tensor& other) const,
      cross(const Tensor& other, int64_t dim) const, trace() const;
  Tensor det() const, logdet() const, inverse() const;
  linalg::SignLogabsdet slogdet() const;
  Tensor pinverse(double rcond = 1e-15) const, matrix_power(int64_t n) const, cholesky(bool upper = false) const,
      cholesky_inverse(bool upper = false) const, cholesky_solve(const Tensor& L, bool upper = false) const;
  /// linalg::qr and linalg::svd of the older names: reduced when `some`; svd gives V, not its transpose, and zeros as U and V without `compute_uv`.
  linalg::QR qr(bool some = true) const;
  linalg::QR qr(const char* mode) const = delete;
  linalg::USV svd(bool some = true, bool compute_uv = true) const;

  // --- in place: the value takes the place of this one
  const Tensor &exp2_() const, &asinh_() const, &acosh_() const, &atanh_() const, &erfc_() const, &erfinv_() const;
  const Tensor &lgamma_() const, &digamma_() const, &sinc_() const, &deg2rad_() const, &rad2deg_() const, &absolute_() const;
  const Tensor &negative_() const, &fix_() const, &arcsin_() const, &arccos_() const, &arctan_() const, &arcsinh_() const;
  const Tensor &arccosh_() const, &arctanh_() const, &relu_() const, &logical_not_() const, &logit_() const, &logit_(double eps) const;
  const Tensor &polygamma_(int64_t n) const, &float_power_(const Operand& other) const, &xlogy_(const Operand& other) const,
      &copysign_(const Operand& other) const, &true_divide_(const Operand& other) const, &multiply_(const Operand& other) const;
  const Tensor &eq_(const Operand& other) const, &ne_(const Operand& other) const, &lt_(const Operand& other) const, &le_(const Operand& other) const,
      &gt_(const Operand& other) const, &ge_(const Operand& other) const;
  const Tensor &greater_(const Operand& other) const, &greater_equal_(const Operand& other) const, &less_(const Operand& other) const,
      &less_equal_(const Operand& other) const, &not_equal_(const Operand& other) const, &subtract_(const Operand& other, Scalar alpha = 1) const;
  const Tensor &divide_(const Operand& other) const, &divide_(const Operand& other, Rounding rounding_mode) const,
      &clamp_min_(const Operand& min) const, &clamp_max_(const Operand& max) const, &clip_(const Operand& min, const Operand& max) const,
      &nan_to_num_(double nan = 0) const;
  const Tensor &nan_to_num_(double nan, const Operand& posinf, const Operand& neginf) const, &hypot_(const Tensor& other) const,
      &heaviside_(const Tensor& other) const, &gcd_(const Tensor& other) const, &lcm_(const Tensor& other) const, &atan2_(const Tensor& other) const;
  const Tensor &arctan2_(const Tensor& other) const, &logical_and_(const Tensor& other) const, &logical_or_(const Tensor& other) const,
      &logical_xor_(const Tensor& other) const, &cumsum_(int64_t dim) const, &cumprod_(int64_t dim) const;
  const Tensor &tril_(int64_t diagonal = 0) const, &triu_(int64_t diagonal = 0) const,
      &index_copy_(int64_t dim, const Tensor& index, const Tensor& source) const,
      &index_fill_(int64_t dim, const Tensor& index, const Operand& value) const,
      &index_reduce_(int64_t dim, const Tensor& index, const Tensor& source, IndexReduce reduce, bool include_self = true) const,
      &scatter_reduce_(int64_t dim, const Tensor& index, const Tensor& src, IndexReduce reduce, bool include_self = true) const;
  const Tensor &masked_scatter_(const Tensor& mask, const Tensor& source) const, &addmm_(const Tensor& a, const Tensor& b) const,
      &addmm_(const Tensor& a, const Tensor& b, const AddmmOptions& options) const, &addmv_(const Tensor& a, const Tensor& v) const,
      &addmv_(const Tensor& a, const Tensor& v, const AddmmOptions& options) const, &baddbmm_(const Tensor& a, const Tensor& b) const;
  const Tensor &baddbmm_(const Tensor& a, const Tensor& b, const AddmmOptions& options) const, &addbmm_(const Tensor& a, const Tensor& b) const,
      &addbmm_(const Tensor& a, const Tensor& b, const AddmmOptions& options) const, &addr_(const Tensor& u, const Tensor& v) const,
      &addr_(const Tensor& u, const Tensor& v, const AddmmOptions& options) const;

  // --- in place: this tensor becomes a view of itself. The memory stays, all handles of the tensor see the new sizes
  const Tensor &t_() const, &transpose_(int64_t a, int64_t b) const, &swapaxes_(int64_t a, int64_t b) const, &swapdims_(int64_t a, int64_t b) const;
  const Tensor &squeeze_() const, &squeeze_(int64_t dim) const, &squeeze_(IntArrayRef dims) const, &unsqueeze_(int64_t dim) const,
      &as_strided_(IntArrayRef sizes, IntArrayRef strides, int64_t offset = Slice::None) const;

 protected:
  TensorMethods() = default;
};

}  // namespace ember
