#include <ember/nn/loss.h>

#include "error_format.h"

namespace ember::nn {

CrossEntropyLoss::CrossEntropyLoss(CrossEntropyOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor CrossEntropyLoss::operator()(const Tensor& x, const Tensor& target) const {
  return cross_entropy(x, target, {weight, options.ignore_index, options.reduction, options.label_smoothing});
}
NLLLoss::NLLLoss(NllLossOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor NLLLoss::operator()(const Tensor& x, const Tensor& target) const { return nll_loss(x, target, {weight, options.ignore_index, options.reduction}); }
BCELoss::BCELoss(BceLossOptions o) : options(std::move(o)) { weight = options.weight; }
Tensor BCELoss::operator()(const Tensor& x, const Tensor& target) const { return binary_cross_entropy(x, target, {weight, options.reduction}); }
BCEWithLogitsLoss::BCEWithLogitsLoss(BceWithLogitsLossOptions o) : options(std::move(o)) {
  weight = options.weight;
  pos_weight = options.pos_weight;
}
Tensor BCEWithLogitsLoss::operator()(const Tensor& x, const Tensor& target) const {
  return binary_cross_entropy_with_logits(x, target, {weight, options.reduction, pos_weight});
}
TripletMarginLoss::TripletMarginLoss(TripletMarginLossOptions o) : options(o) {
  check<ValueError>(o.margin > 0, "TripletMarginLoss: expected margin to be greater than 0, got {} instead", o.margin);
}

}  // namespace ember::nn
