// The loops over bits, cut for the threads.
#include "kernels/elementwise/bits.h"

#include <type_traits>

namespace ember::kernels {
namespace {

template <class T>
T shift_left(T a, T b) {
  return b < 0 || b >= T(sizeof(T) * 8) ? T(0) : T(std::make_unsigned_t<T>(a) << b);
}
template <class T>
T shift_right(T a, T b) {
  constexpr T most = T(sizeof(T) * 8 - std::is_signed_v<T>);
  return b < 0 || b >= most ? T(T(a >> (most - 1)) >> 1) : T(a >> b);
}

template <class T>
void loop(BitOp op, std::int64_t n, const T* a, const T* b, T* out) {
  const auto each = [&](auto f) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
  };
  switch (op) {
    case BitOp::And: return each([](T x, T y) { return T(x & y); });
    case BitOp::Or: return each([](T x, T y) { return T(x | y); });
    case BitOp::Xor: return each([](T x, T y) { return T(x ^ y); });
    case BitOp::ShiftLeft: return each(shift_left<T>);
    case BitOp::ShiftRight: return each(shift_right<T>);
  }
}

}  // namespace

void bits(BitOp op, DType dtype, std::int64_t n, const void* a, const void* b, void* out) {
  if (dtype == kInt64) loop(op, n, static_cast<const std::int64_t*>(a), static_cast<const std::int64_t*>(b), static_cast<std::int64_t*>(out));
  else loop(op, n, static_cast<const std::uint8_t*>(a), static_cast<const std::uint8_t*>(b), static_cast<std::uint8_t*>(out));
}

}  // namespace ember::kernels
