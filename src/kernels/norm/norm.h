// Normalisation: statistics, the affine pass and the gradients of batch norm and of layer norm. Loops on one thread; batch_norm.cpp
// and layer.cpp cut the work and merge partial sums in a fixed order.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// One channel of (N, C, *): `count` runs of `length` numbers, `stride` apart.
struct Planes {
  int64_t count, length, stride;
};

/// Rows of memory in which the channels stand side by side, or `columns` of them out of `stride`.
struct Rows {
  int64_t count, columns, stride;
};

/// What turns x into y in one channel: y = x * scale + shift, plus the addend where there is one; with `relu`, max(0, that).
template <class T>
struct Affine {
  T scale, shift;
  bool relu;
};

/// Sums over a channel that every gradient of batch norm is made of.
struct GradientSums {
  double dy = 0, dot = 0;  ///< sum dy, sum dy * (x - mean)
};

/// Row loops that sum begin a new partial sum every so many rows: whoever calls them for parts of a multiple of that gets the same bits.
constexpr int kNormFoldRows = 16;

/// Such a multiple, about a first-level cache full.
[[gnu::always_inline]] inline int64_t norm_block_rows(int64_t channels, int64_t bytes) {
  const int64_t rows = 24 * 1024 / bytes / channels / kNormFoldRows * kNormFoldRows;
  return rows < kNormFoldRows ? kNormFoldRows : rows;
}

/// Batch norm of one channel of (N, C, *) memory.
template <class T>
struct PlaneNormLoops {
  /// mean = sum x / n and squares = sum (x - mean)^2. For float with PyTorch's roundings: the sums are double, mean, x - mean and
  /// its square are rounded to float.
  void (*moments)(Planes, const T* x, T* mean, T* squares);
  /// addend, laid out as x, may be null.
  void (*affine)(Planes, const T* x, Affine<T>, const T* addend, T* y, bool stream);
  /// Where affine.relu, dy counts as 0 for x * scale + shift <= 0; so in all gradients.
  GradientSums (*gradient_sums)(Planes, const T* x, const T* dy, T mean, Affine<T>);
  /// dx = dy * scale + (x - mean) * slope + offset
  void (*gradient)(Planes, const T* x, const T* dy, T mean, Affine<T>, T slope, T offset, T* dx, bool stream);
};

/// The same of all channels of (rows, C) memory, which is (N, C) and channels-last. Pointers named per channel hold C numbers.
template <class T>
struct RowNormLoops {
  /// mean and squares of each channel over these rows alone, in double.
  void (*moments)(Rows, const T* x, double* mean, double* squares);
  void (*affine)(Rows, const T* x, const T* scale, const T* shift, const T* addend, bool relu, T* y, bool stream);
  /// Adds to sum_dy and sum_dot. scale and shift are read where relu.
  void (*gradient_sums)(Rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, bool relu, double* sum_dy, double* sum_dot);
  void (*gradient)(Rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, bool relu, const T* slope, const T* offset, T* dx,
                   bool stream);
};

/// The same with a max pooling by 2 x 2 behind it, over two rows of `width` pixels of (rows, C) memory: what lies between the two is never
/// written. `taps` say which of a window's pixels was the largest.
template <class T>
struct WindowNormLoops {
  /// affine, and of that the largest of each window; a NaN wins.
  void (*affine)(int64_t width, int64_t channels, const T* x, const T* scale, const T* shift, bool relu, T* y);
  /// The same with a ReLU, and the taps.
  void (*affine_taps)(int64_t width, int64_t channels, const T* x, const T* scale, const T* shift, T* y, std::uint8_t* taps);
  /// gradient with a ReLU, of the dy that a window sends to its tap; a last column of an odd width has no window, and no dy.
  void (*gradient)(int64_t width, int64_t channels, const T* x, const T* dy, const std::uint8_t* taps, const T* mean, const T* scale, const T* shift,
                   const T* slope, const T* offset, T* dx, bool stream);
};

/// What is computed once a channel, between the passes.
template <class T>
struct ChannelNumbers {
  /// From the sums of squares over n numbers a channel: invstd = 1 / sqrt(squares / n + eps), var = squares / (n - 1).
  void (*invstd_of_squares)(int64_t channels, const T* squares, int64_t n, double eps, T* invstd, T* var);
  /// From running variances: invstd = 1 / sqrt(var + eps).
  void (*invstd_of_variance)(int64_t channels, const T* var, double eps, T* invstd);
  /// From the sums over n numbers a channel: dweight = dot * invstd, dbias = dy, and slope and offset of the gradient, which are 0 unless
  /// the statistics came from x.
  void (*gradients_of_sums)(int64_t channels, const double* dy, const double* dot, const T* invstd, const T* scale, int64_t n, bool training,
                            T* dweight, T* dbias, T* slope, T* offset);
  /// scale = invstd * weight, shift = bias - mean * scale (fused). Null weight is 1, null bias 0.
  void (*affine_of)(int64_t channels, const T* mean, const T* invstd, const T* weight, const T* bias, T* scale, T* shift);
};

/// The loops of batch norm, for each of the layouts.
template <class T>
struct BatchNormLoops {
  const PlaneNormLoops<T>& planes;
  const RowNormLoops<T>& rows;
  const WindowNormLoops<T>& windows;
  const ChannelNumbers<T>& numbers;
};

/// Each of `rows` rows of n numbers by itself: layer norm, and with `center` false RMS norm (mean counts as 0).
template <class T>
struct LayerNormLoops {
  /// y = (x - mean) * invstd * weight + bias; weight and bias have n numbers or are null. mean may be null without center.
  void (*forward)(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, bool center, T* y, T* mean, T* invstd);
  /// dx, dweight (the columns' sums of dy * xhat) and dbias (those of dy), each where it is not null. room: 2 n numbers to work with.
  void (*backward)(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
                   double* dweight, double* dbias, T* room);
  /// to = the sum of the parts' rows of n numbers, `step` apart.
  void (*add_parts)(int64_t parts, int64_t n, int64_t step, const double* from, T* to);
};

}  // namespace ember::kernels
