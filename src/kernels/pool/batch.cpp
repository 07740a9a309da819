// Cuts pooling by planes, or by rows of images whose channels are innermost.
#include "kernels/pool/batch.h"

#include <functional>

#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

/// What a batch is cut into: whole images, or rows of outputs. Loops that see only the first window of AnyRows and take the others to
/// follow it may get the rows of several planes at once.
enum class Pieces { Images, Rows, AnyRows };

template <class T>
const PoolFamily<T>& loops_of(const PoolBatch& batch) {
  return batch.planes ? pool_planes_loops<T>() : pool_loops<T>();
}

/// With an even height no 2 x 2 window spans two planes, so all planes are pooled as one tall plane.
template <class Body>
void for_each_joined(const PoolBatch& batch, const Windows& w, Body&& body) {
  const int64_t rows = batch.images * w.y.out();
  parallel_for(rows, 1, double(rows * w.y_view.tiles * w.x.in) * 2, [&](int64_t begin, int64_t end) {
    PoolShape shape{w.y_view, w.x_view, 1};
    shape.y.out = end - begin;
    body(shape, begin * w.y_view.tiles * w.x.in, begin * w.x.out(), begin * w.x.out());
  });
}

/// body(shape, offset into the images, offset into the outputs, position of the first output) for pieces of the batch.
template <class Body>
void for_each_piece(const PoolBatch& batch, const Windows& w, Pieces pieces, Body&& body) {
  if (pieces == Pieces::AnyRows && batch.planes && w.pairs()) return for_each_joined(batch, w, body);
  const int64_t rows = pieces == Pieces::Images ? 1 : w.y.out(), all = batch.images * rows;
  const int64_t in = w.y.in * w.x.in * batch.channels, line = w.x.out() * batch.channels;
  parallel_for(all, 1, double(batch.images * in) * 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin, next; i < end; i = next) {
      const int64_t image = i / rows, first = i % rows;
      next = std::min(end, (image + 1) * rows);
      PoolShape shape{w.y_view, w.x_view, batch.channels};
      if (pieces != Pieces::Images) {
        shape.y.start += first;
        shape.y.count += first;
        shape.y.out = next - i;
      }
      body(shape, image * in, (image * w.y.out() + first) * line, first * w.x.out());
    }
  });
}

/// What each window's sum is multiplied with.
template <class T>
Scratch<T> scales_of(const Windows& w, int64_t divisor) {
  Scratch<T> scales(w.outputs());
  T* scale = scales;
  for (int64_t dy : w.y.divisor)
    for (int64_t dx : w.x.divisor) *scale++ = T(1.0 / double(divisor ? divisor : dy * dx));
  return scales;
}

/// Pairs that cover planes, one divisor for all.
bool are_alike(const PoolBatch& batch, const Windows& w) {
  const auto all_equal = [](const std::vector<int64_t>& v) { return std::adjacent_find(v.begin(), v.end(), std::not_equal_to<>()) == v.end(); };
  return batch.planes && w.pairs() && all_equal(w.y.divisor) && all_equal(w.x.divisor);
}

}  // namespace

template <class T>
void max_pool(const PoolBatch& batch, const Windows& w, const T* x, T* y, PoolTaps taps) {
  const PoolFamily<T>& loops = loops_of<T>(batch);
  for_each_piece(batch, w, Pieces::AnyRows, [&](const PoolShape& s, int64_t in, int64_t out, int64_t) {
    if (taps.bytes) loops.max_byte(s, x + in, y + out, taps.bytes + out);
    else loops.max_int(s, x + in, y + out, taps.ints + out);
  });
}

template <class T>
void max_pool_backward(const PoolBatch& batch, const Windows& w, const T* dy, PoolTaps taps, T* dx) {
  const PoolFamily<T>& loops = loops_of<T>(batch);
  for_each_piece(batch, w, w.tiled ? Pieces::AnyRows : Pieces::Images, [&](const PoolShape& s, int64_t in, int64_t out, int64_t) {
    T* const to = dx + in;
    if (!w.tiled) std::fill_n(to, s.y.in * s.x.in * s.c, T(0));
    if (taps.bytes) loops.scatter_byte(s, dy + out, taps.bytes + out, to, w.tiled);
    else loops.scatter_int(s, dy + out, taps.ints + out, to, w.tiled);
  });
}

template <class T>
void max_pool_gather(const PoolBatch& batch, const Windows& w, const T* x, PoolTaps taps, T* y) {
  const PoolFamily<T>& loops = loops_of<T>(batch);
  for_each_piece(batch, w, Pieces::Rows, [&](const PoolShape& s, int64_t in, int64_t out, int64_t) {
    if (taps.bytes) loops.gather_byte(s, x + in, taps.bytes + out, y + out);
    else loops.gather_int(s, x + in, taps.ints + out, y + out);
  });
}

template <class T>
void average_pool(const PoolBatch& batch, const Windows& w, int64_t divisor, const T* x, T* y) {
  const Scratch<T> scales = scales_of<T>(w, divisor);
  const bool pairs = are_alike(batch, w);
  for_each_piece(batch, w, pairs ? Pieces::AnyRows : Pieces::Rows, [&](const PoolShape& s, int64_t in, int64_t out, int64_t position) {
    loops_of<T>(batch).average(s, x + in, scales + (pairs ? 0 : position), y + out, pairs);
  });
}

template <class T>
void average_pool_backward(const PoolBatch& batch, const Windows& w, int64_t divisor, const T* dy, T* dx) {
  const Scratch<T> scales = scales_of<T>(w, divisor);
  const bool pairs = are_alike(batch, w);
  for_each_piece(batch, w, pairs ? Pieces::AnyRows : Pieces::Images, [&](const PoolShape& s, int64_t in, int64_t out, int64_t) {
    T* const to = dx + in;
    if (!pairs) std::fill_n(to, s.y.in * s.x.in * s.c, T(0));
    loops_of<T>(batch).spread(s, dy + out, scales, to, pairs);
  });
}

template void max_pool(const PoolBatch&, const Windows&, const float*, float*, PoolTaps);
template void max_pool(const PoolBatch&, const Windows&, const double*, double*, PoolTaps);
template void max_pool_backward(const PoolBatch&, const Windows&, const float*, PoolTaps, float*);
template void max_pool_backward(const PoolBatch&, const Windows&, const double*, PoolTaps, double*);
template void max_pool_gather(const PoolBatch&, const Windows&, const float*, PoolTaps, float*);
template void max_pool_gather(const PoolBatch&, const Windows&, const double*, PoolTaps, double*);
template void average_pool(const PoolBatch&, const Windows&, int64_t, const float*, float*);
template void average_pool(const PoolBatch&, const Windows&, int64_t, const double*, double*);
template void average_pool_backward(const PoolBatch&, const Windows&, int64_t, const float*, float*);
template void average_pool_backward(const PoolBatch&, const Windows&, int64_t, const double*, double*);

}  // namespace ember::kernels
