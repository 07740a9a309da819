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

Tensor eq(const Operand& a, const Operand& b) { return compare("eq", Op::Eq, a, b); }
Tensor ne(const Operand& a, const Operand& b) { return compare("ne", Op::Ne, a, b); }
Tensor lt(const Operand& a, const Operand& b) { return compare("lt", Op::Lt, a, b); }
Tensor le(const Operand& a, const Operand& b) { return compare("le", Op::Le, a, b); }
Tensor gt(const Operand& a, const Operand& b) { return compare("gt", Op::Gt, a, b); }
Tensor ge(const Operand& a, const Operand& b) { return compare("ge", Op::Ge, a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return compare("logical_and", Op::LogicalAnd, a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return compare("logical_or", Op::LogicalOr, a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return compare("logical_xor", Op::LogicalXor, a, b); }
Tensor logical_not(const Tensor& x) { return test("logical_not", Op::LogicalNot, x); }
Tensor isnan(const Tensor& x) { return test("isnan", Op::IsNan, x); }
Tensor isinf(const Tensor& x) { return test("isinf", Op::IsInf, x); }
Tensor isfinite(const Tensor& x) { return test("isfinite", Op::IsFinite, x); }

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
