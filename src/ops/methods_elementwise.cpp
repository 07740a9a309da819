// The methods of Tensor that stand for functions: x.exp() is exp(x), x.add_(y) is x = add(x, y) in place.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

#include "ops/pointwise.h"

namespace ember {
namespace {

const Tensor nothing;

/// self = function(self, operand) in place.
template <class Function>
const Tensor& in_place(const Tensor& self, const Operand& other, Function function) {
  return apply_inplace(self, {other.tensor()}, [&](const Tensor& before) { return function(before, other); });
}
template <class Function>
const Tensor& in_place(const Tensor& self, Function function) {
  return apply_inplace(self, {}, [&](const Tensor& before) { return function(before); });
}

}  // namespace

const Tensor& Operand::no_tensor() { return nothing; }

Tensor Tensor::neg() const { return ember::neg(*this); }
Tensor Tensor::abs() const { return ember::abs(*this); }
Tensor Tensor::sign() const { return ember::sign(*this); }
Tensor Tensor::square() const { return ember::square(*this); }
Tensor Tensor::reciprocal() const { return ember::reciprocal(*this); }
Tensor Tensor::sqrt() const { return ember::sqrt(*this); }
Tensor Tensor::rsqrt() const { return ember::rsqrt(*this); }
Tensor Tensor::exp() const { return ember::exp(*this); }
Tensor Tensor::expm1() const { return ember::expm1(*this); }
Tensor Tensor::log() const { return ember::log(*this); }
Tensor Tensor::log2() const { return ember::log2(*this); }
Tensor Tensor::log10() const { return ember::log10(*this); }
Tensor Tensor::log1p() const { return ember::log1p(*this); }
Tensor Tensor::sin() const { return ember::sin(*this); }
Tensor Tensor::cos() const { return ember::cos(*this); }
Tensor Tensor::tan() const { return ember::tan(*this); }
Tensor Tensor::asin() const { return ember::asin(*this); }
Tensor Tensor::acos() const { return ember::acos(*this); }
Tensor Tensor::atan() const { return ember::atan(*this); }
Tensor Tensor::sinh() const { return ember::sinh(*this); }
Tensor Tensor::cosh() const { return ember::cosh(*this); }
Tensor Tensor::tanh() const { return ember::tanh(*this); }
Tensor Tensor::sigmoid() const { return ember::sigmoid(*this); }
Tensor Tensor::erf() const { return ember::erf(*this); }
Tensor Tensor::floor() const { return ember::floor(*this); }
Tensor Tensor::ceil() const { return ember::ceil(*this); }
Tensor Tensor::trunc() const { return ember::trunc(*this); }
Tensor Tensor::frac() const { return ember::frac(*this); }

const Tensor& Tensor::neg_() const { return in_place(*this, ember::neg); }
const Tensor& Tensor::abs_() const { return in_place(*this, ember::abs); }
const Tensor& Tensor::sign_() const { return in_place(*this, ember::sign); }
const Tensor& Tensor::square_() const { return in_place(*this, ember::square); }
const Tensor& Tensor::reciprocal_() const { return in_place(*this, ember::reciprocal); }
const Tensor& Tensor::sqrt_() const { return in_place(*this, ember::sqrt); }
const Tensor& Tensor::rsqrt_() const { return in_place(*this, ember::rsqrt); }
const Tensor& Tensor::exp_() const { return in_place(*this, ember::exp); }
const Tensor& Tensor::expm1_() const { return in_place(*this, ember::expm1); }
const Tensor& Tensor::log_() const { return in_place(*this, ember::log); }
const Tensor& Tensor::log2_() const { return in_place(*this, ember::log2); }
const Tensor& Tensor::log10_() const { return in_place(*this, ember::log10); }
const Tensor& Tensor::log1p_() const { return in_place(*this, ember::log1p); }
const Tensor& Tensor::sin_() const { return in_place(*this, ember::sin); }
const Tensor& Tensor::cos_() const { return in_place(*this, ember::cos); }
const Tensor& Tensor::tan_() const { return in_place(*this, ember::tan); }
const Tensor& Tensor::asin_() const { return in_place(*this, ember::asin); }
const Tensor& Tensor::acos_() const { return in_place(*this, ember::acos); }
const Tensor& Tensor::atan_() const { return in_place(*this, ember::atan); }
const Tensor& Tensor::sinh_() const { return in_place(*this, ember::sinh); }
const Tensor& Tensor::cosh_() const { return in_place(*this, ember::cosh); }
const Tensor& Tensor::tanh_() const { return in_place(*this, ember::tanh); }
const Tensor& Tensor::sigmoid_() const { return in_place(*this, ember::sigmoid); }
const Tensor& Tensor::erf_() const { return in_place(*this, ember::erf); }
const Tensor& Tensor::floor_() const { return in_place(*this, ember::floor); }
const Tensor& Tensor::ceil_() const { return in_place(*this, ember::ceil); }
const Tensor& Tensor::trunc_() const { return in_place(*this, ember::trunc); }
const Tensor& Tensor::frac_() const { return in_place(*this, ember::frac); }

Tensor Tensor::round(int64_t decimals) const { return ember::round(*this, decimals); }
const Tensor& Tensor::round_(int64_t decimals) const {
  return in_place(*this, [decimals](const Tensor& x) { return ember::round(x, decimals); });
}
Tensor Tensor::nan_to_num(double nan, const Operand& posinf, const Operand& neginf) const { return ember::nan_to_num(*this, nan, posinf, neginf); }
Tensor Tensor::nan_to_num(double nan) const { return ember::nan_to_num(*this, nan); }
Tensor Tensor::clamp(const Operand& min, const Operand& max) const { return ember::clamp(*this, min, max); }
Tensor Tensor::clamp_min(const Operand& min) const { return ember::clamp_min(*this, min); }
Tensor Tensor::clamp_max(const Operand& max) const { return ember::clamp_max(*this, max); }
const Tensor& Tensor::clamp_(const Operand& min, const Operand& max) const {
  return apply_inplace(*this, {min.tensor(), max.tensor()}, [&](const Tensor& x) { return ember::clamp(x, min, max); });
}

Tensor Tensor::add(const Operand& other, Scalar alpha) const { return ember::add(*this, other, alpha); }
Tensor Tensor::sub(const Operand& other, Scalar alpha) const { return ember::sub(*this, other, alpha); }
Tensor Tensor::mul(const Operand& other) const { return ember::mul(*this, other); }
Tensor Tensor::div(const Operand& other) const { return ember::div(*this, other); }
Tensor Tensor::div(const Operand& other, Rounding rounding_mode) const { return ember::div(*this, other, rounding_mode); }
Tensor Tensor::true_divide(const Operand& other) const { return ember::true_divide(*this, other); }
Tensor Tensor::floor_divide(const Operand& other) const { return ember::floor_divide(*this, other); }
Tensor Tensor::remainder(const Operand& other) const { return ember::remainder(*this, other); }
Tensor Tensor::fmod(const Operand& other) const { return ember::fmod(*this, other); }
Tensor Tensor::pow(const Operand& exponent) const { return ember::pow(*this, exponent); }
Tensor Tensor::atan2(const Tensor& other) const { return ember::atan2(*this, other); }
Tensor Tensor::maximum(const Tensor& other) const { return ember::maximum(*this, other); }
Tensor Tensor::minimum(const Tensor& other) const { return ember::minimum(*this, other); }
Tensor Tensor::logaddexp(const Tensor& other) const { return ember::logaddexp(*this, other); }

const Tensor& Tensor::add_(const Operand& other, Scalar alpha) const {
  return in_place(*this, other, [alpha](const Tensor& x, const Operand& y) { return ember::add(x, y, alpha); });
}
const Tensor& Tensor::sub_(const Operand& other, Scalar alpha) const {
  return in_place(*this, other, [alpha](const Tensor& x, const Operand& y) { return ember::sub(x, y, alpha); });
}
const Tensor& Tensor::mul_(const Operand& other) const { return in_place(*this, other, ember::mul); }
const Tensor& Tensor::div_(const Operand& other, Rounding rounding_mode) const {
  return in_place(*this, other, [rounding_mode](const Tensor& x, const Operand& y) { return ember::div(x, y, rounding_mode); });
}
const Tensor& Tensor::div_(const Operand& other) const { return in_place(*this, other, ember::true_divide); }
const Tensor& Tensor::floor_divide_(const Operand& other) const { return in_place(*this, other, ember::floor_divide); }
const Tensor& Tensor::remainder_(const Operand& other) const { return in_place(*this, other, ember::remainder); }
const Tensor& Tensor::fmod_(const Operand& other) const { return in_place(*this, other, ember::fmod); }
const Tensor& Tensor::pow_(const Operand& exponent) const { return in_place(*this, exponent, ember::pow); }
const Tensor& Tensor::operator+=(const Operand& other) const& { return add_(other); }
const Tensor& Tensor::operator+=(const Operand& other) && { return seen("operator+=").add_(other); }
const Tensor& Tensor::operator-=(const Operand& other) const& { return sub_(other); }
const Tensor& Tensor::operator-=(const Operand& other) && { return seen("operator-=").sub_(other); }
const Tensor& Tensor::operator*=(const Operand& other) const& { return mul_(other); }
const Tensor& Tensor::operator*=(const Operand& other) && { return seen("operator*=").mul_(other); }
const Tensor& Tensor::operator/=(const Operand& other) const& { return div_(other); }
const Tensor& Tensor::operator/=(const Operand& other) && { return seen("operator/=").div_(other); }

Tensor Tensor::lerp(const Tensor& end, const Operand& weight) const { return ember::lerp(*this, end, weight); }
Tensor Tensor::addcmul(const Tensor& a, const Tensor& b, Scalar value) const { return ember::addcmul(*this, a, b, value); }
Tensor Tensor::addcdiv(const Tensor& a, const Tensor& b, Scalar value) const { return ember::addcdiv(*this, a, b, value); }
const Tensor& Tensor::lerp_(const Tensor& end, const Operand& weight) const {
  return apply_inplace(*this, {end, weight.tensor()}, [&](const Tensor& x) { return ember::lerp(x, end, weight); });
}
const Tensor& Tensor::addcmul_(const Tensor& a, const Tensor& b, Scalar value) const {
  return apply_inplace(*this, {a, b}, [&](const Tensor& x) { return ember::addcmul(x, a, b, value); });
}
const Tensor& Tensor::addcdiv_(const Tensor& a, const Tensor& b, Scalar value) const {
  return apply_inplace(*this, {a, b}, [&](const Tensor& x) { return ember::addcdiv(x, a, b, value); });
}
Tensor Tensor::where(const Tensor& condition, const Operand& other) const { return ember::where(condition, *this, other); }
Tensor Tensor::masked_fill(const Tensor& mask, const Operand& value) const { return ember::masked_fill(*this, mask, value); }
const Tensor& Tensor::masked_fill_(const Tensor& mask, const Operand& value) const {
  return in_place(*this, value, [&](const Tensor& x, const Operand& v) { return ember::masked_fill(x, mask, v); });
}

Tensor Tensor::eq(const Operand& other) const { return ember::eq(*this, other); }
Tensor Tensor::ne(const Operand& other) const { return ember::ne(*this, other); }
Tensor Tensor::lt(const Operand& other) const { return ember::lt(*this, other); }
Tensor Tensor::le(const Operand& other) const { return ember::le(*this, other); }
Tensor Tensor::gt(const Operand& other) const { return ember::gt(*this, other); }
Tensor Tensor::ge(const Operand& other) const { return ember::ge(*this, other); }
Tensor Tensor::logical_not() const { return ember::logical_not(*this); }
Tensor Tensor::isnan() const { return ember::isnan(*this); }
Tensor Tensor::isinf() const { return ember::isinf(*this); }
Tensor Tensor::isfinite() const { return ember::isfinite(*this); }
Tensor Tensor::logical_and(const Tensor& other) const { return ember::logical_and(*this, other); }
Tensor Tensor::logical_or(const Tensor& other) const { return ember::logical_or(*this, other); }
Tensor Tensor::logical_xor(const Tensor& other) const { return ember::logical_xor(*this, other); }
Tensor Tensor::bitwise_not() const { return ember::bitwise_not(*this); }
Tensor Tensor::bitwise_and(const Operand& other) const { return ember::bitwise_and(*this, other); }
Tensor Tensor::bitwise_or(const Operand& other) const { return ember::bitwise_or(*this, other); }
Tensor Tensor::bitwise_xor(const Operand& other) const { return ember::bitwise_xor(*this, other); }
Tensor Tensor::bitwise_left_shift(const Operand& other) const { return ember::bitwise_left_shift(*this, other); }
Tensor Tensor::bitwise_right_shift(const Operand& other) const { return ember::bitwise_right_shift(*this, other); }
const Tensor& Tensor::bitwise_not_() const { return in_place(*this, ember::bitwise_not); }
const Tensor& Tensor::bitwise_and_(const Operand& other) const { return in_place(*this, other, ember::bitwise_and); }
const Tensor& Tensor::bitwise_or_(const Operand& other) const { return in_place(*this, other, ember::bitwise_or); }
const Tensor& Tensor::bitwise_xor_(const Operand& other) const { return in_place(*this, other, ember::bitwise_xor); }
const Tensor& Tensor::bitwise_left_shift_(const Operand& other) const { return in_place(*this, other, ember::bitwise_left_shift); }
const Tensor& Tensor::bitwise_right_shift_(const Operand& other) const { return in_place(*this, other, ember::bitwise_right_shift); }
const Tensor& Tensor::operator&=(const Operand& other) const& { return bitwise_and_(other); }
const Tensor& Tensor::operator&=(const Operand& other) && { return seen("operator&=").bitwise_and_(other); }
const Tensor& Tensor::operator|=(const Operand& other) const& { return bitwise_or_(other); }
const Tensor& Tensor::operator|=(const Operand& other) && { return seen("operator|=").bitwise_or_(other); }
const Tensor& Tensor::operator^=(const Operand& other) const& { return bitwise_xor_(other); }
const Tensor& Tensor::operator^=(const Operand& other) && { return seen("operator^=").bitwise_xor_(other); }
const Tensor& Tensor::operator<<=(const Operand& other) const& { return bitwise_left_shift_(other); }
const Tensor& Tensor::operator<<=(const Operand& other) && { return seen("operator<<=").bitwise_left_shift_(other); }
const Tensor& Tensor::operator>>=(const Operand& other) const& { return bitwise_right_shift_(other); }
const Tensor& Tensor::operator>>=(const Operand& other) && { return seen("operator>>=").bitwise_right_shift_(other); }
Tensor Tensor::isclose(const Tensor& other, double rtol, double atol, bool equal_nan) const {
  return ember::isclose(*this, other, rtol, atol, equal_nan);
}
bool Tensor::allclose(const Tensor& other, double rtol, double atol, bool equal_nan) const {
  return ember::allclose(*this, other, rtol, atol, equal_nan);
}
bool Tensor::equal(const Tensor& other) const { return ember::equal(*this, other); }

}  // namespace ember
