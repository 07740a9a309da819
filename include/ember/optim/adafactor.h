// Adafactor and Muon: methods that see a parameter as a matrix. As torch.optim.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct AdafactorOptions {
  double lr = 1e-2, beta2_decay = -0.8;
  Pair eps = {kDefault, 1e-3};  ///< the first left out: that of the parameter's type
  double d = 1.0;               ///< updates of a larger root mean square are scaled down to it
  double weight_decay = 0;
  bool maximize = false;
};

template <>
OptimizerWith<AdafactorOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdafactorOptions options);
/// Shazeer, Stern 2018: Adam without momentum whose second moment of a matrix is kept as the means of its rows and columns (states
/// "row_var", "col_var"; "variance" of a vector), and whose rate follows the size of the parameter. In a group setting eps is `epsilons`.
class Adafactor : public OptimizerWith<AdafactorOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct MuonOptions {
  double lr = 1e-3, weight_decay = 0.1, momentum = 0.95;
  bool nesterov = true;
  Triple ns_coefficients = {3.4445, -4.7750, 2.0315};
  double eps = 1e-7;
  int64_t ns_steps = 5;
  std::string adjust_lr_fn = {};  ///< "original" (as when left out) or "match_rms_adamw"
};

template <>
OptimizerWith<MuonOptions>::OptimizerWith(std::vector<ParamGroup> groups, MuonOptions options);
/// Jordan 2024: the averaged gradient of a matrix is replaced by a nearly orthogonal one with the same row and column spaces, by
/// ns_steps Newton-Schulz iterations in bfloat16. For matrices of hidden layers; others throw ValueError "Muon only supports 2D
/// parameters".
class Muon : public OptimizerWith<MuonOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

}  // namespace ember::optim
