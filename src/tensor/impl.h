// Building tensors inside the library: from sizes and strides, over a storage, and as aliases of one another.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// A new tensor of these sizes over fresh memory, row-major.
Tensor make_dense(IntArrayRef sizes, DType dtype);

/// Throws what make_dense would: "Storage size calculation overflowed with sizes=[1099511627776, 1099511627776]".
void check_storable(IntArrayRef sizes);

/// The same with the sizes of a tensor, which need no checks.
Tensor make_dense_like(const Tensor& like, DType dtype);

/// A tensor over the memory of `like`, with its own geometry; `offset` is counted in elements from like's first one. No history.
Tensor make_alias(const Tensor& like, IntArrayRef sizes, IntArrayRef strides, int64_t offset);

/// A handle of its own to the same elements. No history.
Tensor make_alias(const Tensor& like);

bool strides_are_contiguous(IntArrayRef sizes, IntArrayRef strides);

/// Every element of the span that the strides cover is used once: some permutation of a row-major tensor.
bool is_dense(const Tensor& t);

/// Strides that keep the order of dimensions of `like` in memory, for its sizes, without gaps or overlaps.
Shape strides_like(const Tensor& like);

Shape channels_last_strides(IntArrayRef sizes);

/// Throws "value cannot be converted to type uint8_t without overflow" when a tensor of this dtype cannot hold the number. Fractions
/// are cut off, and negative integers wrap around in uint8, as in PyTorch.
void check_fits(Scalar value, DType dtype);

}  // namespace ember
