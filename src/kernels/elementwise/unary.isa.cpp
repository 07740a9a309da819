// Functions of one number.
#include "kernels/elementwise/rows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T>
constexpr bool is_real = __is_same(T, float) || __is_same(T, double);

constexpr ElementwiseTable make_table() {
  ElementwiseTable t{};
  numbers<1>(t, "Neg"_op, [](auto x, auto) { return -x; });
  numbers<1>(t, "Abs"_op, []<class T>(T x, auto) {
    if constexpr (is_real<T>) return sizeof(T) == 4 ? T(__builtin_fabsf(float(x))) : T(__builtin_fabs(x));
    else return x < 0 ? T(-x) : x;
  });
  everything<1>(t, "Sign"_op, []<class T>(T x, auto) {
    if constexpr (__is_same(T, bool)) return x;
    else return (x > 0) - (x < 0);
  });
  numbers<1>(t, "Square"_op, [](auto x, auto) { return x * x; });
  reals<1>(t, "Reciprocal"_op, [](auto x, auto) { return 1 / x; });
  reals<1>(t, "Sqrt"_op, [](auto x, auto) { return square_root(x); });
  reals<1>(t, "Rsqrt"_op, [](auto x, auto) { return 1 / square_root(x); });
  lanes<1>(t, "Exp"_op, [](auto x, auto) { return exp(x); }, 6);
  lanes<1>(t, "Expm1"_op, [](auto x, auto) { return expm1(x); }, 6);
  lanes<1>(t, "Log"_op, [](auto x, auto) { return log(x); }, 6);
  lanes<1>(t, "Log2"_op, [](auto x, auto) { return log2(x); }, 6);
  lanes<1>(t, "Log10"_op, [](auto x, auto) { return log10(x); }, 6);
  lanes<1>(t, "Log1p"_op, [](auto x, auto) { return log1p(x); }, 6);
  lanes<1>(t, "Sin"_op, [](auto x, auto) { return sin(x); }, 6);
  lanes<1>(t, "Cos"_op, [](auto x, auto) { return cos(x); }, 6);
  lanes<1>(t, "Tan"_op, [](auto x, auto) { return tan(x); }, 6);
  lanes<1>(t, "Asin"_op, [](auto x, auto) { return asin(x); }, 6);
  lanes<1>(t, "Acos"_op, [](auto x, auto) { return acos(x); }, 6);
  lanes<1>(t, "Atan"_op, [](auto x, auto) { return atan(x); }, 6);
  lanes<1>(t, "Sinh"_op, [](auto x, auto) { return sinh(x); }, 6);
  lanes<1>(t, "Cosh"_op, [](auto x, auto) { return cosh(x); }, 6);
  lanes<1>(t, "Tanh"_op, [](auto x, auto) { return tanh(x); }, 6);
  lanes<1>(t, "Sigmoid"_op, [](auto x, auto) { return sigmoid(x); }, 6);
  lanes<1>(t, "Erf"_op, [](auto x, auto) { return erf(x); }, 6);
  reals<1>(t, "Floor"_op, [](auto x, auto) { return floor(x); });
  reals<1>(t, "Ceil"_op, [](auto x, auto) { return -floor(-x); });
  reals<1>(t, "Round"_op, [](auto x, auto) { return round_even(x); });
  reals<1>(t, "Trunc"_op, [](auto x, auto) { return truncate(x); });
  reals<1>(t, "Frac"_op, [](auto x, auto) { return x - truncate(x); });
  // Parameters: what stands for NaN, +inf and -inf.
  reals<1>(t, "NanToNum"_op, [](auto x, const auto* p) {
    const auto inf = decltype(x)(__builtin_inf());
    return x != x ? p[0] : x == inf ? p[1] : x == -inf ? p[2] : x;
  });
  tests<1>(t, "IsNan"_op, [](auto x, auto) { return x != x; });
  tests<1>(t, "IsInf"_op, []<class T>(T x, auto) {
    if constexpr (is_real<T>) return x == T(__builtin_inf()) || x == -T(__builtin_inf());
    else return false;
  });
  tests<1>(t, "IsFinite"_op, []<class T>(T x, auto) {
    if constexpr (is_real<T>) return x - x == 0;
    else return true;
  });
  tests<1>(t, "LogicalNot"_op, [](auto x, auto) { return !x; });
  return t;
}

}  // namespace

constinit const ElementwiseTable Families::unary = make_table();

}  // namespace ember::kernels::EMBER_ISA
