// Multi-head attention: projections, scaled dot product attention of each head, and the projection back. The heads are views of what the
// projections wrote: nothing is copied on the way.
#include <ember/autograd.h>
#include <ember/factories.h>
#include <ember/ops/activation.h>
#include <ember/ops/attention.h>
#include <ember/ops/conv.h>
#include <ember/ops/dropout.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <limits>

#include "error_format.h"
#include "python_repr.h"
#include "tensor/defined.h"

namespace ember {
namespace {

/// A mask as numbers that are added; here true hides.
Tensor additive(const Tensor& mask, const char* name, DType dtype) {
  if (!mask.defined()) return mask;
  check<RuntimeError>(mask.dtype() == kBool || is_floating_point(mask.dtype()), "only bool and floating types of {} are supported", name);
  if (mask.dtype() != kBool) return mask.to(dtype);
  return zeros(mask.sizes(), dtype).masked_fill(mask, -std::numeric_limits<double>::infinity());
}

void check_dims(const Tensor& q, const Tensor& k, const Tensor& v, int64_t num_heads, const MultiHeadOptions& o) {
  check<RuntimeError>(q.dim() == 3 || q.dim() == 2, "query should be unbatched 2D or batched 3D tensor but received {}-D query tensor", q.dim());
  const int dims = q.dim();
  const char* const kind = dims == 3 ? "batched (3-D)" : "unbatched (2-D)";
  check<RuntimeError>(k.dim() == dims && v.dim() == dims,
                      "For {} `query`, expected `key` and `value` to be {}-D but found {}-D and {}-D tensors respectively", kind, dims, k.dim(),
                      v.dim());
  check<RuntimeError>(!o.key_padding_mask.defined() || o.key_padding_mask.dim() == dims - 1,
                      "For {} `query`, expected `key_padding_mask` to be `None` or {}-D but found {}-D tensor instead", kind, dims - 1,
                      o.key_padding_mask.defined() ? o.key_padding_mask.dim() : 0);
  check<RuntimeError>(!o.attn_mask.defined() || o.attn_mask.dim() == 2 || o.attn_mask.dim() == 3,
                      "For {} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {}-D tensor instead", kind,
                      o.attn_mask.defined() ? o.attn_mask.dim() : 0);
  check<RuntimeError>(num_heads > 0 && q.size(-1) % num_heads == 0, "embed_dim {} not divisible by num_heads {}", q.size(-1), num_heads);
}

struct Projected {
  Tensor q, k, v;
};

Projected project(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionWeights& w) {
  const int64_t width = q.size(-1);
  if (!w.in_proj_weight.defined()) {
    check<RuntimeError>(w.q_proj_weight.defined() && w.k_proj_weight.defined() && w.v_proj_weight.defined(),
                        "use_separate_proj_weight is False but in_proj_weight is None");
    const std::vector<Tensor> bias = w.in_proj_bias.defined() ? chunk(w.in_proj_bias, 3) : std::vector<Tensor>(3);
    return {linear(q, w.q_proj_weight, bias[0]), linear(k, w.k_proj_weight, bias[1]), linear(v, w.v_proj_weight, bias[2])};
  }
  check<RuntimeError>(k.sizes() == v.sizes(), "key shape torch.Size({}) does not match value shape torch.Size({})", k.sizes(), v.sizes());
  check<RuntimeError>(w.in_proj_weight.dim() == 2 && w.in_proj_weight.size(0) == 3 * width,
                      "multi_head_attention_forward: expected in_proj_weight of size [{}, {}], got {}", 3 * width, width, w.in_proj_weight.sizes());
  const auto part = [&](const Tensor& x, int64_t from, int64_t count) {
    const Tensor bias = w.in_proj_bias.defined() ? w.in_proj_bias.narrow(0, from * width, count * width) : Tensor();
    return linear(x, count == 3 ? w.in_proj_weight : w.in_proj_weight.narrow(0, from * width, count * width), bias);
  };
  if (q.is_same(k) && k.is_same(v)) {  // self-attention: one product
    const std::vector<Tensor> parts = chunk(part(q, 0, 3), 3, -1);
    return {parts[0], parts[1], parts[2]};
  }
  if (k.is_same(v)) {
    const std::vector<Tensor> parts = chunk(part(k, 1, 2), 2, -1);
    return {part(q, 0, 1), parts[0], parts[1]};
  }
  return {part(q, 0, 1), part(k, 1, 1), part(v, 2, 1)};
}

/// (N, heads, rows, width of a head) of a projection (rows, N, E) or (N, rows, E): a view.
Tensor heads_of(const Tensor& x, int64_t heads, bool batch_first) {
  const Tensor split = x.unflatten(-1, {heads, x.size(-1) / heads});
  return batch_first ? split.permute({0, 2, 1, 3}) : split.permute({1, 2, 0, 3});
}

/// The sum of both masks for the scores (N, heads, L, S), undefined without any. `more` keys behind those that the masks know are seen.
Tensor joined_mask(const Tensor& attn_mask, const Tensor& padding, int64_t batch, int64_t heads, int64_t queries, int64_t keys, int64_t more) {
  Tensor joined;
  if (attn_mask.defined()) {
    const Shape wanted = attn_mask.dim() == 2 ? Shape{queries, keys} : Shape{batch * heads, queries, keys};
    check<RuntimeError>(attn_mask.sizes() == IntArrayRef(wanted), "The shape of the {}D attn_mask is torch.Size({}), but should be {}.",
                        attn_mask.dim(), attn_mask.sizes(), python_repr(IntArrayRef(wanted)));
    const Tensor mask = more ? pad(attn_mask, {0, more}) : attn_mask;
    joined = mask.dim() == 2 ? mask.unsqueeze(0).unsqueeze(0) : mask.view({batch, heads, queries, keys + more});
  }
  if (padding.defined()) {
    check<RuntimeError>(padding.size(0) == batch, "Expected key_padded_mask.shape[0] to be {}, but got {}", batch, padding.size(0));
    check<RuntimeError>(padding.size(1) == keys, "Expected key_padded_mask.shape[1] to be {}, but got {}", keys, padding.size(1));
    const Tensor mask = (more ? pad(padding, {0, more}) : padding).unsqueeze(1).unsqueeze(1);
    joined = joined.defined() ? joined + mask : mask;
  }
  return joined;
}

Tensor static_heads(const Tensor& t, const char* name, int64_t batch, int64_t heads, int64_t width) {
  check<RuntimeError>(t.dim() == 3 && t.size(0) == batch * heads, "expecting {}.size(0) of {}, but got {}", name, batch * heads, t.size(0));
  check<RuntimeError>(t.size(2) == width, "expecting {}.size(2) of {}, but got {}", name, width, t.size(2));
  return t.unflatten(0, {batch, heads});
}

void check_options(const AttentionWeights& w, const MultiHeadOptions& o) {
  check<RuntimeError>(
      !o.is_causal || o.attn_mask.defined(),
      "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method `generate_square_subsequent_mask` to "
      "create this mask.");
  check<RuntimeError>(!w.bias_k.defined() || w.bias_v.defined(), "bias_k is set but bias_v is None");
  check<RuntimeError>(!w.bias_v.defined() || w.bias_k.defined(), "bias_v is set but bias_k is None");
}

/// What the heads (N, heads, rows, width) see of each other, and how much of it when the weights are asked for.
MultiHeadAttention attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool causal, const MultiHeadOptions& o) {
  const double dropout_p = o.training ? o.dropout_p : 0;
  if (!o.need_weights) return {scaled_dot_product_attention(q, k, v, {.attn_mask = mask, .dropout_p = dropout_p, .is_causal = causal}), {}};
  const Tensor scores = matmul(q * std::sqrt(1.0 / double(q.size(-1))), k.mT());
  Tensor weights = softmax(mask.defined() ? scores + mask : scores, -1);
  if (dropout_p > 0) weights = dropout(weights, {dropout_p, true});
  return {matmul(weights, v), o.average_attn_weights ? mean(weights, 1) : weights};
}

}  // namespace

MultiHeadAttention multi_head_attention_forward(const Tensor& query, const Tensor& key, const Tensor& value, int64_t heads, const AttentionWeights& w,
                                                const MultiHeadOptions& o) {
  require_defined("multi_head_attention_forward", query, key, value, w.out_proj_weight);
  check_dims(query, key, value, heads, o);
  check_options(w, o);
  const bool batched = query.dim() == 3;
  const int rows = o.batch_first && batched ? 1 : 0, n = 1 - rows;  // the dimensions of positions and of the batch
  const auto with_batch = [&](const Tensor& t) { return batched ? t : t.unsqueeze(1); };
  const Tensor q_in = with_batch(query), k_in = key.is_same(query) ? q_in : with_batch(key), v_in = value.is_same(key) ? k_in : with_batch(value);
  const int64_t batch = q_in.size(n), queries = q_in.size(rows), width = q_in.size(2) / heads;
  check<RuntimeError>(k_in.size(rows) == v_in.size(rows) && k_in.size(n) == v_in.size(n) && k_in.size(n) == batch,
                      "key's sequence and batch dims torch.Size([{}, {}]) do not match value's torch.Size([{}, {}])", k_in.size(rows), k_in.size(n),
                      v_in.size(rows), v_in.size(n));
  Tensor padding = additive(o.key_padding_mask, "key_padding_mask", query.dtype());
  if (padding.defined() && !batched) padding = padding.unsqueeze(0);
  const bool causal = o.is_causal && !padding.defined() && !o.need_weights;
  const Tensor attn_mask = causal ? Tensor() : additive(o.attn_mask, "attn_mask", query.dtype());

  Projected p = project(q_in, k_in, v_in, w);
  int64_t more = 0;
  const auto append = [&](const Tensor& last_k, const Tensor& last_v) {
    p.k = cat({p.k, last_k}, rows), p.v = cat({p.v, last_v}, rows);
    ++more;
  };
  Shape one = p.k.sizes().shape();
  one[rows] = 1;
  if (w.bias_k.defined()) {
    check<RuntimeError>(!o.static_k.defined(), "bias cannot be added to static key.");
    check<RuntimeError>(!o.static_v.defined(), "bias cannot be added to static value.");
    append(w.bias_k.expand(one), w.bias_v.expand(one));
  }
  if (o.add_zero_attn && !o.static_k.defined() && !o.static_v.defined()) append(zeros(one, p.k.dtype()), zeros(one, p.v.dtype()));
  const bool first = rows == 1;
  const Tensor q = heads_of(p.q, heads, first);
  Tensor k = o.static_k.defined() ? static_heads(o.static_k, "static_k", batch, heads, width) : heads_of(p.k, heads, first);
  Tensor v = o.static_v.defined() ? static_heads(o.static_v, "static_v", batch, heads, width) : heads_of(p.v, heads, first);
  if (o.add_zero_attn && (o.static_k.defined() || o.static_v.defined())) {
    const Tensor nothing = zeros({batch, heads, 1, width}, k.dtype());
    k = cat({k, nothing}, 2), v = cat({v, nothing}, 2);
    ++more;
  }
  const Tensor mask = joined_mask(attn_mask, padding, batch, heads, queries, k.size(2) - more, more);

  MultiHeadAttention result = attend(q, k, v, mask, causal && more == 0, o);
  if (result.weights.defined() && !batched) result.weights = result.weights.squeeze(0);
  // While training the result lies in memory as (L, N, E) even with batch_first: a dropout behind it draws in the order of memory.
  const bool as_given = first && !o.training;
  const Tensor joined = (as_given ? result.output.permute({0, 2, 1, 3}) : result.output.permute({2, 0, 1, 3})).flatten(2);
  result.output = linear(joined, w.out_proj_weight, w.out_proj_bias);
  if (first && o.training) result.output = result.output.transpose(0, 1);
  if (!batched) result.output = result.output.squeeze(1);
  return result;
}

}  // namespace ember
