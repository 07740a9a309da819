// What happens to a convolution's results on their way into memory.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// y = relu((sum + bias) * scale + shift + addend); what is null is left out. scale and shift are those of a batch norm that uses its
/// running statistics, and are applied with its roundings: y has the bits that the separate operations give.
template <class T>
struct ConvEpilogue {
  const T* bias = nullptr;
  const T *scale = nullptr, *shift = nullptr;  ///< both or none
  const T* addend = nullptr;                   ///< as y; only with scale
  bool relu = false;
  bool pool = false;  ///< only with scale, without addend: y has the largest of each 2 x 2 window, and half the height and width

  bool norms() const { return scale != nullptr; }
};

/// The part of the epilogue between bias and pooling, for rows of o numbers at y: those from `row` on of the whole result. Pays as long as
/// they are still in the cache.
template <class T>
void norm_rows(const ConvEpilogue<T>& e, int64_t row, int64_t rows, int64_t o, T* y);

/// All of it behind the bias, with pooling: from 2 * windows rows of `width` pixels at x.
template <class T>
void norm_and_pool(const ConvEpilogue<T>& e, int64_t windows, int64_t width, int64_t o, const T* x, T* y);

}  // namespace ember::kernels
