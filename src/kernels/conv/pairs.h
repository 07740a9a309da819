// Few outputs would leave half of every vector empty. At stride 1 two neighbouring pixels' outputs lie side by side, as those of one pixel
// with twice as many: a convolution of stride 2 whose kernel is one tap wider, with zeros where a tap belongs to the other pixel.
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/gemm/gemm.h"
#include "runtime/scratch.h"

namespace ember::kernels {

/// Are two pixels of s better computed as one? In float32, without groups; the row must be of an even length.
inline bool suits_pairs(const ConvShape& s, int lanes) {
  return s.groups == 1 && s.stride[1] == 1 && s.dilation[1] == 1 && s.kw >= 3 && s.ow % 2 == 0 && 2 * s.o <= lanes && s.n * s.oh > 0;
}

inline ConvShape paired(ConvShape s) {
  s.o *= 2;
  s.ow /= 2;
  s.kw += 1;
  s.stride[1] = 2;
  return s;
}

/// w (o, c, kh, kw) as the weights of paired(s): the second pixel's taps lie one further to the right.
inline Scratch<float> paired_weights(const ConvShape& s, const float* w) {
  const int64_t rows = s.o * s.c * s.kh, wide = s.kw + 1;
  Scratch<float> out(2 * rows * wide);
  for (int64_t r = 0; r < rows; ++r) {
    float *const first = out + r * wide, *const second = out + (rows + r) * wide;
    first[s.kw] = second[0] = 0;
    for (int64_t k = 0; k < s.kw; ++k) first[k] = second[k + 1] = w[r * s.kw + k];
  }
  return out;
}

/// dw from the gradient of paired(s)'s weights.
inline void add_pairs(const ConvShape& s, const float* pairs, float* dw) {
  const int64_t rows = s.o * s.c * s.kh, wide = s.kw + 1;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < s.kw; ++k) dw[r * s.kw + k] = pairs[r * wide + k] + pairs[(rows + r) * wide + k + 1];
}

/// o numbers twice; null stays null.
class Twice {
 public:
  Twice(const float* numbers, int64_t o) : copy_(numbers ? 2 * o : 1), data_(numbers ? copy_.data() : nullptr) {
    for (int64_t i = 0; numbers && i < 2 * o; ++i) copy_[i] = numbers[i % o];
  }
  operator const float*() const { return data_; }

 private:
  Scratch<float> copy_;
  const float* data_;
};

/// A zero tap passes a NaN or an infinity on to the pixel that it does not belong to: are there none?
inline bool all_finite(const float* x, int64_t n) {
  typedef std::uint32_t Bits __attribute__((vector_size(64), aligned(4)));
  constexpr std::uint32_t kExponent = 0x7f800000;
  Bits found{};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    Bits bits;
    __builtin_memcpy(&bits, x + i, sizeof bits);
    found |= (Bits)((bits & kExponent) == kExponent);
  }
  std::uint32_t any = 0;
  for (int k = 0; k < 16; ++k) any |= found[k];
  for (; i < n; ++i) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof bits);
    any |= (bits & kExponent) == kExponent;
  }
  return !any;
}

}  // namespace ember::kernels
