// Functions of two and three numbers.
#include "kernels/elementwise/rows.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

template <class T>
constexpr bool is_real = __is_same(T, float) || __is_same(T, double);

/// INT64_MIN / -1 traps, and -1 divides everything. (255, the same bits in a byte, does not.)
template <class T>
EMBER_INLINE bool is_minus_one(T b) {
  return T(-1) < 0 && b == T(-1);
}

template <int kBytes>
struct BitsOf;
template <>
struct BitsOf<1> {
  using type = std::uint8_t;
};
template <>
struct BitsOf<4> {
  using type = std::uint32_t;
};
template <>
struct BitsOf<8> {
  using type = std::uint64_t;
};

// Python's division: towards minus infinity. The caller has seen to it that no divisor of integers is 0.
template <class T>
EMBER_INLINE T floor_division(T a, T b) {
  if (is_minus_one(b)) return T(-a);
  const T quotient = T(a / b);
  return quotient * b != a && (a < 0) != (b < 0) ? T(quotient - 1) : quotient;
}
// As Python and PyTorch: through the remainder, so that the quotient is never one too large.
template <class V>
EMBER_INLINE V floor_division_of_reals(V a, V b) {
  const V rest = fmod(a, b), zero{};
  V quotient = (a - rest) / b;
  quotient = select((rest != 0) & ((b < 0) != (rest < 0)), quotient - 1, quotient);
  V whole = floor(quotient);
  whole = select(quotient - whole > constant<V>(0.5), whole + 1, whole);
  whole = select(quotient == 0, copy_sign(zero, a / b), whole);
  return select(b == 0, a / b, whole);
}
EMBER_INLINE double floor_division(double a, double b) { return floor_division_of_reals(a, b); }
EMBER_INLINE FloatLanes floor_division(FloatLanes a, FloatLanes b) { return floor_division_of_reals(a, b); }

template <class T>
EMBER_INLINE T python_remainder(T a, T b) {
  if (is_minus_one(b)) return 0;
  const T rest = T(a % b);
  return rest != 0 && (rest < 0) != (b < 0) ? T(rest + b) : rest;
}
template <class V>
EMBER_INLINE V remainder_of_reals(V a, V b) {
  const V rest = fmod(a, b);
  return select((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest);
}
EMBER_INLINE double python_remainder(double a, double b) { return remainder_of_reals(a, b); }
EMBER_INLINE FloatLanes python_remainder(FloatLanes a, FloatLanes b) { return remainder_of_reals(a, b); }

template <class T>
EMBER_INLINE T log_add_exp(T a, T b) {
  const T top = a > b ? a : b, low = a > b ? b : a;
  if (a != a || b != b) return a + b;
  if (top == low && top - top != 0) return top;  // both the same infinity
  return top + log1p(exp(low - top));
}

// The loops of Where: the condition has another type than the values. Both values are read, so that nothing branches.
template <class T>
void where(const ElementwiseCall& call) {
  using Bits = typename BitsOf<sizeof(T)>::type;
  map3<std::uint8_t, T, T>(call, [](std::uint8_t condition, T a, T b) {
    const Bits x = __builtin_bit_cast(Bits, a), y = __builtin_bit_cast(Bits, b);
    return __builtin_bit_cast(T, Bits(y ^ ((x ^ y) & -Bits(condition))));
  });
}

constexpr ElementwiseTable make_table() {
  ElementwiseTable t{};
  everything<2>(t, "Add"_op, [](auto a, auto b, auto) { return a + b; });
  numbers<2>(t, "Sub"_op, [](auto a, auto b, auto) { return a - b; });
  everything<2>(t, "Mul"_op, [](auto a, auto b, auto) { return a * b; });
  everything<2>(t, "AddScaled"_op, [](auto a, auto b, const auto* p) { return a + p[0] * b; });
  reals<2>(t, "Div"_op, [](auto a, auto b, auto) { return a / b; });
  lane_numbers<2>(t, "DivFloor"_op, [](auto a, auto b, auto) { return floor_division(a, b); }, 10);
  numbers<2>(
      t, "DivTrunc"_op,
      []<class T>(T a, T b, auto) {
        if constexpr (is_real<T>) return truncate(a / b);
        else return is_minus_one(b) ? T(-a) : T(a / b);
      },
      10);
  lane_numbers<2>(t, "Remainder"_op, [](auto a, auto b, auto) { return python_remainder(a, b); }, 10);
  lane_numbers<2>(t, "Fmod"_op, [](auto a, auto b, auto) { return fmod(a, b); }, 10);
  lane_numbers<2>(t, "Pow"_op, [](auto a, auto b, auto) { return pow(a, b); }, 10);
  lanes<2>(t, "Atan2"_op, [](auto a, auto b, auto) { return atan2(a, b); }, 10);
  everything<2>(t, "Maximum"_op, [](auto a, auto b, auto) { return a != a ? a : a > b ? a : b; });
  everything<2>(t, "Minimum"_op, [](auto a, auto b, auto) { return a != a ? a : a < b ? a : b; });
  everything<2>(t, "Fmax"_op, [](auto a, auto b, auto) { return a != a ? b : b != b ? a : a > b ? a : b; });
  everything<2>(t, "Fmin"_op, [](auto a, auto b, auto) { return a != a ? b : b != b ? a : a < b ? a : b; });
  reals<2>(t, "LogAddExp"_op, [](auto a, auto b, auto) { return log_add_exp(a, b); });
  tests<2>(t, "Eq"_op, [](auto a, auto b, auto) { return a == b; });
  tests<2>(t, "Ne"_op, [](auto a, auto b, auto) { return a != b; });
  tests<2>(t, "Lt"_op, [](auto a, auto b, auto) { return a < b; });
  tests<2>(t, "Le"_op, [](auto a, auto b, auto) { return a <= b; });
  tests<2>(t, "Gt"_op, [](auto a, auto b, auto) { return a > b; });
  tests<2>(t, "Ge"_op, [](auto a, auto b, auto) { return a >= b; });
  tests<2>(t, "LogicalAnd"_op, [](auto a, auto b, auto) { return bool(a) && bool(b); });
  tests<2>(t, "LogicalOr"_op, [](auto a, auto b, auto) { return bool(a) || bool(b); });
  tests<2>(t, "LogicalXor"_op, [](auto a, auto b, auto) { return bool(a) != bool(b); });

  t.row("Where"_op) = {"Where"_op, {where<float>, where<double>, where<int64_t>, where<std::uint8_t>, where<bool>}, 1};
  // a + w (b - a) from the nearer end, so that w = 1 gives b exactly.
  reals<3>(t, "Lerp"_op, [](auto a, auto b, auto w, auto) { return (w < 0 ? -w : w) < decltype(w)(0.5) ? a + w * (b - a) : b - (b - a) * (1 - w); });
  numbers<3>(t, "Addcmul"_op, [](auto a, auto b, auto c, const auto* p) { return a + p[0] * b * c; });
  reals<3>(t, "Addcdiv"_op, [](auto a, auto b, auto c, const auto* p) { return a + (p[0] * b) / c; });
  // x between low and high; a NaN anywhere gives NaN; high wins where the bounds cross.
  everything<3>(t, "Clamp"_op, [](auto x, auto low, auto high, auto) {
    const auto raised = x != x ? x : low != low ? low : x < low ? low : x;
    return raised != raised ? raised : high != high ? high : raised > high ? high : raised;
  });
  t.row("Clamp"_op).loops[int(kFloat32)] = lanes_loop<decltype([](auto x, auto low, auto high, auto) {
                                                        const auto raised = select(is_nan(low), low, maximum(low, x));
                                                        return select(is_nan(high), high, minimum(high, raised));
                                                      }),
                                                      3>;
  return t;
}

}  // namespace

constinit const ElementwiseTable Families::binary = make_table();

}  // namespace ember::kernels::EMBER_ISA
