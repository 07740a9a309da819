// A convolution is a matrix product whose A is read from the image itself: a row of output pixels is a panel of rows that lie
// `stride` pixels apart, and the sum over the kernel walks kernel rows and then the kw * c numbers that lie side by side. All that
// is copied is the image, with zeros left and right, a band of rows at a time, so that it is still in the cache when it is read;
// kernel rows that would lie above or below the image are left out of the sum.
#include "kernels/conv/direct.h"

#include <algorithm>
#include <optional>

#include "kernels/conv/axis.h"
#include "kernels/conv/pairs.h"
#include "kernels/copy/copy.h"
#include "runtime/parallel.h"

namespace ember::kernels {

template <class T>
void copy_with_margins(const T* image, int64_t w, int64_t c, int64_t r0, int64_t rows, int64_t left, int64_t width, T* out) {
  const int64_t first = std::max<int64_t>(0, left), skipped = std::max<int64_t>(0, -left);
  const int64_t count = std::max<int64_t>(0, std::min(w - skipped, width - first)), rest = std::max<int64_t>(0, width - first - count);
  const T* from = image + (r0 * w + skipped) * c;
  for (int64_t r = 0; r < rows; ++r, from += w * c) {
    std::fill_n(out, first * c, T(0));
    std::copy_n(from, count * c, out + first * c);
    std::fill_n(out + (first + count) * c, rest * c, T(0));
    out += width * c;
  }
}

namespace {

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }

struct Direct {
  Axis y, x;
  int64_t n, c, o, groups;
  int64_t kernel_width;  // taps in a row of the whole kernel
  int64_t result_height, result_width;
  bool planes = false;  // each channel of the image is a plane

  /// Do the taps of a kernel row see pixels that lie side by side?
  bool whole_rows() const { return x.dilation == 1 && x.tap_step == 1 && x.taps == kernel_width; }
  /// Groups of few channels are copied apart: then the numbers under a kernel row lie side by side, and the sum has one long loop. At strides that
  /// would copy more than it saves.
  bool apart() const {
    const int64_t few = c / groups;
    return groups > 1 && few >= kFewestApart && few <= kMostApart && x.taps > 1 && x.stride == 1 && whole_rows();
  }
};

/// The channels of one group, rows [top, top + rows) of an image, as pixels (rows, w, c / groups).
template <class T>
void copy_group(const Direct& d, const T* image, int64_t group, int64_t top, int64_t rows, T* to) {
  const int64_t c = d.c / d.groups, w = d.x.in, count = rows * w;
  if (d.planes) return transpose(count, c, to, c, image + (group * c * d.y.in + top) * w, d.y.in * w);
  const T* from = image + top * w * d.c + group * c;
  for (int64_t i = 0; i < count; ++i, from += d.c, to += c) std::copy_n(from, c, to);
}

/// What a band of an image is multiplied by: taps in column panels, or, for few outputs, a row of taps for each of them.
template <class T>
struct Weights {
  const TapsMemory<T>* panels;
  const T* dots;  ///< (outputs, kernel height, kernel width, inputs), or null
};

/// Output rows [y0, y1) of one image; row 0 of its result would lie at `result`.
template <class T>
void run_band(const Direct& d, const T* image, const Weights<T>& weights, const ConvEpilogue<T>& e, T* result, int64_t y0, int64_t y1) {
  const bool relu = e.relu && !e.norms();
  const Axis &ay = d.y, &ax = d.x;
  const int64_t top = std::clamp<int64_t>(ay.input(y0, 0), 0, ay.in);
  const int64_t bottom = std::clamp<int64_t>(ay.input(y1 - 1, ay.taps - 1) + 1, top, ay.in);
  const bool as_it_lies = ax.before == 0 && ax.reach() <= ax.in;
  const int64_t width = as_it_lies ? ax.in : ax.reach();
  // Planes of few channels are read as they are: products do not mind where an element lies.
  const bool planes = d.planes && d.groups == 1 && d.c <= 8 && !weights.dots;
  const bool apart = d.apart();
  const int64_t rows = bottom - top, plane = as_it_lies ? ay.in * width : rows * width;
  const int64_t pixel = planes ? 1 : apart ? d.c / d.groups : d.c, channel = planes ? plane : 1;
  std::optional<Scratch<T>> pixels, copy;
  const T* source = image + top * ax.in * pixel;
  if (apart) {
    pixels.emplace(rows * ax.in * d.c);
    for (int64_t g = 0; g < d.groups; ++g) copy_group(d, image, g, top, rows, pixels->data() + g * rows * ax.in * pixel);
    source = pixels->data();
  } else if (d.planes && !planes) {
    pixels.emplace(rows * ax.in * d.c);
    transpose(rows * ax.in, d.c, pixels->data(), d.c, image + top * ax.in, ay.in * ax.in);
    source = pixels->data();
  }
  if (!as_it_lies) {
    copy.emplace(rows * width * d.c);
    for (int64_t i = 0; i < d.c / (planes || apart ? pixel : d.c); ++i)
      copy_with_margins(source + i * (planes ? ay.in : rows) * ax.in * pixel, ax.in, pixel, 0, rows, ax.before, width,
                        copy->data() + i * rows * width * pixel);
    source = copy->data();
  }
  if (weights.dots) {
    const int64_t kernel_row = d.kernel_width * d.c;
    for (int64_t row = y0; row < y1; ++row) {
      const int64_t k0 = ay.begin(row), k1 = ay.end(row);
      dots_loops<T>().panel({.rows = ax.out,
                             .outputs = int(d.o),
                             .a = source + (ay.input(row, k0) - top) * width * d.c,
                             .a_row = ax.stride * d.c,
                             .b = weights.dots + k0 * kernel_row,
                             .b_output = ay.taps * kernel_row,
                             .c = result + row * d.result_width * d.o,
                             .c_row = d.o,
                             .outer = {k1 - k0, ay.dilation * width * d.c, kernel_row},
                             .length = kernel_row,
                             .bias = e.bias,
                             .relu = relu});
    }
    return;
  }
  const bool side_by_side = !planes && (d.groups == 1 || apart) && d.whole_rows();
  const int64_t group = apart ? rows * width * pixel : d.c / d.groups;
  for (int64_t g = 0; g < d.groups; ++g) {
    const Taps<T> w = weights.panels->group(g);
    const int64_t tap = w.inputs * w.wide;
    // Weights that stay in the first-level cache: whole pixels are finished, row by row.
    const int64_t step = w.size() * int64_t(sizeof(T)) <= (16 << 10) ? 1 : y1 - y0;
    for (int64_t first = y0; first < y1; first += step)
      for (int64_t j = 0; j < w.outputs; j += w.wide) {
        Panel<T> q{};
        q.rows = ax.out;
        q.columns = int(std::min(w.wide, w.outputs - j));
        q.a_row = ax.stride * pixel;
        q.c_row = ax.spacing * d.o;
        if (!side_by_side) q.middle = {ax.taps, ax.dilation * pixel, ax.tap_step * tap};
        q.inner = {side_by_side ? ax.taps * w.inputs : w.inputs, channel, w.wide};
        if (e.bias) q.epilogue.bias = e.bias + g * w.outputs + j;
        q.epilogue.relu = relu;
        for (int64_t row = first; row < first + step; ++row) {
          const int64_t k0 = ay.begin(row), k1 = ay.end(row);
          q.outer = {k1 - k0, ay.dilation * width * pixel, ay.tap_step * d.kernel_width * tap};
          q.a = source + (ay.input(row, k0) - top) * width * pixel + g * group;
          q.b = w.at((ay.first_tap + k0 * ay.tap_step) * d.kernel_width + ax.first_tap, 0, j);
          q.c = result + ((ay.place + row * ay.spacing) * d.result_width + ax.place) * d.o + g * w.outputs + j;
          gemm_loops<T>().panel(q);
        }
      }
  }
}

template <class T>
void run(const Direct& d, const T* x, const Weights<T>& weights, const ConvEpilogue<T>& epilogue, T* result) {
  if (d.n == 0 || d.y.out == 0 || d.x.out == 0) return;
  // A band's input should stay in the second-level cache beside the weights; few images are cut further, for the threads.
  const int64_t row_bytes = d.x.reach() * d.c * d.y.stride * int64_t(sizeof(T));
  const int64_t by_cache = blocks(d.y.out * row_bytes, 400 << 10), by_threads = blocks(8, d.n);
  const int64_t bands = std::clamp<int64_t>(std::max(by_cache, by_threads), 1, std::max<int64_t>(1, d.y.out / 2));
  // Where rows are pooled in pairs, pairs are not cut, and an odd last row is not needed.
  const int64_t unit_rows = epilogue.pool ? 2 : 1, units = d.y.out / unit_rows, row = d.x.out * d.o;
  const auto cut = [&](int64_t band) { return units * band / bands * unit_rows; };
  const double multiply_adds = double(d.n * d.y.out * d.x.out) * double(d.c * d.o / d.groups) * double(std::max<int64_t>(1, d.y.taps * d.x.taps));
  parallel_for(d.n * bands, 1, multiply_adds / 16, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t image = unit / bands, band = unit % bands, y0 = cut(band), y1 = cut(band + 1);
      const T* const from = x + image * d.y.in * d.x.in * d.c;
      if (epilogue.pool) {
        const Scratch<T> rows((y1 - y0) * row);
        run_band(d, from, weights, epilogue, rows - y0 * row, y0, y1);
        norm_and_pool(epilogue, (y1 - y0) / 2, d.x.out, d.o, rows.data(), result + (image * (d.y.out / 2) + y0 / 2) * (d.x.out / 2) * d.o);
        continue;
      }
      run_band(d, from, weights, epilogue, result + image * d.result_height * d.result_width * d.o, y0, y1);
      if (epilogue.norms()) norm_rows(epilogue, (image * d.y.out + y0) * d.x.out, (y1 - y0) * d.x.out, d.o, result);
    }
  });
}

/// Images [begin, end) added to the taps of the groups from first_group on.
template <class T>
void add_weight_gradient(const ConvShape& s, const T* x, const T* dy, int64_t begin, int64_t end, const TapsMemory<T>& dw, int64_t first_group) {
  const GemmFamily<T>& f = gemm_loops<T>();
  const int64_t c_in = s.c_group(), c_out = s.o_group(), pixels = s.oh * s.ow;
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  const bool as_it_lies = ax.before == 0 && ax.reach() <= ax.in;
  const int64_t width = as_it_lies ? s.w : ax.reach();
  const bool whole_vectors = f.masked_loads || c_out % f.lanes == 0;
  const int64_t dy_row = whole_vectors ? s.o : blocks(c_out, f.lanes) * f.lanes;
  Scratch<T> copy(as_it_lies ? 1 : s.h * width * s.c), dy_copy(whole_vectors ? 1 : pixels * dy_row);
  const bool side_by_side = s.groups == 1 && s.dilation[1] == 1;

  for (int64_t image = begin; image < end; ++image) {
    const T* source = x + image * s.h * s.w * s.c;
    if (!as_it_lies) {
      copy_with_margins(source, s.w, s.c, 0, s.h, ax.before, width, copy.data());
      source = copy;
    }
    for (int64_t g = 0; g < s.groups; ++g) {
      const Taps<T> out = dw.group(first_group + g);
      const T* b = dy + image * pixels * s.o + g * c_out;
      if (!whole_vectors) {
        for (int64_t i = 0; i < pixels; ++i) {
          std::copy_n(b + i * s.o, c_out, dy_copy + i * dy_row);
          std::fill_n(dy_copy + i * dy_row + c_out, dy_row - c_out, T(0));
        }
        b = dy_copy;
      }
      for (int64_t j = 0; j < c_out; j += out.wide) {
        Panel<T> q{};
        q.rows = side_by_side ? s.kw * c_in : c_in;
        q.columns = int(std::min(out.wide, c_out - j));
        q.a_row = 1;
        q.c_row = out.wide;
        q.epilogue.accumulate = true;
        q.inner = {s.ow, s.stride[1] * s.c, dy_row};
        for (int64_t ky = 0; ky < s.kh; ++ky) {
          const int64_t r0 = ay.first_output(ky), r1 = ay.last_output(ky);
          q.middle = {r1 - r0, s.stride[0] * width * s.c, s.ow * dy_row};
          q.b = b + r0 * s.ow * dy_row + j;
          for (int64_t kx = 0; kx < (side_by_side ? 1 : s.kw); ++kx) {
            q.a = source + (ay.input(r0, ky) * width + kx * s.dilation[1]) * s.c + g * c_in;
            q.c = out.at(ky * s.kw + kx, 0, j);
            f.panel(q);
          }
        }
      }
    }
  }
}

template <class T>
void forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  const Direct d{forward_axis(s, 0), forward_axis(s, 1), s.n, s.c, s.o, s.groups, s.kw, s.oh, s.ow, s.planes};
  const TapsMemory<T> taps = forward_taps(s, w);
  run(d, x, {&taps, nullptr}, epilogue, y);
}

}  // namespace

template <class T>
void direct_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  if constexpr (std::is_same_v<T, float>)
    if (suits_pairs(s, gemm_loops<T>().lanes) && !epilogue.pool && all_finite(x, s.n * s.h * s.w * s.c)) {
      const Scratch<T> weights = paired_weights(s, w);
      const Twice bias(epilogue.bias, s.o), scale(epilogue.scale, s.o), shift(epilogue.shift, s.o);
      return forward(paired(s), x, weights.data(), {bias, scale, shift, epilogue.addend, epilogue.relu}, y);
    }
  forward(s, x, w, epilogue, y);
}

template <class T>
void direct_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx) {
  const TapsMemory<T> taps = backward_taps(s, w);
  for (int64_t py = 0; py < s.stride[0]; ++py)
    for (int64_t px = 0; px < s.stride[1]; ++px) {
      const Direct d{backward_axis(s, 0, py), backward_axis(s, 1, px), s.n, s.o, s.c, s.groups, s.kw, s.h, s.w};
      run(d, dy, {&taps, nullptr}, ConvEpilogue<T>{.bias = bias}, dx);
    }
}

template <class T>
void dots_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  const int64_t taps = s.kh * s.kw;
  const Scratch<T> rows(s.o * taps * s.c);
  for (int64_t o = 0; o < s.o; ++o)
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t c = 0; c < s.c; ++c) rows[(o * taps + t) * s.c + c] = w[(o * s.c + c) * taps + t];
  run({forward_axis(s, 0), forward_axis(s, 1), s.n, s.c, s.o, 1, s.kw, s.oh, s.ow, s.planes}, x, {nullptr, rows.data()}, epilogue, y);
}

template <class T>
void dots_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const int64_t taps = s.kh * s.kw;
  const Scratch<T> rows(s.o * taps * s.c);
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t o = 0; o < s.o; ++o) rows[(c * taps + taps - 1 - t) * s.o + o] = w[(o * s.c + c) * taps + t];
  run({backward_axis(s, 0, 0), backward_axis(s, 1, 0), s.n, s.o, s.c, 1, s.kw, s.h, s.w}, dy, {nullptr, rows.data()}, ConvEpilogue<T>{}, dx);
}

template <class T>
void direct_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  if constexpr (std::is_same_v<T, float>)
    if (suits_pairs(s, gemm_loops<T>().lanes)) {
      const ConvShape pairs = paired(s);
      const Scratch<T> both(pairs.o * pairs.c * pairs.kh * pairs.kw);
      direct_backward_weight(pairs, x, dy, both.data());  // not again: its stride is 2
      return add_pairs(s, both, dw);
    }
  // Parts of the batch have sums of their own, which are added in order: as many whatever the number of threads, and few enough that
  // adding them up costs little.
  const int64_t taps = s.kh * s.kw, numbers = s.groups * taps * s.c_group() * s.o_group(), most = numbers > 60000 ? 4 : 8;
  const int64_t parts = std::clamp<int64_t>(int64_t(s.multiply_adds() / (5e5 + 100 * double(numbers))), 1,
                                            std::min<int64_t>(std::max<int64_t>(1, s.n), most));
  TapsMemory<T> sums(s.groups * parts, taps, s.c_group(), s.o_group());
  const int64_t size = s.groups * sums.size();
  parallel_for(parts, 1, s.multiply_adds() / 16, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      std::fill_n(sums.data() + part * size, size, T(0));
      add_weight_gradient(s, x, dy, s.n * part / parts, s.n * (part + 1) / parts, sums, part * s.groups);
    }
  });
  if (parts > 1)
    parallel_for(size, 64, double(size * parts), [&](int64_t begin, int64_t end) {
      T* sum = sums.data();
      for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = begin; i < end; ++i) sum[i] += sum[part * size + i];
    });
  unpack_taps(s, sums, dw);
}

template void copy_with_margins(const float*, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, float*);
template void copy_with_margins(const double*, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double*);
template void direct_forward(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void direct_forward(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&, double*);
template void direct_backward_input(const ConvShape&, const float*, const float*, const float*, float*);
template void direct_backward_input(const ConvShape&, const double*, const double*, const double*, double*);
template void dots_forward(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void dots_backward_input(const ConvShape&, const float*, const float*, float*);
template void direct_backward_weight(const ConvShape&, const float*, const float*, float*);
template void dots_forward(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&, double*);
template void dots_backward_input(const ConvShape&, const double*, const double*, double*);
template void direct_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
