// Gradients kept within bounds, parameters as one vector. As torch.nn.utils.
#pragma once

#include <ember/tensor.h>

namespace ember::optim {

struct ClipGradNormOptions {
  double norm_type = 2;
  bool error_if_nonfinite = false;
};
/// Scales all gradients so that their norm, taken as one vector, is at most max_norm. Returns the norm before. Parameters without a
/// gradient do not count.
Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, ClipGradNormOptions options = {});
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);  ///< each element into [-clip_value, clip_value]

Tensor parameters_to_vector(const std::vector<Tensor>& parameters);
void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters);

}  // namespace ember::optim
