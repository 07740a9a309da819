// A convolution is a matrix product whose A is read from the image itself: a row of output pixels is a panel of rows that lie
// `stride` pixels apart, and the sum over the kernel walks kernel rows and then the kw * c numbers that lie side by side. All that
// is copied is the image, with zeros around it, a band of rows at a time, so that it is still in the cache when it is read.
#include "kernels/conv.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "kernels/scratch.h"

namespace ember::kernels {
namespace {

template <class T>
const GemmFamily<T>& family() {
  if constexpr (sizeof(T) == 4) return kernels().gemm.float32;
  else return kernels().gemm.float64;
}

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }

/// An image of h x w pixels of c numbers as a convolution sees it: spread `insert` apart, with zeros between and around.
struct Padded {
  int64_t h, w, c;
  int64_t top, left;        // zero rows above, zero columns to the left; negative ones cut
  int64_t insert_y, insert_x;
  int64_t width;            // of a padded row, in pixels
};

/// Rows [r0, r0 + rows) of the padded image.
template <class T>
void copy_padded(const Padded& p, const T* image, int64_t r0, int64_t rows, T* out) {
  const int64_t row_numbers = p.width * p.c;
  for (int64_t r = 0; r < rows; ++r, out += row_numbers) {
    const int64_t y = r0 + r - p.top;
    if (y < 0 || y % p.insert_y != 0 || y / p.insert_y >= p.h) {
      std::memset(out, 0, std::size_t(row_numbers) * sizeof(T));
      continue;
    }
    const T* from = image + y / p.insert_y * p.w * p.c;
    if (p.insert_x == 1) {
      const int64_t first = std::max<int64_t>(0, p.left), skipped = std::max<int64_t>(0, -p.left);
      const int64_t count = std::min(p.w - skipped, p.width - first);
      std::memset(out, 0, std::size_t(first * p.c) * sizeof(T));
      std::memcpy(out + first * p.c, from + skipped * p.c, std::size_t(count * p.c) * sizeof(T));
      std::memset(out + (first + count) * p.c, 0, std::size_t((p.width - first - count) * p.c) * sizeof(T));
      continue;
    }
    std::memset(out, 0, std::size_t(row_numbers) * sizeof(T));
    for (int64_t x = 0; x < p.w; ++x)
      if (const int64_t at = p.left + x * p.insert_x; at >= 0 && at < p.width)
        std::memcpy(out + at * p.c, from + x * p.c, std::size_t(p.c) * sizeof(T));
  }
}

/// How wide the column panels of the output channels are: as even as whole vectors allow.
template <class T>
int64_t panel_columns(int64_t columns) {
  const GemmFamily<T>& f = family<T>();
  const int64_t vectors = blocks(columns, f.lanes), panels = blocks(vectors, 2);
  return blocks(vectors, panels) * f.lanes;
}

/// Weights of one group, rows padded to whole vectors: (taps * c_in, columns) with a fixed row length.
template <class T>
struct PackedWeights {
  int64_t row;
  std::optional<Scratch<T>> memory;
  const T* data;
  int64_t group_stride;

  PackedWeights(const T* w, int64_t rows, int64_t columns, int64_t groups) {
    const GemmFamily<T>& f = family<T>();
    const int64_t each = columns / groups;
    row = columns;
    data = w;
    group_stride = each;
    if (f.masked_loads || each % f.lanes == 0) return;
    row = blocks(each, f.lanes) * f.lanes;
    group_stride = rows * row;
    memory.emplace(groups * group_stride);
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t r = 0; r < rows; ++r) {
        T* out = memory->data() + g * group_stride + r * row;
        std::memcpy(out, w + r * columns + g * each, std::size_t(each) * sizeof(T));
        std::memset(out + each, 0, std::size_t(row - each) * sizeof(T));
      }
    data = memory->data();
  }
};

/// The convolution proper: y (n, oh, ow, o) from padded images, stride and dilation as given.
struct Direct {
  Padded image;
  int64_t n, oh, ow, o, groups, kh, kw;
  int64_t stride[2], dilation[2];
  double multiply_adds;
};

template <class T>
void run_band(const Direct& d, const T* x, const PackedWeights<T>& w, const T* bias, bool relu, T* y, int64_t image, int64_t y0,
              int64_t y1) {
  const GemmFamily<T>& f = family<T>();
  const Padded& p = d.image;
  const int64_t first = y0 * d.stride[0], rows = (y1 - 1 - y0) * d.stride[0] + (d.kh - 1) * d.dilation[0] + 1;
  const int64_t image_size = p.h * p.w * p.c;
  const bool as_it_lies = p.top == 0 && p.left == 0 && p.insert_y == 1 && p.insert_x == 1 && p.width == p.w;
  std::optional<Scratch<T>> copy;
  const T* source = x + image * image_size + first * p.w * p.c;
  if (!as_it_lies) {
    copy.emplace(rows * p.width * p.c);
    copy_padded(p, x + image * image_size, first, rows, copy->data());
    source = copy->data();
  }
  const int64_t c_in = p.c / d.groups, c_out = d.o / d.groups, wide = panel_columns<T>(c_out);
  const bool merged = d.groups == 1 && d.dilation[1] == 1;  // the numbers of a kernel row lie side by side
  for (int64_t g = 0; g < d.groups; ++g)
    for (int64_t j = 0; j < c_out; j += wide) {
      Panel<T> q{};
      q.rows = d.ow;
      q.columns = int(std::min(wide, c_out - j));
      q.a_row = d.stride[1] * p.c;
      q.b = w.data + g * w.group_stride + j;
      q.c_row = d.o;
      q.outer = {d.kh, d.dilation[0] * p.width * p.c, d.kw * c_in * w.row};
      if (!merged) q.middle = {d.kw, d.dilation[1] * p.c, c_in * w.row};
      q.inner = {merged ? d.kw * c_in : c_in, 1, w.row};
      if (bias) q.epilogue.bias = bias + g * c_out + j;
      q.epilogue.relu = relu;
      for (int64_t row = y0; row < y1; ++row) {
        q.a = source + (row - y0) * d.stride[0] * p.width * p.c + g * c_in;
        q.c = y + ((image * d.oh + row) * d.ow) * d.o + g * c_out + j;
        f.panel(q);
      }
    }
}

template <class T>
void run_direct(const Direct& d, const T* x, const T* weights, const T* bias, bool relu, T* y) {
  const PackedWeights<T> w(weights, d.kh * d.kw * (d.image.c / d.groups), d.o, d.groups);
  // A band's input should stay in the second-level cache beside the weights; few images are cut further, for the threads.
  const int64_t row_bytes = d.image.width * d.image.c * d.stride[0] * int64_t(sizeof(T));
  const int64_t by_cache = blocks(d.oh * row_bytes, 400 << 10), by_threads = blocks(8, std::max<int64_t>(1, d.n));
  const int64_t bands = std::clamp<int64_t>(std::max(by_cache, by_threads), 1, std::max<int64_t>(1, d.oh / 2));
  parallel_for(d.n * bands, 1, d.multiply_adds / 16, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t band = unit % bands;
      run_band(d, x, w, bias, relu, y, unit / bands, d.oh * band / bands, d.oh * (band + 1) / bands);
    }
  });
}

}  // namespace

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y) {
  const bool pointwise = s.kh == 1 && s.kw == 1 && s.stride[0] == 1 && s.stride[1] == 1 && s.padding[0] == 0 && s.padding[1] == 0;
  if (pointwise && s.groups == 1)
    return gemm<T>(s.n * s.oh * s.ow, s.o, s.c, {x, s.c, 1}, {w, s.o, 1}, y, s.o, {false, bias, relu});
  Direct d{{s.h, s.w, s.c, s.padding[0], s.padding[1], 1, 1, 0}, s.n, s.oh, s.ow, s.o, s.groups, s.kh, s.kw,
           {s.stride[0], s.stride[1]}, {s.dilation[0], s.dilation[1]}, s.multiply_adds()};
  d.image.width = std::max((s.ow - 1) * s.stride[1] + (s.kw - 1) * s.dilation[1] + 1, s.w + s.padding[1]);
  if (s.padding[1] == 0) d.image.width = s.w;
  run_direct(d, x, w, bias, relu, y);
}

template <class T>
void conv_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const bool pointwise = s.kh == 1 && s.kw == 1 && s.stride[0] == 1 && s.stride[1] == 1 && s.padding[0] == 0 && s.padding[1] == 0;
  if (pointwise && s.groups == 1)
    return gemm<T>(s.n * s.oh * s.ow, s.c, s.o, {dy, s.o, 1}, {w, s.c, 1}, dx, s.c, {});
  // dx = dy, spread by the stride, convolved with the kernel turned around, at stride 1.
  Direct d{{s.oh, s.ow, s.o, (s.kh - 1) * s.dilation[0] - s.padding[0], (s.kw - 1) * s.dilation[1] - s.padding[1], s.stride[0],
            s.stride[1], s.w + (s.kw - 1) * s.dilation[1]},
           s.n, s.h, s.w, s.c, s.groups, s.kh, s.kw, {1, 1}, {s.dilation[0], s.dilation[1]},
           s.multiply_adds() * double(s.stride[0] * s.stride[1])};
  run_direct(d, dy, w, static_cast<const T*>(nullptr), false, dx);
}

namespace {

/// Images [begin, end) added to dw.
template <class T>
void add_weight_gradient(const ConvShape& s, const T* x, const T* dy, T* dw, int64_t begin, int64_t end) {
  const GemmFamily<T>& f = family<T>();
  const int64_t c_in = s.c_group(), c_out = s.o_group(), wide = panel_columns<T>(c_out), pixels = s.oh * s.ow;
  Padded p{s.h, s.w, s.c, s.padding[0], s.padding[1], 1, 1, 0};
  p.width = std::max((s.ow - 1) * s.stride[1] + (s.kw - 1) * s.dilation[1] + 1, s.w + s.padding[1]);
  const int64_t rows = (s.oh - 1) * s.stride[0] + (s.kh - 1) * s.dilation[0] + 1;
  const bool aligned = f.masked_loads || c_out % f.lanes == 0;
  const int64_t dy_row = aligned ? s.o : blocks(c_out, f.lanes) * f.lanes;
  const bool few_taps = s.groups == 1 && s.kh * s.kw * s.c <= 32;  // all of them in registers at once
  const int64_t taps = s.kh * s.kw * s.c;
  Scratch<T> padded(rows * p.width * s.c), dy_copy(aligned ? 1 : pixels * dy_row), columns(few_taps ? pixels * taps : 1);
  const bool merged = s.groups == 1 && s.dilation[1] == 1;

  for (int64_t image = begin; image < end; ++image) {
    copy_padded(p, x + image * s.h * s.w * s.c, 0, rows, padded.data());
    const T* upstream = dy + image * pixels * s.o;
    if (few_taps) {
      T* out = columns;
      for (int64_t oy = 0; oy < s.oh; ++oy)
        for (int64_t ox = 0; ox < s.ow; ++ox)
          for (int64_t ky = 0; ky < s.kh; ++ky)
            for (int64_t kx = 0; kx < s.kw; ++kx) {
              const T* from = padded + ((oy * s.stride[0] + ky * s.dilation[0]) * p.width + ox * s.stride[1] + kx * s.dilation[1]) * s.c;
              for (int64_t c = 0; c < s.c; ++c) *out++ = from[c];
            }
    }
    for (int64_t g = 0; g < s.groups; ++g) {
      const T* b = upstream + g * c_out;
      if (!aligned) {
        for (int64_t i = 0; i < pixels; ++i) {
          std::memcpy(dy_copy + i * dy_row, b + i * s.o, std::size_t(c_out) * sizeof(T));
          std::memset(dy_copy + i * dy_row + c_out, 0, std::size_t(dy_row - c_out) * sizeof(T));
        }
        b = dy_copy;
      }
      for (int64_t j = 0; j < c_out; j += wide) {
        Panel<T> q{};
        q.columns = int(std::min(wide, c_out - j));
        q.a_row = 1;
        q.b = b + j;
        q.c_row = s.o;
        q.epilogue.accumulate = true;
        if (few_taps) {
          q.rows = taps;
          q.a = columns;
          q.inner = {pixels, taps, dy_row};
          q.c = dw + j;
          f.panel(q);
          continue;
        }
        q.rows = merged ? s.kw * c_in : c_in;
        q.middle = {s.oh, s.stride[0] * p.width * s.c, s.ow * dy_row};
        q.inner = {s.ow, s.stride[1] * s.c, dy_row};
        for (int64_t ky = 0; ky < s.kh; ++ky)
          for (int64_t kx = 0; kx < (merged ? 1 : s.kw); ++kx) {
            q.a = padded + (ky * s.dilation[0] * p.width + kx * s.dilation[1]) * s.c + g * c_in;
            q.c = dw + (ky * s.kw + kx) * c_in * s.o + g * c_out + j;
            f.panel(q);
          }
      }
    }
  }
}

}  // namespace

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const int64_t size = s.kh * s.kw * s.c_group() * s.o;
  std::memset(dw, 0, std::size_t(size) * sizeof(T));
  if (s.n == 0 || s.oh == 0 || s.ow == 0) return;
  // Parts of the batch have sums of their own, which are added in order: as many whatever the number of threads.
  const int64_t parts = std::clamp<int64_t>(int64_t(s.multiply_adds() / 4e6), 1, std::min<int64_t>(s.n, size > 60000 ? 4 : 8));
  if (parts == 1) return add_weight_gradient(s, x, dy, dw, 0, s.n);
  Scratch<T> partial(parts * size);
  parallel_for(parts, 1, s.multiply_adds() / 16, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      std::memset(partial + part * size, 0, std::size_t(size) * sizeof(T));
      add_weight_gradient(s, x, dy, partial + part * size, s.n * part / parts, s.n * (part + 1) / parts);
    }
  });
  parallel_for(size, 64, double(size * parts), [&](int64_t begin, int64_t end) {
    for (int64_t part = 0; part < parts; ++part)
      for (int64_t i = begin; i < end; ++i) dw[i] += partial[part * size + i];
  });
}

template void conv_forward(const ConvShape&, const float*, const float*, const float*, bool, float*);
template void conv_forward(const ConvShape&, const double*, const double*, const double*, bool, double*);
template void conv_backward_input(const ConvShape&, const float*, const float*, float*);
template void conv_backward_input(const ConvShape&, const double*, const double*, double*);
template void conv_backward_weight(const ConvShape&, const float*, const float*, float*);
template void conv_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
