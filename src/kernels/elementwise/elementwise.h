// Elementwise loops: one output element from one element of each input, and a few parameters. A new operation is a name here and
// a row in one of *.isa.cpp.
#pragma once

#include <ember/dtype.h>

namespace ember::kernels {

using std::int64_t;

enum class Op : std::uint8_t {
  // one input
  Neg, Abs, Sign, Square, Reciprocal, Sqrt, Rsqrt, Exp, Expm1, Log, Log2, Log10, Log1p, Sin, Cos, Tan, Asin, Acos, Atan, Sinh,
  Cosh, Tanh, Sigmoid, Erf, Floor, Ceil, Round, Trunc, Frac, NanToNum, IsNan, IsInf, IsFinite, LogicalNot,
  // activations of x (parameters in the order of their PyTorch functions)
  Relu, LeakyRelu, Elu, Gelu, GeluTanh, Silu, Mish, Softplus, Softsign, Hardtanh, Hardswish, Hardsigmoid, LogSigmoid, Threshold,
  Softshrink, Hardshrink,
  // two inputs
  Add, Sub, Mul, Div, DivFloor, DivTrunc, Remainder, Fmod, Pow, Atan2, Maximum, Minimum, Fmax, Fmin, LogAddExp, AddScaled, Eq, Ne,
  Lt, Le, Gt, Ge, LogicalAnd, LogicalOr, LogicalXor,
  // dx from (dy, x); ReluBackward, TanhBackward and SigmoidBackward from (dy, y)
  ReluBackward, TanhBackward, SigmoidBackward, LeakyReluBackward, EluBackward, GeluBackward, GeluTanhBackward, SiluBackward,
  MishBackward, SoftplusBackward, SoftsignBackward, HardtanhBackward, HardswishBackward, HardsigmoidBackward, LogSigmoidBackward,
  ThresholdBackward, ShrinkBackward, ClampBackward,
  // three inputs
  Where, Lerp, Addcmul, Addcdiv, Clamp,
  Count
};
inline constexpr int kOps = int(Op::Count);

/// n elements: out[i] = op(in[0][i * stride[0]], ...). All inputs have the loop's dtype, but for Where, whose condition is bool and
/// whose other two have it; out has it too, or is bool for comparisons and tests. Strides in elements; 0 repeats one value.
struct ElementwiseCall {
  int64_t n;
  const void* in[3];
  int64_t stride[3];
  void* out;
  double parameters[3];
};

using ElementwiseLoop = void (*)(const ElementwiseCall&);

/// The rows of one file; null where another file has the row, or PyTorch has no such operation.
struct ElementwiseTable {
  ElementwiseLoop loops[kOps][kDTypes];
};
struct ElementwiseKernels {
  const ElementwiseTable &unary, &activation, &binary;

  ElementwiseLoop loop(Op op, DType dtype) const {
    const bool is_activation = (op >= Op::Relu && op < Op::Add) || (op >= Op::ReluBackward && op < Op::Where);
    return (op < Op::Relu ? unary : is_activation ? activation : binary).loops[int(op)][int(dtype)];
  }
};

}  // namespace ember::kernels
