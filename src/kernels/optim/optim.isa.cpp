// Optimiser updates with PyTorch's rounding: each statement rounds where the chain of tensor operations in torch.optim does, so
// float32 parameters follow PyTorch bit for bit (where PyTorch's square root is the correctly rounded one). This file is compiled
// without contraction: a product and a sum become one operation exactly where fused() says so (as torch.add with alpha, addcmul and
// lerp do where the machine can).
#include "kernels/optim/optim.h"

#include "kernels/families.isa.h"
#include "kernels/lanes/fused.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// torch.lerp(start, end, weight): the form depends on the weight, which is the same for all elements.
template <class T>
struct Lerp {
  T weight;
  bool near_start;
  explicit Lerp(double w) : near_start(w < 0.5 && w > -0.5) { weight = near_start ? T(w) : T(w) - 1; }
  [[gnu::always_inline]] T operator()(T start, T end) const { return fused(weight, end - start, near_start ? start : end); }
};

/// moving * decay + weight * g * g.
template <class T>
EMBER_INLINE T moving_square(T moving, T decay, T weight, T g) {
  return fused(weight * g, g, moving * decay);
}

template <class T>
EMBER_INLINE T larger_or_nan(T a, T b) {
  return a != a ? a : b > a || b != b ? b : a;
}

/// root / divisor for many square roots, which are not negative and far from the ends of T's range. The quotient by the rounded
/// reciprocal is at most an ulp or two off; its remainder is exact, and corrects it to the rounded quotient (Markstein 1990). A division
/// would keep the machine's one divider busy, which the rest of the update needs.
template <class T>
struct Quotient {
  T divisor, reciprocal;
  explicit Quotient(T divisor) : divisor(divisor), reciprocal(T(1) / divisor) {}
  [[gnu::always_inline]] Lanes<T> operator()(Lanes<T> root) const {
    if (!kFuses) return root / divisor;
    const Lanes<T> q = root * reciprocal;
    const Lanes<T> corrected = fused(fused(-q, broadcast(divisor), root), broadcast(reciprocal), q);
    return select(q <= broadcast(T(sizeof(T) == 4 ? __FLT_MAX__ : __DBL_MAX__)), corrected, q);  // infinity leaves no remainder
  }
};

/// The gradient with its sign and the weight decay in it.
template <class T>
struct Gradient {
  T decay, sign;
  bool decays;
  explicit Gradient(const OptimRule& rule) : decay(T(rule.weight_decay)), sign(rule.maximize ? T(-1) : T(1)), decays(rule.weight_decay != 0) {}
  [[gnu::always_inline]] T operator()(T g, T p) const {
    g *= sign;
    return decays ? fused(p, decay, g) : g;
  }
};

template <class T>
void sgd(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict buffer = static_cast<T*>(range.state[0]);
  const Gradient<T> gradient(rule);
  const T step = T(-rule.lr), momentum = T(rule.momentum), kept = T(1 - rule.dampening);
  if (!buffer)
    for (int64_t i = 0; i < range.n; ++i) p[i] = fused(gradient(g[i], p[i]), step, p[i]);
  else if (rule.first)
    for (int64_t i = 0; i < range.n; ++i) {
      const T d = gradient(g[i], p[i]);
      buffer[i] = d;
      p[i] = fused(rule.nesterov ? fused(d, momentum, d) : d, step, p[i]);
    }
  else if (rule.nesterov)
    for (int64_t i = 0; i < range.n; ++i) {
      const T d = gradient(g[i], p[i]);
      buffer[i] = fused(d, kept, buffer[i] * momentum);
      p[i] = fused(fused(buffer[i], momentum, d), step, p[i]);
    }
  else
    for (int64_t i = 0; i < range.n; ++i) {
      buffer[i] = fused(gradient(g[i], p[i]), kept, buffer[i] * momentum);
      p[i] = fused(buffer[i], step, p[i]);
    }
}

// state: first moment, second moment, the largest second moment so far (amsgrad)
template <class T>
void adam(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict m = static_cast<T*>(range.state[0]);
  T* __restrict v = static_cast<T*>(range.state[1]);
  T* __restrict top = static_cast<T*>(range.state[2]);
  const Gradient<T> gradient(rule);
  const Lerp<T> lerp(1 - rule.beta1);
  const T step = T(-rule.lr), beta2 = T(rule.beta2), weight = T(1 - rule.beta2), eps = T(rule.eps), shrink = T(rule.shrink);
  const Quotient<T> corrected(T(rule.correction2));
  for_each_lanes<T>(range.n, [&](int64_t i, auto lanes) __attribute__((always_inline)) {
    const Lanes<T> before = load(p + i, lanes), start = load(m + i, lanes);
    Lanes<T> d = load(g + i, lanes) * gradient.sign;
    if (gradient.decays) d = fused(before, broadcast(gradient.decay), d);
    const Lanes<T> moment = fused(broadcast(lerp.weight), d - start, lerp.near_start ? start : d);
    Lanes<T> square = fused(weight * d, d, load(v + i, lanes) * beta2);
    store(m + i, moment, lanes);
    store(v + i, square, lanes);
    if (rule.extra) {
      square = maximum_or_nan(load(top + i, lanes), square);
      store(top + i, square, lanes);
    }
    store(p + i, before * shrink + (step * moment) / (corrected(square_root(square)) + eps), lanes);
  });
}

// state: first moment, infinity norm
template <class T>
void adamax(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict m = static_cast<T*>(range.state[0]);
  T* __restrict norm = static_cast<T*>(range.state[1]);
  const Gradient<T> gradient(rule);
  const Lerp<T> lerp(1 - rule.beta1);
  const T step = T(-rule.lr), beta2 = T(rule.beta2), eps = T(rule.eps);
  for (int64_t i = 0; i < range.n; ++i) {
    const T d = gradient(g[i], p[i]);
    m[i] = lerp(m[i], d);
    norm[i] = larger_or_nan(norm[i] * beta2, (d < 0 ? -d : d) + eps);
    p[i] = p[i] + (step * m[i]) / norm[i];
  }
}

// state: first moment, second moment
template <class T>
void nadam(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict m = static_cast<T*>(range.state[0]);
  T* __restrict v = static_cast<T*>(range.state[1]);
  const Gradient<T> gradient(rule);
  const Lerp<T> lerp(1 - rule.beta1);
  const T step = T(-rule.lr), step_momentum = T(-rule.lr_momentum), beta2 = T(rule.beta2), weight = T(1 - rule.beta2);
  const T eps = T(rule.eps), correction = T(rule.correction2), shrink = T(rule.shrink);
  for (int64_t i = 0; i < range.n; ++i) {
    const T d = gradient(g[i], p[i]);
    m[i] = lerp(m[i], d);
    v[i] = moving_square(v[i], beta2, weight, d);
    const T scale = square_root(v[i] / correction) + eps;
    p[i] = (p[i] * shrink + (step * d) / scale) + (step_momentum * m[i]) / scale;
  }
}

// state: first moment, second moment
template <class T>
void radam(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict m = static_cast<T*>(range.state[0]);
  T* __restrict v = static_cast<T*>(range.state[1]);
  const Gradient<T> gradient(rule);
  const Lerp<T> lerp(1 - rule.beta1);
  const T lr = T(rule.lr), beta2 = T(rule.beta2), weight = T(1 - rule.beta2), eps = T(rule.eps), shrink = T(rule.shrink);
  const T correction = T(rule.correction1), root_correction = T(rule.correction2), rectification = T(rule.rectification);
  const bool rectified = rule.rectification != 0;
  for (int64_t i = 0; i < range.n; ++i) {
    const T d = gradient(g[i], p[i]);
    m[i] = lerp(m[i], d);
    v[i] = moving_square(v[i], beta2, weight, d);
    T update = m[i] / correction * lr;
    if (rectified) update = update * (T(1) / (square_root(v[i]) + eps) * root_correction) * rectification;
    p[i] = p[i] * shrink - update;
  }
}

// state: moving average of squares, momentum buffer or null, moving average of gradients (centered)
template <class T>
void rmsprop(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict v = static_cast<T*>(range.state[0]);
  T* __restrict buffer = static_cast<T*>(range.state[1]);
  T* __restrict average = static_cast<T*>(range.state[2]);
  const Gradient<T> gradient(rule);
  const Lerp<T> lerp(1 - rule.beta2);
  const T step = T(-rule.lr), beta2 = T(rule.beta2), weight = T(1 - rule.beta2), eps = T(rule.eps), momentum = T(rule.momentum);
  const auto scale_of = [&](int64_t i, T d) {
    v[i] = moving_square(v[i], beta2, weight, d);
    T variance = v[i];
    if (average) {
      average[i] = lerp(average[i], d);
      variance = fused(-average[i], average[i], variance);
    }
    return square_root(variance) + eps;
  };
  if (buffer)
    for (int64_t i = 0; i < range.n; ++i) {
      const T d = gradient(g[i], p[i]);
      const T scale = scale_of(i, d);
      buffer[i] = buffer[i] * momentum + d / scale;
      p[i] = fused(buffer[i], step, p[i]);
    }
  else
    for (int64_t i = 0; i < range.n; ++i) {
      const T d = gradient(g[i], p[i]);
      p[i] = p[i] + (step * d) / scale_of(i, d);
    }
}

// state: sum of squares
template <class T>
void adagrad(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict sum = static_cast<T*>(range.state[0]);
  const Gradient<T> gradient(rule);
  const T step = T(-rule.lr), eps = T(rule.eps);
  for (int64_t i = 0; i < range.n; ++i) {
    const T d = gradient(g[i], p[i]);
    sum[i] = fused(d, d, sum[i]);
    p[i] = p[i] + (step * d) / (square_root(sum[i]) + eps);
  }
}

// state: moving average of squares, moving average of squared changes
template <class T>
void adadelta(const OptimRange& range, const OptimRule& rule) {
  T* __restrict p = static_cast<T*>(range.parameter);
  const T* __restrict g = static_cast<const T*>(range.gradient);
  T* __restrict v = static_cast<T*>(range.state[0]);
  T* __restrict changes = static_cast<T*>(range.state[1]);
  const Gradient<T> gradient(rule);
  const T step = T(-rule.lr), rho = T(rule.beta2), weight = T(1 - rule.beta2), eps = T(rule.eps);
  for (int64_t i = 0; i < range.n; ++i) {
    const T d = gradient(g[i], p[i]);
    v[i] = moving_square(v[i], rho, weight, d);
    const T change = square_root(changes[i] + eps) / square_root(v[i] + eps) * d;
    changes[i] = moving_square(changes[i], rho, weight, change);
    p[i] = fused(change, step, p[i]);
  }
}

template <class T>
double squares(int64_t n, const void* data) {
  constexpr int kSums = 32;  // enough independent chains to hide the latency of a sum
  const T* x = static_cast<const T*>(data);
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
#pragma GCC unroll 32
    for (int j = 0; j < kSums; ++j) sums[j] += double(x[i + j]) * double(x[i + j]);
  for (; i < n; ++i) sums[i % kSums] += double(x[i]) * double(x[i]);
  double sum = 0;
  for (int j = 0; j < kSums; ++j) sum += sums[j];
  return sum;
}

template <class T>
void scale(int64_t n, void* data, double factor) {
  T* x = static_cast<T*>(data);
  const T f = T(factor);
  for (int64_t i = 0; i < n; ++i) x[i] *= f;
}

}  // namespace

constinit const OptimKernels Families::optim{
    .update = {{sgd<float>, sgd<double>},
               {adam<float>, adam<double>},
               {adamax<float>, adamax<double>},
               {nadam<float>, nadam<double>},
               {radam<float>, radam<double>},
               {rmsprop<float>, rmsprop<double>},
               {adagrad<float>, adagrad<double>},
               {adadelta<float>, adadelta<double>}},
    .squares = {squares<float>, squares<double>},
    .scale = {scale<float>, scale<double>},
};

}  // namespace ember::kernels::EMBER_ISA
