// Encoders and decoders of attention. As torch.nn.Transformer and its parts. Vaswani et al. 2017.
#pragma once

#include <ember/nn/attention.h>
#include <ember/nn/dropout.h>
#include <ember/nn/norm.h>
#include <ember/nn/sequential.h>

namespace ember::nn {

/// What stands between the two linear layers of a transformer's layer: "relu", "gelu", or any function of one tensor.
class TransformerActivation {
 public:
  TransformerActivation(const char* name);  ///< throws RuntimeError "activation should be relu/gelu, not tanh"
  TransformerActivation(Tensor (*function)(const Tensor&)) : function_(function) {}
  Tensor operator()(const Tensor& x) const { return function_(x); }
  bool is_named() const { return named_; }

 private:
  Tensor (*function_)(const Tensor&);
  bool named_ = false;
};

struct TransformerLayerOptions {
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  TransformerActivation activation = "relu";
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  ///< (N, L, E) in place of (L, N, E)
  bool norm_first = false;   ///< norms in front of attention and feed-forward, not behind the sums
  bool bias = true;
};

struct EncoderMasks {
  OptionalTensor mask = {};                  ///< (L, L) or (N * heads, L, L): true where a position is hidden, or numbers that are added
  OptionalTensor src_key_padding_mask = {};  ///< (N, L): true where a position is none
  bool is_causal = false;                    ///< mask hides what comes later and nothing else
};
struct DecoderMasks {
  OptionalTensor tgt_mask = {}, memory_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool tgt_is_causal = false, memory_is_causal = false;
};
struct TransformerMasks {
  OptionalTensor src_mask = {}, tgt_mask = {}, memory_mask = {}, src_key_padding_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool src_is_causal = false, tgt_is_causal = false, memory_is_causal = false;
};

/// Self-attention, then two linear layers, each with dropout, a sum and a norm. src (L, N, d_model), or without N.
class TransformerEncoderLayer final : public Module {
 public:
  TransformerEncoderLayer(int64_t d_model, int64_t nhead, TransformerLayerOptions options = {});
  Tensor operator()(const Tensor& src, const EncoderMasks& masks = {}) const;
  Tensor forward(const Tensor& src) override;
  TransformerEncoderLayer clone() const;

  const int64_t d_model, nhead;
  const TransformerLayerOptions options;
  MultiheadAttention& self_attn;
  Linear& linear1;
  Dropout& dropout;
  Linear& linear2;
  LayerNorm& norm1;
  LayerNorm& norm2;
  Dropout& dropout1;
  Dropout& dropout2;
};

/// Self-attention, attention to the encoder's memory, then two linear layers. tgt (T, N, d_model), memory (S, N, d_model).
class TransformerDecoderLayer final : public Module {
 public:
  TransformerDecoderLayer(int64_t d_model, int64_t nhead, TransformerLayerOptions options = {});
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {}) const;
  TransformerDecoderLayer clone() const;

  const int64_t d_model, nhead;
  const TransformerLayerOptions options;
  MultiheadAttention& self_attn;
  MultiheadAttention& multihead_attn;
  Linear& linear1;
  Dropout& dropout;
  Linear& linear2;
  LayerNorm& norm1;
  LayerNorm& norm2;
  LayerNorm& norm3;
  Dropout& dropout1;
  Dropout& dropout2;
  Dropout& dropout3;
};

/// Copies of one layer, one after the other, which all start with its weights; then a norm, where one is given. In evaluation, without
/// gradients, and with src_key_padding_mask alone, padded positions come out as PyTorch's encoder gives them: 0 in front of the norm
/// (enable_nested_tensor; for layers with batch_first, biases, an even number of heads and norms behind the sums).
class TransformerEncoder final : public Module {
 public:
  TransformerEncoder(const TransformerEncoderLayer& layer, int64_t num_layers, bool enable_nested_tensor = true);
  template <class Norm>
    requires std::is_base_of_v<Module, Norm>
  TransformerEncoder(const TransformerEncoderLayer& layer, int64_t num_layers, Norm&& norm, bool enable_nested_tensor = true)
      : TransformerEncoder(layer, num_layers, enable_nested_tensor) {
    norm_ = &add("norm", static_cast<Norm&&>(norm));
  }
  Tensor operator()(const Tensor& src, const EncoderMasks& masks = {}) const;
  Tensor forward(const Tensor& src) override;
  TransformerEncoder clone() const;

  const int64_t num_layers;
  const bool enable_nested_tensor;
  ModuleList& layers;

 private:
  Module* norm_ = nullptr;
  bool clears_padding(const Tensor& src, const EncoderMasks& masks) const;
  explicit TransformerEncoder(const TransformerEncoder* like);
};

/// As TransformerEncoder, of decoder layers.
class TransformerDecoder final : public Module {
 public:
  TransformerDecoder(const TransformerDecoderLayer& layer, int64_t num_layers);
  template <class Norm>
    requires std::is_base_of_v<Module, Norm>
  TransformerDecoder(const TransformerDecoderLayer& layer, int64_t num_layers, Norm&& norm) : TransformerDecoder(layer, num_layers) {
    norm_ = &add("norm", static_cast<Norm&&>(norm));
  }
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {}) const;
  TransformerDecoder clone() const;

  const int64_t num_layers;
  ModuleList& layers;

 private:
  Module* norm_ = nullptr;
  explicit TransformerDecoder(const TransformerDecoder* like);
};

struct TransformerOptions {
  int64_t d_model = 512, nhead = 8, num_encoder_layers = 6, num_decoder_layers = 6, dim_feedforward = 2048;
  double dropout = 0.1;
  TransformerActivation activation = "relu";
  double layer_norm_eps = 1e-5;
  bool batch_first = false, norm_first = false, bias = true;
};

/// Encoder and decoder, each with a norm behind; all matrices start Xavier uniform. src (S, N, d_model), tgt (T, N, d_model) -> (T, N, d_model).
/// Throws RuntimeError "the batch number of src and tgt must be equal".
class Transformer final : public Module {
 public:
  explicit Transformer(TransformerOptions options = {});
  Tensor operator()(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks = {}) const;
  Transformer clone() const;
  /// (size, size): -inf above the diagonal, 0 elsewhere, so that no position sees a later one.
  static Tensor generate_square_subsequent_mask(int64_t size, DType dtype = DType::Undefined);

  const TransformerOptions options;
  TransformerEncoder& encoder;
  TransformerDecoder& decoder;
};

}  // namespace ember::nn
