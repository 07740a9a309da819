// Are the gradients right? Compares what backward gives with finite differences. As torch.autograd.gradcheck and gradgradcheck.
#pragma once

#include <ember/autograd.h>

namespace ember::autograd {

struct GradcheckOptions {
  double eps = 1e-6;  ///< step of the central differences
  double atol = 1e-5;
  double rtol = 1e-3;
  bool raise_exception = true;  ///< otherwise false is returned
  unsigned seed = 0;            ///< of the random cotangents
};

using GradcheckFunction = Callback<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// Compares the whole Jacobian of `function` at `inputs` with central differences, for every floating input that requires grad
/// (float64: the differences need the digits). Throws RuntimeError "Jacobian mismatch for output 0 with respect to input 1, ..."
/// with the worst place.
bool gradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

/// gradcheck of the gradient itself, with random cotangents that are inputs too: is backward differentiable, and rightly so?
bool gradgradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace ember::autograd
