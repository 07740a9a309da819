// Elementwise operations in ONNX's.
#include <cmath>

#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using kernels::Op;
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
    case Op::Neg: return l.unary("Neg");
    case Op::Abs: return l.unary("Abs");
    case Op::Sign: return l.unary("Sign");
    case Op::Square: return l.node("Mul", {x, x});
    case Op::Reciprocal: return l.unary("Reciprocal");
    case Op::Sqrt: return l.unary("Sqrt");
    case Op::Rsqrt: return l.node("Reciprocal", {l.unary("Sqrt")});
    case Op::Exp: return l.unary("Exp");
    case Op::Expm1: return l.node("Sub", {l.unary("Exp"), l.number(1)});
    case Op::Log: return l.unary("Log");
    case Op::Log2: return l.times(l.unary("Log"), 1 / std::log(2.0));
    case Op::Log10: return l.times(l.unary("Log"), 1 / std::log(10.0));
    case Op::Log1p: return l.node("Log", {l.node("Add", {x, l.number(1)})});
    case Op::Sin: return l.unary("Sin");
    case Op::Cos: return l.unary("Cos");
    case Op::Tan: return l.unary("Tan");
    case Op::Asin: return l.unary("Asin");
    case Op::Acos: return l.unary("Acos");
    case Op::Atan: return l.unary("Atan");
    case Op::Sinh: return l.unary("Sinh");
    case Op::Cosh: return l.unary("Cosh");
    case Op::Tanh: return l.unary("Tanh");
    case Op::Sigmoid: return l.unary("Sigmoid");
    case Op::Erf: return l.unary("Erf");
    case Op::Floor: return l.unary("Floor");
    case Op::Ceil: return l.unary("Ceil");
    case Op::Round: return l.unary("Round");
    case Op::Trunc: return trunc(l, x);
    case Op::Frac: return l.node("Sub", {x, trunc(l, x)});
    case Op::IsNan: return l.unary("IsNaN");
    case Op::IsInf: return l.unary("IsInf");
    case Op::IsFinite: return l.node("Not", {l.node("Or", {l.unary("IsNaN"), l.unary("IsInf")})});
    case Op::NanToNum: return nan_to_number(l);
    case Op::LogicalNot: return l.node("Not", {l.w.cast(x, l.type, kBool)});
    case Op::Relu: return l.unary("Relu");
    case Op::LeakyRelu: return l.node("LeakyRelu", {x}, {{"alpha", l.p[0]}});
    case Op::Elu: return elu(l);
    case Op::Gelu: return gelu(l, false);
    case Op::GeluTanh: return gelu(l, true);
    case Op::Silu: return l.node("Mul", {x, l.unary("Sigmoid")});
    case Op::Mish: return l.node("Mul", {x, l.node("Tanh", {l.softplus(x)})});
    case Op::Softplus: return l.times(l.softplus(l.times(x, l.p[0])), 1 / l.p[0]);
    case Op::Softsign: return l.unary("Softsign");
    case Op::Hardtanh: return l.node("Clip", {x, l.number(l.p[0]), l.number(l.p[1])});
    case Op::Hardswish: return l.unary("HardSwish");
    case Op::Hardsigmoid: return l.node("HardSigmoid", {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
    case Op::LogSigmoid: return l.node("Neg", {l.softplus(l.unary("Neg"))});
    case Op::Threshold: return l.node("Where", {l.node("Greater", {x, l.number(l.p[0])}), x, l.number(l.p[1])});
    case Op::Softshrink: return l.node("Shrink", {x}, {{"bias", l.p[0]}, {"lambd", l.p[0]}});
    case Op::Hardshrink: return l.node("Shrink", {x}, {{"bias", 0.0}, {"lambd", l.p[0]}});
    default: return {};
  }
}

Text logic(const Loop& l, const char* kind) { return l.node(kind, {l.w.cast(l.in[0], l.type, kBool), l.w.cast(l.in[1], l.type, kBool)}); }

Text several_operands(Op op, const Loop& l) {
  switch (op) {
    case Op::Add: return l.binary("Add");
    case Op::Sub: return l.binary("Sub");
    case Op::Mul: return l.binary("Mul");
    case Op::Div: return l.binary("Div");
    case Op::DivFloor: return is_floating_point(l.type) ? l.node("Floor", {l.binary("Div")}) : Text();
    case Op::DivTrunc: return is_floating_point(l.type) ? trunc(l, l.binary("Div")) : l.binary("Div");
    case Op::Remainder: return remainder(l);
    case Op::Fmod: return l.node("Mod", {l.in[0], l.in[1]}, {{"fmod", 1}});
    case Op::Pow: return l.binary("Pow");
    case Op::Maximum: return l.binary("Max");
    case Op::Minimum: return l.binary("Min");
    case Op::LogAddExp: return log_add_exp(l);
    case Op::Atan2: return atan2(l);
    case Op::Fmax: return without_nan(l, "Max");
    case Op::Fmin: return without_nan(l, "Min");
    case Op::AddScaled: return l.node("Add", {l.in[0], l.times(l.in[1], l.p[0])});
    case Op::Eq: return l.binary("Equal");
    case Op::Ne: return l.node("Not", {l.binary("Equal")});
    case Op::Lt: return l.binary("Less");
    case Op::Le: return l.binary("LessOrEqual");
    case Op::Gt: return l.binary("Greater");
    case Op::Ge: return l.binary("GreaterOrEqual");
    case Op::LogicalAnd: return logic(l, "And");
    case Op::LogicalOr: return logic(l, "Or");
    case Op::LogicalXor: return logic(l, "Xor");
    case Op::Where: return l.node("Where", {l.in[0], l.in[1], l.in[2]});
    case Op::Lerp: return l.node("Add", {l.in[0], l.node("Mul", {l.in[2], l.node("Sub", {l.in[1], l.in[0]})})});
    case Op::Addcmul: return l.node("Add", {l.in[0], l.times(l.node("Mul", {l.in[1], l.in[2]}), l.p[0])});
    case Op::Addcdiv: return l.node("Add", {l.in[0], l.times(l.node("Div", {l.in[1], l.in[2]}), l.p[0])});
    case Op::Clamp: return l.node("Min", {l.node("Max", {l.in[0], l.in[1]}), l.in[2]});
    default: return {};
  }
}

bool gives_bool(Op op) {
  switch (op) {
    case Op::IsNan:
    case Op::IsInf:
    case Op::IsFinite:
    case Op::LogicalNot:
    case Op::Eq:
    case Op::Ne:
    case Op::Lt:
    case Op::Le:
    case Op::Gt:
    case Op::Ge:
    case Op::LogicalAnd:
    case Op::LogicalOr:
    case Op::LogicalXor: return true;
    default: return false;
  }
}

}  // namespace

std::string write_loop(const Call& call) {
  const Op op = Op(call.one.loop);
  Loop loop{call.writer, call.one.compute, {}, call.one.reals.at(0).values};
  if (call.other.reals.at(0).values != loop.p) call.writer.refuse("has other parameters for other batches, which ONNX has no counterpart for");
  for (std::size_t i = 0; i < call.one.inputs.size(); ++i) {
    const DType wanted = op == Op::Where && i == 0 ? kBool : call.one.compute;
    loop.in.push_back(call.writer.cast(call.in(i), call.writer.dtype(call.id(i)), wanted));
  }
  const std::string result = loop.in.size() == 1 ? one_operand(op, loop) : several_operands(op, loop);
  if (result.empty()) call.writer.refuse("has no counterpart in ONNX");
  return call.writer.cast(result, gives_bool(op) ? kBool : loop.type, call.dtype());
}

}  // namespace ember::exporting
