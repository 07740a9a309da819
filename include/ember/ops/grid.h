// Images seen through a grid of places, and channels in another order. As the functions of the same names in torch.nn.functional.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// The grid of an affine map: theta (N, 2, 3) for sizes (N, C, H, W) -> (N, H, W, 2), or theta (N, 3, 4) for (N, C, D, H, W) -> (N, D, H, W, 3).
/// -1 and 1 are the middles of the corner pixels with align_corners, else their outer edges.
Tensor affine_grid(const Tensor& theta, IntArrayRef size, bool align_corners = false);

struct GridSampleOptions {
  const char* mode = "bilinear";       ///< or "nearest", "bicubic" (of images)
  const char* padding_mode = "zeros";  ///< what lies outside: or "border", "reflection"
  bool align_corners = false;
};
/// x (N, C, H, W) at the places (x, y) of grid (N, H', W', 2), or x (N, C, D, H, W) at (x, y, z) of grid (N, D', H', W', 3).
/// Throws RuntimeError "grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes [1, 2, 2, 3]".
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});

/// (N, groups x C / groups, *) -> channels of all groups in turn. Zhang et al. 2018.
Tensor channel_shuffle(const Tensor& x, int64_t groups);

}  // namespace ember
