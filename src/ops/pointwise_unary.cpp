// Functions of one number, with their derivatives.
#include <cmath>
#include <limits>

#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"

namespace ember {
namespace {

/// x in a real type, computed by `op`.
Tensor real_function(Op op, const Tensor& x) {
  const Operand operand(x);
  return pointwise(op, {&operand}, real_type(x.dtype()));
}

/// Functions that are constant between jumps: the gradient is 0.
Tensor record_steps(const char* name, const Tensor& x, Tensor y) {
  return record(name, {x}, std::move(y), [](const Tensor& dy, Grads& grads) { grads.add(0, zeros_like(dy)); });
}

/// Integers and bools are already whole.
Tensor whole_function(NamedOp op, const Tensor& x) {
  check<NotImplementedError>(x.dtype() != kBool, "\"{}{}_vml_cpu\" not implemented for 'Bool'", char(op.name[0] - 'A' + 'a'), op.name + 1);
  if (!is_floating_point(x.dtype())) return x.clone();
  return record_steps(op.name, x, pointwise(op.loop, x));
}

/// y = op(x) and dx = derivative(dy, x).
template <class Derivative>
Tensor function_of_input(NamedOp op, const Tensor& x, Derivative derivative) {
  return record(op.name, {x}, real_function(op.loop, x),
                [x = Saved(x), derivative](const Tensor& dy, Grads& grads) { grads.add(0, derivative(dy, x.get())); });
}

/// y = op(x) and dx = derivative(dy, y).
template <class Derivative>
Tensor function_of_output(NamedOp op, const Tensor& x, Derivative derivative) {
  Tensor y = real_function(op.loop, x);
  const Saved saved = Saved::output(y);
  return record(op.name, {x}, std::move(y), [saved, derivative](const Tensor& dy, Grads& grads) { grads.add(0, derivative(dy, saved.get())); });
}

using In = const Tensor&;

}  // namespace

Tensor neg(const Tensor& x) {
  require_defined("neg", x);
  check<RuntimeError>(x.dtype() != kBool,
                      "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
                      "`~` or `logical_not()` operator instead.");
  return record("Neg", {x}, pointwise("Neg"_op, x), [](const Tensor& dy, Grads& grads) { grads.add(0, neg(dy)); });
}

Tensor abs(const Tensor& x) {
  require_defined("abs", x);
  if (x.dtype() == kBool) return x.clone();
  return record("Abs", {x}, pointwise("Abs"_op, x), [x = Saved(x)](const Tensor& dy, Grads& grads) { grads.add(0, dy * sign(x.get())); });
}

Tensor sign(const Tensor& x) {
  require_defined("sign", x);
  return record_steps("Sign", x, pointwise("Sign"_op, x));
}

Tensor square(const Tensor& x) {
  require_defined("square", x);
  const Operand operand(x);
  Tensor y = pointwise("Square"_op, {&operand}, x.dtype() == kBool ? kInt64 : x.dtype());
  return record("Pow", {x}, std::move(y), [x = Saved(x)](const Tensor& dy, Grads& grads) { grads.add(0, dy * (x.get() * 2)); });
}

Tensor reciprocal(const Tensor& x) {
  require_defined("reciprocal", x);
  return function_of_output("Reciprocal", x, [](In dy, In y) { return -dy * (y * y); });
}
Tensor sqrt(const Tensor& x) {
  require_defined("sqrt", x);
  return function_of_output("Sqrt", x, [](In dy, In y) { return dy / (2 * y); });
}
Tensor rsqrt(const Tensor& x) {
  require_defined("rsqrt", x);
  return function_of_output("Rsqrt", x, [](In dy, In y) { return -0.5 * dy * (y * y * y); });
}
Tensor exp(const Tensor& x) {
  require_defined("exp", x);
  return function_of_output("Exp", x, [](In dy, In y) { return dy * y; });
}
Tensor expm1(const Tensor& x) {
  require_defined("expm1", x);
  return function_of_output("Expm1", x, [](In dy, In y) { return dy * (y + 1); });
}
Tensor log(const Tensor& x) {
  require_defined("log", x);
  return function_of_input("Log", x, [](In dy, In x) { return dy / x; });
}
Tensor log2(const Tensor& x) {
  require_defined("log2", x);
  return function_of_input("Log2", x, [](In dy, In x) { return dy / (x * std::log(2.0)); });
}
Tensor log10(const Tensor& x) {
  require_defined("log10", x);
  return function_of_input("Log10", x, [](In dy, In x) { return dy / (x * std::log(10.0)); });
}
Tensor log1p(const Tensor& x) {
  require_defined("log1p", x);
  return function_of_input({"Log1P", "Log1p"}, x, [](In dy, In x) { return dy / (x + 1); });
}
Tensor sin(const Tensor& x) {
  require_defined("sin", x);
  return function_of_input("Sin", x, [](In dy, In x) { return dy * cos(x); });
}
Tensor cos(const Tensor& x) {
  require_defined("cos", x);
  return function_of_input("Cos", x, [](In dy, In x) { return dy * -sin(x); });
}
Tensor tan(const Tensor& x) {
  require_defined("tan", x);
  return function_of_output("Tan", x, [](In dy, In y) { return dy * (1 + y * y); });
}
Tensor asin(const Tensor& x) {
  require_defined("asin", x);
  return function_of_input("Asin", x, [](In dy, In x) { return dy * rsqrt(1 - x * x); });
}
Tensor acos(const Tensor& x) {
  require_defined("acos", x);
  return function_of_input("Acos", x, [](In dy, In x) { return dy * -rsqrt(1 - x * x); });
}
Tensor atan(const Tensor& x) {
  require_defined("atan", x);
  return function_of_input("Atan", x, [](In dy, In x) { return dy / (x * x + 1); });
}
Tensor sinh(const Tensor& x) {
  require_defined("sinh", x);
  return function_of_input("Sinh", x, [](In dy, In x) { return dy * cosh(x); });
}
Tensor cosh(const Tensor& x) {
  require_defined("cosh", x);
  return function_of_input("Cosh", x, [](In dy, In x) { return dy * sinh(x); });
}
Tensor tanh(const Tensor& x) {
  require_defined("tanh", x);
  return function_of_output("Tanh", x, [](In dy, In y) { return is_grad_enabled() ? dy * (1 - y * y) : pointwise("TanhBackward"_op, dy, y); });
}
Tensor sigmoid(const Tensor& x) {
  require_defined("sigmoid", x);
  return function_of_output("Sigmoid", x,
                            [](In dy, In y) { return is_grad_enabled() ? dy * ((1 - y) * y) : pointwise("SigmoidBackward"_op, dy, y); });
}
Tensor erf(const Tensor& x) {
  require_defined("erf", x);
  return function_of_input("Erf", x, [](In dy, In x) { return M_2_SQRTPI * exp(-(x * x)) * dy; });
}

Tensor floor(const Tensor& x) {
  require_defined("floor", x);
  return whole_function("Floor", x);
}
Tensor ceil(const Tensor& x) {
  require_defined("ceil", x);
  return whole_function("Ceil", x);
}
Tensor trunc(const Tensor& x) {
  require_defined("trunc", x);
  return whole_function("Trunc", x);
}

Tensor round(const Tensor& x, int64_t decimals) {
  require_defined("round", x);
  if (decimals == 0 || !is_floating_point(x.dtype())) return whole_function("Round", x);
  const double scale = std::pow(10.0, double(decimals < 0 ? -decimals : decimals));
  NoGradGuard no_grad;
  Tensor y = decimals > 0 ? pointwise("Round"_op, x * scale) / scale : pointwise("Round"_op, x / scale) * scale;
  EnableGradGuard recording;
  return record_steps("Round", x, std::move(y));
}

Tensor frac(const Tensor& x) {
  require_defined("frac", x);
  return record("Frac", {x}, pointwise("Frac"_op, x), [](const Tensor& dy, Grads& grads) { grads.add(0, dy); });
}

Tensor nan_to_num(const Tensor& x, double nan, const Operand& posinf, const Operand& neginf) {
  require_defined("nan_to_num", x);
  require_defined_or_none("nan_to_num", 3, posinf);
  require_defined_or_none("nan_to_num", 4, neginf);
  check<TypeError>(!posinf.is_tensor() && !neginf.is_tensor(), "nan_to_num(): arguments 'posinf' and 'neginf' must be float or None, not Tensor");
  if (!is_floating_point(x.dtype())) return x.clone();
  const double largest = x.dtype() == kFloat32 ? double(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
  const double high = posinf.is_none() ? largest : posinf.number().to<double>();
  const double low = neginf.is_none() ? -largest : neginf.number().to<double>();
  return record("NanToNum", {x}, pointwise("NanToNum"_op, x, {{nan, high, low}}),
                [x = Saved(x)](const Tensor& dy, Grads& grads) { grads.add(0, where(isfinite(x.get()), dy, 0)); });
}

}  // namespace ember
