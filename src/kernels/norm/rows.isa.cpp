// Batch norm with all channels side by side in the lanes.
#include "kernels/families.isa.h"
#include "kernels/norm/passes.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// The columns' sums of kSums terms, row by row: term(row, v, vectors) gives those of vector v.
template <class T, int V, int kSums, class Term>
EMBER_INLINE void add_rows(int64_t rows, DoubleSum<T> (&sums)[kSums][V], Term term) {
  for (int64_t r0 = 0; r0 < rows; r0 += kNormFoldRows) {
    const int64_t end = r0 + kNormFoldRows < rows ? r0 + kNormFoldRows : rows;
    Lanes<T> part[kSums][V] = {};
    for (int64_t r = r0; r < end; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        Lanes<T> terms[kSums];
        term(r, v, terms);
        for (int s = 0; s < kSums; ++s) part[s][v] += terms[s];
      }
    for (int s = 0; s < kSums; ++s)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[s][v].add(part[s][v]);
  }
}

/// Mean and squares of some rows, merged into those of the `before` rows that came earlier (Chan, Golub & LeVeque 1979). Sums about the
/// mean of what came earlier, or at first of some rows, lose little to cancellation.
template <class T, int V, class LaneCount>
EMBER_INLINE void merge_rows(int64_t before, int64_t rows, int64_t stride, const T* x, double* mean, double* squares, LaneCount lanes) {
  constexpr int L = kLanes<T>;
  DoubleSum<T> m[V], q[V], sums[2][V];
  Lanes<T> about[V] = {};
  if (before) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      m[v].read(mean + v * L, lanes);
      q[v].read(squares + v * L, lanes);
      about[v] = m[v].lanes();
    }
  } else {
    const int64_t some = rows < kNormFoldRows ? rows : kNormFoldRows;
    for (int64_t r = 0; r < some; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) about[v] += load(x + r * stride + v * L, lanes);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) about[v] *= broadcast(T(1) / T(some));
  }

  add_rows<T, V>(rows, sums, [&](int64_t r, int v, Lanes<T>(&terms)[2]) __attribute__((always_inline)) {
    terms[0] = load(x + r * stride + v * L, lanes) - about[v];
    terms[1] = terms[0] * terms[0];
  });

  const double n = double(rows), one = 1 / n, share = n / double(before + rows), spread = double(before) * share;
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    DoubleSum<T> center;
    center.add(about[v]);
    for (int h = 0; h < center.kParts; ++h) {
      const DoubleLanes sum = sums[0][v].part[h], correction = sum * one, delta = center.part[h] + correction - m[v].part[h];
      m[v].part[h] += delta * share;
      q[v].part[h] += sums[1][v].part[h] - correction * sum + delta * delta * spread;
    }
    m[v].write(mean + v * L, lanes);
    q[v].write(squares + v * L, lanes);
  }
}

/// strip.run<V>(c, lanes) over all channels: kMost or two vectors at a time, one, and what is left.
template <class T, int kMost = 2, class Strip>
EMBER_INLINE void for_each_strip(int64_t channels, Strip strip) {
  constexpr int L = kLanes<T>;
  int64_t c = 0;
  if (kMost > 2)
    for (; c + kMost * L <= channels; c += kMost * L) strip.template run<kMost>(c, AllLanes{});
  for (; c + 2 * L <= channels; c += 2 * L) strip.template run<2>(c, AllLanes{});
  for (; c + L <= channels; c += L) strip.template run<1>(c, AllLanes{});
  if (c < channels) strip.template run<1>(c, int(channels - c));
}

/// body(first, rows) for blocks of rows.
template <class T, class Body>
EMBER_INLINE void for_row_blocks(Rows rows, Body body) {
  const int64_t block = norm_block_rows(rows.stride, sizeof(T));
  for (int64_t r = 0; r < rows.count; r += block) body(r, r + block < rows.count ? block : rows.count - r);
}

template <class T>
struct MomentsStrip {
  int64_t before, rows, channels;
  const T* x;
  double *mean, *squares;
  template <int V, class LaneCount>
  [[gnu::always_inline]] void run(int64_t c, LaneCount lanes) const {
    merge_rows<T, V>(before, rows, channels, x + c, mean + c, squares + c, lanes);
  }
};

template <class T>
void moments(Rows rows, const T* x, double* mean, double* squares) {
  const int64_t most = 4 * norm_block_rows(rows.stride, sizeof(T));
  for (int64_t r = 0, n; r < rows.count; r += n) {
    n = r == 0 ? 4 * kNormFoldRows : r < most ? r : most;  // no more than came earlier: their mean is near enough
    if (n > rows.count - r) n = rows.count - r;
    for_each_strip<T, 4>(rows.columns, MomentsStrip<T>{r, n, rows.stride, x + r * rows.stride, mean, squares});
  }
}

/// body.run<rows>(first row, column, lanes) along four rows at a time: what a channel has is read once for all of them, and memory
/// row by row.
template <class T, class Body>
EMBER_INLINE void for_each_tile(Rows rows, Body body) {
  int64_t r = 0;
  for (; r + 4 <= rows.count; r += 4) for_each_lanes<T>(rows.columns, [&](int64_t c, auto lanes) { body.template run<4>(r, c, lanes); });
  for (; r < rows.count; ++r) for_each_lanes<T>(rows.columns, [&](int64_t c, auto lanes) { body.template run<1>(r, c, lanes); });
}

template <class T, bool kRelu, bool kAdd, bool kStream>
struct AffineTile {
  int64_t stride;
  const T *x, *scale, *shift, *addend;
  T* y;

  template <int kRows, class LaneCount>
  [[gnu::always_inline]] void run(int64_t r, int64_t c, LaneCount lanes) const {
    const Lanes<T> a = load(scale + c, lanes), b = load(shift + c, lanes);
    Lanes<T> value[kRows];
#pragma GCC unroll 4
    for (int k = 0; k < kRows; ++k) {
      const int64_t i = (r + k) * stride + c;
      value[k] = fma(load(x + i, lanes), a, b);
      if (kAdd) value[k] += load(addend + i, lanes);
    }
#pragma GCC unroll 4
    for (int k = 0; k < kRows; ++k) put(y + (r + k) * stride + c, kRelu ? relu(value[k]) : value[k], lanes, kStream);
  }
};
template <class T>
void affine(Rows rows, const T* x, const T* scale, const T* shift, const T* addend, bool relu, T* y, bool stream) {
  with_flags(relu, addend != nullptr, stream && can_stream(y, rows.stride), [&]<bool kRelu, bool kAdd, bool kStream> {
    for_each_tile<T>(rows, AffineTile<T, kRelu, kAdd, kStream>{rows.stride, x, scale, shift, addend, y});
    if (kStream) stream_fence();
  });
}

template <class T, bool kRelu>
struct GradientSumsStrip {
  int64_t rows, channels;
  const T *x, *dy, *mean, *scale, *shift;
  double *sum_dy, *sum_dot;

  template <int V, class LaneCount>
  [[gnu::always_inline]] void run(int64_t c, LaneCount lanes) const {
    constexpr int L = kLanes<T>;
    Lanes<T> m[V], a[V], b[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      m[v] = load(mean + c + v * L, lanes);
      if (kRelu) a[v] = load(scale + c + v * L, lanes), b[v] = load(shift + c + v * L, lanes);
    }
    // Continues from the partial sums that are there: how rows are split into calls does not change the result.
    DoubleSum<T> sums[2][V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[0][v].read(sum_dy + c + v * L, lanes), sums[1][v].read(sum_dot + c + v * L, lanes);
    add_rows<T, V>(rows, sums, [&](int64_t r, int v, Lanes<T>(&terms)[2]) __attribute__((always_inline)) {
      const int64_t i = r * channels + c + v * L;
      const Lanes<T> value = load(x + i, lanes);
      const Lanes<T> g = kRelu ? through_relu(load(dy + i, lanes), fma(value, a[v], b[v])) : load(dy + i, lanes);
      terms[0] = g;
      terms[1] = g * (value - m[v]);
    });
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[0][v].write(sum_dy + c + v * L, lanes), sums[1][v].write(sum_dot + c + v * L, lanes);
  }
};

template <class T>
void gradient_sums(Rows rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, bool relu, double* sum_dy, double* sum_dot) {
  constexpr int kMost = kLaneBytes == 64 ? 4 : 2;  // vectors whose sums and numbers stay in registers
  for_row_blocks<T>(rows, [&](int64_t r, int64_t n) {
    const int64_t at = r * rows.stride;
    if (relu)
      for_each_strip<T, kMost>(rows.columns, GradientSumsStrip<T, true>{n, rows.stride, x + at, dy + at, mean, scale, shift, sum_dy, sum_dot});
    else for_each_strip<T, kMost>(rows.columns, GradientSumsStrip<T, false>{n, rows.stride, x + at, dy + at, mean, scale, shift, sum_dy, sum_dot});
  });
}

template <class T, bool kRelu, bool kStream>
struct GradientTile {
  int64_t stride;
  const T *x, *dy, *mean, *scale, *shift, *slope, *offset;
  T* dx;

  template <int kRows, class LaneCount>
  [[gnu::always_inline]] void run(int64_t r, int64_t c, LaneCount lanes) const {
    const Lanes<T> m = load(mean + c, lanes), a = load(scale + c, lanes), u = load(slope + c, lanes), w = load(offset + c, lanes);
    const Lanes<T> b = kRelu ? load(shift + c, lanes) : zeros<T>();
    Lanes<T> out[kRows];
#pragma GCC unroll 4
    for (int k = 0; k < kRows; ++k) {
      const int64_t i = (r + k) * stride + c;
      const Lanes<T> value = load(x + i, lanes);
      Lanes<T> g = load(dy + i, lanes);
      if (kRelu) g = through_relu(g, fma(value, a, b));
      out[k] = fma(g, a, fma(value - m, u, w));
    }
#pragma GCC unroll 4
    for (int k = 0; k < kRows; ++k) put(dx + (r + k) * stride + c, out[k], lanes, kStream);
  }
};
template <class T, bool kRelu, bool kStream>
void gradient_loop(Rows rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, const T* slope, const T* offset, T* dx) {
  for_each_tile<T>(rows, GradientTile<T, kRelu, kStream>{rows.stride, x, dy, mean, scale, shift, slope, offset, dx});
  if (kStream) stream_fence();
}
template <class T>
void gradient(Rows rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, bool relu, const T* slope, const T* offset, T* dx,
              bool stream) {
  stream = stream && can_stream(dx, rows.stride);
  const auto loop = relu ? (stream ? gradient_loop<T, true, true> : gradient_loop<T, true, false>)
                         : (stream ? gradient_loop<T, false, true> : gradient_loop<T, false, false>);
  loop(rows, x, dy, mean, scale, shift, slope, offset, dx);
}

template <class T>
constexpr RowNormLoops<T> loops() {
  return {moments<T>, affine<T>, gradient_sums<T>, gradient<T>};
}

}  // namespace

constinit const Both<RowNormLoops> Families::row_norm{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
