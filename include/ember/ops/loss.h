// Losses. As the functions of the same names in torch.nn.functional, errors included. `reduction`: None gives a value for each
// element or sample, Mean their mean (for weighted classes: over the sum of weights), Sum their sum; BatchMean, of kl_div alone, the sum
// over the size of the batch.
#pragma once

#include <ember/autograd.h>

namespace ember {

/// By name or by PyTorch's word: `.reduction = Reduction::Sum`, `.reduction = "sum"`. Another word throws ValueError "foo is not a valid value
/// for reduction".
class Reduction {
 public:
  enum Kind : std::uint8_t { Mean, Sum, None, BatchMean };
  constexpr Reduction(Kind kind) : kind_(kind) {}
  Reduction(const char* word);
  constexpr Kind kind() const { return kind_; }
  friend constexpr bool operator==(Reduction a, Reduction b) { return a.kind_ == b.kind_; }

 private:
  Kind kind_;
};

struct CrossEntropyOptions {
  OptionalTensor weight = {};  ///< (C)
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::Mean;
  double label_smoothing = 0;
};
/// Of scores x (N, C), (C) or (N, C, d1, ...) and class indices (N), () or (N, d1, ...), or probabilities of x's shape.
/// Throws IndexError "Target 3 is out of bounds.", ValueError "Expected input batch_size (2) to match target batch_size (3).".
Tensor cross_entropy(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options = {});

struct NllLossOptions {
  OptionalTensor weight = {};
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::Mean;
};
/// -log_probabilities at the target, times the weight of the class; the mean is over the weights. Shapes as cross_entropy.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const NllLossOptions& options = {});

struct LossOptions {
  Reduction reduction = Reduction::Mean;
};
/// (x - target)^2.
Tensor mse_loss(const Tensor& x, const Tensor& target, LossOptions options = {});
/// |x - target|.
Tensor l1_loss(const Tensor& x, const Tensor& target, LossOptions options = {});
struct SmoothL1LossOptions {
  Reduction reduction = Reduction::Mean;
  double beta = 1;
};
/// d^2 / (2 beta) where d = |x - target| is below beta, else d - beta / 2. Girshick 2015. Throws RuntimeError for a negative beta.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, SmoothL1LossOptions options = {});
struct HuberLossOptions {
  Reduction reduction = Reduction::Mean;
  double delta = 1;
};
/// d^2 / 2 where d = |x - target| is below delta, else delta (d - delta / 2). Huber 1964.
Tensor huber_loss(const Tensor& x, const Tensor& target, HuberLossOptions options = {});
struct BceLossOptions {
  OptionalTensor weight = {};
  Reduction reduction = Reduction::Mean;
};
/// -(target ln x + (1 - target) ln(1 - x)) of probabilities x, logarithms cut off at -100, times weight.
/// Throws RuntimeError "all elements of input should be between 0 and 1".
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const BceLossOptions& options = {});
struct BceWithLogitsLossOptions {
  OptionalTensor weight = {};
  Reduction reduction = Reduction::Mean;
  OptionalTensor pos_weight = {};
};
/// binary_cross_entropy(sigmoid(x), target) without overflow; pos_weight multiplies the first term.
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const BceWithLogitsLossOptions& options = {});
struct KlDivOptions {
  Reduction reduction = Reduction::Mean;
  bool log_target = false;
  bool batchmean = false;  ///< the same as .reduction = "batchmean"
};
/// target (ln target - x) of log-probabilities x; with log_target e^target (target - x).
Tensor kl_div(const Tensor& x, const Tensor& target, KlDivOptions options = {});
struct PoissonNllLossOptions {
  bool log_input = true, full = false;
  double eps = 1e-8;
  Reduction reduction = Reduction::Mean;
};
/// e^x - target x, without log_input x - target ln(x + eps); `full` adds Stirling's term for targets above 1.
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, PoissonNllLossOptions options = {});
struct GaussianNllLossOptions {
  bool full = false;
  double eps = 1e-6;
  Reduction reduction = Reduction::Mean;
};
/// (ln var + (x - target)^2 / var) / 2, var at least eps; `full` adds ln(2 pi) / 2. Throws ValueError "var has negative entry/entries".
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var, GaussianNllLossOptions options = {});
struct MarginLossOptions {
  double margin = 0;
  Reduction reduction = Reduction::Mean;
};
/// x where target is 1, max(0, margin - x) where it is -1.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, MarginLossOptions options = {.margin = 1});
/// max(0, -target (x1 - x2) + margin), target 1 or -1.
Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginLossOptions options = {});
/// 1 - cos(x1, x2) where target is 1, max(0, cos(x1, x2) - margin) where it is -1. x1, x2 (N, D) or (D).
Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginLossOptions options = {});
/// ln(1 + e^(-target x)), target 1 or -1.
Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossOptions options = {});
struct TripletMarginLossOptions {
  double margin = 1, p = 2, eps = 1e-6;
  bool swap = false;
  Reduction reduction = Reduction::Mean;
};
/// max(0, |anchor - positive|_p - |anchor - negative|_p + margin) over the last dimension; with swap the nearer of anchor and positive to
/// the negative counts. Balntas et al. 2016.
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, TripletMarginLossOptions options = {});
struct MultiMarginLossOptions {
  int64_t p = 1;  ///< or 2
  double margin = 1;
  OptionalTensor weight = {};  ///< (C), of the target's class
  Reduction reduction = Reduction::Mean;
};
/// The mean over the classes j other than the target y of max(0, margin - x_y + x_j)^p. x (N, C) or (C), target (N) or ().
Tensor multi_margin_loss(const Tensor& x, const Tensor& target, const MultiMarginLossOptions& options = {});
/// Over all labels y and the classes j that are none: the sum of max(0, 1 - x_y + x_j) / C. target has x's sizes; labels end at the first -1.
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, LossOptions options = {});
struct MultilabelSoftMarginLossOptions {
  OptionalTensor weight = {};
  Reduction reduction = Reduction::Mean;
};
/// binary_cross_entropy_with_logits, the mean over the last dimension for each sample.
Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const MultilabelSoftMarginLossOptions& options = {});
struct TripletMarginWithDistanceLossOptions {
  Callback<Tensor(const Tensor&, const Tensor&)> distance_function = {};  ///< pairwise_distance unless given
  double margin = 1;
  bool swap = false;
  Reduction reduction = Reduction::Mean;
};
/// triplet_margin_loss with another distance. Throws ValueError "margin must be greater than 0, got 0.0".
Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& options = {});

/// x1 . x2 / (|x1| |x2|) along dim, each norm at least eps.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim = 1, double eps = 1e-8);
/// |x1 - x2 + eps|_p over the last dimension.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2, double eps = 1e-6, bool keepdim = false);

}  // namespace ember
