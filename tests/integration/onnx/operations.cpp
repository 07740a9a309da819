// One network for each operation that has a counterpart in ONNX beside those of the networks in main.cpp: the operation on a scaled input.
#include "operations.h"

#include <cmath>

using namespace ember;

namespace onnx_test {

namespace {

/// Layers of volumes in a row: convolution, norm, pooling of every kind, the way back up.
struct Volumes : nn::Module {
  nn::Conv3d& conv = add("conv", nn::Conv3d(2, 4, {3, 2, 3}, {.stride = {1, 2, 1}, .padding = 1, .groups = 2}));
  nn::BatchNorm3d& norm = add("norm", nn::BatchNorm3d(4));
  nn::Conv3d& flat = add("flat", nn::Conv3d(4, 4, {1, 3, 3}, {.padding = "same", .padding_mode = "replicate"}));
  nn::ConvTranspose3d& up = add("up", nn::ConvTranspose3d(4, 6, 3, {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2}));
  nn::InstanceNorm3d& instance = add("instance", nn::InstanceNorm3d(6, {.affine = true}));
  Tensor forward(const Tensor& x) override {
    const Tensor y = flat(relu(norm(conv(x))));
    const Tensor pooled = max_pool3d(y, {2, 2, 3}, {.stride = {1, 2, 1}, .padding = {1, 0, 1}, .dilation = {1, 1, 2}}) +
                          avg_pool3d(y, {2, 2, 3}, {.stride = {1, 2, 1}, .padding = {1, 0, 1}}).slice(4, 0, -2);
    return instance(up(pooled));
  }
};

Tensor middle(const Tensor& x) { return adaptive_avg_pool3d(x, {2, 3, 2}) + adaptive_max_pool3d(x, {2, 3, 2}) + adaptive_avg_pool3d(x, 1); }

}  // namespace

std::vector<Operation> operations() {
  const auto at = [](std::vector<int64_t> places) { return tensor(places, kInt64); };
  return {
      {"volumes_pool", {2, 5, 6, 4}, middle},
      {"volumes_pool_even", {2, 4, 6, 4}, [](const Tensor& x) { return middle(x) + adaptive_max_pool3d(x, 1); }},
      {"volumes_upsample",
       {2, 3, 4, 2},
       [](const Tensor& x) {
         return interpolate(x, {.scale_factor = {2}, .mode = "trilinear"}) + interpolate(x, {.scale_factor = {2}, .mode = "nearest"});
       }},
      {"volumes_average", {2, 5, 6, 4}, [](const Tensor& x) { return avg_pool3d(x, 2, {.padding = 1, .count_include_pad = false}); }},
      {"volumes_divisor", {2, 5, 6, 4}, [](const Tensor& x) { return avg_pool3d(x, 2, {.padding = 1, .divisor_override = 3}); }},
      {"adaptive_max", {2, 7, 5}, [](const Tensor& x) { return adaptive_max_pool2d(x, {3, 2}); }},
      {"adaptive_lines", {2, 7}, [](const Tensor& x) { return adaptive_avg_pool1d(x, 3) + adaptive_max_pool1d(x, 3); }},
      {"images_upsample",
       {2, 5, 4},
       [](const Tensor& x) {
         return interpolate(x, {.size = {8, 7}, .mode = "bicubic", .align_corners = true}) + interpolate(x, {.size = {8, 7}, .mode = "area"});
       }},
      {"pixel_shuffle", {8, 3, 4}, [](const Tensor& x) { return pixel_unshuffle(pixel_shuffle(x, 2), 2) + x; }},
      {"grid_sample",
       {2, 5, 4},
       [](const Tensor& x) {
         const Tensor grid = tanh(x.flatten(1).slice(1, 0, 24).reshape({x.size(0), 3, 4, 2}));
         return grid_sample(x, grid) + grid_sample(x, grid, {.padding_mode = "border", .align_corners = true}) +
                grid_sample(x, grid, {.padding_mode = "reflection"});
       }},

      {"hyperbolic", {6}, [](const Tensor& x) { return asinh(x) + acosh(x.abs() + 1.1) + atanh(tanh(x) * 0.9); }},
      {"error_function", {6}, [](const Tensor& x) { return erfc(x) + exp2(x) + sinc(x) + sinc(x * 0); }},
      {"logit", {6}, [](const Tensor& x) { return logit(sigmoid(x) * 0.9 + 0.05) + logit(x, 0.1); }},
      {"two_operands",
       {6},
       [](const Tensor& x) {
         const Tensor y = flip(x, 1);
         return hypot(x, y) + xlogy(x, y.abs() + 0.1) + xlogy(x * 0, y) + copysign(x, y) + atan2(x, y) + atan2(y, -x) + logaddexp(x * 100, y * 90) +
                fmax(x, y) + fmin(x, y * 2);
       }},
      {"not_numbers",
       {6},
       [](const Tensor& x) {
         const Tensor broken = where(x > 0.2, x, x * INFINITY), none = where(x > 0, x, x * NAN);
         return nan_to_num(broken, 0, 3, -4) + nan_to_num(none, 0.5) + fmax(none, x) + fmin(x, none) + where(isfinite(broken), x, -x);
       }},
      {"norms",
       {3, 4},
       [](const Tensor& x) {
         return norm(x, INFINITY, {1}, true) + norm(x, -INFINITY, {2}, true) + norm(x, 3, {1, 2}, true) + norm(x, 0, {2}, true) +
                norm(x, 1, {2}, true);
       }},
      {"extremes", {3, 4}, [](const Tensor& x) { return aminmax(x, 2).max + aminmax(x, 2).min * 2 + max(x, 2).values - min(x, 2).values; }},
      {"determinant", {3, 3}, [](const Tensor& x) { return linalg::det(x + eye(3)); }},
      {"distances",
       {3, 4},
       [](const Tensor& x) { return cdist(x, flip(x, 2) + 1) + cdist(x.repeat({1, 10, 1}), x.repeat({1, 10, 1}) + 1).mean({1, 2}, true); }},
      {"running", {3, 5}, [](const Tensor& x) { return logcumsumexp(x * 50, 2) + cumsum(x, 1); }},

      {"sort", {3, 5}, [](const Tensor& x) { return sort(x, 2).values + sort(x, 1, true).values; }},
      {"topk", {3, 5}, [](const Tensor& x) { return topk(x, 2, 2).values + topk(x, 2, 2, false).values; }},
      {"places", {3, 5}, [](const Tensor& x) { return argmax(x, 1, true) * 10 + argmin(x, 1, true); }},
      {"places_in_order", {3, 5}, [](const Tensor& x) { return topk(x, 3, 2).indices; }},
      {"scatter",
       {3, 5},
       [at](const Tensor& x) {
         const Tensor index = at({4, 0, 2}).reshape({1, 1, 3}).expand({x.size(0), 3, 3});
         return scatter(x, 2, index, x * 2) + scatter_add(x, 2, index, x.slice(2, 0, 3)) + scatter(x, 2, index, 7);
       }},
      {"index_add",
       {3, 5},
       [at](const Tensor& x) {
         return index_add(x, 2, at({1, 1, 3}), x.slice(2, 0, 3), 0.5) + index_fill(x, 1, at({0, 2}), 3) +
                index_copy(x, 2, at({4, 0}), x.slice(2, 0, 2));
       }},
      {"written",
       {3, 5},
       [](const Tensor& x) {
         return select_scatter(x, x.select(2, 0) * 2, 2, -1) + select_scatter(x, x.select(1, 0) * 2, 1, 1) +
                slice_scatter(x, x.slice(2, 0, 2), 2, 1, 3);
       }},
      {"written_in_place",
       {3, 5},
       [](const Tensor& x) {
         const Tensor y = x * 2;
         y.select(2, 1).copy_(x.select(2, 0));
         y.select(1, -1).mul_(3);
         y.slice(2, 2, 4).add_(1);
         return y;
       }},
      {"diagonals",
       {4, 5},
       [](const Tensor& x) {
         const Tensor d = x.diagonal(1, 1, 2);
         return diag_embed(d).sum({2}) + diag_embed(d, 2).sum({1}).slice(1, 0, 4) + diag_embed(d, -1).amax({1}).slice(1, 0, 4) +
                x.transpose(1, 2).diagonal(-1, 1, 2);
       }},
      {"triangles", {4, 5}, [](const Tensor& x) { return triu(x, 1) + tril(x, -1) * 2; }},
      {"windows", {3, 9}, [](const Tensor& x) { return x.unfold(2, 4, 2).sum({1}) + x.unfold(2, 4, 2).amax(1); }},
      {"patches", {2, 5, 4}, [](const Tensor& x) { return fold(unfold(x, 2, {.stride = 1}), {5, 4}, 2); }},
      {"parts",
       {6, 4},
       [](const Tensor& x) {
         const std::vector<Tensor> halves = chunk(x, 2, 1), rows = unbind(x, 2);
         return halves[0] * halves[1] + stack({rows[0], rows[2], rows[1], rows[3]}, 2).slice(1, 0, 3) + roll(x, {1, 2}, {1, 2}).slice(1, 3) +
                split(x, std::vector<int64_t>{1, 3, 2}, 1)[1];
       }},
      {"repeated", {3, 2}, [](const Tensor& x) { return x.repeat({1, 2, 3}) + tile(x, {2, 3}) + repeat_interleave(x, 2, 1).repeat({1, 1, 3}); }},
      {"products",
       {3, 4},
       [](const Tensor& x) {
         return einsum("nij,nkj->nik", {x, x * 2}) + matmul(x, x.transpose(1, 2)) + bmm(x, x.mT()) +
                baddbmm(ones({1, 3, 3}), x, x.mT(), {.beta = 0, .alpha = 2});
       }},
      {"shared_heads",
       {4, 5, 8},
       [](const Tensor& x) {
         return scaled_dot_product_attention(x, x.slice(1, 0, 2) * 0.5, x.slice(1, 2, 4), {.enable_gqa = true}) +
                scaled_dot_product_attention(x, x * 2, x, {.is_causal = true});
       }},
  };
}

std::unique_ptr<nn::Module> volumes() { return std::make_unique<Volumes>(); }

}  // namespace onnx_test
