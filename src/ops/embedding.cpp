// Tables of vectors.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/embedding.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/gather.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// Rows that are looked up, shortened to max_norm in place.
void shorten(const Tensor& weight, const Tensor& rows, double max_norm, double p) {
  NoGradGuard no_grad;
  const Tensor distinct = unique(rows).values;
  for (int64_t i = 0; i < distinct.numel(); ++i) {
    const Tensor row = weight.detach().select(0, distinct.data<int64_t>()[i]);
    const double length = norm(row, p).item<double>();
    if (length > max_norm) row.mul_(max_norm / (length + 1e-7));
  }
}

}  // namespace

Tensor embedding(const Tensor& indices, const Tensor& weight, EmbeddingOptions o) {
  require_defined("embedding", indices, weight);
  check<RuntimeError>(weight.dim() == 2, "'weight' must be 2-D");
  check<RuntimeError>(indices.dtype() == kInt64,
                      "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got {} instead (while "
                      "checking arguments for embedding)",
                      tensor_type_name(indices.dtype()));
  const int64_t rows = weight.sizes()[0];
  int64_t padding = o.padding_idx;
  if (padding != INT64_MIN) {
    check<RuntimeError>(padding < rows && padding >= -rows, "Padding_idx must be within num_embeddings");
    if (padding < 0) padding += rows;
  }
  const Tensor flat = indices.contiguous().view({-1});  // reshape() may keep strides
  Shape sizes = indices.sizes().shape();
  sizes.push_back(weight.sizes()[1]);
  for (int64_t i = 0; i < flat.numel(); ++i)
    check<IndexError>(flat.data<int64_t>()[i] >= 0 && flat.data<int64_t>()[i] < rows, "index out of range in self");
  if (o.max_norm > 0) shorten(weight, flat, o.max_norm, o.norm_type);
  Tensor y;
  {
    NoGradGuard no_grad;
    y = index_select(weight, 0, flat).reshape(sizes);
  }
  note("Embedding", [&] { return Attributes{{"indices", {}, {}, indices}}; });
  return record("Embedding", {weight}, std::move(y), [flat = Saved(flat), rows, padding, o](const Tensor& dy, Grads& grads) {
    const Tensor at = flat.get();
    const int64_t width = dy.size(-1);
    Tensor g = dy.reshape({at.numel(), width});
    if (o.scale_grad_by_freq && at.numel() > 0) {
      const Tensor counts = bincount(at, {}, rows).to(g.dtype());
      g = g / index_select(counts, 0, at).unsqueeze(1);
    }
    if (padding != INT64_MIN) g = where(eq(at, padding).unsqueeze(1), 0, g);
    grads.add(0, sum_slices(g, {rows, width}, 0, at));
  });
}

Tensor one_hot(const Tensor& indices, int64_t num_classes) {
  require_defined("one_hot", indices);
  check<RuntimeError>(indices.dtype() == kInt64, "one_hot is only applicable to index tensor of type LongTensor.");
  if (indices.numel() == 0) {
    check<RuntimeError>(num_classes > 0, "Can not infer total number of classes from empty tensor.");
  } else {
    check<RuntimeError>(indices.min().item<int64_t>() >= 0, "Class values must be non-negative.");
    const int64_t largest = indices.max().item<int64_t>();
    if (num_classes == -1) num_classes = largest + 1;
    check<RuntimeError>(num_classes >= 1, "num_classes should be positive");
    check<RuntimeError>(largest < num_classes, "Class values must be smaller than num_classes.");
  }
  Shape sizes = indices.sizes().shape();
  sizes.push_back(num_classes);
  return scatter(zeros(sizes, kInt64), -1, indices.unsqueeze(-1), 1);
}

}  // namespace ember
