// The methods of Tensor that ember/tensor_methods.h declares: the functions of the same names.
#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/arrange.h>
#include <ember/ops/decompositions.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/histogram.h>
#include <ember/ops/index.h>
#include <ember/ops/linalg.h>
#include <ember/ops/pick.h>
#include <ember/ops/products.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/ops/special.h>
#include <ember/ops/statistics.h>
#include <ember/random.h>

namespace ember {
namespace {

const Tensor& of(const TensorMethods* self) { return *static_cast<const Tensor*>(self); }

}  // namespace

Tensor TensorMethods::positive() const { return ember::positive(of(this)); }
Tensor TensorMethods::exp2() const { return ember::exp2(of(this)); }
Tensor TensorMethods::asinh() const { return ember::asinh(of(this)); }
Tensor TensorMethods::acosh() const { return ember::acosh(of(this)); }
Tensor TensorMethods::atanh() const { return ember::atanh(of(this)); }
Tensor TensorMethods::erfc() const { return ember::erfc(of(this)); }
Tensor TensorMethods::erfinv() const { return ember::erfinv(of(this)); }
Tensor TensorMethods::lgamma() const { return ember::lgamma(of(this)); }
Tensor TensorMethods::digamma() const { return ember::digamma(of(this)); }
Tensor TensorMethods::sinc() const { return ember::sinc(of(this)); }
Tensor TensorMethods::logit() const { return ember::logit(of(this)); }
Tensor TensorMethods::deg2rad() const { return ember::deg2rad(of(this)); }
Tensor TensorMethods::rad2deg() const { return ember::rad2deg(of(this)); }
Tensor TensorMethods::signbit() const { return ember::signbit(of(this)); }
Tensor TensorMethods::absolute() const { return ember::absolute(of(this)); }
Tensor TensorMethods::negative() const { return ember::negative(of(this)); }
Tensor TensorMethods::fix() const { return ember::fix(of(this)); }
Tensor TensorMethods::arcsin() const { return ember::arcsin(of(this)); }
Tensor TensorMethods::arccos() const { return ember::arccos(of(this)); }
Tensor TensorMethods::arctan() const { return ember::arctan(of(this)); }
Tensor TensorMethods::arcsinh() const { return ember::arcsinh(of(this)); }
Tensor TensorMethods::arccosh() const { return ember::arccosh(of(this)); }
Tensor TensorMethods::arctanh() const { return ember::arctanh(of(this)); }
Tensor TensorMethods::relu() const { return ember::relu(of(this)); }
Tensor TensorMethods::logit(double eps) const { return ember::logit(of(this), eps); }
Tensor TensorMethods::polygamma(int64_t n) const { return ember::polygamma(n, of(this)); }
Tensor TensorMethods::float_power(const Operand& other) const { return ember::float_power(of(this), other); }
Tensor TensorMethods::xlogy(const Operand& other) const { return ember::xlogy(of(this), other); }
Tensor TensorMethods::copysign(const Operand& other) const { return ember::copysign(of(this), other); }
Tensor TensorMethods::multiply(const Operand& other) const { return ember::multiply(of(this), other); }
Tensor TensorMethods::greater(const Operand& other) const { return ember::greater(of(this), other); }
Tensor TensorMethods::greater_equal(const Operand& other) const { return ember::greater_equal(of(this), other); }
Tensor TensorMethods::less(const Operand& other) const { return ember::less(of(this), other); }
Tensor TensorMethods::less_equal(const Operand& other) const { return ember::less_equal(of(this), other); }
Tensor TensorMethods::not_equal(const Operand& other) const { return ember::not_equal(of(this), other); }
Tensor TensorMethods::subtract(const Operand& other, Scalar alpha) const { return ember::subtract(of(this), other, alpha); }
Tensor TensorMethods::divide(const Operand& other) const { return ember::divide(of(this), other); }
Tensor TensorMethods::divide(const Operand& other, Rounding rounding_mode) const { return ember::divide(of(this), other, rounding_mode); }
Tensor TensorMethods::clip(const Operand& min, const Operand& max) const { return ember::clip(of(this), min, max); }
Tensor TensorMethods::hypot(const Tensor& other) const { return ember::hypot(of(this), other); }
Tensor TensorMethods::heaviside(const Tensor& other) const { return ember::heaviside(of(this), other); }
Tensor TensorMethods::gcd(const Tensor& other) const { return ember::gcd(of(this), other); }
Tensor TensorMethods::lcm(const Tensor& other) const { return ember::lcm(of(this), other); }
Tensor TensorMethods::fmax(const Tensor& other) const { return ember::fmax(of(this), other); }
Tensor TensorMethods::fmin(const Tensor& other) const { return ember::fmin(of(this), other); }
Tensor TensorMethods::arctan2(const Tensor& other) const { return ember::arctan2(of(this), other); }
Tensor TensorMethods::hardshrink(double lambd) const { return ember::hardshrink(of(this), lambd); }
Tensor TensorMethods::prelu(const Tensor& weight) const { return ember::prelu(of(this), weight); }
Tensor TensorMethods::softmax(int64_t dim, DType dtype) const { return ember::softmax(of(this), dim, dtype); }
Tensor TensorMethods::log_softmax(int64_t dim, DType dtype) const { return ember::log_softmax(of(this), dim, dtype); }

MinMax TensorMethods::aminmax(const Dims& dim, bool keepdim) const { return ember::aminmax(of(this), dim, keepdim); }
Tensor TensorMethods::nansum(const Dims& dims, bool keepdim, DType dtype) const { return ember::nansum(of(this), dims, keepdim, dtype); }
Tensor TensorMethods::nanmean(const Dims& dims, bool keepdim, DType dtype) const { return ember::nanmean(of(this), dims, keepdim, dtype); }
Tensor TensorMethods::nanmedian() const { return ember::nanmedian(of(this)); }
ValuesIndices TensorMethods::nanmedian(int64_t dim, bool keepdim) const { return ember::nanmedian(of(this), dim, keepdim); }
Tensor TensorMethods::quantile(double q) const { return ember::quantile(of(this), q); }
Tensor TensorMethods::quantile(double q, int64_t dim, bool keepdim) const { return ember::quantile(of(this), q, dim, keepdim); }
Tensor TensorMethods::quantile(double q, int64_t dim, bool keepdim, Interpolation interpolation) const {
  return ember::quantile(of(this), q, dim, keepdim, interpolation);
}
Tensor TensorMethods::quantile(const Tensor& q) const { return ember::quantile(of(this), q); }
Tensor TensorMethods::quantile(const Tensor& q, int64_t dim, bool keepdim) const { return ember::quantile(of(this), q, dim, keepdim); }
Tensor TensorMethods::quantile(const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation) const {
  return ember::quantile(of(this), q, dim, keepdim, interpolation);
}
Tensor TensorMethods::nanquantile(double q) const { return ember::nanquantile(of(this), q); }
Tensor TensorMethods::nanquantile(double q, int64_t dim, bool keepdim) const { return ember::nanquantile(of(this), q, dim, keepdim); }
Tensor TensorMethods::nanquantile(double q, int64_t dim, bool keepdim, Interpolation interpolation) const {
  return ember::nanquantile(of(this), q, dim, keepdim, interpolation);
}
Tensor TensorMethods::nanquantile(const Tensor& q) const { return ember::nanquantile(of(this), q); }
Tensor TensorMethods::nanquantile(const Tensor& q, int64_t dim, bool keepdim) const { return ember::nanquantile(of(this), q, dim, keepdim); }
Tensor TensorMethods::nanquantile(const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation) const {
  return ember::nanquantile(of(this), q, dim, keepdim, interpolation);
}
ValuesIndices TensorMethods::cummax(int64_t dim) const { return ember::cummax(of(this), dim); }
ValuesIndices TensorMethods::cummin(int64_t dim) const { return ember::cummin(of(this), dim); }
Tensor TensorMethods::logcumsumexp(int64_t dim) const { return ember::logcumsumexp(of(this), dim); }
ValuesIndices TensorMethods::kthvalue(int64_t k, int64_t dim, bool keepdim) const { return ember::kthvalue(of(this), k, dim, keepdim); }
ValuesIndices TensorMethods::mode(int64_t dim, bool keepdim) const { return ember::mode(of(this), dim, keepdim); }
Tensor TensorMethods::diff() const { return ember::diff(of(this)); }
Tensor TensorMethods::diff(const DiffOptions& options) const { return ember::diff(of(this), options); }
Tensor TensorMethods::dist(const Tensor& other, double p) const { return ember::dist(of(this), other, p); }
Tensor TensorMethods::cov() const { return ember::cov(of(this)); }
Tensor TensorMethods::cov(const CovOptions& options) const { return ember::cov(of(this), options); }
Tensor TensorMethods::corrcoef() const { return ember::corrcoef(of(this)); }
Tensor TensorMethods::histc(int64_t bins, double min, double max) const { return ember::histc(of(this), bins, min, max); }
Histogram TensorMethods::histogram(int64_t bins) const { return ember::histogram(of(this), bins); }
Histogram TensorMethods::histogram(int64_t bins, const HistogramOptions& options) const { return ember::histogram(of(this), bins, options); }
Histogram TensorMethods::histogram(const Tensor& bin_edges) const { return ember::histogram(of(this), bin_edges); }
Histogram TensorMethods::histogram(const Tensor& bin_edges, const HistogramOptions& options) const {
  return ember::histogram(of(this), bin_edges, options);
}
Tensor TensorMethods::bincount() const { return ember::bincount(of(this)); }
Tensor TensorMethods::bincount(const OptionalTensor& weights, int64_t minlength) const { return ember::bincount(of(this), weights, minlength); }
Unique TensorMethods::unique(bool return_inverse, bool return_counts) const { return ember::unique(of(this), return_inverse, return_counts); }
Unique TensorMethods::unique(bool return_inverse, bool return_counts, int64_t dim) const {
  return ember::unique(of(this), return_inverse, return_counts, dim);
}
Unique TensorMethods::unique_consecutive(bool return_inverse, bool return_counts) const {
  return ember::unique_consecutive(of(this), return_inverse, return_counts);
}
Unique TensorMethods::unique_consecutive(bool return_inverse, bool return_counts, int64_t dim) const {
  return ember::unique_consecutive(of(this), return_inverse, return_counts, dim);
}

Tensor TensorMethods::ravel() const { return ember::ravel(of(this)); }
Tensor TensorMethods::reshape_as(const Tensor& other) const { return ember::reshape_as(of(this), other); }
Tensor TensorMethods::swapaxes(int64_t a, int64_t b) const { return ember::swapaxes(of(this), a, b); }
Tensor TensorMethods::swapdims(int64_t a, int64_t b) const { return ember::swapdims(of(this), a, b); }
Tensor TensorMethods::moveaxis(IntArrayRef source, IntArrayRef destination) const { return ember::moveaxis(of(this), source, destination); }
Tensor TensorMethods::moveaxis(int64_t source, int64_t destination) const { return ember::moveaxis(of(this), source, destination); }
std::vector<Tensor> TensorMethods::split_with_sizes(IntArrayRef sizes, int64_t dim) const { return ember::split_with_sizes(of(this), sizes, dim); }
std::vector<Tensor> TensorMethods::dsplit(int64_t sections) const { return ember::dsplit(of(this), sections); }
std::vector<Tensor> TensorMethods::dsplit(IntArrayRef indices) const { return ember::dsplit(of(this), indices); }
std::vector<Tensor> TensorMethods::dsplit(std::initializer_list<int64_t> indices) const { return ember::dsplit(of(this), indices); }
std::vector<Tensor> TensorMethods::hsplit(int64_t sections) const { return ember::hsplit(of(this), sections); }
std::vector<Tensor> TensorMethods::hsplit(IntArrayRef indices) const { return ember::hsplit(of(this), indices); }
std::vector<Tensor> TensorMethods::hsplit(std::initializer_list<int64_t> indices) const { return ember::hsplit(of(this), indices); }
std::vector<Tensor> TensorMethods::vsplit(int64_t sections) const { return ember::vsplit(of(this), sections); }
std::vector<Tensor> TensorMethods::vsplit(IntArrayRef indices) const { return ember::vsplit(of(this), indices); }
std::vector<Tensor> TensorMethods::vsplit(std::initializer_list<int64_t> indices) const { return ember::vsplit(of(this), indices); }
std::vector<Tensor> TensorMethods::tensor_split(int64_t sections, int64_t dim) const { return ember::tensor_split(of(this), sections, dim); }
std::vector<Tensor> TensorMethods::tensor_split(IntArrayRef indices, int64_t dim) const { return ember::tensor_split(of(this), indices, dim); }
std::vector<Tensor> TensorMethods::tensor_split(std::initializer_list<int64_t> indices, int64_t dim) const {
  return ember::tensor_split(of(this), indices, dim);
}
Tensor TensorMethods::diag_embed(int64_t offset, int64_t dim1, int64_t dim2) const { return ember::diag_embed(of(this), offset, dim1, dim2); }
Tensor TensorMethods::diagflat(int64_t offset) const { return ember::diagflat(of(this), offset); }
Tensor TensorMethods::diagonal_scatter(const Tensor& src, int64_t offset, int64_t dim1, int64_t dim2) const {
  return ember::diagonal_scatter(of(this), src, offset, dim1, dim2);
}
Tensor TensorMethods::select_scatter(const Tensor& src, int64_t dim, int64_t index) const { return ember::select_scatter(of(this), src, dim, index); }
Tensor TensorMethods::slice_scatter(const Tensor& src, int64_t dim, int64_t start, int64_t stop, int64_t step) const {
  return ember::slice_scatter(of(this), src, dim, start, stop, step);
}
Tensor TensorMethods::fliplr() const { return ember::fliplr(of(this)); }
Tensor TensorMethods::flipud() const { return ember::flipud(of(this)); }
Tensor TensorMethods::rot90(int64_t k, IntArrayRef dims) const { return ember::rot90(of(this), k, dims); }
Tensor TensorMethods::roll(int64_t shift) const { return ember::roll(of(this), shift); }
Tensor TensorMethods::roll(IntArrayRef shifts, IntArrayRef dims) const { return ember::roll(of(this), shifts, dims); }
Tensor TensorMethods::repeat_interleave(int64_t repeats) const { return ember::repeat_interleave(of(this), repeats); }
Tensor TensorMethods::repeat_interleave(int64_t repeats, int64_t dim) const { return ember::repeat_interleave(of(this), repeats, dim); }
Tensor TensorMethods::repeat_interleave(const Tensor& repeats, int64_t dim) const { return ember::repeat_interleave(of(this), repeats, dim); }
Tensor TensorMethods::new_empty(IntArrayRef sizes, TensorOptions options) const { return ember::new_empty(of(this), sizes, options); }
Tensor TensorMethods::new_full(IntArrayRef sizes, Scalar value, TensorOptions options) const {
  return ember::new_full(of(this), sizes, value, options);
}
Tensor TensorMethods::new_ones(IntArrayRef sizes, TensorOptions options) const { return ember::new_ones(of(this), sizes, options); }
Tensor TensorMethods::new_zeros(IntArrayRef sizes, TensorOptions options) const { return ember::new_zeros(of(this), sizes, options); }

Tensor TensorMethods::argwhere() const { return ember::argwhere(of(this)); }
Tensor TensorMethods::take(const Tensor& index) const { return ember::take(of(this), index); }
Tensor TensorMethods::take_along_dim(const Tensor& indices, int64_t dim) const { return ember::take_along_dim(of(this), indices, dim); }
Tensor TensorMethods::take_along_dim(const Tensor& indices) const { return ember::take_along_dim(of(this), indices); }
Tensor TensorMethods::index_add(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha) const {
  return ember::index_add(of(this), dim, index, source, alpha);
}
Tensor TensorMethods::index_copy(int64_t dim, const Tensor& index, const Tensor& source) const {
  return ember::index_copy(of(this), dim, index, source);
}
Tensor TensorMethods::index_fill(int64_t dim, const Tensor& index, const Operand& value) const {
  return ember::index_fill(of(this), dim, index, value);
}
Tensor TensorMethods::index_put(const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate) const {
  return ember::index_put(of(this), indices, values, accumulate);
}
Tensor TensorMethods::index_reduce(int64_t dim, const Tensor& index, const Tensor& source, IndexReduce reduce, bool include_self) const {
  return ember::index_reduce(of(this), dim, index, source, reduce, include_self);
}
Tensor TensorMethods::scatter_reduce(int64_t dim, const Tensor& index, const Tensor& src, IndexReduce reduce, bool include_self) const {
  return ember::scatter_reduce(of(this), dim, index, src, reduce, include_self);
}
Tensor TensorMethods::masked_scatter(const Tensor& mask, const Tensor& source) const { return ember::masked_scatter(of(this), mask, source); }
Tensor TensorMethods::bernoulli(Generator* generator) const { return ember::bernoulli(of(this), generator); }
Tensor TensorMethods::multinomial(int64_t num_samples, bool replacement, Generator* generator) const {
  return ember::multinomial(of(this), num_samples, replacement, generator);
}

Tensor TensorMethods::addmm(const Tensor& a, const Tensor& b) const { return ember::addmm(of(this), a, b); }
Tensor TensorMethods::addmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const { return ember::addmm(of(this), a, b, options); }
Tensor TensorMethods::addmv(const Tensor& a, const Tensor& v) const { return ember::addmv(of(this), a, v); }
Tensor TensorMethods::addmv(const Tensor& a, const Tensor& v, const AddmmOptions& options) const { return ember::addmv(of(this), a, v, options); }
Tensor TensorMethods::baddbmm(const Tensor& a, const Tensor& b) const { return ember::baddbmm(of(this), a, b); }
Tensor TensorMethods::baddbmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const { return ember::baddbmm(of(this), a, b, options); }
Tensor TensorMethods::addbmm(const Tensor& a, const Tensor& b) const { return ember::addbmm(of(this), a, b); }
Tensor TensorMethods::addbmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const { return ember::addbmm(of(this), a, b, options); }
Tensor TensorMethods::addr(const Tensor& u, const Tensor& v) const { return ember::addr(of(this), u, v); }
Tensor TensorMethods::addr(const Tensor& u, const Tensor& v, const AddmmOptions& options) const { return ember::addr(of(this), u, v, options); }
Tensor TensorMethods::bmm(const Tensor& other) const { return ember::bmm(of(this), other); }
Tensor TensorMethods::mv(const Tensor& other) const { return ember::mv(of(this), other); }
Tensor TensorMethods::outer(const Tensor& other) const { return ember::outer(of(this), other); }
Tensor TensorMethods::inner(const Tensor& other) const { return ember::inner(of(this), other); }
Tensor TensorMethods::kron(const Tensor& other) const { return ember::kron(of(this), other); }
Tensor TensorMethods::cross(const Tensor& other) const { return ember::cross(of(this), other); }
Tensor TensorMethods::cross(const Tensor& other, int64_t dim) const { return ember::cross(of(this), other, dim); }
Tensor TensorMethods::trace() const { return ember::trace(of(this)); }
Tensor TensorMethods::det() const { return ember::det(of(this)); }
Tensor TensorMethods::logdet() const { return ember::logdet(of(this)); }
Tensor TensorMethods::inverse() const { return ember::inverse(of(this)); }
linalg::SignLogabsdet TensorMethods::slogdet() const { return ember::slogdet(of(this)); }
Tensor TensorMethods::pinverse(double rcond) const { return ember::pinverse(of(this), rcond); }
Tensor TensorMethods::matrix_power(int64_t n) const { return ember::matrix_power(of(this), n); }
Tensor TensorMethods::cholesky(bool upper) const { return linalg::cholesky(of(this), upper); }
Tensor TensorMethods::cholesky_inverse(bool upper) const { return ember::cholesky_inverse(of(this), upper); }
Tensor TensorMethods::cholesky_solve(const Tensor& L, bool upper) const { return ember::cholesky_solve(of(this), L, upper); }
linalg::QR TensorMethods::qr(bool some) const { return linalg::qr(of(this), some ? "reduced" : "complete"); }
linalg::USV TensorMethods::svd(bool some, bool compute_uv) const {
  if (compute_uv) {
    const linalg::SVD f = linalg::svd(of(this), !some);
    return {f.U, f.S, f.Vh.mT()};
  }
  const Tensor S = linalg::svdvals(of(this));
  const auto square = [&](int64_t dim) {
    Shape sizes = of(this).sizes().shape();
    sizes[sizes.size() - 1] = sizes[sizes.size() - 2] = of(this).size(dim);
    return zeros(sizes, S.dtype());
  };
  return {square(-2), S, square(-1)};
}

}  // namespace ember
