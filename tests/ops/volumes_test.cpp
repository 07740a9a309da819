// Volumes: values that PyTorch gave, agreement with images, layouts, errors.
#include <ember/ember.h>

#include <cmath>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {
Tensor inside(const Tensor& x) { return x.permute({0, 2, 3, 4, 1}).contiguous().permute({0, 4, 1, 2, 3}); }
const Tensor& ramp() {
  static const Tensor x = (arange(16.0) * 0.5 - 3).view({1, 1, 2, 2, 4});
  return x;
}
}  // namespace

TEST_CASE("conv3d and conv_transpose3d: PyTorch's numbers") {
  const Tensor w = tensor({{{{{1.0, -1.0}, {0.5, 2.0}}, {{0.0, 1.0}, {-2.0, 0.25}}}}});
  CHECK_THAT(conv3d(ramp(), w, tensor({0.5})), is_close({{{{{-5.125, -4.25, -3.375}}}}}));
  const Tensor y = conv_transpose3d(ramp().narrow(2, 0, 1).narrow(3, 0, 1).narrow(4, 0, 2), w, {}, {.stride = 2});
  CHECK(y.sizes() == IntArrayRef({1, 1, 2, 2, 4}));
  CHECK_THAT(y.reshape({-1}), is_close({-3.0, 3.0, -2.5, 2.5, -1.5, -6.0, -1.25, -5.0, 0.0, -3.0, 0.0, -2.5, 6.0, -0.75, 5.0, -0.625}));
}

TEST_CASE("conv3d: a kernel of depth 1 is conv2d of every slice; a volume of one slice is an image") {
  manual_seed(1);
  const Tensor x = randn({2, 4, 3, 5, 6}), w = randn({6, 2, 1, 3, 3}), bias = randn({6});
  const Tensor slices = conv2d(x.transpose(1, 2).flatten(0, 1), w.squeeze(2), bias, {.padding = 1, .groups = 2});
  CHECK_THAT(conv3d(x, w, bias, {.padding = {0, 1, 1}, .groups = 2}), is_close(slices.unflatten(0, {2, 3}).transpose(1, 2), 1e-5));
  const Tensor image = randn({2, 4, 1, 5, 6}), deep = randn({3, 4, 3, 3, 3});
  CHECK_THAT(conv3d(image, deep, {}, {.padding = 1}).squeeze(2), is_close(conv2d(image.squeeze(2), deep.select(2, 1), {}, {.padding = 1}), 1e-5));
}

TEST_CASE("conv3d: either layout gives the same, and the result has its channels innermost") {
  manual_seed(2);
  const Tensor x = randn({2, 3, 4, 5, 6}), w = randn({5, 3, 3, 2, 3});
  const ConvOptions<3> options{.stride = {2, 1, 1}, .padding = {1, 0, 2}, .dilation = {1, 2, 1}};
  const Tensor y = conv3d(x, w, {}, options);
  CHECK_THAT(conv3d(inside(x), w, {}, options), is_close(y));
  CHECK(y.permute({0, 2, 3, 4, 1}).is_contiguous());
  CHECK_THAT(conv3d(x[0], w, {}, options), is_close(y[0]));
  CHECK_THAT(conv3d(x.to(kFloat64), w.to(kFloat64), {}, options).to(kFloat32), is_close(y, 1e-4));
}

TEST_CASE("conv3d: PyTorch's errors") {
  const Tensor x = zeros({1, 2, 3, 3, 3});
  CHECK_THROWS_WITH(conv3d(x, zeros({1, 3, 1, 1, 1})),
                    "Given groups=1, weight of size [1, 3, 1, 1, 1], expected input[1, 2, 3, 3, 3] to have 3 channels, but got 2 channels instead");
  CHECK_THROWS_WITH(
      conv3d(x, zeros({1, 2, 4, 1, 1})),
      "Calculated padded input size per channel: (3 x 3 x 3). Kernel size: (4 x 1 x 1). Kernel size can't be greater than actual input size");
  CHECK_THROWS_WITH(conv3d(x, zeros({1, 2, 1, 1, 1}), {}, {.stride = {1, 0, 1}}), "non-positive stride is not supported, but got [1, 0, 1]");
  CHECK_THROWS_WITH(conv3d(zeros({2, 3}), zeros({1, 2, 1, 1, 1})),
                    "Expected 4D (unbatched) or 5D (batched) input to conv3d, but got input of size: [2, 3]");
  CHECK_THROWS_WITH(conv3d(x, zeros({1, 2, 1, 1, 1}, kFloat64)), "Input type (Float) and weight type (Double) should be the same");
}

TEST_CASE("pooling of volumes: indices, ties, NaN, divisors") {
  const PoolIndices p = max_pool3d_with_indices(ramp(), 2);
  CHECK_THAT(p.values, is_close({{{{{3.5, 4.5}}}}}));
  CHECK(equal(p.indices, tensor({{{{{13, 15}}}}})));
  CHECK(equal(max_pool3d_with_indices(zeros({1, 1, 2, 2, 2}), 2).indices, zeros({1, 1, 1, 1, 1}, kInt64)));
  CHECK(std::isnan(max_pool3d(where(eq(ramp(), 0), NAN, ramp()), {2, 2, 4}).item<float>()));
  CHECK_THAT(max_unpool3d(p.values, p.indices, 2).sum(), is_close(scalar_tensor(8.0)));
  CHECK_THAT(avg_pool3d(ramp(), 2), is_close({{{{{0.25, 1.25}}}}}));
  CHECK_THAT(avg_pool3d(ramp(), 2, {.divisor_override = 4}), is_close({{{{{0.5, 2.5}}}}}));
  CHECK_THAT(adaptive_avg_pool3d(ramp(), 1), is_close({{{{{0.75}}}}}));
  CHECK(equal(max_pool3d(inside(ramp()), 2), p.values));
  CHECK(adaptive_max_pool3d(ramp(), {0, 1, 1}).numel() == 0);
  CHECK_THROWS_WITH(max_pool3d(zeros({2, 2}), 2), "max_pool3d: Expected 4D or 5D input tensor, but got input of size: [2, 2]");
  CHECK_THROWS_WITH(avg_pool3d(ramp(), 2, {.divisor_override = 0}), "divisor must be not zero");
}

TEST_CASE("lp_pool: the norm of each window") {
  CHECK_THAT(lp_pool1d(tensor({{3.0, 4.0, 0.0, 2.0}}), 2, 2), is_close({{5.0, 2.0}}));
  CHECK_THAT(lp_pool2d(ones({1, 2, 2}), 1, 2), is_close({{{4.0}}}));
  CHECK_THAT(lp_pool1d(tensor({{3.0, -4.0}}), INFINITY, 2), is_close({{4.0}}));
  CHECK_THROWS_WITH(lp_pool2d(ones({1, 2, 2}), 0, 2), "float division by zero\nlp_pool: expected a norm_type other than 0");
}

TEST_CASE("a net of volumes trains, either layout, and BatchNorm3d sees what it should") {
  manual_seed(3);
  nn::Sequential net{nn::Conv3d(1, 4, 3, {.padding = 1}), nn::BatchNorm3d(4), nn::ReLU(), nn::MaxPool3d(2), nn::Flatten(), nn::Linear(32, 2)};
  const Tensor x = randn({6, 1, 4, 4, 4}), y = tensor({0, 1, 0, 1, 0, 1});
  optim::SGD opt(net.parameters(), {.lr = 0.1});
  float first = 0, last = 0;
  for (int step = 0; step < 15; ++step) {
    opt.zero_grad();
    const Tensor loss = cross_entropy(net(x), y);
    loss.backward();
    opt.step();
    (step == 0 ? first : last) = loss.item<float>();
  }
  CHECK(last < 0.5f * first);
  nn::BatchNorm3d norm(3);
  const Tensor z = randn({2, 3, 2, 3, 2});
  const Tensor plain = norm(z), other = nn::BatchNorm3d(3)(inside(z));
  CHECK_THAT(other, is_close(plain, 1e-5));
  CHECK(other.permute({0, 2, 3, 4, 1}).is_contiguous());
}

TEST_CASE("interpolate: bicubic, trilinear, area, nearest-exact with PyTorch's numbers") {
  CHECK_THAT(interpolate(tensor({{{{1.0, 2.0}, {4.0, 8.0}}}}), {.size = {3, 3}, .mode = "bicubic"}).reshape({-1}),
             is_close({0.6753836, 1.1093751, 1.5433669, 2.2829866, 3.75, 5.2170138, 3.8905897, 6.390625, 8.8906612}, 1e-5));
  CHECK_THAT(interpolate(arange(8.0).view({1, 1, 2, 2, 2}), {.scale_factor = {1, 1, 2}, .mode = "trilinear"}).reshape({-1}),
             is_close({0.0, 0.25, 0.75, 1.0, 2.0, 2.25, 2.75, 3.0, 4.0, 4.25, 4.75, 5.0, 6.0, 6.25, 6.75, 7.0}));
  CHECK_THAT(interpolate(ramp(), {.size = {1, 1, 2}, .mode = "area"}), is_close({{{{{0.25, 1.25}}}}}));
  CHECK_THAT(interpolate(tensor({{{0.0, 1.0, 2.0}}}), {.size = {2}, .mode = "nearest-exact"}), is_close({{{0.0, 2.0}}}));
  CHECK_THROWS_WITH(interpolate(zeros({1, 1, 3}), {.size = {2}, .mode = "trilinear"}), "Got 3D input, but trilinear mode needs 5D input");
}

TEST_CASE("interpolate: bytes at a border weigh as PyTorch does, the sum of the taps there rounded once") {
  const Tensor x = tensor({7, 6, 9, 3, 3, 9, 0, 1, 2, 9, 7, 8, 6, 3, 4, 8}, {.dtype = kUInt8}).reshape({1, 1, 4, 4});
  CHECK(interpolate(x, {.size = {3, 3}, .mode = "bicubic"}).to_vector<uint8_t>() == std::vector<uint8_t>{7, 7, 3, 3, 7, 4, 6, 4, 7});
}

TEST_CASE("grid_sample: PyTorch's numbers in each mode") {
  const Tensor image = arange(6.0).view({1, 1, 2, 3}), grid = tensor({{{{-1.0, 0.5}, {0.2, 0.9}}}});
  const auto sampled = [&](const char* mode, const char* padding) {
    return grid_sample(image, grid, {.mode = mode, .padding_mode = padding}).reshape({-1});
  };
  CHECK_THAT(sampled("bilinear", "zeros"), is_close({1.5, 2.58}));
  CHECK_THAT(sampled("bilinear", "border"), is_close({3.0, 4.3}));
  CHECK_THAT(sampled("bilinear", "reflection"), is_close({3.0, 4.3}));
  CHECK_THAT(sampled("nearest", "zeros"), is_close({3.0, 4.0}));
  CHECK_THAT(sampled("bicubic", "zeros"), is_close({1.40625, 3.1701155}, 1e-5));
  CHECK_THAT(sampled("bicubic", "border"), is_close({2.90625, 4.7132454}, 1e-5));
  CHECK_THAT(sampled("bicubic", "reflection"), is_close({2.8125, 4.9292464}, 1e-5));
  CHECK_THAT(grid_sample(image, affine_grid(tensor({{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}}), {1, 1, 2, 3})), is_close(image, 1e-5));
  CHECK(std::isfinite(grid_sample(image, full({1, 1, 1, 2}, NAN)).sum().item<float>()) == false);
  CHECK_THROWS_WITH(grid_sample(image, zeros({1, 1, 1, 3})),
                    "grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes [1, 1, 1, 3]");
}
