// The rows of the gradcheck table for convolutions, pooling, padding, resampling, embeddings, dropout and normalisations.
#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {
constexpr std::uint64_t kMask = 5;  // the same dropout mask in every call
Tensor last(const Tensor& x) { return x.contiguous(MemoryFormat::ChannelsLast); }
}  // namespace

TEST_CASE("gradcheck: convolutions") {
  const auto conv1 = [](ConvOptions<1> options) {
    return [options](In in) { return conv1d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); };
  };
  const auto conv2 = [](ConvOptions<2> options) {
    return [options](In in) { return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); };
  };
  run_gradchecks({
      {"conv1d", conv1({}), {{2, 2, 5}, {3, 2, 3}, {3}}},
      {"conv1d, unbatched", conv1({.padding = "same"}), {{2, 4}, {2, 2, 2}}},
      {"conv1d, everything", conv1({.stride = 2, .padding = 2, .dilation = 2, .groups = 2}), {{1, 4, 5}, {2, 2, 2}, {2}}},
      {"conv2d", conv2({}), {{2, 2, 4, 3}, {2, 2, 3, 2}, {2}}},
      {"conv2d, no bias", conv2({.padding = 1}), {{1, 2, 3, 3}, {2, 2, 3, 3}}},
      {"conv2d, padding same", conv2({.padding = "same"}), {{1, 1, 3, 4}, {2, 1, 2, 3}}},
      {"conv2d, everything", conv2({.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2}), {{1, 4, 4, 3}, {2, 2, 2, 2}, {2}}},
      {"conv2d, depthwise", conv2({.padding = 1, .groups = 3}), {{1, 3, 3, 3}, {3, 1, 3, 3}}},
      {"conv2d, 1x1", conv2({}), {{2, 3, 2, 2}, {2, 3, 1, 1}, {2}}},
      {"conv2d, 1x1 strided", conv2({.stride = 2}), {{2, 2, 3, 3}, {2, 2, 1, 1}}},
      {"conv2d, one pixel", conv2({}), {{2, 2, 1, 1}, {1, 2, 1, 1}, {1}}},
      {"conv2d, unbatched", conv2({}), {{2, 3, 3}, {1, 2, 2, 2}}},
      {"conv2d, no images", conv2({}), {{0, 2, 3, 3}, {2, 2, 2, 2}, {2}}},
      {"conv2d, channels-last", [](In in) { return conv2d(last(in[0]), in[1], in[2], {.padding = 1}); }, {{1, 3, 3, 2}, {2, 3, 3, 3}, {2}}},
      {"conv_transpose1d",
       [](In in) { return conv_transpose1d(in[0], in[1], in[2], {.stride = 2, .padding = 1, .output_padding = 1}); },
       {{1, 2, 3}, {2, 2, 3}, {2}}},
      {"conv_transpose2d", [](In in) { return conv_transpose2d(in[0], in[1], in[2]); }, {{1, 2, 2, 2}, {2, 1, 2, 2}, {1}}},
      {"conv_transpose2d, everything",
       [](In in) { return conv_transpose2d(in[0], in[1], {}, {.stride = 2, .padding = 1, .groups = 2, .dilation = 2}); },
       {{1, 2, 2, 3}, {2, 1, 2, 2}}},
      {"unfold", [](In in) { return unfold(in[0], {2, 2}, {.dilation = 1, .padding = 1, .stride = 2}); }, {{1, 2, 3, 3}}},
      {"fold", [](In in) { return fold(in[0], {3, 3}, {2, 2}); }, {{1, 4, 4}}},
  });
}

TEST_CASE("gradcheck: convolutions wide enough for Winograd and blocked loops") {
  const auto square = [](In in) { return conv2d(in[0], in[1], {}, {.padding = 1}); };
  run_gradcheck({"conv2d 16 to 16", square, {{1, 16, 3, 3}, {16, 16, 3, 3}}, -1, 1, false});
}

TEST_CASE("gradcheck: pooling") {
  run_gradchecks({
      {"max_pool1d", [](In in) { return max_pool1d(in[0], 2, {.stride = 1, .padding = 1}); }, {{2, 1, 5}}},
      {"max_pool2d", [](In in) { return max_pool2d(in[0], 2); }, {{1, 2, 4, 5}}},
      {"max_pool2d, everything",
       [](In in) { return max_pool2d(in[0], {2, 3}, {.stride = {2, 1}, .padding = 1, .dilation = {2, 1}, .ceil_mode = true}); },
       {{1, 2, 4, 4}}},
      {"max_pool2d, channels-last", [](In in) { return max_pool2d(last(in[0]), 2, {.stride = 1}); }, {{1, 3, 3, 3}}},
      {"max_pool2d, no images", [](In in) { return max_pool2d(in[0], 2); }, {{0, 2, 4, 4}}},
      {"max_pool1d_with_indices", [](In in) { return max_pool1d_with_indices(in[0], 2).values; }, {{1, 2, 4}}},
      {"max_pool2d_with_indices", [](In in) { return max_pool2d_with_indices(in[0], 2).values; }, {{2, 4, 4}}},
      {"max_unpool2d",
       [](In in) {
         const PoolIndices p = max_pool2d_with_indices(in[0], 2);
         return max_unpool2d(p.values, p.indices, 2);
       },
       {{1, 2, 4, 4}}},
      {"avg_pool1d", [](In in) { return avg_pool1d(in[0], 3, {.stride = 2, .padding = 1}); }, {{2, 2, 5}}},
      {"avg_pool2d", [](In in) { return avg_pool2d(in[0], 2, {.ceil_mode = true}); }, {{1, 2, 3, 5}}},
      {"avg_pool2d, without padding",
       [](In in) { return avg_pool2d(in[0], 3, {.stride = 1, .padding = 1, .count_include_pad = false}); },
       {{1, 1, 3, 3}}},
      {"avg_pool2d, divisor", [](In in) { return avg_pool2d(in[0], 2, {.divisor_override = 3}); }, {{1, 1, 4, 4}}},
      {"avg_pool2d, channels-last", [](In in) { return avg_pool2d(last(in[0]), 2); }, {{1, 3, 4, 4}}},
      {"adaptive_avg_pool1d", [](In in) { return adaptive_avg_pool1d(in[0], 3); }, {{1, 2, 5}}},
      {"adaptive_avg_pool2d", [](In in) { return adaptive_avg_pool2d(in[0], {2, 3}); }, {{1, 2, 5, 4}}},
      {"adaptive_avg_pool2d to 1", [](In in) { return adaptive_avg_pool2d(in[0], 1); }, {{2, 3, 2, 2}}},
      {"adaptive_max_pool2d", [](In in) { return adaptive_max_pool2d(in[0], 2); }, {{1, 2, 5, 3}}},
      {"adaptive_max_pool2d_with_indices", [](In in) { return adaptive_max_pool2d_with_indices(in[0], {1, 2}).values; }, {{2, 3, 3}}},
  });
}

TEST_CASE("gradcheck: padding, resampling, embeddings, dropout") {
  const Tensor index = tensor({{0, 2}, {2, 1}});
  run_gradchecks({
      {"pad", [](In in) { return pad(in[0], {1, 2, -1, 1}, PadMode::Constant, 0.5); }, {{2, 3, 4}}},
      {"pad, reflect", [](In in) { return pad(in[0], {1, 2}, PadMode::Reflect); }, {{2, 1, 4}}},
      {"pad, replicate", [](In in) { return pad(in[0], {1, 2, 2, 1}, PadMode::Replicate); }, {{1, 1, 2, 3}}},
      {"pad, circular", [](In in) { return pad(in[0], {1, 2, 2, 1}, PadMode::Circular); }, {{1, 1, 3, 3}}},
      {"interpolate, nearest", [](In in) { return interpolate(in[0], {.size = {5, 3}}); }, {{1, 2, 3, 2}}},
      {"interpolate, linear", [](In in) { return interpolate(in[0], {.size = {5}, .mode = "linear"}); }, {{1, 2, 3}}},
      {"interpolate, bilinear", [](In in) { return interpolate(in[0], {.scale_factor = {2, 1.5}, .mode = "bilinear"}); }, {{1, 1, 3, 2}}},
      {"interpolate, corners", [](In in) { return interpolate(in[0], {.size = {4, 4}, .mode = "bilinear", .align_corners = true}); }, {{1, 1, 3, 2}}},
      {"pixel_shuffle", [](In in) { return pixel_shuffle(in[0], 2); }, {{1, 4, 2, 1}}},
      {"pixel_unshuffle", [](In in) { return pixel_unshuffle(in[0], 2); }, {{1, 1, 2, 4}}},
      {"embedding", [=](In in) { return embedding(index, in[0]); }, {{3, 2}}},
      {"embedding, padding", [=](In in) { return embedding(tensor({{0, 1}, {1, 0}}), in[0], {.padding_idx = 2}); }, {{3, 2}}},
      {"embedding, no indices", [](In in) { return embedding(zeros({0, 2}, kInt64), in[0]); }, {{3, 2}}},
      {"dropout",
       [](In in) {
         manual_seed(kMask);
         return dropout(in[0], {.p = 0.4});
       },
       {{3, 4}}},
      {"dropout of nothing",
       [](In in) {
         manual_seed(kMask);
         return dropout(in[0]);
       },
       {{0, 4}}},
      {"dropout1d",
       [](In in) {
         manual_seed(kMask);
         return dropout1d(in[0], {.p = 0.4});
       },
       {{2, 3, 2}}},
      {"dropout2d",
       [](In in) {
         manual_seed(kMask);
         return dropout2d(in[0], {.p = 0.4});
       },
       {{2, 3, 2, 1}}},
      {"alpha_dropout",
       [](In in) {
         manual_seed(kMask);
         return alpha_dropout(in[0], {.p = 0.4});
       },
       {{3, 4}}},
  });
}

TEST_CASE("gradcheck: normalisations by layer, group, instance and length") {
  const Tensor mean = tensor({0.1, -0.2}, kFloat64), var = tensor({0.5, 1.5}, kFloat64);
  run_gradchecks({
      {"layer_norm", [](In in) { return layer_norm(in[0], {4}, in[1], in[2]); }, {{2, 3, 4}, {4}, {4}}},
      {"layer_norm over two", [](In in) { return layer_norm(in[0], {3, 2}, in[1]); }, {{2, 3, 2}, {3, 2}}},
      {"layer_norm, plain", [](In in) { return layer_norm(in[0], {4}); }, {{3, 4}}},
      {"layer_norm, no rows", [](In in) { return layer_norm(in[0], {4}, in[1], in[2]); }, {{0, 4}, {4}, {4}}},
      {"group_norm", [](In in) { return group_norm(in[0], 2, in[1], in[2]); }, {{2, 4, 3}, {4}, {4}}},
      {"group_norm of images", [](In in) { return group_norm(in[0], 1); }, {{1, 2, 2, 2}}},
      {"group_norm of long channels", [](In in) { return group_norm(in[0], 2, in[1], in[2]); }, {{2, 4, 4, 5}, {4}, {4}}},
      {"group_norm of long channels, plain", [](In in) { return group_norm(in[0], 1); }, {{1, 2, 17}}},
      {"instance_norm of long channels", [](In in) { return instance_norm(in[0], {}, {}, in[1], in[2]); }, {{2, 2, 18}, {2}, {2}}},
      {"instance_norm", [](In in) { return instance_norm(in[0], {}, {}, in[1], in[2]); }, {{2, 2, 4}, {2}, {2}}},
      {"instance_norm, running", [=](In in) { return instance_norm(in[0], mean, var, {}, {}, false); }, {{2, 2, 3}}},
      {"rms_norm", [](In in) { return rms_norm(in[0], {4}, in[1], 1e-3); }, {{2, 4}, {4}}},
      {"rms_norm, plain", [](In in) { return rms_norm(in[0], {2, 2}); }, {{3, 2, 2}}},
      {"normalize", [](In in) { return normalize(in[0]); }, {{2, 3}}},
      {"normalize by 3", [](In in) { return normalize(in[0], 3, 0); }, {{3, 2}}},
  });
}
