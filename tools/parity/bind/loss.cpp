// The losses and distances of torch.nn.functional.
#include "bind/reduction.h"

namespace ember::parity {
namespace {

Result kl_div_of(Args& a) {
  const std::string word = reduction_word(a[2], a[3], a[4]);
  if (word == "batchmean") return kl_div(a[0], a[1], {.log_target = a[5], .batchmean = true});
  return kl_div(a[0], a[1], {.reduction = reduction_of(word), .log_target = a[5]});
}

Result gaussian_nll_loss_of(Args& a) {
  const std::string word = a[5].text();
  if (word != "mean" && word != "sum" && word != "none") throw ValueError(word + " is not valid");
  const Tensor var = a[2].is_tensor() ? a[2].tensor() : full(a[0].tensor().sizes(), a[2].real(), a[0].tensor().dtype());
  return gaussian_nll_loss(a[0], a[1], var, {.full = a[3], .eps = a[4], .reduction = reduction_of(a[5].text())});
}

Result smooth_l1_loss_of(Args& a) { return smooth_l1_loss(a[0], a[1], {.reduction = reduction_of(a[2], a[3], a[4]), .beta = a[5]}); }

Result huber_loss_of(Args& a) {
  if (!a[4].is_none()) throw Unsupported("kwarg weight of nn.functional.huber_loss");
  return huber_loss(a[0], a[1], {.reduction = reduction_of(a[2].text()), .delta = a[3]});
}

LossOptions plain(Args& a) {
  if (a.size() > 5 && !a[5].is_none()) throw Unsupported("kwarg weight of a loss without weights");
  return {.reduction = reduction_of(a[2], a[3], a[4])};
}

}  // namespace

Table loss_table() {
  return {
      {"nn.functional.cross_entropy", "input target weight=None size_average=None ignore_index=-100 reduce=None reduction='mean' label_smoothing=0.0",
       [](Args& a) {
         return cross_entropy(a[0], a[1],
                              {.weight = a[2], .ignore_index = a[4], .reduction = reduction_of(a[3], a[5], a[6]), .label_smoothing = a[7]});
       }},
      {"nn.functional.nll_loss", "input target weight=None size_average=None ignore_index=-100 reduce=None reduction='mean'",
       [](Args& a) { return nll_loss(a[0], a[1], {.weight = a[2], .ignore_index = a[4], .reduction = reduction_of(a[3], a[5], a[6])}); }},
      {"nn.functional.mse_loss", "input target size_average=None reduce=None reduction='mean' weight=None",
       [](Args& a) { return mse_loss(a[0], a[1], plain(a)); }},
      {"nn.functional.l1_loss", "input target size_average=None reduce=None reduction='mean' weight=None",
       [](Args& a) { return l1_loss(a[0], a[1], plain(a)); }},
      {"nn.functional.smooth_l1_loss", "input target size_average=None reduce=None reduction='mean' beta=1.0", smooth_l1_loss_of},
      {"nn.functional.huber_loss", "input target reduction='mean' delta=1.0 weight=None", huber_loss_of},
      {"nn.functional.binary_cross_entropy", "input target weight=None size_average=None reduce=None reduction='mean'",
       [](Args& a) { return binary_cross_entropy(a[0], a[1], {.weight = a[2], .reduction = reduction_of(a[3], a[4], a[5])}); }},
      {"nn.functional.binary_cross_entropy_with_logits", "input target weight=None size_average=None reduce=None reduction='mean' pos_weight=None",
       [](Args& a) {
         return binary_cross_entropy_with_logits(a[0], a[1], {.weight = a[2], .reduction = reduction_of(a[3], a[4], a[5]), .pos_weight = a[6]});
       }},
      {"nn.functional.kl_div", "input target size_average=None reduce=None reduction='mean' log_target=False", kl_div_of},
      {"nn.functional.poisson_nll_loss", "input target log_input=True full=False size_average=None eps=1e-8 reduce=None reduction='mean'",
       [](Args& a) {
         return poisson_nll_loss(a[0], a[1], {.log_input = a[2], .full = a[3], .eps = a[5], .reduction = reduction_of(a[4], a[6], a[7])});
       }},
      {"nn.functional.gaussian_nll_loss", "input target var full=False eps=1e-6 reduction='mean'", gaussian_nll_loss_of},
      {"nn.functional.hinge_embedding_loss", "input target margin=1.0 size_average=None reduce=None reduction='mean'",
       [](Args& a) { return hinge_embedding_loss(a[0], a[1], {.margin = a[2], .reduction = reduction_of(a[3], a[4], a[5])}); }},
      {"nn.functional.margin_ranking_loss", "input1 input2 target margin=0 size_average=None reduce=None reduction='mean'",
       [](Args& a) { return margin_ranking_loss(a[0], a[1], a[2], {.margin = a[3], .reduction = reduction_of(a[4], a[5], a[6])}); }},
      {"nn.functional.cosine_embedding_loss", "input1 input2 target margin=0 size_average=None reduce=None reduction='mean'",
       [](Args& a) { return cosine_embedding_loss(a[0], a[1], a[2], {.margin = a[3], .reduction = reduction_of(a[4], a[5], a[6])}); }},
      {"nn.functional.soft_margin_loss", "input target size_average=None reduce=None reduction='mean'",
       [](Args& a) { return soft_margin_loss(a[0], a[1], plain(a)); }},
      {"nn.functional.triplet_margin_loss",
       "anchor positive negative margin=1.0 p=2 eps=1e-6 swap=False size_average=None reduce=None reduction='mean'",
       [](Args& a) {
         return triplet_margin_loss(a[0], a[1], a[2],
                                    {.margin = a[3], .p = a[4], .eps = a[5], .swap = a[6], .reduction = reduction_of(a[7], a[8], a[9])});
       }},
      {"nn.functional.multi_margin_loss", "input target p=1 margin=1.0 weight=None size_average=None reduce=None reduction='mean'",
       [](Args& a) {
         return multi_margin_loss(a[0], a[1], {.p = a[2], .margin = a[3], .weight = a[4], .reduction = reduction_of(a[5], a[6], a[7])});
       }},
      {"nn.functional.multilabel_margin_loss", "input target size_average=None reduce=None reduction='mean'",
       [](Args& a) { return multilabel_margin_loss(a[0], a[1], plain(a)); }},
      {"nn.functional.multilabel_soft_margin_loss", "input target weight=None size_average=None reduce=None reduction='mean'",
       [](Args& a) { return multilabel_soft_margin_loss(a[0], a[1], {.weight = a[2], .reduction = reduction_of(a[3], a[4], a[5])}); }},
      {"nn.functional.triplet_margin_with_distance_loss", "anchor positive negative * distance_function=~None margin=1.0 swap=False reduction='mean'",
       [](Args& a) {
         return triplet_margin_with_distance_loss(a[0], a[1], a[2], {.margin = a[4], .swap = a[5], .reduction = reduction_of(a[6].text())});
       }},
      {"nn.functional.cosine_similarity cosine_similarity", "x1 x2 dim=1 eps=1e-8",
       [](Args& a) { return cosine_similarity(a[0], a[1], a[2], a[3]); }},
      {"nn.functional.pairwise_distance pairwise_distance", "x1 x2 p=2.0 eps=1e-6 keepdim=False",
       [](Args& a) { return pairwise_distance(a[0], a[1], a[2], a[3], a[4]); }},
  };
}

}  // namespace ember::parity
