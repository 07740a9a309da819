// Parameters that are computed from others: torch.nn.utils.parametrizations.
//
//   nn::Linear layer(20, 40);
//   nn::utils::parametrizations::weight_norm(layer);   // layer.weight = g v / |v|
//
// The layer's state has "parametrizations.weight.original0" in place of "weight", and these are what an optimiser made afterwards trains.
// The weight is computed at each call of the layer: between a step and the next call `layer.weight` is the one of the last call (PyTorch
// computes it whenever it is looked at). deep_copy refuses a layer with parametrizations.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn::utils {

namespace parametrizations {

struct SpectralNormOptions {
  int64_t n_power_iterations = 1;
  double eps = 1e-12;
  int64_t dim = INT64_MIN;  ///< the outputs; left out: 0, and 1 for transposed convolutions
};

/// Salimans, Kingma 2016: w = g v / |v|, with a norm for each index of `dim`; -1: of the whole weight. States "original0" (g) and
/// "original1" (v); keys of older files, weight_g and weight_v, are read as well. Throws ValueError where the module has no such
/// parameter, or has it parametrized already. Returns the module.
Module& weight_norm(Module& module, const std::string& name = "weight", int64_t dim = 0);

/// Miyato et al. 2018: W / sigma, sigma the largest singular value of W as a matrix, from n_power_iterations steps of the power method in
/// each call in training. States "original", and the vectors "0._u" and "0._v", which start as normal random numbers and 15 steps.
Module& spectral_norm(Module& module, const std::string& name = "weight", SpectralNormOptions options = {});

}  // namespace parametrizations

namespace parametrize {

bool is_parametrized(const Module& module, const std::string& name = "");  ///< without a name: is any parameter?

/// Makes the parameter one of the module's own again: with the value that it was computed to, or (leave_parametrized false) with that of
/// its original. Throws ValueError where it is not parametrized, and for the originals of weight_norm, which are two.
void remove_parametrizations(Module& module, const std::string& name, bool leave_parametrized = true);

}  // namespace parametrize

}  // namespace ember::nn::utils
