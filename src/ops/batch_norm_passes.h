// The passes of batch norm over tensors: their layouts, and what a forward pass leaves behind for the backward.
#pragma once

#include <ember/autograd.h>

#include "kernels/norm/batch_norm.h"
#include "ops/batch_norm_checks.h"

namespace ember {

/// What a forward pass leaves behind is kernels::BatchNormBlock as a tensor (5, C): its rows by number.
enum class BatchNormRow { Mean, Invstd, Scale, Shift, Variance };
Tensor row_of(const Tensor& block, BatchNormRow row);

/// x where its layout is one that the loops know, else a row-major copy.
inline Tensor known_layout(const Tensor& x) { return x.is_contiguous() || x.is_contiguous(MemoryFormat::ChannelsLast) ? x : x.contiguous(); }
inline kernels::ChannelLayout layout_of(const Tensor& x) {
  return {x.sizes()[0], x.sizes()[1], x.numel() / (x.sizes()[0] * x.sizes()[1]), !x.is_contiguous()};
}

/// Fills y and returns the block. x and the addend are those of `in`, laid out as y. With taps y has the largest of each window of 2 x 2, and taps
/// which.
Tensor batch_norm_forward(const kernels::ChannelLayout& at, const BatchNormArguments& in, const Tensor& x, const Tensor& addend, const Tensor& y,
                          const Tensor& taps = {});

/// The gradients of x, weight and bias, the inputs 0, 1 and 2. With taps dy is that of the windows.
void batch_norm_backward(const kernels::ChannelLayout& at, const Tensor& x, const Tensor& block, const Tensor& dy, bool training, bool relu,
                         Grads& grads, const Tensor& taps = {});

/// Moves running statistics towards those of the block. Like PyTorch's kernel this does not count as a write in place.
void move_running(const Tensor& running, const Tensor& block, BatchNormRow row, double momentum);

}  // namespace ember
