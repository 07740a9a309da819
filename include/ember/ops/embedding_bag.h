// Sums, means and maxima of rows of a table, without the rows in between. As torch.nn.functional.embedding_bag.
#pragma once

#include <ember/tensor.h>

namespace ember {

struct EmbeddingBagOptions {
  OptionalTensor offsets = {};  ///< (bags): where each bag begins in flat indices; undefined: each row of indices (B, L) is a bag
  double max_norm = 0;          ///< above 0: rows that are looked up are scaled down to it, in place
  double norm_type = 2;
  bool scale_grad_by_freq = false;         ///< the gradient of a row over how often it occurs (PyTorch 2.13 takes the count of another row)
  const char* mode = "mean";               ///< or "sum", "max"
  OptionalTensor per_sample_weights = {};  ///< of the shape of indices; for "sum" only
  bool include_last_offset = false;        ///< the last offset is the end of the last bag
  int64_t padding_idx = INT64_MIN;         ///< INT64_MIN: none. This row counts for nothing; negative ones count from the end
};
/// Of each bag of indices the sum, the mean or the maximum of rows of weight (V, D): (bags, D). An empty bag gives 0.
/// Throws ValueError "offsets has to be a 1D Tensor but got None", RuntimeError for indices out of range.
Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const EmbeddingBagOptions& options = {});
/// The same with the offsets in PyTorch's place.
template <class T>
  requires std::is_same_v<T, Tensor>
Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const T& offsets, EmbeddingBagOptions options = {}) {
  options.offsets = offsets;
  return embedding_bag(indices, weight, options);
}

}  // namespace ember
