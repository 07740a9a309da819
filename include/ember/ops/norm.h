// Normalisation. As the functions of the same names in torch.nn.functional.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// Ioffe & Szegedy 2015. Normalises each channel of x (N, C), (N, C, L), (N, C, H, W), ...: by the statistics of the batch when
/// `training` (and then moves running_mean and running_var, where given, towards them: new = (1 - momentum) old + momentum batch's,
/// the variance unbiased), by the running ones otherwise. weight and bias (C) may be undefined.
///
/// Throws ValueError "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])", RuntimeError
/// "running_mean should contain 5 elements not 3", ValueError for an eps that is not positive.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);

/// The pure operation under it: the result and the statistics of the batch, nothing moved.
struct BatchNormResult {
  Tensor y;        ///< as x
  Tensor mean;     ///< (C), without history
  Tensor squares;  ///< (C), sum of (x - mean)^2: over n it is the biased variance, over n - 1 the unbiased one
};
BatchNormResult batch_norm_train(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);

/// Normalises over the last dimensions, of sizes normalized_shape. Ba et al. 2016.
Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// Normalises groups of channels within each sample. Wu & He 2018. weight and bias (C).
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// Batch norm of each sample by itself: over the positions of a channel. Ulyanov et al. 2016.
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {}, const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5);
/// x / sqrt(mean(x^2) + eps) over the last dimensions; eps is the dtype's epsilon when not given (negative).
Tensor rms_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight = {}, double eps = -1);
/// x / max(|x|_p, eps) along dim.
Tensor normalize(const Tensor& x, double p = 2, int64_t dim = 1, double eps = 1e-12);

}  // namespace ember
