// Each algorithm's cost in cycles of one core, from the loops that it runs: the register tiles, the copies, the starts of loops. The
// constants are those of two machines (Zen 3 with AVX2, Zen 4 with AVX-512); what matters is the order of the costs.
#include "kernels/conv/choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/conv/columns.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/images.h"
#include "kernels/conv/patches.h"
#include "kernels/conv/planes.h"
#include "kernels/conv/pointwise.h"
#include "kernels/conv/streams.h"
#include "kernels/conv/winograd.h"
#include "kernels/kernels.h"

namespace ember::kernels {

std::atomic<ConvWish> conv_wish = ConvWish::Auto;

const char* name(ConvPath path) {
  switch (path) {
    case ConvPath::Direct: return "direct";
    case ConvPath::Columns: return "columns";
    case ConvPath::Pointwise: return "pointwise";
    case ConvPath::Depthwise: return "depthwise";
    case ConvPath::Dots: return "dots";
    case ConvPath::Spans: return "spans";
    case ConvPath::Planes: return "planes";
    case ConvPath::Streams: return "streams";
    case ConvPath::Images: return "images";
    case ConvPath::Winograd2: return "winograd 2x2";
    case ConvPath::Winograd4: return "winograd 4x4";
  }
  return "";
}

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kLoopStart = 12;              // a loop inside of a tile: its addresses, and a branch that goes wrong
constexpr double kTileStart = 20;              // a tile: the call, bias, ReLU, stores
constexpr double kRunStart = 22;               // a copy of some numbers that lie side by side
constexpr double kAdds = 12;                   // a vector of a sum that is read and written for each block of products, outside of the cache
constexpr double kCopies = 0.25;               // a number that is copied by the vector, in a cache
constexpr double kSingleCopies = 2;            // one by one
constexpr double kTurns = 0.6;                 // a number of an image that is turned from planes to pixels, in a cache
constexpr double kTurnsFar = 1.3;              // in memory
constexpr double kNumbersInCache = 6e6;        // of an image
constexpr double kNumbersInSecondLevel = 5e5;  // of it
constexpr double kFinds = 1.6;                 // a number of a plane that is found at a stride
constexpr double kScatters = 1.5;              // a number of a large dx that is written a phase of the stride at a time
constexpr double kSpreads = 1;                 // a number of a large result that is written to many images in turn
constexpr double kTouches = 0.2;               // a number that is read from memory on its way
constexpr double kPacks = 1.5;                 // a weight, packed, and its gradient unpacked
constexpr double kStreams = 1.2;               // a weight that comes from memory
constexpr double kTransformed = 10;            // the transform of a kernel, written and read
constexpr double kPanelInCache = 24e3;         // bytes of a panel of weights that stay in the first-level cache; else they come from the second
constexpr double kPatchesInCache = 8e3;        // numbers of A that stay there
constexpr double kSecondLevel = 24;            // bytes of it in a cycle
constexpr double kTransform = 6;               // a number of a Winograd tile, made or consumed, in multiply-adds

struct Lanes {
  double lanes, bytes, per_cycle, registers;  // multiply-adds of vectors
  explicit Lanes(int number)
      : lanes(number == 4 ? gemm_loops<float>().lanes : gemm_loops<double>().lanes), bytes(lanes * number), per_cycle(bytes == 64 ? 1 : 2),
        registers(bytes == 64 ? 24 : 12) {}
  double vectors(double n) const { return std::ceil(n / lanes); }

  /// `rows` x `columns` sums of `depth` products, in `loops` inner loops.
  double panel(double rows, double columns, double depth, double loops, double each_vector = 2) const {
    if (rows <= 0 || columns <= 0) return 0;
    const double all = vectors(columns), panels = std::ceil(all / 2), wide = all / panels, tiles = std::ceil(rows * std::ceil(wide) / registers);
    const double height = rows / tiles;
    // Multiply-adds, loads, the latency of one of few sums, or weights from the second-level cache.
    const double from_cache = depth * wide * bytes > kPanelInCache ? wide * bytes / kSecondLevel : 0;
    const double step = std::max({height * wide / per_cycle, (height + wide) / 2, 4.0, from_cache});
    return panels * tiles * (depth * step + loops * kLoopStart + kTileStart + each_vector * height * wide);
  }
};

bool plain(const ConvShape& s) { return s.stride[0] == 1 && s.stride[1] == 1 && s.dilation[0] == 1 && s.dilation[1] == 1; }
bool side_by_side(const ConvShape& s) { return s.dilation[1] == 1 && s.groups == 1; }
double pixels(const ConvShape& s) { return double(s.n * s.oh * s.ow); }
double patch(const ConvShape& s) { return double(patch_size(s)); }
double weights(const ConvShape& s) { return double(s.o) * patch(s); }
double turning(const ConvShape& s) {
  const double numbers = double(s.n * s.h * s.w * s.c);
  return s.planes ? numbers * (numbers > kNumbersInCache ? kTurnsFar : kTurns) : 0;
}
/// The same before the convolution begins, as a whole: most of it leaves the second-level cache.
double turning_apart(const ConvShape& s) {
  const double numbers = double(s.n * s.h * s.w * s.c);
  return s.planes ? numbers * (numbers > kNumbersInSecondLevel ? kTurnsFar : kTurns) : 0;
}

/// What a vector of the weights' gradient costs each time that products are added to it.
double sums(const ConvShape& s) { return weights(s) > 250e3 ? kAdds : 4; }

/// Rows of pixels that are one thread's: a direct sum of one image in one row is not shared.
double alone(const ConvShape& s, double rows) { return double(s.n) * rows < 4 && s.multiply_adds() > 1e6 ? 1.5 : 1; }

/// Kernel rows that meet the image, over all outputs of a column.
double rows_met(const Axis& a) {
  double rows = 0;
  for (int64_t i = 0; i < a.out; ++i) rows += double(a.end(i) - a.begin(i));
  return rows;
}

/// Copying one group's numbers of a pixel; of planes few of them one by one.
double apart_copies(const ConvShape& s, double inputs) {
  if (s.planes) return inputs * (inputs < 8 ? 2 * kSingleCopies : 2 * kTurns);
  return inputs * kCopies + kRunStart / 3;
}

double direct_rows(const ConvShape& s, const Lanes& v, const Axis& ay, const Axis& ax, double inputs, double outputs) {
  const bool apart = s.groups > 1 && ax.taps > 1 && inputs >= kFewestApart && inputs <= kMostApart && ax.stride == 1 && s.dilation[1] == 1;
  const bool one_loop = (side_by_side(s) || apart) && ax.tap_step == 1 && ax.taps == s.kw;
  const double met = rows_met(ay), loops = one_loop ? 1 : double(ax.taps);
  if (ay.out == 0 || ax.out == 0) return 0;
  const double copies = apart && one_loop ? double(s.n * ay.in * ax.in * s.groups) * apart_copies(s, inputs) : 0;
  return copies + double(s.n * s.groups * ay.out) *
                      v.panel(double(ax.out), outputs, met / double(ay.out) * double(ax.taps) * inputs, met / double(ay.out) * loops);
}

double direct_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  const double c = double(s.c_group()), o = double(s.o_group());
  if (direction == ConvDirection::Forward) {
    const Axis ax = forward_axis(s, 1);
    const double copies = ax.before == 0 && ax.reach() <= ax.in ? 0 : kCopies * double(s.n * s.h * s.w * s.c);
    return alone(s, double(s.oh)) * direct_rows(s, v, forward_axis(s, 0), ax, c, o) + copies + (s.c > 8 ? turning(s) : 0);
  }
  if (direction == ConvDirection::BackwardInput) {
    double cost = kCopies * double(s.n * s.oh * s.ow * s.o * s.stride[0] * s.stride[1]);
    for (int64_t y = 0; y < s.stride[0]; ++y)
      for (int64_t x = 0; x < s.stride[1]; ++x) cost += direct_rows(s, v, backward_axis(s, 0, y), backward_axis(s, 1, x), o, c);
    const double numbers = double(s.n * s.h * s.w * s.c);
    if (s.stride[0] * s.stride[1] > 4 && numbers > 1e6) cost += kScatters * numbers;
    return alone(s, double(s.h)) * cost;
  }
  const bool row = side_by_side(s);
  const double rows = row ? double(s.kw) * c : c, panels = double(s.n * s.groups * s.kh) * (row ? 1 : double(s.kw));
  return (s.n == 1 ? 1.3 : 1) * panels * v.panel(rows, o, double(s.oh * s.ow), double(s.oh), sums(s)) + turning(s) +
         kCopies * double(s.n * s.h * s.w * s.c);
}

/// Copying the patches of pixels, and of planes as they lie.
double gather_pixels(const ConvShape& s) {
  const double count = pixels(s) * double(s.groups), taps = double(s.kh * s.kw);
  return sees_single_pixels(s) ? 0 : count * patch(s) * kCopies + count * (side_by_side(s) ? double(s.kh) : taps) * kRunStart;
}
double gather_planes(const ConvShape& s) {
  if (meets_by_stride(s) && !sees_single_pixels(s))
    return pixels(s) * double(s.c) * (MetPixels::in_rows(s) ? 2 * kCopies + kRunStart / double(s.ow) : kFinds) +
           double(s.n * s.h * s.w * s.c) * kTouches;
  const double row = double(std::min<int64_t>(sees_single_pixels(s) ? s.h * s.w : s.ow, 64));
  const double copy = s.stride[1] == 1 ? kCopies : s.stride[1] == 2 ? 2 * kCopies : 2 * kSingleCopies;
  const double from_memory = double(s.n * s.h * s.w * s.c) > kNumbersInCache ? kTurnsFar - kTurns : 0;
  return pixels(s) * double(s.c * s.kh * s.kw) * (copy + kRunStart / row + from_memory);
}
double gather_cost(const ConvShape& s) { return s.planes ? std::min(gather_planes(s), gather_pixels(s) + turning_apart(s)) : gather_pixels(s); }

/// How often the gradient of the weights copies each patch: few parts are shared by the numbers of a patch.
double copies_of_patches(const ConvShape& s) {
  const double parts = std::max(1.0, s.multiply_adds() / (5e5 + 100 * weights(s)));
  return std::clamp(8 / parts, 1.0, std::max(1.0, patch(s) / 48));
}

double columns_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  const double o = double(s.o_group()), block = std::min(pixels(s), std::clamp(40000 / patch(s), 48.0, 336.0)),
               blocks = pixels(s) / block * double(s.groups);
  if (direction == ConvDirection::Forward) {
    const double by_pixels = v.panel(block, o, patch(s), 1), write = o < v.lanes ? kSingleCopies : 0.5,
                 by_outputs = s.planes ? v.panel(o, block, patch(s), 1) + write * o * block : kNever;
    return blocks * std::min(by_pixels, by_outputs) +
           gather_cost(s) * (block * patch(s) > 80000 ? 2 : 1);  // copies in the second-level cache, or not
  }
  if (direction == ConvDirection::BackwardWeight) return blocks * v.panel(patch(s), o, block, 1, sums(s)) + copies_of_patches(s) * gather_cost(s);
  const double runs = pixels(s) * double(s.groups) * double(side_by_side(s) ? s.kh : s.kh * s.kw);
  return blocks * v.panel(block, patch(s), o, 1) + runs * (kRunStart + 2 * v.vectors(patch(s) * pixels(s) * double(s.groups) / runs)) +
         kCopies * double(s.n * s.h * s.w * s.c);
}

double streams_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  const double count = pixels(s);
  if (s.groups > 1 || count < 1 || count > kMostStreamPixels) return kNever;
  const double copies = patch(s) * count * (kSingleCopies + kRunStart / double(s.ow));
  if (direction == ConvDirection::Forward && count <= kFewPixels)
    return std::max(weights(s) * count / v.lanes / v.per_cycle, kStreams * weights(s)) + 2 * kSingleCopies * patch(s) * count;
  if (direction == ConvDirection::Forward) return std::max(v.panel(double(s.o), count, patch(s), 1), kStreams * weights(s)) + copies;
  if (direction == ConvDirection::BackwardInput)  // channel by channel of each tap
    return std::max(std::ceil(double(s.o) / 64) * v.panel(count, patch(s), 64, 1), kStreams * weights(s)) + patch(s) * count * kSingleCopies;
  return std::max(v.panel(double(s.o), patch(s), count, 1), kStreams * weights(s)) + copies;
}

/// Lanes along the inputs, for few outputs.
double dots_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  const bool forward = direction == ConvDirection::Forward;
  const double inputs = double(forward ? s.c : s.o), outputs = double(forward ? s.o : s.c);
  if (direction == ConvDirection::BackwardWeight || s.groups > 1 || s.dilation[1] > 1 || outputs > kMostDotOutputs) return kNever;
  if (!forward && !plain(s)) return kNever;
  const double rows = rows_met(forward ? forward_axis(s, 0) : backward_axis(s, 0, 0)), width = double(forward ? s.ow : s.w);
  const double copies = kCopies * (forward ? double(s.n * s.h * s.w * s.c) : pixels(s) * double(s.o));
  return double(s.n) * width *
             (rows * (outputs * v.vectors(double(s.kw) * inputs) / v.per_cycle * 1.25 + 2) + double(forward ? s.oh : s.h) * outputs * 4) +
         copies + turning(s);
}

/// Lanes along the taps of a row and few channels of dx, rows of many images.
double spans_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  if (direction != ConvDirection::BackwardInput || s.groups > 1 || s.n < 8 || !plain(s)) return kNever;
  const double groups = s.n <= 14 ? 1 : std::ceil(double(s.n) / 28) * 2, kernel_rows = rows_met(forward_axis(s, 0)) / double(s.h);
  const double taps = rows_met(forward_axis(s, 1)) / double(s.ow);
  return groups * double(s.ow * s.h) * v.panel(double(s.n) / groups, taps * double(s.c), kernel_rows * double(s.o), kernel_rows) +
         3 * kPacks * weights(s);
}

/// Lanes along the pixels of an image, for few channels of dx.
double planes_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  if (direction != ConvDirection::BackwardInput || s.c_group() > kMostDotOutputs || s.groups == s.c) return kNever;
  const double o = double(s.o_group()), taps = double(s.kh * s.kw), units = double(s.n * s.groups);
  const double band = double(plane_band(s, s.c_group())), bands = std::ceil(double(s.oh) / band);
  const double add = s.stride[1] == 1 ? 2.0 / v.lanes : kFinds;
  return units * bands * v.panel(taps * double(s.c_group()), double(s.oh * s.ow) / bands, o, 1, 1) +
         double(s.n * s.c * s.oh) * taps * (kRunStart + add * double(s.ow)) + kTurns * (pixels(s) * double(s.o) + double(s.n * s.h * s.w * s.c));
}

/// Rows of the tiles are images. Of planes the copy is the turn.
double images_rows(const ConvShape& s, const Lanes& v, const Axis& ay, const Axis& ax, double inputs, double outputs) {
  if (ay.out == 0 || ax.out == 0) return 0;
  const double blocks = double(image_blocks(s.n)), taps = rows_met(ay) / double(ay.out) * rows_met(ax) / double(ax.out);
  const double count = double(s.n) / blocks, from_second_level = count * taps * inputs > kPatchesInCache ? 1.06 : 1;
  return from_second_level * blocks * double(s.groups * ay.out * ax.out) * v.panel(count, outputs, taps * inputs, taps);
}

/// A pixel of c numbers copied.
double image_copy(double c) { return std::min(c * kCopies + kRunStart, c * 2 * kSingleCopies); }

/// How often bands of output rows copy the rows of an image of so many numbers.
double copied_again(const ConvShape& s, int64_t image, double in_rows, double rows, double stride, double reach) {
  const double bands = double(image_bands(s.n, image, int64_t(rows)));
  return std::max(1.0, bands * std::min(in_rows, (std::ceil(rows / bands) - 1) * stride + reach) / in_rows);
}

double images_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  if (s.n < 4 || s.oh == 0 || s.ow == 0) return kNever;
  const double c = double(s.c_group()), o = double(s.o_group()), taps = double(s.kh * s.kw), reach = double(s.dilation[0] * (s.kh - 1) + 1);
  const double of_x = double(s.n * s.h * s.w), numbers = of_x * double(s.c), copies = std::max(turning(s), of_x * image_copy(double(s.c)));
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  const bool along_memory = weights(s) / double(s.groups) * v.bytes / v.lanes <= double(kWeightsOfPixels);
  const auto spread = [&](double results) { return results > 1e6 && !along_memory ? kSpreads * results : 0; };
  if (direction == ConvDirection::Forward)
    return copies * copied_again(s, s.h * s.w * s.c, double(s.h), double(s.oh), double(s.stride[0]), reach) + images_rows(s, v, ay, ax, c, o) +
           spread(pixels(s) * double(s.o));
  if (direction == ConvDirection::BackwardInput) {
    const double rows = double(backward_axis(s, 0, 0).out),
                 again = copied_again(s, s.oh * s.ow * s.o, double(s.oh), rows, 1, reach / double(s.stride[0]) + 1);
    double cost = pixels(s) * image_copy(double(s.o)) * again + spread(numbers);
    for (int64_t y = 0; y < s.stride[0]; ++y)
      for (int64_t x = 0; x < s.stride[1]; ++x) cost += images_rows(s, v, backward_axis(s, 0, y), backward_axis(s, 1, x), o, c);
    return cost;
  }
  if (c * o < v.lanes) return kNever;  // a lane alone would sum all pixels: direct sums row by row, which rounds less
  const double blocks = double(image_blocks_of_weights(s)), met_y = rows_met(ay) / double(s.kh), met_x = rows_met(ax) / double(s.kw);
  const double loops = s.stride[1] == 1 ? met_y : met_y * std::min(met_x, double(s.n) / blocks);
  return copies + pixels(s) * double(s.groups) * image_copy(o) +
         blocks * double(s.groups) * taps * v.panel(c, o, double(s.n) / blocks * met_y * met_x, loops, sums(s) / 2);
}

double winograd_cost(const ConvShape& s, ConvDirection direction, const Lanes& v) {
  // Fewer channels than 12 fill no vectors, and the transforms cost more than they save.
  if (s.c < 12 || s.o < 12) return kNever;
  const WinogradFamily& f = winograd_loops().two;
  const double elements = (f.outputs + 2) * (f.outputs + 2), tiles = double(winograd_tiles(f, s));
  const double inputs = v.vectors(double(s.c)) * v.lanes, outputs = v.vectors(double(s.o)) * v.lanes, products = double(s.c) * outputs;
  return elements * (tiles * products + kTransform * (tiles * (inputs + outputs) + products)) / (v.lanes * v.per_cycle) + turning(s) +
         (direction == ConvDirection::BackwardWeight ? 3 : 1) * kTransformed * double(s.c * s.o) * (s.c * s.o > 100000 ? 2 : 1);
}

bool is_pointwise(const ConvShape& s) { return s.kh == 1 && s.kw == 1 && s.padding[0] == 0 && s.padding[1] == 0 && s.groups == 1; }

bool can_winograd(const ConvShape& s, int bytes) {
  return bytes == 4 && s.groups == 1 && s.kh == 3 && s.kw == 3 && plain(s) && s.padding[0] <= 2 && s.padding[1] <= 2;
}

}  // namespace

bool columns_read_planes(const ConvShape& s) {
  return (meets_by_stride(s) && !sees_single_pixels(s)) || gather_planes(s) < gather_pixels(s) + turning_apart(s);
}

double conv_cost(ConvPath path, const ConvShape& s, ConvDirection direction, int bytes) {
  const Lanes v(bytes);
  switch (path) {
    case ConvPath::Direct: return direct_cost(s, direction, v) + kPacks * weights(s);
    case ConvPath::Columns: return columns_cost(s, direction, v) + kPacks * weights(s);
    case ConvPath::Streams: return streams_cost(s, direction, v);
    case ConvPath::Spans: return spans_cost(s, direction, v);
    case ConvPath::Planes: return planes_cost(s, direction, v);
    case ConvPath::Dots: return dots_cost(s, direction, v);
    case ConvPath::Images: return images_cost(s, direction, v) + kPacks * weights(s);
    case ConvPath::Winograd2: return can_winograd(s, bytes) ? winograd_cost(s, direction, v) : kNever;
    default: return kNever;  // taken by shape, or by wish
  }
}

namespace {

ConvPath choose(const ConvShape& s, ConvDirection direction, int bytes) {
  const Lanes v(bytes);
  if (is_pointwise(s)) {
    if (!s.planes || direction == ConvDirection::BackwardInput) return ConvPath::Pointwise;
    // Of an image in planes: by blocks of pixels where there are many inputs, along the planes where outputs are few.
    const bool few = direction == ConvDirection::Forward && s.o <= kFewOutputs, full = v.vectors(double(s.o)) * v.lanes <= 1.25 * double(s.o);
    if (!plain(s)) return direction == ConvDirection::Forward && !pointwise_in_place(s) ? ConvPath::Columns : ConvPath::Pointwise;
    return (direction == ConvDirection::Forward && s.c > 256) || (few && !full) ? ConvPath::Columns : ConvPath::Pointwise;
  }
  if (s.groups > 1 && s.groups == s.c) return ConvPath::Depthwise;
  const bool winograd = can_winograd(s, bytes);
  if (winograd && conv_wish == ConvWish::Winograd2) return ConvPath::Winograd2;
  if (winograd && conv_wish == ConvWish::Winograd4) return ConvPath::Winograd4;
  ConvPath best = ConvPath::Direct;
  if (s.c == 0 || s.o == 0) return best;
  double least = kNever;
  for (const ConvPath path : {ConvPath::Direct, ConvPath::Columns, ConvPath::Streams, ConvPath::Spans, ConvPath::Planes, ConvPath::Dots,
                              ConvPath::Images, ConvPath::Winograd2}) {
    if (path == ConvPath::Winograd2 && conv_wish == ConvWish::Direct) continue;
    if (const double cost = conv_cost(path, s, direction, bytes); cost < least) least = cost, best = path;
  }
  return best;
}

std::atomic<int> forced = -1;  // a ConvPath

/// A training step asks for the same shapes again and again.
struct Remembered {
  ConvShape s;
  ConvDirection direction;
  int bytes = 0;
  ConvWish wish;
  ConvPath path;
};

std::size_t place_of(const ConvShape& s, ConvDirection direction, std::size_t places) {
  std::uint64_t hash = std::uint64_t(direction) + (s.planes ? 8 : 0);
  for (const int64_t size : {s.n, s.h, s.w, s.c, s.o, s.kh, s.stride[1], s.groups}) hash = (hash ^ std::uint64_t(size)) * 0x9e3779b97f4a7c15;
  return (hash >> 40) % places;
}

}  // namespace

ForcedPath::ForcedPath(ConvPath path) { forced = int(path); }
ForcedPath::~ForcedPath() { forced = -1; }

ConvPath conv_path(const ConvShape& s, ConvDirection direction, int bytes) {
  if (const int path = forced.load(std::memory_order_relaxed); path >= 0 && conv_cost(ConvPath(path), s, direction, bytes) < kNever)
    return ConvPath(path);
  static constinit thread_local std::array<Remembered, 64> known{};
  Remembered& r = known[place_of(s, direction, known.size())];
  const ConvWish wish = conv_wish;
  if (r.bytes != bytes || r.direction != direction || r.wish != wish || r.s != s) r = {s, direction, bytes, wish, choose(s, direction, bytes)};
  return r.path;
}

}  // namespace ember::kernels
