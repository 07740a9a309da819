// Pooling of a whole batch, on all threads.
#pragma once

#include "kernels/pool/windows.h"

namespace ember::kernels {

/// How a batch lies in memory: images of some channels side by side, or planes of one channel each.
struct PoolBatch {
  bool planes;
  int64_t images, channels;

  PoolBatch(bool planes, int64_t n, int64_t c) : planes(planes), images(planes ? n * c : n), channels(planes ? 1 : c) {}
};

/// The taps of the outputs in the order of their memory: bytes, or 32-bit where a window has more than 256 elements. One of them is null.
struct PoolTaps {
  std::uint8_t* bytes;
  int32_t* ints;
};

/// y and taps of the largest elements. Windows without elements are passed over.
template <class T>
void max_pool(const PoolBatch& batch, const Windows& windows, const T* x, T* y, PoolTaps taps);

/// dx = dy at the taps, 0 elsewhere.
template <class T>
void max_pool_backward(const PoolBatch& batch, const Windows& windows, const T* dy, PoolTaps taps, T* dx);

/// y = x at the taps: the transpose of max_pool_backward.
template <class T>
void max_pool_gather(const PoolBatch& batch, const Windows& windows, const T* x, PoolTaps taps, T* y);

/// y = the sum over each window, divided by `divisor` or, where that is 0, by the divisors of the windows.
template <class T>
void average_pool(const PoolBatch& batch, const Windows& windows, int64_t divisor, const T* x, T* y);

/// The transpose of average_pool.
template <class T>
void average_pool_backward(const PoolBatch& batch, const Windows& windows, int64_t divisor, const T* dy, T* dx);

}  // namespace ember::kernels
