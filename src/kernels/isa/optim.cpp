// Compiled with -ffp-contract=off: what is fused says so, as in PyTorch.
#include "kernels/optim.h"

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {
namespace {

#if defined(__FMA__) || defined(__aarch64__)
EMBER_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
EMBER_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
EMBER_INLINE float fused(float a, float b, float c) { return a * b + c; }
EMBER_INLINE double fused(double a, double b, double c) { return a * b + c; }
#endif

template <class T>
void sgd(int64_t n, const SgdStep& s, const T* __restrict gradient, T* __restrict buffer, T* __restrict p) {
  const T lr = T(-s.lr), momentum = T(s.momentum), fresh = T(1 - s.dampening), decay = T(s.weight_decay);
  const T sign = s.maximize ? T(-1) : T(1);
  const bool decays = s.weight_decay != 0;
  if (!buffer) {
    for (int64_t i = 0; i < n; ++i) {
      T g = gradient[i] * sign;
      g = decays ? fused(p[i], decay, g) : g;
      p[i] = fused(g, lr, p[i]);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    T g = gradient[i] * sign;
    g = decays ? fused(p[i], decay, g) : g;
    const T b = s.first ? g : fused(g, fresh, buffer[i] * momentum);
    buffer[i] = b;
    p[i] = fused(s.nesterov ? fused(b, momentum, g) : b, lr, p[i]);
  }
}

template <class T>
void adam(int64_t n, const AdamStep& s, const T* __restrict gradient, T* __restrict mean, T* __restrict square, T* __restrict max_square,
          T* __restrict p) {
  const T sign = s.maximize ? T(-1) : T(1), decay = T(s.weight_decay), keep = T(1 - s.lr_weight_decay);
  const bool decays = s.weight_decay != 0, decoupled = s.lr_weight_decay != 0;
  const double w = 1 - s.beta1;
  const bool near_start = w < 0.5;  // lerp from the nearer end
  const T weight = near_start ? T(w) : T(w) - T(1), beta2 = T(s.beta2), fresh = T(1 - s.beta2);
  const T step = T(-s.step_size), root = T(s.root_correction), eps = T(s.eps);
  for (int64_t i = 0; i < n; ++i) {
    T x = p[i], g = gradient[i] * sign;
    x = decoupled ? x * keep : x;
    g = decays ? fused(x, decay, g) : g;
    const T difference = g - mean[i];
    const T m = fused(weight, difference, near_start ? mean[i] : g);
    T v = fused(fresh * g, g, square[i] * beta2);
    mean[i] = m;
    square[i] = v;
    if (max_square) max_square[i] = v = max_square[i] < v || v != v ? v : max_square[i];
    const T denominator = square_root(v) / root + eps;
    p[i] = x + step * m / denominator;
  }
}

template <class T>
double sum_of_squares(int64_t n, const T* x) {
  double part[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; ++j) part[j] += double(x[i + j]) * double(x[i + j]);
  for (; i < n; ++i) part[0] += double(x[i]) * double(x[i]);
  double total = 0;
  for (int j = 0; j < 16; ++j) total += part[j];
  return total;
}

}  // namespace

extern const OptimKernels optim_kernels;
constinit const OptimKernels optim_kernels{{sgd<float>, adam<float>, sum_of_squares<float>},
                                           {sgd<double>, adam<double>, sum_of_squares<double>}};

}  // namespace ember::kernels::EMBER_ISA
