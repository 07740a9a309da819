// Copies patches into columns, block by block, and multiplies; backward adds them back.
#include "kernels/conv/columns.h"

#include <algorithm>

#include "kernels/conv/patches.h"
#include "kernels/conv/weights.h"
#include "kernels/copy/copy.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"

namespace ember::kernels {
namespace {

constexpr int64_t kNumbersOfBlock = 40000;  // of patches, in the second-level cache

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }

/// n outputs in blocks of nearly one size, whole register tiles high where patches are short.
struct Blocks {
  int64_t n, unit, count;

  /// Blocks are not cut within a unit: all outputs of an image whose planes are read from their beginning to their end.
  Blocks(int64_t outputs, int64_t patch, int64_t unit_of = 1) : n(outputs), unit(unit_of) {
    const int64_t size = std::clamp<int64_t>(kNumbersOfBlock / std::max<int64_t>(1, patch), 48, 336);
    if (unit > 2 * size) unit = 1;
    count = std::max<int64_t>(1, blocks(n / unit, std::max<int64_t>(1, size / unit)));
  }
  int64_t most() const { return blocks(n / unit, count) * unit; }
  int64_t begin(int64_t block) const { return n / unit * block / count * unit; }
  int64_t size(int64_t block) const { return begin(block + 1) - begin(block); }
};
int64_t unit_of(const ConvShape& s) { return s.planes && meets_by_stride(s) && !sees_single_pixels(s) ? s.oh * s.ow : 1; }

/// Patches by number have the order of the weights: one tap of so many channels.
ConvShape as_one_tap(ConvShape s) {
  s.c = patch_size(s) * s.groups;
  s.kh = s.kw = 1;
  return s;
}
ConvShape packed_as(const ConvShape& s) { return s.planes ? as_one_tap(s) : s; }

template <class T>
Patches<T> read(const PatchReader<T>& reader, const ConvShape& s, int64_t group, int64_t first, int64_t count) {
  if (s.planes && sees_single_pixels(s)) return reader.turned(group, first, count);
  return s.planes ? reader.by_number(group, first, count) : reader.by_output(group, first, count);
}

/// Are outputs so few that the lanes had better be pixels? Only of planes, whose numbers lie pixel by pixel.
template <class T>
bool lanes_are_pixels(const ConvShape& s) {
  const int64_t lanes = gemm_loops<T>().lanes;
  return s.planes && 4 * blocks(s.o_group(), lanes) * lanes > 5 * s.o_group();
}

/// Single pixels of planes for few outputs, at any stride.
bool reads_along_planes(const ConvShape& s) { return s.planes && meets_by_stride(s) && s.oh * s.ow >= 64 && s.o_group() <= kFewOutputs; }

template <class T>
void finish_pixels(const ConvShape& s, const ConvEpilogue<T>& e, int64_t group, int64_t count, const T* product, int64_t row, T* y) {
  const int64_t o = s.o_group();
  gemm_loops<T>().write_transposed(count, o, product, row, y + group * o, s.o, {false, e.bias ? e.bias + group * o : nullptr, e.relu && !e.norms()});
}

/// By blocks of pixels, whose patches are copied.
template <class T>
void run_pixels(const ConvShape& s, const Blocks& cut, const T* x, const T* w, const ConvEpilogue<T>& e, T* y) {
  const int64_t o = s.o_group(), patch = patch_size(s);
  parallel_for(cut.count, 1, s.multiply_adds() / 16, [&](int64_t first, int64_t last) {
    const PatchReader<T> reader(s, x, cut.most());
    const Scratch<T> product(o * cut.most());
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = cut.begin(block), count = cut.size(block);
      for (int64_t g = 0; g < s.groups; ++g) {
        const Patches<T> patches = reader.by_number(g, begin, count);
        gemm_in_cache<T>(o, count, patch, {w + g * o * patch, patch, 1}, patches.data, patches.step, product.data(), count);
        finish_pixels(s, e, g, count, product.data(), count, y + begin * s.o);
      }
      if (e.norms()) norm_rows(e, begin, count, s.o, y);
    }
  });
}

/// Single pixels, some planes at a time over a long run of them, so that memory is read along the planes: as they lie, but at strides those that are
/// met side by side.
template <class T>
void run_planes(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& e, T* y) {
  constexpr int64_t kPlanes = 16, kRun = 1024;
  const int64_t o = s.o_group(), c = s.c_group(), plane = s.h * s.w, pixels = s.oh * s.ow, runs = blocks(pixels, kRun);
  const int64_t lanes = gemm_loops<T>().lanes;
  const bool copies = !sees_single_pixels(s);
  const int64_t readable = copies || gemm_loops<T>().masked_loads ? pixels : pixels / lanes * lanes;  // the rest of an image is copied
  parallel_for(s.n * runs, 1, s.multiply_adds() / 16, [&](int64_t first, int64_t last) {
    const Scratch<T> product(o * kRun), copy(copies ? kPlanes * kRun : 0);
    const PatchReader<T> reader(s, x, lanes);
    const MetPixels met(s, sizeof(T));
    for (int64_t unit = first; unit < last; ++unit) {
      const int64_t image = unit / runs, begin = unit % runs * kRun, count = std::min(kRun, pixels - begin);
      const int64_t direct = std::clamp<int64_t>(readable - begin, 0, count);
      for (int64_t g = 0; g < s.groups; ++g) {
        const T* const planes = x + (image * s.c + g * c) * plane;
        for (int64_t i = 0; i < c; i += kPlanes) {
          const int64_t some = std::min(kPlanes, c - i);
          for (int64_t k = 0; copies && k < some; ++k) met.copy(planes + (i + k) * plane, begin, count, copy + k * kRun);
          gemm_in_cache<T>(o, direct, some, {w + g * o * c + i, c, 1}, copies ? copy.data() : planes + i * plane + begin, copies ? kRun : plane,
                           product.data(), kRun, i > 0);
        }
        if (direct < count) {
          const Patches<T> rest = reader.by_number(g, image * pixels + begin + direct, count - direct);
          gemm_in_cache<T>(o, count - direct, c, {w + g * o * c, c, 1}, rest.data, rest.step, product + direct, kRun);
        }
        finish_pixels(s, e, g, count, product.data(), kRun, y + (image * pixels + begin) * s.o);
      }
      if (e.norms()) norm_rows(e, image * pixels + begin, count, s.o, y);
    }
  });
}

}  // namespace

template <class T>
void columns_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& e, T* y) {
  const int64_t o = s.o_group(), patch = patch_size(s);
  if (s.n * s.oh * s.ow == 0) return;
  const Blocks cut(s.n * s.oh * s.ow, patch, unit_of(s));
  if (reads_along_planes(s)) return run_planes(s, x, w, e, y);
  if (lanes_are_pixels<T>(s)) return run_pixels(s, cut, x, w, e, y);
  const TapsMemory<T> memory = forward_taps(packed_as(s), w);
  // Few blocks are shared by outputs as well.
  const int64_t panels = memory.group(0).panels(), parts = e.norms() ? 1 : std::min(panels, blocks(8, cut.count));
  parallel_for(cut.count * parts, 1, s.multiply_adds() / 16, [&](int64_t first, int64_t last) {
    const PatchReader<T> reader(s, x, cut.most());
    for (int64_t unit = first; unit < last; ++unit) {
      const int64_t block = unit / parts, part = unit % parts, begin = cut.begin(block), count = cut.size(block);
      for (int64_t g = 0; g < s.groups; ++g) {
        const Taps<T> taps = memory.group(g);
        const Patches<T> patches = read(reader, s, g, begin, count);
        for (int64_t panel = panels * part / parts; panel < panels * (part + 1) / parts; ++panel) {
          const int64_t j = panel * taps.wide;
          Panel<T> q{};
          q.rows = count;
          q.columns = int(std::min(taps.wide, o - j));
          q.a = patches.data;
          q.a_row = patches.row;
          q.b = taps.at(0, 0, j);
          q.c = y + begin * s.o + g * o + j;
          q.c_row = s.o;
          q.inner = {patch, patches.step, taps.wide};
          if (e.bias) q.epilogue.bias = e.bias + g * o + j;
          q.epilogue.relu = e.relu && !e.norms();
          gemm_loops<T>().panel(q);
        }
      }
      if (e.norms()) norm_rows(e, begin, count, s.o, y);
    }
  });
}

namespace {

/// Weights as matrices from outputs to patches. The channels of a group are cut into `parts`, each a matrix of its own.
template <class T>
TapsMemory<T> patch_weights(const ConvShape& s, int64_t parts, const T* w) {
  const int64_t c = s.c_group() / parts, o = s.o_group(), taps = s.kh * s.kw;
  TapsMemory<T> memory(s.groups * parts, 1, o, taps * c);
  parallel_for(s.groups * o, 1, double(s.o * taps * s.c_group()), [&](int64_t begin, int64_t end) {
    const Scratch<T> turned(taps * c);
    for (int64_t row = begin; row < end; ++row)
      for (int64_t part = 0; part < parts; ++part) {
        const Taps<T> out = memory.group(row / o * parts + part);
        transpose(taps, c, turned.data(), c, w + (row * s.c_group() + part * c) * taps, taps);
        for (int64_t j = 0; j < taps * c; j += out.wide) {
          const int64_t columns = std::min(out.wide, taps * c - j);
          std::copy_n(turned + j, columns, out.at(0, row % o, j));
          std::fill_n(out.at(0, row % o, j) + columns, out.wide - columns, T(0));
        }
      }
  });
  return memory;
}

/// Patches of the outputs [first, first + count), the channels [channel, channel + c) of each tap, added to where they came from.
template <class T>
void add_patches(const ConvShape& s, const T* patches, int64_t first, int64_t count, int64_t channel, int64_t c, T* dx) {
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  const int64_t pixels = s.oh * s.ow;
  const bool side_by_side = s.dilation[1] == 1 && c == s.c;
  const auto add = [](int64_t n, const T* from, T* to) {
    if constexpr (std::is_same_v<T, float>) copy_loops().accumulate_float(n, from, to);
    else copy_loops().accumulate_double(n, from, to);
  };
  for (int64_t i = first; i < first + count; ++i, patches += s.kh * s.kw * c) {
    const int64_t oy = i % pixels / s.ow, ox = i % s.ow, kx0 = ax.begin(ox), kx1 = ax.end(ox), left = ax.input(ox, 0);
    T* const image = dx + i / pixels * s.h * s.w * s.c + channel;
    for (int64_t ky = 0; ky < s.kh; ++ky) {
      const int64_t y = ay.input(oy, ky);
      if (y < 0 || y >= s.h || kx0 >= kx1) continue;
      const T* const from = patches + ky * s.kw * c;
      T* const row = image + (y * s.w + left) * s.c;
      if (side_by_side) add((kx1 - kx0) * c, from + kx0 * c, row + kx0 * c);
      else
        for (int64_t kx = kx0; kx < kx1; ++kx) add(c, from + kx * c, row + kx * s.dilation[1] * s.c);
    }
  }
}

template <class T>
void fill_channels(int64_t pixels, int64_t row, int64_t c, const T* bias, T* to) {
  for (int64_t i = 0; i < pixels; ++i, to += row)
    if (bias) std::copy_n(bias, c, to);
    else std::fill_n(to, c, T(0));
}

}  // namespace

template <class T>
void columns_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx) {
  const int64_t o = s.o_group(), lanes = gemm_loops<T>().lanes, pixels = s.oh * s.ow;
  // Patches overlap: some images, or of few images a part of the channels, are one thread's.
  int64_t parts = 1;
  while (s.n * parts * s.groups < 8 && s.c_group() % (2 * parts * lanes) == 0) parts *= 2;
  const int64_t c = s.c_group() / parts, patch = s.kh * s.kw * c, matrices = s.groups * parts;
  const int64_t images = std::clamp<int64_t>(blocks(48, std::max<int64_t>(1, pixels)), 1, std::max<int64_t>(1, s.n / 8)),
                shares = blocks(s.n, images);
  const TapsMemory<T> memory = patch_weights(s, parts, w);
  parallel_for(shares * matrices, 1, s.multiply_adds() / 16, [&](int64_t first, int64_t last) {
    for (int64_t unit = first; unit < last; ++unit) {
      const int64_t matrix = unit % matrices, n0 = s.n * (unit / matrices) / shares, n1 = s.n * (unit / matrices + 1) / shares;
      fill_channels((n1 - n0) * s.h * s.w, s.c, c, bias ? bias + matrix * c : nullptr, dx + n0 * s.h * s.w * s.c + matrix * c);
      if (pixels == 0) continue;
      const Taps<T> taps = memory.group(matrix);
      const Blocks cut((n1 - n0) * pixels, patch);
      const Scratch<T> product(cut.most() * patch);
      for (int64_t block = 0; block < cut.count; ++block) {
        const int64_t begin = n0 * pixels + cut.begin(block);
        for (int64_t j = 0; j < patch; j += taps.wide) {
          Panel<T> q{};
          q.rows = cut.size(block);
          q.columns = int(std::min(taps.wide, patch - j));
          q.a = dy + begin * s.o + matrix / parts * o;
          q.a_row = s.o;
          q.b = taps.at(0, 0, j);
          q.c = product + j;
          q.c_row = patch;
          q.inner = {o, 1, taps.wide};
          gemm_loops<T>().panel(q);
        }
        add_patches(s, product.data(), begin, cut.size(block), matrix * c, c, dx);
      }
    }
  });
}

template <class T>
void columns_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const GemmFamily<T>& f = gemm_loops<T>();
  const int64_t o = s.o_group(), patch = patch_size(s), numbers = s.o * patch, most = numbers > 60000 ? 4 : 8;
  const Blocks cut(s.n * s.oh * s.ow, patch, unit_of(s));
  // As in the direct sum, parts of the outputs have sums of their own, as many whatever the number of threads; few parts are shared by
  // the numbers of a patch.
  const int64_t parts = std::clamp<int64_t>(int64_t(s.multiply_adds() / (5e5 + 100 * double(numbers))), 1, std::min(cut.count, most));
  const int64_t shares = std::min(blocks(8, parts), blocks(patch, 48));
  const TapsMemory<T> sums(s.groups * parts, 1, patch, o);
  const int64_t size = s.groups * sums.size(), wide = blocks(o, f.lanes) * f.lanes;
  const bool whole_vectors = f.masked_loads || o % f.lanes == 0;
  parallel_for(parts * shares, 1, s.multiply_adds() / 16, [&](int64_t first, int64_t last) {
    const PatchReader<T> reader(s, x, cut.most());
    const Scratch<T> copy(whole_vectors ? 1 : cut.most() * wide);
    for (int64_t unit = first; unit < last; ++unit) {
      const int64_t part = unit / shares, k0 = patch * (unit % shares) / shares, k1 = patch * (unit % shares + 1) / shares;
      for (int64_t block = cut.count * part / parts; block < cut.count * (part + 1) / parts; ++block) {
        const int64_t begin = cut.begin(block), count = cut.size(block);
        for (int64_t g = 0; g < s.groups; ++g) {
          const Patches<T> patches = read(reader, s, g, begin, count);
          const Taps<T> sum = sums.group(part * s.groups + g);
          const T* upstream = dy + begin * s.o + g * o;
          if (!whole_vectors) {
            for (int64_t i = 0; i < count; ++i) {
              std::copy_n(upstream + i * s.o, o, copy + i * wide);
              std::fill_n(copy + i * wide + o, wide - o, T(0));
            }
            upstream = copy;
          }
          for (int64_t j = 0; j < o; j += sum.wide) {
            Panel<T> q{};
            q.rows = k1 - k0;
            q.columns = int(std::min(sum.wide, o - j));
            q.a = patches.data + k0 * patches.step;
            q.a_row = patches.step;
            q.b = upstream + j;
            q.c = sum.at(0, k0, j);
            q.c_row = sum.wide;
            q.inner = {count, patches.row, whole_vectors ? s.o : wide};
            q.epilogue.accumulate = block > cut.count * part / parts;
            f.panel(q);
          }
        }
      }
    }
  });
  T* const sum = sums.data();
  if (parts > 1)
    parallel_for(size, 64, double(size * parts), [&](int64_t begin, int64_t end) {
      for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = begin; i < end; ++i) sum[i] += sum[part * size + i];
    });
  unpack_taps(packed_as(s), sums, dw);
}

template void columns_forward(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void columns_forward(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&, double*);
template void columns_backward_input(const ConvShape&, const float*, const float*, const float*, float*);
template void columns_backward_input(const ConvShape&, const double*, const double*, const double*, double*);
template void columns_backward_weight(const ConvShape&, const float*, const float*, float*);
template void columns_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
