// Sizes of windows that slide over an input: sums and products that stay in range whatever a caller asks for.
#pragma once

#include <ember/shape.h>

namespace ember {

inline constexpr int64_t kTooLarge = int64_t(1) << 62;

/// a * b + c; kTooLarge or -kTooLarge where that is beyond them.
inline int64_t saturated(int64_t a, int64_t b, int64_t c) {
  int64_t product, sum;
  if (__builtin_mul_overflow(a, b, &product)) return (a < 0) == (b < 0) ? kTooLarge : -kTooLarge;
  if (__builtin_add_overflow(product, c, &sum)) return c > 0 ? kTooLarge : -kTooLarge;
  return sum > kTooLarge ? kTooLarge : sum < -kTooLarge ? -kTooLarge : sum;
}

/// How far a window of `kernel` elements reaches.
inline int64_t window_reach(int64_t kernel, int64_t dilation) { return saturated(kernel - 1, dilation, 1); }

}  // namespace ember
