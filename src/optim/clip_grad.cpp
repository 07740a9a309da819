// Clipping of gradients. The norm of the whole is the norm of the norms, each rounded to its type, as PyTorch computes it.
#include <ember/optim/clip_grad.h>

#include <ember/autograd.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "python_repr.h"

namespace ember::nn::utils {

/// f(gradient) for each parameter that has one.
template <class F>
static void each_gradient(const std::vector<Tensor>& parameters, F f) {
  for (const Tensor& p : parameters)
    if (const Tensor gradient = p.grad(); gradient.defined()) f(gradient.detach());
}

static bool is_dense(const Tensor& t) { return t.is_contiguous() || empty_like(t).strides() == t.strides(); }

static double norm_of(const Tensor& gradient, double norm_type) {
  if (norm_type != 2 || !is_dense(gradient)) return norm(gradient, norm_type).item<double>();
  const bool wide = gradient.dtype() == kFloat64;
  const int64_t n = gradient.numel(), slice = 1 << 16, slices = (n + slice - 1) / slice;
  double squares = 0;  // of fixed slices in fixed order: the same for any number of threads
  const auto part = [&](int64_t s) {
    const int64_t begin = s * slice, count = std::min(slice, n - begin);
    const char* data = static_cast<const char*>(gradient.data_ptr()) + begin * item_size(gradient.dtype());
    return kernels::kernels().optim.squares[wide](count, data);
  };
  if (slices <= 1) {
    squares = n > 0 ? part(0) : 0;
  } else {
    std::vector<double> parts(static_cast<std::size_t>(slices));
    kernels::parallel_slices(slices, [&](int64_t s) { parts[std::size_t(s)] = part(s); });
    for (double p : parts) squares += p;
  }
  const double root = std::sqrt(squares);
  return wide ? root : double(float(root));
}

static double combine(const std::vector<double>& norms, double norm_type) {
  double total = 0;
  if (std::isinf(norm_type)) {
    total = norm_type > 0 ? 0 : norms[0];
    for (double n : norms) total = std::isnan(total) || std::isnan(n) ? NAN : norm_type > 0 ? std::max(total, n) : std::min(total, n);
    return total;
  }
  if (norm_type == 0) {
    for (double n : norms) total += n != 0;
    return total;
  }
  for (double n : norms) total += norm_type == 2 ? n * n : std::pow(std::fabs(n), norm_type);
  return norm_type == 2 ? std::sqrt(total) : std::pow(total, 1 / norm_type);
}

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, ClipOptions options) {
  NoGradGuard no_grad;
  std::vector<double> norms;
  bool wide = false;
  each_gradient(parameters, [&](const Tensor& gradient) {
    norms.push_back(norm_of(gradient, options.norm_type));
    wide = wide || gradient.dtype() == kFloat64;
  });
  const DType dtype = wide ? kFloat64 : kFloat32;
  if (norms.empty()) return zeros({}, kFloat32);
  const Tensor total = full({}, combine(norms, options.norm_type), dtype);
  const double value = total.item<double>();
  check<RuntimeError>(!options.error_if_nonfinite || std::isfinite(value),
                      "The total norm of order {} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
                      "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`",
                      python_repr(options.norm_type));
  double factor = wide ? 1 / (value + 1e-6) * max_norm : double(1 / (float(value) + 1e-6f) * float(max_norm));
  if (factor > 1) factor = 1;  // a NaN stays
  each_gradient(parameters, [&](const Tensor& gradient) {
    if (!is_dense(gradient)) {
      gradient.mul_(factor);
      return;
    }
    const auto scale = kernels::kernels().optim.scale[gradient.dtype() == kFloat64];
    char* data = static_cast<char*>(gradient.data_ptr());
    const int64_t item = item_size(gradient.dtype());
    kernels::parallel_for(gradient.numel(), 4096, double(gradient.numel()),
                          [&](int64_t begin, int64_t end) { scale(end - begin, data + begin * item, factor); });
    gradient.bump_version();
  });
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  NoGradGuard no_grad;
  each_gradient(parameters, [&](const Tensor& gradient) { gradient.clamp_(-clip_value, clip_value); });
}

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters) parts.push_back(p.reshape({-1}));
  return cat(parts);
}

void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters) {
  NoGradGuard no_grad;
  int64_t at = 0, total = 0;
  for (const Tensor& p : parameters) total += p.numel();
  check<RuntimeError>(vector.dim() == 1 && vector.numel() >= total, "expected a vector of {} elements, got shape {}", total, vector.sizes());
  for (const Tensor& p : parameters) {
    p.detach().copy_(vector.slice(0, at, at + p.numel()).view_as(p));
    at += p.numel();
  }
}

}  // namespace ember::nn::utils
