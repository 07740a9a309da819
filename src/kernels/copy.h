// Copies between any layouts and types, fills, and sums into place.
#pragma once

#include <ember/dtype.h>

namespace ember::kernels {

using std::int64_t;

/// dst[i...] = src[i...] for all indices below sizes, strides in elements. Converts as C does (reals are cut towards zero; to bool:
/// is it other than 0). The two must not overlap.
void copy(DType to, void* dst, const int64_t* dst_strides, DType from, const void* src, const int64_t* src_strides,
          const int64_t* sizes, int dims);

/// n elements, one after the other, all *value.
void fill(DType dtype, void* dst, int64_t n, const void* value);

/// y += x, n elements each.
void accumulate(DType dtype, int64_t n, const void* x, void* y);

}  // namespace ember::kernels
