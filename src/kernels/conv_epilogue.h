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

  bool norms() const { return scale != nullptr; }
};

/// The part of the epilogue behind the bias, for rows of o numbers at y: those from `row` on of the whole result. Pays as long as they
/// are still in the cache.
template <class T>
void norm_rows(const ConvEpilogue<T>& e, int64_t row, int64_t rows, int64_t o, T* y);

}  // namespace ember::kernels
