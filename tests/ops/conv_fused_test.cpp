// Convolutions with what follows them in the same pass, and of images in either layout: the bits of the separate operations.
#include <ember/ember.h>
#include "support/catch.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {

struct Case {
  const char* name;
  std::vector<int64_t> x, w;
  ConvOptions<2> options;
};

const std::vector<Case> cases = {
    {"winograd", {2, 16, 9, 7}, {16, 16, 3, 3}, {.padding = 1}},
    {"winograd, few inputs", {3, 13, 8, 11}, {30, 13, 3, 3}, {.padding = 1}},
    {"winograd, few tiles", {1, 40, 4, 5}, {70, 40, 3, 3}, {.padding = 1}},
    {"winograd, many channels", {1, 70, 6, 6}, {33, 70, 3, 3}, {.padding = 2}},
    {"direct, strided", {3, 5, 9, 8}, {19, 5, 3, 3}, {.stride = 2, .padding = 1}},
    {"direct, in bands", {1, 3, 40, 33}, {9, 3, 5, 5}, {.padding = 2}},
    {"few outputs, in pairs of pixels", {3, 1, 9, 8}, {6, 1, 5, 5}, {.padding = 2}},
    {"few outputs, strided downwards", {2, 3, 11, 9}, {4, 3, 3, 4}, {.stride = {2, 1}, .padding = {1, 0}}},
    {"groups", {2, 6, 7, 7}, {8, 3, 3, 3}, {.groups = 2}},
    {"depthwise", {2, 20, 7, 7}, {20, 1, 3, 3}, {.padding = 1, .groups = 20}},
    {"pointwise", {2, 12, 7, 7}, {24, 12, 1, 1}, {.stride = 2}},
    {"dots", {2, 32, 7, 7}, {3, 32, 3, 3}, {.padding = 1}},
    {"pointwise, every pixel", {2, 12, 7, 7}, {24, 12, 1, 1}, {}},
    {"pointwise, many channels", {1, 300, 5, 6}, {20, 300, 1, 1}, {.stride = {1, 2}}},
};

}  // namespace

TEST_CASE("conv2d: the gradient of an input that another operation reads as well is the sum, and nobody else's gradient moves") {
  for (const Case& c : cases)
    for (const DType dtype : {kFloat32, kFloat64}) {
      CAPTURE(c.name, name(dtype));
      manual_seed(7);
      const Tensor leaf = randn(c.x).to(dtype).contiguous(MemoryFormat::ChannelsLast), w = randn(c.w).to(dtype);
      const Tensor to_conv = randn(conv2d(leaf, w, {}, c.options).sizes()).to(dtype),
                   to_side = randn(c.x).to(dtype).contiguous(MemoryFormat::ChannelsLast);
      const auto gradient = [&](bool convolves, bool squares, bool adds) {
        const Tensor x0 = leaf.clone().requires_grad_(), x = x0 * 1;
        Tensor loss = zeros({}, dtype);
        if (convolves) loss = loss + (conv2d(x, w, {}, c.options) * to_conv).sum();
        if (squares) loss = loss + (square(x) * to_side).sum();  // made later, so that its gradient comes first
        const Tensor sum = x + x0;
        Tensor seen;
        register_hook(sum, [&](const Tensor& g) { return seen = g, Tensor(); });
        if (adds) loss = loss + (sum * to_side).sum();
        loss.backward();
        if (adds) CHECK(equal(seen, to_side));
        return x0.grad();
      };
      const Tensor alone = gradient(true, false, false);
      CHECK(equal(gradient(true, true, false), alone + gradient(false, true, false)));
      CHECK(equal(gradient(true, false, true), to_side + (alone + to_side)));
    }
}

TEST_CASE("conv2d with a tail: the bits of conv2d, batch norm by running statistics, the sum, the ReLU and the pooling") {
  const NoGradGuard no_grad;
  for (const Case& c : cases)
    for (const DType dtype : {kFloat32, kFloat64}) {
      CAPTURE(c.name, name(dtype));
      manual_seed(7);
      const int64_t o = c.w[0];
      const Tensor x = randn(c.x).to(dtype), w = randn(c.w).to(dtype), bias = randn({o}).to(dtype), y = conv2d(x, w, bias, c.options);
      const FixedNorm norm{randn({o}).to(dtype), (rand({o}) + 0.5).to(dtype), randn({o}).to(dtype), randn({o}).to(dtype)};
      const FixedNorm bare{norm.running_mean, norm.running_var};
      const Tensor addend = randn(y.sizes()).to(dtype);
      const bool pools = y.sizes()[2] > 1 && y.sizes()[3] > 1;
      for (const FixedNorm& first : {norm, bare, FixedNorm{}})
        for (const Tensor& second : {Tensor(), addend})
          for (const bool third : {false, true})
            for (const bool fourth : {false, pools}) {
              const Then then{first, second, third, fourth};
              CHECK(equal(conv2d(x, w, bias, c.options, then), apply(then, y)));
            }
    }
}

TEST_CASE("a tail is batch norm, sum, ReLU and pooling, in this order") {
  const Tensor y = randn({2, 3, 4, 6}), mean = randn({3}), var = rand({3}) + 0.5, weight = randn({3}), bias = randn({3}),
               addend = randn({2, 3, 4, 6});
  CHECK(equal(apply({}, y), y));
  CHECK(equal(apply({.norm = {mean, var, weight, bias, 1e-3}, .addend = addend, .relu = true, .max_pool = true}, y),
              max_pool2d(relu(batch_norm(y, mean, var, weight, bias, false, 0.1, 1e-3) + addend), 2)));
  CHECK(equal(linear(y, ones({2, 6}), {}, {.addend = addend.slice(3, 0, 2), .relu = true}), relu(linear(y, ones({2, 6})) + addend.slice(3, 0, 2))));
  CHECK_THROWS_WITH(apply({.addend = addend.to(kFloat64)}, y), contains("expected what is added to have the dtype of the result, Float, got Double"));
}

TEST_CASE("conv2d with a tail has the gradients of the separate operations") {
  const Tensor mean = randn({3}).to(kFloat64), var = (rand({3}) + 0.5).to(kFloat64);
  run_gradcheck(
      {"conv2d, relu", [](In in) { return conv2d(in[0], in[1], in[2], {.padding = 1}, {.relu = true}); }, {{2, 2, 4, 3}, {3, 2, 3, 3}, {3}}});
  run_gradcheck({"conv2d, norm, relu",
                 [=](In in) { return conv2d(in[0], in[1], in[2], {}, {.norm = {mean, var, in[3], in[4]}, .relu = true}); },
                 {{2, 2, 4, 3}, {3, 2, 2, 2}, {3}, {3}, {3}}});
}

TEST_CASE("conv2d with a tail refuses what the separate operations refuse, in their words") {
  const NoGradGuard no_grad;
  const Tensor x = randn({2, 3, 5, 5}), w = randn({4, 3, 3, 3});
  CHECK_THROWS_WITH(conv2d(x, w, {}, {}, {.norm = {zeros({5}), ones({4})}}), contains("running_mean should contain 4 elements not 5"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {}, {.norm = {{}, ones({4})}}), contains("running_mean must be defined in evaluation mode"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {}, {.norm = {zeros({4}), ones({4})}, .addend = zeros({2, 4, 3, 1})}),
                    contains("expected what is added to have the sizes of the result, [2, 4, 3, 3], got [2, 4, 3, 1]"));
  CHECK_THROWS_WITH(conv2d(randn({2, 2, 5, 5}), w, {}, {}, {.norm = {zeros({4}), ones({4})}}),
                    contains("to have 3 channels, but got 2 channels instead"));
}

TEST_CASE("a convolution gives the same bits for images in either layout") {
  const NoGradGuard no_grad;
  for (const Case& c : cases)
    for (const DType dtype : {kFloat32, kFloat64}) {
      CAPTURE(c.name, name(dtype));
      const Tensor x = randn(c.x).to(dtype), w = randn(c.w).to(dtype), bias = randn({c.w[0]}).to(dtype);
      CHECK(equal(conv2d(x, w, bias, c.options), conv2d(x.contiguous(MemoryFormat::ChannelsLast), w, bias, c.options)));
    }
}

TEST_CASE("pixels that are computed in pairs keep their NaNs and infinities apart") {
  const NoGradGuard no_grad;
  const Tensor w = randn({6, 1, 5, 5});
  for (const float odd : {NAN, INFINITY})
    for (const int64_t column : {0, 3, 4, 7}) {
      const Tensor x = randn({2, 1, 6, 8});
      x.select(0, 1).select(1, 2).select(1, column).fill_(odd);
      const Tensor got = conv2d(x, w, {}, {.padding = 2}), want = conv2d(x.to(kFloat64), w.to(kFloat64), {}, {.padding = 2});
      CHECK(equal(isfinite(got), isfinite(want)));
      CHECK(equal(isnan(got), isnan(want)));
    }
}

TEST_CASE("weight gradients of pixels in pairs are those of float64") {
  const auto gradient = [](DType dtype, const std::vector<int64_t>& sizes, const std::vector<int64_t>& kernel, ConvOptions<2> options) {
    manual_seed(4);
    const Tensor x = randn(sizes).to(dtype), w = randn(kernel).to(dtype).requires_grad_();
    const Tensor y = conv2d(x, w, {}, options);
    y.backward(randn(y.sizes()).to(dtype));
    return w.grad().to(kFloat64);
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(allclose(gradient(kFloat32, c.x, c.w, c.options), gradient(kFloat64, c.x, c.w, c.options), 1e-4, 1e-4));
  }
}
