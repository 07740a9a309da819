// Batch norm, channel by channel (planes) or all channels side by side in the lanes (rows).
#include "kernels/isa/norm_numbers.h"
#include "kernels/isa/sums.h"
#include "kernels/norm.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// body(offset, lanes, j) over all numbers of a channel; j < 4 names an accumulator.
template <class T, class Body>
EMBER_INLINE void for_each_in(Planes planes, Body body) {
  constexpr int L = kLanes<T>;
  for (int64_t p = 0; p < planes.count; ++p) {
    const int64_t start = p * planes.stride;
    int64_t i = 0;
    for (; i + 4 * L <= planes.length; i += 4 * L) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) body(start + i + j * L, AllLanes{}, j);
    }
    for (; i + L <= planes.length; i += L) body(start + i, AllLanes{}, 0);
    if (i < planes.length) body(start + i, int(planes.length - i), 0);
  }
}

template <class T, class Lanes4>
double total_of(const Lanes4& sums) {
  return (sums[0].total() + sums[1].total()) + (sums[2].total() + sums[3].total());
}

/// A store past the caches needs whole, aligned vectors throughout.
template <class T>
bool can_stream(const T* y, int64_t run) {
  return reinterpret_cast<std::uintptr_t>(y) % kLaneBytes == 0 && run % kLanes<T> == 0;
}

template <class T>
EMBER_INLINE void put(T* p, Lanes<T> v, AllLanes, bool stream_it) {
  stream_it ? stream(p, v) : store(p, v);
}
template <class T>
EMBER_INLINE void put(T* p, Lanes<T> v, int n, bool) {
  store(p, v, n);
}

/// body.operator()<a, b, c>(): flags that are asked once, not for each number.
template <class Body>
EMBER_INLINE void with_flags(bool a, bool b, bool c, Body body) {
  const auto with_a = [&]<bool kA> {
    const auto with_b = [&]<bool kB> { c ? body.template operator()<kA, kB, true>() : body.template operator()<kA, kB, false>(); };
    b ? with_b.template operator()<true>() : with_b.template operator()<false>();
  };
  a ? with_a.template operator()<true>() : with_a.template operator()<false>();
}

/// As the elementwise ReLU: 0 for -0, NaN stays.
template <class V>
EMBER_INLINE V relu(V v) {
  return select(v <= V{}, V{}, v);
}

/// dy, and 0 where the ReLU behind y = x * scale + shift lets nothing through. A NaN does pass.
template <class V>
EMBER_INLINE V through_relu(V dy, V y) {
  return select(y <= V{}, V{}, dy);
}

// --- planes

template <class T>
void plane_moments(Planes planes, const T* x, T* mean, T* squares) {
  DoubleSum<T> sums[4];
  for_each_in<T>(planes, [&](int64_t i, auto lanes, int j) {
    prefetch(x + i + planes.stride);  // the next run begins on another page, where the hardware has to find its pace again
    sums[j].add(load(x + i, lanes));
  });
  const Lanes<T> m = broadcast(*mean = T(total_of<T>(sums) / double(planes.count * planes.length)));

  DoubleSum<T> deviations[4];
  for_each_in<T>(planes, [&](int64_t i, auto lanes, int j) {
    const Lanes<T> d = keep(load(x + i, lanes) - m, lanes);
    deviations[j].add(d * d);
  });
  *squares = T(total_of<T>(deviations));
}

template <class T, bool kRelu, bool kAdd, bool kStream>
void plane_affine_loop(Planes planes, const T* x, Affine<T> affine, const T* addend, T* y) {
  const Lanes<T> scale = broadcast(affine.scale), shift = broadcast(affine.shift);
  for_each_in<T>(planes, [&](int64_t i, auto lanes, int) {
    Lanes<T> v = fma(load(x + i, lanes), scale, shift);
    if (kAdd) v += load(addend + i, lanes);
    put(y + i, kRelu ? relu(v) : v, lanes, kStream);
  });
  if (kStream) stream_fence();
}
template <class T>
void plane_affine(Planes planes, const T* x, Affine<T> affine, const T* addend, T* y, bool stream) {
  stream = stream && can_stream(y, planes.length) && planes.stride % kLanes<T> == 0;
  with_flags(affine.relu, addend != nullptr, stream, [&]<bool kRelu, bool kAdd, bool kStream> {
    plane_affine_loop<T, kRelu, kAdd, kStream>(planes, x, affine, addend, y);
  });
}

template <class T, bool kRelu>
GradientSums plane_gradient_sums_loop(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine) {
  const Lanes<T> m = broadcast(mean), scale = broadcast(affine.scale), shift = broadcast(affine.shift);
  DoubleSum<T> sum[4], dot[4];
  for_each_in<T>(planes, [&](int64_t i, auto lanes, int j) {
    const Lanes<T> v = load(x + i, lanes);
    Lanes<T> g = load(dy + i, lanes);
    if (kRelu) g = through_relu(g, fma(v, scale, shift));
    sum[j].add(g);
    dot[j].add(keep(g * (v - m), lanes));
  });
  return {total_of<T>(sum), total_of<T>(dot)};
}
template <class T>
GradientSums plane_gradient_sums(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine) {
  return affine.relu ? plane_gradient_sums_loop<T, true>(planes, x, dy, mean, affine)
                     : plane_gradient_sums_loop<T, false>(planes, x, dy, mean, affine);
}

template <class T, bool kRelu, bool kStream>
void plane_gradient_loop(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine, T slope, T offset, T* dx) {
  const Lanes<T> m = broadcast(mean), scale = broadcast(affine.scale), shift = broadcast(affine.shift);
  const Lanes<T> u = broadcast(slope), v = broadcast(offset);
  for_each_in<T>(planes, [&](int64_t i, auto lanes, int) {
    const Lanes<T> value = load(x + i, lanes);
    Lanes<T> g = load(dy + i, lanes);
    if (kRelu) g = through_relu(g, fma(value, scale, shift));
    put(dx + i, fma(g, scale, fma(value - m, u, v)), lanes, kStream);
  });
  if (kStream) stream_fence();
}
template <class T>
void plane_gradient(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine, T slope, T offset, T* dx, bool stream) {
  stream = stream && can_stream(dx, planes.length) && planes.stride % kLanes<T> == 0;
  const auto loop = affine.relu ? (stream ? plane_gradient_loop<T, true, true> : plane_gradient_loop<T, true, false>)
                                : (stream ? plane_gradient_loop<T, false, true> : plane_gradient_loop<T, false, false>);
  loop(planes, x, dy, mean, affine, slope, offset, dx);
}

// --- rows

constexpr int kFoldRows = 16;  // additions in T before a sum moves on into doubles

/// Mean and squares of a block of rows, merged into those of the `before` rows that came earlier (Chan, Golub & LeVeque 1979).
/// A first pass finds a rough mean; sums about it lose nothing to cancellation and correct it.
template <class T, int V, class LaneCount>
EMBER_INLINE void merge_block(int64_t before, int64_t rows, int64_t channels, const T* x, double* mean, double* squares, LaneCount lanes) {
  constexpr int L = kLanes<T>;
  Lanes<T> rough[V] = {};
  for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) rough[v] += load(x + r * channels + v * L, lanes);
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) rough[v] = rough[v] / broadcast(T(rows));

  DoubleSum<T> sum[V], square[V];
  for (int64_t r0 = 0; r0 < rows; r0 += kFoldRows) {
    const int64_t end = r0 + kFoldRows < rows ? r0 + kFoldRows : rows;
    Lanes<T> s[V] = {}, q[V] = {};
    for (int64_t r = r0; r < end; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const Lanes<T> d = load(x + r * channels + v * L, lanes) - rough[v];
        s[v] += d;
        q[v] = fma(d, d, q[v]);
      }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      sum[v].add(s[v]);
      square[v].add(q[v]);
    }
  }

  double s[V * L], q[V * L];
  T about[V * L];
  __builtin_memcpy(s, sum, sizeof s);
  __builtin_memcpy(q, square, sizeof q);
  __builtin_memcpy(about, rough, sizeof about);
  const double n = double(rows), share = n / double(before + rows), spread = double(before) * share;
  const int width = [&] { if constexpr (__is_same(LaneCount, AllLanes)) return V * L; else return lanes; }();
  for (int c = 0; c < width; ++c) {
    const double correction = s[c] / n, block_mean = double(about[c]) + correction, block_squares = q[c] - correction * s[c];
    const double delta = block_mean - mean[c];
    mean[c] = before ? mean[c] + delta * share : block_mean;
    squares[c] = before ? squares[c] + block_squares + delta * delta * spread : block_squares;
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
    merge_block<T, V>(before, rows, channels, x + c, mean + c, squares + c, lanes);
  }
};

template <class T>
void row_moments(Rows rows, const T* x, double* mean, double* squares) {
  for_row_blocks<T>(rows, [&](int64_t r, int64_t n) {
    for_each_strip<T>(rows.columns, MomentsStrip<T>{r, n, rows.stride, x + r * rows.stride, mean, squares});
  });
}

// The numbers of a channel stay in registers while its strip of rows passes.
template <class T, bool kRelu, bool kAdd, bool kStream>
struct AffineStrip {
  int64_t rows, stride;
  const T *x, *scale, *shift, *addend;
  T* y;

  template <int V, class LaneCount>
  [[gnu::always_inline]] void run(int64_t c, LaneCount lanes) const {
    constexpr int L = kLanes<T>;
    Lanes<T> a[V], b[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) a[v] = load(scale + c + v * L, lanes), b[v] = load(shift + c + v * L, lanes);
    for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int64_t i = r * stride + c + v * L;
        Lanes<T> value = fma(load(x + i, lanes), a[v], b[v]);
        if (kAdd) value += load(addend + i, lanes);
        put(y + i, kRelu ? relu(value) : value, lanes, kStream);
      }
  }
};
template <class T>
void row_affine(Rows rows, const T* x, const T* scale, const T* shift, const T* addend, bool relu, T* y, bool stream) {
  with_flags(relu, addend != nullptr, stream && can_stream(y, rows.stride), [&]<bool kRelu, bool kAdd, bool kStream> {
    for_row_blocks<T>(rows, [&](int64_t r, int64_t n) {
      const int64_t at = r * rows.stride;
      for_each_strip<T, 4>(rows.columns, AffineStrip<T, kRelu, kAdd, kStream>{n, rows.stride, x + at, scale, shift,
                                                                              kAdd ? addend + at : nullptr, y + at});
    });
    if (kStream) stream_fence();
  });
}

template <class T>
void window_affine(int64_t width, int64_t channels, const T* x, const T* scale, const T* shift, bool with_relu, T* y) {
  const int64_t place[4] = {0, channels, width * channels, (width + 1) * channels};
  for (int64_t i = 0; i < width / 2; ++i, x += 2 * channels, y += channels)
    for_each_lanes<T>(channels, [&](int64_t c, auto lanes) {
      const Lanes<T> a = load(scale + c, lanes), b = load(shift + c, lanes);
      Lanes<T> largest;
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        Lanes<T> v = fma(load(x + place[k] + c, lanes), a, b);
        if (with_relu) v = relu(v);
        largest = k == 0 ? v : select((v > largest) | is_nan(v), v, largest);
      }
      store(y + c, largest, lanes);
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
    DoubleSum<T> sum[V], dot[V];
    for (int64_t r0 = 0; r0 < rows; r0 += kFoldRows) {
      const int64_t end = r0 + kFoldRows < rows ? r0 + kFoldRows : rows;
      Lanes<T> s[V] = {}, q[V] = {};
      for (int64_t r = r0; r < end; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          const int64_t i = r * channels + c + v * L;
          const Lanes<T> value = load(x + i, lanes);
          Lanes<T> g = load(dy + i, lanes);
          if (kRelu) g = through_relu(g, fma(value, a[v], b[v]));
          s[v] += g;
          q[v] = fma(g, value - m[v], q[v]);
        }
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        sum[v].add(s[v]);
        dot[v].add(q[v]);
      }
    }
    double s[V * L], q[V * L];
    __builtin_memcpy(s, sum, sizeof s);
    __builtin_memcpy(q, dot, sizeof q);
    const int width = [&] { if constexpr (__is_same(LaneCount, AllLanes)) return V * L; else return lanes; }();
    for (int i = 0; i < width; ++i) {
      sum_dy[c + i] += s[i];
      sum_dot[c + i] += q[i];
    }
  }
};

template <class T>
void row_gradient_sums(Rows rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, bool relu, double* sum_dy,
                       double* sum_dot) {
  for_row_blocks<T>(rows, [&](int64_t r, int64_t n) {
    const int64_t at = r * rows.stride;
    if (relu) for_each_strip<T>(rows.columns, GradientSumsStrip<T, true>{n, rows.stride, x + at, dy + at, mean, scale, shift, sum_dy, sum_dot});
    else for_each_strip<T>(rows.columns, GradientSumsStrip<T, false>{n, rows.stride, x + at, dy + at, mean, scale, shift, sum_dy, sum_dot});
  });
}

template <class T, bool kRelu, bool kStream>
struct GradientStrip {
  int64_t rows, stride;
  const T *x, *dy, *mean, *scale, *shift, *slope, *offset;
  T* dx;

  template <int V, class LaneCount>
  [[gnu::always_inline]] void run(int64_t c, LaneCount lanes) const {
    constexpr int L = kLanes<T>;
    Lanes<T> m[V], a[V], b[V], u[V], w[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      m[v] = load(mean + c + v * L, lanes), a[v] = load(scale + c + v * L, lanes);
      u[v] = load(slope + c + v * L, lanes), w[v] = load(offset + c + v * L, lanes);
      if (kRelu) b[v] = load(shift + c + v * L, lanes);
    }
    for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const int64_t i = r * stride + c + v * L;
        const Lanes<T> value = load(x + i, lanes);
        Lanes<T> g = load(dy + i, lanes);
        if (kRelu) g = through_relu(g, fma(value, a[v], b[v]));
        put(dx + i, fma(g, a[v], fma(value - m[v], u[v], w[v])), lanes, kStream);
      }
  }
};
template <class T, bool kRelu, bool kStream>
void row_gradient_loop(Rows rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, const T* slope, const T* offset,
                       T* dx) {
  for_row_blocks<T>(rows, [&](int64_t r, int64_t n) {
    const int64_t at = r * rows.stride;
    for_each_strip<T, 4>(rows.columns,
                         GradientStrip<T, kRelu, kStream>{n, rows.stride, x + at, dy + at, mean, scale, shift, slope, offset, dx + at});
  });
  if (kStream) stream_fence();
}
template <class T>
void row_gradient(Rows rows, const T* x, const T* dy, const T* mean, const T* scale, const T* shift, bool relu, const T* slope,
                  const T* offset, T* dx, bool stream) {
  stream = stream && can_stream(dx, rows.stride);
  const auto loop = relu ? (stream ? row_gradient_loop<T, true, true> : row_gradient_loop<T, true, false>)
                         : (stream ? row_gradient_loop<T, false, true> : row_gradient_loop<T, false, false>);
  loop(rows, x, dy, mean, scale, shift, slope, offset, dx);
}

template <class T>
constexpr BatchNormLoops<T> loops() {
  return {plane_moments<T>, plane_affine<T>,      plane_gradient_sums<T>, plane_gradient<T>,     row_moments<T>, row_affine<T>,
          window_affine<T>, row_gradient_sums<T>, row_gradient<T>, invstd_of_squares<T>, invstd_of_variance<T>, gradients_of_sums<T>,
          affine_of<T>};
}

}  // namespace

extern const BatchNormKernels batch_norm_kernels;
constinit const BatchNormKernels batch_norm_kernels{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
