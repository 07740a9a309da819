// Elementwise functions, comparisons and logic by PyTorch's names.
#include "bind/binding.h"

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

namespace ember::parity {

Rounding rounding_of(const Argument& mode) {
  if (mode.is_none()) return Rounding::None;
  if (mode.text() == "trunc") return Rounding::Trunc;
  if (mode.text() == "floor") return Rounding::Floor;
  throw RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '" + mode.text() + "'");
}

namespace {

Result nan_to_num_of(Args& a) { return nan_to_num(a[0], a[1].real_or(0), a[2], a[3]); }

/// Functions of one tensor and their in-place forms.
Table unary_table() {
  return {
      {"neg* negative*", "input", [](Args& a) { return neg(a[0]); }},
      {"abs* absolute*", "input", [](Args& a) { return abs(a[0]); }},
      {"sign* sgn*", "input", [](Args& a) { return sign(a[0]); }},
      {"exp*", "input", [](Args& a) { return exp(a[0]); }},
      {"expm1*", "input", [](Args& a) { return expm1(a[0]); }},
      {"log*", "input", [](Args& a) { return log(a[0]); }},
      {"log2*", "input", [](Args& a) { return log2(a[0]); }},
      {"log10*", "input", [](Args& a) { return log10(a[0]); }},
      {"log1p*", "input", [](Args& a) { return log1p(a[0]); }},
      {"sqrt*", "input", [](Args& a) { return sqrt(a[0]); }},
      {"rsqrt*", "input", [](Args& a) { return rsqrt(a[0]); }},
      {"square*", "input", [](Args& a) { return square(a[0]); }},
      {"reciprocal*", "input", [](Args& a) { return reciprocal(a[0]); }},
      {"sin*", "input", [](Args& a) { return sin(a[0]); }},
      {"cos*", "input", [](Args& a) { return cos(a[0]); }},
      {"tan*", "input", [](Args& a) { return tan(a[0]); }},
      {"asin* arcsin*", "input", [](Args& a) { return asin(a[0]); }},
      {"acos* arccos*", "input", [](Args& a) { return acos(a[0]); }},
      {"atan* arctan*", "input", [](Args& a) { return atan(a[0]); }},
      {"sinh*", "input", [](Args& a) { return sinh(a[0]); }},
      {"cosh*", "input", [](Args& a) { return cosh(a[0]); }},
      {"tanh* nn.functional.tanh", "input", [](Args& a) { return tanh(a[0]); }},
      {"sigmoid* nn.functional.sigmoid special.expit", "input", [](Args& a) { return sigmoid(a[0]); }},
      {"erf* special.erf", "input", [](Args& a) { return erf(a[0]); }},
      {"floor*", "input", [](Args& a) { return floor(a[0]); }},
      {"ceil*", "input", [](Args& a) { return ceil(a[0]); }},
      {"trunc* fix*", "input", [](Args& a) { return trunc(a[0]); }},
      {"frac*", "input", [](Args& a) { return frac(a[0]); }},
      {"round*", "input * decimals=0", [](Args& a) { return round(a[0], a[1]); }},
      {"nan_to_num*", "input nan=0.0 posinf=None neginf=None", nan_to_num_of},
      {"clamp* clip*", "input min=None max=None", [](Args& a) { return clamp(a[0], a[1], a[2]); }},
      {"clamp_min*", "input min", [](Args& a) { return clamp_min(a[0], a[1]); }},
      {"clamp_max*", "input max", [](Args& a) { return clamp_max(a[0], a[1]); }},
      {"isnan*", "input", [](Args& a) { return isnan(a[0]); }},
      {"isinf*", "input", [](Args& a) { return isinf(a[0]); }},
      {"isfinite*", "input", [](Args& a) { return isfinite(a[0]); }},
      {"logical_not*", "input", [](Args& a) { return logical_not(a[0]); }},
      {"Tensor.neg_ neg_ Tensor.negative_ negative_", "input", [](Args& a) { return a[0].tensor().neg_(); }},
      {"Tensor.abs_ abs_ Tensor.absolute_", "input", [](Args& a) { return a[0].tensor().abs_(); }},
      {"Tensor.sign_ Tensor.sgn_", "input", [](Args& a) { return a[0].tensor().sign_(); }},
      {"Tensor.exp_ exp_", "input", [](Args& a) { return a[0].tensor().exp_(); }},
      {"Tensor.expm1_ expm1_", "input", [](Args& a) { return a[0].tensor().expm1_(); }},
      {"Tensor.log_ log_", "input", [](Args& a) { return a[0].tensor().log_(); }},
      {"Tensor.log2_ log2_", "input", [](Args& a) { return a[0].tensor().log2_(); }},
      {"Tensor.log10_ log10_", "input", [](Args& a) { return a[0].tensor().log10_(); }},
      {"Tensor.log1p_ log1p_", "input", [](Args& a) { return a[0].tensor().log1p_(); }},
      {"Tensor.sqrt_ sqrt_", "input", [](Args& a) { return a[0].tensor().sqrt_(); }},
      {"Tensor.rsqrt_ rsqrt_", "input", [](Args& a) { return a[0].tensor().rsqrt_(); }},
      {"Tensor.square_ square_", "input", [](Args& a) { return a[0].tensor().square_(); }},
      {"Tensor.reciprocal_ reciprocal_", "input", [](Args& a) { return a[0].tensor().reciprocal_(); }},
      {"Tensor.sin_ sin_", "input", [](Args& a) { return a[0].tensor().sin_(); }},
      {"Tensor.cos_ cos_", "input", [](Args& a) { return a[0].tensor().cos_(); }},
      {"Tensor.tan_ tan_", "input", [](Args& a) { return a[0].tensor().tan_(); }},
      {"Tensor.asin_ asin_ Tensor.arcsin_ arcsin_", "input", [](Args& a) { return a[0].tensor().asin_(); }},
      {"Tensor.acos_ acos_ Tensor.arccos_ arccos_", "input", [](Args& a) { return a[0].tensor().acos_(); }},
      {"Tensor.atan_ atan_ Tensor.arctan_ arctan_", "input", [](Args& a) { return a[0].tensor().atan_(); }},
      {"Tensor.sinh_ sinh_", "input", [](Args& a) { return a[0].tensor().sinh_(); }},
      {"Tensor.cosh_ cosh_", "input", [](Args& a) { return a[0].tensor().cosh_(); }},
      {"Tensor.tanh_ tanh_", "input", [](Args& a) { return a[0].tensor().tanh_(); }},
      {"Tensor.sigmoid_ sigmoid_", "input", [](Args& a) { return a[0].tensor().sigmoid_(); }},
      {"Tensor.erf_ erf_", "input", [](Args& a) { return a[0].tensor().erf_(); }},
      {"Tensor.floor_ floor_", "input", [](Args& a) { return a[0].tensor().floor_(); }},
      {"Tensor.ceil_ ceil_", "input", [](Args& a) { return a[0].tensor().ceil_(); }},
      {"Tensor.trunc_ trunc_ Tensor.fix_ fix_", "input", [](Args& a) { return a[0].tensor().trunc_(); }},
      {"Tensor.frac_ frac_", "input", [](Args& a) { return a[0].tensor().frac_(); }},
      {"Tensor.round_ round_", "input * decimals=0", [](Args& a) { return a[0].tensor().round_(a[1]); }},
      {"Tensor.clamp_ clamp_ Tensor.clip_ clip_", "input min=None max=None", [](Args& a) { return a[0].tensor().clamp_(a[1], a[2]); }},
  };
}

/// Functions of two and three operands.
Table operand_table() {
  return {
      {"add* Tensor.__add__ Tensor.__radd__", "input:tensor other * alpha=1", [](Args& a) { return add(a[0], a[1], a[2]); }},
      {"sub* subtract* Tensor.__sub__", "input other * alpha=1", [](Args& a) { return sub(a[0], a[1], a[2]); }},
      {"rsub", "input:tensor other * alpha=1", [](Args& a) { return rsub(a[0], a[1], a[2]); }},
      {"Tensor.__rsub__", "input other", [](Args& a) { return sub(a[1], a[0]); }},
      {"mul* multiply* Tensor.__mul__ Tensor.__rmul__", "input:tensor other", [](Args& a) { return mul(a[0], a[1]); }},
      {"div* divide*", "input other * rounding_mode=None", [](Args& a) { return div(a[0], a[1], rounding_of(a[2])); }},
      {"true_divide* Tensor.__truediv__", "input other", [](Args& a) { return true_divide(a[0], a[1]); }},
      {"Tensor.__rtruediv__ Tensor.__rdiv__", "input:tensor other", [](Args& a) { return div(a[1], a[0]); }},
      {"floor_divide* Tensor.__floordiv__", "input other", [](Args& a) { return floor_divide(a[0], a[1]); }},
      {"remainder* Tensor.__mod__", "input:tensor other", [](Args& a) { return remainder(a[0], a[1]); }},
      {"remainder", "self other:tensor", [](Args& a) { return remainder(a[0], a[1]); }},
      {"Tensor.__rmod__", "input other", [](Args& a) { return remainder(a[1], a[0]); }},
      {"fmod*", "input:tensor other", [](Args& a) { return fmod(a[0], a[1]); }},
      {"pow* Tensor.__pow__", "input:tensor exponent", [](Args& a) { return pow(a[0], a[1]); }},
      {"pow", "self exponent:tensor", [](Args& a) { return pow(a[0], a[1]); }},
      {"Tensor.__rpow__", "input other", [](Args& a) { return pow(a[1], a[0]); }},
      {"atan2* arctan2*", "input other", [](Args& a) { return atan2(a[0], a[1]); }},
      {"maximum*", "input other", [](Args& a) { return maximum(a[0], a[1]); }},
      {"minimum*", "input other", [](Args& a) { return minimum(a[0], a[1]); }},
      {"fmax*", "input other", [](Args& a) { return fmax(a[0], a[1]); }},
      {"fmin*", "input other", [](Args& a) { return fmin(a[0], a[1]); }},
      {"logaddexp*", "input other", [](Args& a) { return logaddexp(a[0], a[1]); }},
      {"lerp*", "input end weight", [](Args& a) { return lerp(a[0], a[1], a[2]); }},
      {"addcmul*", "input tensor1 tensor2 * value=1", [](Args& a) { return addcmul(a[0], a[1], a[2], a[3]); }},
      {"addcdiv*", "input tensor1 tensor2 * value=1", [](Args& a) { return addcdiv(a[0], a[1], a[2], a[3]); }},
      {"where", "condition input other", [](Args& a) { return where(a[0], a[1], a[2]); }},
      {"Tensor.where", "self condition other", [](Args& a) { return where(a[1], a[0], a[2]); }},
      {"masked_fill*", "input mask value", [](Args& a) { return masked_fill(a[0], a[1], a[2]); }},
      {"Tensor.add_", "input other * alpha=1", [](Args& a) { return a[0].tensor().add_(a[1], a[2]); }},
      {"Tensor.sub_ Tensor.subtract_", "input other * alpha=1", [](Args& a) { return a[0].tensor().sub_(a[1], a[2]); }},
      {"Tensor.mul_ Tensor.multiply_", "input other", [](Args& a) { return a[0].tensor().mul_(a[1]); }},
      {"Tensor.true_divide_", "input other", [](Args& a) { return a[0].tensor().div_(a[1]); }},
      {"Tensor.floor_divide_", "input other", [](Args& a) { return a[0].tensor().floor_divide_(a[1]); }},
      {"Tensor.remainder_", "input other", [](Args& a) { return a[0].tensor().remainder_(a[1]); }},
      {"Tensor.fmod_", "input other", [](Args& a) { return a[0].tensor().fmod_(a[1]); }},
      {"Tensor.pow_", "input exponent", [](Args& a) { return a[0].tensor().pow_(a[1]); }},
      {"Tensor.lerp_", "input end weight", [](Args& a) { return a[0].tensor().lerp_(a[1], a[2]); }},
      {"Tensor.addcmul_", "input tensor1 tensor2 * value=1", [](Args& a) { return a[0].tensor().addcmul_(a[1], a[2], a[3]); }},
      {"Tensor.addcdiv_", "input tensor1 tensor2 * value=1", [](Args& a) { return a[0].tensor().addcdiv_(a[1], a[2], a[3]); }},
      {"Tensor.masked_fill_", "input mask value", [](Args& a) { return a[0].tensor().masked_fill_(a[1], a[2]); }},
  };
}

Table comparison_table() {
  return {
      {"eq* Tensor.__eq__", "input:tensor other", [](Args& a) { return eq(a[0], a[1]); }},
      {"ne* not_equal* Tensor.__ne__", "input:tensor other", [](Args& a) { return ne(a[0], a[1]); }},
      {"lt* less* Tensor.__lt__", "input:tensor other", [](Args& a) { return lt(a[0], a[1]); }},
      {"le* less_equal* Tensor.__le__", "input:tensor other", [](Args& a) { return le(a[0], a[1]); }},
      {"gt* greater* Tensor.__gt__", "input:tensor other", [](Args& a) { return gt(a[0], a[1]); }},
      {"ge* greater_equal* Tensor.__ge__", "input:tensor other", [](Args& a) { return ge(a[0], a[1]); }},
      {"logical_and*", "input other", [](Args& a) { return logical_and(a[0], a[1]); }},
      {"logical_or*", "input other", [](Args& a) { return logical_or(a[0], a[1]); }},
      {"logical_xor*", "input other", [](Args& a) { return logical_xor(a[0], a[1]); }},
      {"isclose*", "input other rtol=1e-5 atol=1e-8 equal_nan=False", [](Args& a) { return isclose(a[0], a[1], a[2], a[3], a[4]); }},
      {"allclose*", "input other rtol=1e-5 atol=1e-8 equal_nan=False", [](Args& a) { return allclose(a[0], a[1], a[2], a[3], a[4]); }},
      {"equal*", "input other", [](Args& a) { return equal(a[0], a[1]); }},
  };
}

}  // namespace

Table elementwise_table() {
  Table all = unary_table();
  for (auto* part : {operand_table, comparison_table})
    for (Row& row : part()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
