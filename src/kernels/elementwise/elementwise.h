// Elementwise loops: one output element from one element of each input, and a few parameters. A new operation is a name here, in any
// place, and a row in one of *.isa.cpp: how many inputs it has, its formula, and what an element costs.
#pragma once

#include <ember/dtype.h>
#include <ember/shape.h>

namespace ember::kernels {

using std::int64_t;

// clang-format off: many on a line
enum class Op : std::uint8_t {
  // one input
  Neg, Abs, Sign, Square, Reciprocal, Sqrt, Rsqrt, Exp, Expm1, Log, Log2, Log10, Log1p, Sin, Cos, Tan, Asin, Acos, Atan, Sinh,
  Cosh, Tanh, Sigmoid, Erf, Floor, Ceil, Round, Trunc, Frac, NanToNum, IsNan, IsInf, IsFinite, LogicalNot,
  // one input, parameters in the order of their PyTorch functions
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
// clang-format on
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

/// The loops of one operation, null for dtypes that PyTorch does not have it for, and what an element costs in additions.
struct ElementwiseRow {
  ElementwiseLoop loops[kDTypes];
  int cost;  ///< 0 where another table has the row
};

/// The rows of one file.
struct ElementwiseTable {
  ElementwiseRow rows[kOps];
};

struct ElementwiseKernels {
  const ElementwiseTable &unary, &activation, &binary;
  const ElementwiseRow& row(Op op) const {
    if (binary.rows[int(op)].cost > 0) return binary.rows[int(op)];
    return activation.rows[int(op)].cost > 0 ? activation.rows[int(op)] : unary.rows[int(op)];
  }
};

// ---------------------------------------------------------------------------------------------------------------------------
// On all threads.

/// The dimensions of a result, innermost first, with those merged that every tensor walks through without a gap.
struct ElementwiseNest {
  int dims = 0;
  int64_t sizes[kMaxDims];
  int64_t strides[3][kMaxDims];  ///< of each input, in elements
};

/// The loop over call.n elements. `inputs` of them, of in_bytes each, may move by call.stride.
void run_elementwise(ElementwiseLoop loop, const ElementwiseCall& call, int inputs, const int64_t* in_bytes, int64_t out_bytes, double work);

/// The loop over all rows of a nest, `rows` of them; the result is written from its first to its last element.
void run_elementwise(ElementwiseLoop loop, const ElementwiseCall& call, const ElementwiseNest& nest, int64_t rows, int inputs,
                     const int64_t* in_bytes, int64_t out_bytes, double work);

}  // namespace ember::kernels
