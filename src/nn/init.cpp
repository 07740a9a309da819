// Initial values. The arithmetic is Python's: doubles, in PyTorch's order of operations, so that the bounds have its bits.
#include <ember/nn/init.h>

#include <ember/autograd.h>
#include <ember/ops/decompositions.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/random.h>

#include <cmath>

#include "error_format.h"

namespace ember::nn::init {
namespace {

struct Fans {
  double in, out;
};

Fans fans_of(const Tensor& t) {
  check<ValueError>(t.dim() >= 2, "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
  double field = 1;
  for (int d = 2; d < t.dim(); ++d) field *= double(t.sizes()[d]);
  return {double(t.sizes()[1]) * field, double(t.sizes()[0]) * field};
}

double kaiming_std(const Tensor& t, double a, FanMode mode, const char* nonlinearity) {
  const Fans fans = fans_of(t);
  return calculate_gain(nonlinearity, a) / std::sqrt(mode == FanMode::FanIn ? fans.in : fans.out);
}

double normal_cdf(double x) { return (1.0 + std::erf(x / std::sqrt(2.0))) / 2.0; }

}  // namespace

double calculate_gain(const std::string& nonlinearity, double param) {
  for (const char* linear : {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"})
    if (nonlinearity == linear) return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2.0 / (1 + param * param));
  check<ValueError>(nonlinearity == "selu", "Unsupported nonlinearity {}", nonlinearity);
  return 3.0 / 4;
}

const Tensor& uniform_(const Tensor& t, double a, double b, Generator* generator) {
  NoGradGuard no_grad;
  return t.uniform_(a, b, generator);
}
const Tensor& normal_(const Tensor& t, double mean, double std, Generator* generator) {
  NoGradGuard no_grad;
  return t.normal_(mean, std, generator);
}

const Tensor& trunc_normal_(const Tensor& t, double mean, double std, double a, double b, Generator* generator) {
  NoGradGuard no_grad;
  if (mean < a - 2 * std || mean > b + 2 * std)
    warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.");
  const double share = normal_cdf((b - mean) / std) - normal_cdf((a - mean) / std);
  if (share > 0.3) {
    // Most draws fall inside: the others are drawn anew, with the whole tensor, until none is left.
    t.normal_(mean, std, generator);
    for (;;) {
      const Tensor outside = lt(t, a) | gt(t, b);
      if (!outside.any().item<bool>()) return t;
      const Tensor fresh = empty_like(t).normal_(mean, std, generator);
      t.copy_(where(outside, fresh, t));
    }
  }
  // Few would: uniform candidates, kept with the probability of the density against its peak.
  const double peak = (mean < a ? a : mean > b ? b : mean) - mean;
  const double log_peak = -0.5 * (peak / std) * (peak / std);
  Tensor pending = ones(t.sizes(), kBool);
  while (pending.any().item<bool>()) {
    const Tensor candidates = empty_like(t).uniform_(a, b, generator);
    t.copy_(where(pending, candidates, t));
    const Tensor distance = (candidates - mean) / std;
    const Tensor log_u = log(empty_like(t).uniform_(0, 1, generator));
    pending = pending & gt(log_u, -0.5 * (distance * distance) - log_peak);
  }
  return t;
}

const Tensor& constant_(const Tensor& t, Scalar value) {
  NoGradGuard no_grad;
  return t.fill_(value);
}
const Tensor& ones_(const Tensor& t) { return constant_(t, 1); }
const Tensor& zeros_(const Tensor& t) { return constant_(t, 0); }

const Tensor& eye_(const Tensor& t) {
  check<ValueError>(t.dim() == 2, "Only tensors with 2 dimensions are supported");
  NoGradGuard no_grad;
  return t.copy_(eye(t.sizes()[0], t.sizes()[1], {.dtype = t.dtype()}));
}

const Tensor& dirac_(const Tensor& t, int64_t groups) {
  check<ValueError>(t.dim() >= 3 && t.dim() <= 5, "Only tensors with 3, 4, or 5 dimensions are supported");
  const int64_t out = t.sizes()[0];
  check<ValueError>(out % groups == 0, "dim 0 must be divisible by groups");
  NoGradGuard no_grad;
  t.zero_();
  const int64_t each = out / groups, count = each < t.sizes()[1] ? each : t.sizes()[1];
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t i = 0; i < count; ++i) {
      Tensor at = t.select(0, g * each + i).select(0, i);
      while (at.dim() > 0) at = at.select(0, at.sizes()[0] / 2);
      at.fill_(1);
    }
  return t;
}

const Tensor& xavier_uniform_(const Tensor& t, double gain, Generator* generator) {
  const Fans fans = fans_of(t);
  const double std = gain * std::sqrt(2.0 / (fans.in + fans.out));
  const double bound = std::sqrt(3.0) * std;
  return uniform_(t, -bound, bound, generator);
}
const Tensor& xavier_normal_(const Tensor& t, double gain, Generator* generator) {
  const Fans fans = fans_of(t);
  return normal_(t, 0, gain * std::sqrt(2.0 / (fans.in + fans.out)), generator);
}
const Tensor& kaiming_uniform_(const Tensor& t, double a, FanMode mode, const char* nonlinearity, Generator* generator) {
  if (t.numel() == 0) {
    warn("Initializing zero-element tensors is a no-op");
    return t;
  }
  const double bound = std::sqrt(3.0) * kaiming_std(t, a, mode, nonlinearity);
  return uniform_(t, -bound, bound, generator);
}
const Tensor& kaiming_normal_(const Tensor& t, double a, FanMode mode, const char* nonlinearity, Generator* generator) {
  if (t.numel() == 0) {
    warn("Initializing zero-element tensors is a no-op");
    return t;
  }
  return normal_(t, 0, kaiming_std(t, a, mode, nonlinearity), generator);
}

const Tensor& orthogonal_(const Tensor& t, double gain, Generator* generator) {
  check<ValueError>(t.dim() >= 2, "Only tensors with 2 or more dimensions are supported");
  if (t.numel() == 0) return t;
  NoGradGuard no_grad;
  const int64_t rows = t.sizes()[0], columns = t.numel() / rows;
  const Tensor draws = empty({rows, columns}, t.dtype()).normal_(0, 1, generator);
  // In float64: PyTorch's values to their rounding, whichever LAPACK factorises. A positive diagonal of R makes Q unique.
  const linalg::QR f = linalg::qr((rows < columns ? draws.t() : draws).to(kFloat64));
  const Tensor q = f.Q * f.R.diagonal().sign();
  return t.copy_(((rows < columns ? q.t() : q) * gain).to(t.dtype()).reshape(t.sizes()));
}

}  // namespace ember::nn::init
