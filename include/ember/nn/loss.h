// Losses as modules: criterion(input, target). As the modules of the same names in torch.nn; the options are those of the functions.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/loss.h>

namespace ember::nn {

/// A loss of two tensors with its options.
template <class Options, Tensor (*function)(const Tensor&, const Tensor&, Options)>
class PairLoss : public Module {
 public:
  explicit PairLoss(Options options = {}) : options(options) {}
  Tensor operator()(const Tensor& x, const Tensor& target) const {
    return observed([&] { return function(x, target, options); }, x, target);
  }
  Options options;
};

class MSELoss final : public PairLoss<LossOptions, mse_loss> {
 public:
  using PairLoss::PairLoss;
  MSELoss clone() const;
};
class L1Loss final : public PairLoss<LossOptions, l1_loss> {
 public:
  using PairLoss::PairLoss;
  L1Loss clone() const;
};
class SmoothL1Loss final : public PairLoss<SmoothL1LossOptions, smooth_l1_loss> {
 public:
  using PairLoss::PairLoss;
  SmoothL1Loss clone() const;
};
class HuberLoss final : public PairLoss<HuberLossOptions, huber_loss> {
 public:
  using PairLoss::PairLoss;
  HuberLoss clone() const;
};
class KLDivLoss final : public PairLoss<KlDivOptions, kl_div> {
 public:
  using PairLoss::PairLoss;
  KLDivLoss clone() const;
};
class PoissonNLLLoss final : public PairLoss<PoissonNllLossOptions, poisson_nll_loss> {
 public:
  using PairLoss::PairLoss;
  PoissonNLLLoss clone() const;
};
class SoftMarginLoss final : public PairLoss<LossOptions, soft_margin_loss> {
 public:
  using PairLoss::PairLoss;
  SoftMarginLoss clone() const;
};
class HingeEmbeddingLoss final : public PairLoss<MarginLossOptions, hinge_embedding_loss> {
 public:
  explicit HingeEmbeddingLoss(MarginLossOptions options = {.margin = 1});
  HingeEmbeddingLoss clone() const;
};

class CrossEntropyLoss final : public Module {
 public:
  explicit CrossEntropyLoss(CrossEntropyOptions options = {});
  CrossEntropyLoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target) const;
  Tensor& weight = add_buffer("weight");
  CrossEntropyOptions options;
};
class NLLLoss final : public Module {
 public:
  explicit NLLLoss(NllLossOptions options = {});
  NLLLoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target) const;
  Tensor& weight = add_buffer("weight");
  NllLossOptions options;
};
class BCELoss final : public Module {
 public:
  explicit BCELoss(BceLossOptions options = {});
  BCELoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target) const;
  Tensor& weight = add_buffer("weight");
  BceLossOptions options;
};
class BCEWithLogitsLoss final : public Module {
 public:
  explicit BCEWithLogitsLoss(BceWithLogitsLossOptions options = {});
  BCEWithLogitsLoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target) const;
  Tensor& weight = add_buffer("weight");
  Tensor& pos_weight = add_buffer("pos_weight");
  BceWithLogitsLossOptions options;
};

class GaussianNLLLoss final : public Module {
 public:
  explicit GaussianNLLLoss(GaussianNllLossOptions options = {});
  GaussianNLLLoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target, const Tensor& var) const;
  GaussianNllLossOptions options;
};
class MarginRankingLoss final : public Module {
 public:
  explicit MarginRankingLoss(MarginLossOptions options = {});
  MarginRankingLoss clone() const;
  Tensor operator()(const Tensor& x1, const Tensor& x2, const Tensor& target) const;
  MarginLossOptions options;
};
class CosineEmbeddingLoss final : public Module {
 public:
  explicit CosineEmbeddingLoss(MarginLossOptions options = {});
  CosineEmbeddingLoss clone() const;
  Tensor operator()(const Tensor& x1, const Tensor& x2, const Tensor& target) const;
  MarginLossOptions options;
};
class TripletMarginLoss final : public Module {
 public:
  explicit TripletMarginLoss(TripletMarginLossOptions options = {});
  TripletMarginLoss clone() const;
  Tensor operator()(const Tensor& anchor, const Tensor& positive, const Tensor& negative) const;
  TripletMarginLossOptions options;
};
class MultiMarginLoss final : public Module {
 public:
  explicit MultiMarginLoss(MultiMarginLossOptions options = {});
  MultiMarginLoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target) const;
  Tensor& weight = add_buffer("weight");
  MultiMarginLossOptions options;
};
class MultiLabelMarginLoss final : public PairLoss<LossOptions, multilabel_margin_loss> {
 public:
  using PairLoss::PairLoss;
  MultiLabelMarginLoss clone() const;
};
class MultiLabelSoftMarginLoss final : public Module {
 public:
  explicit MultiLabelSoftMarginLoss(MultilabelSoftMarginLossOptions options = {});
  MultiLabelSoftMarginLoss clone() const;
  Tensor operator()(const Tensor& x, const Tensor& target) const;
  Tensor& weight = add_buffer("weight");
  MultilabelSoftMarginLossOptions options;
};
class TripletMarginWithDistanceLoss final : public Module {
 public:
  explicit TripletMarginWithDistanceLoss(TripletMarginWithDistanceLossOptions options = {});
  TripletMarginWithDistanceLoss clone() const;
  Tensor operator()(const Tensor& anchor, const Tensor& positive, const Tensor& negative) const;
  TripletMarginWithDistanceLossOptions options;
};
class PairwiseDistance final : public Module {
 public:
  explicit PairwiseDistance(double p = 2, double eps = 1e-6, bool keepdim = false);
  PairwiseDistance clone() const;
  Tensor operator()(const Tensor& x1, const Tensor& x2) const;
  double p, eps;
  bool keepdim;
};
class CosineSimilarity final : public Module {
 public:
  explicit CosineSimilarity(int64_t dim = 1, double eps = 1e-8);
  CosineSimilarity clone() const;
  Tensor operator()(const Tensor& x1, const Tensor& x2) const;
  int64_t dim;
  double eps;
};

}  // namespace ember::nn
