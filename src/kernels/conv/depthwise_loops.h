// Loops of convolutions in which each channel has a kernel of its own: lanes are channels.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// One row of outputs: output i, channel c is the sum over kernel rows a and the taps b of tap (a, b) times the number at row a,
/// pixel i * stride - before + b * dilation of the image, as far as that lies within [0, width).
template <class T>
struct DepthwiseRow {
  int64_t channels;
  const T* image;  ///< row 0 of those that meet the kernel
  int64_t image_row, width;
  int64_t outputs, stride, before, dilation;
  int64_t kernel_rows, taps;
  const T* w;  ///< rows of whole vectors of channels
  int64_t w_row, w_tap;
};

template <class T>
struct DepthwiseFamily {
  int lanes;
  /// y[i * y_step + c] = the row + bias (null: none); relu.
  void (*row)(const DepthwiseRow<T>& r, const T* bias, bool relu, T* y, int64_t y_step);
  /// For one kernel row, dw[b * dw_tap + c] += image * dy over `rows` rows of outputs, `image_step` numbers apart in the image and
  /// `dy_row` in dy. dw has rows of whole vectors; the kernel rows and taps of r are not used.
  void (*weight_gradient)(const DepthwiseRow<T>& r, int64_t rows, int64_t image_step, const T* dy, int64_t dy_row, T* dw, int64_t dw_tap);
};

}  // namespace ember::kernels
