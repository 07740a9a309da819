// Losses show their call to observers and hand their options on.
#include <ember/nn/ctc_loss.h>
#include <ember/nn/loss.h>

#include "error_format.h"

namespace ember::nn {

CrossEntropyLoss::CrossEntropyLoss(CrossEntropyOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor CrossEntropyLoss::operator()(const Tensor& x, const Tensor& target) const {
  const CrossEntropyOptions all{weight, options.ignore_index, options.reduction, options.label_smoothing};
  return observed([&] { return cross_entropy(x, target, all); }, x, target);
}
NLLLoss::NLLLoss(NllLossOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor NLLLoss::operator()(const Tensor& x, const Tensor& target) const {
  return observed([&] { return nll_loss(x, target, {weight, options.ignore_index, options.reduction}); }, x, target);
}
BCELoss::BCELoss(BceLossOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor BCELoss::operator()(const Tensor& x, const Tensor& target) const {
  return observed([&] { return binary_cross_entropy(x, target, {weight, options.reduction}); }, x, target);
}
BCEWithLogitsLoss::BCEWithLogitsLoss(BceWithLogitsLossOptions o) : options(std::move(o)) {
  weight = options.weight;
  pos_weight = options.pos_weight;
}
Tensor BCEWithLogitsLoss::operator()(const Tensor& x, const Tensor& target) const {
  const BceWithLogitsLossOptions all{weight, options.reduction, pos_weight};
  return observed([&] { return binary_cross_entropy_with_logits(x, target, all); }, x, target);
}
TripletMarginLoss::TripletMarginLoss(TripletMarginLossOptions o) : options(o) {
  check<ValueError>(o.margin > 0, "TripletMarginLoss: expected margin to be greater than 0, got {} instead", o.margin);
}
MultiMarginLoss::MultiMarginLoss(MultiMarginLossOptions o) : options(std::move(o)) {
  check<ValueError>(options.p == 1 || options.p == 2, "only p == 1 and p == 2 supported");
  check<ValueError>(!options.weight.defined() || options.weight.dim() == 1,
                    "MultiMarginLoss: expected weight to be None or 1D tensor, got {}D instead", options.weight.defined() ? options.weight.dim() : 0);
  weight = options.weight;
}
Tensor MultiMarginLoss::operator()(const Tensor& x, const Tensor& target) const {
  return observed([&] { return multi_margin_loss(x, target, {options.p, options.margin, weight, options.reduction}); }, x, target);
}
MultiLabelSoftMarginLoss::MultiLabelSoftMarginLoss(MultilabelSoftMarginLossOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor MultiLabelSoftMarginLoss::operator()(const Tensor& x, const Tensor& target) const {
  return observed([&] { return multilabel_soft_margin_loss(x, target, {weight, options.reduction}); }, x, target);
}
TripletMarginWithDistanceLoss::TripletMarginWithDistanceLoss(TripletMarginWithDistanceLossOptions o) : options(std::move(o)) {
  check<ValueError>(options.margin > 0, "TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {} instead", options.margin);
}

Tensor GaussianNLLLoss::operator()(const Tensor& x, const Tensor& target, const Tensor& var) const {
  return observed([&] { return gaussian_nll_loss(x, target, var, options); }, x, target, var);
}
Tensor MarginRankingLoss::operator()(const Tensor& x1, const Tensor& x2, const Tensor& target) const {
  return observed([&] { return margin_ranking_loss(x1, x2, target, options); }, x1, x2, target);
}
Tensor CosineEmbeddingLoss::operator()(const Tensor& x1, const Tensor& x2, const Tensor& target) const {
  return observed([&] { return cosine_embedding_loss(x1, x2, target, options); }, x1, x2, target);
}
Tensor TripletMarginLoss::operator()(const Tensor& anchor, const Tensor& positive, const Tensor& negative) const {
  return observed([&] { return triplet_margin_loss(anchor, positive, negative, options); }, anchor, positive, negative);
}
Tensor TripletMarginWithDistanceLoss::operator()(const Tensor& anchor, const Tensor& positive, const Tensor& negative) const {
  return observed([&] { return triplet_margin_with_distance_loss(anchor, positive, negative, options); }, anchor, positive, negative);
}
Tensor PairwiseDistance::operator()(const Tensor& x1, const Tensor& x2) const {
  return observed([&] { return pairwise_distance(x1, x2, p, eps, keepdim); }, x1, x2);
}
Tensor CosineSimilarity::operator()(const Tensor& x1, const Tensor& x2) const {
  return observed([&] { return cosine_similarity(x1, x2, dim, eps); }, x1, x2);
}
Tensor CTCLoss::operator()(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths) const {
  return observed([&] { return ctc_loss(log_probs, targets, input_lengths, target_lengths, options); }, log_probs, targets);
}

}  // namespace ember::nn
