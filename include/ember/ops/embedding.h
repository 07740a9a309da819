// Tables of vectors, images made larger or rearranged. As the functions of the same names in torch.nn.functional.
#pragma once

#include <ember/tensor.h>

namespace ember {

struct EmbeddingOptions {
  int64_t padding_idx = INT64_MIN;  ///< INT64_MIN: none. This row has no gradient; negative ones count from the end
  double max_norm = 0;              ///< above 0: rows that are looked up are scaled down to it, in place
  double norm_type = 2;
  bool scale_grad_by_freq = false;
};
/// Rows of weight (V, D) at indices of any shape: (*) -> (*, D). Throws IndexError "index out of range in self".
Tensor embedding(const Tensor& indices, const Tensor& weight, EmbeddingOptions options = {});
/// 1 at the index along a new last dimension, int64; num_classes -1: as many as the largest index asks for.
Tensor one_hot(const Tensor& indices, int64_t num_classes = -1);

struct InterpolateOptions {
  std::vector<int64_t> size = {};         ///< of the result, or
  std::vector<double> scale_factor = {};  ///< of the result against the input; one or one for each dimension
  const char* mode = "nearest";           ///< or "nearest-exact", "area", "linear" (1d), "bilinear", "bicubic" (2d), "trilinear" (3d)
  bool align_corners = false;
  bool recompute_scale_factor = false;
};
/// (N, C, L), (N, C, H, W) or (N, C, D, H, W) at another resolution; area takes means, as adaptive_avg_pool2d.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);
Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor);      ///< (*, C r^2, H, W) -> (*, C, H r, W r)
Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor);  ///< (*, C, H r, W r) -> (*, C r^2, H, W)

}  // namespace ember
