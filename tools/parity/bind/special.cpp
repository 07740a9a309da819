// Special functions, bits, and products beyond the common ones by PyTorch's names.
#include "bind/binding.h"

#include <ember/ops/products.h>
#include <ember/ops/special.h>

namespace ember::parity {
namespace {

Table pointwise_functions() {
  return {
      {"positive* Tensor.__pos__", "input", [](Args& a) { return positive(a[0]); }},
      {"exp2*_ special.exp2", "input", [](Args& a) { return exp2(a[0]); }},
      {"asinh*_ arcsinh*_", "input", [](Args& a) { return asinh(a[0]); }},
      {"acosh*_ arccosh*_", "input", [](Args& a) { return acosh(a[0]); }},
      {"atanh*_ arctanh*_", "input", [](Args& a) { return atanh(a[0]); }},
      {"erfc*_ special.erfc", "input", [](Args& a) { return erfc(a[0]); }},
      {"erfinv*_ special.erfinv", "input", [](Args& a) { return erfinv(a[0]); }},
      {"lgamma*_ special.gammaln", "input", [](Args& a) { return lgamma(a[0]); }},
      {"digamma*_ special.digamma special.psi", "input", [](Args& a) { return digamma(a[0]); }},
      {"polygamma special.polygamma", "n input", [](Args& a) { return polygamma(a[0], a[1]); }},
      {"Tensor.polygamma", "input n", [](Args& a) { return polygamma(a[1], a[0]); }},
      {"sinc*_ special.sinc", "input", [](Args& a) { return sinc(a[0]); }},
      {"logit*_ special.logit", "input eps=None", [](Args& a) { return a[1].is_none() ? logit(a[0]) : logit(a[0], a[1].real()); }},
      {"deg2rad*_", "input", [](Args& a) { return deg2rad(a[0]); }},
      {"rad2deg*_", "input", [](Args& a) { return rad2deg(a[0]); }},
      {"signbit*", "input", [](Args& a) { return signbit(a[0]); }},
      {"float_power*_", "input exponent", [](Args& a) { return float_power(a[0], a[1]); }},
      {"hypot*_", "input other", [](Args& a) { return hypot(a[0], a[1]); }},
      {"xlogy*_ special.xlogy", "input other", [](Args& a) { return xlogy(a[0], a[1]); }},
      {"copysign*_", "input other", [](Args& a) { return copysign(a[0], a[1]); }},
      {"heaviside*_", "input values", [](Args& a) { return heaviside(a[0], a[1]); }},
      {"gcd*_", "input other", [](Args& a) { return gcd(a[0], a[1]); }},
      {"lcm*_", "input other", [](Args& a) { return lcm(a[0], a[1]); }},
      {"bitwise_not* Tensor.__invert__", "input", [](Args& a) { return bitwise_not(a[0]); }},
      {"bitwise_and* Tensor.__and__", "input:tensor other", [](Args& a) { return bitwise_and(a[0], a[1]); }},
      {"bitwise_and", "self other:tensor", [](Args& a) { return bitwise_and(a[0], a[1]); }},
      {"bitwise_or* Tensor.__or__", "input:tensor other", [](Args& a) { return bitwise_or(a[0], a[1]); }},
      {"bitwise_or", "self other:tensor", [](Args& a) { return bitwise_or(a[0], a[1]); }},
      {"bitwise_xor* Tensor.__xor__", "input:tensor other", [](Args& a) { return bitwise_xor(a[0], a[1]); }},
      {"bitwise_xor", "self other:tensor", [](Args& a) { return bitwise_xor(a[0], a[1]); }},
      {"bitwise_left_shift*", "input:tensor other", [](Args& a) { return bitwise_left_shift(a[0], a[1]); }},
      {"bitwise_left_shift", "self other:tensor", [](Args& a) { return bitwise_left_shift(a[0], a[1]); }},
      {"bitwise_right_shift*", "input:tensor other", [](Args& a) { return bitwise_right_shift(a[0], a[1]); }},
      {"bitwise_right_shift", "self other:tensor", [](Args& a) { return bitwise_right_shift(a[0], a[1]); }},
      {"Tensor.__rand__", "input:tensor other", [](Args& a) { return bitwise_and(a[1], a[0]); }},
      {"Tensor.__ror__", "input:tensor other", [](Args& a) { return bitwise_or(a[1], a[0]); }},
      {"Tensor.__rxor__", "input:tensor other", [](Args& a) { return bitwise_xor(a[1], a[0]); }},
  };
}

Result cross_of(Args& a) { return a[2].is_none() ? cross(a[0], a[1]) : cross(a[0], a[1], a[2].integer()); }

Table product_functions() {
  return {
      {"addbmm*_", "input batch1 batch2 * beta=1 alpha=1", [](Args& a) { return addbmm(a[0], a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"addr*_", "input vec1 vec2 * beta=1 alpha=1", [](Args& a) { return addr(a[0], a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"inner*", "input other", [](Args& a) { return inner(a[0], a[1]); }},
      {"kron*", "input other", [](Args& a) { return kron(a[0], a[1]); }},
      {"cross*", "input other dim=None", cross_of},
      {"cdist", "x1 x2 p=2.0 compute_mode='use_mm_for_euclid_dist_if_necessary'", [](Args& a) { return cdist(a[0], a[1], a[2]); }},
      {"pdist nn.functional.pdist", "input p=2.0", [](Args& a) { return pdist(a[0], a[1]); }},
      {"nn.functional.bilinear", "input1 input2 weight bias=None", [](Args& a) { return bilinear(a[0], a[1], a[2], a[3]); }},
  };
}

}  // namespace

Table special_table() {
  Table all = pointwise_functions();
  for (Row& row : product_functions()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
