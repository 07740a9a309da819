// Hands the pixels of a 1 x 1 convolution to the matrix product.
#include "kernels/conv/pointwise.h"

#include <algorithm>
#include <optional>

#include "kernels/conv/met.h"
#include "kernels/conv/weights.h"
#include "kernels/copy/copy.h"
#include "kernels/gemm/gemm.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

int64_t pixels(const ConvShape& s) { return s.n * s.oh * s.ow; }
bool meets_every_pixel(const ConvShape& s) { return s.stride[0] == 1 && s.stride[1] == 1; }

constexpr int64_t kPlanes = 16;  // a cache line of a pixel

/// kPlanes planes of an image, from `first` on, at the strides only, turned to pixels (oh, ow, c).
template <class T>
void turn_met_planes(const ConvShape& s, const MetPixels& met, const T* image, int64_t first, T* pixels) {
  const int64_t count = s.oh * s.ow, end = std::min(s.c, first + kPlanes);
  if (meets_every_pixel(s)) return transpose(count, end - first, pixels + first, s.c, image + first * count, count);
  const Scratch<T> copy(kPlanes * count);
  for (int64_t c = first; c < end; ++c) met.copy(image + c * s.h * s.w, 0, count, copy + (c - first) * count);
  transpose(count, end - first, pixels + first, s.c, copy.data(), count);
}

/// x at the strides only, as it lies where that is all of it.
template <class T>
class MetImages {
 public:
  MetImages(const ConvShape& s, const T* x) : data_(x) {
    if (meets_every_pixel(s) && !s.planes) return;
    copy_.emplace(pixels(s) * s.c);
    copy_met_pixels(s, x, copy_->data());
    data_ = copy_->data();
  }
  const T* data() const { return data_; }

 private:
  const T* data_;
  std::optional<Scratch<T>> copy_;
};

/// The way back: dx is `met` at the strides and 0 between.
template <class T>
void spread(const ConvShape& s, const T* met, T* dx) {
  parallel_for(s.n * s.h, 1, double(s.n * s.h * s.w * s.c) / 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % s.h;
      T* to = dx + row * s.w * s.c;
      if (y % s.stride[0] != 0 || y / s.stride[0] >= s.oh) {
        std::fill_n(to, s.w * s.c, T(0));
        continue;
      }
      const T* from = met + (row / s.h * s.oh + y / s.stride[0]) * s.ow * s.c;
      for (int64_t x = 0; x < s.w; ++x, to += s.c) {
        if (x % s.stride[1] != 0 || x / s.stride[1] >= s.ow) std::fill_n(to, s.c, T(0));
        else std::copy_n(from + x / s.stride[1] * s.c, s.c, to);
      }
    }
  });
}

/// Rows of outputs as panels whose A is the image itself; without stride all rows of an image are one.
template <class T>
void run_in_place(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y) {
  const TapsMemory<T> memory = forward_taps(s, w);
  const Taps<T> taps = memory.group(0);
  const int64_t rows = meets_every_pixel(s) ? 1 : s.oh, length = s.oh * s.ow / rows;
  parallel_for(s.n * rows, 1, s.multiply_adds() / 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t image = row / rows, pixel = row % rows * s.stride[0] * s.w;
      Panel<T> q{};
      q.rows = length;
      q.a = x + image * s.h * s.w * s.c + pixel * (s.planes ? 1 : s.c);
      q.a_row = s.stride[1] * (s.planes ? 1 : s.c);
      q.inner = {s.c, s.planes ? s.h * s.w : 1, taps.wide};
      q.c_row = s.o;
      q.epilogue.relu = relu;
      for (int64_t j = 0; j < s.o; j += taps.wide) {
        q.columns = int(std::min(taps.wide, s.o - j));
        q.b = taps.at(0, 0, j);
        q.c = y + row * length * s.o + j;
        if (bias) q.epilogue.bias = bias + j;
        gemm_loops<T>().panel(q);
      }
    }
  });
}

}  // namespace

bool pointwise_in_place(const ConvShape& s) {
  const bool large = s.n * s.h * s.w * s.c > (1 << 21);  // not in the caches: then planes at strides had better be turned
  return s.c <= (large && s.planes && !meets_every_pixel(s) ? 8 : 256) && s.ow >= 4;
}
bool pointwise_reads_planes(const ConvShape& s) { return pointwise_in_place(s) || !meets_every_pixel(s); }

bool meets_some_pixels(const ConvShape& s) { return meets_by_stride(s) && s.groups == 1 && !meets_every_pixel(s); }

ConvShape shape_of_met(ConvShape s) {
  s.h = s.oh, s.w = s.ow;
  s.stride[0] = s.stride[1] = 1;
  s.planes = false;
  return s;
}

template <class T>
void copy_met_pixels(const ConvShape& s, const T* x, T* met) {
  if (s.planes) {
    const int64_t parts = (s.c + kPlanes - 1) / kPlanes;
    const MetPixels places(s, sizeof(T));
    return parallel_for(s.n * parts, 1, double(pixels(s) * s.c), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        turn_met_planes(s, places, x + i / parts * s.c * s.h * s.w, i % parts * kPlanes, met + i / parts * s.oh * s.ow * s.c);
    });
  }
  parallel_for(s.n * s.oh, 1, double(pixels(s) * s.c) / 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + (row / s.oh * s.h + row % s.oh * s.stride[0]) * s.w * s.c;
      T* to = met + row * s.ow * s.c;
      for (int64_t i = 0; i < s.ow; ++i, from += s.stride[1] * s.c, to += s.c) std::copy_n(from, s.c, to);
    }
  });
}

template <class T>
void pointwise_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y) {
  if (pointwise_in_place(s) && (s.planes || !meets_every_pixel(s))) return run_in_place(s, x, w, bias, relu, y);
  const MetImages<T> met(s, x);
  gemm<T>(pixels(s), s.o, s.c, {met.data(), s.c, 1}, {w, 1, s.c}, y, s.o, {false, bias, relu});
}

template <class T>
void pointwise_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  if (meets_every_pixel(s)) return gemm<T>(pixels(s), s.c, s.o, {dy, s.o, 1}, {w, s.c, 1}, dx, s.c);
  const Scratch<T> met(pixels(s) * s.c);
  gemm<T>(pixels(s), s.c, s.o, {dy, s.o, 1}, {w, s.c, 1}, met, s.c);
  spread(s, met.data(), dx);
}

template <class T>
void pointwise_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const MetImages<T> met(s, x);
  gemm<T>(s.o, s.c, pixels(s), {dy, 1, s.o}, {met.data(), s.c, 1}, dw, s.c);
}

template void copy_met_pixels(const ConvShape&, const float*, float*);
template void copy_met_pixels(const ConvShape&, const double*, double*);
template void pointwise_forward(const ConvShape&, const float*, const float*, const float*, bool, float*);
template void pointwise_forward(const ConvShape&, const double*, const double*, const double*, bool, double*);
template void pointwise_backward_input(const ConvShape&, const float*, const float*, float*);
template void pointwise_backward_input(const ConvShape&, const double*, const double*, double*);
template void pointwise_backward_weight(const ConvShape&, const float*, const float*, float*);
template void pointwise_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
