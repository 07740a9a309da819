// Scaled dot product attention: tiles where nothing stands against it, else from basic operations.
#include <ember/ops/attention.h>

#include <ember/autograd.h>
#include <ember/factories.h>
#include <ember/ops/activation.h>
#include <ember/ops/dropout.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <limits>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/attention/attention.h"
#include "python_repr.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

const char* c_name(DType dtype) { return dtype == kInt64 ? "long int" : detail::dtype_row(dtype).c_type; }

/// All dimensions but the last two.
Shape batch_of(const Tensor& t) {
  Shape sizes = t.sizes().shape();
  sizes.erase(sizes.size() - 1);
  sizes.erase(sizes.size() - 1);
  return sizes;
}

/// t with these dimensions in front of the last two.
Tensor expanded(const Tensor& t, Shape batch) {
  batch.push_back(t.size(-2));
  batch.push_back(t.size(-1));
  return t.expand(batch);
}

void check_arguments(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  check<RuntimeError>(q.dtype() == k.dtype() && q.dtype() == v.dtype(),
                      "Expected query, key, and value to have the same dtype, but got query.dtype: {} key.dtype: {} and value.dtype: {} instead.",
                      c_name(q.dtype()), c_name(k.dtype()), c_name(v.dtype()));
  check<RuntimeError>(
      q.dim() >= 2 && k.dim() >= 2 && v.dim() >= 2,
      "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {} key.dim: {} and value.dim: {} instead.", q.dim(),
      k.dim(), v.dim());
  check<RuntimeError>(is_floating_point(q.dtype()), "expected scalar type Float but found {}\nscaled_dot_product_attention: weights are real numbers",
                      scalar_type_name(q.dtype()));
  check<RuntimeError>(q.size(-1) == k.size(-1), "mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})", q.size(-2), q.size(-1), k.size(-1),
                      k.size(-2));
  check<RuntimeError>(k.size(-2) == v.size(-2), "scaled_dot_product_attention: expected as many values as keys, {}, got {}", k.size(-2), v.size(-2));
  check<RuntimeError>(!o.attn_mask.defined() || !o.is_causal,
                      "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
  check<RuntimeError>(o.dropout_p >= 0 && o.dropout_p <= 1, "dropout probability has to be between 0 and 1, but got {}", python_repr(o.dropout_p));
  if (!o.attn_mask.defined()) return;
  const DType mask = o.attn_mask.dtype();
  check<RuntimeError>(
      mask == kBool || mask == kFloat32 || mask == q.dtype(),
      "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  query.dtype: {} instead.", c_name(mask),
      c_name(q.dtype()));
}

/// Each head of key or value as often as heads of query share it.
Tensor shared_heads(const Tensor& t, const Tensor& q) {
  check<RuntimeError>(q.dim() >= 3 && t.dim() >= 3,
                      "scaled_dot_product_attention: expected tensors of at least 3 dimensions with enable_gqa, got {} and {}", q.dim(), t.dim());
  const int64_t heads = t.size(-3);
  check<RuntimeError>(heads > 0 && q.size(-3) % heads == 0,
                      "Number of heads in key and value must divide the number of heads in query: got {} and {}", heads, q.size(-3));
  return heads == q.size(-3) ? t : repeat_interleave(t, q.size(-3) / heads, -3);
}

/// The mask as numbers that are added, of its own size.
Tensor additive(const Tensor& mask, DType dtype) {
  if (mask.dtype() != kBool) return mask.to(dtype);
  return zeros(mask.sizes(), dtype).masked_fill(logical_not(mask), -std::numeric_limits<double>::infinity());
}

/// Without tiles: q, k, v of the same heads.
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, Tensor mask, double scale, bool causal, double dropout_p) {
  if (causal) mask = tril(ones({q.size(-2), k.size(-2)}, kBool));
  Tensor scores = matmul(q, k.mT()) * scale;
  if (mask.defined()) scores = scores + (mask.dtype() == kBool ? additive(mask, q.dtype()) : mask.to(q.dtype()));
  // A row of only -inf has no softmax: its weights are 0.
  const Tensor blind = mask.defined() && k.size(-2) > 0 ? all(eq(scores.detach(), -std::numeric_limits<double>::infinity()), -1, true) : Tensor();
  if (blind.defined()) scores = scores.masked_fill(blind, 0);
  Tensor weights = softmax(scores, -1);
  if (blind.defined()) weights = weights.masked_fill(blind, 0);
  if (dropout_p > 0) weights = dropout(weights, {dropout_p, true});
  return matmul(weights, v);
}

/// Rows that a kernel reads as they lie.
Tensor with_rows(const Tensor& t) { return t.stride(-1) == 1 || t.size(-1) <= 1 ? t : t.contiguous(); }

template <class T>
kernels::Heads<T> heads_of(const Tensor& t) {
  using Plain = std::remove_const_t<T>;
  if (!t.defined()) return {nullptr, 0, 0, 0};
  const auto stride = [&](int d) { return t.sizes()[d] == 1 ? 0 : t.strides()[d]; };
  return {t.data<Plain>(), stride(0), stride(1), stride(2)};
}

/// (batch, heads, rows, width) whose memory is (batch, rows, heads, width): what follows puts the heads of a row side by side.
Tensor rows_outside(int64_t batch, int64_t heads, int64_t rows, int64_t width, DType dtype) {
  const Tensor memory = make_dense({batch, rows, heads, width}, dtype);
  return make_alias(memory, {batch, heads, rows, width}, {rows * heads * width, width, heads * width, 1}, 0);
}

/// q (batch, heads, L, E), k and v (batch, key heads, S, *), mask undefined or additive and expanded to (batch, heads, L, S).
Tensor tiled_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, double scale, bool causal) {
  const kernels::AttentionShape shape{q.size(0), q.size(1), k.size(1), q.size(2), k.size(2), q.size(3), v.size(3), scale, causal};
  const DType dtype = q.dtype();
  const Tensor y = rows_outside(shape.batch, shape.heads, shape.queries, shape.out, dtype);
  const Tensor log_sums = make_dense({shape.batch, shape.heads, shape.queries}, dtype);
  {
    const NoGradGuard no_grad;
    const Tensor q_rows = with_rows(q), k_rows = with_rows(k), v_rows = with_rows(v);
    with_real(dtype, [&](auto zero) {
      using T = decltype(zero);
      kernels::attention<T>(shape, heads_of<const T>(q_rows), heads_of<const T>(k_rows), heads_of<const T>(v_rows), heads_of<const T>(mask),
                            heads_of<T>(y), log_sums.data<T>());
    });
  }
  note("ScaledDotProductFlashAttentionForCpu", [&] {
    Attributes attributes{{"causal", {causal}}, {"scale", {}, {scale}}};
    if (mask.defined()) attributes.push_back({"mask", {}, {}, mask});
    return attributes;
  });
  return record("ScaledDotProductFlashAttentionForCpu", {q, k, v}, y,
                [=, q = Saved(q), k = Saved(k), v = Saved(v), out = Saved::output(y)](const Tensor& dy, Grads& grads) {
                  if (grads.create_graph())
                    return grads.replay(dy, {q.get(), k.get(), v.get()}, [&](const std::vector<Tensor>& in) {
                      return plain_attention(in[0], shared_heads(in[1], in[0]), shared_heads(in[2], in[0]),
                                             causal ? tril(ones({shape.queries, shape.keys}, kBool)) : mask, scale, false, 0);
                    });
                  const Tensor q_rows = with_rows(q.get()), k_rows = with_rows(k.get()), v_rows = with_rows(v.get()), dy_rows = with_rows(dy);
                  Tensor dq = rows_outside(shape.batch, shape.heads, shape.queries, shape.width, dtype);
                  Tensor dk = rows_outside(shape.batch, shape.key_heads, shape.keys, shape.width, dtype);
                  Tensor dv = rows_outside(shape.batch, shape.key_heads, shape.keys, shape.out, dtype);
                  with_real(dtype, [&](auto zero) {
                    using T = decltype(zero);
                    kernels::attention_backward<T>(shape, heads_of<const T>(q_rows), heads_of<const T>(k_rows), heads_of<const T>(v_rows),
                                                   heads_of<const T>(mask), heads_of<const T>(out.get()), log_sums.data<T>(),
                                                   heads_of<const T>(dy_rows), heads_of<T>(dq), heads_of<T>(dk), heads_of<T>(dv));
                  });
                  grads.add(0, std::move(dq));
                  grads.add(1, std::move(dk));
                  grads.add(2, std::move(dv));
                });
}

/// (batch, heads, rows, width) of any number of dimensions: those in front of the heads as one.
Tensor as_four(const Tensor& t) {
  if (t.dim() == 4) return t;
  int64_t batch = 1;
  for (int d = 0; d + 3 < t.dim(); ++d) batch *= t.sizes()[d];
  return t.reshape({batch, t.dim() > 2 ? t.size(-3) : 1, t.size(-2), t.size(-1)});
}

/// The mask as the kernel reads it: numbers that are added, one for each score; where it is broadcast, its strides are 0.
Tensor tile_mask(const Tensor& mask, const Shape& scores, DType dtype) {
  const NoGradGuard no_grad;
  const Tensor all = as_four(additive(mask, dtype).contiguous().expand(scores));
  return all.stride(-1) == 1 || all.size(-1) <= 1 ? all : all.contiguous();
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& o) {
  require_defined("scaled_dot_product_attention", query, key, value);
  check_arguments(query, key, value, o);
  const double scale = o.scale == kScaleByWidth ? (query.size(-1) > 0 ? 1 / std::sqrt(double(query.size(-1))) : 0) : o.scale;
  const bool shares = o.enable_gqa && query.dim() == 4 && key.dim() == 4 && value.dim() == 4 && key.size(1) == value.size(1) &&
                      key.size(0) == query.size(0) && value.size(0) == query.size(0) && key.size(1) > 0 && query.size(1) % key.size(1) == 0;
  Tensor q = query, k = key, v = value;
  if (o.enable_gqa && !shares) k = shared_heads(key, query), v = shared_heads(value, query);
  Shape batch = batch_of(q);
  if (!shares) {
    batch = broadcast_shapes(broadcast_shapes(batch, batch_of(k)), batch_of(v));
    q = expanded(q, batch), k = expanded(k, batch), v = expanded(v, batch);
  }
  Shape scores = batch;
  scores.push_back(q.size(-2));
  scores.push_back(k.size(-2));
  if (o.attn_mask.defined())
    check<RuntimeError>(broadcast_shapes(scores, o.attn_mask.sizes()) == scores,
                        "scaled_dot_product_attention: expected attn_mask that broadcasts to {}, got {}", scores, o.attn_mask.sizes());
  const bool mask_learns = o.attn_mask.defined() && o.attn_mask.requires_grad() && is_grad_enabled();
  if (o.dropout_p > 0 || mask_learns)
    return plain_attention(q, shares ? shared_heads(k, q) : k, shares ? shared_heads(v, q) : v, o.attn_mask, scale, o.is_causal, o.dropout_p);

  const Tensor mask = o.attn_mask.defined() ? tile_mask(o.attn_mask, scores, q.dtype()) : Tensor();
  const Tensor y = tiled_attention(as_four(q), as_four(k), as_four(v), mask, scale, o.is_causal);
  if (q.dim() == 4) return y;
  Shape sizes = batch;
  sizes.push_back(q.size(-2));
  sizes.push_back(v.size(-1));
  return y.reshape(sizes);
}

}  // namespace ember
