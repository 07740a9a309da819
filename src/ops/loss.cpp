// Losses between real numbers, composed of basic operations: differentiable as often as one likes.
#include "ops/reduced_loss.h"

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>

#include <cmath>

#include "error_format.h"
#include "python_repr.h"
#include "tensor/defined.h"

namespace ember {
namespace {

/// PyTorch's warning about shapes that only broadcast.
void warn_of_broadcast(const Tensor& x, const Tensor& target) {
  if (x.sizes() == target.sizes()) return;
  warn(
      fmt::format("Using a target size (torch.Size({})) that is different to the input size (torch.Size({})). This will likely lead to "
                  "incorrect results due to broadcasting. Please ensure they have the same size.",
                  target.sizes(), x.sizes()));
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, LossOptions o) {
  require_defined("mse_loss", x, target);
  warn_of_broadcast(x, target);
  return reduced(square(x - target), o.reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, LossOptions o) {
  require_defined("l1_loss", x, target);
  warn_of_broadcast(x, target);
  return reduced(abs(x - target), o.reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, SmoothL1LossOptions o) {
  require_defined("smooth_l1_loss", x, target);
  warn_of_broadcast(x, target);
  check<RuntimeError>(o.beta >= 0, "smooth_l1_loss does not support negative values for beta.");
  if (o.beta == 0) return l1_loss(x, target, {o.reduction});
  const Tensor d = x - target, a = abs(d), far = ge(a, o.beta);
  const Tensor near = where(far, 0, d);  // an infinite d squared would make 0 * inf of the gradient
  return reduced(where(far, a - 0.5 * o.beta, near * near * (0.5 / o.beta)), o.reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, HuberLossOptions o) {
  require_defined("huber_loss", x, target);
  warn_of_broadcast(x, target);
  check<RuntimeError>(o.delta > 0, "huber_loss does not support non-positive values for delta.");
  const Tensor d = x - target, a = abs(d), far = gt(a, o.delta);
  const Tensor near = where(far, 0, d);
  const Tensor loss = where(far, o.delta * (a - 0.5 * o.delta), near * near * 0.5);
  return reduced(is_floating_point(x.dtype()) ? loss.to(x.dtype()) : loss, o.reduction);  // unlike its neighbours it keeps x's dtype
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const BceLossOptions& o) {
  require_defined("binary_cross_entropy", x, target);
  check<ValueError>(x.sizes() == target.sizes(),
                    "Using a target size (torch.Size({})) that is different to the input size (torch.Size({})) is deprecated. Please ensure they "
                    "have the same size.",
                    target.sizes(), x.sizes());
  check<RuntimeError>(x.dtype() == target.dtype(), "Found dtype {} but expected {}", scalar_type_name(target.dtype()), scalar_type_name(x.dtype()));
  check<RuntimeError>(x.numel() == 0 || (ge(x, 0) & le(x, 1)).all().item<bool>(), "all elements of input should be between 0 and 1");
  check<RuntimeError>(x.numel() == 0 || (ge(target, 0) & le(target, 1)).all().item<bool>(), "all elements of target should be between 0 and 1");
  // The logarithms end at -100; the gradient is (x - t) / max(x (1 - x), 1e-12), as PyTorch has it.
  Tensor loss;
  {
    NoGradGuard no_grad;
    loss = (target - 1) * clamp_min(log1p(-x), -100) - target * clamp_min(log(x), -100);
  }
  loss = record("BinaryCrossEntropy", {x, target}, std::move(loss), [x = Saved(x), target = Saved(target)](const Tensor& dy, Grads& grads) {
    const Tensor p = x.get(), t = target.get();
    if (grads.wants(0)) grads.add(0, dy * (p - t) / clamp_min(p * (1 - p), 1e-12));
    if (grads.wants(1)) grads.add(1, dy * (clamp_min(log1p(-p), -100) - clamp_min(log(p), -100)));
  });
  return reduced(o.weight.defined() ? loss * o.weight : loss, o.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const BceWithLogitsLossOptions& o) {
  require_defined("binary_cross_entropy_with_logits", x, target);
  check<ValueError>(x.sizes() == target.sizes(), "Target size (torch.Size({})) must be the same as input size (torch.Size({}))", target.sizes(),
                    x.sizes());
  // (1 - t) x + (1 + (pos_weight - 1) t) ln(1 + e^-x)
  const Tensor log_part = logsigmoid(x);
  Tensor loss = o.pos_weight.defined() ? (1 - target) * x - ((o.pos_weight - 1) * target + 1) * log_part : (1 - target) * x - log_part;
  if (o.weight.defined()) loss = loss * o.weight;
  return reduced(loss, o.reduction);
}

Tensor kl_div(const Tensor& x, const Tensor& target, KlDivOptions o) {
  require_defined("kl_div", x, target);
  Tensor loss;
  if (o.log_target) {
    loss = exp(target) * (target - x);
  } else {
    // t ln t, 0 at t = 0
    const Tensor log_term = where(eq(target, 0), 0, target * log(target));
    loss = log_term - target * x;
  }
  if (o.batchmean || o.reduction == Reduction::BatchMean) return loss.sum() / (x.dim() ? x.sizes()[0] : 1);
  return reduced(loss, o.reduction);
}

Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, PoissonNllLossOptions o) {
  require_defined("poisson_nll_loss", x, target);
  Tensor loss = o.log_input ? exp(x) - target * x : x - target * log(x + o.eps);
  if (o.full) {
    const Tensor stirling = target * log(target) - target + 0.5 * log(target * (2 * M_PI));
    loss = loss + masked_fill(stirling, le(target, 1), 0);
  }
  return reduced(loss, o.reduction);
}

Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var_any, GaussianNllLossOptions o) {
  require_defined("gaussian_nll_loss", x, target, var_any);
  Tensor var = var_any;
  if (!(var.sizes() == x.sizes())) {
    if (var.dim() + 1 == x.dim() && var.sizes() == IntArrayRef(x.sizes().data(), std::size_t(x.dim() - 1))) {
      var = var.unsqueeze(-1);
    } else {
      // One variance along exactly one dimension.
      int64_t differing = 0;
      for (int d = 0; d < x.dim() && d < var.dim(); ++d)
        if (x.sizes()[d] != var.sizes()[d]) differing += var.sizes()[d];
      check<ValueError>(var.dim() == x.dim() && differing == 1, "var is of incorrect size");
    }
  }
  check<ValueError>(var.numel() == 0 || !lt(var, 0).any().item<bool>(), "var has negative entry/entries");
  // The floor of the variance is not differentiated.
  const Tensor floor = (clamp_min(var.detach(), o.eps) - var.detach());
  const Tensor safe = var + floor;
  Tensor loss = 0.5 * (log(safe) + square(x - target) / safe);
  if (o.full) loss = loss + 0.5 * std::log(2 * M_PI);
  return reduced(loss, o.reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, MarginLossOptions o) {
  require_defined("hinge_embedding_loss", x, target);
  const Tensor margin = clamp_min(o.margin - x, 0);
  return reduced(where(ne(target, 1), margin, zeros({}, x.dtype())) + where(ne(target, -1), x, zeros({}, x.dtype())), o.reduction);
}

Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginLossOptions o) {
  require_defined("margin_ranking_loss", x1, x2, target);
  check<RuntimeError>(x1.dim() == x2.dim() && x1.dim() == target.dim(),
                      "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: torch.Size({}), input2: "
                      "torch.Size({}), target: torch.Size({}) ",
                      x1.sizes(), x2.sizes(), target.sizes());
  return reduced(clamp_min(-target * (x1 - x2) + o.margin, 0), o.reduction);
}

Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginLossOptions o) {
  require_defined("cosine_embedding_loss", x1, x2, target);
  check<RuntimeError>(target.dim() <= 1, "0D or 1D target tensor expected, multi-target not supported");
  check<RuntimeError>(x1.dim() == target.dim() + 1 && x2.dim() == target.dim() + 1,
                      "{}D target tensor expects {}D input tensors, but found inputs with sizes {} and {}.", target.dim(), target.dim() + 1,
                      x1.sizes(), x2.sizes());
  const int64_t dim = target.dim();
  constexpr double kEpsilon = 1e-12;
  const Tensor cosine = (x1 * x2).sum(dim) / sqrt((square(x1).sum(dim) + kEpsilon) * (square(x2).sum(dim) + kEpsilon));
  const Tensor zero = zeros({}, x1.dtype());
  return reduced(where(eq(target, 1), 1 - cosine, zero) + where(eq(target, -1), clamp_min(cosine - o.margin, 0), zero), o.reduction);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossOptions o) {
  require_defined("soft_margin_loss", x, target);
  return reduced(log1p(exp(x * -target)), o.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, TripletMarginLossOptions o) {
  require_defined("triplet_margin_loss", anchor, positive, negative);
  check<RuntimeError>(anchor.dim() == positive.dim() && anchor.dim() == negative.dim(),
                      "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {}D, positive "
                      "{}D, and negative {}D inputs",
                      anchor.dim(), positive.dim(), negative.dim());
  if (!(o.margin > 0)) fail<ValueError>("margin must be greater than 0, got {}", python_repr(o.margin));
  const Tensor near = pairwise_distance(anchor, positive, o.p, o.eps);
  Tensor far = pairwise_distance(anchor, negative, o.p, o.eps);
  if (o.swap) far = minimum(far, pairwise_distance(positive, negative, o.p, o.eps));
  return reduced(clamp_min(near - far + o.margin, 0), o.reduction);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  require_defined("cosine_similarity", x1, x2);
  const Shape common = broadcast_shapes(x1.sizes(), x2.sizes());
  const Tensor a = x1.expand(common), b = x2.expand(common);
  return (a / clamp_min(norm(a, 2, dim, true), eps) * (b / clamp_min(norm(b, 2, dim, true), eps))).sum(dim);
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdim) {
  require_defined("pairwise_distance", x1, x2);
  return norm(x1 - x2 + eps, p, -1, keepdim);
}

}  // namespace ember
