// The convolutions by copied patches, by streamed weights and by images side by side, called by name for every shape, whatever would be chosen: in
// all three directions, of images whose channels lie innermost or in planes.
#include "kernels/conv/columns.h"

#include <limits>

#include "kernels/conv/choice.h"
#include "kernels/conv/images.h"
#include "kernels/conv/planes.h"
#include "kernels/conv/pointwise.h"
#include "kernels/conv/streams.h"
#include "kernels/conv_problem.h"
#include "runtime/parallel.h"

using namespace ember::kernels;

namespace {

/// x (n, h, w, c) as (n, c, h, w).
template <class T>
std::vector<T> in_planes(const ConvShape& s, const std::vector<T>& x) {
  std::vector<T> planes(x.size());
  const int64_t pixels = s.h * s.w;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t i = 0; i < pixels; ++i)
      for (int64_t c = 0; c < s.c; ++c) planes[std::size_t((n * s.c + c) * pixels + i)] = x[std::size_t((n * pixels + i) * s.c + c)];
  return planes;
}

enum class Way : std::uint8_t { Columns, Streams, Images };

template <class T>
struct ByName {
  Problem<T> p;
  ConvShape s;
  std::vector<T> x;
  Way way;
  ByName(const ConvShape& shape, bool planes, Way w) : p(shape), s(shape), x(planes ? in_planes(shape, p.x) : p.x), way(w) { s.planes = planes; }

  std::vector<T> forward(bool relu = false) const {
    std::vector<T> y(p.dy.size(), T(NAN));
    if (way == Way::Images) images_forward<T>(s, x.data(), p.w.data(), p.bias.data(), relu, y.data());
    else (way == Way::Columns ? columns_forward<T> : streams_forward<T>)(s, x.data(), p.w.data(), {.bias = p.bias.data(), .relu = relu}, y.data());
    return y;
  }
  std::vector<T> backward_input(const T* bias) const {
    std::vector<T> dx(x.size(), T(NAN));
    const auto run = way == Way::Images ? images_backward_input<T> : way == Way::Columns ? columns_backward_input<T> : streams_backward_input<T>;
    run(s, p.dy.data(), p.w.data(), bias, dx.data());
    return dx;
  }
  std::vector<T> backward_weight() const {
    std::vector<T> dw(p.w.size(), T(NAN));
    const auto run = way == Way::Images ? images_backward_weight<T> : way == Way::Columns ? columns_backward_weight<T> : streams_backward_weight<T>;
    run(s, x.data(), p.dy.data(), dw.data());
    return dw;
  }
};

template <class T>
void check_by_name(const ConvShape& shape, Way way, double bound) {
  for (const bool planes : {false, true}) {
    INFO(text(shape) << (planes ? ", planes" : ""));
    const ByName<T> c(shape, planes, way);
    std::vector<double> y = c.p.exact_forward();
    CHECK(error(c.forward(), y) < bound);
    for (double& v : y) v = v < 0 ? 0 : v;
    CHECK(error(c.forward(true), y) < bound);
    CHECK(error(c.backward_weight(), c.p.exact_backward_weight()) < bound);
    if (planes) continue;
    std::vector<double> dx = c.p.exact_backward_input();
    CHECK(error(c.backward_input(nullptr), dx) < bound);
    const std::vector<T> bias = random_numbers<T>(shape.c, 5);
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] += bias[i % std::size_t(shape.c)];
    CHECK(error(c.backward_input(bias.data()), dx) < bound);
  }
}

/// The same bits on any number of threads.
void check_threads(const ConvShape& shape, bool planes, Way way) {
  INFO(text(shape) << (planes ? ", planes" : ""));
  const int before = num_threads();
  const ByName<float> c(shape, planes, way);
  set_num_threads(1);
  const auto y = c.forward(), dx = c.backward_input(nullptr), dw = c.backward_weight();
  set_num_threads(5);
  CHECK(c.forward() == y);
  CHECK(c.backward_input(nullptr) == dx);
  CHECK(c.backward_weight() == dw);
  set_num_threads(before);
}

// What the layers that people draw need beyond the common shapes: generators, images smaller than the kernel, few and many channels.
const std::vector<ConvShape> drawn_shapes{
    make(3, 12, 7, 7, 10, 7, 7, 1, 0), make(5, 6, 4, 4, 20, 4, 4, 1, 3), make(9, 1, 28, 28, 24, 4, 4, 2, 1), make(1, 64, 8, 8, 3, 4, 4, 2, 1),
    make(2, 130, 5, 4, 8, 1, 1, 1, 0), make(2, 7, 5, 4, 48, 1, 1, 3, 0), make(2, 48, 9, 9, 8, 1, 1, 1, 0, 1, 4), make(4, 9, 1, 50, 17, 1, 5, 1, 2, 2),
    make(3, 24, 1, 1, 16, 3, 3, 1, 1, 1, 8), make(2, 64, 6, 6, 40, 2, 2, 2, 0, 1, 2), make(1, 40, 2, 2, 70, 3, 3, 1, 1),
    make(40, 8, 2, 2, 9, 3, 3, 2, 1), make(1, 19, 4, 4, 33, 3, 3, 3, 1), make(2, 24, 3, 3, 7, 3, 2, 2, 1, 2), make(3, 12, 1, 2, 10, 1, 2, 1, 0),
    // Single pixels: few outputs along the planes, whose ends are no whole vectors, more of them in blocks.
    make(2, 37, 9, 9, 5, 1, 1, 1, 0), make(1, 21, 35, 33, 3, 1, 1, 1, 0), make(2, 32, 9, 9, 8, 1, 1, 1, 0, 1, 2),
    make(3, 270, 13, 11, 33, 1, 1, 1, 0),
    // Single pixels at strides: in rows and one by one, of whole images, some of them, and parts.
    make(2, 20, 32, 32, 24, 1, 1, 2, 0), make(3, 20, 16, 33, 24, 1, 1, 2, 0), make(5, 21, 24, 24, 24, 1, 1, 3, 0),
    make(3, 24, 9, 8, 40, 1, 1, 3, 0, 1, 2), make(2, 4, 82, 80, 20, 1, 1, 3, 0), make(2, 9, 40, 32, 3, 1, 1, 3, 0)};

}  // namespace

TEST_CASE("convolution by patches: the sum, in all directions, of either layout") {
  for (const auto* shapes : {&any_shapes, &drawn_shapes})
    for (const ConvShape& s : *shapes) {
      check_by_name<float>(s, Way::Columns, 1e-6);
      check_by_name<double>(s, Way::Columns, 1e-14);
    }
}

TEST_CASE("convolution by streamed weights: the sum, in all directions, of either layout") {
  for (const auto* shapes : {&any_shapes, &drawn_shapes})
    for (const ConvShape& s : *shapes) {
      if (s.groups > 1 || s.n * s.oh * s.ow > 4 * kMostStreamPixels) continue;
      check_by_name<float>(s, Way::Streams, 1e-6);
      check_by_name<double>(s, Way::Streams, 1e-14);
    }
}

TEST_CASE("convolution by images side by side: the sum, in all directions, of either layout, with the same bits on any number of threads") {
  const std::vector<ConvShape> many_images{make(26, 12, 7, 7, 20, 7, 7, 3, 3),   make(50, 20, 4, 5, 9, 2, 2, 1, 1),
                                           make(30, 8, 12, 12, 24, 3, 3, 3, 1),  make(30, 16, 7, 7, 48, 3, 3, 3, 1, 1, 4),
                                           make(25, 6, 3, 4, 10, 2, 3, 3, 1, 2), make(9, 260, 12, 12, 7, 3, 3, 2, 1)};
  for (const auto* shapes : {&any_shapes, &drawn_shapes, &many_images})
    for (const ConvShape& s : *shapes) {
      check_by_name<float>(s, Way::Images, 1e-6);
      check_by_name<double>(s, Way::Images, 1e-14);
    }
  for (const ConvShape& s : many_images) check_threads(s, false, Way::Images);
}

TEST_CASE("convolution: the input gradient by planes is the sum, of any stride, dilation and number of groups, on any number of threads") {
  const int before = num_threads();
  const auto check = [&](auto zero, const ConvShape& s, double bound) {
    using T = decltype(zero);
    INFO(text(s));
    const Problem<T> p(s);
    const std::vector<T> bias = random_numbers<T>(s.c, 5);
    std::vector<double> want = p.exact_backward_input();
    std::vector<T> dx(p.x.size(), T(NAN)), on_threads = dx;
    set_num_threads(1);
    planes_backward_input<T>(s, p.dy.data(), p.w.data(), nullptr, dx.data());
    CHECK(error(dx, want) < bound);
    for (std::size_t i = 0; i < dx.size(); ++i) want[i] += bias[i % std::size_t(s.c)];
    planes_backward_input<T>(s, p.dy.data(), p.w.data(), bias.data(), dx.data());
    CHECK(error(dx, want) < bound);
    set_num_threads(5);
    planes_backward_input<T>(s, p.dy.data(), p.w.data(), bias.data(), on_threads.data());
    CHECK(on_threads == dx);
  };
  for (const auto* shapes : {&any_shapes, &drawn_shapes})
    for (const ConvShape& s : *shapes) {
      check(0.0F, s, 1e-6);
      check(0.0, s, 1e-14);
    }
  check(0.0F, make(1, 4, 100, 90, 5, 3, 3, 1, 1), 1e-6);  // in bands
  check(0.0F, make(2, 16, 40, 40, 32, 3, 3, 2, 0, 1, 8), 1e-6);
  set_num_threads(before);
}

TEST_CASE("convolution: taps that lie in the padding for every output are left out") {
  for (const ConvShape& s : {make(2, 9, 1, 1, 20, 7, 7, 1, 3), make(3, 20, 2, 2, 16, 7, 7, 1, 3), make(2, 16, 2, 3, 16, 5, 5, 1, 2),
                             make(2, 6, 2, 2, 8, 5, 5, 2, 2), make(2, 8, 2, 2, 8, 4, 4, 2, 3, 2), make(2, 8, 2, 2, 16, 5, 5, 1, 2, 1, 8),
                             make(2, 16, 1, 1, 16, 3, 3, 1, 1, 1, 4), make(2, 4, 1, 9, 6, 3, 3, 1, 1)}) {
    INFO(text(s));
    Problem<float> p(s);
    CHECK(error(p.forward(), p.exact_forward()) < 1e-6);
    CHECK(error(p.backward_input(), p.exact_backward_input()) < 1e-6);
    CHECK(error(p.backward_weight(), p.exact_backward_weight()) < 1e-6);
  }
  // They are not read: what a NaN in the middle of the kernel would reach, one in its corner does not.
  Problem<float> p(make(2, 9, 1, 1, 20, 7, 7, 1, 3));
  p.w[0] = std::numeric_limits<float>::quiet_NaN();
  for (const float y : p.forward()) CHECK(std::isfinite(y));
}

TEST_CASE("pointwise convolution: the sum of either layout, at strides, of few channels and many") {
  for (const ConvShape& shape : {make(2, 40, 9, 11, 24, 1, 1, 2, 0), make(1, 5, 8, 8, 16, 1, 1, 2, 0), make(3, 33, 7, 5, 9, 1, 1, 3, 0),
                                 make(2, 300, 6, 7, 20, 1, 1, 1, 0), make(2, 17, 6, 7, 32, 1, 1, 1, 0)})
    for (const bool planes : {false, true}) {
      INFO(text(shape) << (planes ? ", planes" : ""));
      ConvShape s = shape;
      s.planes = planes;
      const Problem<float> p(shape);
      const std::vector<float> x = planes ? in_planes(shape, p.x) : p.x;
      std::vector<float> y(p.dy.size(), NAN), dw(p.w.size(), NAN);
      if (!planes || pointwise_reads_planes(s)) {
        pointwise_forward(s, x.data(), p.w.data(), p.bias.data(), false, y.data());
        CHECK(error(y, p.exact_forward()) < 1e-6);
      }
      pointwise_backward_weight(s, x.data(), p.dy.data(), dw.data());
      CHECK(error(dw, p.exact_backward_weight()) < 1e-6);
    }
}

TEST_CASE("convolution by patches: the same bits on any number of threads") {
  for (const ConvShape& s : {make(16, 32, 16, 16, 32, 3, 3, 2, 1), make(1, 64, 14, 14, 64, 3, 3, 1, 1), make(40, 48, 7, 7, 24, 4, 4, 1, 0),
                             make(3, 64, 9, 9, 64, 3, 3, 1, 1, 1, 4), make(4, 300, 33, 37, 7, 1, 1, 1, 0), make(9, 48, 14, 14, 72, 1, 1, 3, 0)})
    for (const bool planes : {false, true}) check_threads(s, planes, Way::Columns);
}
