// Bags of embeddings, from the rows that embedding() gives.
#include <ember/autograd.h>
#include <ember/factories.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/embedding.h>
#include <ember/ops/embedding_bag.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include <string_view>

#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// Which bag each index belongs to, and how many each bag has.
struct Bags {
  int64_t count = 0;
  std::vector<int64_t> of_index;
};

Bags bags_of(const Tensor& indices, const EmbeddingBagOptions& o) {
  Bags bags;
  const int64_t n = indices.numel();
  if (indices.dim() == 2) {
    check<ValueError>(!o.offsets.defined(),
                      "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. "
                      "However, found offsets of type <class 'torch.Tensor'>");
    bags.count = indices.size(0);
    for (int64_t i = 0; i < n; ++i) bags.of_index.push_back(i / indices.size(1));
    return bags;
  }
  check<ValueError>(indices.dim() == 1, "input has to be 1D or 2D Tensor, but got Tensor of dimension {}", indices.dim());
  check<ValueError>(o.offsets.defined(), "offsets has to be a 1D Tensor but got None");
  check<ValueError>(o.offsets.dim() == 1, "offsets has to be a 1D Tensor");
  check<RuntimeError>(o.offsets.dtype() == kInt64,
                      "Expected tensor for argument #1 'offsets' to have one of the following scalar types: Long, Int; but got {} instead (while "
                      "checking arguments for embedding_bag)",
                      tensor_type_name(o.offsets.dtype()));
  std::vector<int64_t> starts = o.offsets.to_vector<int64_t>();
  check<RuntimeError>(!o.include_last_offset || !starts.empty(), "include_last_offset: number of offset should be at least 1");
  if (!starts.empty()) {
    check<RuntimeError>(starts[0] == 0,
                        "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {}",
                        starts[0]);
    check<RuntimeError>(starts.back() <= n, "offsets[-1] can not be greater than input's length {} but got offsets[-1] of {}", n, starts.back());
  }
  const int64_t end = o.include_last_offset ? starts.back() : n;
  if (o.include_last_offset) starts.pop_back();
  bags.count = int64_t(starts.size());
  for (std::size_t b = 0; b < starts.size(); ++b) {
    const int64_t stop = b + 1 < starts.size() ? starts[b + 1] : end;
    check<RuntimeError>(stop >= starts[b], "embedding_bag: expected offsets that do not fall, got {} after {}", stop, starts[b]);
    for (int64_t i = starts[b]; i < stop; ++i) bags.of_index.push_back(int64_t(b));
  }
  return bags;
}

Tensor as_tensor(const std::vector<int64_t>& values) {
  Tensor t = make_dense({int64_t(values.size())}, kInt64);
  for (std::size_t i = 0; i < values.size(); ++i) t.data<int64_t>()[i] = values[i];
  return t;
}

/// The number of the row that holds the maximum of each bag and column, the first of equals; rows beyond the last for an empty bag.
Tensor largest_rows(const Tensor& rows, const Tensor& bag, int64_t bags) {
  const Tensor values = rows.detach().to(kFloat64).contiguous();
  const int64_t width = values.size(1), count = values.size(0);
  Tensor at = full({bags, width}, count, kInt64);
  int64_t* const best = at.data<int64_t>();
  const double* const v = values.data<double>();
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; ++j) {
      int64_t& place = best[bag.data<int64_t>()[i] * width + j];
      if (place == count || v[i * width + j] > v[place * width + j]) place = i;
    }
  return at;
}

}  // namespace

Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const EmbeddingBagOptions& o) {
  require_defined("embedding_bag", indices, weight);
  const std::string_view mode = o.mode;
  check<ValueError>(
      !o.per_sample_weights.defined() || o.per_sample_weights.sizes() == indices.sizes(),
      "embedding_bag: If per_sample_weights (torch.Size({})) is not None, then it must have the same shape as the input (torch.Size({}))",
      o.per_sample_weights.defined() ? o.per_sample_weights.sizes() : IntArrayRef(), indices.sizes());
  check<ValueError>(weight.dim() == 2, "weight has to be a 2D Tensor, but got Tensor of dimension {}", weight.dim());
  check<RuntimeError>(indices.dtype() == kInt64,
                      "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got {} instead (while "
                      "checking arguments for embedding_bag)",
                      tensor_type_name(indices.dtype()));
  const Bags bags = bags_of(indices, o);
  check<ValueError>(mode == "sum" || mode == "mean" || mode == "max", "mode has to be one of sum, mean or max");
  check<ValueError>(mode != "max" || !o.scale_grad_by_freq, "max mode does not support scaling the gradient by the frequency");
  check<NotImplementedError>(
      !o.per_sample_weights.defined() || mode == "sum",
      "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='{}'). Please "
      "open a feature request on GitHub.",
      mode);
  const int64_t table = weight.size(0);
  int64_t padding = o.padding_idx;
  if (padding != INT64_MIN) {
    check<RuntimeError>(padding >= -table && padding < table, "padding_idx must be within the number of embeddings, {} through {}, but got {}",
                        -table, table - 1, padding);
    if (padding < 0) padding += table;
  }

  // What counts: the places in `indices` that belong to a bag and are no padding.
  const Tensor flat = indices.contiguous().view({-1});
  std::vector<int64_t> places, bag_of_place;
  for (int64_t i = 0; i < flat.numel(); ++i)
    check<RuntimeError>(flat.data<int64_t>()[i] >= 0 && flat.data<int64_t>()[i] < table,
                        "Index {} of input takes value {} which is not in the valid range [0, {})", i, flat.data<int64_t>()[i], table);
  for (std::size_t i = 0; i < bags.of_index.size(); ++i)
    if (padding == INT64_MIN || flat.data<int64_t>()[i] != padding) {
      places.push_back(int64_t(i));
      bag_of_place.push_back(bags.of_index[i]);
    }
  const Tensor at = as_tensor(places), bag = as_tensor(bag_of_place);
  Tensor rows = embedding(index_select(flat, 0, at), weight,
                          {.max_norm = o.max_norm, .norm_type = o.norm_type, .scale_grad_by_freq = o.scale_grad_by_freq});
  if (mode == "max") {
    const Tensor none = zeros({1, weight.size(1)}, weight.dtype());
    return gather(cat({rows, none}), 0, largest_rows(rows, bag, bags.count));
  }
  if (o.per_sample_weights.defined()) {
    check<RuntimeError>(
        o.per_sample_weights.dtype() == weight.dtype(),
        "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; but type torch.{} "
        "does not equal torch.{} (while checking arguments for embedding_bag)",
        tensor_type_name(weight.dtype()), tensor_type_name(o.per_sample_weights.dtype()));
    rows = rows * index_select(o.per_sample_weights.reshape({-1}), 0, at).unsqueeze(1);
  }
  const Tensor sums = index_add(zeros({bags.count, weight.size(1)}, weight.dtype()), 0, bag, rows);
  if (mode == "sum") return sums;
  Tensor counts = zeros({bags.count}, weight.dtype());
  counts = index_add(counts, 0, bag, ones({bag.numel()}, weight.dtype())).clamp_min(1);
  return sums / counts.unsqueeze(1);
}

}  // namespace ember
