// nn.Transformer and its parts.
#include <ember/autograd.h>
#include <ember/factories.h>
#include <ember/nn/init.h>
#include <ember/nn/transformer.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <limits>
#include <string_view>

#include "error_format.h"
#include "tensor/defined.h"

namespace ember::nn {
namespace {

Tensor relu_of(const Tensor& x) { return relu(x); }
Tensor gelu_of(const Tensor& x) { return gelu(x); }

MultiheadAttentionOptions attention_options(const TransformerLayerOptions& o) {
  return {.dropout = o.dropout, .bias = o.bias, .batch_first = o.batch_first};
}
LayerNormOptions norm_options(const TransformerLayerOptions& o) { return {.eps = o.layer_norm_eps, .bias = o.bias}; }
TransformerLayerOptions layer_options(const TransformerOptions& o) {
  return {o.dim_feedforward, o.dropout, o.activation, o.layer_norm_eps, o.batch_first, o.norm_first, o.bias};
}

/// Does the mask hide what comes later and nothing else? Then attention need not read it.
bool is_causal_mask(const Tensor& mask, int64_t size) {
  if (!mask.defined() || mask.dim() != 2 || mask.size(0) != size || mask.size(1) != size || mask.requires_grad()) return false;
  const Tensor later = triu(ones({size, size}, kBool), 1);
  if (mask.dtype() == kBool) return equal(mask, later);
  return is_floating_point(mask.dtype()) &&
         equal(mask, zeros({size, size}, mask.dtype()).masked_fill(later, -std::numeric_limits<double>::infinity()));
}

int64_t positions_of(const Tensor& x, bool batch_first) { return x.size(x.dim() == 3 && batch_first ? 1 : 0); }

/// The module's copies one after the other.
template <class Layer>
void append_copies(ModuleList& layers, const Layer& layer, int64_t count) {
  check<ValueError>(count > 0, "expected num_layers of at least 1, got {}", count);
  for (int64_t i = 0; i < count; ++i) layers.append(deep_copy(layer));
}

/// The child "norm" of a copy.
Module* norm_of(Module& module) {
  for (const auto& [name, child] : module.named_children())
    if (name == "norm") return child;
  return nullptr;
}

}  // namespace

TransformerActivation::TransformerActivation(const char* name) : named_(true) {
  const std::string_view word = name;
  check<RuntimeError>(word == "relu" || word == "gelu", "activation should be relu/gelu, not {}", word);
  function_ = word == "relu" ? relu_of : gelu_of;
}

// --- layers

TransformerEncoderLayer::TransformerEncoderLayer(int64_t d_model, int64_t nhead, TransformerLayerOptions o)
    : d_model(d_model), nhead(nhead), options(o), self_attn(add("self_attn", MultiheadAttention(d_model, nhead, attention_options(o)))),
      linear1(add("linear1", Linear(d_model, o.dim_feedforward, {.bias = o.bias}))), dropout(add("dropout", Dropout(o.dropout))),
      linear2(add("linear2", Linear(o.dim_feedforward, d_model, {.bias = o.bias}))), norm1(add("norm1", LayerNorm(d_model, norm_options(o)))),
      norm2(add("norm2", LayerNorm(d_model, norm_options(o)))), dropout1(add("dropout1", Dropout(o.dropout))),
      dropout2(add("dropout2", Dropout(o.dropout))) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& src, const EncoderMasks& masks) const {
  return observed(
      [&] {
        const auto attend = [&](const Tensor& x) {
          return dropout1(
              self_attn(
                  x, x, x,
                  {.key_padding_mask = masks.src_key_padding_mask, .need_weights = false, .attn_mask = masks.mask, .is_causal = masks.is_causal})
                  .output);
        };
        const auto feed = [&](const Tensor& x) { return dropout2(linear2(dropout(options.activation(linear1(x))))); };
        if (!options.norm_first) {
          const Tensor x = norm1(src + attend(src));
          return norm2(x + feed(x));
        }
        const Tensor x = src + attend(norm1(src));
        return x + feed(norm2(x));
      },
      src);
}
Tensor TransformerEncoderLayer::forward(const Tensor& src) { return (*this)(src, EncoderMasks{}); }

TransformerDecoderLayer::TransformerDecoderLayer(int64_t d_model, int64_t nhead, TransformerLayerOptions o)
    : d_model(d_model), nhead(nhead), options(o), self_attn(add("self_attn", MultiheadAttention(d_model, nhead, attention_options(o)))),
      multihead_attn(add("multihead_attn", MultiheadAttention(d_model, nhead, attention_options(o)))),
      linear1(add("linear1", Linear(d_model, o.dim_feedforward, {.bias = o.bias}))), dropout(add("dropout", Dropout(o.dropout))),
      linear2(add("linear2", Linear(o.dim_feedforward, d_model, {.bias = o.bias}))), norm1(add("norm1", LayerNorm(d_model, norm_options(o)))),
      norm2(add("norm2", LayerNorm(d_model, norm_options(o)))), norm3(add("norm3", LayerNorm(d_model, norm_options(o)))),
      dropout1(add("dropout1", Dropout(o.dropout))), dropout2(add("dropout2", Dropout(o.dropout))), dropout3(add("dropout3", Dropout(o.dropout))) {}

Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory, const DecoderMasks& m) const {
  return observed(
      [&] {
        const auto attend = [&](const Tensor& x) {
          return dropout1(
              self_attn(x, x, x,
                        {.key_padding_mask = m.tgt_key_padding_mask, .need_weights = false, .attn_mask = m.tgt_mask, .is_causal = m.tgt_is_causal})
                  .output);
        };
        const auto look = [&](const Tensor& x) {
          return dropout2(
              multihead_attn(
                  x, memory, memory,
                  {.key_padding_mask = m.memory_key_padding_mask, .need_weights = false, .attn_mask = m.memory_mask, .is_causal = m.memory_is_causal})
                  .output);
        };
        const auto feed = [&](const Tensor& x) { return dropout3(linear2(dropout(options.activation(linear1(x))))); };
        if (!options.norm_first) {
          const Tensor x = norm1(tgt + attend(tgt)), y = norm2(x + look(x));
          return norm3(y + feed(y));
        }
        const Tensor x = tgt + attend(norm1(tgt)), y = x + look(norm2(x));
        return y + feed(norm3(y));
      },
      tgt, memory);
}

TransformerEncoderLayer TransformerEncoderLayer::clone() const {
  return copy_of([&] { return TransformerEncoderLayer(d_model, nhead, options); });
}
TransformerDecoderLayer TransformerDecoderLayer::clone() const {
  return copy_of([&] { return TransformerDecoderLayer(d_model, nhead, options); });
}

// --- stacks

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, int64_t num_layers, bool enable_nested_tensor)
    : num_layers(num_layers), enable_nested_tensor(enable_nested_tensor), layers(add("layers", ModuleList())) {
  append_copies(layers, layer, num_layers);
}
TransformerEncoder::TransformerEncoder(const TransformerEncoder* like)
    : num_layers(like->num_layers), enable_nested_tensor(like->enable_nested_tensor), layers(add("layers", ModuleList())) {}
TransformerEncoder TransformerEncoder::clone() const {
  TransformerEncoder copy = copy_of([&] { return TransformerEncoder(this); });
  copy.norm_ = norm_of(copy);
  return copy;
}

/// PyTorch's encoder computes such a batch without its padding, and fills that with 0.
bool TransformerEncoder::clears_padding(const Tensor& src, const EncoderMasks& masks) const {
  const auto& first = static_cast<const ModuleList&>(layers)[0].as<TransformerEncoderLayer>();
  const bool suits = enable_nested_tensor && !first.options.norm_first && first.options.batch_first && first.options.bias &&
                     first.options.activation.is_named() && first.nhead % 2 == 0;
  if (!suits || first.is_training() || src.dim() != 3 || !masks.src_key_padding_mask.defined() || masks.mask.defined()) return false;
  if (will_record({src, first.self_attn.in_proj_weight, first.linear1.weight, first.norm1.weight})) return false;
  const Tensor kept = masks.src_key_padding_mask.dtype() == kBool ? logical_not(masks.src_key_padding_mask) : eq(masks.src_key_padding_mask, 0);
  const int64_t length = kept.size(-1);
  if (length < 2) return true;  // of one position nothing is out of order
  const Tensor starts = logical_and(kept.narrow(1, 1, length - 1), logical_not(kept.narrow(1, 0, length - 1)));
  return !any(starts).item<bool>();  // padding is behind, never in between
}

Tensor TransformerEncoder::operator()(const Tensor& src, const EncoderMasks& masks) const {
  return observed(
      [&] {
        require_defined("TransformerEncoder", src);
        const bool clears = clears_padding(src, masks);
        EncoderMasks each = masks;
        const auto& first = static_cast<const ModuleList&>(layers)[0].as<TransformerEncoderLayer>();
        if (!each.is_causal) each.is_causal = is_causal_mask(masks.mask, positions_of(src, first.options.batch_first));
        Tensor x = src;
        for (int64_t i = 0; i < num_layers; ++i) x = static_cast<const ModuleList&>(layers)[i].as<TransformerEncoderLayer>()(x, each);
        if (clears) {
          const Tensor hidden = masks.src_key_padding_mask.dtype() == kBool ? masks.src_key_padding_mask : ne(masks.src_key_padding_mask, 0);
          x = x.masked_fill(hidden.unsqueeze(-1), 0);
        }
        return norm_ ? (*norm_)(x) : x;
      },
      src);
}
Tensor TransformerEncoder::forward(const Tensor& src) { return (*this)(src, EncoderMasks{}); }

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, int64_t num_layers)
    : num_layers(num_layers), layers(add("layers", ModuleList())) {
  append_copies(layers, layer, num_layers);
}
TransformerDecoder::TransformerDecoder(const TransformerDecoder* like) : num_layers(like->num_layers), layers(add("layers", ModuleList())) {}
TransformerDecoder TransformerDecoder::clone() const {
  TransformerDecoder copy = copy_of([&] { return TransformerDecoder(this); });
  copy.norm_ = norm_of(copy);
  return copy;
}

Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks) const {
  return observed(
      [&] {
        require_defined("TransformerDecoder", tgt, memory);
        DecoderMasks each = masks;
        const auto layer = [&](int64_t i) -> const TransformerDecoderLayer& {
          return static_cast<const ModuleList&>(layers)[i].as<TransformerDecoderLayer>();
        };
        if (!each.tgt_is_causal) each.tgt_is_causal = is_causal_mask(masks.tgt_mask, positions_of(tgt, layer(0).options.batch_first));
        Tensor x = tgt;
        for (int64_t i = 0; i < num_layers; ++i) x = layer(i)(x, memory, each);
        return norm_ ? (*norm_)(x) : x;
      },
      tgt, memory);
}

// --- the whole

Transformer::Transformer(TransformerOptions o)
    : options(o), encoder(add("encoder", TransformerEncoder(TransformerEncoderLayer(o.d_model, o.nhead, layer_options(o)), o.num_encoder_layers,
                                                            LayerNorm(o.d_model, {.eps = o.layer_norm_eps, .bias = o.bias})))),
      decoder(add("decoder", TransformerDecoder(TransformerDecoderLayer(o.d_model, o.nhead, layer_options(o)), o.num_decoder_layers,
                                                LayerNorm(o.d_model, {.eps = o.layer_norm_eps, .bias = o.bias})))) {
  for (const Tensor& parameter : parameters())
    if (parameter.dim() > 1) init::xavier_uniform_(parameter);
}

Tensor Transformer::operator()(const Tensor& src, const Tensor& tgt, const TransformerMasks& m) const {
  return observed(
      [&] {
        require_defined("Transformer", src, tgt);
        const int batch = options.batch_first ? 0 : 1;
        check<RuntimeError>(src.dim() != 3 || tgt.dim() != 3 || src.sizes()[batch] == tgt.sizes()[batch],
                            "the batch number of src and tgt must be equal");
        check<RuntimeError>(src.size(-1) == options.d_model && tgt.size(-1) == options.d_model,
                            "the feature number of src and tgt must be equal to d_model");
        const Tensor memory = encoder(src, {.mask = m.src_mask, .src_key_padding_mask = m.src_key_padding_mask, .is_causal = m.src_is_causal});
        return decoder(tgt, memory,
                       {.tgt_mask = m.tgt_mask,
                        .memory_mask = m.memory_mask,
                        .tgt_key_padding_mask = m.tgt_key_padding_mask,
                        .memory_key_padding_mask = m.memory_key_padding_mask,
                        .tgt_is_causal = m.tgt_is_causal,
                        .memory_is_causal = m.memory_is_causal});
      },
      src, tgt);
}

Tensor Transformer::generate_square_subsequent_mask(int64_t size, DType dtype) {
  return triu(full({size, size}, -std::numeric_limits<double>::infinity(), dtype == DType::Undefined ? get_default_dtype() : dtype), 1);
}

Transformer Transformer::clone() const {
  return copy_of([&] { return Transformer(options); });
}

}  // namespace ember::nn
