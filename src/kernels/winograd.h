// The transforms of Winograd's convolution with 3 x 3 kernels at stride 1 (Lavin & Gray 2015), channels innermost.
//
// A tile of m x m outputs needs a patch of (m + 2) x (m + 2) inputs. Transformed, Y = A^T [ (G g G^T) . (B^T d B) ] A, the convolution
// of a tile is one product for each of the (m + 2)^2 elements, which over all channels and many tiles are as many matrix products:
// 16 multiplications for 4 outputs where the direct sum takes 36 (m = 2), 36 instead of 144 (m = 4).
#pragma once

#include <cstdint>

#include "kernels/conv_epilogue.h"
#include "kernels/taps.h"

namespace ember::kernels {

using std::int64_t;

/// Images of h x w pixels of c numbers.
struct WinogradImages {
  int64_t h, w, c;
};

/// Where a tile lies: the image, and its first output row and column.
struct WinogradTile {
  int64_t image, y, x;
};

/// Transformed tiles: number `c` of element `e` of tile `i` lies at data[e * plane + i * row + c].
struct WinogradTiles {
  float* data;
  int64_t row, plane;
};

/// Transformed weights or their gradient: each element is a matrix in the column panels of Taps.
struct WinogradWeights {
  float* data;
  int64_t plane;
  int64_t inputs, outputs, wide;

  [[gnu::always_inline]] float* at(int64_t element, int64_t input, int64_t output) const {
    return data + element * plane + output / wide * (inputs * wide) + input * wide + output % wide;
  }
};

constexpr int64_t kThinInputs = 16;

struct WinogradFamily {
  int outputs;  ///< m
  /// A whole convolution of `count` tiles with at most kThinInputs channels, which are few tiles at a time, so that between the transforms
  /// nothing leaves the first-level cache. The bits are those of `input`, products and `output`. `fetches` pays for images that lie
  /// beyond the second-level cache.
  void (*thin)(const WinogradImages& in, const float* x, int64_t top, int64_t left, const WinogradTile* tiles, int64_t count,
               const WinogradWeights& u, const ConvEpilogue<float>& epilogue, const WinogradImages& out, float* y, bool fetches);
  /// B^T d B of the patches whose first pixel is (y - top, x - left); outside of the image there are zeros.
  void (*input)(const WinogradImages& images, const float* x, int64_t top, int64_t left, const WinogradTile* tiles, int64_t count,
                const WinogradTiles& out);
  /// y = A^T m A and the epilogue, for channels [begin, end): what lies outside of the image is dropped.
  void (*output)(const WinogradTiles& products, const WinogradTile* tiles, int64_t count, const ConvEpilogue<float>& epilogue,
                 const WinogradImages& images, int64_t begin, int64_t end, float* y);
  /// A dy A^T: the transpose of `output`.
  void (*output_gradient)(const WinogradImages& images, const float* dy, const WinogradTile* tiles, int64_t count,
                          const WinogradTiles& out);
  /// G g G^T for a vector of outputs from `output` on and the inputs [begin, end), whose 9 taps lie one behind the other as vectors.
  void (*weights)(const float* taps, int64_t output, int64_t begin, int64_t end, const WinogradWeights& out);
  /// G^T u G for input channels [begin, end): the transpose of `weights`; u is the sum of `parts` that lie `part_stride` numbers apart.
  void (*weight_gradient)(const WinogradWeights& u, int64_t parts, int64_t part_stride, int64_t begin, int64_t end,
                          const Taps<float>& taps);
};

struct WinogradKernels {
  WinogradFamily two;   ///< F(2x2, 3x3): about as exact as the direct sum
  WinogradFamily four;  ///< F(4x4, 3x3)
};

}  // namespace ember::kernels
