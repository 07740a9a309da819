// Optimiser updates: one pass over a parameter, its gradient and its state.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

enum class OptimMethod : std::uint8_t { Sgd, Adam, Adamax, NAdam, RAdam, RMSprop, Adagrad, Adadelta, Count };

/// The numbers of one update. Scalars are rounded to the parameter's type where they meet it, as PyTorch does.
struct OptimRule {
  double lr = 0;            // of this step, bias correction included; RAdam keeps it apart
  double weight_decay = 0;  // added to the gradient as weight_decay * parameter
  double shrink = 1;        // decoupled decay: the parameter is multiplied by this first
  double momentum = 0, dampening = 0;
  double beta1 = 0, beta2 = 0;  // RMSprop's alpha and Adadelta's rho are beta2
  double eps = 0;
  double correction1 = 1, correction2 = 1;                 // of the two moments, as the method uses them
  double lr_momentum = 0;                                  // NAdam: the rate of the first moment beside that of the gradient
  double rectification = 0;                                // RAdam: 0 while the variance is not tractable
  bool maximize = false, nesterov = false, first = false;  // first: SGD's buffer takes the gradient as it is
  bool extra = false;                                      // Adam: amsgrad; RMSprop: centered
};

/// n elements of a parameter and what belongs to them; state buffers in the order of src/optim/*.cpp.
struct OptimRange {
  int64_t n;
  void* parameter;
  const void* gradient;
  void* state[3];
};

struct OptimKernels {
  void (*update[int(OptimMethod::Count)][2])(const OptimRange&, const OptimRule&);  // [1] for doubles
  double (*squares[2])(int64_t n, const void* x);                                   // sum of x * x, added in double
  void (*scale[2])(int64_t n, void* x, double factor);
};

}  // namespace ember::kernels
