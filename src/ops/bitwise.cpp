// Bits of whole numbers; of bools, logic. No gradients.
#include "error_format.h"
#include "kernels/elementwise/bits.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

using kernels::BitOp;

/// A whole operand in this dtype; numbers wrap around.
Tensor whole(const Operand& operand, DType dtype) {
  if (operand.is_tensor()) return operand.tensor().to(dtype);
  const Tensor t = make_dense({}, dtype);
  const int64_t number = operand.number().to<int64_t>();
  if (dtype == kInt64) *t.data<int64_t>() = number;
  else *t.data<std::uint8_t>() = std::uint8_t(number);
  return t;
}

Tensor bits(BitOp op, const Operand& a, const Operand& b, DType dtype) {
  NoGradGuard no_grad;
  const Tensor left = whole(a, dtype), right = whole(b, dtype);
  const Shape sizes = broadcast_shapes(left.sizes(), right.sizes());
  const Tensor x = left.expand(sizes).contiguous(), y = right.expand(sizes).contiguous(), out = make_dense(sizes, dtype);
  kernels::bits(op, dtype, out.numel(), x.data_ptr(), y.data_ptr(), out.data_ptr());
  return out;
}

/// `op` over whole numbers, or `logic` over bools. PyTorch's errors name its kernel.
Tensor bitwise(const char* operation, BitOp op, Op logic, const Operand& a, const Operand& b) {
  const DType dtype = result_type(a, b);
  check<NotImplementedError>(!is_floating_point(dtype),
                             "\"{}_cpu\" not implemented for '{}'\n{}: bits are those of whole numbers and bools, but the operands promote to {}",
                             operation, scalar_type_name(dtype), operation, name(dtype));
  return dtype == kBool ? pointwise(logic, {&a, &b}, dtype) : bits(op, a, b, dtype);
}

/// Bools have no shift.
Tensor shifted(const char* operation, const char* kernel, BitOp op, const Operand& a, const Operand& b) {
  const DType dtype = result_type(a, b);
  check<NotImplementedError>(is_integral(dtype, false),
                             "\"{}\" not implemented for '{}'\n{}: only whole numbers are shifted, but the operands promote to {}", kernel,
                             scalar_type_name(dtype), operation, name(dtype));
  return bits(op, a, b, dtype);
}

}  // namespace

Tensor bitwise_not(const Tensor& x) {
  require_defined("bitwise_not", x);
  check<TypeError>(!x.is_floating_point(),
                   "~ (operator.invert) is only implemented on integer and Boolean-type tensors\nbitwise_not: got a tensor of {}", name(x.dtype()));
  return x.dtype() == kBool ? logical_not(x) : bitwise_xor(x, -1);
}
Tensor bitwise_and(const Operand& a, const Operand& b) {
  require_defined("bitwise_and", a, b);
  return bitwise("bitwise_and", BitOp::And, "LogicalAnd"_op, a, b);
}
Tensor bitwise_or(const Operand& a, const Operand& b) {
  require_defined("bitwise_or", a, b);
  return bitwise("bitwise_or", BitOp::Or, "LogicalOr"_op, a, b);
}
Tensor bitwise_xor(const Operand& a, const Operand& b) {
  require_defined("bitwise_xor", a, b);
  return bitwise("bitwise_xor", BitOp::Xor, "LogicalXor"_op, a, b);
}
Tensor bitwise_left_shift(const Operand& a, const Operand& b) {
  require_defined("bitwise_left_shift", a, b);
  return shifted("bitwise_left_shift", "lshift_cpu", BitOp::ShiftLeft, a, b);
}
Tensor bitwise_right_shift(const Operand& a, const Operand& b) {
  require_defined("bitwise_right_shift", a, b);
  return shifted("bitwise_right_shift", "rshift_cpu", BitOp::ShiftRight, a, b);
}

}  // namespace ember
