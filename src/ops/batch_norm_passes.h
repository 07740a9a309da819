// The passes of batch norm over memory, forward and backward.
#pragma once

#include <ember/tensor.h>

#include "kernels/norm/norm.h"

namespace ember {

/// How the channels of x lie in memory: each in runs of `length` numbers, or all side by side. Few channels side by side would leave
/// vectors half empty: `repeat` rows then count as one row of repeat * channels.
struct ChannelLayout {
  int64_t batch, channels, length, repeat = 1;
  bool side_by_side;

  explicit ChannelLayout(const Tensor& x);
  int64_t count() const { return batch * length; }  // numbers in a channel
  int64_t rows() const { return count() / repeat; }
  int64_t columns() const { return channels * repeat; }
  kernels::Planes planes() const { return {batch, length, channels * length}; }
  /// (N, C) of a batch that all threads can read: each takes some channels, the same in forward and backward and in the matrix products
  /// around, through all passes.
  bool by_channels() const { return length == 1 && repeat == 1 && batch <= 4096; }
  double work() const { return 2 * double(count()) * double(channels); }
};

struct BatchNormArguments {
  const Tensor &x, &running_mean, &running_var, &weight, &bias;
  double eps;
  bool training, relu;
  Tensor addend = {};  // of x's layout, or undefined; with it comes a ReLU
};

/// Rows of the block that a forward pass leaves behind: numbers per channel.
enum class BatchNormRow { Mean, Invstd, Scale, Shift, Variance, Count };

/// y and the block (Count, C) from x, which is not empty and has a layout that ChannelLayout knows. Variance is the unbiased one; it
/// is written in training only.
void batch_norm_forward(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block, const Tensor& y);

struct BatchNormGradients {
  Tensor x;     // undefined when nobody wants it
  Tensor sums;  // (2, C): dweight, dbias
  bool needs_sums;
};
/// With relu, dy counts as 0 where y was not above 0.
void batch_norm_backward(const ChannelLayout& at, const Tensor& x, const Tensor& block, const Tensor& dy, bool training, bool relu,
                         const BatchNormGradients& out);

/// batch_norm_forward in training with a ReLU, and max pooling by 2 x 2 behind it, of channels-last x: y (N, C, H / 2, W / 2) and the taps
/// of its windows.
void batch_norm_pool_forward(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block, const Tensor& y, const Tensor& taps);
void batch_norm_pool_backward(const ChannelLayout& at, const Tensor& x, const Tensor& block, const Tensor& dy, const Tensor& taps,
                              const BatchNormGradients& out);

}  // namespace ember
