// The transforms of Winograd's convolution with 3 x 3 kernels at stride 1 (Lavin & Gray 2015), channels innermost.
//
// A tile of m x m outputs needs a patch of (m + 2) x (m + 2) inputs. Transformed, Y = A^T [ (G g G^T) . (B^T d B) ] A, the convolution
// of a tile is one product for each of the (m + 2)^2 elements, which over all channels and many tiles are as many matrix products:
// 16 multiplications for 4 outputs where the direct sum takes 36 (m = 2), 36 instead of 144 (m = 4).
#pragma once

#include <cstdint>

#include "kernels/conv/epilogue.h"
#include "kernels/conv/taps.h"

namespace ember::kernels {

using std::int64_t;

/// Images of h x w pixels of c numbers.
struct WinogradImages {
  int64_t h, w, c;
};
/// Such images that are read; rows outside of them are read at `zeros`, w * c of which there are.
struct WinogradPixels : WinogradImages {
  const float *data, *zeros;
};

/// Tiles side by side: their image, the first output row and column, and how many there are.
struct WinogradRun {
  int64_t image, y, x, count;
};
struct WinogradRuns {
  const WinogradRun* data;
  int64_t size;

  [[gnu::always_inline]] const WinogradRun* begin() const { return data; }
  [[gnu::always_inline]] const WinogradRun* end() const { return data + size; }
};

/// A row of elements of transformed tiles: number c of element e of tile i lies at data[c / 16 * block + e * plane + i * row + c % 16],
/// with room up to whole blocks of 16 numbers.
struct WinogradTiles {
  float* data;
  int64_t row, plane, block;
};
constexpr int64_t kWinogradBlock = 16;

/// Transformed weights as the products read them: for each row of elements and each vector of outputs, input by input the vectors of the
/// row's elements.
struct WinogradWeights {
  float* data;
  int64_t inputs, outputs;
};

/// Sums over tiles for the gradient of the weights: each element is a matrix in the column panels of Taps.
struct WinogradSums {
  float* data;
  int64_t plane;
  int64_t inputs, outputs, wide;

  [[gnu::always_inline]] float* at(int64_t element, int64_t input, int64_t output) const {
    return data + element * plane + output / wide * (inputs * wide) + input * wide + output % wide;
  }
};

/// y = x * w, with `top` rows of zeros above x and `left` columns beside it.
struct WinogradProblem {
  WinogradPixels x;
  WinogradImages out;
  int64_t top, left;
  WinogradWeights weights;
  ConvEpilogue<float> epilogue;
  float* y;
  bool fetches;  ///< pays for images that lie beyond the second-level cache
};

struct WinogradFamily {
  using Transform = void (*)(const WinogradPixels& pixels, int64_t top, int64_t left, const WinogradRuns& runs, const WinogradTiles& out);

  int outputs;  ///< m
  int tiles;    ///< that `convolve` works on at a time
  /// input[r]: row r of B^T d B, of the patches whose first pixel is (y - top, x - left); outside of the image there are zeros.
  const Transform* input;
  /// output_gradient[r]: row r of A dy A^T, the transpose of the way from the products to y. What lies outside of the image is zero.
  const Transform* output_gradient;
  /// The outputs [begin, end) of at most `tiles` tiles; `next` are those that will follow. `memory` is for room(inputs, outputs) numbers,
  /// which are 0 or what an earlier call left.
  void (*convolve)(const WinogradProblem& problem, const WinogradRuns& runs, const WinogradRuns& next, int64_t begin, int64_t end, float* memory);
  int64_t (*room)(int64_t inputs, int64_t outputs);
  /// G g G^T for a vector of outputs from `output` on and the inputs [begin, end), whose 9 taps lie one behind the other as vectors.
  void (*weights)(const float* taps, int64_t output, int64_t begin, int64_t end, const WinogradWeights& out);
  /// G^T u G for input channels [begin, end): the transpose of `weights`; u is the sum of `parts` that lie `part_stride` numbers apart.
  void (*weight_gradient)(const WinogradSums& u, int64_t parts, int64_t part_stride, int64_t begin, int64_t end, const Taps<float>& taps);
};

struct WinogradKernels {
  WinogradFamily two;   ///< F(2x2, 3x3): about as exact as the direct sum
  WinogradFamily four;  ///< F(4x4, 3x3)
};

}  // namespace ember::kernels
