// With (m + 2)^2 elements a convolution is as many matrix products, `tiles x inputs` times `inputs x outputs`. They are done a row of
// elements at a time: forward a few tiles in the first-level cache, for the weights' gradient a block of tiles in the second.
#include "kernels/conv/winograd.h"

#include <algorithm>

#include "kernels/conv/weights.h"
#include "runtime/parallel.h"

namespace ember::kernels {
namespace {

constexpr int64_t kPad = 16;      // numbers between the planes: at powers of two they would all share a few cache sets
constexpr int kBlockTiles = 128;  // for the weights' gradient: many products for each sum that is read and written, within the cache
constexpr int kMostAtOnce = 16;   // tiles of a forward step

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }
int64_t whole_vectors(int64_t n) { return blocks(n, gemm_loops<float>().lanes) * gemm_loops<float>().lanes; }

/// The tiles of all images, in rows.
struct Tiling {
  int64_t m, row, elements;     // a row of elements, and all
  int64_t down, across, count;  // tiles of an image; of all images

  Tiling(const WinogradFamily& f, int64_t images, int64_t h, int64_t w)
      : m(f.outputs), row(m + 2), elements(row * row), down(blocks(h, m)), across(blocks(w, m)), count(images * down * across) {}

  /// Tile i, and what is to the right of it.
  WinogradRun rest_of_row(int64_t i) const { return {i / (down * across), i / across % down * m, i % across * m, across - i % across}; }
  WinogradRun next_row(const WinogradRun& t) const {
    if (t.y + m < down * m) return {t.image, t.y + m, 0, across};
    return {t.image + 1, 0, 0, across};
  }
};

/// Some tiles from the beginning of `rest` on, as runs; `rest` is what remains of the last one's row, or the next row.
template <int kMost>
struct Runs {
  WinogradRun runs[kMost];
  int64_t size = 0;

  Runs(const Tiling& t, WinogradRun& rest, int64_t count) {
    for (; count > 0; ++size) {
      WinogradRun& run = runs[size] = rest;
      run.count = std::min(run.count, count);
      count -= run.count;
      rest.x += run.count * t.m;
      rest.count -= run.count;
      if (rest.count == 0) rest = t.next_row(rest);
    }
  }
  operator WinogradRuns() const { return {runs, size}; }
};

/// A row of an image.
struct Zeros : Scratch<float> {
  explicit Zeros(const WinogradImages& s) : Scratch(s.w * s.c) { std::fill_n(data(), s.w * s.c, 0.0f); }
};

/// 3 x 3 kernels as they lie: w is (outputs, inputs, 9), or, turned around to carry dy back, (inputs, outputs, 9) with the last tap first.
struct Kernels {
  const float* w;
  bool turned;
};

/// Transforms the kernels of the outputs [begin, end), a vector of outputs and some inputs at a time.
void transform(const WinogradFamily& f, const Kernels& k, int64_t begin, int64_t end, const WinogradWeights& u) {
  constexpr int64_t kInputs = 16, kMostLanes = 16;
  const GemmFamily<float>& gemm = gemm_loops<float>();
  alignas(64) float taps[kInputs * 9 * kMostLanes];
  for (int64_t o = begin; o < end; o += gemm.lanes)
    for (int64_t i = 0; i < u.inputs; i += kInputs) {
      const int columns = int(std::min<int64_t>(gemm.lanes, u.outputs - o));
      const int64_t n = std::min(kInputs, u.inputs - i), lanes = gemm.lanes;
      if (!k.turned) gemm.pack_transposed(9 * n, columns, k.w + (o * u.inputs + i) * 9, u.inputs * 9, taps, lanes);
      for (int64_t j = 0; k.turned && j < n; ++j)
        gemm.pack_transposed(9, columns, k.w + ((i + j) * u.outputs + o) * 9, 9, taps + (j * 9 + 8) * lanes, -lanes);
      f.weights(taps, o, i, i + n, u);
    }
}

/// y (n, oh, ow, o) = x (n, h, w, c) * w at stride 1, with padding rows above and columns to the left.
void convolve(const WinogradFamily& f, int64_t images, const WinogradImages& in, const WinogradImages& out, const int64_t (&padding)[2],
              const float* x, const Kernels& k, const ConvEpilogue<float>& epilogue, float* y) {
  const Tiling t(f, images, out.h, out.w);
  const int64_t lanes = whole_vectors(1), room = f.room(in.c, out.c);
  const Scratch<float> weights(t.elements * in.c * whole_vectors(out.c));
  const WinogradWeights u{weights, in.c, out.c};
  const bool fetches = images * (in.h * in.w * in.c + out.h * out.w * out.c) * 4 > (3 << 20);
  const Zeros zeros(in);
  const WinogradProblem problem{{in, x, zeros}, out, padding[0], padding[1], u, epilogue, y, fetches};
  const double work = double(t.count * t.elements) * double(in.c * out.c);

  const auto run = [&](Range of_tiles, Range outputs) {
    const Scratch<float> memory(room);
    std::fill_n(memory.data(), room, 0.0f);
    WinogradRun rest = t.rest_of_row(of_tiles.begin);
    int64_t left = of_tiles.end - of_tiles.begin;
    const auto some = [&] {
      const int64_t n = std::min<int64_t>(f.tiles, left);
      left -= n;
      return Runs<kMostAtOnce>(t, rest, n);
    };
    for (auto runs = some(); runs.size > 0;) {
      const auto next = some();
      f.convolve(problem, runs, next, outputs.begin, outputs.end, memory);
      runs = next;
    }
  };

  // Of few tiles the weights are the larger part: then the work is shared by outputs, so that no weights go from core to core.
  if (t.count <= 2 * out.c && out.c > lanes) {
    parallel_for(out.c, lanes, work / 16, [&](int64_t begin, int64_t end) {
      transform(f, k, begin, end, u);
      run({0, t.count}, {begin, end});
    });
    return;
  }
  parallel_for(out.c, lanes, double(t.elements * in.c * out.c), [&](int64_t begin, int64_t end) { transform(f, k, begin, end, u); });
  parallel_for(t.count, f.tiles, work / 16, [&](int64_t begin, int64_t end) { run({begin, end}, {0, out.c}); });
}

/// A row of elements of a block of tiles.
struct TilesMemory : WinogradTiles {
  Scratch<float> memory;
  TilesMemory(const Tiling& t, int64_t tiles, int64_t channels)
      : WinogradTiles{nullptr, kWinogradBlock, tiles * kWinogradBlock + kPad, 0}, memory(t.row * plane * blocks(channels, kWinogradBlock)) {
    data = memory;
    block = t.row * plane;
  }
  const float* at(int64_t element, int64_t channel) const {
    return data + channel / kWinogradBlock * block + element * plane + channel % kWinogradBlock;
  }
};

/// Room for `parts` sums.
struct SumsMemory : WinogradSums {
  Scratch<float> memory;
  SumsMemory(const Tiling& t, int64_t inputs, int64_t outputs, int64_t wide, int64_t parts)
      : WinogradSums{nullptr, inputs * blocks(outputs, wide) * wide + kPad, inputs, outputs, wide}, memory(parts * t.elements * plane) {
    data = memory;
  }
};

/// The products leave the memory idle: meanwhile the pixels that the next block touches are fetched, some lines with each product.
class Fetch {
 public:
  /// About the pixels of `count` tiles from tile `first` on, of images that have c channels, over `calls` calls.
  Fetch(const Tiling& t, const WinogradImages& s, int64_t images, const float* pixels, int64_t first, int64_t count, int64_t calls) {
    if (count <= 0) return;
    const WinogradRun tile = t.rest_of_row(first);
    const int64_t pixel = (tile.image * s.h + std::min(tile.y, s.h - 1)) * s.w, n = std::min(count * t.m * t.m, images * s.h * s.w - pixel);
    at_ = pixels + pixel * s.c;
    end_ = at_ + n * s.c;
    lines_ = blocks(n * s.c, kLine * calls);
  }
  void some() {
    for (int64_t i = 0; i < lines_ && at_ < end_; ++i, at_ += kLine) __builtin_prefetch(at_, 0, 2);
  }

 private:
  static constexpr int64_t kLine = 16;  // numbers
  const float *at_ = nullptr, *end_ = nullptr;
  int64_t lines_ = 0;
};

}  // namespace

int64_t winograd_tiles(const WinogradFamily& f, const ConvShape& s) { return s.n * blocks(s.oh, f.outputs) * blocks(s.ow, f.outputs); }

void winograd_forward(const WinogradFamily& f, const ConvShape& s, const float* x, const float* w, const ConvEpilogue<float>& epilogue, float* y) {
  convolve(f, s.n, {s.h, s.w, s.c}, {s.oh, s.ow, s.o}, s.padding, x, {w, false}, epilogue, y);
}

void winograd_backward_input(const WinogradFamily& f, const ConvShape& s, const float* dy, const float* w, float* dx) {
  convolve(f, s.n, {s.oh, s.ow, s.o}, {s.h, s.w, s.c}, {2 - s.padding[0], 2 - s.padding[1]}, dy, {w, true}, {}, dx);
}

// Y = A^T [ U . V ] A is linear in U = G g G^T, so dU is the sum over tiles of (A dY A^T) . V and dg = G^T dU G.
void winograd_backward_weight(const WinogradFamily& f, const ConvShape& s, const float* x, const float* dy, float* dw) {
  const Tiling t(f, s.n, s.oh, s.ow);
  const TapsMemory<float> taps(1, 9, s.c, s.o);
  // Larger tiles have larger sums: fewer of them keep the error of one block's.
  const int64_t block = kBlockTiles * 2 / t.m, block_count = blocks(t.count, block);
  // Parts of the tiles have sums of their own: as many whatever the number of threads, and few enough to be worth their memory.
  const int64_t most = t.elements * s.c * s.o > 100000 ? 4 : 8;
  const int64_t parts = std::clamp<int64_t>(t.count / 256, 1, std::min(most, block_count));
  const SumsMemory u(t, s.c, s.o, taps.group(0).wide, parts);
  const int64_t part_size = t.elements * u.plane, columns = std::min(kWinogradBlock, u.wide);
  const WinogradImages in{s.h, s.w, s.c}, out{s.oh, s.ow, s.o};
  const Zeros zeros_in(in), zeros_out(out);
  const double work = double(t.count * t.elements) * double(s.c * s.o);
  parallel_for(parts, 1, work / 16, [&](int64_t begin, int64_t end) {
    const TilesMemory v(t, block, s.c), upstream(t, block, s.o);
    for (int64_t part = begin; part < end; ++part) {
      const int64_t from = block_count * part / parts, to = block_count * (part + 1) / parts;
      for (int64_t b = from; b < to; ++b) {
        const int64_t first = b * block, n = std::min(block, t.count - first);
        WinogradRun rest = t.rest_of_row(first);
        const Runs<kBlockTiles> runs(t, rest, n);
        const int64_t calls = t.elements * blocks(s.o, columns), after = std::min(block, t.count - first - n);
        Fetch next_x(t, in, s.n, x, first + n, after, calls), next_dy(t, out, s.n, dy, first + n, after, calls);
        for (int64_t e = 0; e < t.elements; ++e) {
          const int64_t row = e / t.row, place = e % t.row;
          if (place == 0) {
            f.input[row]({in, x, zeros_in}, s.padding[0], s.padding[1], runs, v);
            f.output_gradient[row]({out, dy, zeros_out}, 0, 0, runs, upstream);
          }
          for (int64_t j = 0; j < s.o; j += columns) {
            for (int64_t i = 0; i < s.c; i += kWinogradBlock) {
              Panel<float> q{};
              q.rows = std::min(kWinogradBlock, s.c - i);
              q.columns = int(std::min(columns, s.o - j));
              q.a = v.at(place, i);
              q.a_row = 1;
              q.b = upstream.at(place, j);
              q.inner = {n, v.row, upstream.row};
              q.c = u.at(e, i, j) + part * part_size;
              q.c_row = u.wide;
              q.epilogue.accumulate = b > from;
              gemm_loops<float>().panel(q);
            }
            next_x.some();
            next_dy.some();
          }
        }
      }
    }
  });
  parallel_for(s.c, 1, double(t.elements * s.c * s.o * parts),
               [&](int64_t begin, int64_t end) { f.weight_gradient(u, parts, part_size, begin, end, taps.group(0)); });
  unpack_taps(s, taps, dw);
}

}  // namespace ember::kernels
