// The Mersenne Twister's blocks, and the loops that turn its words into numbers.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

inline constexpr int kTwisterWords = 624, kTwisterOverlap = 16;

struct RandomKernels {
  /// The next 624 words: moves the state on and writes the tempered words. The state has room for 16 words more.
  void (*next_block)(std::uint32_t* state, std::uint32_t* words);
  /// Moves the state on as well; the words, two and two, become 312 coins: 1 where the 53-bit number is below `threshold`, else 0.
  void (*toss_block)(std::uint32_t* state, std::uint64_t threshold, std::uint8_t* coins);
  /// One word each: fma(24 bits / 2^24, to - from, from), `from` where that rounds up to `to`.
  void (*uniform_float)(int64_t n, const std::uint32_t* words, float from, float to, float* out);
  /// Two words each, the high one first; 53 bits.
  void (*uniform_double)(int64_t n, const std::uint32_t* words, double from, double to, double* out);
  /// Two words each: out[i] = value where the 53-bit number is below `threshold`, else 0.
  void (*bernoulli_float)(int64_t n, const std::uint32_t* words, std::uint64_t threshold, float value, float* out);
  void (*bernoulli_byte)(int64_t n, const std::uint32_t* words, std::uint64_t threshold, std::uint8_t* out);
  /// y[i] = x[i] * scale where kept[i] is 1, x[i] * 0 where it is 0.
  void (*keep_float)(int64_t n, const std::uint8_t* kept, float scale, const float* x, float* y);
  /// Box-Muller in place on blocks of 16 uniform numbers: 0..7 with 8..15.
  void (*normal_float)(int64_t blocks, float mean, float std, float* x);
};

}  // namespace ember::kernels
