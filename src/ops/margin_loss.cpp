// Losses of classes by margins, and of triplets by any distance: compositions of basic operations.
#include "ops/reduced_loss.h"

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>

#include "error_format.h"
#include "python_repr.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// (C) or (N, C) as (N, C), with targets that fit.
Tensor as_batch(const char* kernel, const Tensor& x) {
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"{}\" not implemented for '{}'", kernel, scalar_type_name(x.dtype()));
  const bool fits = (x.dim() == 2 && x.size(1) > 0) || (x.dim() == 1 && x.numel() > 0) || x.dim() == 0;
  check<RuntimeError>(fits, "Expected non-empty vector or matrix with optional 0-dim batch size, but got: {}", x.sizes());
  return x.dim() == 2 ? x : x.reshape({1, -1});
}

}  // namespace

Tensor multi_margin_loss(const Tensor& x, const Tensor& target, const MultiMarginLossOptions& o) {
  require_defined("multi_margin_loss", x, target);
  check<ValueError>(o.p == 1 || o.p == 2, "only p == 1 and p == 2 supported");
  check<ValueError>(!o.weight.defined() || o.weight.dim() == 1, "weight must be one-dimensional");
  const Tensor scores = as_batch("multi_margin_loss", x);
  const int64_t n = scores.size(0), classes = scores.size(1);
  check<RuntimeError>(target.dtype() == kInt64, "expected scalar type Long but found {}", scalar_type_name(target.dtype()));
  check<RuntimeError>(target.dim() <= 1 && target.numel() == n, "inconsistent target size, expected {} but got {}", Shape{n}, target.sizes());
  check<RuntimeError>(!o.weight.defined() || o.weight.numel() == classes, "inconsistent weight size, expected {} but got {}", classes,
                      o.weight.defined() ? o.weight.sizes() : IntArrayRef());
  check<RuntimeError>(n == 0 || (target.min().item<int64_t>() >= 0 && target.max().item<int64_t>() < classes), "target out of range");
  const Tensor labels = target.reshape({n, 1});
  Tensor excess = relu(o.margin - gather(scores, 1, labels) + scores);
  if (o.p == 2) excess = square(excess);
  if (o.weight.defined()) excess = excess * o.weight.detach().index_select(0, target.reshape({-1})).unsqueeze(1);
  const Tensor others = scatter(ones_like(scores.detach()), 1, labels, 0);
  const Tensor loss = (excess * others).sum(1) / double(classes);
  return reduced(x.dim() == 2 ? loss : loss.reshape({}), o.reduction);
}

Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, LossOptions o) {
  require_defined("multilabel_margin_loss", x, target);
  const Tensor scores = as_batch("multilabel_margin_loss_forward_out_frame", x);
  check<RuntimeError>(target.dtype() == kInt64, "expected scalar type Long but found {}", scalar_type_name(target.dtype()));
  check<RuntimeError>(target.numel() == scores.numel() && (x.dim() < 2 ? target.dim() < 2 : target.sizes() == x.sizes()),
                      "inconsistent target size: {} for input of size: {}", target.sizes(), x.sizes());
  const int64_t n = scores.size(0), classes = scores.size(1);
  check<RuntimeError>(target.numel() == 0 || (target.min().item<int64_t>() >= -1 && target.max().item<int64_t>() < classes), "target out of range");
  // The labels of a sample end at the first -1.
  const Tensor given = target.reshape({n, classes}).contiguous(), labels = zeros({n, classes}, kInt64), counts = zeros({n, classes}, scores.dtype());
  const Tensor is_target = zeros({n, classes}, scores.dtype());
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < classes && given.data<int64_t>()[i * classes + j] >= 0; ++j) {
      const int64_t label = given.data<int64_t>()[i * classes + j];
      labels.data<int64_t>()[i * classes + j] = label;
      counts[i][j].fill_(1);
      is_target[i][label].fill_(1);
    }
  const Tensor excess = relu(1 - gather(scores, 1, labels).unsqueeze(2) + scores.unsqueeze(1));  // (N, label, class)
  const Tensor loss = (excess * counts.unsqueeze(2) * (1 - is_target).unsqueeze(1)).sum({1, 2}) / double(classes);
  return reduced(x.dim() == 2 ? loss : loss.reshape({}), o.reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const MultilabelSoftMarginLossOptions& o) {
  require_defined("multilabel_soft_margin_loss", x, target);
  Tensor loss = -(target * logsigmoid(x) + (1 - target) * logsigmoid(-x));
  if (o.weight.defined()) loss = loss * o.weight;
  check<IndexError>(x.dim() > 0, "Dimension specified as -1 but tensor has no dimensions");
  return reduced(loss.sum(x.dim() - 1) / double(x.size(-1)), o.reduction);
}

Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& o) {
  require_defined("triplet_margin_with_distance_loss", anchor, positive, negative);
  check<ValueError>(o.margin > 0, "margin must be greater than 0, got {}", python_repr(o.margin));
  check<RuntimeError>(anchor.dim() == positive.dim() && positive.dim() == negative.dim(),
                      "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {}D, positive "
                      "{}D, and negative {}D inputs",
                      anchor.dim(), positive.dim(), negative.dim());
  const auto distance = [&](const Tensor& a, const Tensor& b) { return o.distance_function ? o.distance_function(a, b) : pairwise_distance(a, b); };
  const Tensor near = distance(anchor, positive);
  Tensor far = distance(anchor, negative);
  if (o.swap) far = minimum(far, distance(positive, negative));
  return reduced(clamp_min(o.margin + near - far, 0), o.reduction);
}

}  // namespace ember
