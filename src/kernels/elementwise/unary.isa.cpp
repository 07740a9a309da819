// Functions of one number.
#include "kernels/elementwise/rows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T>
constexpr bool is_real = __is_same(T, float) || __is_same(T, double);

constexpr ElementwiseTable make_table() {
  ElementwiseTable t{};
  numbers<1>(t, Op::Neg, [](auto x, auto) { return -x; });
  numbers<1>(t, Op::Abs, []<class T>(T x, auto) {
    if constexpr (is_real<T>) return sizeof(T) == 4 ? T(__builtin_fabsf(float(x))) : T(__builtin_fabs(x));
    else return x < 0 ? T(-x) : x;
  });
  everything<1>(t, Op::Sign, []<class T>(T x, auto) {
    if constexpr (__is_same(T, bool)) return x;
    else return (x > 0) - (x < 0);
  });
  numbers<1>(t, Op::Square, [](auto x, auto) { return x * x; });
  reals<1>(t, Op::Reciprocal, [](auto x, auto) { return 1 / x; });
  reals<1>(t, Op::Sqrt, [](auto x, auto) { return square_root(x); });
  reals<1>(t, Op::Rsqrt, [](auto x, auto) { return 1 / square_root(x); });
  lanes<1>(t, Op::Exp, [](auto x, auto) { return exp(x); }, 6);
  lanes<1>(t, Op::Expm1, [](auto x, auto) { return expm1(x); }, 6);
  lanes<1>(t, Op::Log, [](auto x, auto) { return log(x); }, 6);
  lanes<1>(t, Op::Log2, [](auto x, auto) { return log2(x); }, 6);
  lanes<1>(t, Op::Log10, [](auto x, auto) { return log10(x); }, 6);
  lanes<1>(t, Op::Log1p, [](auto x, auto) { return log1p(x); }, 6);
  lanes<1>(t, Op::Sin, [](auto x, auto) { return sin(x); }, 6);
  lanes<1>(t, Op::Cos, [](auto x, auto) { return cos(x); }, 6);
  lanes<1>(t, Op::Tan, [](auto x, auto) { return tan(x); }, 6);
  lanes<1>(t, Op::Asin, [](auto x, auto) { return asin(x); }, 6);
  lanes<1>(t, Op::Acos, [](auto x, auto) { return acos(x); }, 6);
  lanes<1>(t, Op::Atan, [](auto x, auto) { return atan(x); }, 6);
  lanes<1>(t, Op::Sinh, [](auto x, auto) { return sinh(x); }, 6);
  lanes<1>(t, Op::Cosh, [](auto x, auto) { return cosh(x); }, 6);
  lanes<1>(t, Op::Tanh, [](auto x, auto) { return tanh(x); }, 6);
  lanes<1>(t, Op::Sigmoid, [](auto x, auto) { return sigmoid(x); }, 6);
  lanes<1>(t, Op::Erf, [](auto x, auto) { return erf(x); }, 6);
  reals<1>(t, Op::Floor, [](auto x, auto) { return floor(x); });
  reals<1>(t, Op::Ceil, [](auto x, auto) { return -floor(-x); });
  reals<1>(t, Op::Round, [](auto x, auto) { return round_even(x); });
  reals<1>(t, Op::Trunc, [](auto x, auto) { return truncate(x); });
  reals<1>(t, Op::Frac, [](auto x, auto) { return x - truncate(x); });
  // Parameters: what stands for NaN, +inf and -inf.
  reals<1>(t, Op::NanToNum, [](auto x, const auto* p) {
    const auto inf = decltype(x)(__builtin_inf());
    return x != x ? p[0] : x == inf ? p[1] : x == -inf ? p[2] : x;
  });
  tests<1>(t, Op::IsNan, [](auto x, auto) { return x != x; });
  tests<1>(t, Op::IsInf, []<class T>(T x, auto) {
    if constexpr (is_real<T>) return x == T(__builtin_inf()) || x == -T(__builtin_inf());
    else return false;
  });
  tests<1>(t, Op::IsFinite, []<class T>(T x, auto) {
    if constexpr (is_real<T>) return x - x == 0;
    else return true;
  });
  tests<1>(t, Op::LogicalNot, [](auto x, auto) { return !x; });
  return t;
}

}  // namespace

constinit const ElementwiseTable Families::unary = make_table();

}  // namespace ember::kernels::EMBER_ISA
