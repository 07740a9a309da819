// Activations and their derivatives. A backward takes dy and x (ReLU, tanh and sigmoid: y) and gives dx; what happens exactly at a
// kink is PyTorch's choice.
#include "kernels/elementwise/rows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class V>
EMBER_INLINE V normal_cdf(V x) {
  return constant<V>(0.5) * (1 + erf(x * constant<V>(0.70710678118654752)));
}

// tanh form of GELU: 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3).
template <class V>
EMBER_INLINE V gelu_argument(V x) {
  return constant<V>(0.79788456080286536) * (x + constant<V>(0.044715) * x * x * x);
}

// tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2).
template <class V>
EMBER_INLINE V tanh_of_softplus(V x) {
  const V e = exp(minimum(constant<V>(20), x)), n = e * (e + 2);  // 1 beyond 20
  return n / (n + 2);
}

constexpr void add_forwards(ElementwiseTable& t) {
  everything<1>(t, "Relu"_op, [](auto x, auto) { return x != x ? x : x > 0 ? x : decltype(x)(0); });
  reals<1>(t, "LeakyRelu"_op, [](auto x, const auto* p) { return x > 0 ? x : x * p[0]; });
  // alpha, scale, input_scale: elu (a, 1, 1), selu (a, s, 1), celu (a, 1, 1 / a).
  lanes<1>(t, "Elu"_op, [](auto x, const auto* p) { return select(x > 0, x * p[1], expm1(x * p[2]) * (p[0] * p[1])); }, 6);
  lanes<1>(t, "Gelu"_op, [](auto x, auto) { return x * normal_cdf(x); }, 6);
  lanes<1>(t, "GeluTanh"_op, []<class V>(V x, auto) { return constant<V>(0.5) * x * (1 + tanh(gelu_argument(x))); }, 6);
  lanes<1>(t, "Silu"_op, [](auto x, auto) { return x * sigmoid(x); }, 6);
  lanes<1>(t, "Mish"_op, [](auto x, auto) { return x * tanh_of_softplus(x); }, 6);
  // beta, threshold
  lanes<1>(t, "Softplus"_op, [](auto x, const auto* p) { return select(x * p[0] > p[1], x, log1p(exp(x * p[0])) / p[0]); }, 6);
  reals<1>(t, "Softsign"_op, [](auto x, auto) { return x / (1 + (x < 0 ? -x : x)); }, 6);
  numbers<1>(t, "Hardtanh"_op, [](auto x, const auto* p) { return x < p[0] ? p[0] : x > p[1] ? p[1] : x; }, 6);
  reals<1>(
      t, "Hardswish"_op,
      []<class T>(T x, auto) {
        const T gate = x + 3 < 0 ? T(0) : x + 3 > 6 ? T(6) : x + 3;
        return x * gate / 6;
      },
      6);
  reals<1>(t, "Hardsigmoid"_op, []<class T>(T x, auto) { return (x + 3 < 0 ? T(0) : x + 3 > 6 ? T(6) : x + 3) / 6; }, 6);
  // log sigmoid(x) = min(x, 0) - log(1 + e^-|x|)
  lanes<1>(t, "LogSigmoid"_op, []<class V>(V x, auto) { return minimum(V{}, x) - log1p(exp(-absolute(x))); }, 6);
  numbers<1>(t, "Threshold"_op, [](auto x, const auto* p) { return x <= p[0] ? p[1] : x; });
  reals<1>(t, "Softshrink"_op, [](auto x, const auto* p) { return x > p[0] ? x - p[0] : x < -p[0] ? x + p[0] : x * 0; });
  reals<1>(t, "Hardshrink"_op, [](auto x, const auto* p) { return x >= -p[0] && x <= p[0] ? decltype(x)(0) : x; });
}

constexpr void add_backwards(ElementwiseTable& t) {
  reals<2>(t, "ReluBackward"_op, [](auto dy, auto y, auto) { return y <= 0 ? decltype(y)(0) : dy; });
  reals<2>(t, "TanhBackward"_op, [](auto dy, auto y, auto) { return dy * (1 - y * y); }, 4);
  reals<2>(t, "SigmoidBackward"_op, [](auto dy, auto y, auto) { return dy * (1 - y) * y; }, 4);
  reals<2>(t, "LeakyReluBackward"_op, [](auto dy, auto x, const auto* p) { return x > 0 ? dy : dy * p[0]; }, 4);
  lanes<2>(
      t, "EluBackward"_op, [](auto dy, auto x, const auto* p) { return select(x > 0, dy * p[1], dy * exp(x * p[2]) * (p[0] * p[1] * p[2])); }, 4);
  // d/dx x F(x) = F(x) + x f(x), f the density of the normal distribution.
  lanes<2>(
      t, "GeluBackward"_op,
      []<class V>(V dy, V x, auto) { return dy * (normal_cdf(x) + x * exp(constant<V>(-0.5) * x * x) * constant<V>(0.39894228040143268)); }, 4);
  lanes<2>(
      t, "GeluTanhBackward"_op,
      []<class V>(V dy, V x, auto) {
        const V h = tanh(gelu_argument(x)), slope = constant<V>(0.79788456080286536) * (1 + constant<V>(3 * 0.044715) * x * x);
        return dy * constant<V>(0.5) * (1 + h + x * (1 - h * h) * slope);
      },
      4);
  lanes<2>(
      t, "SiluBackward"_op,
      [](auto dy, auto x, auto) {
        const auto s = sigmoid(x);
        return dy * s * (1 + x * (1 - s));
      },
      4);
  lanes<2>(
      t, "MishBackward"_op,
      [](auto dy, auto x, auto) {
        const auto h = tanh_of_softplus(x);
        return dy * (h + x * sigmoid(x) * (1 - h * h));
      },
      4);
  lanes<2>(t, "SoftplusBackward"_op, [](auto dy, auto x, const auto* p) { return select(x * p[0] > p[1], dy, dy * sigmoid(x * p[0])); }, 4);
  reals<2>(
      t, "SoftsignBackward"_op,
      [](auto dy, auto x, auto) {
        const auto d = 1 + (x < 0 ? -x : x);
        return dy / (d * d);
      },
      4);
  reals<2>(t, "HardtanhBackward"_op, [](auto dy, auto x, const auto* p) { return x <= p[0] || x >= p[1] ? decltype(x)(0) : dy; }, 4);
  reals<2>(t, "HardswishBackward"_op, []<class T>(T dy, T x, auto) { return x <= -3 ? T(0) : x >= 3 ? dy : dy * (x / 3 + T(0.5)); }, 4);
  reals<2>(t, "HardsigmoidBackward"_op, []<class T>(T dy, T x, auto) { return x > -3 && x < 3 ? dy / 6 : T(0); }, 4);
  lanes<2>(t, "LogSigmoidBackward"_op, [](auto dy, auto x, auto) { return dy * sigmoid(-x); }, 4);
  reals<2>(t, "ThresholdBackward"_op, [](auto dy, auto x, const auto* p) { return x <= p[0] ? decltype(x)(0) : dy; });
  reals<2>(t, "ShrinkBackward"_op, [](auto dy, auto x, const auto* p) { return x > p[0] || x < -p[0] ? dy : decltype(x)(0); });
  // Inclusive: a value at the bound passes its gradient on.
  reals<2>(t, "ClampBackward"_op, [](auto dy, auto x, const auto* p) { return x >= p[0] && x <= p[1] ? dy : decltype(x)(0); });
}

constexpr ElementwiseTable make_table() {
  ElementwiseTable t{};
  add_forwards(t);
  add_backwards(t);
  return t;
}

}  // namespace

constinit const ElementwiseTable Families::activation = make_table();

}  // namespace ember::kernels::EMBER_ISA
