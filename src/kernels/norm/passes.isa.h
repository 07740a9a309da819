// What the passes of batch norm over planes, rows and windows (X.isa.cpp beside it) have in common.
#pragma once

#include "kernels/lanes/sums.h"
#include "kernels/norm/norm.h"

namespace ember::kernels::EMBER_ISA {

/// Non-temporal stores need whole, aligned vectors throughout.
template <class T>
EMBER_INLINE bool can_stream(const T* y, int64_t run) {
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

}  // namespace ember::kernels::EMBER_ISA
