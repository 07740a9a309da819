// The methods of ember/tensor_methods.h are the functions of the same names, and those in place are functions whose value takes the tensor's place.
#include <ember/ember.h>

#include <functional>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/close.h"
#include "support/random_numbers.h"

using namespace ember;

namespace {

/// What the rows compute with: numbers within (0, 1), whole numbers of one dtype, and a batch of one matrix.
struct Data {
  Tensor x = tensor({{0.31, 0.82, 0.17}, {0.44, 0.29, 0.93}, {0.71, 0.58, 0.12}}, kFloat64);
  Tensor y = tensor({{0.77, 0.21, 0.64}, {0.35, 0.52, 0.19}, {0.83, 0.46, 0.38}}, kFloat64);
  Tensor v = tensor({0.2, 0.5, 0.9}, kFloat64), u = tensor({0.3, 0.4}, kFloat64), z = x.unsqueeze(0);
  Tensor w = tensor({{4, 4, 10}, {6, 9, 9}, {4, 4, 10}}, kInt64), k = tensor({{2, 8, 15}, {4, 3, 6}, {12, 6, 4}}, kInt64);
  Tensor i = tensor({2, 1}, kInt64), S = matmul(x, x.t()) + eye(3, -1, {.dtype = kFloat64});
};

struct FunctionRow {
  const char* name;
  Tensor method, function;
};

struct InPlaceRow {
  const char* name;
  std::function<Tensor(const Tensor&)> method, function;
  double offset = 0;  ///< from (0, 1) to where the function is defined
};

std::vector<FunctionRow> function_rows() {
  const auto [x, y, v, u, z, w, k, i, S] = Data();
  return {
      {"positive", x.positive(), ember::positive(x)},
      {"exp2", x.exp2(), ember::exp2(x)},
      {"asinh", x.asinh(), ember::asinh(x)},
      {"acosh", (x + 1).acosh(), ember::acosh(x + 1)},
      {"atanh", x.atanh(), ember::atanh(x)},
      {"erfc", x.erfc(), ember::erfc(x)},
      {"erfinv", x.erfinv(), ember::erfinv(x)},
      {"lgamma", x.lgamma(), ember::lgamma(x)},
      {"digamma", x.digamma(), ember::digamma(x)},
      {"sinc", x.sinc(), ember::sinc(x)},
      {"logit", x.logit(), ember::logit(x)},
      {"deg2rad", x.deg2rad(), ember::deg2rad(x)},
      {"rad2deg", x.rad2deg(), ember::rad2deg(x)},
      {"signbit", x.signbit(), ember::signbit(x)},
      {"absolute", x.absolute(), ember::absolute(x)},
      {"negative", x.negative(), ember::negative(x)},
      {"fix", x.fix(), ember::fix(x)},
      {"arcsin", x.arcsin(), ember::arcsin(x)},
      {"arccos", x.arccos(), ember::arccos(x)},
      {"arctan", x.arctan(), ember::arctan(x)},
      {"arcsinh", x.arcsinh(), ember::arcsinh(x)},
      {"arccosh", (x + 1).arccosh(), ember::arccosh(x + 1)},
      {"arctanh", x.arctanh(), ember::arctanh(x)},
      {"relu", x.relu(), ember::relu(x)},
      {"nanmedian", x.nanmedian(), ember::nanmedian(x)},
      {"diff", x.diff(), ember::diff(x)},
      {"cov", x.cov(), ember::cov(x)},
      {"corrcoef", x.corrcoef(), ember::corrcoef(x)},
      {"fliplr", x.fliplr(), ember::fliplr(x)},
      {"flipud", x.flipud(), ember::flipud(x)},
      {"argwhere", x.argwhere(), ember::argwhere(x)},
      {"trace", x.trace(), ember::trace(x)},
      {"det", x.det(), ember::det(x)},
      {"logdet", x.logdet(), ember::logdet(x)},
      {"inverse", x.inverse(), ember::inverse(x)},
      {"logit", x.logit(0.3), ember::logit(x, 0.3)},
      {"polygamma", x.polygamma(2), ember::polygamma(2, x)},
      {"float_power", x.float_power(y), ember::float_power(x, y)},
      {"xlogy", x.xlogy(y), ember::xlogy(x, y)},
      {"copysign", x.copysign(y), ember::copysign(x, y)},
      {"multiply", x.multiply(y), ember::multiply(x, y)},
      {"greater", x.greater(y), ember::greater(x, y)},
      {"greater_equal", x.greater_equal(y), ember::greater_equal(x, y)},
      {"less", x.less(y), ember::less(x, y)},
      {"less_equal", x.less_equal(y), ember::less_equal(x, y)},
      {"not_equal", x.not_equal(y), ember::not_equal(x, y)},
      {"hypot", x.hypot(y), ember::hypot(x, y)},
      {"heaviside", x.heaviside(y), ember::heaviside(x, y)},
      {"fmax", x.fmax(y), ember::fmax(x, y)},
      {"fmin", x.fmin(y), ember::fmin(x, y)},
      {"arctan2", x.arctan2(y), ember::arctan2(x, y)},
      {"bmm", z.bmm(z), ember::bmm(z, z)},
      {"outer", u.outer(v), ember::outer(u, v)},
      {"mv", x.mv(v), ember::mv(x, v)},
      {"inner", x.inner(y), ember::inner(x, y)},
      {"kron", x.kron(y), ember::kron(x, y)},
      {"cross", x.cross(y), ember::cross(x, y)},
      {"dist", x.dist(y), ember::dist(x, y)},
      {"gcd", w.gcd(k), ember::gcd(w, k)},
      {"lcm", w.lcm(k), ember::lcm(w, k)},
      {"subtract", x.subtract(y, 3), ember::subtract(x, y, 3)},
      {"divide", x.divide(y), ember::divide(x, y)},
      {"divide", (7 * x).divide(y, Rounding::Floor), ember::divide(7 * x, y, Rounding::Floor)},
      {"clip", x.clip(0.3, 0.6), ember::clip(x, 0.3, 0.6)},
      {"hardshrink", x.hardshrink(0.4), ember::hardshrink(x, 0.4)},
      {"prelu", (x - 0.5).prelu(v), ember::prelu(x - 0.5, v)},
      {"softmax", x.softmax(0), ember::softmax(x, 0)},
      {"log_softmax", x.log_softmax(1, kFloat32), ember::log_softmax(x, 1, kFloat32)},
      {"nansum", x.nansum(0, true), ember::nansum(x, 0, true)},
      {"nanmean", x.nanmean(1), ember::nanmean(x, 1)},
      {"quantile", x.quantile(0.3), ember::quantile(x, 0.3)},
      {"quantile", x.quantile(0.3, 1, true), ember::quantile(x, 0.3, 1, true)},
      {"quantile", x.quantile(v.narrow(0, 0, 2)), ember::quantile(x, v.narrow(0, 0, 2))},
      {"quantile", x.quantile(v, 0, false, Interpolation::Lower), ember::quantile(x, v, 0, false, Interpolation::Lower)},
      {"nanquantile", x.nanquantile(0.3), ember::nanquantile(x, 0.3)},
      {"nanquantile", x.nanquantile(0.3, 1, true), ember::nanquantile(x, 0.3, 1, true)},
      {"nanquantile", x.nanquantile(v.narrow(0, 0, 2)), ember::nanquantile(x, v.narrow(0, 0, 2))},
      {"nanquantile", x.nanquantile(v, 0, false, Interpolation::Lower), ember::nanquantile(x, v, 0, false, Interpolation::Lower)},
      {"logcumsumexp", x.logcumsumexp(0), ember::logcumsumexp(x, 0)},
      {"diff", x.diff({.n = 2, .dim = 0}), ember::diff(x, {.n = 2, .dim = 0})},
      {"cov", x.cov({.correction = 0}), ember::cov(x, {.correction = 0})},
      {"dist", x.dist(y, 3), ember::dist(x, y, 3)},
      {"histc", x.histc(4, 0, 1), ember::histc(x, 4, 0, 1)},
      {"bincount", w.flatten().bincount(), ember::bincount(w.flatten())},
      {"bincount", w.flatten().bincount(y.flatten(), 20), ember::bincount(w.flatten(), y.flatten(), 20)},
      {"ravel", x.t().ravel(), ember::ravel(x.t())},
      {"reshape_as", u.reshape_as(ones({2, 1})), ember::reshape_as(u, ones({2, 1}))},
      {"swapaxes", z.swapaxes(0, 2), ember::swapaxes(z, 0, 2)},
      {"swapdims", z.swapdims(0, 1), ember::swapdims(z, 0, 1)},
      {"moveaxis", z.moveaxis({0, 1}, {1, 2}), ember::moveaxis(z, {0, 1}, {1, 2})},
      {"moveaxis", z.moveaxis(0, 2), ember::moveaxis(z, 0, 2)},
      {"split_with_sizes", x.split_with_sizes({1, 2}, 1)[1], ember::split_with_sizes(x, {1, 2}, 1)[1]},
      {"diag_embed", x.diag_embed(1), ember::diag_embed(x, 1)},
      {"diagflat", x.diagflat(1), ember::diagflat(x, 1)},
      {"diagonal_scatter", x.diagonal_scatter(u, 1), ember::diagonal_scatter(x, u, 1)},
      {"select_scatter", x.select_scatter(v, 1, 2), ember::select_scatter(x, v, 1, 2)},
      {"slice_scatter", x.slice_scatter(x.narrow(1, 0, 2), 1, 0, 2), ember::slice_scatter(x, x.narrow(1, 0, 2), 1, 0, 2)},
      {"rot90", x.rot90(3), ember::rot90(x, 3)},
      {"roll", x.roll(2), ember::roll(x, 2)},
      {"roll", x.roll({1, 2}, {0, 1}), ember::roll(x, {1, 2}, {0, 1})},
      {"repeat_interleave", x.repeat_interleave(2), ember::repeat_interleave(x, 2)},
      {"repeat_interleave", x.repeat_interleave(2, 1), ember::repeat_interleave(x, 2, 1)},
      {"repeat_interleave", x.narrow(0, 0, 2).repeat_interleave(i, 0), ember::repeat_interleave(x.narrow(0, 0, 2), i, 0)},
      {"new_full", x.new_full({2, 2}, 7), ember::new_full(x, {2, 2}, 7)},
      {"new_ones", x.new_ones({2}), ember::new_ones(x, {2})},
      {"new_zeros", x.new_zeros({2}, {.dtype = kInt64}), ember::new_zeros(x, {2}, {.dtype = kInt64})},
      {"take", x.take(i), ember::take(x, i)},
      {"take_along_dim", x.take_along_dim(w % 3, 0), ember::take_along_dim(x, w % 3, 0)},
      {"take_along_dim", x.take_along_dim(i), ember::take_along_dim(x, i)},
      {"index_add", x.index_add(0, i, y.narrow(0, 0, 2), 2), ember::index_add(x, 0, i, y.narrow(0, 0, 2), 2)},
      {"index_copy", x.index_copy(1, i, y.narrow(1, 0, 2)), ember::index_copy(x, 1, i, y.narrow(1, 0, 2))},
      {"index_fill", x.index_fill(0, i, 5), ember::index_fill(x, 0, i, 5)},
      {"index_put", x.index_put({i}, v, true), ember::index_put(x, {i}, v, true)},
      {"index_reduce", x.index_reduce(0, i, y.narrow(0, 0, 2), IndexReduce::Prod, false),
       ember::index_reduce(x, 0, i, y.narrow(0, 0, 2), IndexReduce::Prod, false)},
      {"scatter_reduce", x.scatter_reduce(1, w % 3, y, IndexReduce::Amax), ember::scatter_reduce(x, 1, w % 3, y, IndexReduce::Amax)},
      {"masked_scatter", x.masked_scatter(x > 0.5, y), ember::masked_scatter(x, x > 0.5, y)},
      {"addmm", x.addmm(x, y), ember::addmm(x, x, y)},
      {"addmm", x.addmm(x, y, {.beta = 2, .alpha = 3}), ember::addmm(x, x, y, {.beta = 2, .alpha = 3})},
      {"addmv", v.addmv(x, v), ember::addmv(v, x, v)},
      {"addmv", v.addmv(x, v, {.beta = 2, .alpha = 3}), ember::addmv(v, x, v, {.beta = 2, .alpha = 3})},
      {"baddbmm", x.baddbmm(z, z), ember::baddbmm(x, z, z)},
      {"baddbmm", x.baddbmm(z, z, {.beta = 2, .alpha = 3}), ember::baddbmm(x, z, z, {.beta = 2, .alpha = 3})},
      {"addbmm", x.addbmm(z, z), ember::addbmm(x, z, z)},
      {"addbmm", x.addbmm(z, z, {.beta = 2, .alpha = 3}), ember::addbmm(x, z, z, {.beta = 2, .alpha = 3})},
      {"addr", x.addr(v, v), ember::addr(x, v, v)},
      {"addr", x.addr(v, v, {.beta = 2, .alpha = 3}), ember::addr(x, v, v, {.beta = 2, .alpha = 3})},
      {"cross", x.cross(y, 0), ember::cross(x, y, 0)},
      {"pinverse", x.pinverse(0.1), ember::pinverse(x, 0.1)},
      {"matrix_power", x.matrix_power(3), ember::matrix_power(x, 3)},
      {"qr", x.narrow(1, 0, 2).qr().Q, linalg::qr(x.narrow(1, 0, 2)).Q},
      {"qr", x.narrow(1, 0, 2).qr(false).R, linalg::qr(x.narrow(1, 0, 2), "complete").R},
      {"svd", x.narrow(1, 0, 2).svd().U, linalg::svd(x.narrow(1, 0, 2), false).U},
      {"svd", x.narrow(1, 0, 2).svd(false).V, linalg::svd(x.narrow(1, 0, 2)).Vh.t()},
      {"svd", z.svd(true, false).S, linalg::svdvals(z)},
      {"svd", ones({2, 3, 4}).svd(true, false).V, zeros({2, 4, 4})},
      {"cholesky", S.cholesky(true), linalg::cholesky(S, true)},
      {"cholesky_inverse", tril(S).cholesky_inverse(), ember::cholesky_inverse(tril(S))},
      {"cholesky_solve", x.cholesky_solve(tril(S)), ember::cholesky_solve(x, tril(S))},
      {"aminmax.min", x.aminmax(0, true).min, ember::aminmax(x, 0, true).min},
      {"aminmax.max", x.aminmax(0, true).max, ember::aminmax(x, 0, true).max},
      {"cummax.values", x.cummax(0).values, ember::cummax(x, 0).values},
      {"cummax.indices", x.cummax(0).indices, ember::cummax(x, 0).indices},
      {"cummin.values", x.cummin(1).values, ember::cummin(x, 1).values},
      {"cummin.indices", x.cummin(1).indices, ember::cummin(x, 1).indices},
      {"kthvalue.values", x.kthvalue(2, 0, true).values, ember::kthvalue(x, 2, 0, true).values},
      {"kthvalue.indices", x.kthvalue(2, 0, true).indices, ember::kthvalue(x, 2, 0, true).indices},
      {"mode.values", x.mode(0).values, ember::mode(x, 0).values},
      {"mode.indices", x.mode(0).indices, ember::mode(x, 0).indices},
      {"histogram.hist", x.histogram(4).hist, ember::histogram(x, 4).hist},
      {"histogram.bin_edges", x.histogram(4).bin_edges, ember::histogram(x, 4).bin_edges},
      {"unique.values", w.unique(false, true).values, ember::unique(w, false, true).values},
      {"unique.counts", w.unique(false, true).counts, ember::unique(w, false, true).counts},
      {"unique_consecutive.values", w.unique_consecutive(true, false).values, ember::unique_consecutive(w, true, false).values},
      {"unique_consecutive.inverse", w.unique_consecutive(true, false).inverse, ember::unique_consecutive(w, true, false).inverse},
      {"slogdet.sign", x.slogdet().sign, ember::slogdet(x).sign},
      {"slogdet.logabsdet", x.slogdet().logabsdet, ember::slogdet(x).logabsdet},
      {"nanmedian.indices", x.nanmedian(1).indices, ember::nanmedian(x, 1).indices},
      {"unique of slices", w.unique(false, false, 0).values, ember::unique(w, false, false, 0).values},
      {"unique_consecutive of slices", w.unique_consecutive(false, false, 1).values, ember::unique_consecutive(w, false, false, 1).values},
      {"histogram.weight", x.histogram(3, {.weight = y}).hist, ember::histogram(x, 3, {.weight = y}).hist},
      {"histogram.edges", x.histogram(v).hist, ember::histogram(x, v).hist},
      {"histogram.edges.density", x.histogram(v, {.density = true}).hist, ember::histogram(x, v, {.density = true}).hist},
      {"dsplit", reshape(x, {1, 3, 3}).dsplit(3).at(1), ember::dsplit(reshape(x, {1, 3, 3}), 3).at(1)},
      {"hsplit", x.hsplit(3).at(1), ember::hsplit(x, 3).at(1)},
      {"vsplit", x.vsplit({1, 2}).at(1), ember::vsplit(x, {1, 2}).at(1)},
      {"tensor_split", x.tensor_split(2, 1).at(1), ember::tensor_split(x, 2, 1).at(1)},
      {"hsplit at", x.hsplit({1, 2}).at(1), ember::hsplit(x, {1, 2}).at(1)},
      {"vsplit", x.vsplit(3).at(1), ember::vsplit(x, 3).at(1)},
      {"dsplit at", z.dsplit({1, 2}).at(1), ember::dsplit(z, {1, 2}).at(1)},
      {"tensor_split at", x.tensor_split({1, 2}, 1).at(0), ember::tensor_split(x, {1, 2}, 1).at(0)},
  };
}

std::vector<InPlaceRow> in_place_rows() {
  const Data data;
  const Tensor y = data.y, v = data.v, z = data.z, w = data.w, i = data.i;
  return {
      {"exp2_", [=](const Tensor& x) { return x.exp2_(); }, [=](const Tensor& x) { return ember::exp2(x); }},
      {"asinh_", [=](const Tensor& x) { return x.asinh_(); }, [=](const Tensor& x) { return ember::asinh(x); }},
      {"acosh_", [=](const Tensor& x) { return x.acosh_(); }, [=](const Tensor& x) { return ember::acosh(x); }, 1},
      {"atanh_", [=](const Tensor& x) { return x.atanh_(); }, [=](const Tensor& x) { return ember::atanh(x); }},
      {"erfc_", [=](const Tensor& x) { return x.erfc_(); }, [=](const Tensor& x) { return ember::erfc(x); }},
      {"erfinv_", [=](const Tensor& x) { return x.erfinv_(); }, [=](const Tensor& x) { return ember::erfinv(x); }},
      {"lgamma_", [=](const Tensor& x) { return x.lgamma_(); }, [=](const Tensor& x) { return ember::lgamma(x); }},
      {"digamma_", [=](const Tensor& x) { return x.digamma_(); }, [=](const Tensor& x) { return ember::digamma(x); }},
      {"sinc_", [=](const Tensor& x) { return x.sinc_(); }, [=](const Tensor& x) { return ember::sinc(x); }},
      {"deg2rad_", [=](const Tensor& x) { return x.deg2rad_(); }, [=](const Tensor& x) { return ember::deg2rad(x); }},
      {"rad2deg_", [=](const Tensor& x) { return x.rad2deg_(); }, [=](const Tensor& x) { return ember::rad2deg(x); }},
      {"absolute_", [=](const Tensor& x) { return x.absolute_(); }, [=](const Tensor& x) { return ember::absolute(x); }},
      {"negative_", [=](const Tensor& x) { return x.negative_(); }, [=](const Tensor& x) { return ember::negative(x); }},
      {"fix_", [=](const Tensor& x) { return x.fix_(); }, [=](const Tensor& x) { return ember::fix(x); }},
      {"arcsin_", [=](const Tensor& x) { return x.arcsin_(); }, [=](const Tensor& x) { return ember::arcsin(x); }},
      {"arccos_", [=](const Tensor& x) { return x.arccos_(); }, [=](const Tensor& x) { return ember::arccos(x); }},
      {"arctan_", [=](const Tensor& x) { return x.arctan_(); }, [=](const Tensor& x) { return ember::arctan(x); }},
      {"arcsinh_", [=](const Tensor& x) { return x.arcsinh_(); }, [=](const Tensor& x) { return ember::arcsinh(x); }},
      {"arccosh_", [=](const Tensor& x) { return x.arccosh_(); }, [=](const Tensor& x) { return ember::arccosh(x); }, 1},
      {"arctanh_", [=](const Tensor& x) { return x.arctanh_(); }, [=](const Tensor& x) { return ember::arctanh(x); }},
      {"relu_", [=](const Tensor& x) { return x.relu_(); }, [=](const Tensor& x) { return ember::relu(x); }},
      {"logical_not_", [=](const Tensor& x) { return x.logical_not_(); }, [=](const Tensor& x) { return ember::logical_not(x); }},
      {"logit_", [=](const Tensor& x) { return x.logit_(); }, [=](const Tensor& x) { return ember::logit(x); }},
      {"logit_", [=](const Tensor& x) { return x.logit_(0.3); }, [=](const Tensor& x) { return ember::logit(x, 0.3); }},
      {"polygamma_", [=](const Tensor& x) { return x.polygamma_(1); }, [=](const Tensor& x) { return polygamma(1, x); }},
      {"float_power_", [=](const Tensor& x) { return x.float_power_(y); }, [=](const Tensor& x) { return ember::float_power(x, y); }},
      {"xlogy_", [=](const Tensor& x) { return x.xlogy_(y); }, [=](const Tensor& x) { return ember::xlogy(x, y); }},
      {"copysign_", [=](const Tensor& x) { return x.copysign_(y); }, [=](const Tensor& x) { return ember::copysign(x, y); }},
      {"true_divide_", [=](const Tensor& x) { return x.true_divide_(y); }, [=](const Tensor& x) { return ember::true_divide(x, y); }},
      {"multiply_", [=](const Tensor& x) { return x.multiply_(y); }, [=](const Tensor& x) { return ember::multiply(x, y); }},
      {"eq_", [=](const Tensor& x) { return x.eq_(y); }, [=](const Tensor& x) { return ember::eq(x, y); }},
      {"ne_", [=](const Tensor& x) { return x.ne_(y); }, [=](const Tensor& x) { return ember::ne(x, y); }},
      {"lt_", [=](const Tensor& x) { return x.lt_(y); }, [=](const Tensor& x) { return ember::lt(x, y); }},
      {"le_", [=](const Tensor& x) { return x.le_(y); }, [=](const Tensor& x) { return ember::le(x, y); }},
      {"gt_", [=](const Tensor& x) { return x.gt_(y); }, [=](const Tensor& x) { return ember::gt(x, y); }},
      {"ge_", [=](const Tensor& x) { return x.ge_(y); }, [=](const Tensor& x) { return ember::ge(x, y); }},
      {"greater_", [=](const Tensor& x) { return x.greater_(y); }, [=](const Tensor& x) { return ember::greater(x, y); }},
      {"greater_equal_", [=](const Tensor& x) { return x.greater_equal_(y); }, [=](const Tensor& x) { return ember::greater_equal(x, y); }},
      {"less_", [=](const Tensor& x) { return x.less_(y); }, [=](const Tensor& x) { return ember::less(x, y); }},
      {"less_equal_", [=](const Tensor& x) { return x.less_equal_(y); }, [=](const Tensor& x) { return ember::less_equal(x, y); }},
      {"not_equal_", [=](const Tensor& x) { return x.not_equal_(y); }, [=](const Tensor& x) { return ember::not_equal(x, y); }},
      {"hypot_", [=](const Tensor& x) { return x.hypot_(y); }, [=](const Tensor& x) { return ember::hypot(x, y); }},
      {"heaviside_", [=](const Tensor& x) { return x.heaviside_(y); }, [=](const Tensor& x) { return ember::heaviside(x, y); }},
      {"atan2_", [=](const Tensor& x) { return x.atan2_(y); }, [=](const Tensor& x) { return ember::atan2(x, y); }},
      {"arctan2_", [=](const Tensor& x) { return x.arctan2_(y); }, [=](const Tensor& x) { return ember::arctan2(x, y); }},
      {"logical_and_", [=](const Tensor& x) { return x.logical_and_(y); }, [=](const Tensor& x) { return ember::logical_and(x, y); }},
      {"logical_or_", [=](const Tensor& x) { return x.logical_or_(y); }, [=](const Tensor& x) { return ember::logical_or(x, y); }},
      {"logical_xor_", [=](const Tensor& x) { return x.logical_xor_(y); }, [=](const Tensor& x) { return ember::logical_xor(x, y); }},
      {"subtract_", [=](const Tensor& x) { return x.subtract_(y, 3); }, [=](const Tensor& x) { return ember::subtract(x, y, 3); }},
      {"divide_", [=](const Tensor& x) { return x.divide_(y); }, [=](const Tensor& x) { return ember::divide(x, y); }},
      {"divide_", [=](const Tensor& x) { return x.divide_(y, Rounding::Floor); },
       [=](const Tensor& x) { return ember::divide(x, y, Rounding::Floor); }},
      {"div_", [=](const Tensor& x) { return x.div_(y, Rounding::Trunc); }, [=](const Tensor& x) { return ember::div(x, y, Rounding::Trunc); }},
      {"clamp_min_", [=](const Tensor& x) { return x.clamp_min_(0.4); }, [=](const Tensor& x) { return ember::clamp_min(x, 0.4); }},
      {"clamp_max_", [=](const Tensor& x) { return x.clamp_max_(0.4); }, [=](const Tensor& x) { return ember::clamp_max(x, 0.4); }},
      {"clip_", [=](const Tensor& x) { return x.clip_(0.3, 0.6); }, [=](const Tensor& x) { return ember::clip(x, 0.3, 0.6); }},
      {"nan_to_num_", [=](const Tensor& x) { return x.nan_to_num_(); }, [=](const Tensor& x) { return ember::nan_to_num(x); }},
      {"nan_to_num_", [=](const Tensor& x) { return x.nan_to_num_(0.0, 1, 2); }, [=](const Tensor& x) { return ember::nan_to_num(x, 0.0, 1, 2); }},
      {"cumsum_", [=](const Tensor& x) { return x.cumsum_(0); }, [=](const Tensor& x) { return ember::cumsum(x, 0); }},
      {"cumprod_", [=](const Tensor& x) { return x.cumprod_(1); }, [=](const Tensor& x) { return ember::cumprod(x, 1); }},
      {"t_", [=](const Tensor& x) { return x.t_(); }, [=](const Tensor& x) { return ember::t(x); }},
      {"transpose_", [=](const Tensor& x) { return x.transpose_(0, -1); }, [=](const Tensor& x) { return ember::transpose(x, 0, -1); }},
      {"swapaxes_", [=](const Tensor& x) { return x.swapaxes_(0, 1); }, [=](const Tensor& x) { return ember::swapaxes(x, 0, 1); }},
      {"swapdims_", [=](const Tensor& x) { return x.swapdims_(0, 1); }, [=](const Tensor& x) { return ember::swapdims(x, 0, 1); }},
      {"squeeze_", [=](const Tensor& x) { return x.squeeze_(); }, [=](const Tensor& x) { return ember::squeeze(x); }},
      {"squeeze_", [=](const Tensor& x) { return x.squeeze_(-1); }, [=](const Tensor& x) { return ember::squeeze(x, -1); }},
      {"squeeze_", [=](const Tensor& x) { return x.squeeze_({0, 1}); }, [=](const Tensor& x) { return x.squeeze({0, 1}); }},
      {"unsqueeze_", [=](const Tensor& x) { return x.unsqueeze_(1); }, [=](const Tensor& x) { return ember::unsqueeze(x, 1); }},
      {"as_strided_", [=](const Tensor& x) { return x.as_strided_({2, 2}, {1, 2}, 1); },
       [=](const Tensor& x) { return x.as_strided({2, 2}, {1, 2}, 1); }},
      {"tril_", [=](const Tensor& x) { return x.tril_(1); }, [=](const Tensor& x) { return ember::tril(x, 1); }},
      {"triu_", [=](const Tensor& x) { return x.triu_(1); }, [=](const Tensor& x) { return ember::triu(x, 1); }},
      {"index_copy_", [=](const Tensor& x) { return x.index_copy_(1, i, y.narrow(1, 0, 2)); },
       [=](const Tensor& x) { return ember::index_copy(x, 1, i, y.narrow(1, 0, 2)); }},
      {"index_fill_", [=](const Tensor& x) { return x.index_fill_(0, i, 5); }, [=](const Tensor& x) { return ember::index_fill(x, 0, i, 5); }},
      {"index_reduce_", [=](const Tensor& x) { return x.index_reduce_(0, i, y.narrow(0, 0, 2), IndexReduce::Amax); },
       [=](const Tensor& x) { return ember::index_reduce(x, 0, i, y.narrow(0, 0, 2), IndexReduce::Amax); }},
      {"scatter_reduce_", [=](const Tensor& x) { return x.scatter_reduce_(1, w % 3, y, IndexReduce::Sum, false); },
       [=](const Tensor& x) { return ember::scatter_reduce(x, 1, w % 3, y, IndexReduce::Sum, false); }},
      {"masked_scatter_", [=](const Tensor& x) { return x.masked_scatter_(y > 0.5, y); },
       [=](const Tensor& x) { return ember::masked_scatter(x, y > 0.5, y); }},
      {"addmm_", [=](const Tensor& x) { return x.addmm_(y, y); }, [=](const Tensor& x) { return ember::addmm(x, y, y); }},
      {"addmm_", [=](const Tensor& x) { return x.addmm_(y, y, {.beta = 2, .alpha = 3}); },
       [=](const Tensor& x) { return ember::addmm(x, y, y, {.beta = 2, .alpha = 3}); }},
      {"addbmm_", [=](const Tensor& x) { return x.addbmm_(z, z); }, [=](const Tensor& x) { return ember::addbmm(x, z, z); }},
      {"addbmm_", [=](const Tensor& x) { return x.addbmm_(z, z, {.beta = 2, .alpha = 3}); },
       [=](const Tensor& x) { return ember::addbmm(x, z, z, {.beta = 2, .alpha = 3}); }},
      {"addr_", [=](const Tensor& x) { return x.addr_(v, v); }, [=](const Tensor& x) { return ember::addr(x, v, v); }},
      {"addr_", [=](const Tensor& x) { return x.addr_(v, v, {.beta = 2, .alpha = 3}); },
       [=](const Tensor& x) { return ember::addr(x, v, v, {.beta = 2, .alpha = 3}); }},
  };
}

}  // namespace

TEST_CASE("methods of a tensor give what the functions of their names give") {
  for (const FunctionRow& row : function_rows()) {
    INFO(row.name);
    CHECK(row.method.dtype() == row.function.dtype());
    CHECK(row.method.numel() > 0);
    CHECK_THAT(row.method, is_close(row.function, 0, 0));
  }
  const Tensor x = Data().x;
  CHECK(x.new_empty({4, 2}).dtype() == kFloat64);
  CHECK(x.new_empty({4, 2}).sizes() == IntArrayRef({4, 2}));
  manual_seed(3);
  const Tensor drawn = x.bernoulli(), picked = x.multinomial(2);
  manual_seed(3);
  CHECK(drawn.equal(bernoulli(x)));
  CHECK(picked.equal(multinomial(x, 2)));
}

TEST_CASE("methods in place write the function's value, are counted as writes and recorded, and refuse leaves that require gradients") {
  for (const InPlaceRow& row : in_place_rows()) {
    INFO(row.name);
    const Tensor start = Data().x + row.offset, x = start.clone(), expected = row.function(start);
    const auto before = x.version();
    CHECK(row.method(x).is_same(x));
    CHECK(x.version() > before);
    CHECK(x.dtype() == kFloat64);
    CHECK_THAT(x, is_close(expected.to(kFloat64), 0, 0));
    CHECK(!x.isnan().any().item<bool>());

    const Tensor leaf = start.clone().requires_grad_(), other = start.clone().requires_grad_();
    CHECK_THROWS_WITH(row.method(leaf), contains("a leaf Variable that requires grad is being used in an in-place operation"));
    CHECK(leaf.equal(start));
    if (!row.function(other * 1).requires_grad()) continue;
    row.method(leaf * 1).sum().backward();
    row.function(other * 1).sum().backward();
    CHECK_THAT(leaf.grad(), is_close(other.grad(), 0, 0));
  }
  const auto [x, y, v, u, z, w, k, i, S] = Data();
  CHECK(v.clone().addmv_(x, v).equal(addmv(v, x, v)));
  CHECK(v.clone().addmv_(x, v, {.beta = 2, .alpha = 3}).equal(addmv(v, x, v, {.beta = 2, .alpha = 3})));
  CHECK(z.clone().baddbmm_(z, z).equal(baddbmm(z, z, z)));
  CHECK(z.clone().baddbmm_(z, z, {.beta = 2, .alpha = 3}).equal(baddbmm(z, z, z, {.beta = 2, .alpha = 3})));
  const Tensor whole = tensor({4, 6}, kInt64);
  CHECK(whole.clone().gcd_(tensor({6, 9}, kInt64)).equal(tensor({2, 3}, kInt64)));
  CHECK(whole.clone().lcm_(tensor({6, 9}, kInt64)).equal(tensor({12, 18}, kInt64)));
  CHECK_THROWS_WITH(whole.exp2_(), contains("result type Float can't be cast to the desired output type"));
  CHECK(whole.equal(tensor({4, 6}, kInt64)));
}
