// Batch norm channel by channel: the numbers of a channel lie in runs.
#include "kernels/families.isa.h"
#include "kernels/lanes/halves.h"
#include "kernels/norm/passes.isa.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// body(offset, lanes) over all numbers of a channel.
template <class T, class Body>
EMBER_INLINE void for_each_in(Planes planes, Body body) {
  for (int64_t p = 0; p < planes.count; ++p) for_each_lanes<T>(planes.length, [&](int64_t i, auto lanes) { body(p * planes.stride + i, lanes); });
}

/// The sum over a channel of term(x) in double, with the roundings that term makes in T.
template <class T, class Term>
EMBER_INLINE double total(Planes planes, const T* x, Term term) {
  constexpr int L = kLanes<T>;
  DoubleLanes low[4] = {}, high[4] = {};
  double rest = 0;
  for (int64_t p = 0; p < planes.count; ++p, x += planes.stride) {
    int64_t i = 0;
    for (; i + 4 * L <= planes.length; i += 4 * L)
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        prefetch(x + i + j * L + planes.stride);  // the next run begins on another page, where the hardware has to find its pace again
        add_terms(x + i + j * L, term, low[j], high[j]);
      }
    for (; i + L <= planes.length; i += L) add_terms(x + i, term, low[0], high[0]);
    for (; i < planes.length; ++i) rest += double(term(x[i]));
  }
  return horizontal_sum(((low[0] + high[0]) + (low[1] + high[1])) + ((low[2] + high[2]) + (low[3] + high[3]))) + rest;
}

template <class T>
void moments(Planes planes, const T* x, T* mean, T* squares) {
  *mean = T(total(planes, x, [](auto v) { return v; }) / double(planes.count * planes.length));
  *squares = T(total(planes, x, [m = *mean](auto v) {
    const auto d = v - m;
    return d * d;
  }));
}

template <class T, bool kRelu, bool kAdd, bool kStream>
void affine_loop(Planes planes, const T* x, Affine<T> affine, const T* addend, T* y) {
  const Lanes<T> scale = broadcast(affine.scale), shift = broadcast(affine.shift);
  for_each_in<T>(planes, [&](int64_t i, auto lanes) {
    Lanes<T> v = fma(load(x + i, lanes), scale, shift);
    if (kAdd) v += load(addend + i, lanes);
    put(y + i, kRelu ? relu(v) : v, lanes, kStream);
  });
  if (kStream) stream_fence();
}
template <class T>
void affine(Planes planes, const T* x, Affine<T> affine, const T* addend, T* y, bool stream) {
  stream = stream && can_stream(y, planes.length) && planes.stride % kLanes<T> == 0;
  with_flags(affine.relu, addend != nullptr, stream,
             [&]<bool kRelu, bool kAdd, bool kStream> { affine_loop<T, kRelu, kAdd, kStream>(planes, x, affine, addend, y); });
}

template <class T, bool kRelu>
GradientSums gradient_sums_loop(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine) {
  const Lanes<T> m = broadcast(mean), scale = broadcast(affine.scale), shift = broadcast(affine.shift);
  Totals<T, 2> totals;
  for (int64_t p = 0; p < planes.count; ++p, x += planes.stride, dy += planes.stride)
    totals.add(planes.length, [=](int64_t i, auto lanes, Lanes<T>(&sums)[2]) __attribute__((always_inline)) {
      const Lanes<T> v = load(x + i, lanes);
      const Lanes<T> g = kRelu ? through_relu(load(dy + i, lanes), fma(v, scale, shift)) : load(dy + i, lanes);
      sums[0] = g;
      sums[1] = g * (v - m);
    });
  return {totals.sum[0].total(), totals.sum[1].total()};
}
template <class T>
GradientSums gradient_sums(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine) {
  return affine.relu ? gradient_sums_loop<T, true>(planes, x, dy, mean, affine) : gradient_sums_loop<T, false>(planes, x, dy, mean, affine);
}

template <class T, bool kRelu, bool kStream>
void gradient_loop(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine, T slope, T offset, T* dx) {
  const Lanes<T> m = broadcast(mean), scale = broadcast(affine.scale), shift = broadcast(affine.shift);
  const Lanes<T> u = broadcast(slope), v = broadcast(offset);
  for_each_in<T>(planes, [&](int64_t i, auto lanes) {
    const Lanes<T> value = load(x + i, lanes);
    Lanes<T> g = load(dy + i, lanes);
    if (kRelu) g = through_relu(g, fma(value, scale, shift));
    put(dx + i, fma(g, scale, fma(value - m, u, v)), lanes, kStream);
  });
  if (kStream) stream_fence();
}
template <class T>
void gradient(Planes planes, const T* x, const T* dy, T mean, Affine<T> affine, T slope, T offset, T* dx, bool stream) {
  stream = stream && can_stream(dx, planes.length) && planes.stride % kLanes<T> == 0;
  const auto loop = affine.relu ? (stream ? gradient_loop<T, true, true> : gradient_loop<T, true, false>)
                                : (stream ? gradient_loop<T, false, true> : gradient_loop<T, false, false>);
  loop(planes, x, dy, mean, affine, slope, offset, dx);
}

template <class T>
constexpr PlaneNormLoops<T> loops() {
  return {moments<T>, affine<T>, gradient_sums<T>, gradient<T>};
}

}  // namespace

constinit const Both<PlaneNormLoops> Families::plane_norm{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
