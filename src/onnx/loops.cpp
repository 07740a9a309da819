// Elementwise operations in ONNX's.
#include <cmath>

#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using kernels::Op;
using kernels::operator""_op;
using Text = std::string;

/// The operands of a loop in its type, and its parameters.
struct Loop {
  Writer& w;
  DType type;
  std::vector<Text> in;
  const std::vector<double>& p;

  Text node(const char* kind, const std::vector<Text>& inputs, const Attrs& attributes = {}) const { return w.node(kind, inputs, attributes); }
  Text number(double value) const { return w.number(value, type); }
  Text unary(const char* kind) const { return node(kind, {in[0]}); }
  Text binary(const char* kind) const { return node(kind, {in[0], in[1]}); }
  Text times(const Text& x, double factor) const { return factor == 1 ? x : node("Mul", {x, number(factor)}); }
  Text softplus(const Text& x) const { return node("Softplus", {x}); }
};

/// Elu, Selu and Celu are one loop: scale * (x > 0 ? x : alpha * (exp(input_scale * x) - 1)).
Text elu(const Loop& l) {
  const double alpha = l.p[0], scale = l.p[1], input_scale = l.p[2];
  if (scale == 1 && input_scale == 1) return l.node("Elu", {l.in[0]}, {{"alpha", alpha}});
  if (input_scale == 1) return l.node("Selu", {l.in[0]}, {{"alpha", alpha}, {"gamma", scale}});
  const Text below = l.node("Mul", {l.node("Sub", {l.node("Exp", {l.times(l.in[0], input_scale)}), l.number(1)}), l.number(alpha * scale)});
  return l.node("Where", {l.node("Greater", {l.in[0], l.number(0)}), l.times(l.in[0], scale), below});
}

Text gelu(const Loop& l, bool by_tanh) {
  const Text& x = l.in[0];
  const Text inside = by_tanh
                          ? l.node("Tanh",
                                   {l.times(l.node("Add", {x, l.times(l.node("Mul", {x, l.node("Mul", {x, x})}), 0.044715)}), 0.79788456080286536)})
                          : l.node("Erf", {l.times(x, M_SQRT1_2)});
  return l.node("Mul", {l.times(x, 0.5), l.node("Add", {inside, l.number(1)})});
}

Text remainder(const Loop& l) {
  if (!is_floating_point(l.type)) return l.binary("Mod");
  return l.node("Sub", {l.in[0], l.node("Mul", {l.node("Floor", {l.binary("Div")}), l.in[1]})});
}

Text trunc(const Loop& l, const Text& x) { return l.node("Mul", {l.node("Sign", {x}), l.node("Floor", {l.node("Abs", {x})})}); }

Text nan_to_number(const Loop& l) {
  const Text numbers = l.node("Where", {l.unary("IsNaN"), l.number(l.p[0]), l.in[0]});
  const Text high = l.node("IsInf", {l.in[0]}, {{"detect_negative", 0}}), low = l.node("IsInf", {l.in[0]}, {{"detect_positive", 0}});
  return l.node("Where", {high, l.number(l.p[1]), l.node("Where", {low, l.number(l.p[2]), numbers})});
}

/// The larger one plus log(1 + exp(-distance)): no exponential overflows.
Text log_add_exp(const Loop& l) { return l.node("Add", {l.binary("Max"), l.softplus(l.node("Neg", {l.node("Abs", {l.binary("Sub")})}))}); }

/// atan(y / x), half a turn further where x is negative; where both are 0, 0 (-0 counts as 0).
Text atan2(const Loop& l) {
  const Text &y = l.in[0], &x = l.in[1], zero = l.number(0);
  const Text up = l.node("Where", {l.node("Less", {y, zero}), l.number(-M_PI), l.number(M_PI)});
  const Text angle = l.node("Atan", {l.binary("Div")});
  const Text turned = l.node("Where", {l.node("Less", {x, zero}), l.node("Add", {angle, up}), angle});
  const Text nothing = l.node("And", {l.node("Equal", {x, zero}), l.node("Equal", {y, zero})});
  return l.node("Where", {nothing, zero, turned});
}

/// The other operand where one is NaN.
Text without_nan(const Loop& l, const char* kind) {
  const Text other = l.node("Where", {l.node("IsNaN", {l.in[1]}), l.in[0], l.binary(kind)});
  return l.node("Where", {l.node("IsNaN", {l.in[0]}), l.in[1], other});
}

Text one_operand(Op op, const Loop& l) {
  const Text& x = l.in[0];
  switch (op) {
    case "Neg"_op: return l.unary("Neg");
    case "Abs"_op: return l.unary("Abs");
    case "Sign"_op: return l.unary("Sign");
    case "Square"_op: return l.node("Mul", {x, x});
    case "Reciprocal"_op: return l.unary("Reciprocal");
    case "Sqrt"_op: return l.unary("Sqrt");
    case "Rsqrt"_op: return l.node("Reciprocal", {l.unary("Sqrt")});
    case "Exp"_op: return l.unary("Exp");
    case "Expm1"_op: return l.node("Sub", {l.unary("Exp"), l.number(1)});
    case "Log"_op: return l.unary("Log");
    case "Log2"_op: return l.times(l.unary("Log"), 1 / std::log(2.0));
    case "Log10"_op: return l.times(l.unary("Log"), 1 / std::log(10.0));
    case "Log1p"_op: return l.node("Log", {l.node("Add", {x, l.number(1)})});
    case "Sin"_op: return l.unary("Sin");
    case "Cos"_op: return l.unary("Cos");
    case "Tan"_op: return l.unary("Tan");
    case "Asin"_op: return l.unary("Asin");
    case "Acos"_op: return l.unary("Acos");
    case "Atan"_op: return l.unary("Atan");
    case "Sinh"_op: return l.unary("Sinh");
    case "Cosh"_op: return l.unary("Cosh");
    case "Tanh"_op: return l.unary("Tanh");
    case "Sigmoid"_op: return l.unary("Sigmoid");
    case "Erf"_op: return l.unary("Erf");
    case "Floor"_op: return l.unary("Floor");
    case "Ceil"_op: return l.unary("Ceil");
    case "Round"_op: return l.unary("Round");
    case "Trunc"_op: return trunc(l, x);
    case "Frac"_op: return l.node("Sub", {x, trunc(l, x)});
    case "IsNan"_op: return l.unary("IsNaN");
    case "IsInf"_op: return l.unary("IsInf");
    case "IsFinite"_op: return l.node("Not", {l.node("Or", {l.unary("IsNaN"), l.unary("IsInf")})});
    case "NanToNum"_op: return nan_to_number(l);
    case "LogicalNot"_op: return l.node("Not", {l.w.cast(x, l.type, kBool)});
    case "Relu"_op: return l.unary("Relu");
    case "LeakyRelu"_op: return l.node("LeakyRelu", {x}, {{"alpha", l.p[0]}});
    case "Elu"_op: return elu(l);
    case "Gelu"_op: return gelu(l, false);
    case "GeluTanh"_op: return gelu(l, true);
    case "Silu"_op: return l.node("Mul", {x, l.unary("Sigmoid")});
    case "Mish"_op: return l.node("Mul", {x, l.node("Tanh", {l.softplus(x)})});
    case "Softplus"_op: return l.times(l.softplus(l.times(x, l.p[0])), 1 / l.p[0]);
    case "Softsign"_op: return l.unary("Softsign");
    case "Hardtanh"_op: return l.node("Clip", {x, l.number(l.p[0]), l.number(l.p[1])});
    case "Hardswish"_op: return l.unary("HardSwish");
    case "Hardsigmoid"_op: return l.node("HardSigmoid", {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
    case "LogSigmoid"_op: return l.node("Neg", {l.softplus(l.unary("Neg"))});
    case "Threshold"_op: return l.node("Where", {l.node("Greater", {x, l.number(l.p[0])}), x, l.number(l.p[1])});
    case "Softshrink"_op: return l.node("Shrink", {x}, {{"bias", l.p[0]}, {"lambd", l.p[0]}});
    case "Hardshrink"_op: return l.node("Shrink", {x}, {{"bias", 0.0}, {"lambd", l.p[0]}});
    default: return {};
  }
}

Text logic(const Loop& l, const char* kind) { return l.node(kind, {l.w.cast(l.in[0], l.type, kBool), l.w.cast(l.in[1], l.type, kBool)}); }

Text several_operands(Op op, const Loop& l) {
  switch (op) {
    case "Add"_op: return l.binary("Add");
    case "Sub"_op: return l.binary("Sub");
    case "Mul"_op: return l.binary("Mul");
    case "Div"_op: return l.binary("Div");
    case "DivFloor"_op: return is_floating_point(l.type) ? l.node("Floor", {l.binary("Div")}) : Text();
    case "DivTrunc"_op: return is_floating_point(l.type) ? trunc(l, l.binary("Div")) : l.binary("Div");
    case "Remainder"_op: return remainder(l);
    case "Fmod"_op: return l.node("Mod", {l.in[0], l.in[1]}, {{"fmod", 1}});
    case "Pow"_op: return l.binary("Pow");
    case "Maximum"_op: return l.binary("Max");
    case "Minimum"_op: return l.binary("Min");
    case "LogAddExp"_op: return log_add_exp(l);
    case "Atan2"_op: return atan2(l);
    case "Fmax"_op: return without_nan(l, "Max");
    case "Fmin"_op: return without_nan(l, "Min");
    case "AddScaled"_op: return l.node("Add", {l.in[0], l.times(l.in[1], l.p[0])});
    case "Eq"_op: return l.binary("Equal");
    case "Ne"_op: return l.node("Not", {l.binary("Equal")});
    case "Lt"_op: return l.binary("Less");
    case "Le"_op: return l.binary("LessOrEqual");
    case "Gt"_op: return l.binary("Greater");
    case "Ge"_op: return l.binary("GreaterOrEqual");
    case "LogicalAnd"_op: return logic(l, "And");
    case "LogicalOr"_op: return logic(l, "Or");
    case "LogicalXor"_op: return logic(l, "Xor");
    case "Where"_op: return l.node("Where", {l.in[0], l.in[1], l.in[2]});
    case "Lerp"_op: return l.node("Add", {l.in[0], l.node("Mul", {l.in[2], l.node("Sub", {l.in[1], l.in[0]})})});
    case "Addcmul"_op: return l.node("Add", {l.in[0], l.times(l.node("Mul", {l.in[1], l.in[2]}), l.p[0])});
    case "Addcdiv"_op: return l.node("Add", {l.in[0], l.times(l.node("Div", {l.in[1], l.in[2]}), l.p[0])});
    case "Clamp"_op: return l.node("Min", {l.node("Max", {l.in[0], l.in[1]}), l.in[2]});
    default: return {};
  }
}

bool gives_bool(Op op) {
  switch (op) {
    case "IsNan"_op:
    case "IsInf"_op:
    case "IsFinite"_op:
    case "LogicalNot"_op:
    case "Eq"_op:
    case "Ne"_op:
    case "Lt"_op:
    case "Le"_op:
    case "Gt"_op:
    case "Ge"_op:
    case "LogicalAnd"_op:
    case "LogicalOr"_op:
    case "LogicalXor"_op: return true;
    default: return false;
  }
}

}  // namespace

std::string write_loop(const Call& call) {
  const Op op = Op(call.one.loop);
  Loop loop{call.writer, call.one.compute, {}, call.one.reals.at(0).values};
  if (call.other.reals.at(0).values != loop.p) call.writer.refuse("has other parameters for other batches, which ONNX has no counterpart for");
  for (std::size_t i = 0; i < call.one.inputs.size(); ++i) {
    const DType wanted = op == "Where"_op && i == 0 ? kBool : call.one.compute;
    loop.in.push_back(call.writer.cast(call.in(i), call.writer.dtype(call.id(i)), wanted));
  }
  const std::string result = loop.in.size() == 1 ? one_operand(op, loop) : several_operands(op, loop);
  if (result.empty()) call.writer.refuse("has no counterpart in ONNX");
  return call.writer.cast(result, gives_bool(op) ? kBool : loop.type, call.dtype());
}

}  // namespace ember::exporting
