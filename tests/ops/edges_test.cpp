// The ends of rows, planes, blocks and parts of sums: every width around those of the vectors, against plain loops in float64 here. The numbers
// are small integers, so that sums are exact and one wrong element shows.
#include <ember/ember.h>

#include <cmath>
#include <vector>

#include "support/catch.h"

using namespace ember;

namespace {

Tensor small_integers(IntArrayRef sizes, DType dtype = kFloat32) { return randint(-4, 5, sizes).to(dtype); }

/// The element at these indices, whatever the layout.
double at(const Tensor& t, int64_t n, int64_t c, int64_t y, int64_t x) {
  const int64_t offset = n * t.stride(0) + c * t.stride(1) + y * t.stride(2) + x * t.stride(3);
  return t.dtype() == kFloat32 ? double(t.data<float>()[offset]) : t.data<double>()[offset];
}

Tensor laid(const Tensor& t, bool last) { return last ? t.contiguous(MemoryFormat::ChannelsLast) : t.contiguous(); }

}  // namespace

TEST_CASE("the gradient of a bias is the sum of all rows, for any number of rows and columns, added to what is there") {
  manual_seed(1);
  for (const DType dtype : {kFloat32, kFloat64})
    for (const int64_t rows : {1, 3, 16, 33, 130, 600})
      for (const int64_t n : {1, 3, 7, 8, 9, 15, 17, 31, 33, 63, 65, 130, 257}) {
        CAPTURE(name(dtype), rows, n);
        const Tensor x = small_integers({rows, 2}, dtype), w = small_integers({n, 2}, dtype), dy = small_integers({rows, n}, dtype);
        const Tensor bias = zeros({n}, dtype).requires_grad_();
        for (const int passes : {1, 2}) {
          linear(x, w, bias).backward(dy);
          bool same = true;
          const Tensor rows_of_dy = dy.to(kFloat64), gradient = bias.grad().to(kFloat64);
          for (int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (int64_t i = 0; i < rows; ++i) sum += rows_of_dy.data<double>()[i * n + j];
            same = same && gradient.data<double>()[j] == passes * sum;
          }
          CHECK(same);
        }
      }
}

TEST_CASE("softmax, log_softmax and their gradients over rows of any length, in both precisions") {
  manual_seed(2);
  for (const DType dtype : {kFloat32, kFloat64})
    for (const int64_t rows : {1, 2, 5, 17, 33})
      for (const int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 130}) {
        CAPTURE(name(dtype), rows, n);
        const double tolerance = dtype == kFloat32 ? 2e-6 : 1e-14;
        const Tensor x = small_integers({rows, n}, dtype), dy = small_integers({rows, n}, dtype);
        const Tensor leaf = x.clone().requires_grad_(), log_leaf = x.clone().requires_grad_();
        const Tensor y = softmax(leaf, 1), l = log_softmax(log_leaf, 1);
        y.backward(dy);
        l.backward(dy);
        const auto wide = [](const Tensor& t) { return t.detach().to(kFloat64).contiguous(); };
        const Tensor xs = wide(x), ys = wide(y), ls = wide(l), us = wide(dy), dx = wide(leaf.grad()), dl = wide(log_leaf.grad());
        double worst = 0;
        for (int64_t r = 0; r < rows; ++r) {
          double sum = 0, dot = 0, all = 0;
          for (int64_t i = 0; i < n; ++i) sum += std::exp(xs.data<double>()[r * n + i]);
          for (int64_t i = 0; i < n; ++i) {
            dot += us.data<double>()[r * n + i] * std::exp(xs.data<double>()[r * n + i]) / sum;
            all += us.data<double>()[r * n + i];
          }
          for (int64_t i = r * n; i < (r + 1) * n; ++i) {
            const double p = std::exp(xs.data<double>()[i]) / sum, u = us.data<double>()[i];
            worst = std::max({worst, std::fabs(ys.data<double>()[i] - p), std::fabs(ls.data<double>()[i] - std::log(p)) / 8,
                              std::fabs(dx.data<double>()[i] - p * (u - dot)) / 8, std::fabs(dl.data<double>()[i] - (u - p * all)) / double(4 * n)});
          }
        }
        CHECK(worst < tolerance);
      }
}

TEST_CASE("depthwise convolutions of any width, number of channels and stride, in both directions") {
  manual_seed(3);
  for (const DType dtype : {kFloat32, kFloat64})
    for (const int64_t c : {1, 3, 8, 17, 33})
      for (const int64_t width : {1, 2, 3, 5, 7, 8, 9, 16, 17, 20})
        for (const int64_t stride : {1, 2}) {
          CAPTURE(name(dtype), c, width, stride);
          const Tensor x = small_integers({2, c, 4, width}, dtype).requires_grad_(), w = small_integers({c, 1, 3, 3}, dtype).requires_grad_();
          const Tensor y = conv2d(x, w, {}, {.stride = stride, .padding = 1, .groups = c}), dy = small_integers(y.sizes(), dtype);
          y.backward(dy);
          const Tensor in = x.detach(), kernel = w.detach();
          const Tensor dx = zeros(x.sizes(), kFloat64), dw = zeros(w.sizes(), kFloat64), expected = zeros(y.sizes(), kFloat64);
          const auto add = [](const Tensor& t, int64_t n, int64_t channel, int64_t row, int64_t column, double v) {
            t.data<double>()[n * t.stride(0) + channel * t.stride(1) + row * t.stride(2) + column * t.stride(3)] += v;
          };
          for (int64_t n = 0; n < 2; ++n)
            for (int64_t k = 0; k < c; ++k)
              for (int64_t oy = 0; oy < y.size(2); ++oy)
                for (int64_t ox = 0; ox < y.size(3); ++ox)
                  for (int64_t a = 0; a < 3; ++a)
                    for (int64_t b = 0; b < 3; ++b) {
                      const int64_t iy = oy * stride - 1 + a, ix = ox * stride - 1 + b;
                      if (iy < 0 || iy >= 4 || ix < 0 || ix >= width) continue;
                      add(expected, n, k, oy, ox, at(in, n, k, iy, ix) * at(kernel, k, 0, a, b));
                      add(dx, n, k, iy, ix, at(dy, n, k, oy, ox) * at(kernel, k, 0, a, b));
                      add(dw, k, 0, a, b, at(dy, n, k, oy, ox) * at(in, n, k, iy, ix));
                    }
          CHECK(equal(y.detach().to(kFloat64), expected));
          CHECK(equal(x.grad().to(kFloat64), dx));
          CHECK(equal(w.grad().to(kFloat64), dw));
        }
}

TEST_CASE("pooling to the last column and row, in either layout") {
  manual_seed(4);
  for (const bool last : {false, true})
    for (const DType dtype : {kFloat32, kFloat64})
      for (const int64_t kernel : {2, 3})
        for (const int64_t height : {3, 4, 7})
          for (const int64_t width : {3, 4, 5, 8, 9, 15, 16, 17, 18, 31, 33, 34, 65, 66}) {
            CAPTURE(last, name(dtype), kernel, height, width);
            const Tensor x = laid(small_integers({2, 3, height, width}, dtype), last), y = max_pool2d(x, kernel), mean = avg_pool2d(x, kernel);
            bool same = true, close = true;
            for (int64_t n = 0; n < 2; ++n)
              for (int64_t c = 0; c < 3; ++c)
                for (int64_t oy = 0; oy < height / kernel; ++oy)
                  for (int64_t ox = 0; ox < width / kernel; ++ox) {
                    double top = -INFINITY, sum = 0;
                    for (int64_t a = 0; a < kernel; ++a)
                      for (int64_t b = 0; b < kernel; ++b) {
                        const double v = at(x, n, c, oy * kernel + a, ox * kernel + b);
                        top = std::max(top, v);
                        sum += v;
                      }
                    same = same && at(y, n, c, oy, ox) == top;
                    close = close && std::fabs(at(mean, n, c, oy, ox) - sum / double(kernel * kernel)) < 1e-6;
                  }
            CHECK(same);
            CHECK(close);
            // What one pass sends down, the other one sends up: <pool'(dy), x> is the sum of dy * y, since both are linear at x.
            const Tensor dy = small_integers(y.sizes(), dtype);
            for (const bool maximum : {true, false}) {
              const Tensor leaf = x.detach().clone().requires_grad_(), out = maximum ? max_pool2d(leaf, kernel) : avg_pool2d(leaf, kernel);
              out.backward(dy);
              const double down = (leaf.grad().to(kFloat64) * x.to(kFloat64)).sum().item<double>();
              CHECK(std::fabs(down - (out.detach().to(kFloat64) * dy.to(kFloat64)).sum().item<double>()) < 1e-4);
            }
          }
}

TEST_CASE("NaN equals NaN where asked, and only then") {
  const Tensor a = tensor({1.0, NAN, INFINITY}), b = tensor({1.0, NAN, INFINITY}), other = tensor({1.0, 2.0, INFINITY});
  CHECK_FALSE(allclose(a, b));
  CHECK(allclose(a, b, 1e-5, 1e-8, true));
  CHECK_FALSE(allclose(a, other, 1e-5, 1e-8, true));
  CHECK_FALSE(equal(a, b));
  CHECK(equal(isclose(a, b), tensor({true, false, true})));
  CHECK(equal(isclose(a, b, 1e-5, 1e-8, true), tensor({true, true, true})));
  CHECK(equal(isclose(tensor({1.0, 1.0, INFINITY}), tensor({1.0 + 9e-6, 1.0 + 1.2e-5, -INFINITY})), tensor({true, false, false})));
}

TEST_CASE("a write in place converts what it is given to the dtype of its target") {
  const Tensor x = tensor({{1.0f, 2.0f}, {3.0f, 4.0f}}), view = x.t();
  x.add_(tensor({{0.5, 1.5}, {2.5, 3.5}}, kFloat64));
  CHECK(equal(x, tensor({{1.5f, 3.5f}, {5.5f, 7.5f}})));
  view.copy_(tensor({{1, 2}, {3, 4}}));
  CHECK(equal(x, tensor({{1.0f, 3.0f}, {2.0f, 4.0f}})));
  const Tensor counts = tensor({10, 20, 30});
  counts.mul_(tensor({1, 0, 1}, kUInt8));
  CHECK(equal(counts, tensor({10, 0, 30})));
  const Tensor flags = zeros({3}, kBool);
  flags.copy_(tensor({0.0f, -0.5f, NAN}));
  CHECK(equal(flags, tensor({false, true, true})));
}
