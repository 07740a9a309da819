// Tiles are taken in blocks whose transforms stay in the second-level cache while the matrix products run over them: with (m + 2)^2
// elements, `tiles x inputs` times `inputs x outputs` for each.
#include "kernels/conv_winograd.h"

#include <algorithm>

#include "kernels/conv_taps.h"
#include "kernels/parallel.h"

namespace ember::kernels {
namespace {

constexpr int64_t kPad = 16;              // numbers between the planes: at powers of two they would all share a few cache sets
constexpr int64_t kCacheBytes = 800 << 10;  // of the second-level cache, for a block and its share of the weights
constexpr int64_t kMostTiles = 224;
constexpr int64_t kThinOutputs = 32;        // beside at most kThinInputs inputs: the weights stay in the first-level cache
constexpr int64_t kLongestSum = 64;         // of channels in one go: keeps the error of many channels near that of few

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }
int64_t whole_vectors(int64_t n) { return blocks(n, kernels().gemm.float32.lanes) * kernels().gemm.float32.lanes; }

/// The tiles of all images, in rows, and how they are cut into blocks.
struct Tiling {
  int64_t m, elements, images;
  int64_t down, across, count;  // tiles of an image; of all images
  int64_t in_row, out_row;      // numbers of a tile and element
  int64_t block;                // tiles of a block

  Tiling(const WinogradFamily& f, int64_t image_count, int64_t h, int64_t w, int64_t c, int64_t o)
      : m(f.outputs), elements((m + 2) * (m + 2)), images(image_count), down(blocks(h, m)), across(blocks(w, m)), count(images * down * across),
        in_row(c), out_row(whole_vectors(o)) {
    const int64_t weights = std::min<int64_t>(elements * c * o * 4, kCacheBytes / 2), tile = elements * (in_row + out_row) * 4;
    const int64_t most = std::clamp<int64_t>((kCacheBytes - weights) / tile, 28, kMostTiles);
    // Blocks of one size, enough of them for the threads, and of as many tiles as register tiles have rows.
    const int64_t pieces = std::max(blocks(count, most), std::clamp<int64_t>(count / 32, 1, 8)), rows = o <= whole_vectors(1) ? 16 : 14;
    block = std::min(kMostTiles, blocks(std::max<int64_t>(1, blocks(count, pieces)), rows) * rows);
  }
  int64_t block_count() const { return blocks(count, block); }

  /// Where the tiles from `first` on lie.
  void list(int64_t first, int64_t n, WinogradTile* out) const {
    WinogradTile t{first / (down * across), first / across % down * m, first % across * m};
    for (int64_t i = 0; i < n; ++i) {
      out[i] = t;
      if ((t.x += m) < across * m) continue;
      t.x = 0;
      if ((t.y += m) < down * m) continue;
      t.y = 0;
      ++t.image;
    }
  }
};

/// Memory for a block's transformed tiles.
struct TilesMemory : WinogradTiles {
  Scratch<float> memory;
  TilesMemory(const Tiling& t, int64_t row) : WinogradTiles{nullptr, row, t.block * row + kPad}, memory(t.elements * plane) { data = memory; }
};

/// The products leave the memory idle: meanwhile the pixels that the next step touches are fetched, some lines with each product.
class Fetch {
 public:
  /// About the pixels of `count` tiles from tile `first` on, of images that have c channels, over `calls` calls.
  Fetch(const Tiling& t, const WinogradImages& s, const float* images, int64_t first, int64_t count, int64_t calls) {
    if (count <= 0) return;
    WinogradTile tile;
    t.list(first, 1, &tile);
    const int64_t pixel = (tile.image * s.h + std::min(tile.y, s.h - 1)) * s.w, pixels = std::min(count * t.m * t.m, t.images * s.h * s.w - pixel);
    at_ = images + pixel * s.c;
    end_ = at_ + pixels * s.c;
    lines_ = blocks(pixels * s.c, kLine * calls);
  }
  void read() {
    for (int64_t i = 0; i < lines_ && at_ < end_; ++i, at_ += kLine) __builtin_prefetch(at_, 0, 2);
  }
  void write() {
    for (int64_t i = 0; i < lines_ && at_ < end_; ++i, at_ += kLine) __builtin_prefetch(at_, 1, 2);
  }

 private:
  static constexpr int64_t kLine = 16;  // numbers
  const float *at_ = nullptr, *end_ = nullptr;
  int64_t lines_ = 0;
};

/// Room for transformed weights, `copies` of them.
struct WeightsMemory : WinogradWeights {
  Scratch<float> memory;
  WeightsMemory(const Tiling& t, int64_t inputs, int64_t outputs, int64_t wide, int64_t copies)
      : WinogradWeights{nullptr, inputs * blocks(outputs, wide) * wide + kPad, inputs, outputs, wide}, memory(copies * t.elements * plane) {
    data = memory;
  }
};

/// 3 x 3 kernels as they lie: w is (outputs, inputs, 9), or, turned around to carry dy back, (inputs, outputs, 9) with the last tap first.
struct Kernels {
  const float* w;
  bool turned;
};

/// Transforms the kernels of the outputs [begin, end), a vector of outputs and some inputs at a time.
void transform(const WinogradFamily& f, const Kernels& k, int64_t begin, int64_t end, const WinogradWeights& u) {
  constexpr int64_t kInputs = 16, kMostLanes = 16;
  const GemmFamily<float>& gemm = kernels().gemm.float32;
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
  const Tiling t(f, images, out.h, out.w, in.c, out.c);
  // Of few tiles the weights are the larger part: then the work is shared by outputs, so that no weights go from core to core.
  const bool thin = in.c <= kThinInputs && out.c <= kThinOutputs, by_outputs = !thin && t.count <= 2 * out.c;
  const int64_t lanes = whole_vectors(1), wide = by_outputs ? lanes : panel_columns<float>(out.c, 9 * in.c);
  const WeightsMemory u(t, in.c, out.c, wide, 1);
  const int64_t depth = blocks(in.c, blocks(in.c, kLongestSum));
  const double work = double(t.count * t.elements) * double(in.c * out.c);

  const auto run = [&](Range blocks_of, Range outputs) {
    const TilesMemory v(t, t.in_row), products(t, whole_vectors(outputs.end - outputs.begin));
    WinogradTile tiles[kMostTiles];
    for (int64_t first = blocks_of.begin * t.block; first < std::min(blocks_of.end * t.block, t.count); first += t.block) {
      const int64_t n = std::min(t.block, t.count - first);
      t.list(first, n, tiles);
      f.input(in, x, padding[0], padding[1], tiles, n, v);
      const int64_t calls = t.elements * blocks(out.c, wide);
      Fetch next(t, in, x, first + n, std::min(t.block, t.count - first - n), calls), target(t, out, y, first, by_outputs || epilogue.pool ? 0 : n, calls);
      for (int64_t e = 0; e < t.elements; ++e)
        for (int64_t j = outputs.begin; j < outputs.end; j += u.wide) {
          Panel<float> q{};
          q.rows = n;
          q.columns = int(std::min(u.wide, outputs.end - j));
          q.a_row = v.row;
          q.c = products.data + e * products.plane + j - outputs.begin;
          q.c_row = products.row;
          for (int64_t i = 0; i < in.c; i += depth) {
            q.a = v.data + e * v.plane + i;
            q.b = u.at(e, i, j);
            q.inner = {std::min(depth, in.c - i), 1, u.wide};
            q.epilogue.accumulate = i > 0;
            kernels().gemm.float32.panel(q);
          }
          next.read();
          target.write();
        }
      f.output(products, tiles, n, epilogue, out, outputs.begin, outputs.end, y);
    }
  };

  if (by_outputs) {
    parallel_for(out.c, wide, work / 16, [&](int64_t begin, int64_t end) {
      transform(f, k, begin, end, u);
      run({0, t.block_count()}, {begin, end});
    });
    return;
  }
  parallel_for(out.c, lanes, double(t.elements * in.c * out.c), [&](int64_t begin, int64_t end) { transform(f, k, begin, end, u); });
  parallel_for(t.block_count(), 1, work / 16, [&](int64_t begin, int64_t end) {
    if (!thin) return run({begin, end}, {0, out.c});
    const bool fetches = images * (in.h * in.w * in.c + out.h * out.w * out.c) * 4 > (3 << 20);
    WinogradTile tiles[kMostTiles];
    for (int64_t first = begin * t.block; first < std::min(end * t.block, t.count); first += t.block) {
      const int64_t n = std::min(t.block, t.count - first);
      t.list(first, n, tiles);
      f.thin(in, x, padding[0], padding[1], tiles, n, u, epilogue, out, y, fetches);
    }
  });
}

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
  const Tiling t(f, s.n, s.oh, s.ow, s.c, s.o);
  const TapsMemory<float> taps(1, 9, s.c, s.o);
  // Parts of the tiles have sums of their own: as many whatever the number of threads, and few enough to be worth their memory.
  const int64_t most = t.elements * s.c * s.o > 100000 ? 4 : 8;
  const int64_t parts = std::clamp<int64_t>(t.count / 256, 1, std::min(most, t.block_count()));
  const WeightsMemory u(t, s.c, s.o, taps.group(0).wide, parts);
  const int64_t part_size = t.elements * u.plane;
  const double work = double(t.count * t.elements) * double(s.c * s.o);
  parallel_for(parts, 1, work / 16, [&](int64_t begin, int64_t end) {
    const TilesMemory v(t, t.in_row), upstream(t, t.out_row);
    WinogradTile tiles[kMostTiles];
    for (int64_t part = begin; part < end; ++part) {
      const int64_t from = t.block_count() * part / parts, to = t.block_count() * (part + 1) / parts;
      for (int64_t b = from; b < to; ++b) {
        const int64_t first = b * t.block, n = std::min(t.block, t.count - first);
        t.list(first, n, tiles);
        f.input({s.h, s.w, s.c}, x, s.padding[0], s.padding[1], tiles, n, v);
        f.output_gradient({s.oh, s.ow, s.o}, dy, tiles, n, upstream);
        const int64_t calls = t.elements * blocks(s.o, u.wide), after = std::min(t.block, t.count - first - n);
        Fetch next_x(t, {s.h, s.w, s.c}, x, first + n, after, calls), next_dy(t, {s.oh, s.ow, s.o}, dy, first + n, after, calls);
        for (int64_t e = 0; e < t.elements; ++e)
          for (int64_t j = 0; j < s.o; j += u.wide) {
            Panel<float> q{};
            q.rows = s.c;
            q.columns = int(std::min(u.wide, s.o - j));
            q.a = v.data + e * v.plane;
            q.a_row = 1;
            q.b = upstream.data + e * upstream.plane + j;
            q.inner = {n, v.row, upstream.row};
            q.c = u.data + part * part_size + e * u.plane + j * s.c;
            q.c_row = u.wide;
            q.epilogue.accumulate = b > from;
            kernels().gemm.float32.panel(q);
            next_x.read();
            next_dy.read();
          }
      }
    }
  });
  parallel_for(s.c, 1, double(t.elements * s.c * s.o * parts), [&](int64_t begin, int64_t end) {
    f.weight_gradient(u, parts, part_size, begin, end, taps.group(0));
  });
  unpack_taps(s, taps, dw);
}

}  // namespace ember::kernels
