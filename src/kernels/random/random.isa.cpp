// Mersenne Twister (Matsumoto & Nishimura 1998) and the distributions over it, bit for bit as PyTorch's AVX2 build computes them. So
// this file is compiled with -ffp-contract=off: only what says fused is fused.
//
// The logarithm, sine and cosine are those of Cephes (S. Moshier) in the form of avx_mathfun (J. Pommier, zlib licence).
#include "kernels/families.isa.h"
#include "kernels/lanes/folds.h"
#include "kernels/lanes/transpose.h"
#include "kernels/lanes/words.h"
#include "kernels/random/random.h"

namespace ember::kernels::EMBER_ISA {
namespace {

constexpr int N = kTwisterWords, M = 397;

EMBER_INLINE Words twisted(Words a, Words b, Words far) { return far ^ (choose_bits(0x80000000u, a, b) >> 1) ^ if_odd(b, 0x9908b0dfu); }

EMBER_INLINE Words tempered(Words y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

// Word i comes from words i, i + 1 and i + M, counted around the ring: no vector needs a result of its own. The first new words stand
// again behind the last ones, so that no vector has to be put together from both ends. see(i, words) gets every vector of new words.
template <class See>
EMBER_INLINE void turn(std::uint32_t* state, See see) {
  constexpr int L = kLanes<std::uint32_t>;
  Words here = load(state);
  const auto step = [&](int i, int far) __attribute__((always_inline)) {
    const Words next = load(state + i + L), y = twisted(here, one_further(state + i, here, next), load(state + far));
    here = next;
    store(state + i, y);
    see(i, y);
  };
  int i = 0;
  for (; i < kTwisterOverlap; i += L) step(i, i + M);
  for (int j = 0; j < kTwisterOverlap; ++j) state[N + j] = state[j];
  for (; i < N - M; i += L) step(i, i + M);
  for (; i < N; i += L) step(i, i + M - N);
}

void next_block(std::uint32_t* state, std::uint32_t* words) {
  turn(state, [=](int i, Words y) { store(words + i, tempered(y)); });
}

EMBER_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
EMBER_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

void uniform_float(int64_t n, const std::uint32_t* words, float from, float to, float* out) {
  const float range = to - from;
  for (int64_t i = 0; i < n; ++i) {
    const float r = fused(float(int32_t(words[i] & 0xffffff)) * 0x1p-24f, range, from);
    out[i] = r == to ? from : r;
  }
}

EMBER_INLINE std::uint64_t bits53(const std::uint32_t* words) { return (std::uint64_t(words[0]) << 32 | words[1]) & ((std::uint64_t(1) << 53) - 1); }

void uniform_double(int64_t n, const std::uint32_t* words, double from, double to, double* out) {
  const double range = to - from;
  for (int64_t i = 0; i < n; ++i) {
    const double r = fused(double(int64_t(bits53(words + 2 * i))) * 0x1p-53, range, from);
    out[i] = r == to ? from : r;
  }
}

/// For each of kLanes<float> pairs of words: is the 53-bit number below the threshold?
EMBER_INLINE IntLanes below(const std::uint32_t* words, std::uint64_t threshold) {
  const Words first = load(words), second = load(words + kLanes<float>);
  const Words high = every_second<0, std::uint32_t>(first, second) & 0x1fffff, low = every_second<1, std::uint32_t>(first, second);
  const Words high_threshold = Words{} + std::uint32_t(threshold >> 32), low_threshold = Words{} + std::uint32_t(threshold);
  return (high < high_threshold) | ((high == high_threshold) & (low < low_threshold));
}

void bernoulli_float(int64_t n, const std::uint32_t* words, std::uint64_t threshold, float value, float* out) {
  constexpr int L = kLanes<float>;
  int64_t i = 0;
  for (; i + L <= n; i += L) store(out + i, select(below(words + 2 * i, threshold), broadcast(value), zeros<float>()));
  for (; i < n; ++i) out[i] = bits53(words + 2 * i) < threshold ? value : 0.0f;
}

// The first word of a pair, the high one, decides but for one time in two million: only then are the second ones tempered.
void toss_block(std::uint32_t* state, std::uint64_t threshold, std::uint8_t* out) {
  constexpr int L = kLanes<float>;
  turn(state, [](auto...) {});
  Words smallest = Words{} - 1;
  for_each_lanes<float>(N / 2, [&](int64_t i, auto lanes) {  // the last vector also reads what stands behind the words
    const Words high = tempered(every_second<0, std::uint32_t>(load(state + 2 * i), load(state + 2 * i + L)));
    const Words difference = (high & 0x1fffff) - std::uint32_t(threshold >> 32);
    smallest = minimum(difference, smallest);
    store_highest_bits(out + i, difference, lanes);
  });
  if (!any(smallest == 0) || std::uint32_t(threshold) == 0) return;
  std::uint32_t words[N];
  for (int i = 0; i < N; i += L) store(words + i, tempered(load(state + i)));
  for (int i = 0; i < N / 2; ++i) out[i] = bits53(words + 2 * i) < threshold;
}

void bernoulli_byte(int64_t n, const std::uint32_t* words, std::uint64_t threshold, std::uint8_t* out) {
  constexpr int L = kLanes<float>;
  int64_t i = 0;
  for (; i + L <= n; i += L) store_bytes<float>(out + i, below(words + 2 * i, threshold) & 1);
  for (; i < n; ++i) out[i] = bits53(words + 2 * i) < threshold;
}

void keep_float(int64_t n, const std::uint8_t* kept, float scale, const float* x, float* y) {
  for_each_lanes<float>(
      n, [&](int64_t i, auto lanes) { store(y + i, load(x + i, lanes) * (convert<float>(load_bytes<float>(kept + i, lanes)) * scale), lanes); });
}

// --- normal numbers

EMBER_INLINE float as_float(int32_t bits) { return __builtin_bit_cast(float, bits); }
EMBER_INLINE int32_t as_bits(float x) { return __builtin_bit_cast(int32_t, x); }

EMBER_INLINE float cephes_log(float x) {
  x = x > 0x1p-126f ? x : 0x1p-126f;
  const int32_t bits = as_bits(x);
  float e = float((bits >> 23) - 126);
  const float m = as_float((bits & 0x807fffff) | 0x3f000000);
  const bool low = m < 0.707106781186547524f;
  e = low ? e - 1.0f : e;
  x = low ? (m - 1.0f) + m : m - 1.0f;
  const float z = x * x;
  float y = 7.0376836292E-2f;
  y = fused(y, x, -1.1514610310E-1f);
  y = fused(y, x, 1.1676998740E-1f);
  y = fused(y, x, -1.2420140846E-1f);
  y = fused(y, x, 1.4249322787E-1f);
  y = fused(y, x, -1.6668057665E-1f);
  y = fused(y, x, 2.0000714765E-1f);
  y = fused(y, x, -2.4999993993E-1f);
  y = fused(y, x, 3.3333331174E-1f);
  y = y * x;
  y = fused(y, z, e * -2.12194440e-4f);
  y = fused(z, -0.5f, y);
  x = x + y;
  return fused(e, 0.693359375f, x);
}

EMBER_INLINE void cephes_sincos(float t, float& sine, float& cosine) {
  const int32_t j = (int32_t(t * 1.27323954473516f) + 1) & ~1;
  const float y = float(j);
  float x = fused(y, -0.78515625f, t);
  x = fused(y, -2.4187564849853515625e-4f, x);
  x = fused(y, -3.77489497744594108e-8f, x);
  const float z = x * x;
  float a = fused(2.443315711809948E-005f, z, -1.388731625493765E-003f);
  a = fused(a, z, 4.166664568298827E-002f);
  a = fused(a * z, z, -(z * 0.5f));
  a = a + 1.0f;
  float b = fused(-1.9515295891E-4f, z, 8.3321608736E-3f);
  b = fused(b, z, -1.6666654611E-1f);
  b = b * z;
  b = fused(b, x, x);
  const float s = j & 2 ? a : b, c = j & 2 ? b : a;
  sine = as_float(as_bits(s) ^ int32_t(std::uint32_t(j & 4) << 29));
  cosine = as_float(as_bits(c) ^ int32_t(std::uint32_t(~(j - 2) & 4) << 29));
}

void normal_float(int64_t blocks, float mean, float std, float* x) {
  for (int64_t block = 0; block < blocks; ++block, x += 16)
    for (int i = 0; i < 8; ++i) {
      const float radius = square_root(-2.0f * cephes_log(1.0f - x[i])), theta = 6.2831855f * x[i + 8];
      float s, c;
      cephes_sincos(theta, s, c);
      x[i] = fused(radius * c, std, mean);
      x[i + 8] = fused(radius * s, std, mean);
    }
}

}  // namespace

constinit const RandomKernels Families::random{next_block,      toss_block,     uniform_float, uniform_double,
                                               bernoulli_float, bernoulli_byte, keep_float,    normal_float};

}  // namespace ember::kernels::EMBER_ISA
