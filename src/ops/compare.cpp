// Comparisons, tests and logic: bool results without gradients.
#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"

namespace ember {
namespace {

Tensor compare(const char* name, Op op, const Operand& a, const Operand& b) {
  require_defined(name, a, b);
  return pointwise(op, {&a, &b}, result_type(a, b), {}, kBool);
}

Tensor test(const char* name, Op op, const Tensor& x) {
  require_defined(name, x);
  const Operand operand(x);
  return pointwise(op, {&operand}, x.dtype(), {}, kBool);
}

}  // namespace

Tensor eq(const Operand& a, const Operand& b) { return compare("eq", "Eq"_op, a, b); }
Tensor ne(const Operand& a, const Operand& b) { return compare("ne", "Ne"_op, a, b); }
Tensor lt(const Operand& a, const Operand& b) { return compare("lt", "Lt"_op, a, b); }
Tensor le(const Operand& a, const Operand& b) { return compare("le", "Le"_op, a, b); }
Tensor gt(const Operand& a, const Operand& b) { return compare("gt", "Gt"_op, a, b); }
Tensor ge(const Operand& a, const Operand& b) { return compare("ge", "Ge"_op, a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return compare("logical_and", "LogicalAnd"_op, a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return compare("logical_or", "LogicalOr"_op, a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return compare("logical_xor", "LogicalXor"_op, a, b); }
Tensor logical_not(const Tensor& x) { return test("logical_not", "LogicalNot"_op, x); }
Tensor isnan(const Tensor& x) { return test("isnan", "IsNan"_op, x); }
Tensor isinf(const Tensor& x) { return test("isinf", "IsInf"_op, x); }
Tensor isfinite(const Tensor& x) { return test("isfinite", "IsFinite"_op, x); }

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  require_defined("isclose", a, b);
  check<RuntimeError>(a.dtype() == b.dtype(), "{} did not match {}", scalar_type_name(a.dtype()), scalar_type_name(b.dtype()));
  check<RuntimeError>(rtol >= 0, "rtol must be greater than or equal to zero, but got {}", rtol);
  check<RuntimeError>(atol >= 0, "atol must be greater than or equal to zero, but got {}", atol);
  NoGradGuard no_grad;
  Tensor close = eq(a, b);
  if (equal_nan && is_floating_point(a.dtype())) close = close | (isnan(a) & isnan(b));
  if (rtol == 0 && atol == 0) return close;
  const DType dtype = a.dtype() == kFloat32 ? kFloat32 : kFloat64;
  const Tensor x = a.to(dtype), y = b.to(dtype), distance = abs(x - y);
  return close | (isfinite(distance) & le(distance, atol + abs(rtol * y)));
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  require_defined("allclose", a, b);
  return isclose(a, b, rtol, atol, equal_nan).all().item<bool>();
}

bool equal(const Tensor& a, const Tensor& b) {
  require_defined("equal", a, b);
  return a.sizes() == b.sizes() && eq(a, b).all().item<bool>();
}

}  // namespace ember
