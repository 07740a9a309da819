// Bits of whole numbers; of bools, logic. No gradients.
#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"

namespace ember {
namespace {

/// The loop of `op` over whole numbers, or of `logic` over bools. PyTorch's errors name its kernel.
Tensor bitwise(const char* operation, const char* kernel, Op op, Op logic, const Operand& a, const Operand& b) {
  require_defined(operation, a, b);
  const DType dtype = result_type(a, b);
  check<NotImplementedError>(!is_floating_point(dtype),
                             "\"{}\" not implemented for '{}'\n{}: bits are those of whole numbers and bools, but the operands promote to {}",
                             kernel, scalar_type_name(dtype), operation, name(dtype));
  return pointwise(dtype == kBool ? logic : op, {&a, &b}, dtype);
}

/// Bools have no shift.
Tensor shifted(const char* operation, const char* kernel, Op op, const Operand& a, const Operand& b) {
  require_defined(operation, a, b);
  const DType dtype = result_type(a, b);
  check<NotImplementedError>(is_integral(dtype, false), "\"{}\" not implemented for '{}'\n{}: only whole numbers are shifted, but the operands promote to {}",
                             kernel, scalar_type_name(dtype), operation, name(dtype));
  return pointwise(op, {&a, &b}, dtype);
}

}  // namespace

Tensor bitwise_not(const Tensor& x) {
  require_defined("bitwise_not", x);
  check<TypeError>(!x.is_floating_point(), "~ (operator.invert) is only implemented on integer and Boolean-type tensors\nbitwise_not: got a tensor of {}",
                   name(x.dtype()));
  return x.dtype() == kBool ? logical_not(x) : bitwise_xor(x, -1);
}
Tensor bitwise_and(const Operand& a, const Operand& b) { return bitwise("bitwise_and", "bitwise_and_cpu", Op::BitAnd, Op::LogicalAnd, a, b); }
Tensor bitwise_or(const Operand& a, const Operand& b) { return bitwise("bitwise_or", "bitwise_or_cpu", Op::BitOr, Op::LogicalOr, a, b); }
Tensor bitwise_xor(const Operand& a, const Operand& b) { return bitwise("bitwise_xor", "bitwise_xor_cpu", Op::BitXor, Op::LogicalXor, a, b); }
Tensor bitwise_left_shift(const Operand& a, const Operand& b) { return shifted("bitwise_left_shift", "lshift_cpu", Op::ShiftLeft, a, b); }
Tensor bitwise_right_shift(const Operand& a, const Operand& b) { return shifted("bitwise_right_shift", "rshift_cpu", Op::ShiftRight, a, b); }

}  // namespace ember
