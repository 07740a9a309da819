// Elementwise operations: functions of one number and of several, comparisons, logic. Every operand is a tensor or a plain number;
// shapes broadcast, types promote, and dense inputs keep their order of dimensions in memory, all as in PyTorch. Each function is
// a method of Tensor too; the methods with a trailing underscore write in place. As the functions of the same names in torch.
#pragma once

#include <ember/tensor.h>

namespace ember {

// --- one operand. Shapes (*) -> (*). Integers give the default real type where the function's values are not integers.
Tensor neg(const Tensor& x);                          ///< -x
Tensor abs(const Tensor& x);                          ///< gradient 0 at 0
Tensor sign(const Tensor& x);                         ///< -1, 0 or 1
Tensor square(const Tensor& x);                       ///< x * x
Tensor reciprocal(const Tensor& x);                   ///< 1 / x
Tensor sqrt(const Tensor& x);                         ///< NaN below 0
Tensor rsqrt(const Tensor& x);                        ///< 1 / sqrt(x)
Tensor exp(const Tensor& x);                          ///< e^x
Tensor expm1(const Tensor& x);                        ///< e^x - 1, exact near 0
Tensor log(const Tensor& x);                          ///< natural; NaN below 0
Tensor log2(const Tensor& x);                         ///< base 2
Tensor log10(const Tensor& x);                        ///< base 10
Tensor log1p(const Tensor& x);                        ///< ln(1 + x), exact near 0
Tensor sin(const Tensor& x);                          ///< of radians
Tensor cos(const Tensor& x);                          ///< of radians
Tensor tan(const Tensor& x);                          ///< of radians
Tensor asin(const Tensor& x);                         ///< in [-pi/2, pi/2]; NaN outside of [-1, 1]
Tensor acos(const Tensor& x);                         ///< in [0, pi]; NaN outside of [-1, 1]
Tensor atan(const Tensor& x);                         ///< in (-pi/2, pi/2)
Tensor sinh(const Tensor& x);                         ///< (e^x - e^-x) / 2
Tensor cosh(const Tensor& x);                         ///< (e^x + e^-x) / 2
Tensor tanh(const Tensor& x);                         ///< sinh(x) / cosh(x)
Tensor sigmoid(const Tensor& x);                      ///< 1 / (1 + e^-x)
Tensor erf(const Tensor& x);                          ///< 2 / sqrt(pi) times the integral of e^-t^2 from 0 to x
Tensor floor(const Tensor& x);                        ///< the largest integer not above x
Tensor ceil(const Tensor& x);                         ///< the smallest integer not below x
Tensor round(const Tensor& x, int64_t decimals = 0);  ///< halves to the even neighbour
Tensor trunc(const Tensor& x);                        ///< towards 0
Tensor frac(const Tensor& x);                         ///< x - trunc(x)
/// NaN becomes `nan`, infinities become the largest and smallest numbers unless others are named.
Tensor nan_to_num(const Tensor& x, double nan = 0, const Operand& posinf = None, const Operand& neginf = None);
/// x raised to min and lowered to max; None leaves a side open. The gradient is 1 at a bound.
Tensor clamp(const Tensor& x, const Operand& min = None, const Operand& max = None);
Tensor clamp_min(const Tensor& x, const Operand& min);
Tensor clamp_max(const Tensor& x, const Operand& max);

// --- two operands
Tensor add(const Operand& a, const Operand& b, Scalar alpha = 1);   ///< a + alpha * b
Tensor sub(const Operand& a, const Operand& b, Scalar alpha = 1);   ///< a - alpha * b
Tensor rsub(const Operand& a, const Operand& b, Scalar alpha = 1);  ///< b - alpha * a
Tensor mul(const Operand& a, const Operand& b);                     ///< a * b
enum class Rounding : std::uint8_t { None, Trunc, Floor };
Tensor div(const Operand& a, const Operand& b, Rounding rounding_mode = Rounding::None);  ///< a / b, real unless rounded
Tensor true_divide(const Operand& a, const Operand& b);                                   ///< a / b, always real
Tensor floor_divide(const Operand& a, const Operand& b);                                  ///< the largest integer not above a / b
Tensor remainder(const Operand& a, const Operand& b);                                     ///< with the sign of b, as Python's %
Tensor fmod(const Operand& a, const Operand& b);                                          ///< with the sign of a, as C's
Tensor pow(const Operand& base, const Operand& exponent);                                 ///< base^exponent
Tensor atan2(const Tensor& y, const Tensor& x);                                           ///< the angle of (x, y), in [-pi, pi]
Tensor maximum(const Tensor& a, const Tensor& b);                                         ///< NaN where either is; a tie shares the gradient
Tensor minimum(const Tensor& a, const Tensor& b);                                         ///< NaN where either is; a tie shares the gradient
inline Tensor max(const Tensor& a, const Tensor& b) { return maximum(a, b); }
inline Tensor min(const Tensor& a, const Tensor& b) { return minimum(a, b); }
Tensor fmax(const Tensor& a, const Tensor& b);       ///< the other one where one is NaN
Tensor fmin(const Tensor& a, const Tensor& b);       ///< the other one where one is NaN
Tensor logaddexp(const Tensor& a, const Tensor& b);  ///< ln(e^a + e^b)

// --- three operands
Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight);           ///< start + weight * (end - start)
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1);  ///< x + value * a * b
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1);  ///< x + value * a / b
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);            ///< condition ? a : b
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value);        ///< value where mask is true

// --- comparisons and tests: bool results without gradients
Tensor eq(const Operand& a, const Operand& b);         ///< a == b
Tensor ne(const Operand& a, const Operand& b);         ///< a != b
Tensor lt(const Operand& a, const Operand& b);         ///< a < b
Tensor le(const Operand& a, const Operand& b);         ///< a <= b
Tensor gt(const Operand& a, const Operand& b);         ///< a > b
Tensor ge(const Operand& a, const Operand& b);         ///< a >= b
Tensor logical_and(const Tensor& a, const Tensor& b);  ///< numbers other than 0 count as true
Tensor logical_or(const Tensor& a, const Tensor& b);   ///< numbers other than 0 count as true
Tensor logical_xor(const Tensor& a, const Tensor& b);  ///< numbers other than 0 count as true
Tensor logical_not(const Tensor& x);                   ///< x == 0
Tensor isnan(const Tensor& x);                         ///< x != x
Tensor isinf(const Tensor& x);                         ///< either infinity
Tensor isfinite(const Tensor& x);                      ///< neither NaN nor an infinity
/// Bit by bit on whole numbers, logical on bools. Throws NotImplementedError "\"bitwise_and_cpu\" not implemented for 'Float'". Shifts by
/// less than 0 or more than the type has bits give 0 (to the right of a negative number: -1).
Tensor bitwise_not(const Tensor& x);
Tensor bitwise_and(const Operand& a, const Operand& b);
Tensor bitwise_or(const Operand& a, const Operand& b);
Tensor bitwise_xor(const Operand& a, const Operand& b);
Tensor bitwise_left_shift(const Operand& a, const Operand& b);
Tensor bitwise_right_shift(const Operand& a, const Operand& b);
/// |a - b| <= atol + rtol * |b|, element by element.
Tensor isclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
bool equal(const Tensor& a, const Tensor& b);  ///< same shape and elements

inline Tensor operator-(const Tensor& x) { return neg(x); }
inline Tensor operator!(const Tensor& x) { return logical_not(x); }
inline Tensor operator~(const Tensor& x) { return bitwise_not(x); }
inline Tensor operator+(const Tensor& a, const Operand& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Operand& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Operand& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Operand& b) { return div(a, b); }
inline Tensor operator%(const Tensor& a, const Operand& b) { return remainder(a, b); }
inline Tensor operator+(Scalar a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(Scalar a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(Scalar a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(Scalar a, const Tensor& b) { return div(a, b); }
inline Tensor operator%(Scalar a, const Tensor& b) { return remainder(a, b); }
inline Tensor operator==(const Tensor& a, const Operand& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Operand& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Operand& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Operand& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Operand& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Operand& b) { return ge(a, b); }
inline Tensor operator!=(Scalar a, const Tensor& b) { return ne(a, b); }
inline Tensor operator<(Scalar a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(Scalar a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(Scalar a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(Scalar a, const Tensor& b) { return ge(a, b); }
inline Tensor operator&(const Tensor& a, const Operand& b) { return bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, const Operand& b) { return bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, const Operand& b) { return bitwise_xor(a, b); }
inline Tensor operator<<(const Tensor& a, const Operand& b) { return bitwise_left_shift(a, b); }
inline Tensor operator>>(const Tensor& a, const Operand& b) { return bitwise_right_shift(a, b); }
inline Tensor operator&(Scalar a, const Tensor& b) { return bitwise_and(a, b); }
inline Tensor operator|(Scalar a, const Tensor& b) { return bitwise_or(a, b); }
inline Tensor operator^(Scalar a, const Tensor& b) { return bitwise_xor(a, b); }
inline Tensor operator<<(Scalar a, const Tensor& b) { return bitwise_left_shift(a, b); }
inline Tensor operator>>(Scalar a, const Tensor& b) { return bitwise_right_shift(a, b); }

}  // namespace ember
