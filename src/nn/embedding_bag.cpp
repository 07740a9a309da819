// nn.EmbeddingBag.
#include <ember/factories.h>
#include <ember/nn/embedding_bag.h>
#include <ember/nn/init.h>

#include <string_view>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {

EmbeddingBag::EmbeddingBag(int64_t num_embeddings, int64_t embedding_dim, EmbeddingBagLayerOptions o)
    : num_embeddings(num_embeddings), embedding_dim(embedding_dim), options(o) {
  if (o.padding_idx != INT64_MIN) {
    check<ValueError>(o.padding_idx < num_embeddings && o.padding_idx >= -num_embeddings, "padding_idx must be within num_embeddings");
    if (o.padding_idx < 0) options.padding_idx += num_embeddings;
  }
  set_parameter(weight, empty({num_embeddings, embedding_dim}));
  init::normal_(weight);
  if (o.padding_idx != INT64_MIN) init::zeros_(weight.detach().select(0, options.padding_idx));
}

Tensor EmbeddingBag::operator()(const Tensor& indices, const OptionalTensor& offsets, const OptionalTensor& per_sample_weights) const {
  return observed(
      [&] {
        return embedding_bag(indices, weight,
                             {.offsets = offsets,
                              .max_norm = options.max_norm,
                              .norm_type = options.norm_type,
                              .scale_grad_by_freq = options.scale_grad_by_freq,
                              .mode = options.mode,
                              .per_sample_weights = per_sample_weights,
                              .include_last_offset = options.include_last_offset,
                              .padding_idx = options.padding_idx});
      },
      indices);
}
Tensor EmbeddingBag::forward(const Tensor& indices) { return (*this)(indices); }

std::string EmbeddingBag::extra_repr() const {
  std::string text = fmt::format("{}, {}", num_embeddings, embedding_dim);
  if (options.max_norm > 0) text += fmt::format(", max_norm={}", python_repr(options.max_norm));
  if (options.norm_type != 2) text += fmt::format(", norm_type={}", python_repr(options.norm_type));
  if (options.scale_grad_by_freq) text += ", scale_grad_by_freq=True";
  text += fmt::format(", mode='{}'", options.mode);
  if (options.padding_idx != INT64_MIN) text += fmt::format(", padding_idx={}", options.padding_idx);
  return text;
}

EmbeddingBag EmbeddingBag::clone() const {
  return copy_of([&] { return EmbeddingBag(num_embeddings, embedding_dim, options); });
}

}  // namespace ember::nn
