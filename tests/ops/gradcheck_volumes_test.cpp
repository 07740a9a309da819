// The rows of the gradcheck table for volumes, and for the layers of one and two dimensions that came with them.
#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {
constexpr std::uint64_t kMask = 5;                                                                           // the same dropout mask in every call
Tensor inside(const Tensor& x) { return x.permute({0, 2, 3, 4, 1}).contiguous().permute({0, 4, 1, 2, 3}); }  // the channels innermost
}  // namespace

TEST_CASE("gradcheck: convolutions of volumes") {
  const auto conv = [](ConvOptions<3> options) {
    return [options](In in) { return conv3d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); };
  };
  run_gradchecks({
      {"conv3d", conv({}), {{1, 2, 3, 3, 2}, {2, 2, 2, 2, 2}, {2}}},
      {"conv3d, 1x1x1", conv({}), {{2, 2, 2, 1, 2}, {2, 2, 1, 1, 1}, {2}}},
      {"conv3d, unbatched, same", conv({.padding = "same"}), {{1, 2, 3, 2}, {2, 1, 2, 1, 2}}},
      {"conv3d, everything",
       conv({.stride = {2, 1, 2}, .padding = {1, 2, 0}, .dilation = {2, 1, 1}, .groups = 2}),
       {{1, 4, 3, 2, 3}, {2, 2, 2, 2, 2}, {2}}},
      {"conv3d, channels innermost",
       [](In in) { return conv3d(inside(in[0]), in[1], in[2], {.padding = 1}); },
       {{1, 2, 2, 2, 2}, {2, 2, 3, 3, 3}, {2}}},
      {"conv3d, no volumes", conv({}), {{0, 2, 2, 2, 2}, {1, 2, 2, 2, 2}}},
      {"conv_transpose3d", [](In in) { return conv_transpose3d(in[0], in[1], in[2]); }, {{1, 2, 2, 2, 1}, {2, 1, 2, 2, 2}, {1}}},
      {"conv_transpose3d, everything",
       [](In in) {
         return conv_transpose3d(in[0], in[1], {},
                                 {.stride = {2, 1, 2}, .padding = {1, 0, 1}, .output_padding = {1, 0, 0}, .groups = 2, .dilation = {1, 2, 1}});
       },
       {{1, 2, 2, 2, 3}, {2, 1, 3, 2, 2}}},
  });
}

TEST_CASE("gradcheck: pooling of volumes and lines") {
  run_gradchecks({
      {"max_pool3d", [](In in) { return max_pool3d(in[0], 2); }, {{1, 2, 4, 2, 5}}},
      {"max_pool3d, everything",
       [](In in) { return max_pool3d(in[0], {2, 3, 2}, {.stride = {1, 2, 1}, .padding = 1, .dilation = {2, 1, 1}, .ceil_mode = true}); },
       {{1, 1, 3, 4, 3}}},
      {"max_pool3d, channels innermost", [](In in) { return max_pool3d(inside(in[0]), 2, {.stride = 1}); }, {{1, 2, 3, 2, 3}}},
      {"max_pool3d_with_indices", [](In in) { return max_pool3d_with_indices(in[0], 2).values; }, {{2, 2, 2, 4}}},
      {"max_unpool1d",
       [](In in) {
         const PoolIndices p = max_pool1d_with_indices(in[0], 2);
         return max_unpool1d(p.values, p.indices, 2);
       },
       {{1, 2, 4}}},
      {"max_unpool3d",
       [](In in) {
         const PoolIndices p = max_pool3d_with_indices(in[0], 2);
         return max_unpool3d(p.values, p.indices, 2);
       },
       {{1, 1, 2, 4, 2}}},
      {"avg_pool3d",
       [](In in) { return avg_pool3d(in[0], {2, 1, 3}, {.stride = 2, .padding = {1, 0, 1}, .ceil_mode = true, .count_include_pad = false}); },
       {{1, 2, 3, 2, 4}}},
      {"avg_pool3d, divisor", [](In in) { return avg_pool3d(in[0], 2, {.divisor_override = 3}); }, {{1, 2, 2, 4}}},
      {"adaptive_avg_pool3d", [](In in) { return adaptive_avg_pool3d(in[0], {2, 1, 3}); }, {{1, 2, 3, 2, 4}}},
      {"adaptive_max_pool1d", [](In in) { return adaptive_max_pool1d(in[0], 2); }, {{1, 2, 5}}},
      {"adaptive_max_pool1d_with_indices", [](In in) { return adaptive_max_pool1d_with_indices(in[0], 3).values; }, {{2, 4}}},
      {"adaptive_max_pool3d", [](In in) { return adaptive_max_pool3d(in[0], {2, 1, 2}); }, {{1, 2, 3, 2, 4}}},
      {"adaptive_max_pool3d_with_indices", [](In in) { return adaptive_max_pool3d_with_indices(in[0], 1).values; }, {{1, 2, 2, 2}}},
      {"lp_pool1d", [](In in) { return lp_pool1d(in[0], 3, 2); }, {{1, 2, 4}}, 0.3, 2},
      {"lp_pool2d", [](In in) { return lp_pool2d(in[0], 2, {2, 1}, {.stride = 1, .ceil_mode = true}); }, {{1, 2, 3, 3}}, 0.3, 2},
      {"lp_pool3d", [](In in) { return lp_pool3d(in[0], 2, 2); }, {{1, 1, 2, 2, 4}}, 0.3, 2},
  });
}

TEST_CASE("gradcheck: resampling in other modes, sampling at a grid, channels") {
  run_gradchecks({
      {"interpolate, trilinear", [](In in) { return interpolate(in[0], {.size = {3, 2, 4}, .mode = "trilinear"}); }, {{1, 1, 2, 3, 2}}},
      {"interpolate, bicubic", [](In in) { return interpolate(in[0], {.size = {5, 3}, .mode = "bicubic"}); }, {{1, 1, 3, 4}}},
      {"interpolate, bicubic corners",
       [](In in) { return interpolate(in[0], {.size = {4, 5}, .mode = "bicubic", .align_corners = true}); },
       {{1, 1, 3, 2}}},
      {"interpolate, area", [](In in) { return interpolate(in[0], {.size = {2, 3, 1}, .mode = "area"}); }, {{1, 1, 3, 4, 2}}},
      {"interpolate, nearest-exact", [](In in) { return interpolate(in[0], {.size = {5, 3}, .mode = "nearest-exact"}); }, {{1, 2, 3, 2}}},
      {"affine_grid", [](In in) { return affine_grid(in[0], {2, 1, 2, 3}); }, {{2, 2, 3}}},
      {"affine_grid of volumes", [](In in) { return affine_grid(in[0], {1, 1, 2, 1, 2}, true); }, {{1, 3, 4}}},
      {"grid_sample", [](In in) { return grid_sample(in[0], in[1] * 0.83); }, {{1, 2, 3, 4}, {1, 2, 2, 2}}},
      {"grid_sample, border, corners",
       [](In in) { return grid_sample(in[0], in[1] * 0.83, {.padding_mode = "border", .align_corners = true}); },
       {{1, 1, 3, 4}, {1, 2, 2, 2}}},
      {"grid_sample, reflection",
       [](In in) { return grid_sample(in[0], in[1] * 1.41, {.padding_mode = "reflection"}); },
       {{1, 1, 3, 4}, {1, 2, 2, 2}}},
      {"grid_sample, bicubic", [](In in) { return grid_sample(in[0], in[1] * 0.83, {.mode = "bicubic"}); }, {{1, 1, 4, 5}, {1, 2, 2, 2}}},
      {"grid_sample of volumes", [](In in) { return grid_sample(in[0], in[1] * 0.83); }, {{1, 1, 2, 3, 2}, {1, 1, 2, 2, 3}}},
      {"channel_shuffle", [](In in) { return channel_shuffle(in[0], 2); }, {{1, 4, 3}}},
      {"local_response_norm", [](In in) { return local_response_norm(in[0], 3, 0.1); }, {{2, 4, 3}}},
      {"local_response_norm of images", [](In in) { return local_response_norm(in[0], 2, 0.1, 0.5, 2); }, {{1, 3, 2, 2}}},
      {"dropout3d",
       [](In in) {
         manual_seed(kMask);
         return dropout3d(in[0], {.p = 0.4});
       },
       {{2, 3, 1, 2, 1}}},
      {"feature_alpha_dropout",
       [](In in) {
         manual_seed(kMask);
         return feature_alpha_dropout(in[0], {.p = 0.4});
       },
       {{2, 3, 2}}},
      {"rrelu",
       [](In in) {
         manual_seed(kMask);
         return rrelu(in[0], {.training = true});
       },
       {{3, 4}}},
      {"gumbel_softmax",
       [](In in) {
         manual_seed(kMask);
         return gumbel_softmax(in[0], {.tau = 0.7});
       },
       {{2, 3}}},
      {"batch_norm of volumes, channels innermost",
       [](In in) { return batch_norm(inside(in[0]), {}, {}, in[1], in[2], true); },
       {{2, 2, 2, 1, 2}, {2}, {2}}},
  });
}

TEST_CASE("gradcheck: losses by margins") {
  const Tensor labels = tensor({0, 2, 1, 2}), weight = tensor({0.5, 1.0, 2.0}, kFloat64),
               ones_and_zeros = tensor({{1.0, 0.0, 1.0}, {0.0, 0.0, 1.0}}, kFloat64);
  for (const Reduction r : {Reduction::Mean, Reduction::Sum, Reduction::None})
    run_gradchecks({
        {"multi_margin_loss", [=](In in) { return multi_margin_loss(in[0], labels, {.margin = 0.9, .weight = weight, .reduction = r}); }, {{4, 3}}},
        {"multi_margin_loss, squares", [=](In in) { return multi_margin_loss(in[0], tensor(1), {.p = 2, .reduction = r}); }, {{3}}},
        {"multilabel_margin_loss", [=](In in) { return multilabel_margin_loss(in[0] * 1.01, tensor({{2, 0, -1}, {-1, 1, 2}}), {r}); }, {{2, 3}}},
        {"multilabel_soft_margin_loss",
         [=](In in) { return multilabel_soft_margin_loss(in[0], ones_and_zeros, {.weight = weight, .reduction = r}); },
         {{2, 3}}},
        {"triplet_margin_with_distance_loss",
         [=](In in) {
           return triplet_margin_with_distance_loss(
               in[0], in[1], in[2],
               {.distance_function = [](const Tensor& a, const Tensor& b) { return 1 - cosine_similarity(a, b); }, .swap = true, .reduction = r});
         },
         {{2, 3}, {2, 3}, {2, 3}}},
    });
}
