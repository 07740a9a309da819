#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/optim/clip_grad.h>

#include <cmath>

#include "error_format.h"
#include "kernels/kernels.h"

namespace ember::optim {

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, ClipGradNormOptions options) {
  NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  for (const Tensor& p : parameters)
    if (const Tensor g = p.grad(); g.defined()) gradients.push_back(g.detach());
  if (gradients.empty()) return zeros({});
  Tensor total;
  if (options.norm_type == 2) {
    double squares = 0;
    for (const Tensor& g : gradients) {
      const Tensor x = g.contiguous();
      squares += x.dtype() == kFloat32 ? kernels::kernels().optim.float32.sum_of_squares(x.numel(), x.data<float>())
                                       : kernels::kernels().optim.float64.sum_of_squares(x.numel(), x.data<double>());
    }
    total = full({}, std::sqrt(squares), gradients[0].dtype());
  } else {
    std::vector<Tensor> norms;
    for (const Tensor& g : gradients) norms.push_back(norm(g, options.norm_type));
    total = norm(stack(norms), options.norm_type);
  }
  const double length = total.item<double>();
  check<RuntimeError>(!options.error_if_nonfinite || std::isfinite(length),
                      "The total norm of order {} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this "
                      "error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`",
                      options.norm_type);
  // In the gradients' own precision, as PyTorch; scaled even where the factor is 1.
  const Tensor factor = clamp_max(max_norm / (total + 1e-6), 1.0);
  for (const Tensor& g : gradients) g.mul_(factor);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  NoGradGuard no_grad;
  for (const Tensor& p : parameters)
    if (const Tensor g = p.grad(); g.defined()) g.detach().clamp_(-clip_value, clip_value);
}

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters) parts.push_back(p.reshape({-1}));
  return cat(parts);
}

void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters) {
  int64_t total = 0;
  for (const Tensor& p : parameters) total += p.numel();
  check<ValueError>(vector.numel() == total, "vector_to_parameters: expected {} numbers, got {}", total, vector.numel());
  int64_t start = 0;
  for (const Tensor& p : parameters) {
    p.detach().copy_(vector.detach().narrow(0, start, p.numel()).reshape(p.sizes()));
    start += p.numel();
  }
}

}  // namespace ember::optim
