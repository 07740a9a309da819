// Every algorithm of the convolution against the sum as it is defined, in float64.
#include "kernels/conv/conv.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/conv/choice.h"
#include "kernels/kernels.h"
#include "kernels/conv_problem.h"
#include "runtime/parallel.h"
#include "support/catch.h"

using namespace ember::kernels;

namespace {

struct WithWish {
  explicit WithWish(ConvWish wish) { conv_wish = wish; }
  ~WithWish() { conv_wish = ConvWish::Auto; }
};

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

const std::vector<ConvShape> winograd_shapes{
    make(1, 16, 8, 8, 16, 3, 3, 1, 1), make(3, 17, 7, 9, 35, 3, 3, 1, 1),   make(2, 64, 16, 15, 24, 3, 3, 1, 1), make(2, 20, 5, 5, 64, 3, 3, 1, 0),
    make(2, 5, 3, 3, 3, 3, 3, 1, 2),   make(5, 32, 14, 14, 48, 3, 3, 1, 1), make(1, 1, 1, 1, 1, 3, 3, 1, 1),     make(40, 16, 6, 7, 16, 3, 3, 1, 1)};

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

TEST_CASE("convolution: strides, paddings and dilations that differ between height and width") {
  struct Kernel {
    int64_t c, o, kh, kw, groups;
  };
  for (const Kernel& k : {Kernel{20, 40, 1, 1, 1}, Kernel{3, 5, 3, 3, 1}, Kernel{16, 33, 3, 3, 1}, Kernel{40, 2, 3, 3, 1}, Kernel{8, 12, 2, 3, 4},
                          Kernel{24, 24, 3, 3, 24}, Kernel{17, 34, 1, 5, 17}})
    for (const auto& [sh, sw] : {std::pair(1, 2), {2, 1}, {3, 2}, {2, 3}})
      for (const auto& [ph, pw] : {std::pair(0, 1), {1, 0}, {2, 1}})
        for (const auto& [dh, dw] : {std::pair(1, 1), {1, 2}, {2, 1}}) {
          if (k.kh * k.kw == 1 && dh * dw > 1) continue;
          const ConvShape s = uneven(make(2, k.c, 10, 13, k.o, k.kh, k.kw, 1, 0, 1, k.groups), sh, sw, ph, pw, dh, dw);
          check_all<float>(s, 1e-6);
          const WithWish direct(ConvWish::Direct);
          check_all<double>(s, 1e-14);
        }
  for (const auto& [sh, sw] : {std::pair(1, 2), {2, 1}, {3, 2}, {2, 3}, {5, 2}})  // 1 x 1 without padding
    for (const int64_t c : {3, 20, 300}) check_all<float>(uneven(make(2, c, 7, 12, 24, 1, 1), sh, sw, 0, 0, 1, 1), 1e-6);
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
    INFO(fmt::format("{}: y {:.1e}, dx {:.1e}, dw {:.1e}", int(row.wish), error(p.forward(), y), error(p.backward_input(), dx),
                     error(p.backward_weight(), dw)));
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
      {make(32, 64, 16, 16, 64, 3, 3, 1, 1, 1, 4), "images", "images", "direct"},
      {make(1, 128, 2, 2, 128, 3, 3, 1, 1), "streams", "streams", "streams"},  // too few tiles for the transform of the weights
      {make(64, 128, 7, 7, 100, 7, 7, 1, 0), "columns", "images", "images"},
      {make(32, 64, 7, 7, 384, 3, 3, 3, 1, 1, 4), "images", "images", "images"},  // rows of three pixels, a batch of 32
      {make(1, 48, 64, 64, 8, 1, 1, 1, 0, 1, 4), "columns", "direct", "columns"},
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
