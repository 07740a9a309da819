// Functions of one or two tensors that are no elementwise loops, and determinants and distances, in ONNX's operations.
#include <limits>
#include <numbers>

#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using Text = std::string;

Text number(const Call& c, double value) { return c.writer.number(value, c.dtype()); }
Text unary(const Call& c, const char* type) { return c.writer.node(type, {c.in(0)}); }

Text exp2(const Call& c) { return c.writer.node("Pow", {number(c, 2), c.in(0)}); }
Text asinh(const Call& c) { return unary(c, "Asinh"); }
Text acosh(const Call& c) { return unary(c, "Acosh"); }
Text atanh(const Call& c) { return unary(c, "Atanh"); }
Text erfc(const Call& c) { return c.writer.node("Sub", {number(c, 1), unary(c, "Erf")}); }
Text determinant(const Call& c) { return unary(c, "Det"); }

Text sinc(const Call& c) {
  Writer& w = c.writer;
  const Text angle = w.node("Mul", {c.in(0), number(c, std::numbers::pi)});
  const Text at_zero = w.node("Equal", {c.in(0), number(c, 0)});
  return w.node("Where", {at_zero, number(c, 1), w.node("Div", {w.node("Sin", {angle}), angle})});
}

Text logit(const Call& c) {
  Writer& w = c.writer;
  const double eps = c.real("epsilon");
  const Text x = eps < 0 ? c.in(0) : w.node("Clip", {c.in(0), number(c, eps), number(c, 1 - eps)});
  return w.node("Log", {w.node("Div", {x, w.node("Sub", {number(c, 1), x})})});
}

Text hypot(const Call& c) {
  Writer& w = c.writer;
  return w.node("Sqrt", {w.node("Add", {w.node("Mul", {c.in(0), c.in(0)}), w.node("Mul", {c.in(1), c.in(1)})})});
}

/// x log(y), 0 where x is 0 unless y is NaN.
Text xlogy(const Call& c) {
  Writer& w = c.writer;
  const Text counts = w.node("Or", {w.node("Not", {w.node("Equal", {c.in(0), number(c, 0)})}), w.node("IsNaN", {c.in(1)})});
  return w.node("Where", {counts, w.node("Mul", {c.in(0), w.node("Log", {c.in(1)})}), number(c, 0)});
}

/// -0 is told from 0 by 1 / -0.
Text copysign(const Call& c) {
  Writer& w = c.writer;
  const Text zero = number(c, 0), size = w.node("Abs", {c.in(0)});
  const Text negative = w.node("Or", {w.node("Less", {c.in(1), zero}), w.node("Less", {w.node("Reciprocal", {c.in(1)}), zero})});
  return w.node("Where", {negative, w.node("Neg", {size}), size});
}

/// Of every row of a (..., n, k) from every row of b (..., m, k).
Text distances(const Call& c) {
  Writer& w = c.writer;
  const Text between = w.node("Sub", {w.node("Unsqueeze", {c.in(0), w.numbers({-2})}), w.node("Unsqueeze", {c.in(1), w.numbers({-3})})});
  return w.node("ReduceL2", {between}, {{"axes", std::vector<int64_t>{-1}}, {"keepdims", 0}});
}

/// Of all elements up to each one: the others are -inf in a row of its own.
Text log_of_running_sum(const Call& c) {
  Writer& w = c.writer;
  const int axis = int(c.whole("axis"));
  const int64_t n = w.fixed_size(c.id(0), axis, "a length");
  Shape sizes{n, n};
  for (int d = axis + 1; d < w.dim(c.id(0)); ++d) sizes.push_back(1);
  const Tensor later = zeros({n, n}, c.dtype());
  for (int64_t i = 0; i + 1 < n; ++i) later.select(0, i).slice(0, i + 1).fill_(-std::numeric_limits<double>::infinity());
  const Text rows = w.node("Add", {w.node("Unsqueeze", {c.in(0), w.numbers({axis})}), w.constant(later.reshape(sizes))});
  return w.node("ReduceLogSumExp", {rows}, {{"axes", std::vector<int64_t>{axis + 1}}, {"keepdims", 0}});
}

Text grid_sample(const Call& c) {
  if (c.writer.dim(c.id(0)) != 4) c.writer.refuse("of volumes has no counterpart in ONNX");
  constexpr const char* kModes[] = {"bilinear", "nearest", "bicubic"};
  constexpr const char* kPaddings[] = {"zeros", "border", "reflection"};
  return c.writer.node(
      "GridSample", {c.in(0), c.in(1)},
      {{"mode", kModes[c.whole("mode")]}, {"padding_mode", kPaddings[c.whole("padding")]}, {"align_corners", c.whole("align_corners")}});
}

}  // namespace

Rule function_rule(const std::string& name) {
  static const std::unordered_map<std::string, Rule> rules{
      {"Exp2", exp2},
      {"Asinh", asinh},
      {"Acosh", acosh},
      {"Atanh", atanh},
      {"Erfc", erfc},
      {"Sinc", sinc},
      {"Logit", logit},
      {"Hypot", hypot},
      {"Xlogy", xlogy},
      {"Copysign", copysign},
      {"LinalgDet", determinant},
      {"Cdist", distances},
      {"Logcumsumexp", log_of_running_sum},
      {"GridSampler2D", grid_sample},
  };
  const auto rule = rules.find(name);
  return rule == rules.end() ? nullptr : rule->second;
}

}  // namespace ember::exporting
