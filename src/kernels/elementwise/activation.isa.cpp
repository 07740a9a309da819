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
  everything<1>(t, Op::Relu, [](auto x, auto) { return x != x ? x : x > 0 ? x : decltype(x)(0); });
  reals<1>(t, Op::LeakyRelu, [](auto x, const auto* p) { return x > 0 ? x : x * p[0]; });
  // alpha, scale, input_scale: elu (a, 1, 1), selu (a, s, 1), celu (a, 1, 1 / a).
  lanes<1>(t, Op::Elu, [](auto x, const auto* p) { return select(x > 0, x * p[1], expm1(x * p[2]) * (p[0] * p[1])); }, 6);
  lanes<1>(t, Op::Gelu, [](auto x, auto) { return x * normal_cdf(x); }, 6);
  lanes<1>(t, Op::GeluTanh, []<class V>(V x, auto) { return constant<V>(0.5) * x * (1 + tanh(gelu_argument(x))); }, 6);
  lanes<1>(t, Op::Silu, [](auto x, auto) { return x * sigmoid(x); }, 6);
  lanes<1>(t, Op::Mish, [](auto x, auto) { return x * tanh_of_softplus(x); }, 6);
  // beta, threshold
  lanes<1>(t, Op::Softplus, [](auto x, const auto* p) { return select(x * p[0] > p[1], x, log1p(exp(x * p[0])) / p[0]); }, 6);
  reals<1>(t, Op::Softsign, [](auto x, auto) { return x / (1 + (x < 0 ? -x : x)); }, 6);
  numbers<1>(t, Op::Hardtanh, [](auto x, const auto* p) { return x < p[0] ? p[0] : x > p[1] ? p[1] : x; }, 6);
  reals<1>(
      t, Op::Hardswish,
      []<class T>(T x, auto) {
        const T gate = x + 3 < 0 ? T(0) : x + 3 > 6 ? T(6) : x + 3;
        return x * gate / 6;
      },
      6);
  reals<1>(t, Op::Hardsigmoid, []<class T>(T x, auto) { return (x + 3 < 0 ? T(0) : x + 3 > 6 ? T(6) : x + 3) / 6; }, 6);
  // log sigmoid(x) = min(x, 0) - log(1 + e^-|x|)
  lanes<1>(t, Op::LogSigmoid, []<class V>(V x, auto) { return minimum(V{}, x) - log1p(exp(-absolute(x))); }, 6);
  numbers<1>(t, Op::Threshold, [](auto x, const auto* p) { return x <= p[0] ? p[1] : x; });
  reals<1>(t, Op::Softshrink, [](auto x, const auto* p) { return x > p[0] ? x - p[0] : x < -p[0] ? x + p[0] : x * 0; });
  reals<1>(t, Op::Hardshrink, [](auto x, const auto* p) { return x >= -p[0] && x <= p[0] ? decltype(x)(0) : x; });
}

constexpr void add_backwards(ElementwiseTable& t) {
  reals<2>(t, Op::ReluBackward, [](auto dy, auto y, auto) { return y <= 0 ? decltype(y)(0) : dy; });
  reals<2>(t, Op::TanhBackward, [](auto dy, auto y, auto) { return dy * (1 - y * y); }, 4);
  reals<2>(t, Op::SigmoidBackward, [](auto dy, auto y, auto) { return dy * (1 - y) * y; }, 4);
  reals<2>(t, Op::LeakyReluBackward, [](auto dy, auto x, const auto* p) { return x > 0 ? dy : dy * p[0]; }, 4);
  lanes<2>(t, Op::EluBackward, [](auto dy, auto x, const auto* p) { return select(x > 0, dy * p[1], dy * exp(x * p[2]) * (p[0] * p[1] * p[2])); }, 4);
  // d/dx x F(x) = F(x) + x f(x), f the density of the normal distribution.
  lanes<2>(
      t, Op::GeluBackward,
      []<class V>(V dy, V x, auto) { return dy * (normal_cdf(x) + x * exp(constant<V>(-0.5) * x * x) * constant<V>(0.39894228040143268)); }, 4);
  lanes<2>(
      t, Op::GeluTanhBackward,
      []<class V>(V dy, V x, auto) {
        const V h = tanh(gelu_argument(x)), slope = constant<V>(0.79788456080286536) * (1 + constant<V>(3 * 0.044715) * x * x);
        return dy * constant<V>(0.5) * (1 + h + x * (1 - h * h) * slope);
      },
      4);
  lanes<2>(
      t, Op::SiluBackward,
      [](auto dy, auto x, auto) {
        const auto s = sigmoid(x);
        return dy * s * (1 + x * (1 - s));
      },
      4);
  lanes<2>(
      t, Op::MishBackward,
      [](auto dy, auto x, auto) {
        const auto h = tanh_of_softplus(x);
        return dy * (h + x * sigmoid(x) * (1 - h * h));
      },
      4);
  lanes<2>(t, Op::SoftplusBackward, [](auto dy, auto x, const auto* p) { return select(x * p[0] > p[1], dy, dy * sigmoid(x * p[0])); }, 4);
  reals<2>(
      t, Op::SoftsignBackward,
      [](auto dy, auto x, auto) {
        const auto d = 1 + (x < 0 ? -x : x);
        return dy / (d * d);
      },
      4);
  reals<2>(t, Op::HardtanhBackward, [](auto dy, auto x, const auto* p) { return x <= p[0] || x >= p[1] ? decltype(x)(0) : dy; }, 4);
  reals<2>(t, Op::HardswishBackward, []<class T>(T dy, T x, auto) { return x <= -3 ? T(0) : x >= 3 ? dy : dy * (x / 3 + T(0.5)); }, 4);
  reals<2>(t, Op::HardsigmoidBackward, []<class T>(T dy, T x, auto) { return x > -3 && x < 3 ? dy / 6 : T(0); }, 4);
  lanes<2>(t, Op::LogSigmoidBackward, [](auto dy, auto x, auto) { return dy * sigmoid(-x); }, 4);
  reals<2>(t, Op::ThresholdBackward, [](auto dy, auto x, const auto* p) { return x <= p[0] ? decltype(x)(0) : dy; });
  reals<2>(t, Op::ShrinkBackward, [](auto dy, auto x, const auto* p) { return x > p[0] || x < -p[0] ? dy : decltype(x)(0); });
  // Inclusive: a value at the bound passes its gradient on.
  reals<2>(t, Op::ClampBackward, [](auto dy, auto x, const auto* p) { return x >= p[0] && x <= p[1] ? dy : decltype(x)(0); });
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
