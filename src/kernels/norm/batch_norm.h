// Batch norm of a whole batch, forward and backward, on all threads.
#pragma once

#include "kernels/norm/norm.h"

namespace ember::kernels {

/// How the channels of x lie in memory: each in runs of `length` numbers, or all side by side. Few channels side by side would leave
/// vectors half empty: `repeat` rows then count as one row of repeat * channels.
struct ChannelLayout {
  int64_t batch, channels, length, repeat = 1;
  bool side_by_side;

  /// Of (N, C, *) with `length` numbers of a channel in a sample, row-major or, side by side, with the channels innermost.
  ChannelLayout(int64_t batch, int64_t channels, int64_t length, bool channels_last);
  int64_t count() const { return batch * length; }  // numbers in a channel
  int64_t numel() const { return count() * channels; }
  int64_t rows() const { return count() / repeat; }
  int64_t columns() const { return channels * repeat; }
  Planes planes() const { return {batch, length, channels * length}; }
  /// (N, C) of a batch that all threads can read: each takes some channels, the same in forward and backward and in the matrix products
  /// around, through all passes.
  bool by_channels() const { return length == 1 && repeat == 1 && batch <= 4096; }
  double work() const { return 2 * double(count()) * double(channels); }
};

/// What a forward pass leaves behind: five rows of numbers per channel. var is the unbiased one, written in training only.
template <class T>
struct BatchNormBlock {
  static constexpr int64_t kRows = 5;
  T *mean, *invstd, *scale, *shift, *var;
  BatchNormBlock(T* rows, int64_t channels)
      : mean(rows), invstd(rows + channels), scale(rows + 2 * channels), shift(rows + 3 * channels), var(rows + 4 * channels) {}
};

/// Null weight is 1, null bias 0, null addend nothing; the running statistics are read in evaluation.
template <class T>
struct BatchNormInputs {
  const T *x, *running_mean, *running_var, *weight, *bias, *addend;
  double eps;
  bool training, relu;
};

/// y and the block from x, which is not empty. The addend is laid out as x.
template <class T>
void batch_norm_forward(const ChannelLayout& at, const BatchNormInputs<T>& in, BatchNormBlock<T> block, T* y);

/// dx may be null. dweight and dbias are written where `needs_sums` or in training.
template <class T>
struct BatchNormGradients {
  T *dx, *dweight, *dbias;
  bool needs_sums;
};

/// With relu, dy counts as 0 where y was not above 0.
template <class T>
void batch_norm_backward(const ChannelLayout& at, const T* x, BatchNormBlock<T> block, const T* dy, bool training, bool relu,
                         const BatchNormGradients<T>& out);

/// r = (1 - momentum) r + momentum * batch of each channel, the r `step` apart, with PyTorch's roundings: for the variance the product and the
/// sum are fused, which double arithmetic followed by one rounding is, too.
template <class T>
void move_running(int64_t channels, const T* batch, double momentum, bool fused, T* running, int64_t step);

/// batch_norm_forward in training with a ReLU, and max pooling by 2 x 2 behind it, of channels-last images of `width` pixels in a row:
/// y (N, C, H / 2, W / 2) and the taps of its windows.
template <class T>
void batch_norm_pool_forward(const ChannelLayout& at, int64_t width, const BatchNormInputs<T>& in, BatchNormBlock<T> block, T* y, std::uint8_t* taps);
template <class T>
void batch_norm_pool_backward(const ChannelLayout& at, int64_t width, const T* x, BatchNormBlock<T> block, const T* dy, const std::uint8_t* taps,
                              const BatchNormGradients<T>& out);

}  // namespace ember::kernels
