// nn.MultiheadAttention.
#include <ember/factories.h>
#include <ember/nn/attention.h>
#include <ember/nn/init.h>

#include "error_format.h"
#include "tensor/defined.h"

namespace ember::nn {
namespace {

/// The number of heads is checked before anything is drawn.
int64_t checked_width(int64_t embed_dim, int64_t num_heads) {
  check<ValueError>(embed_dim > 0 && num_heads > 0, "embed_dim and num_heads must be greater than 0, got embed_dim={} and num_heads={} instead",
                    embed_dim, num_heads);
  check<ValueError>(embed_dim % num_heads == 0, "embed_dim must be divisible by num_heads");
  return embed_dim;
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads, MultiheadAttentionOptions o)
    : embed_dim(checked_width(embed_dim, num_heads)), num_heads(num_heads), options(o),
      out_proj(add("out_proj", Linear(embed_dim, embed_dim, {.bias = o.bias}))) {
  const int64_t kdim = o.kdim ? o.kdim : embed_dim, vdim = o.vdim ? o.vdim : embed_dim;
  const auto weight = [](Tensor& parameter, int64_t out, int64_t in) {
    set_parameter(parameter, empty({out, in}));
    init::xavier_uniform_(parameter);
  };
  if (kdim == embed_dim && vdim == embed_dim) {
    weight(in_proj_weight, 3 * embed_dim, embed_dim);
  } else {
    weight(q_proj_weight, embed_dim, embed_dim);
    weight(k_proj_weight, embed_dim, kdim);
    weight(v_proj_weight, embed_dim, vdim);
  }
  if (o.bias) {
    set_parameter(in_proj_bias, zeros({3 * embed_dim}));
    init::zeros_(out_proj.bias);
  }
  if (!o.add_bias_kv) return;
  for (Tensor* bias : {&bias_k, &bias_v}) {
    set_parameter(*bias, empty({1, 1, embed_dim}));
    init::xavier_normal_(*bias);
  }
}

MultiHeadAttention MultiheadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionMasks& masks) const {
  MultiHeadAttention result;
  result.output = observed(
      [&] {
        require_defined("MultiheadAttention", query, key, value);
        check<RuntimeError>(query.dim() < 2 || query.size(-1) == embed_dim, "was expecting embedding dimension of {}, but got {}", embed_dim,
                            query.size(-1));
        MultiHeadAttention all = multi_head_attention_forward(
            query, key, value, num_heads,
            {in_proj_weight, in_proj_bias, q_proj_weight, k_proj_weight, v_proj_weight, bias_k, bias_v, out_proj.weight, out_proj.bias},
            {.add_zero_attn = options.add_zero_attn,
             .dropout_p = options.dropout,
             .training = is_training(),
             .key_padding_mask = masks.key_padding_mask,
             .need_weights = masks.need_weights,
             .attn_mask = masks.attn_mask,
             .average_attn_weights = masks.average_attn_weights,
             .is_causal = masks.is_causal,
             .batch_first = options.batch_first});
        result.weights = all.weights;
        return all.output;
      },
      query, key, value);
  return result;
}

Tensor MultiheadAttention::forward(const Tensor& x) { return (*this)(x, x, x, {.need_weights = false}).output; }

MultiheadAttention MultiheadAttention::clone() const {
  return copy_of([&] { return MultiheadAttention(embed_dim, num_heads, options); });
}

}  // namespace ember::nn
