// Neighbouring modules as one pass over memory. nn::Sequential takes these by itself; a network with a forward of its own may call them.
// Each gives the bits of the modules called one by one, and does call them one by one where somebody watches: a hook on one of them, a
// ForwardObserver, anomaly mode.
#pragma once

#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>

namespace ember::nn {

/// relu(norm(conv(x))). In evaluation without gradients the convolution applies all of it to its results on their way into memory.
Tensor conv_norm_relu(Conv2d& conv, BatchNorm2d& norm, const Tensor& x);
/// relu(norm(conv(x)) + addend), the end of a residual block.
Tensor conv_norm_add_relu(Conv2d& conv, BatchNorm2d& norm, const Tensor& x, const Tensor& addend);

}  // namespace ember::nn
