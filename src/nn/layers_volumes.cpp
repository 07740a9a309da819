// How the layers of volumes, and what else came with them, are made again, for copies.
#include <ember/nn/activation.h>
#include <ember/nn/conv.h>
#include <ember/nn/dropout.h>
#include <ember/nn/linear.h>
#include <ember/nn/loss.h>
#include <ember/nn/norm.h>
#include <ember/nn/pool.h>
#include <ember/nn/shape.h>

namespace ember::nn {

// clang-format off: a line a layer, read as a table
Conv3d Conv3d::clone() const { return copy_of([&] { return Conv3d(in_channels, out_channels, kernel_size, options); }); }
ConvTranspose3d ConvTranspose3d::clone() const { return copy_of([&] { return ConvTranspose3d(in_channels, out_channels, kernel_size, options); }); }
MaxPool3d MaxPool3d::clone() const { return copy_of([&] { return MaxPool3d(kernel_size, options); }); }
AvgPool3d AvgPool3d::clone() const { return copy_of([&] { return AvgPool3d(kernel_size, options); }); }
MaxUnpool1d MaxUnpool1d::clone() const { return copy_of([&] { return MaxUnpool1d(kernel_size, options); }); }
MaxUnpool3d MaxUnpool3d::clone() const { return copy_of([&] { return MaxUnpool3d(kernel_size, options); }); }
LPPool1d LPPool1d::clone() const { return copy_of([&] { return LPPool1d(norm_type, kernel_size, options); }); }
LPPool2d LPPool2d::clone() const { return copy_of([&] { return LPPool2d(norm_type, kernel_size, options); }); }
LPPool3d LPPool3d::clone() const { return copy_of([&] { return LPPool3d(norm_type, kernel_size, options); }); }
AdaptiveAvgPool3d AdaptiveAvgPool3d::clone() const { return copy_of([&] { return AdaptiveAvgPool3d(output_size); }); }
AdaptiveMaxPool1d AdaptiveMaxPool1d::clone() const { return copy_of([&] { return AdaptiveMaxPool1d(output_size); }); }
AdaptiveMaxPool3d AdaptiveMaxPool3d::clone() const { return copy_of([&] { return AdaptiveMaxPool3d(output_size); }); }
Dropout3d Dropout3d::clone() const { return copy_of([&] { return Dropout3d(p, inplace); }); }
FeatureAlphaDropout FeatureAlphaDropout::clone() const { return copy_of([&] { return FeatureAlphaDropout(p, inplace); }); }
InstanceNorm3d InstanceNorm3d::clone() const { return copy_of([&] { return InstanceNorm3d(num_features, options); }); }
ZeroPad1d ZeroPad1d::clone() const { return copy_of([&] { return ZeroPad1d(padding); }); }
ConstantPad1d ConstantPad1d::clone() const { return copy_of([&] { return ConstantPad1d(padding, value); }); }
ReflectionPad1d ReflectionPad1d::clone() const { return copy_of([&] { return ReflectionPad1d(padding); }); }
ReplicationPad1d ReplicationPad1d::clone() const { return copy_of([&] { return ReplicationPad1d(padding); }); }
CircularPad1d CircularPad1d::clone() const { return copy_of([&] { return CircularPad1d(padding); }); }
ZeroPad3d ZeroPad3d::clone() const { return copy_of([&] { return ZeroPad3d(padding); }); }
ConstantPad3d ConstantPad3d::clone() const { return copy_of([&] { return ConstantPad3d(padding, value); }); }
ReflectionPad3d ReflectionPad3d::clone() const { return copy_of([&] { return ReflectionPad3d(padding); }); }
ReplicationPad3d ReplicationPad3d::clone() const { return copy_of([&] { return ReplicationPad3d(padding); }); }
CircularPad3d CircularPad3d::clone() const { return copy_of([&] { return CircularPad3d(padding); }); }
Softmax2d Softmax2d::clone() const { return copy_of([] { return Softmax2d(); }); }
RReLU RReLU::clone() const { return copy_of([&] { return RReLU(lower, upper, inplace); }); }
Bilinear Bilinear::clone() const { return copy_of([&] { return Bilinear(in1_features, in2_features, out_features, {.bias = bias.defined()}); }); }
LocalResponseNorm LocalResponseNorm::clone() const { return copy_of([&] { return LocalResponseNorm(size, alpha, beta, k); }); }
PixelUnshuffle PixelUnshuffle::clone() const { return copy_of([&] { return PixelUnshuffle(downscale_factor); }); }
ChannelShuffle ChannelShuffle::clone() const { return copy_of([&] { return ChannelShuffle(groups); }); }
UpsamplingNearest2d UpsamplingNearest2d::clone() const { return copy_of([&] { return UpsamplingNearest2d(options); }); }
UpsamplingBilinear2d UpsamplingBilinear2d::clone() const { return copy_of([&] { return UpsamplingBilinear2d(options); }); }
MultiMarginLoss MultiMarginLoss::clone() const { return copy_of([&] { return MultiMarginLoss(options); }); }
MultiLabelMarginLoss MultiLabelMarginLoss::clone() const { return copy_of([&] { return MultiLabelMarginLoss(options); }); }
MultiLabelSoftMarginLoss MultiLabelSoftMarginLoss::clone() const { return copy_of([&] { return MultiLabelSoftMarginLoss(options); }); }
TripletMarginWithDistanceLoss TripletMarginWithDistanceLoss::clone() const { return copy_of([&] { return TripletMarginWithDistanceLoss(options); }); }
PairwiseDistance PairwiseDistance::clone() const { return copy_of([&] { return PairwiseDistance(p, eps, keepdim); }); }
// clang-format on

}  // namespace ember::nn
