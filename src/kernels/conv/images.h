// Small images of a batch: the rows of a register tile are the same pixel of some images rather than neighbouring pixels of one. Tiles are full
// however short the rows of an image are, taps in the padding are left out in both directions, and what is copied is the images, once.
#pragma once

#include <algorithm>

#include "kernels/conv/conv.h"

namespace ember::kernels {

/// Images side by side: a few register tiles of rows.
inline constexpr int64_t kMostImagesOfBlock = 24;
inline constexpr int64_t kWeightsOfPixels = 128 << 10;  ///< bytes: up to here all outputs of a pixel are written before the next one's
inline int64_t image_blocks(int64_t n) { return (n + kMostImagesOfBlock - 1) / kMostImagesOfBlock; }
/// Bands of a block's output rows, so that the images of `image` numbers that they see stay in the second-level cache, and for the threads.
inline int64_t image_bands(int64_t n, int64_t image, int64_t rows) {
  constexpr int64_t kNumbers = 150000;
  const int64_t blocks = std::max<int64_t>(1, image_blocks(n)), count = (n + blocks - 1) / blocks;
  return std::clamp<int64_t>(std::max((7 + blocks) / blocks, (count * image + kNumbers - 1) / kNumbers), 1, std::max<int64_t>(1, rows));
}

/// For the gradient of the weights: as many as stay in the second-level cache with their dy.
inline int64_t image_blocks_of_weights(const ConvShape& s) {
  constexpr int64_t kNumbers = 120000;
  const int64_t most = std::clamp<int64_t>(kNumbers / std::max<int64_t>(1, s.h * s.w * s.c + s.oh * s.ow * s.o), 1, std::max<int64_t>(1, s.n));
  return (s.n + most - 1) / most;
}

/// Any stride, padding, dilation and number of groups, in all three directions. Also reads x as planes (s.planes).
template <class T>
void images_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y);
/// dx, onto `bias` where there is one.
template <class T>
void images_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx);
/// Also reads x as planes.
template <class T>
void images_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels
