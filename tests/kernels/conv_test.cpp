// Every algorithm of the convolution against the sum as it is defined, in float64.
#include "kernels/conv/conv.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/conv/choice.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "support/catch.h"
#include "support/random_numbers.h"

using namespace ember::kernels;

namespace {

ConvShape make(int64_t n, int64_t c, int64_t h, int64_t w, int64_t o, int64_t kh, int64_t kw, int64_t stride = 1, int64_t padding = 0,
               int64_t dilation = 1, int64_t groups = 1) {
  ConvShape s{n, h, w, c, 0, 0, o, kh, kw, {stride, stride}, {padding, padding}, {dilation, dilation}, groups};
  s.oh = (h + 2 * padding - dilation * (kh - 1) - 1) / stride + 1;
  s.ow = (w + 2 * padding - dilation * (kw - 1) - 1) / stride + 1;
  return s;
}

/// Calls f(x index, w index, y index) for every product of the convolution.
template <class F>
void for_each_product(const ConvShape& s, F f) {
  const int64_t cg = s.c_group(), og = s.o_group();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox)
        for (int64_t ky = 0; ky < s.kh; ++ky)
          for (int64_t kx = 0; kx < s.kw; ++kx) {
            const int64_t y = oy * s.stride[0] - s.padding[0] + ky * s.dilation[0], x = ox * s.stride[1] - s.padding[1] + kx * s.dilation[1];
            if (y < 0 || y >= s.h || x < 0 || x >= s.w) continue;
            for (int64_t o = 0; o < s.o; ++o)
              for (int64_t c = 0; c < cg; ++c)
                f(((n * s.h + y) * s.w + x) * s.c + o / og * cg + c, ((o * cg + c) * s.kh + ky) * s.kw + kx,
                  ((n * s.oh + oy) * s.ow + ox) * s.o + o);
          }
}

template <class T>
struct Problem {
  ConvShape s;
  std::vector<T> x, w, bias, dy;

  explicit Problem(const ConvShape& shape)
      : s(shape), x(random_numbers<T>(s.n * s.h * s.w * s.c, 1)), w(random_numbers<T>(s.o * s.c_group() * s.kh * s.kw, 2)),
        bias(random_numbers<T>(s.o, 3)), dy(random_numbers<T>(s.n * s.oh * s.ow * s.o, 4)) {}

  std::vector<T> forward(bool with_bias = true, bool relu = false) const {
    std::vector<T> y(dy.size(), T(NAN));
    conv_forward<T>(s, x.data(), w.data(), {.bias = with_bias ? bias.data() : nullptr, .relu = relu}, y.data());
    return y;
  }
  std::vector<T> backward_input() const {
    std::vector<T> dx(x.size(), T(NAN));
    conv_backward_input<T>(s, dy.data(), w.data(), dx.data());
    return dx;
  }
  std::vector<T> backward_weight() const {
    std::vector<T> dw(w.size(), T(NAN));
    conv_backward_weight<T>(s, x.data(), dy.data(), dw.data());
    return dw;
  }

  std::vector<double> exact_forward() const {
    std::vector<double> y(dy.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = bias[i % std::size_t(s.o)];
    for_each_product(s, [&](int64_t i, int64_t k, int64_t j) { y[std::size_t(j)] += double(x[std::size_t(i)]) * w[std::size_t(k)]; });
    return y;
  }
  std::vector<double> exact_backward_input() const {
    std::vector<double> dx(x.size());
    for_each_product(s, [&](int64_t i, int64_t k, int64_t j) { dx[std::size_t(i)] += double(dy[std::size_t(j)]) * w[std::size_t(k)]; });
    return dx;
  }
  std::vector<double> exact_backward_weight() const {
    std::vector<double> dw(w.size());
    for_each_product(s, [&](int64_t i, int64_t k, int64_t j) { dw[std::size_t(k)] += double(x[std::size_t(i)]) * dy[std::size_t(j)]; });
    return dw;
  }
};

/// The rms of the error over the rms of the exact result.
template <class T>
double error(const std::vector<T>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  double wrong = 0, all = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    wrong += (got[i] - want[i]) * (got[i] - want[i]);
    all += want[i] * want[i];
  }
  return want.empty() ? 0 : std::sqrt(wrong / (all + 1e-30));
}

struct WithWish {
  explicit WithWish(ConvWish wish) { conv_wish = wish; }
  ~WithWish() { conv_wish = ConvWish::Auto; }
};

std::string text(const ConvShape& s) {
  return fmt::format("n {} c {} {}x{} o {} kernel {}x{} stride {} padding {} dilation {} groups {}", s.n, s.c, s.h, s.w, s.o, s.kh, s.kw,
                     s.stride[0], s.padding[0], s.dilation[0], s.groups);
}

template <class T>
void check_all(const ConvShape& s, double bound) {
  INFO(text(s));
  const Problem<T> p(s);
  CHECK(error(p.forward(), p.exact_forward()) < bound);
  CHECK(error(p.backward_input(), p.exact_backward_input()) < bound);
  CHECK(error(p.backward_weight(), p.exact_backward_weight()) < bound);

  std::vector<double> rectified = p.exact_forward();
  for (double& y : rectified) y = y < 0 ? 0 : y;
  CHECK(error(p.forward(true, true), rectified) < bound);
}

const std::vector<ConvShape> any_shapes{
    make(2, 3, 7, 9, 5, 3, 3, 1, 1),           make(1, 1, 5, 5, 1, 3, 3, 1, 0),           make(3, 16, 8, 8, 32, 3, 3, 1, 1),
    make(2, 17, 9, 6, 33, 3, 3, 1, 1),         make(2, 6, 14, 14, 16, 5, 5, 1, 0),        make(2, 1, 12, 28, 6, 5, 5, 1, 2),
    make(2, 3, 17, 19, 64, 3, 3, 1, 1),        make(2, 16, 9, 9, 24, 3, 3, 2, 1),         make(2, 16, 8, 8, 24, 3, 3, 2, 1),
    make(2, 5, 11, 13, 7, 3, 2, 3, 1),         make(1, 4, 15, 15, 9, 3, 3, 2, 2, 2),      make(1, 4, 16, 15, 9, 3, 3, 3, 2, 2),
    make(2, 20, 6, 5, 40, 1, 1, 1, 0),         make(2, 20, 7, 6, 40, 1, 1, 2, 0),         make(2, 8, 6, 5, 4, 1, 1, 1, 1),
    make(2, 12, 7, 7, 18, 3, 3, 1, 1, 1, 3),   make(2, 16, 9, 7, 16, 3, 3, 1, 1, 1, 16),  make(2, 21, 9, 7, 21, 3, 3, 2, 1, 1, 21),
    make(1, 18, 9, 7, 36, 5, 3, 1, 2, 1, 18),  make(2, 64, 5, 5, 64, 3, 3, 1, 1, 2, 64),  make(2, 8, 7, 7, 24, 3, 3, 1, 0, 2, 8),
    make(1, 3, 1, 30, 8, 1, 5, 1, 0),          make(2, 2, 4, 4, 3, 4, 4, 1, 3),           make(1, 2, 3, 3, 3, 2, 2, 1, 4),
    make(4, 64, 8, 8, 3, 3, 3, 1, 1),          make(2, 40, 7, 8, 2, 3, 3, 1, 1),          make(2, 16, 10, 9, 1, 3, 3, 1, 1),
    make(2, 3, 20, 18, 10, 7, 7, 2, 3),        make(2, 16, 6, 6, 8, 2, 2, 2, 0),          make(3, 9, 10, 10, 4, 3, 3, 1, 1),
    make(2, 2, 9, 40, 5, 3, 3, 1, 1),          make(2, 3, 13, 37, 4, 5, 3, 1, 2, 2), make(9, 6, 14, 14, 16, 5, 5, 1, 0),
    make(17, 5, 7, 9, 13, 5, 7, 1, 3),         make(33, 3, 5, 6, 9, 5, 5, 1, 4),     make(8, 2, 3, 3, 12, 2, 9, 1, 6)};

const std::vector<ConvShape> winograd_shapes{make(1, 16, 8, 8, 16, 3, 3, 1, 1),  make(3, 17, 7, 9, 35, 3, 3, 1, 1),
                                             make(2, 64, 16, 15, 24, 3, 3, 1, 1), make(2, 20, 5, 5, 64, 3, 3, 1, 0),
                                             make(2, 5, 3, 3, 3, 3, 3, 1, 2),     make(5, 32, 14, 14, 48, 3, 3, 1, 1),
                                             make(1, 1, 1, 1, 1, 3, 3, 1, 1),     make(40, 16, 6, 7, 16, 3, 3, 1, 1)};

}  // namespace

TEST_CASE("convolution: the direct sum is the sum, for any kernel, stride, padding, dilation and groups") {
  const WithWish direct(ConvWish::Direct);
  for (const ConvShape& s : any_shapes) {
    check_all<float>(s, 1e-6);
    check_all<double>(s, 1e-14);
  }
  for (const ConvShape& s : winograd_shapes) check_all<float>(s, 1e-6);
}

TEST_CASE("convolution: what is chosen is the sum, too") {
  for (const ConvShape& s : any_shapes) {
    check_all<float>(s, 1e-6);
    check_all<double>(s, 1e-14);
  }
}

TEST_CASE("convolution: Winograd's transforms give the sum within the error that is documented") {
  for (const ConvShape& s : winograd_shapes) {
    {
      const WithWish two(ConvWish::Winograd2);
      check_all<float>(s, 1e-6);
    }
    const WithWish four(ConvWish::Winograd4);
    check_all<float>(s, 4e-6);
  }
}

TEST_CASE("convolution: the errors that the documentation of ConvAlgorithm states") {
  struct Row {
    ConvWish wish;
    double forward, backward_weight;
  };
  const Problem<float> p(make(8, 64, 16, 16, 64, 3, 3, 1, 1));
  const auto y = p.exact_forward(), dx = p.exact_backward_input(), dw = p.exact_backward_weight();
  for (const Row& row : {Row{ConvWish::Direct, 5e-7, 1e-6}, Row{ConvWish::Winograd2, 3.5e-7, 1e-6}, Row{ConvWish::Winograd4, 1e-6, 1e-6}}) {
    const WithWish with(row.wish);
    INFO(fmt::format("{}: y {:.1e}, dx {:.1e}, dw {:.1e}", int(row.wish), error(p.forward(), y), error(p.backward_input(), dx), error(p.backward_weight(), dw)));
    CHECK(error(p.forward(), y) < row.forward);
    CHECK(error(p.backward_input(), dx) < row.forward);
    CHECK(error(p.backward_weight(), dw) < row.backward_weight);
  }
}

TEST_CASE("convolution: which algorithm a shape gets") {
  struct Row {
    ConvShape s;
    const char *forward, *backward_input, *backward_weight;
  };
  const Row rows[] = {
      {make(64, 1, 28, 28, 16, 3, 3, 1, 1), "direct", "dots", "direct"},
      {make(64, 16, 14, 14, 32, 3, 3, 1, 1), "winograd 2x2", "winograd 2x2", "winograd 2x2"},
      {make(32, 64, 16, 16, 64, 3, 3, 1, 1), "winograd 2x2", "winograd 2x2", "winograd 2x2"},
      {make(32, 128, 8, 8, 128, 3, 3, 1, 1), "winograd 2x2", "winograd 2x2", "winograd 2x2"},
      {make(32, 3, 32, 32, 64, 3, 3, 1, 1), "direct", "dots", "direct"},
      {make(32, 64, 32, 32, 3, 3, 3, 1, 1), "dots", "direct", "direct"},
      {make(32, 16, 32, 32, 32, 3, 3, 2, 1), "direct", "direct", "direct"},
      {make(32, 64, 16, 16, 128, 1, 1, 2, 0), "pointwise", "pointwise", "pointwise"},
      {make(128, 6, 14, 14, 16, 5, 5), "direct", "spans", "direct"},
      {make(128, 1, 28, 28, 6, 5, 5, 1, 2), "direct", "dots", "direct"},
      {make(32, 64, 16, 16, 64, 3, 3, 1, 1, 1, 64), "depthwise", "depthwise", "depthwise"},
      {make(32, 64, 16, 16, 64, 3, 3, 1, 1, 1, 4), "direct", "direct", "direct"},
      {make(1, 128, 2, 2, 128, 3, 3, 1, 1), "direct", "direct", "direct"},  // too few tiles for the transform of the weights
  };
  const auto chosen = [](const ConvShape& s, ConvDirection direction) { return std::string(name(conv_path(s, direction, 4))); };
  std::string table;
  for (const Row& row : rows) {
    const std::string forward = chosen(row.s, ConvDirection::Forward), backward_input = chosen(row.s, ConvDirection::BackwardInput),
                      backward_weight = chosen(row.s, ConvDirection::BackwardWeight);
    table += fmt::format("{:75} {:13} {:13} {}\n", text(row.s), forward, backward_input, backward_weight);
    INFO(text(row.s));
    if (std::string(instruction_set()) != "v4") continue;  // narrower vectors waste less, and choose otherwise
    CHECK(forward == row.forward);
    CHECK(backward_input == row.backward_input);
    CHECK(backward_weight == row.backward_weight);
  }
  INFO(table);
  for (const Row& row : rows) CHECK(conv_path(row.s, ConvDirection::Forward, 8) != ConvPath::Winograd2);
}

TEST_CASE("convolution: empty batches") {
  for (const ConvWish wish : {ConvWish::Direct, ConvWish::Winograd2, ConvWish::Winograd4, ConvWish::Auto}) {
    const WithWish with(wish);
    for (const int64_t groups : {1, 16}) {
      const Problem<float> p(make(0, 16, 8, 8, 16, 3, 3, 1, 1, 1, groups));
      CHECK(p.forward().empty());
      CHECK(p.backward_input().empty());
      for (float g : p.backward_weight()) CHECK(g == 0);
    }
  }
}

TEST_CASE("convolution: the same bits on any number of threads") {
  const int before = num_threads();
  for (const ConvWish wish : {ConvWish::Direct, ConvWish::Winograd2, ConvWish::Winograd4, ConvWish::Auto}) {
    const WithWish with(wish);
    for (const ConvShape& s : {make(16, 32, 16, 16, 32, 3, 3, 1, 1), make(9, 64, 14, 14, 64, 3, 3, 1, 1, 1, 64), make(32, 1, 28, 28, 16, 3, 3, 1, 1),
                               make(32, 6, 14, 14, 16, 5, 5), make(16, 32, 16, 16, 64, 1, 1, 2), make(16, 16, 16, 16, 32, 3, 3, 2, 1)}) {
      INFO(text(s));
      const Problem<float> p(s);
      set_num_threads(1);
      const auto y = p.forward(), dx = p.backward_input(), dw = p.backward_weight();
      for (const int threads : {2, 5}) {
        set_num_threads(threads);
        CHECK(p.forward() == y);
        CHECK(p.backward_input() == dx);
        CHECK(p.backward_weight() == dw);
      }
    }
  }
  set_num_threads(before);
}

TEST_CASE("convolution: a NaN or an infinity reaches the outputs that see it and no others, with every algorithm") {
  for (const ConvWish wish : {ConvWish::Direct, ConvWish::Winograd2, ConvWish::Auto}) {
    const WithWish with(wish);
    for (const ConvShape& s : {make(1, 16, 9, 9, 16, 3, 3, 1, 1), make(1, 16, 9, 9, 16, 3, 3, 1, 1, 1, 16), make(1, 3, 9, 9, 4, 3, 3, 1, 1)})
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        for (const int64_t at : {0, 10, 40, 44, 80}) {
          Problem<float> p(s);
          p.x[std::size_t(at * s.c)] = bad;
          const auto y = p.forward();
          std::vector<bool> seen(y.size());
          for_each_product(s, [&](int64_t i, int64_t, int64_t j) { seen[std::size_t(j)] = seen[std::size_t(j)] || i == at * s.c; });
          for (std::size_t j = 0; j < y.size(); ++j) CHECK(std::isfinite(y[j]) == !seen[j]);
        }
  }
}
