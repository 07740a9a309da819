// Copies some images so that their pixels of one place lie side by side, and multiplies.
#include "kernels/conv/images.h"

#include "kernels/conv/axis.h"
#include "kernels/conv/weights.h"
#include "kernels/copy/copy.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }

/// `n` images of (h, w, c), or in planes (c, h, w).
template <class T>
struct Images {
  const T* data;
  int64_t h, w, c;
  bool planes = false;

  /// Rows [top, bottom) of image `i`, its pixels `step` numbers apart.
  void copy(int64_t i, int64_t top, int64_t bottom, T* to, int64_t step) const {
    const T* const image = data + i * h * w * c;
    const int64_t pixels = (bottom - top) * w;
    if (planes) return transpose(pixels, c, to, step, image + top * w, h * w);
    for (const T* from = image + top * w * c; from < image + bottom * w * c; from += c, to += step) std::copy_n(from, c, to);
  }
};

/// Images in room for an odd number of them: the pixels of one do not map to few cache sets.
int64_t room(int64_t count) { return count | 1; }

/// What is summed: y, or dx, whose outputs come by the phases of the stride. At each phase a pixel of the result is the sum over the taps that meet
/// an image.
struct Sums {
  const ConvShape& s;
  bool of_input;
  int64_t result_h, result_w, o;

  int64_t phases(int axis) const { return of_input ? s.stride[axis] : 1; }
  Axis at(int axis, int64_t phase) const { return of_input ? backward_axis(s, axis, phase) : forward_axis(s, axis); }

  /// Rows of the images that a band of the result sees.
  Range rows(int64_t band, int64_t bands) const {
    Range seen{at(0, 0).in, 0};
    for (int64_t phase = 0; phase < phases(0); ++phase) {
      const Axis a = at(0, phase);
      const int64_t y0 = a.out * band / bands, y1 = a.out * (band + 1) / bands;
      if (y0 == y1 || a.taps == 0) continue;
      seen.begin = std::min(seen.begin, std::clamp<int64_t>(a.input(y0, 0), 0, a.in));
      seen.end = std::max(seen.end, std::clamp<int64_t>(a.input(y1 - 1, a.taps - 1) + 1, 0, a.in));
    }
    return {std::min(seen.begin, seen.end), seen.end};
  }
};

/// The given rows of one phase and one group, of `count` images. source: from row `top` on, (rows, w, room(count), c).
template <class T>
void run_band(const Sums& d, const Axis& ay, const Axis& ax, Range rows, const T* source, int64_t top, int64_t count, int64_t c, const Taps<T>& w,
              const T* bias, bool relu, T* result) {
  const int64_t tap = w.inputs * w.wide, pixel = room(count) * c;
  const auto run_pixel = [&](int64_t j, int64_t y, int64_t x) {
    const int64_t ky = ay.begin(y), kx = ax.begin(x);
    Panel<T> q{};
    q.rows = count;
    q.columns = int(std::min(w.wide, w.outputs - j));
    q.a = source + ((ay.input(y, ky) - top) * ax.in + ax.input(x, kx)) * pixel;
    q.a_row = c;
    q.b = w.at((ay.first_tap + ky * ay.tap_step) * d.s.kw + ax.first_tap + kx * ax.tap_step, 0, j);
    q.c = result + ((ay.place + y * ay.spacing) * d.result_w + ax.place + x * ax.spacing) * d.o + j;
    q.c_row = d.result_h * d.result_w * d.o;
    q.outer = {ay.end(y) - ky, ay.dilation * ax.in * pixel, ay.tap_step * d.s.kw * tap};
    q.middle = {ax.end(x) - kx, ax.dilation * pixel, ax.tap_step * tap};
    q.inner = {w.inputs, 1, w.wide};
    if (bias) q.epilogue.bias = bias + j;
    q.epilogue.relu = relu;
    gemm_loops<T>().panel(q);
  };
  // Weights that stay in the second-level cache beside the images: whole pixels are finished, and the result is written along memory.
  const bool whole_pixels = w.size() * int64_t(sizeof(T)) <= kWeightsOfPixels;
  const int64_t step = whole_pixels ? w.outputs : w.wide;
  for (int64_t first = 0; first < w.outputs; first += step)
    for (int64_t y = rows.begin; y < rows.end; ++y)
      for (int64_t x = 0; x < ax.out; ++x)
        for (int64_t j = first; j < std::min(w.outputs, first + step); j += w.wide) run_pixel(j, y, x);
}

template <class T>
void run(const Sums& d, int64_t n, const Images<T>& from, const TapsMemory<T>& taps, const T* bias, bool relu, double work, T* result) {
  const int64_t cut = image_blocks(n), bands = image_bands(n, from.h * from.w * from.c, d.at(0, 0).out);
  parallel_for(cut * bands, 1, work, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t block = unit / bands, band = unit % bands, first = n * block / cut, count = n * (block + 1) / cut - first;
      const Range seen = d.rows(band, bands);
      const int64_t pixel = room(count) * from.c;
      const Scratch<T> source((seen.end - seen.begin) * from.w * pixel);
      for (int64_t i = 0; i < count; ++i) from.copy(first + i, seen.begin, seen.end, source + i * from.c, pixel);
      for (int64_t phase_y = 0; phase_y < d.phases(0); ++phase_y)
        for (int64_t phase_x = 0; phase_x < d.phases(1); ++phase_x)
          for (int64_t g = 0; g < d.s.groups; ++g) {
            const Axis ay = d.at(0, phase_y), ax = d.at(1, phase_x);
            const Taps<T> w = taps.group(g);
            run_band(d, ay, ax, {ay.out * band / bands, ay.out * (band + 1) / bands}, source + g * w.inputs, seen.begin, count, from.c, w,
                     bias ? bias + g * w.outputs : nullptr, relu, result + first * d.result_h * d.result_w * d.o + g * w.outputs);
          }
    }
  });
}

}  // namespace

template <class T>
void images_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y) {
  run({s, false, s.oh, s.ow, s.o}, s.n, {x, s.h, s.w, s.c, s.planes}, forward_taps(s, w), bias, relu, s.multiply_adds() / 16, y);
}

template <class T>
void images_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx) {
  run({s, true, s.h, s.w, s.c}, s.n, {dy, s.oh, s.ow, s.o}, backward_taps(s, w), bias, false, s.multiply_adds() / 16, dx);
}

namespace {

/// A block of images for the gradient of the weights: x as (h, w, count, c), dy cut into the panels of a product, (panel, oh, ow, count, wide).
template <class T>
struct WeightBlock {
  const T *x, *dy;
  int64_t count, dy_panel;
};

/// Products that a register sums, before their sum is added to the others: a chain of all pixels would round as often as there are pixels.
constexpr int64_t kMostProducts = 192;

/// The sums of one tap and one group over a block, added to the rows [c0, c1) of its matrix.
template <class T>
void add_tap(const ConvShape& s, const WeightBlock<T>& block, int64_t group, int64_t ky, int64_t kx, int64_t c0, int64_t c1, bool accumulate,
             const Taps<T>& dw) {
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  const int64_t y0 = ay.first_output(ky), y1 = ay.last_output(ky), x0 = ax.first_output(kx), x1 = ax.last_output(kx);
  const int64_t pixel = block.count * s.c, dy_pixel = block.count * dw.wide;
  Panel<T> q{};
  q.rows = c1 - c0;
  q.a_row = 1;
  q.c_row = dw.wide;
  const SumLoop across{x1 - x0, s.stride[1] * pixel, dy_pixel}, images{block.count, s.c, dw.wide};
  if (s.stride[1] == 1) q.inner = {(x1 - x0) * block.count, s.c, dw.wide};  // pixels that lie side by side
  else if (x1 - x0 > block.count) q.inner = across, q.middle = images;
  else q.inner = images, q.middle = across;
  q.outer = {0, s.stride[0] * s.w * pixel, s.ow * dy_pixel};
  const int64_t rows = x0 < x1 ? std::max<int64_t>(1, kMostProducts / ((x1 - x0) * block.count)) : 1;
  for (int64_t panel = 0; panel < dw.panels(); ++panel) {
    const int64_t j = panel * dw.wide;
    q.columns = int(std::min(dw.wide, dw.outputs - j));
    q.c = dw.at(ky * s.kw + kx, c0, j);
    int64_t y = y0;
    do {  // once where the tap meets no pixel, too: its sum is 0
      q.a = block.x + (ay.input(y, ky) * s.w + ax.input(x0, kx)) * pixel + group * dw.inputs + c0;
      q.b = block.dy + (group * dw.panels() + panel) * block.dy_panel + (y * s.ow + x0) * dy_pixel;
      q.outer.length = x0 < x1 ? std::clamp<int64_t>(y1 - y, 0, rows) : 0;
      q.epilogue.accumulate = accumulate || y > y0;
      gemm_loops<T>().panel(q);
    } while ((y += rows) < y1);
  }
}

/// dy of image `i` of a block of `count`, from pixels of s.o numbers.
template <class T>
void copy_panels(const ConvShape& s, const T* dy, int64_t i, int64_t count, int64_t panel, int64_t wide, T* to) {
  for (int64_t p = 0; p < s.oh * s.ow; ++p)
    for (int64_t g = 0, at = 0; g < s.groups; ++g)
      for (int64_t j = 0; j < s.o_group(); j += wide, ++at) {
        const int64_t columns = std::min(wide, s.o_group() - j);
        std::copy_n(dy + p * s.o + g * s.o_group() + j, columns, to + at * panel + (p * count + i) * wide);
      }
}

}  // namespace

template <class T>
void images_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const int64_t taps = s.kh * s.kw, c = s.c_group(), outputs = s.oh * s.ow, cut = image_blocks_of_weights(s), most = blocks(s.n, cut);
  // Few taps are shared by channels as well.
  const int64_t parts = std::min(blocks(8, s.groups * taps), blocks(c, 48));
  const TapsMemory<T> sums(s.groups, taps, c, s.o_group());
  const int64_t wide = sums.group(0).wide, panel = outputs * most * wide, all = s.groups * sums.group(0).panels() * panel;
  const Scratch<T> pixels(s.h * s.w * most * s.c), upstream(all);
  const Images<T> images{x, s.h, s.w, s.c, s.planes};
  if (s.o_group() % wide != 0) std::fill_n(upstream.data(), all, T(0));  // what lies beside the last outputs
  for (int64_t block = 0; block < cut; ++block) {
    const int64_t first = s.n * block / cut, count = s.n * (block + 1) / cut - first;
    parallel_for(count, 1, double(count * (s.h * s.w * s.c + outputs * s.o)) / 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        images.copy(first + i, 0, s.h, pixels + i * s.c, count * s.c);
        copy_panels(s, dy + (first + i) * outputs * s.o, i, count, panel, wide, upstream.data());
      }
    });
    const WeightBlock<T> copied{pixels, upstream, count, panel};
    parallel_for(s.groups * taps * parts, 1, s.multiply_adds() / double(16 * cut), [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t g = unit / (taps * parts), tap = unit / parts % taps, part = unit % parts;
        add_tap(s, copied, g, tap / s.kw, tap % s.kw, c * part / parts, c * (part + 1) / parts, block > 0, sums.group(g));
      }
    });
  }
  unpack_taps(s, sums, dw);
}

template void images_forward(const ConvShape&, const float*, const float*, const float*, bool, float*);
template void images_forward(const ConvShape&, const double*, const double*, const double*, bool, double*);
template void images_backward_input(const ConvShape&, const float*, const float*, const float*, float*);
template void images_backward_input(const ConvShape&, const double*, const double*, const double*, double*);
template void images_backward_weight(const ConvShape&, const float*, const float*, float*);
template void images_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
