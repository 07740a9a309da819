// Special functions and the rarer elementwise ones. Shapes broadcast and types promote as in ember/ops/elementwise.h. As the functions of
// the same names in torch.
#pragma once

#include <ember/ops/elementwise.h>

namespace ember {

// --- one operand. Integers give the default real type.
Tensor positive(const Tensor& x);              ///< x itself. Throws RuntimeError for a bool tensor
Tensor exp2(const Tensor& x);                  ///< 2^x
Tensor asinh(const Tensor& x);                 ///< the inverse of sinh
Tensor acosh(const Tensor& x);                 ///< the inverse of cosh; NaN below 1
Tensor atanh(const Tensor& x);                 ///< the inverse of tanh; NaN outside of [-1, 1]
Tensor erfc(const Tensor& x);                  ///< 1 - erf(x), exact for large x
Tensor erfinv(const Tensor& x);                ///< the inverse of erf; NaN outside of [-1, 1]
Tensor lgamma(const Tensor& x);                ///< ln |gamma(x)|
Tensor digamma(const Tensor& x);               ///< the derivative of lgamma; NaN at negative integers
Tensor polygamma(int64_t n, const Tensor& x);  ///< the n-th derivative of digamma. Throws RuntimeError for a negative n
Tensor sinc(const Tensor& x);                  ///< sin(pi x) / (pi x), 1 at 0
Tensor logit(const Tensor& x);                 ///< ln(x / (1 - x)); NaN outside of [0, 1]
Tensor logit(const Tensor& x, double eps);     ///< of x cut to [eps, 1 - eps]
Tensor deg2rad(const Tensor& x);               ///< x pi / 180
Tensor rad2deg(const Tensor& x);               ///< x 180 / pi
Tensor signbit(const Tensor& x);               ///< bool: is the sign negative, also of -0?

// --- two operands
Tensor float_power(const Operand& base, const Operand& exponent);  ///< base^exponent in float64
Tensor hypot(const Tensor& a, const Tensor& b);                    ///< sqrt(a^2 + b^2)
Tensor xlogy(const Operand& x, const Operand& y);                  ///< x ln y, 0 where x is 0
Tensor copysign(const Tensor& magnitude, const Operand& sign);     ///< |magnitude| with the sign of the other
Tensor heaviside(const Tensor& x, const Tensor& values);           ///< 0 below 0, 1 above, `values` at 0. No gradient
Tensor gcd(const Tensor& a, const Tensor& b);                      ///< of whole numbers
Tensor lcm(const Tensor& a, const Tensor& b);                      ///< of whole numbers

// --- PyTorch's other names
inline Tensor clip(const Tensor& x, const Operand& min = None, const Operand& max = None) { return clamp(x, min, max); }
inline Tensor absolute(const Tensor& x) { return abs(x); }
inline Tensor negative(const Tensor& x) { return neg(x); }
inline Tensor fix(const Tensor& x) { return trunc(x); }
inline Tensor arcsin(const Tensor& x) { return asin(x); }
inline Tensor arccos(const Tensor& x) { return acos(x); }
inline Tensor arctan(const Tensor& x) { return atan(x); }
inline Tensor arctan2(const Tensor& y, const Tensor& x) { return atan2(y, x); }
inline Tensor arcsinh(const Tensor& x) { return asinh(x); }
inline Tensor arccosh(const Tensor& x) { return acosh(x); }
inline Tensor arctanh(const Tensor& x) { return atanh(x); }
inline Tensor multiply(const Operand& a, const Operand& b) { return mul(a, b); }
inline Tensor subtract(const Operand& a, const Operand& b, Scalar alpha = 1) { return sub(a, b, alpha); }
inline Tensor divide(const Operand& a, const Operand& b, Rounding rounding_mode = Rounding::None) { return div(a, b, rounding_mode); }
inline Tensor greater(const Operand& a, const Operand& b) { return gt(a, b); }
inline Tensor greater_equal(const Operand& a, const Operand& b) { return ge(a, b); }
inline Tensor less(const Operand& a, const Operand& b) { return lt(a, b); }
inline Tensor less_equal(const Operand& a, const Operand& b) { return le(a, b); }
inline Tensor not_equal(const Operand& a, const Operand& b) { return ne(a, b); }

}  // namespace ember
