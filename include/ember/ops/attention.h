// Attention: sums of values, weighted by how well their keys match a query.
#pragma once

#include <ember/tensor.h>

namespace ember {

inline constexpr double kScaleByWidth = __builtin_inf();

struct AttentionOptions {
  OptionalTensor attn_mask = {};  ///< bool, true where a key takes part, or numbers that are added to the scores; broadcast to (..., L, S)
  double dropout_p = 0;           ///< of the weights. There is no mode: leave it at 0 in evaluation
  bool is_causal = false;         ///< query i sees the keys up to i
  double scale = kScaleByWidth;   ///< of the scores: 1 / sqrt(E) unless named
  bool enable_gqa = false;        ///< several heads of query share one of key and value
};

/// softmax(query key^T * scale + mask) value. query (N, ..., Hq, L, E), key (N, ..., H, S, E), value (N, ..., H, S, Ev) -> (N, ..., Hq, L, Ev).
/// A query that sees no key gives 0. Without dropout, and without a mask that needs a gradient, the scores are computed tile by tile: memory
/// does not grow with L times S. With dropout the weights are drawn as PyTorch draws them.
/// Throws RuntimeError where dtypes or sizes do not fit. Vaswani et al. 2017. As torch.nn.functional.scaled_dot_product_attention.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& options = {});

/// The projections of multi_head_attention_forward: in_proj_weight (3 E, E), or q_proj_weight (E, E), k_proj_weight (E, kdim) and v_proj_weight
/// (E, vdim) in its place; in_proj_bias (3 E); bias_k and bias_v (1, 1, E); out_proj_weight (E, E), out_proj_bias (E).
struct AttentionWeights {
  OptionalTensor in_proj_weight = {}, in_proj_bias = {}, q_proj_weight = {}, k_proj_weight = {}, v_proj_weight = {}, bias_k = {}, bias_v = {};
  OptionalTensor out_proj_weight = {}, out_proj_bias = {};
};
struct MultiHeadOptions {
  bool add_zero_attn = false;  ///< one more key and value of zeros
  double dropout_p = 0;        ///< of the attention weights, while training
  bool training = true;
  OptionalTensor key_padding_mask = {};         ///< (N, S), true where a key is none, or numbers that are added to the scores
  bool need_weights = true;                     ///< false is faster
  OptionalTensor attn_mask = {};                ///< (L, S) or (N * heads, L, S), true where a key is hidden, or numbers that are added
  OptionalTensor static_k = {}, static_v = {};  ///< (N * heads, S, E / heads) in place of the projected key and value
  bool average_attn_weights = true;             ///< over the heads
  bool is_causal = false;                       ///< attn_mask hides what comes later, and nothing else: it needs not be read
  bool batch_first = false;                     ///< (N, L, E) in place of (L, N, E)
};
struct MultiHeadAttention {
  Tensor output;   ///< (L, N, E)
  Tensor weights;  ///< (N, L, S), or (N, heads, L, S) without averaging; undefined without need_weights
};
/// Attention of `num_heads` projections of query (L, N, E), key (S, N, kdim) and value (S, N, vdim), projected once more; or without N.
/// Throws RuntimeError where sizes do not fit. As torch.nn.functional.multi_head_attention_forward.
MultiHeadAttention multi_head_attention_forward(const Tensor& query, const Tensor& key, const Tensor& value, int64_t num_heads,
                                                const AttentionWeights& weights, const MultiHeadOptions& options = {});

}  // namespace ember
