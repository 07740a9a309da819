// Attention of several heads. As torch.nn.MultiheadAttention.
#pragma once

#include <ember/nn/linear.h>
#include <ember/ops/attention.h>

namespace ember::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;          ///< of the attention weights
  bool bias = true;            ///< of the projections
  bool add_bias_kv = false;    ///< one more key and value, which are learned
  bool add_zero_attn = false;  ///< one more key and value of zeros
  int64_t kdim = 0, vdim = 0;  ///< the sizes of key and value; 0: embed_dim
  bool batch_first = false;    ///< (N, L, E) in place of (L, N, E)
};
struct AttentionMasks {
  OptionalTensor key_padding_mask = {};  ///< (N, S), or (S) without a batch: true where a key is none, or numbers that are added to the scores
  bool need_weights = true;              ///< false is faster, and does not hold the weights
  OptionalTensor attn_mask = {};         ///< (L, S) or (N * heads, L, S): true where a key is hidden, or numbers that are added to the scores
  bool average_attn_weights = true;      ///< over the heads
  bool is_causal = false;                ///< attn_mask hides what comes later and nothing else
};

/// query (L, N, E), key (S, N, kdim), value (S, N, vdim), or without N. Parameters in_proj_weight (3 E, E), or q_proj_weight, k_proj_weight,
/// v_proj_weight where kdim or vdim differ from E, all Xavier uniform; in_proj_bias, 0; bias_k, bias_v; out_proj.
/// Throws ValueError where the heads do not divide embed_dim. Vaswani et al. 2017. As torch.nn.MultiheadAttention.
///   auto [output, weights] = attention(query, key, value, {.key_padding_mask = padding});
class MultiheadAttention final : public Module {
 public:
  MultiheadAttention(int64_t embed_dim, int64_t num_heads, MultiheadAttentionOptions options = {});
  MultiHeadAttention operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionMasks& masks = {}) const;
  Tensor forward(const Tensor& x) override;  ///< of x to itself, the output alone
  MultiheadAttention clone() const;

  const int64_t embed_dim, num_heads;
  const MultiheadAttentionOptions options;
  Tensor& in_proj_weight = add_parameter("in_proj_weight");
  Tensor& q_proj_weight = add_parameter("q_proj_weight");
  Tensor& k_proj_weight = add_parameter("k_proj_weight");
  Tensor& v_proj_weight = add_parameter("v_proj_weight");
  Tensor& in_proj_bias = add_parameter("in_proj_bias");
  Tensor& bias_k = add_parameter("bias_k");
  Tensor& bias_v = add_parameter("bias_v");
  Linear& out_proj;
};

}  // namespace ember::nn
