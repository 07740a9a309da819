// Bags of embeddings. As torch.nn.EmbeddingBag.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/embedding_bag.h>

namespace ember::nn {

struct EmbeddingBagLayerOptions {
  double max_norm = 0, norm_type = 2;
  bool scale_grad_by_freq = false;
  const char* mode = "mean";  ///< or "sum", "max"
  bool include_last_offset = false;
  int64_t padding_idx = INT64_MIN;  ///< INT64_MIN: none
};

/// indices (B, L), or flat ones with offsets (bags) -> (bags, embedding_dim). weight starts normal; the row padding_idx is 0.
class EmbeddingBag final : public Module {
 public:
  EmbeddingBag(int64_t num_embeddings, int64_t embedding_dim, EmbeddingBagLayerOptions options = {});
  Tensor operator()(const Tensor& indices, const OptionalTensor& offsets = {}, const OptionalTensor& per_sample_weights = {}) const;
  Tensor forward(const Tensor& indices) override;
  EmbeddingBag clone() const;
  std::string extra_repr() const override;
  const int64_t num_embeddings, embedding_dim;
  EmbeddingBagLayerOptions options;
  Tensor& weight = add_parameter("weight");
};

}  // namespace ember::nn
