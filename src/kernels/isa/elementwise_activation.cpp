// Activations and their derivatives. A backward takes dy and x (ReLU, tanh and sigmoid: y) and gives dx; what happens exactly at a
// kink is PyTorch's choice.
#include "kernels/isa/elementwise.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class V>
EMBER_INLINE V normal_cdf(V x) {
  return 0.5f * (1.0f + erf(x * 0.70710678118654752f));
}
EMBER_INLINE double normal_cdf(double x) { return 0.5 * (1 + erf(x * 0.70710678118654752)); }

// tanh form of GELU: 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3).
template <class T>
EMBER_INLINE T gelu_argument(T x) {
  return T(0.79788456080286536) * (x + T(0.044715) * x * x * x);
}

template <class T>
EMBER_INLINE T softplus(T x) {
  return x > T(20) ? x : log1p(exp(x));
}

constexpr void add_forwards(ElementwiseTable& t) {
  everything<1>(t, Op::Relu, [](auto x, auto) { return x != x ? x : x > 0 ? x : decltype(x)(0); });
  reals<1>(t, Op::LeakyRelu, [](auto x, const auto* p) { return x > 0 ? x : x * p[0]; });
  // alpha, scale, input_scale: elu (a, 1, 1), selu (a, s, 1), celu (a, 1, 1 / a).
  reals<1>(t, Op::Elu, [](auto x, const auto* p) { return x > 0 ? x * p[1] : expm1(x * p[2]) * (p[0] * p[1]); });
  lanes(t, Op::Gelu, [](auto x, auto) { return x * normal_cdf(x); });
  reals<1>(t, Op::GeluTanh, []<class T>(T x, auto) { return T(0.5) * x * (1 + tanh(gelu_argument(x))); });
  lanes(t, Op::Silu, [](auto x, auto) { return x * sigmoid(x); });
  reals<1>(t, Op::Mish, [](auto x, auto) { return x * tanh(softplus(x)); });
  // beta, threshold
  reals<1>(t, Op::Softplus, [](auto x, const auto* p) { return x * p[0] > p[1] ? x : log1p(exp(x * p[0])) / p[0]; });
  reals<1>(t, Op::Softsign, [](auto x, auto) { return x / (1 + (x < 0 ? -x : x)); });
  numbers<1>(t, Op::Hardtanh, [](auto x, const auto* p) { return x < p[0] ? p[0] : x > p[1] ? p[1] : x; });
  reals<1>(t, Op::Hardswish, []<class T>(T x, auto) {
    const T gate = x + 3 < 0 ? T(0) : x + 3 > 6 ? T(6) : x + 3;
    return x * gate / 6;
  });
  reals<1>(t, Op::Hardsigmoid, []<class T>(T x, auto) { return (x + 3 < 0 ? T(0) : x + 3 > 6 ? T(6) : x + 3) / 6; });
  // log sigmoid(x) = min(x, 0) - log(1 + e^-|x|)
  reals<1>(t, Op::LogSigmoid, []<class T>(T x, auto) { return (x < 0 ? x : x != x ? x : T(0)) - log1p(exp(x < 0 ? x : -x)); });
  numbers<1>(t, Op::Threshold, [](auto x, const auto* p) { return x <= p[0] ? p[1] : x; });
  reals<1>(t, Op::Softshrink, [](auto x, const auto* p) { return x > p[0] ? x - p[0] : x < -p[0] ? x + p[0] : x * 0; });
  reals<1>(t, Op::Hardshrink, [](auto x, const auto* p) { return x >= -p[0] && x <= p[0] ? decltype(x)(0) : x; });
}

constexpr void add_backwards(ElementwiseTable& t) {
  reals<2>(t, Op::ReluBackward, [](auto dy, auto y, auto) { return y <= 0 ? decltype(y)(0) : dy; });
  reals<2>(t, Op::TanhBackward, [](auto dy, auto y, auto) { return dy * (1 - y * y); });
  reals<2>(t, Op::SigmoidBackward, [](auto dy, auto y, auto) { return dy * (1 - y) * y; });
  reals<2>(t, Op::LeakyReluBackward, [](auto dy, auto x, const auto* p) { return x > 0 ? dy : dy * p[0]; });
  reals<2>(t, Op::EluBackward, [](auto dy, auto x, const auto* p) {
    return x > 0 ? dy * p[1] : dy * exp(x * p[2]) * (p[0] * p[1] * p[2]);
  });
  // d/dx x F(x) = F(x) + x f(x), f the density of the normal distribution.
  reals<2>(t, Op::GeluBackward, []<class T>(T dy, T x, auto) {
    return dy * (normal_cdf(x) + x * exp(T(-0.5) * x * x) * T(0.39894228040143268));
  });
  reals<2>(t, Op::GeluTanhBackward, []<class T>(T dy, T x, auto) {
    const T h = tanh(gelu_argument(x)), slope = T(0.79788456080286536) * (1 + T(3 * 0.044715) * x * x);
    return dy * T(0.5) * (1 + h + x * (1 - h * h) * slope);
  });
  reals<2>(t, Op::SiluBackward, [](auto dy, auto x, auto) {
    const auto s = sigmoid(x);
    return dy * s * (1 + x * (1 - s));
  });
  reals<2>(t, Op::MishBackward, [](auto dy, auto x, auto) {
    const auto h = tanh(softplus(x));
    return dy * (h + x * sigmoid(x) * (1 - h * h));
  });
  reals<2>(t, Op::SoftplusBackward, [](auto dy, auto x, const auto* p) { return x * p[0] > p[1] ? dy : dy * sigmoid(x * p[0]); });
  reals<2>(t, Op::SoftsignBackward, [](auto dy, auto x, auto) {
    const auto d = 1 + (x < 0 ? -x : x);
    return dy / (d * d);
  });
  reals<2>(t, Op::HardtanhBackward, [](auto dy, auto x, const auto* p) { return x <= p[0] || x >= p[1] ? decltype(x)(0) : dy; });
  reals<2>(t, Op::HardswishBackward, []<class T>(T dy, T x, auto) { return x <= -3 ? T(0) : x >= 3 ? dy : dy * (x / 3 + T(0.5)); });
  reals<2>(t, Op::HardsigmoidBackward, []<class T>(T dy, T x, auto) { return x > -3 && x < 3 ? dy / 6 : T(0); });
  reals<2>(t, Op::LogSigmoidBackward, [](auto dy, auto x, auto) { return dy * sigmoid(-x); });
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

extern const ElementwiseTable activation_table;
constinit const ElementwiseTable activation_table = make_table();

}  // namespace ember::kernels::EMBER_ISA
