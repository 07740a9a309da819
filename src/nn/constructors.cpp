// Constructors of layers that only keep their arguments. In headers each of them takes a compiler as long as three layers without one.
#include <ember/nn/activation.h>
#include <ember/nn/dropout.h>
#include <ember/nn/loss.h>
#include <ember/nn/norm.h>
#include <ember/nn/pool.h>
#include <ember/nn/shape.h>

namespace ember::nn {

// --- activation
ReLU::ReLU(bool inplace) : inplace(inplace) {}
ReLU6::ReLU6(bool inplace) : inplace(inplace) {}
LeakyReLU::LeakyReLU(double negative_slope, bool inplace) : negative_slope(negative_slope), inplace(inplace) {}
ELU::ELU(double alpha, bool inplace) : alpha(alpha), inplace(inplace) {}
SELU::SELU(bool inplace) : inplace(inplace) {}
CELU::CELU(double alpha, bool inplace) : alpha(alpha), inplace(inplace) {}
SiLU::SiLU(bool inplace) : inplace(inplace) {}
Mish::Mish(bool inplace) : inplace(inplace) {}
Hardswish::Hardswish(bool inplace) : inplace(inplace) {}
Hardsigmoid::Hardsigmoid(bool inplace) : inplace(inplace) {}
Hardtanh::Hardtanh(double min_val, double max_val, bool inplace) : min_val(min_val), max_val(max_val), inplace(inplace) {}
Threshold::Threshold(double threshold, double value, bool inplace) : threshold(threshold), value(value), inplace(inplace) {}
Softplus::Softplus(double beta, double threshold) : beta(beta), threshold(threshold) {}
Softshrink::Softshrink(double lambd) : lambd(lambd) {}
Hardshrink::Hardshrink(double lambd) : lambd(lambd) {}
GELU::GELU(std::string approximate) : approximate(std::move(approximate)) {}
GLU::GLU(int64_t dim) : dim(dim) {}
Softmax::Softmax(int64_t dim) : dim(dim) {}
Softmin::Softmin(int64_t dim) : dim(dim) {}
LogSoftmax::LogSoftmax(int64_t dim) : dim(dim) {}
RReLU::RReLU(double lower, double upper, bool inplace) : lower(lower), upper(upper), inplace(inplace) {}

// --- dropout
Dropout::Dropout(double p, bool inplace) : DropoutBase(p, inplace) {}
Dropout1d::Dropout1d(double p, bool inplace) : DropoutBase(p, inplace) {}
Dropout2d::Dropout2d(double p, bool inplace) : DropoutBase(p, inplace) {}
Dropout3d::Dropout3d(double p, bool inplace) : DropoutBase(p, inplace) {}
FeatureAlphaDropout::FeatureAlphaDropout(double p, bool inplace) : DropoutBase(p, inplace) {}
AlphaDropout::AlphaDropout(double p, bool inplace) : DropoutBase(p, inplace) {}

// --- loss
HingeEmbeddingLoss::HingeEmbeddingLoss(MarginLossOptions options) : PairLoss(options) {}
GaussianNLLLoss::GaussianNLLLoss(GaussianNllLossOptions options) : options(options) {}
MarginRankingLoss::MarginRankingLoss(MarginLossOptions options) : options(options) {}
CosineEmbeddingLoss::CosineEmbeddingLoss(MarginLossOptions options) : options(options) {}
PairwiseDistance::PairwiseDistance(double p, double eps, bool keepdim) : p(p), eps(eps), keepdim(keepdim) {}
CosineSimilarity::CosineSimilarity(int64_t dim, double eps) : dim(dim), eps(eps) {}

// --- norm
LayerNorm::LayerNorm(int64_t normalized_shape, LayerNormOptions options) : LayerNorm(IntArrayRef(&normalized_shape, 1), options) {}
RMSNorm::RMSNorm(int64_t normalized_shape, RMSNormOptions options) : RMSNorm(IntArrayRef(&normalized_shape, 1), options) {}
LocalResponseNorm::LocalResponseNorm(int64_t size, double alpha, double beta, double k) : size(size), alpha(alpha), beta(beta), k(k) {}
InstanceNorm1d::InstanceNorm1d(int64_t num_features, InstanceNormOptions options) : InstanceNormBase(num_features, options) {}
InstanceNorm2d::InstanceNorm2d(int64_t num_features, InstanceNormOptions options) : InstanceNormBase(num_features, options) {}
InstanceNorm3d::InstanceNorm3d(int64_t num_features, InstanceNormOptions options) : InstanceNormBase(num_features, options) {}

// --- pool
MaxPool1d::MaxPool1d(ExpandingArray<1> kernel_size, MaxPoolOptions<1> options) : MaxPoolBase(kernel_size, options) {}
MaxPool2d::MaxPool2d(ExpandingArray<2> kernel_size, MaxPoolOptions<2> options) : MaxPoolBase(kernel_size, options) {}
MaxPool3d::MaxPool3d(ExpandingArray<3> kernel_size, MaxPoolOptions<3> options) : MaxPoolBase(kernel_size, options) {}
MaxUnpool1d::MaxUnpool1d(ExpandingArray<1> kernel_size, MaxUnpoolOptions<1> options) : MaxUnpoolBase(kernel_size, std::move(options)) {}
MaxUnpool2d::MaxUnpool2d(ExpandingArray<2> kernel_size, MaxUnpoolOptions<2> options) : MaxUnpoolBase(kernel_size, std::move(options)) {}
MaxUnpool3d::MaxUnpool3d(ExpandingArray<3> kernel_size, MaxUnpoolOptions<3> options) : MaxUnpoolBase(kernel_size, std::move(options)) {}
AvgPool1d::AvgPool1d(ExpandingArray<1> kernel_size, AvgPoolOptions<1> options) : AvgPoolBase(kernel_size, options) {}
AvgPool2d::AvgPool2d(ExpandingArray<2> kernel_size, AvgPoolOptions<2> options) : AvgPoolBase(kernel_size, options) {}
AvgPool3d::AvgPool3d(ExpandingArray<3> kernel_size, AvgPoolOptions<3> options) : AvgPoolBase(kernel_size, options) {}
LPPool1d::LPPool1d(double norm_type, ExpandingArray<1> kernel_size, LpPoolOptions<1> options) : LPPoolBase(norm_type, kernel_size, options) {}
LPPool2d::LPPool2d(double norm_type, ExpandingArray<2> kernel_size, LpPoolOptions<2> options) : LPPoolBase(norm_type, kernel_size, options) {}
LPPool3d::LPPool3d(double norm_type, ExpandingArray<3> kernel_size, LpPoolOptions<3> options) : LPPoolBase(norm_type, kernel_size, options) {}
AdaptiveAvgPool1d::AdaptiveAvgPool1d(ExpandingArray<1> output_size) : output_size(output_size) {}
AdaptiveAvgPool2d::AdaptiveAvgPool2d(ExpandingArray<2> output_size) : output_size(output_size) {}
AdaptiveAvgPool3d::AdaptiveAvgPool3d(ExpandingArray<3> output_size) : output_size(output_size) {}
AdaptiveMaxPool1d::AdaptiveMaxPool1d(ExpandingArray<1> output_size) : output_size(output_size) {}
AdaptiveMaxPool2d::AdaptiveMaxPool2d(ExpandingArray<2> output_size) : output_size(output_size) {}
AdaptiveMaxPool3d::AdaptiveMaxPool3d(ExpandingArray<3> output_size) : output_size(output_size) {}

// --- shape
Flatten::Flatten(int64_t start_dim, int64_t end_dim) : start_dim(start_dim), end_dim(end_dim) {}
Unflatten::Unflatten(int64_t dim, IntArrayRef sizes) : dim(dim), sizes(sizes.shape()) {}
ZeroPad1d::ZeroPad1d(ExpandingArray<2> padding) : PadBase(padding, PadMode::Constant) {}
ConstantPad1d::ConstantPad1d(ExpandingArray<2> padding, double value) : PadBase(padding, PadMode::Constant, value) {}
ReflectionPad1d::ReflectionPad1d(ExpandingArray<2> padding) : PadBase(padding, PadMode::Reflect) {}
ReplicationPad1d::ReplicationPad1d(ExpandingArray<2> padding) : PadBase(padding, PadMode::Replicate) {}
CircularPad1d::CircularPad1d(ExpandingArray<2> padding) : PadBase(padding, PadMode::Circular) {}
ZeroPad2d::ZeroPad2d(ExpandingArray<4> padding) : PadBase(padding, PadMode::Constant) {}
ConstantPad2d::ConstantPad2d(ExpandingArray<4> padding, double value) : PadBase(padding, PadMode::Constant, value) {}
ReflectionPad2d::ReflectionPad2d(ExpandingArray<4> padding) : PadBase(padding, PadMode::Reflect) {}
ReplicationPad2d::ReplicationPad2d(ExpandingArray<4> padding) : PadBase(padding, PadMode::Replicate) {}
CircularPad2d::CircularPad2d(ExpandingArray<4> padding) : PadBase(padding, PadMode::Circular) {}
ZeroPad3d::ZeroPad3d(ExpandingArray<6> padding) : PadBase(padding, PadMode::Constant) {}
ConstantPad3d::ConstantPad3d(ExpandingArray<6> padding, double value) : PadBase(padding, PadMode::Constant, value) {}
ReflectionPad3d::ReflectionPad3d(ExpandingArray<6> padding) : PadBase(padding, PadMode::Reflect) {}
ReplicationPad3d::ReplicationPad3d(ExpandingArray<6> padding) : PadBase(padding, PadMode::Replicate) {}
CircularPad3d::CircularPad3d(ExpandingArray<6> padding) : PadBase(padding, PadMode::Circular) {}
PixelShuffle::PixelShuffle(int64_t upscale_factor) : upscale_factor(upscale_factor) {}
PixelUnshuffle::PixelUnshuffle(int64_t downscale_factor) : downscale_factor(downscale_factor) {}
ChannelShuffle::ChannelShuffle(int64_t groups) : groups(groups) {}
Upsample::Upsample(InterpolateOptions options) : options(std::move(options)) {}
Unfold::Unfold(ExpandingArray<2> kernel_size, UnfoldOptions options) : kernel_size(kernel_size), options(options) {}
Fold::Fold(ExpandingArray<2> output_size, ExpandingArray<2> kernel_size, UnfoldOptions options)
    : output_size(output_size), kernel_size(kernel_size), options(options) {}

}  // namespace ember::nn
