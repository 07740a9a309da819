// Pooling over windows of images, with the channels innermost (NHWC) or plane by plane (NCHW).
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// For each output position along one dimension: the first input position of its window, how many there are, and their distance.
struct PoolAxis {
  const int64_t *start, *count;
  int64_t step;
  int64_t in, out;
  /// The windows of positions [even_begin, even_end) have the same count, and each begins `stride` behind the one before.
  int64_t even_begin, even_end, stride;
  int64_t tiles;  ///< all windows have so many neighbours, one window behind the other; 0 where it is not so
};

/// One image of c channels side by side, or (in the families of planes) one plane: c is 1. Windows without elements are passed over.
struct PoolShape {
  PoolAxis y, x;
  int64_t c;
};

template <class T>
struct PoolFamily {
  /// tap[i] is the number of the largest element within its window, in row-major order: the first among equals, the last NaN. Taps
  /// are bytes, or 32-bit where a window has more than 256 elements.
  void (*max_byte)(const PoolShape&, const T* x, T* y, std::uint8_t* tap);
  void (*max_int)(const PoolShape&, const T* x, T* y, int32_t* tap);
  /// dx += dy at the taps. With `tiled` the windows cover dx without overlap: dx = dy at the taps, and 0 elsewhere.
  void (*scatter_byte)(const PoolShape&, const T* dy, const std::uint8_t* tap, T* dx, bool tiled);
  void (*scatter_int)(const PoolShape&, const T* dy, const int32_t* tap, T* dx, bool tiled);
  /// y = x at the taps.
  void (*gather_byte)(const PoolShape&, const T* x, const std::uint8_t* tap, T* y);
  void (*gather_int)(const PoolShape&, const T* x, const int32_t* tap, T* y);
  /// y = sum over the window * scale[position], scale having an entry for each output position.
  /// With `pairs`, which planes may have: windows of 2 columns and 1 or 2 rows cover x, and all have scale[0].
  void (*average)(const PoolShape&, const T* x, const T* scale, T* y, bool pairs);
  void (*spread)(const PoolShape&, const T* dy, const T* scale, T* dx, bool pairs);  ///< dx += dy scale over the window; with `pairs`, =
};

}  // namespace ember::kernels
