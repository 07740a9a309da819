// How each layer of the library is made again, for copies.
#include "nn/layers.h"

#include <ember/nn/activation.h>
#include <ember/nn/attention.h>
#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/ctc_loss.h>
#include <ember/nn/dropout.h>
#include <ember/nn/embedding_bag.h>
#include <ember/nn/linear.h>
#include <ember/nn/loss.h>
#include <ember/nn/norm.h>
#include <ember/nn/parameters.h>
#include <ember/nn/pool.h>
#include <ember/nn/rnn.h>
#include <ember/nn/sequential.h>
#include <ember/nn/shape.h>
#include <ember/nn/transformer.h>

namespace ember::nn {

static BatchNormOptions options_of(const BatchNormBase& norm) {
  return {norm.eps, norm.momentum, norm.weight.defined(), norm.track_running_stats, norm.bias.defined()};
}

// clang-format off: a line a layer, read as a table
ReLU ReLU::clone() const { return copy_of([&] { return ReLU(inplace); }); }
ReLU6 ReLU6::clone() const { return copy_of([&] { return ReLU6(inplace); }); }
LeakyReLU LeakyReLU::clone() const { return copy_of([&] { return LeakyReLU(negative_slope, inplace); }); }
ELU ELU::clone() const { return copy_of([&] { return ELU(alpha, inplace); }); }
SELU SELU::clone() const { return copy_of([&] { return SELU(inplace); }); }
CELU CELU::clone() const { return copy_of([&] { return CELU(alpha, inplace); }); }
SiLU SiLU::clone() const { return copy_of([&] { return SiLU(inplace); }); }
Mish Mish::clone() const { return copy_of([&] { return Mish(inplace); }); }
Hardswish Hardswish::clone() const { return copy_of([&] { return Hardswish(inplace); }); }
Hardsigmoid Hardsigmoid::clone() const { return copy_of([&] { return Hardsigmoid(inplace); }); }
Hardtanh Hardtanh::clone() const { return copy_of([&] { return Hardtanh(min_val, max_val, inplace); }); }
Threshold Threshold::clone() const { return copy_of([&] { return Threshold(threshold, value, inplace); }); }
Sigmoid Sigmoid::clone() const { return copy_of([] { return Sigmoid(); }); }
Tanh Tanh::clone() const { return copy_of([] { return Tanh(); }); }
Softsign Softsign::clone() const { return copy_of([] { return Softsign(); }); }
Tanhshrink Tanhshrink::clone() const { return copy_of([] { return Tanhshrink(); }); }
LogSigmoid LogSigmoid::clone() const { return copy_of([] { return LogSigmoid(); }); }
Softplus Softplus::clone() const { return copy_of([&] { return Softplus(beta, threshold); }); }
Softshrink Softshrink::clone() const { return copy_of([&] { return Softshrink(lambd); }); }
Hardshrink Hardshrink::clone() const { return copy_of([&] { return Hardshrink(lambd); }); }
GELU GELU::clone() const { return copy_of([&] { return GELU(approximate); }); }
GLU GLU::clone() const { return copy_of([&] { return GLU(dim); }); }
Softmax Softmax::clone() const { return copy_of([&] { return Softmax(dim); }); }
Softmin Softmin::clone() const { return copy_of([&] { return Softmin(dim); }); }
LogSoftmax LogSoftmax::clone() const { return copy_of([&] { return LogSoftmax(dim); }); }
PReLU PReLU::clone() const { return copy_of([&] { return PReLU(weight.numel()); }); }
Conv1d Conv1d::clone() const { return copy_of([&] { return Conv1d(in_channels, out_channels, kernel_size, options); }); }
Conv2d Conv2d::clone() const { return copy_of([&] { return Conv2d(in_channels, out_channels, kernel_size, options); }); }
ConvTranspose1d ConvTranspose1d::clone() const { return copy_of([&] { return ConvTranspose1d(in_channels, out_channels, kernel_size, options); }); }
ConvTranspose2d ConvTranspose2d::clone() const { return copy_of([&] { return ConvTranspose2d(in_channels, out_channels, kernel_size, options); }); }
Dropout Dropout::clone() const { return copy_of([&] { return Dropout(p, inplace); }); }
Dropout1d Dropout1d::clone() const { return copy_of([&] { return Dropout1d(p, inplace); }); }
Dropout2d Dropout2d::clone() const { return copy_of([&] { return Dropout2d(p, inplace); }); }
AlphaDropout AlphaDropout::clone() const { return copy_of([&] { return AlphaDropout(p, inplace); }); }
Linear Linear::clone() const { return copy_of([&] { return Linear(in_features, out_features, {.bias = bias.defined()}); }); }
Identity Identity::clone() const { return copy_of([] { return Identity(); }); }
MSELoss MSELoss::clone() const { return copy_of([&] { return MSELoss(options); }); }
L1Loss L1Loss::clone() const { return copy_of([&] { return L1Loss(options); }); }
SmoothL1Loss SmoothL1Loss::clone() const { return copy_of([&] { return SmoothL1Loss(options); }); }
HuberLoss HuberLoss::clone() const { return copy_of([&] { return HuberLoss(options); }); }
KLDivLoss KLDivLoss::clone() const { return copy_of([&] { return KLDivLoss(options); }); }
PoissonNLLLoss PoissonNLLLoss::clone() const { return copy_of([&] { return PoissonNLLLoss(options); }); }
SoftMarginLoss SoftMarginLoss::clone() const { return copy_of([&] { return SoftMarginLoss(options); }); }
HingeEmbeddingLoss HingeEmbeddingLoss::clone() const { return copy_of([&] { return HingeEmbeddingLoss(options); }); }
CrossEntropyLoss CrossEntropyLoss::clone() const { return copy_of([&] { return CrossEntropyLoss(options); }); }
NLLLoss NLLLoss::clone() const { return copy_of([&] { return NLLLoss(options); }); }
BCELoss BCELoss::clone() const { return copy_of([&] { return BCELoss(options); }); }
BCEWithLogitsLoss BCEWithLogitsLoss::clone() const { return copy_of([&] { return BCEWithLogitsLoss(options); }); }
GaussianNLLLoss GaussianNLLLoss::clone() const { return copy_of([&] { return GaussianNLLLoss(options); }); }
MarginRankingLoss MarginRankingLoss::clone() const { return copy_of([&] { return MarginRankingLoss(options); }); }
CosineEmbeddingLoss CosineEmbeddingLoss::clone() const { return copy_of([&] { return CosineEmbeddingLoss(options); }); }
TripletMarginLoss TripletMarginLoss::clone() const { return copy_of([&] { return TripletMarginLoss(options); }); }
CosineSimilarity CosineSimilarity::clone() const { return copy_of([&] { return CosineSimilarity(dim, eps); }); }
LayerNorm LayerNorm::clone() const { return copy_of([&] { return LayerNorm(normalized_shape, {.eps = eps, .elementwise_affine = weight.defined(), .bias = bias.defined()}); }); }
GroupNorm GroupNorm::clone() const { return copy_of([&] { return GroupNorm(num_groups, num_channels, {.eps = eps, .affine = weight.defined(), .bias = bias.defined()}); }); }
RMSNorm RMSNorm::clone() const { return copy_of([&] { return RMSNorm(normalized_shape, {.eps = eps, .elementwise_affine = weight.defined()}); }); }
InstanceNorm1d InstanceNorm1d::clone() const { return copy_of([&] { return InstanceNorm1d(num_features, options); }); }
InstanceNorm2d InstanceNorm2d::clone() const { return copy_of([&] { return InstanceNorm2d(num_features, options); }); }
// clang-format on
BatchNorm1d BatchNorm1d::clone() const {
  return copy_of([&] {
    BatchNorm1d made(num_features, options_of(*this));
    made.synchronise(over_ranks_);
    return made;
  });
}
BatchNorm2d BatchNorm2d::clone() const {
  return copy_of([&] {
    BatchNorm2d made(num_features, options_of(*this));
    made.synchronise(over_ranks_);
    return made;
  });
}
BatchNorm3d BatchNorm3d::clone() const {
  return copy_of([&] {
    BatchNorm3d made(num_features, options_of(*this));
    made.synchronise(over_ranks_);
    return made;
  });
}
// clang-format off: a line a layer, read as a table
MaxPool1d MaxPool1d::clone() const { return copy_of([&] { return MaxPool1d(kernel_size, options); }); }
MaxPool2d MaxPool2d::clone() const { return copy_of([&] { return MaxPool2d(kernel_size, options); }); }
MaxUnpool2d MaxUnpool2d::clone() const { return copy_of([&] { return MaxUnpool2d(kernel_size, options); }); }
AvgPool1d AvgPool1d::clone() const { return copy_of([&] { return AvgPool1d(kernel_size, options); }); }
AvgPool2d AvgPool2d::clone() const { return copy_of([&] { return AvgPool2d(kernel_size, options); }); }
AdaptiveAvgPool1d AdaptiveAvgPool1d::clone() const { return copy_of([&] { return AdaptiveAvgPool1d(output_size); }); }
AdaptiveAvgPool2d AdaptiveAvgPool2d::clone() const { return copy_of([&] { return AdaptiveAvgPool2d(output_size); }); }
AdaptiveMaxPool2d AdaptiveMaxPool2d::clone() const { return copy_of([&] { return AdaptiveMaxPool2d(output_size); }); }
Flatten Flatten::clone() const { return copy_of([&] { return Flatten(start_dim, end_dim); }); }
Unflatten Unflatten::clone() const { return copy_of([&] { return Unflatten(dim, sizes); }); }
ZeroPad2d ZeroPad2d::clone() const { return copy_of([&] { return ZeroPad2d(padding); }); }
ConstantPad2d ConstantPad2d::clone() const { return copy_of([&] { return ConstantPad2d(padding, value); }); }
ReflectionPad2d ReflectionPad2d::clone() const { return copy_of([&] { return ReflectionPad2d(padding); }); }
ReplicationPad2d ReplicationPad2d::clone() const { return copy_of([&] { return ReplicationPad2d(padding); }); }
CircularPad2d CircularPad2d::clone() const { return copy_of([&] { return CircularPad2d(padding); }); }
PixelShuffle PixelShuffle::clone() const { return copy_of([&] { return PixelShuffle(upscale_factor); }); }
Upsample Upsample::clone() const { return copy_of([&] { return Upsample(options); }); }
Unfold Unfold::clone() const { return copy_of([&] { return Unfold(kernel_size, options); }); }
Fold Fold::clone() const { return copy_of([&] { return Fold(output_size, kernel_size, options); }); }
Embedding Embedding::clone() const { return copy_of([&] { return Embedding(num_embeddings, embedding_dim, options); }); }
Sequential Sequential::clone() const { return copy_of([] { return Sequential(); }); }
ModuleList ModuleList::clone() const { return copy_of([] { return ModuleList(); }); }
ModuleDict ModuleDict::clone() const { return copy_of([] { return ModuleDict(); }); }
FrozenBatchNorm2d FrozenBatchNorm2d::clone() const { return copy_of([&] { return FrozenBatchNorm2d(num_features, eps); }); }
// clang-format on

namespace {

template <class... Layers>
const detail::Copier* find_among(const std::type_info& type) {
  const detail::Copier* found = nullptr;
  ((type == typeid(Layers) ? void(found = &detail::kCopier<Layers>) : void()), ...);
  return found;
}

const detail::Copier* find(const std::type_info& type) {
  return find_among<ReLU, ReLU6, LeakyReLU, ELU, SELU, CELU, SiLU, Mish, Hardswish, Hardsigmoid, Hardtanh, Threshold, Sigmoid, Tanh, Softsign,
                    Tanhshrink, LogSigmoid, Softplus, Softshrink, Hardshrink, GELU, GLU, Softmax, Softmin, LogSoftmax, PReLU, Conv1d, Conv2d,
                    ConvTranspose1d, ConvTranspose2d, Dropout, Dropout1d, Dropout2d, AlphaDropout, Linear, Identity, MSELoss, L1Loss, SmoothL1Loss,
                    HuberLoss, KLDivLoss, PoissonNLLLoss, SoftMarginLoss, HingeEmbeddingLoss, CrossEntropyLoss, NLLLoss, BCELoss, BCEWithLogitsLoss,
                    GaussianNLLLoss, MarginRankingLoss, CosineEmbeddingLoss, TripletMarginLoss, CosineSimilarity, LayerNorm, GroupNorm, RMSNorm,
                    InstanceNorm1d, InstanceNorm2d, BatchNorm1d, BatchNorm2d, BatchNorm3d, MaxPool1d, MaxPool2d, MaxUnpool2d, AvgPool1d, AvgPool2d,
                    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool2d, Flatten, Unflatten, ZeroPad2d, ConstantPad2d, ReflectionPad2d,
                    ReplicationPad2d, CircularPad2d, PixelShuffle, Upsample, Unfold, Fold, Embedding, Sequential, ModuleList, ModuleDict,
                    FrozenBatchNorm2d, RNN, LSTM, GRU, RNNCell, LSTMCell, GRUCell, MultiheadAttention, TransformerEncoderLayer,
                    TransformerDecoderLayer, TransformerEncoder, TransformerDecoder, Transformer, EmbeddingBag, CTCLoss, Conv3d, ConvTranspose3d,
                    MaxPool3d, MaxUnpool1d, MaxUnpool3d, AvgPool3d, LPPool1d, LPPool2d, LPPool3d, AdaptiveAvgPool3d, AdaptiveMaxPool1d,
                    AdaptiveMaxPool3d, Dropout3d, FeatureAlphaDropout, InstanceNorm3d, ZeroPad1d, ZeroPad3d, ConstantPad1d, ConstantPad3d,
                    ReflectionPad1d, ReflectionPad3d, ReplicationPad1d, ReplicationPad3d, CircularPad1d, CircularPad3d, Softmax2d, RReLU, Bilinear,
                    LocalResponseNorm, PixelUnshuffle, ChannelShuffle, UpsamplingNearest2d, UpsamplingBilinear2d, MultiMarginLoss,
                    MultiLabelMarginLoss, MultiLabelSoftMarginLoss, TripletMarginWithDistanceLoss, PairwiseDistance, ParameterList, ParameterDict>(
      type);
}

}  // namespace

void detail::know_layers() { copier_of_layer = find; }

}  // namespace ember::nn
