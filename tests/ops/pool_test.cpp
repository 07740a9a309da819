// Pooling against loops that say what it is, in both layouts: sizes with tails, ties, NaN, windows of any size.
#include <cmath>
#include <limits>

#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {

struct Window {
  int64_t h, w, kernel, stride, padding, dilation;
};

/// The position of the largest of a window: the first among equals, the last NaN; -1 of none.
int64_t largest(const float* plane, const Window& p, int64_t oy, int64_t ox) {
  int64_t best = -1;
  for (int64_t ky = 0; ky < p.kernel; ++ky)
    for (int64_t kx = 0; kx < p.kernel; ++kx) {
      const int64_t y = oy * p.stride - p.padding + ky * p.dilation, x = ox * p.stride - p.padding + kx * p.dilation;
      if (y < 0 || y >= p.h || x < 0 || x >= p.w) continue;
      const float v = plane[y * p.w + x];
      if (best < 0 || v > plane[best] || std::isnan(v)) best = y * p.w + x;
    }
  return best;
}

/// Few different values, so that windows have ties, and a NaN or infinity now and then.
Tensor awkward(const std::vector<int64_t>& sizes) {
  Tensor x = randint(-3, 4, sizes).to(kFloat32);
  float* p = x.data<float>();
  for (int64_t i = 0; i < x.numel(); i += 37) p[i] = std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = 5; i < x.numel(); i += 41) p[i] = -INFINITY;
  return x;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void check_max_pool(int64_t channels, const Window& p, bool last) {
  INFO(channels << " channels " << p.h << "x" << p.w << ", kernel " << p.kernel << " stride " << p.stride << " padding " << p.padding << " dilation "
                << p.dilation << (last ? ", channels last" : ""));
  const Tensor plain = awkward({3, channels, p.h, p.w});
  const Tensor x = (last ? plain.contiguous(MemoryFormat::ChannelsLast) : plain).detach().requires_grad_();
  const auto pooled = max_pool2d_with_indices(x, p.kernel, {.stride = p.stride, .padding = p.padding, .dilation = p.dilation});
  const Tensor dy = randn_like(pooled.values.detach());
  pooled.values.backward(dy);

  CHECK(pooled.values.is_contiguous(last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous));
  const Tensor y = pooled.values.detach().contiguous(), indices = pooled.indices.contiguous(), cotangent = dy.contiguous();
  Tensor expected = zeros(plain.sizes(), kFloat64);
  const int64_t rows = y.size(2), columns = y.size(3);
  bool equal = true;
  for (int64_t plane = 0; plane < 3 * channels; ++plane)
    for (int64_t o = 0; o < rows * columns; ++o) {
      const float* from = plain.data<float>() + plane * p.h * p.w;
      const int64_t at = largest(from, p, o / columns, o % columns), i = plane * rows * columns + o;
      equal = equal && at == indices.data<int64_t>()[i] && same(from[at], y.data<float>()[i]);
      expected.data<double>()[plane * p.h * p.w + at] += double(cotangent.data<float>()[i]);
    }
  CHECK(equal);
  CHECK(allclose(x.grad().contiguous().to(kFloat64), expected, 1e-5, 1e-6));
}

}  // namespace

TEST_CASE("max pooling takes the first of equals and the last NaN, and sends the gradient there") {
  for (const int64_t channels : {1, 3, 16, 19, 33})
    for (const bool last : {false, true})
      for (const Window& p : {Window{8, 8, 2, 2, 0, 1},
                              {28, 28, 2, 2, 0, 1},
                              {9, 37, 2, 2, 0, 1},
                              {64, 6, 2, 2, 0, 1},
                              {7, 5, 3, 2, 1, 1},
                              {33, 20, 3, 1, 1, 1},
                              {10, 41, 2, 3, 0, 1},
                              {9, 8, 3, 3, 0, 1},
                              {12, 13, 2, 1, 1, 2},
                              {6, 70, 4, 2, 2, 1},
                              {40, 36, 17, 5, 3, 1}})
        check_max_pool(channels, p, last);
}

TEST_CASE("a window that dilation leads past the whole image is -inf") {
  const Tensor y = max_pool2d(ones({1, 1, 1, 1}), 2, {.stride = 1, .padding = 1, .dilation = 2});
  CHECK(y.numel() == 1);
  CHECK(y.item<float>() == -INFINITY);
}

TEST_CASE("averages of both layouts agree with sums over slices") {
  for (const int64_t channels : {1, 5, 18}) {
    const Tensor x = randn({2, channels, 11, 23}).to(kFloat64);
    for (const bool last : {false, true}) {
      const Tensor in = last ? x.contiguous(MemoryFormat::ChannelsLast) : x;
      const Tensor y = avg_pool2d(in, {3, 2}, {.stride = {2, 1}}), whole = adaptive_avg_pool2d(in, 1), parts = adaptive_avg_pool2d(in, {4, 9});
      for (const auto& [oy, ox] : {std::pair<int64_t, int64_t>{0, 0}, {4, 21}, {2, 16}, {1, 7}})
        CHECK(allclose(y.select(2, oy).select(2, ox), x.slice(2, 2 * oy, 2 * oy + 3).slice(3, ox, ox + 2).mean({2, 3}), 1e-12, 1e-12));
      CHECK(allclose(whole.flatten(1), x.mean({2, 3}), 1e-12, 1e-12));
      CHECK(allclose(parts.select(2, 1).select(2, 4), x.slice(2, 2, 6).slice(3, 10, 13).mean({2, 3}), 1e-12, 1e-12));
    }
  }
}

TEST_CASE("gradcheck: pooling in both layouts") {
  const auto last = [](const Tensor& x) { return x.contiguous(MemoryFormat::ChannelsLast); };
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{2, 2, 6, 6}, {1, 3, 5, 7}})
    run_gradchecks({
        {"max", [](In in) { return max_pool2d(in[0], 2); }, {sizes}},
        {"max, overlapping", [](In in) { return max_pool2d(in[0], 3, {.stride = 1, .padding = 1}); }, {sizes}},
        {"max, channels last", [=](In in) { return max_pool2d(last(in[0]), 2); }, {sizes}},
        {"max, channels last, overlapping", [=](In in) { return max_pool2d(last(in[0]), 3, {.stride = 2, .padding = 1}); }, {sizes}},
        {"average", [](In in) { return avg_pool2d(in[0], 3, {.stride = 2, .padding = 1}); }, {sizes}},
        {"average, channels last", [=](In in) { return avg_pool2d(last(in[0]), 2, {.ceil_mode = true}); }, {sizes}},
        {"adaptive", [](In in) { return adaptive_avg_pool2d(in[0], {3, 2}); }, {sizes}},
        {"adaptive, channels last", [=](In in) { return adaptive_avg_pool2d(last(in[0]), 1); }, {sizes}},
        {"adaptive max", [](In in) { return adaptive_max_pool2d(in[0], {3, 2}); }, {sizes}},
    });
}
