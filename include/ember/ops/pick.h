// Placing, reducing and searching by index beyond ember/ops/index.h. Indices are int64 tensors. As the functions of the same names in torch.
#pragma once

#include <ember/ops/index.h>
#include <ember/ops/reduce.h>

namespace ember {

/// x with source's slices written at index along dim. Throws IndexError "index_copy_(): index 9 is out of bounds for dimension 0 with size 6".
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
/// x with a number, or a tensor without dimensions, written into the slices at index; negative ones count from the end.
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Operand& value);
/// x with the next element of source wherever mask is true. Throws "Number of elements of source < number of ones in mask".
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);
Tensor take(const Tensor& x, const Tensor& index);  ///< elements of the flattened x; negative indices count from the end

enum class IndexReduce : std::uint8_t { Sum, Prod, Mean, Amax, Amin };
/// x with the elements of src reduced into it at index, as scatter_add with other reductions; include_self false starts from nothing.
Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, IndexReduce reduce, bool include_self = true);
/// The same with whole slices of source.
Tensor index_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source, IndexReduce reduce, bool include_self = true);

Unique unique_consecutive(const Tensor& x, bool return_inverse = false, bool return_counts = false);  ///< the first of each run of equals
Unique unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts, int64_t dim);     ///< of slices along dim

struct SearchOptions {
  bool right = false;          ///< behind equal values instead of before them
  OptionalTensor sorter = {};  ///< the order of the sequence when it is not sorted itself, as argsort gives it
};
/// Where values would be inserted into sorted sequences: one, or as many as values has rows.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, const SearchOptions& options = {});
Tensor searchsorted(const Tensor& sorted_sequence, Scalar value, const SearchOptions& options = {});
Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right = false);  ///< which bucket between rising boundaries each element falls into
Tensor isin(const Operand& elements, const Operand& test_elements, bool assume_unique = false, bool invert = false);  ///< bool: is it one of these?

}  // namespace ember
