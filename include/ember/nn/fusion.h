// A convolution or linear layer and the batch norm behind it as one layer, for evaluation. As torch.nn.utils.fusion.
#pragma once

#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/linear.h>

namespace ember::nn::utils {

struct FusedParameters {
  Tensor weight, bias;
};

/// W' = W gamma / sqrt(running_var + eps) along the outputs, b' = (b - running_mean) gamma / sqrt(running_var + eps) + beta, in the dtypes
/// of W and b. Undefined stands for PyTorch's None: no bias, gamma 1, beta 0. `transpose`: W (in, out / groups, ...) of a transposed convolution.
FusedParameters fuse_conv_bn_weights(const Tensor& conv_w, const Tensor& conv_b, const Tensor& bn_rm, const Tensor& bn_rv, double bn_eps,
                                     const Tensor& bn_w, const Tensor& bn_b, bool transpose = false);
FusedParameters fuse_linear_bn_weights(const Tensor& linear_w, const Tensor& linear_b, const Tensor& bn_rm, const Tensor& bn_rv, double bn_eps,
                                       const Tensor& bn_w, const Tensor& bn_b);

/// A layer of its own that computes bn(conv(x)) as it is in evaluation; it shares no memory with them and draws no random number. The
/// values differ by rounding. (nn::Sequential runs the two in one pass without this, and with the same bits.)
/// Throws RuntimeError "Fusion only for eval!" for modules in training, and for a batch norm without running statistics.
Conv1d fuse_conv_bn_eval(const Conv1d& conv, const BatchNormBase& bn);
Conv2d fuse_conv_bn_eval(const Conv2d& conv, const BatchNormBase& bn);
Conv3d fuse_conv_bn_eval(const Conv3d& conv, const BatchNormBase& bn);
ConvTranspose1d fuse_conv_bn_eval(const ConvTranspose1d& conv, const BatchNormBase& bn);
ConvTranspose2d fuse_conv_bn_eval(const ConvTranspose2d& conv, const BatchNormBase& bn);
ConvTranspose3d fuse_conv_bn_eval(const ConvTranspose3d& conv, const BatchNormBase& bn);
Linear fuse_linear_bn_eval(const Linear& linear, const BatchNormBase& bn);

}  // namespace ember::nn::utils
