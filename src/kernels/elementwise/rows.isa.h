// How a function of one, two or three numbers becomes the loops of the elementwise table.
#pragma once

#include <type_traits>

#include "kernels/families.isa.h"
#include "kernels/lanes/math_pow.h"

namespace ember::kernels::EMBER_ISA {

/// c as a double or in lanes of floats.
template <class V>
EMBER_INLINE V constant(double c) {
  if constexpr (__is_same(V, double)) return c;
  else return V{} + ElementOf<V>(c);
}

template <class A, class Out, class F>
EMBER_INLINE void map1(const ElementwiseCall& call, F f) {
  const A* __restrict a = static_cast<const A*>(call.in[0]);
  Out* __restrict out = static_cast<Out*>(call.out);
  const int64_t n = call.n, step = call.stride[0];
  if (step == 1)
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i]);
  else
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i * step]);
}

template <class A, class Out, class F>
EMBER_INLINE void map2(const ElementwiseCall& call, F f) {
  const A* __restrict a = static_cast<const A*>(call.in[0]);
  const A* __restrict b = static_cast<const A*>(call.in[1]);
  Out* __restrict out = static_cast<Out*>(call.out);
  const int64_t n = call.n, step_a = call.stride[0], step_b = call.stride[1];
  if (step_a == 1 && step_b == 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
  } else if (step_a == 1 && step_b == 0) {
    const A y = *b;
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], y);
  } else if (step_a == 0 && step_b == 1) {
    const A x = *a;
    for (int64_t i = 0; i < n; ++i) out[i] = f(x, b[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i * step_a], b[i * step_b]);
  }
}

template <class A, class B, class Out, class F>
EMBER_INLINE void map3(const ElementwiseCall& call, F f) {
  const A* __restrict a = static_cast<const A*>(call.in[0]);
  const B* __restrict b = static_cast<const B*>(call.in[1]);
  const B* __restrict c = static_cast<const B*>(call.in[2]);
  Out* __restrict out = static_cast<Out*>(call.out);
  const int64_t n = call.n, step_a = call.stride[0], step_b = call.stride[1], step_c = call.stride[2];
  if (step_a == 1 && step_b == 1 && step_c == 1)
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i], c[i]);
  else if (step_a == 1 && step_b == 1 && step_c == 0)
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i], *c);
  else if (step_a == 1 && step_b == 0 && step_c == 0)
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], *b, *c);
  else
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i * step_a], b[i * step_b], c[i * step_c]);
}

/// A parameter in the type of the elements. Negative ones wrap around in uint8: the conversion of the processor may also saturate.
template <class T>
EMBER_INLINE T parameter(double p) {
  if constexpr (std::is_same_v<T, std::uint8_t>) return T(int64_t(p));
  else return T(p);
}

/// The loop of f for elements of type T: f(a), f(a, b) or f(a, b, c), each with the parameters behind.
template <class F, int inputs, class T, class Out>
static void loop(const ElementwiseCall& call) {
  const T p[3] = {parameter<T>(call.parameters[0]), parameter<T>(call.parameters[1]), parameter<T>(call.parameters[2])};
  if constexpr (inputs == 1) map1<T, Out>(call, [p](T a) { return Out(F{}(a, p)); });
  if constexpr (inputs == 2) map2<T, Out>(call, [p](T a, T b) { return Out(F{}(a, b, p)); });
  if constexpr (inputs == 3) map3<T, T, Out>(call, [p](T a, T b, T c) { return Out(F{}(a, b, c, p)); });
}

/// p[i * step] for the lanes from number i on.
template <class LaneCount>
EMBER_INLINE FloatLanes load_strided(const float* p, int64_t step, int64_t i, LaneCount lanes) {
  if (step == 1) return load(p + i, lanes);
  if (step == 0) return broadcast(*p);
  float x[kLanes<float>] = {};
  for (int j = 0; j < lane_count<float>(lanes); ++j) x[j] = p[(i + j) * step];
  return load(x);
}

/// The loop of an f that takes whole vectors of floats. Strided numbers take the same way: the scalar one may round otherwise.
template <class F, int inputs>
static void lanes_loop(const ElementwiseCall& call) {
  const float *const a = static_cast<const float*>(call.in[0]), *const b = static_cast<const float*>(call.in[1]),
                     *const c = static_cast<const float*>(call.in[2]);
  float* const out = static_cast<float*>(call.out);
  const int64_t step_a = call.stride[0], step_b = call.stride[1], step_c = call.stride[2];
  const float p[3] = {float(call.parameters[0]), float(call.parameters[1]), float(call.parameters[2])};
  const auto loop = [&](auto f) __attribute__((always_inline)) {
    for_each_lanes<float>(call.n, [&](int64_t i, auto lanes) { store(out + i, f(i, lanes), lanes); });
  };
  if constexpr (inputs == 1) {
    if (step_a == 1) loop([&](int64_t i, auto lanes) { return F{}(load(a + i, lanes), p); });
    else loop([&](int64_t i, auto lanes) { return F{}(load_strided(a, step_a, i, lanes), p); });
  } else if constexpr (inputs == 2) {
    if (step_a == 1 && step_b == 1) loop([&](int64_t i, auto lanes) { return F{}(load(a + i, lanes), load(b + i, lanes), p); });
    else loop([&](int64_t i, auto lanes) { return F{}(load_strided(a, step_a, i, lanes), load_strided(b, step_b, i, lanes), p); });
  } else {
    if (step_a == 1 && step_b == 0 && step_c == 0) {
      const FloatLanes y = broadcast(*b), z = broadcast(*c);
      loop([&](int64_t i, auto lanes) { return F{}(load(a + i, lanes), y, z, p); });
    } else {
      loop([&](int64_t i, auto lanes) {
        return F{}(load_strided(a, step_a, i, lanes), load_strided(b, step_b, i, lanes), load_strided(c, step_c, i, lanes), p);
      });
    }
  }
}

/// Rows of the table, `inputs` numbers each, at `cost` additions an element: the result has their type, for tests it is bool. f captures
/// nothing.
template <int inputs, class F>
static constexpr void reals(ElementwiseTable& table, Op op, F, int cost = 1) {
  table.row(op) = {op, {loop<F, inputs, float, float>, loop<F, inputs, double, double>}, cost};
}
/// As reals, for an f that takes doubles and lanes of floats: better code than the compiler makes of the scalar one.
template <int inputs, class F>
static constexpr void lanes(ElementwiseTable& table, Op op, F, int cost = 1) {
  table.row(op) = {op, {lanes_loop<F, inputs>, loop<F, inputs, double, double>}, cost};
}
/// The integers beside them.
template <int inputs, class F>
static constexpr void integers(ElementwiseTable& table, Op op, F) {
  table.row(op).loops[int(kInt64)] = loop<F, inputs, int64_t, int64_t>;
  table.row(op).loops[int(kUInt8)] = loop<F, inputs, std::uint8_t, std::uint8_t>;
}
template <int inputs, class F>
static constexpr void numbers(ElementwiseTable& table, Op op, F f, int cost = 1) {
  reals<inputs>(table, op, f, cost);
  integers<inputs>(table, op, f);
}
/// As lanes, and for integers.
template <int inputs, class F>
static constexpr void lane_numbers(ElementwiseTable& table, Op op, F f, int cost = 1) {
  lanes<inputs>(table, op, f, cost);
  integers<inputs>(table, op, f);
}
template <int inputs, class F>
static constexpr void everything(ElementwiseTable& table, Op op, F f) {
  numbers<inputs>(table, op, f);
  table.row(op).loops[int(kBool)] = loop<F, inputs, bool, bool>;
}
template <int inputs, class F>
static constexpr void tests(ElementwiseTable& table, Op op, F) {
  table.row(op) = {op,
                   {loop<F, inputs, float, bool>, loop<F, inputs, double, bool>, loop<F, inputs, int64_t, bool>, loop<F, inputs, std::uint8_t, bool>,
                    loop<F, inputs, bool, bool>},
                   1};
}

}  // namespace ember::kernels::EMBER_ISA
