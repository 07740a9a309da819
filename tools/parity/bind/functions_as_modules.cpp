// Activations and losses as modules, by PyTorch's names.
#include "bind/module_binding.h"
#include "bind/reduction.h"

#include <ember/nn/activation.h>
#include <ember/nn/loss.h>

namespace ember::parity {
namespace {

/// Without a dim: the one that PyTorch takes, with a warning, from the number of dimensions.
template <class Module>
BoundModule by_dim(const Argument& dim) {
  if (!dim.is_none()) return bound(Module(dim.integer()));
  BoundModule result = bound(Module(-1));
  result.forward = [](Args& a) {
    const Tensor x = a[0];
    return Result(Module(x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1)(x));
  };
  return result;
}

BoundModule kl_div_loss_of(Args& a) {
  const std::string word = reduction_word(a[0], a[1], a[2]);
  const bool batchmean = word == "batchmean";
  return bound(nn::KLDivLoss(KlDivOptions{batchmean ? Reduction::Mean : reduction_of(word), a[3], batchmean}));
}

/// The variance may be a number.
BoundModule gaussian_nll_loss_of(Args& a) {
  const GaussianNllLossOptions options{a[0], a[1], reduction_of(a[2].text())};
  BoundModule result = bound(nn::GaussianNLLLoss(options));
  result.forward_signature = "input target var";
  result.forward = [options](Args& x) {
    const Tensor input = x[0];
    const Tensor var = x[2].is_tensor() ? x[2].tensor() : full(input.sizes(), x[2].real(), input.dtype());
    return Result(gaussian_nll_loss(input, x[1], var, options));
  };
  return result;
}

}  // namespace

ModuleTable activation_modules() {
  return {
      {"nn.ReLU", "inplace=False", [](Args& a) { return bound(nn::ReLU(a[0].boolean())); }},
      {"nn.ReLU6", "inplace=False", [](Args& a) { return bound(nn::ReLU6(a[0].boolean())); }},
      {"nn.SELU", "inplace=False", [](Args& a) { return bound(nn::SELU(a[0].boolean())); }},
      {"nn.SiLU", "inplace=False", [](Args& a) { return bound(nn::SiLU(a[0].boolean())); }},
      {"nn.Mish", "inplace=False", [](Args& a) { return bound(nn::Mish(a[0].boolean())); }},
      {"nn.Hardswish", "inplace=False", [](Args& a) { return bound(nn::Hardswish(a[0].boolean())); }},
      {"nn.Hardsigmoid", "inplace=False", [](Args& a) { return bound(nn::Hardsigmoid(a[0].boolean())); }},
      {"nn.LeakyReLU", "negative_slope=0.01 inplace=False", [](Args& a) { return bound(nn::LeakyReLU(a[0], a[1])); }},
      {"nn.ELU", "alpha=1.0 inplace=False", [](Args& a) { return bound(nn::ELU(a[0], a[1])); }},
      {"nn.CELU", "alpha=1.0 inplace=False", [](Args& a) { return bound(nn::CELU(a[0], a[1])); }},
      {"nn.Hardtanh", "min_val=-1.0 max_val=1.0 inplace=False", [](Args& a) { return bound(nn::Hardtanh(a[0], a[1], a[2])); }},
      {"nn.Threshold", "threshold value inplace=False", [](Args& a) { return bound(nn::Threshold(a[0], a[1], a[2])); }},
      {"nn.Sigmoid", "*args", [](Args&) { return bound(nn::Sigmoid()); }},
      {"nn.Tanh", "*args", [](Args&) { return bound(nn::Tanh()); }},
      {"nn.Softsign", "*args", [](Args&) { return bound(nn::Softsign()); }},
      {"nn.Tanhshrink", "*args", [](Args&) { return bound(nn::Tanhshrink()); }},
      {"nn.LogSigmoid", "*args", [](Args&) { return bound(nn::LogSigmoid()); }},
      {"nn.Softplus", "beta=1.0 threshold=20.0", [](Args& a) { return bound(nn::Softplus(a[0], a[1])); }},
      {"nn.Softshrink", "lambd=0.5", [](Args& a) { return bound(nn::Softshrink(a[0].real())); }},
      {"nn.Hardshrink", "lambd=0.5", [](Args& a) { return bound(nn::Hardshrink(a[0].real())); }},
      {"nn.GELU", "approximate='none'", [](Args& a) { return bound(nn::GELU(a[0].text())); }},
      {"nn.GLU", "dim=-1", [](Args& a) { return bound(nn::GLU(a[0].integer())); }},
      {"nn.PReLU", "num_parameters=1 init=0.25", [](Args& a) { return bound(nn::PReLU(a[0], a[1])); }},
      {"nn.Softmax2d", "*args", [](Args&) { return bound(nn::Softmax2d()); }},
      {"nn.RReLU", "lower=0.125 upper=0.3333333333333333 inplace=False", [](Args& a) { return bound(nn::RReLU(a[0], a[1], a[2])); }},
      {"nn.Softmax", "dim=None", [](Args& a) { return by_dim<nn::Softmax>(a[0]); }},
      {"nn.Softmin", "dim=None", [](Args& a) { return by_dim<nn::Softmin>(a[0]); }},
      {"nn.LogSoftmax", "dim=None", [](Args& a) { return by_dim<nn::LogSoftmax>(a[0]); }},
  };
}

ModuleTable loss_modules() {
  return {
      {"nn.MSELoss", "size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::MSELoss(LossOptions{reduction_of(a[0], a[1], a[2])})); }},
      {"nn.L1Loss", "size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::L1Loss(LossOptions{reduction_of(a[0], a[1], a[2])})); }},
      {"nn.SoftMarginLoss", "size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::SoftMarginLoss(LossOptions{reduction_of(a[0], a[1], a[2])})); }},
      {"nn.SmoothL1Loss", "size_average=None reduce=None reduction='mean' beta=1.0",
       [](Args& a) { return bound(nn::SmoothL1Loss(SmoothL1LossOptions{reduction_of(a[0], a[1], a[2]), a[3]})); }},
      {"nn.HuberLoss", "reduction='mean' delta=1.0", [](Args& a) { return bound(nn::HuberLoss(HuberLossOptions{reduction_of(a[0].text()), a[1]})); }},
      {"nn.CrossEntropyLoss", "weight=None size_average=None ignore_index=-100 reduce=None reduction='mean' label_smoothing=0.0",
       [](Args& a) { return bound(nn::CrossEntropyLoss(CrossEntropyOptions{a[0], a[2], reduction_of(a[1], a[3], a[4]), a[5]})); }},
      {"nn.NLLLoss", "weight=None size_average=None ignore_index=-100 reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::NLLLoss(NllLossOptions{a[0], a[2], reduction_of(a[1], a[3], a[4])})); }},
      {"nn.BCELoss", "weight=None size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::BCELoss(BceLossOptions{a[0], reduction_of(a[1], a[2], a[3])})); }},
      {"nn.BCEWithLogitsLoss", "weight=None size_average=None reduce=None reduction='mean' pos_weight=None",
       [](Args& a) { return bound(nn::BCEWithLogitsLoss(BceWithLogitsLossOptions{a[0], reduction_of(a[1], a[2], a[3]), a[4]})); }},
      {"nn.KLDivLoss", "size_average=None reduce=None reduction='mean' log_target=False", kl_div_loss_of},
      {"nn.PoissonNLLLoss", "log_input=True full=False size_average=None eps=1e-8 reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::PoissonNLLLoss(PoissonNllLossOptions{a[0], a[1], a[3], reduction_of(a[2], a[4], a[5])})); }},
      {"nn.GaussianNLLLoss", "* full=False eps=1e-6 reduction='mean'", gaussian_nll_loss_of},
      {"nn.HingeEmbeddingLoss", "margin=1.0 size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::HingeEmbeddingLoss(MarginLossOptions{a[0], reduction_of(a[1], a[2], a[3])})); }},
      {"nn.MarginRankingLoss", "margin=0.0 size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::MarginRankingLoss(MarginLossOptions{a[0], reduction_of(a[1], a[2], a[3])})); }},
      {"nn.CosineEmbeddingLoss", "margin=0.0 size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::CosineEmbeddingLoss(MarginLossOptions{a[0], reduction_of(a[1], a[2], a[3])})); }},
      {"nn.TripletMarginLoss", "margin=1.0 p=2.0 eps=1e-6 swap=False size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::TripletMarginLoss(TripletMarginLossOptions{a[0], a[1], a[2], a[3], reduction_of(a[4], a[5], a[6])})); }},
      {"nn.MultiMarginLoss", "p=1 margin=1.0 weight=None size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::MultiMarginLoss(MultiMarginLossOptions{a[0], a[1], a[2], reduction_of(a[3], a[4], a[5])})); }},
      {"nn.MultiLabelMarginLoss", "size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::MultiLabelMarginLoss(LossOptions{reduction_of(a[0], a[1], a[2])})); }},
      {"nn.MultiLabelSoftMarginLoss", "weight=None size_average=None reduce=None reduction='mean'",
       [](Args& a) { return bound(nn::MultiLabelSoftMarginLoss(MultilabelSoftMarginLossOptions{a[0], reduction_of(a[1], a[2], a[3])})); }},
      {"nn.TripletMarginWithDistanceLoss", "* distance_function=~None margin=1.0 swap=False reduction='mean'",
       [](Args& a) {
         return bound(nn::TripletMarginWithDistanceLoss(TripletMarginWithDistanceLossOptions{{}, a[1], a[2], reduction_of(a[3].text())}));
       }},
      {"nn.PairwiseDistance", "p=2.0 eps=1e-6 keepdim=False", [](Args& a) { return bound(nn::PairwiseDistance(a[0], a[1], a[2])); }},
      {"nn.CosineSimilarity", "dim=1 eps=1e-8", [](Args& a) { return bound(nn::CosineSimilarity(a[0], a[1])); }},
  };
}

}  // namespace ember::parity
