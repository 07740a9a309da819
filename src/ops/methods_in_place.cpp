// The methods in place that ember/tensor_methods.h declares: x.acosh_() is x = acosh(x) in place.
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

#include "tensor/defined.h"

namespace ember {
namespace {

const Tensor& of(const TensorMethods* self) { return *static_cast<const Tensor*>(self); }

/// self = function(self, ...) in place; `others` are the function's further inputs that may have gradients.
template <class Function>
const Tensor& in_place(const TensorMethods* self, std::initializer_list<detail::InputRef> others, Function function) {
  return apply_inplace(of(self), others, function);
}
const Tensor& in_place(const TensorMethods* self, Tensor (*function)(const Tensor&)) { return apply_inplace(of(self), {}, function); }

}  // namespace

const Tensor& TensorMethods::exp2_() const { return in_place(this, ember::exp2); }
const Tensor& TensorMethods::asinh_() const { return in_place(this, ember::asinh); }
const Tensor& TensorMethods::acosh_() const { return in_place(this, ember::acosh); }
const Tensor& TensorMethods::atanh_() const { return in_place(this, ember::atanh); }
const Tensor& TensorMethods::erfc_() const { return in_place(this, ember::erfc); }
const Tensor& TensorMethods::erfinv_() const { return in_place(this, ember::erfinv); }
const Tensor& TensorMethods::lgamma_() const { return in_place(this, ember::lgamma); }
const Tensor& TensorMethods::digamma_() const { return in_place(this, ember::digamma); }
const Tensor& TensorMethods::sinc_() const { return in_place(this, ember::sinc); }
const Tensor& TensorMethods::deg2rad_() const { return in_place(this, ember::deg2rad); }
const Tensor& TensorMethods::rad2deg_() const { return in_place(this, ember::rad2deg); }
const Tensor& TensorMethods::absolute_() const { return in_place(this, ember::absolute); }
const Tensor& TensorMethods::negative_() const { return in_place(this, ember::negative); }
const Tensor& TensorMethods::fix_() const { return in_place(this, ember::fix); }
const Tensor& TensorMethods::arcsin_() const { return in_place(this, ember::arcsin); }
const Tensor& TensorMethods::arccos_() const { return in_place(this, ember::arccos); }
const Tensor& TensorMethods::arctan_() const { return in_place(this, ember::arctan); }
const Tensor& TensorMethods::arcsinh_() const { return in_place(this, ember::arcsinh); }
const Tensor& TensorMethods::arccosh_() const { return in_place(this, ember::arccosh); }
const Tensor& TensorMethods::arctanh_() const { return in_place(this, ember::arctanh); }
const Tensor& TensorMethods::relu_() const { return in_place(this, ember::relu); }
const Tensor& TensorMethods::logical_not_() const { return in_place(this, ember::logical_not); }
const Tensor& TensorMethods::logit_() const {
  return in_place(this, {}, [](const Tensor& x) { return ember::logit(x); });
}
const Tensor& TensorMethods::logit_(double eps) const {
  return in_place(this, {}, [&](const Tensor& x) { return ember::logit(x, eps); });
}
const Tensor& TensorMethods::polygamma_(int64_t n) const {
  return in_place(this, {}, [&](const Tensor& x) { return ember::polygamma(n, x); });
}
const Tensor& TensorMethods::float_power_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::float_power(x, other); });
}
const Tensor& TensorMethods::xlogy_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::xlogy(x, other); });
}
const Tensor& TensorMethods::copysign_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::copysign(x, other); });
}
const Tensor& TensorMethods::true_divide_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::true_divide(x, other); });
}
const Tensor& TensorMethods::multiply_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::multiply(x, other); });
}
const Tensor& TensorMethods::eq_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::eq(x, other); });
}
const Tensor& TensorMethods::ne_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::ne(x, other); });
}
const Tensor& TensorMethods::lt_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::lt(x, other); });
}
const Tensor& TensorMethods::le_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::le(x, other); });
}
const Tensor& TensorMethods::gt_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::gt(x, other); });
}
const Tensor& TensorMethods::ge_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::ge(x, other); });
}
const Tensor& TensorMethods::greater_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::greater(x, other); });
}
const Tensor& TensorMethods::greater_equal_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::greater_equal(x, other); });
}
const Tensor& TensorMethods::less_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::less(x, other); });
}
const Tensor& TensorMethods::less_equal_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::less_equal(x, other); });
}
const Tensor& TensorMethods::not_equal_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::not_equal(x, other); });
}
const Tensor& TensorMethods::subtract_(const Operand& other, Scalar alpha) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::subtract(x, other, alpha); });
}
const Tensor& TensorMethods::divide_(const Operand& other) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::divide(x, other); });
}
const Tensor& TensorMethods::divide_(const Operand& other, Rounding rounding_mode) const {
  return in_place(this, {other.tensor()}, [&](const Tensor& x) { return ember::divide(x, other, rounding_mode); });
}
const Tensor& TensorMethods::clamp_min_(const Operand& min) const {
  return in_place(this, {min.tensor()}, [&](const Tensor& x) { return ember::clamp_min(x, min); });
}
const Tensor& TensorMethods::clamp_max_(const Operand& max) const {
  return in_place(this, {max.tensor()}, [&](const Tensor& x) { return ember::clamp_max(x, max); });
}
const Tensor& TensorMethods::clip_(const Operand& min, const Operand& max) const {
  return in_place(this, {min.tensor(), max.tensor()}, [&](const Tensor& x) { return ember::clip(x, min, max); });
}
const Tensor& TensorMethods::nan_to_num_(double nan) const {
  return in_place(this, {}, [&](const Tensor& x) { return ember::nan_to_num(x, nan); });
}
const Tensor& TensorMethods::nan_to_num_(double nan, const Operand& posinf, const Operand& neginf) const {
  return in_place(this, {posinf.tensor(), neginf.tensor()}, [&](const Tensor& x) { return ember::nan_to_num(x, nan, posinf, neginf); });
}
const Tensor& TensorMethods::hypot_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::hypot(x, other); });
}
const Tensor& TensorMethods::heaviside_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::heaviside(x, other); });
}
const Tensor& TensorMethods::gcd_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::gcd(x, other); });
}
const Tensor& TensorMethods::lcm_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::lcm(x, other); });
}
const Tensor& TensorMethods::atan2_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::atan2(x, other); });
}
const Tensor& TensorMethods::arctan2_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::arctan2(x, other); });
}
const Tensor& TensorMethods::logical_and_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::logical_and(x, other); });
}
const Tensor& TensorMethods::logical_or_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::logical_or(x, other); });
}
const Tensor& TensorMethods::logical_xor_(const Tensor& other) const {
  return in_place(this, {other}, [&](const Tensor& x) { return ember::logical_xor(x, other); });
}
const Tensor& TensorMethods::cumsum_(int64_t dim) const {
  return in_place(this, {}, [&](const Tensor& x) {
    require_defined("cumsum", x);
    return ember::cumsum(x, dim, x.dtype());
  });
}
const Tensor& TensorMethods::cumprod_(int64_t dim) const {
  return in_place(this, {}, [&](const Tensor& x) {
    require_defined("cumprod", x);
    return ember::cumprod(x, dim, x.dtype());
  });
}
const Tensor& TensorMethods::tril_(int64_t diagonal) const {
  return in_place(this, {}, [&](const Tensor& x) { return ember::tril(x, diagonal); });
}
const Tensor& TensorMethods::triu_(int64_t diagonal) const {
  return in_place(this, {}, [&](const Tensor& x) { return ember::triu(x, diagonal); });
}
const Tensor& TensorMethods::index_copy_(int64_t dim, const Tensor& index, const Tensor& source) const {
  return in_place(this, {source}, [&](const Tensor& x) { return ember::index_copy(x, dim, index, source); });
}
const Tensor& TensorMethods::index_fill_(int64_t dim, const Tensor& index, const Operand& value) const {
  return in_place(this, {value.tensor()}, [&](const Tensor& x) { return ember::index_fill(x, dim, index, value); });
}
const Tensor& TensorMethods::index_reduce_(int64_t dim, const Tensor& index, const Tensor& source, IndexReduce reduce, bool include_self) const {
  return in_place(this, {source}, [&](const Tensor& x) { return ember::index_reduce(x, dim, index, source, reduce, include_self); });
}
const Tensor& TensorMethods::scatter_reduce_(int64_t dim, const Tensor& index, const Tensor& src, IndexReduce reduce, bool include_self) const {
  return in_place(this, {src}, [&](const Tensor& x) { return ember::scatter_reduce(x, dim, index, src, reduce, include_self); });
}
const Tensor& TensorMethods::masked_scatter_(const Tensor& mask, const Tensor& source) const {
  return in_place(this, {source}, [&](const Tensor& x) { return ember::masked_scatter(x, mask, source); });
}
const Tensor& TensorMethods::addmm_(const Tensor& a, const Tensor& b) const {
  return in_place(this, {a, b}, [&](const Tensor& x) { return ember::addmm(x, a, b); });
}
const Tensor& TensorMethods::addmm_(const Tensor& a, const Tensor& b, const AddmmOptions& options) const {
  return in_place(this, {a, b}, [&](const Tensor& x) { return ember::addmm(x, a, b, options); });
}
const Tensor& TensorMethods::addmv_(const Tensor& a, const Tensor& v) const {
  return in_place(this, {a, v}, [&](const Tensor& x) { return ember::addmv(x, a, v); });
}
const Tensor& TensorMethods::addmv_(const Tensor& a, const Tensor& v, const AddmmOptions& options) const {
  return in_place(this, {a, v}, [&](const Tensor& x) { return ember::addmv(x, a, v, options); });
}
const Tensor& TensorMethods::baddbmm_(const Tensor& a, const Tensor& b) const {
  return in_place(this, {a, b}, [&](const Tensor& x) { return ember::baddbmm(x, a, b); });
}
const Tensor& TensorMethods::baddbmm_(const Tensor& a, const Tensor& b, const AddmmOptions& options) const {
  return in_place(this, {a, b}, [&](const Tensor& x) { return ember::baddbmm(x, a, b, options); });
}
const Tensor& TensorMethods::addbmm_(const Tensor& a, const Tensor& b) const {
  return in_place(this, {a, b}, [&](const Tensor& x) { return ember::addbmm(x, a, b); });
}
const Tensor& TensorMethods::addbmm_(const Tensor& a, const Tensor& b, const AddmmOptions& options) const {
  return in_place(this, {a, b}, [&](const Tensor& x) { return ember::addbmm(x, a, b, options); });
}
const Tensor& TensorMethods::addr_(const Tensor& u, const Tensor& v) const {
  return in_place(this, {u, v}, [&](const Tensor& x) { return ember::addr(x, u, v); });
}
const Tensor& TensorMethods::addr_(const Tensor& u, const Tensor& v, const AddmmOptions& options) const {
  return in_place(this, {u, v}, [&](const Tensor& x) { return ember::addr(x, u, v, options); });
}

const Tensor& TensorMethods::t_() const { return become_view(of(this), of(this).t()); }
const Tensor& TensorMethods::transpose_(int64_t a, int64_t b) const { return become_view(of(this), of(this).transpose(a, b)); }
const Tensor& TensorMethods::swapaxes_(int64_t a, int64_t b) const { return transpose_(a, b); }
const Tensor& TensorMethods::swapdims_(int64_t a, int64_t b) const { return transpose_(a, b); }
const Tensor& TensorMethods::squeeze_() const { return become_view(of(this), of(this).squeeze()); }
const Tensor& TensorMethods::squeeze_(int64_t dim) const { return become_view(of(this), of(this).squeeze(dim)); }
const Tensor& TensorMethods::squeeze_(IntArrayRef dims) const { return become_view(of(this), of(this).squeeze(dims)); }
const Tensor& TensorMethods::unsqueeze_(int64_t dim) const { return become_view(of(this), of(this).unsqueeze(dim)); }
const Tensor& TensorMethods::as_strided_(IntArrayRef sizes, IntArrayRef strides, int64_t offset) const {
  return become_view(of(this), of(this).as_strided(sizes, strides, offset));
}

}  // namespace ember
