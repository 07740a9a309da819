// Functions of two and three numbers, with their derivatives.
#include <cmath>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

using In = const Tensor&;

bool is_bool(const Operand& x) { return (x.is_tensor() ? x.tensor().dtype() : x.number().dtype()) == kBool; }

void check_alpha(const Operand& a, const Operand& b, Scalar alpha) {
  const DType dtype = result_type(a, b);
  check<RuntimeError>(!alpha.is_boolean() || dtype == kBool, "Boolean alpha only supported for Boolean results.");
  check<RuntimeError>(is_floating_point(dtype) || !alpha.is_floating_point(),
                      "For integral input tensors, argument alpha must not be a floating point number.");
}

bool is_one(Scalar s) { return s.is_floating_point() ? s.to<double>() == 1 : s.to<int64_t>() == 1; }

/// Where no arithmetic follows, a number that the result's dtype cannot hold is refused.
void check_numbers_fit(std::initializer_list<const Operand*> operands, DType dtype) {
  for (const Operand* operand : operands)
    if (!operand->is_tensor() && !operand->is_none()) check_fits(operand->number(), dtype);
}

/// Integer division has no infinity to give. What divides is the number in the dtype of the result: 256 is 0 in uint8.
void check_divisor(const Operand& a, const Operand& b, DType dtype) {
  if (is_floating_point(dtype) || (a.is_tensor() && a.tensor().numel() == 0)) return;
  const int64_t number = b.number().to<int64_t>();
  const bool has_zero = b.is_tensor() ? logical_not(b.tensor().to(dtype)).any().item<bool>() : (dtype == kUInt8 ? number & 0xff : number) == 0;
  check<RuntimeError>(!has_zero, "ZeroDivisionError");
}

/// What of dy reaches the first of two operands that compete: all where it wins, half at a tie.
template <class Loses>
Tensor share(In dy, In a, In b, Loses loses) {
  return where(loses(a, b), 0, where(eq(a, b), dy / 2, dy));
}

}  // namespace

Tensor add(const Operand& a, const Operand& b, Scalar alpha) {
  require_defined("add", a, b);
  const bool plain = is_one(alpha);
  if (!plain || alpha.is_boolean()) check_alpha(a, b, alpha);
  const DType dtype = result_type(a, b);
  Tensor y = plain ? pointwise("Add"_op, {&a, &b}, dtype) : pointwise("AddScaled"_op, {&a, &b}, dtype, {{alpha.to<double>()}});
  return record("Add", {a.tensor(), b.tensor()}, std::move(y), [alpha](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    if (grads.wants(1)) grads.add(1, is_one(alpha) ? dy : dy * alpha);
  });
}

Tensor sub(const Operand& a, const Operand& b, Scalar alpha) {
  require_defined("sub", a, b);
  check<RuntimeError>(!(is_bool(a) && is_bool(b)),
                      "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                      "operator instead.");
  check<RuntimeError>(!is_bool(a) && !is_bool(b),
                      "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use "
                      "the `~` or `logical_not()` operator instead.");
  const bool plain = is_one(alpha);
  if (!plain || alpha.is_boolean()) check_alpha(a, b, alpha);
  const DType dtype = result_type(a, b);
  Tensor y = plain ? pointwise("Sub"_op, {&a, &b}, dtype) : pointwise("AddScaled"_op, {&a, &b}, dtype, {{-alpha.to<double>()}});
  return record("Sub", {a.tensor(), b.tensor()}, std::move(y), [alpha](const Tensor& dy, Grads& grads) {
    grads.add(0, dy);
    if (grads.wants(1))
      grads.add(1, is_one(alpha) ? neg(dy) : dy * (alpha.is_floating_point() ? Scalar(-alpha.to<double>()) : Scalar(-alpha.to<int64_t>())));
  });
}

Tensor rsub(const Operand& a, const Operand& b, Scalar alpha) {
  require_defined("rsub", a, b);
  return sub(b, a, alpha);
}

Tensor mul(const Operand& a, const Operand& b) {
  require_defined("mul", a, b);
  Tensor y = pointwise("Mul"_op, {&a, &b}, result_type(a, b));
  return record("Mul", {a.tensor(), b.tensor()}, std::move(y),
                [a = SavedOperand(a, needs_grad(b)), b = SavedOperand(b, needs_grad(a))](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0)) grads.add(0, b.with([&](const Operand& b) { return mul(dy, b); }));
                  if (grads.wants(1)) grads.add(1, a.with([&](const Operand& a) { return mul(dy, a); }));
                });
}

Tensor div(const Operand& a, const Operand& b, Rounding rounding) {
  require_defined("div", a, b);
  const DType dtype = result_type(a, b);
  if (rounding != Rounding::None) {
    check<NotImplementedError>(dtype != kBool, "\"div_{}_cpu\" not implemented for 'Bool'", rounding == Rounding::Floor ? "floor" : "trunc");
    check_divisor(a, b, dtype);
    Tensor y = pointwise(rounding == Rounding::Floor ? "DivFloor"_op : "DivTrunc"_op, {&a, &b}, dtype);
    return record("Div", {a.tensor(), b.tensor()}, std::move(y), [](const Tensor& dy, Grads& grads) {
      grads.add(0, zeros_like(dy));
      grads.add(1, zeros_like(dy));
    });
  }
  // y = a / b: da = dy / b, db = -dy (a / b) / b
  Tensor y = pointwise("Div"_op, {&a, &b}, real_type(dtype));
  return record("Div", {a.tensor(), b.tensor()}, std::move(y),
                [a = SavedOperand(a, needs_grad(b)), b = SavedOperand(b, true)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0)) grads.add(0, b.with([&](const Operand& b) { return div(dy, b); }));
                  if (!grads.wants(1)) return;
                  const Tensor divisor = b.tensor();
                  grads.add(1, a.with([&](const Operand& a) { return -dy * div(div(a, divisor), divisor); }));
                });
}

Tensor true_divide(const Operand& a, const Operand& b) {
  require_defined("true_divide", a, b);
  return div(a, b);
}
Tensor floor_divide(const Operand& a, const Operand& b) {
  require_defined("floor_divide", a, b);
  return div(a, b, Rounding::Floor);
}

Tensor remainder(const Operand& a, const Operand& b) {
  require_defined("remainder", a, b);
  const DType dtype = result_type(a, b);
  check_divisor(a, b, dtype);
  return record("Remainder", {a.tensor(), b.tensor()}, pointwise("Remainder"_op, {&a, &b}, dtype),
                [a = SavedOperand(a, needs_grad(b)), b = SavedOperand(b, needs_grad(b))](const Tensor& dy, Grads& grads) {
                  grads.add(0, dy);
                  if (!grads.wants(1)) return;
                  const Tensor divisor = b.tensor();
                  grads.add(1, a.with([&](const Operand& a) { return -dy * div(a, divisor, Rounding::Floor); }));
                });
}

Tensor fmod(const Operand& a, const Operand& b) {
  require_defined("fmod", a, b);
  const DType dtype = result_type(a, b);
  check_divisor(a, b, dtype);
  return record("Fmod", {a.tensor(), b.tensor()}, pointwise("Fmod"_op, {&a, &b}, dtype),
                [a = SavedOperand(a, needs_grad(b)), b = SavedOperand(b, needs_grad(b))](const Tensor& dy, Grads& grads) {
                  grads.add(0, dy);
                  if (!grads.wants(1)) return;
                  const Tensor divisor = b.tensor();
                  grads.add(1, a.with([&](const Operand& a) { return -dy * div(a, divisor, Rounding::Trunc); }));
                });
}

namespace {

/// Exponents that have a loop of their own, as in PyTorch; undefined for others.
Tensor simple_power(In x, double exponent) {
  if (exponent == 1) return x.clone();
  if (exponent == 2) return pointwise("Square"_op, x);
  if (exponent == 3) return pointwise("Mul"_op, pointwise("Square"_op, x), x);
  if (!is_floating_point(x.dtype())) return Tensor();
  if (exponent == 0.5) return pointwise("Sqrt"_op, x);
  if (exponent == -0.5) return pointwise("Rsqrt"_op, x);
  if (exponent == -1) return pointwise("Reciprocal"_op, x);
  if (exponent == -2) return pointwise("Reciprocal"_op, pointwise("Square"_op, x));
  return Tensor();
}

Tensor power_of_tensor(In x, Scalar exponent) {
  const Operand base(x), number(exponent);
  const DType dtype = result_type(base, number);
  check<RuntimeError>(is_floating_point(dtype) || exponent.to<int64_t>() >= 0, "Integers to negative integer powers are not allowed.");
  Tensor y = dtype == x.dtype() && dtype != kBool ? simple_power(x.detach(), exponent.to<double>()) : Tensor();
  // The exponent in double: rounded to float32 it moves x^p by up to 2e-6, as in PyTorch's vector loop, but not in its scalar one.
  const bool rounds = double(exponent.to<float>()) != exponent.to<double>();
  if (!y.defined() && dtype == kFloat32 && rounds) y = pow(x.detach().to(kFloat64), exponent).to(kFloat32);
  if (!y.defined()) y = pointwise("Pow"_op, {&base, &number}, dtype == kBool ? kUInt8 : dtype);
  if (dtype == kBool) y = y.to(kBool);
  // x^p: p x^(p-1)
  note("Pow", [&] { return Attributes{{"exponent", {}, {exponent.to<double>()}}}; });
  return record("Pow", {x}, std::move(y), [x = Saved(x), exponent](const Tensor& dy, Grads& grads) {
    const double p = exponent.to<double>();
    grads.add(0, p == 0 ? zeros_like(dy) : dy * (p * pow(x.get(), p - 1)));
  });
}

}  // namespace

Tensor pow(const Operand& base, const Operand& exponent) {
  require_defined("pow", base, exponent);
  check<TypeError>(base.is_tensor() || exponent.is_tensor(), "pow(): one of base and exponent must be a tensor");
  if (!exponent.is_tensor()) return power_of_tensor(base.tensor(), exponent.number());
  const DType dtype = result_type(base, exponent);
  Tensor y = pointwise("Pow"_op, {&base, &exponent}, dtype == kBool ? kUInt8 : dtype);
  if (dtype == kBool) y = y.to(kBool);
  const Saved output = Saved::output(y);
  return record("Pow", {base.tensor(), exponent.tensor()}, std::move(y),
                [base = SavedOperand(base, true), exponent = SavedOperand(exponent, true), output](const Tensor& dy, Grads& grads) {
                  const Tensor p = exponent.tensor();
                  if (grads.wants(0)) {
                    const Tensor x = base.tensor();
                    grads.add(0, where(eq(p, 0), 0, dy * (p * pow(x, p - 1))));
                  }
                  if (!grads.wants(1)) return;
                  // x^p ln x, and 0 where that is 0 times infinity
                  grads.add(1, base.with([&](const Operand& x) {
                    if (!x.is_tensor()) {
                      const double b = x.number().to<double>();
                      return b == 0 ? where(ge(p, 0), 0, dy * (output.get() * std::log(b))) : dy * (output.get() * std::log(b));
                    }
                    const Tensor defined_zero = eq(x, 0) & ge(p, 0);
                    return dy * where(defined_zero, 0, output.get() * log(x.tensor()));
                  }));
                });
}

Tensor atan2(const Tensor& y, const Tensor& x) {
  require_defined("atan2", y, x);
  const Operand a(y), b(x);
  return record("Atan2", {y, x}, pointwise("Atan2"_op, {&a, &b}, real_type(result_type(a, b))),
                [y = Saved(y), x = Saved(x)](const Tensor& dy, Grads& grads) {
                  const Tensor a = y.get(), b = x.get();
                  const Tensor squares = a * a + b * b;
                  const Tensor scaled = dy * where(eq(squares, 0), 0, reciprocal(squares));
                  if (grads.wants(0)) grads.add(0, scaled * b);
                  if (grads.wants(1)) grads.add(1, scaled * -a);
                });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  require_defined("maximum", a, b);
  const Operand first(a), second(b);
  return record("Maximum", {a, b}, pointwise("Maximum"_op, {&first, &second}, result_type(first, second)),
                [a = Saved(a), b = Saved(b)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0)) grads.add(0, share(dy, a.get(), b.get(), [](In a, In b) { return lt(a, b); }));
                  if (grads.wants(1)) grads.add(1, share(dy, b.get(), a.get(), [](In a, In b) { return lt(a, b); }));
                });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  require_defined("minimum", a, b);
  const Operand first(a), second(b);
  return record("Minimum", {a, b}, pointwise("Minimum"_op, {&first, &second}, result_type(first, second)),
                [a = Saved(a), b = Saved(b)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0)) grads.add(0, share(dy, a.get(), b.get(), [](In a, In b) { return gt(a, b); }));
                  if (grads.wants(1)) grads.add(1, share(dy, b.get(), a.get(), [](In a, In b) { return gt(a, b); }));
                });
}

Tensor fmax(const Tensor& a, const Tensor& b) {
  require_defined("fmax", a, b);
  const Operand first(a), second(b);
  return record("Fmax", {a, b}, pointwise("Fmax"_op, {&first, &second}, result_type(first, second)),
                [a = Saved(a), b = Saved(b)](const Tensor& dy, Grads& grads) {
                  const Tensor first_wins = ge(a.get(), b.get()) | isnan(b.get());
                  grads.add(0, where(first_wins, dy, 0));
                  grads.add(1, where(first_wins, 0, dy));
                });
}

Tensor fmin(const Tensor& a, const Tensor& b) {
  require_defined("fmin", a, b);
  const Operand first(a), second(b);
  return record("Fmin", {a, b}, pointwise("Fmin"_op, {&first, &second}, result_type(first, second)),
                [a = Saved(a), b = Saved(b)](const Tensor& dy, Grads& grads) {
                  const Tensor first_wins = le(a.get(), b.get()) | isnan(b.get());
                  grads.add(0, where(first_wins, dy, 0));
                  grads.add(1, where(first_wins, 0, dy));
                });
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  require_defined("logaddexp", a, b);
  const Operand first(a), second(b);
  return record("Logaddexp", {a, b}, pointwise("LogAddExp"_op, {&first, &second}, real_type(result_type(first, second))),
                [a = Saved(a), b = Saved(b)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0)) grads.add(0, dy / (1 + exp(b.get() - a.get())));
                  if (grads.wants(1)) grads.add(1, dy / (1 + exp(a.get() - b.get())));
                });
}

Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight) {
  require_defined("lerp", start, end, weight);
  check<RuntimeError>(start.dtype() == end.dtype(), "expected dtype {} for `end` but got dtype {}", name(start.dtype()), name(end.dtype()));
  const Operand a(start), b(end);
  return record("Lerp", {start, end, weight.tensor()}, pointwise("Lerp"_op, {&a, &b, &weight}, start.dtype()),
                [start = Saved(start), end = Saved(end), weight = SavedOperand(weight, true)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0))
                    grads.add(
                        0, weight.with([&](const Operand& w) { return dy * sub(1, w.is_tensor() ? w : Operand(full({}, w.number(), dy.dtype()))); }));
                  if (grads.wants(1)) grads.add(1, weight.with([&](const Operand& w) { return dy * w; }));
                  if (grads.wants(2)) grads.add(2, dy * (end.get() - start.get()));
                });
}

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  require_defined("addcmul", x, a, b);
  const Operand first(x), second(a), third(b);
  const DType dtype = result_type({&first, &second, &third});
  return record("Addcmul", {x, a, b}, pointwise("Addcmul"_op, {&first, &second, &third}, dtype, {{value.to<double>()}}),
                [a = Saved(a), b = Saved(b), value](const Tensor& dy, Grads& grads) {
                  grads.add(0, dy);
                  if (grads.wants(1)) grads.add(1, dy * (b.get() * value));
                  if (grads.wants(2)) grads.add(2, dy * (a.get() * value));
                });
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  require_defined("addcdiv", x, a, b);
  check<RuntimeError>(is_floating_point(a.dtype()) || is_floating_point(b.dtype()),
                      "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
                      "division of tensor1 and tensor2.");
  const Operand first(x), second(a), third(b);
  const DType dtype = result_type({&first, &second, &third});
  return record("Addcdiv", {x, a, b}, pointwise("Addcdiv"_op, {&first, &second, &third}, dtype, {{value.to<double>()}}),
                [a = Saved(a), b = Saved(b), value](const Tensor& dy, Grads& grads) {
                  grads.add(0, dy);
                  if (grads.wants(1)) grads.add(1, dy * (value.to<double>() / b.get()));
                  if (grads.wants(2)) grads.add(2, -dy * (value.to<double>() * (a.get() / (b.get() * b.get()))));
                });
}

Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  require_defined("where", condition, a, b);
  check<RuntimeError>(condition.dtype() == kBool || condition.dtype() == kUInt8,
                      "where expected condition to be a boolean tensor, but got a tensor with dtype {}", scalar_type_name(condition.dtype()));
  const Operand mask(condition);
  const DType dtype = result_type(a, b);
  check_numbers_fit({&a, &b}, dtype);
  return record("Where", {condition, a.tensor(), b.tensor()}, pointwise("Where"_op, {&mask, &a, &b}, dtype),
                [condition = Saved(condition)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(1)) grads.add(1, where(condition.get(), dy, 0));
                  if (grads.wants(2)) grads.add(2, where(condition.get(), 0, dy));
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value) {
  require_defined("masked_fill", x, mask, value);
  check<RuntimeError>(mask.dtype() == kBool, "masked_fill_ only supports boolean masks, but got mask with dtype {}", scalar_type_name(mask.dtype()));
  check<RuntimeError>(!value.is_tensor() || value.tensor().dim() == 0,
                      "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                      value.is_tensor() ? value.tensor().dim() : 0);
  check_fits(value.is_tensor() ? value.tensor().item() : value.number(), x.dtype());
  const Operand condition(mask), rest(x);
  return record("MaskedFill", {x, value.tensor()}, pointwise("Where"_op, {&condition, &value, &rest}, x.dtype()),
                [mask = Saved(mask)](const Tensor& dy, Grads& grads) {
                  if (grads.wants(0)) grads.add(0, where(mask.get(), 0, dy));
                  if (grads.wants(1)) grads.add(1, where(mask.get(), dy, 0).sum());
                });
}

// --- clamp

Tensor clamp(const Tensor& x, const Operand& min, const Operand& max) {
  require_defined("clamp", x);
  require_defined_or_none("clamp", 2, min);
  require_defined_or_none("clamp", 3, max);
  check<RuntimeError>(!min.is_none() || !max.is_none(), "torch.clamp: At least one of 'min' or 'max' must not be None");
  const Operand operand(x);
  const DType dtype = result_type({&operand, &min, &max});
  check_numbers_fit({&min, &max}, dtype);
  const Operand& low = min.is_none() ? Operand(-INFINITY) : min;
  const Operand& high = max.is_none() ? Operand(INFINITY) : max;
  Tensor y = min.is_none()   ? pointwise("Minimum"_op, {&operand, &max}, dtype)
             : max.is_none() ? pointwise("Maximum"_op, {&operand, &min}, dtype)
                             : pointwise("Clamp"_op, {&operand, &min, &max}, dtype);
  return record("Clamp", {x, min.tensor(), max.tensor()}, std::move(y),
                [x = Saved(x), low = SavedOperand(low, true), high = SavedOperand(high, true)](const Tensor& dy, Grads& grads) {
                  const Tensor at = x.get();
                  low.with([&](const Operand& low) {
                    return high.with([&](const Operand& high) {
                      if (grads.wants(0)) grads.add(0, where(ge(at, low) & le(at, high), dy, 0));
                      if (grads.wants(1)) grads.add(1, where(lt(at, low) & lt(low, high), dy, 0));
                      if (grads.wants(2)) grads.add(2, where(low.is_tensor() ? gt(at, high) | lt(high, low) : gt(at, high), dy, 0));
                      return Tensor();
                    });
                  });
                });
}
Tensor clamp_min(const Tensor& x, const Operand& min) {
  require_defined("clamp_min", x, min);
  return clamp(x, min, None);
}
Tensor clamp_max(const Tensor& x, const Operand& max) {
  require_defined("clamp_max", x, max);
  return clamp(x, None, max);
}

}  // namespace ember
