// Clipping of gradients, and parameters as one vector: torch.nn.utils.
#pragma once

#include <ember/tensor.h>

#include <vector>

namespace ember::nn::utils {

struct ClipOptions {
  double norm_type = 2;             ///< infinity: the largest absolute value
  bool error_if_nonfinite = false;  ///< throw RuntimeError instead of scaling by NaN or 0
};

/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), where norm is that of all gradients as one vector, and returns it.
/// Parameters without a gradient are skipped; without any the norm is 0.
Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, ClipOptions options = {});

struct NormOptions {
  double norm_type = 2;             ///< infinity: the largest absolute value
  bool error_if_nonfinite = false;  ///< throw RuntimeError for NaN and infinity
};
/// The norm of all tensors (as a rule gradients) as one vector; 0 of none.
Tensor get_total_norm(const std::vector<Tensor>& tensors, NormOptions options = {});

/// Limits each element of each gradient to [-clip_value, clip_value].
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);

/// All parameters one after the other: (n).
Tensor parameters_to_vector(const std::vector<Tensor>& parameters);

/// The way back: copies the parts of `vector` into the parameters.
void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters);

}  // namespace ember::nn::utils

namespace ember::optim {
using nn::utils::clip_grad_norm_;
using nn::utils::clip_grad_value_;
}  // namespace ember::optim
