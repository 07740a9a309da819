// Normalisation: over the batch, over groups of channels, over the last dimensions. As the functions of the same names in
// torch.nn.functional.
#pragma once

#include <ember/ops/then.h>

namespace ember {

/// y = (x - mean) / sqrt(var + eps) * weight + bias in each channel.
///
/// Shapes: x (N, C, *) -> the same, in the same memory layout (row-major or channels-last). weight, bias, running_mean and
/// running_var (C); each may be undefined. In training, mean and (biased) variance are those of the batch, over N and *, and the
/// running statistics move: r = (1 - momentum) r + momentum * batch, where running_var gets the unbiased variance. Otherwise the
/// running statistics take their place, and both must be defined.
/// Throws, before anything changes: ValueError "Expected more than 1 value per channel when training, got input size
/// torch.Size([1, 3])", ValueError "batch_norm eps must be positive during training, but got 0.0", RuntimeError "running_mean
/// should contain 5 elements not 3", "running_mean must be defined in evaluation mode".
/// Ioffe & Szegedy 2015. As torch.nn.functional.batch_norm.
/// Of a tail without a norm of its own, an addend and a ReLU run in the same pass over memory, and in training, for channels-last images, a
/// ReLU and pooling: what is normalised then never leaves the cache.
Tensor batch_norm(const Tensor& x, const OptionalTensor& running_mean, const OptionalTensor& running_var, const OptionalTensor& weight = {},
                  const OptionalTensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5, const Then& then = {});

/// The pure operation: the result and the statistics of the batch, nothing moved.
struct BatchNormResult {
  Tensor y;       ///< as x
  Tensor mean;    ///< (C), without history, as the next two
  Tensor invstd;  ///< (C), 1 / sqrt(biased variance + eps)
  Tensor var;     ///< (C), the unbiased variance
};
/// As batch_norm in training.
BatchNormResult batch_norm_train(const Tensor& x, const OptionalTensor& weight = {}, const OptionalTensor& bias = {}, double eps = 1e-5);

/// Normalises over the last dimensions, whose sizes are normalized_shape; so are those of weight and bias, where there are any.
/// Throws RuntimeError "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 3]".
/// Ba, Kiros & Hinton 2016.
Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const OptionalTensor& weight = {}, const OptionalTensor& bias = {},
                  double eps = 1e-5);

/// Normalises each of num_groups groups of channels of each sample of x (N, C, *). weight and bias (C).
/// Throws RuntimeError when the groups do not divide the channels. Wu & He 2018.
Tensor group_norm(const Tensor& x, int64_t num_groups, const OptionalTensor& weight = {}, const OptionalTensor& bias = {}, double eps = 1e-5);

/// Batch norm of each sample by itself: over the positions of each channel of x (N, C, *). With use_input_stats the running statistics,
/// where given, move towards the average of the samples'; without it they are used. Ulyanov, Vedaldi & Lempitsky 2016.
/// Throws ValueError "Expected more than 1 spatial element when training, got input size torch.Size([2, 3, 1])".
Tensor instance_norm(const Tensor& x, const OptionalTensor& running_mean = {}, const OptionalTensor& running_var = {},
                     const OptionalTensor& weight = {}, const OptionalTensor& bias = {}, bool use_input_stats = true, double momentum = 0.1,
                     double eps = 1e-5);

/// x / sqrt(mean(x^2) + eps) * weight over the last dimensions. An eps of -1 is the dtype's epsilon. Zhang & Sennrich 2019.
Tensor rms_norm(const Tensor& x, IntArrayRef normalized_shape, const OptionalTensor& weight = {}, double eps = -1);

/// x / (k + alpha times the mean of x^2 over `size` neighbouring channels)^beta of x (N, C, *). Krizhevsky, Sutskever & Hinton 2012.
Tensor local_response_norm(const Tensor& x, int64_t size, double alpha = 1e-4, double beta = 0.75, double k = 1);

/// x / max(|x|_p, eps) along dim.
Tensor normalize(const Tensor& x, double p = 2, int64_t dim = 1, double eps = 1e-12);

}  // namespace ember
