// Convolutions in three dimensions, made of those in two.
#pragma once

#include <ember/ops/conv.h>

namespace ember {

/// x (N, C, D, H, W). Everything is checked, and the padding is numbers.
Tensor conv_volumes(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvOptions<3>& options);
Tensor conv_transpose_volumes(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvTransposeOptions<3>& options);

}  // namespace ember
