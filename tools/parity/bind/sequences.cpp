// Sequences and attention by PyTorch's names: modules whose calls take states and masks, and the functions they are made of.
#include "bind/module_binding.h"
#include "bind/reduction.h"

#include <ember/nn/attention.h>
#include <ember/nn/ctc_loss.h>
#include <ember/nn/embedding_bag.h>
#include <ember/nn/rnn.h>
#include <ember/nn/transformer.h>

namespace ember::parity {
namespace {

namespace packing = nn::utils::rnn;

/// A module with its own forward.
template <class M, class Forward>
BoundModule bound_as(M&& module, const char* signature, Forward forward) {
  BoundModule result;
  auto own = std::make_unique<std::remove_cvref_t<M>>(static_cast<M&&>(module));
  auto* const m = own.get();
  result.module = std::move(own);
  result.forward_signature = signature;
  result.forward = [m, forward](Args& a) { return Result(forward(*m, a)); };
  return result;
}

nn::LSTMState state_of(const Argument& hx) {
  if (hx.is_none()) return {};
  const std::vector<Tensor> both = hx.tensors();
  return {both.at(0), both.at(1)};
}

const char* word_of(const Argument& argument) {  // options keep pointers
  static std::vector<std::unique_ptr<std::string>> words;
  words.push_back(std::make_unique<std::string>(argument.text()));
  return words.back()->c_str();
}

constexpr const char* kRecurrent = "input hx=None";

/// PyTorch refuses numbers here.
bool flag(const Argument& argument, const char* name) {
  if (!argument.value().is<bool>()) throw TypeError(std::string(name) + " should be of type bool, got: " + argument.value().describe());
  return argument;
}

BoundModule rnn_of(Args& a) {
  return bound_as(nn::RNN(a[0], a[1], {a[2], word_of(a[3]), flag(a[4], "bias"), flag(a[5], "batch_first"), a[6], a[7]}), kRecurrent,
                  [](nn::RNN& m, Args& x) {
                    const nn::RNNResult all = m(x[0].tensor(), x[1].tensor());
                    return Result{all.output, all.h_n};
                  });
}
BoundModule gru_of(Args& a) {
  return bound_as(nn::GRU(a[0], a[1], {a[2], flag(a[3], "bias"), flag(a[4], "batch_first"), a[5], a[6]}), kRecurrent, [](nn::GRU& m, Args& x) {
    const nn::RNNResult all = m(x[0].tensor(), x[1].tensor());
    return Result{all.output, all.h_n};
  });
}
BoundModule lstm_of(Args& a) {
  return bound_as(nn::LSTM(a[0], a[1], {a[2], flag(a[3], "bias"), flag(a[4], "batch_first"), a[5], a[6], a[7]}), kRecurrent,
                  [](nn::LSTM& m, Args& x) {
                    const nn::LSTMResult all = m(x[0].tensor(), state_of(x[1]));
                    return Result{all.output, all.state.h, all.state.c};
                  });
}

ModuleTable recurrent_modules() {
  return {
      {"nn.RNN", "input_size hidden_size num_layers=1 nonlinearity='tanh' bias=True batch_first=False dropout=0.0 bidirectional=False", rnn_of},
      {"nn.GRU", "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False", gru_of},
      {"nn.LSTM", "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False proj_size=0", lstm_of},
      {"nn.RNNCell", "input_size hidden_size bias=True nonlinearity='tanh'",
       [](Args& a) {
         if (a[3].text() != "tanh" && a[3].text() != "relu") throw RuntimeError("Unknown nonlinearity: " + a[3].text());
         return bound_as(nn::RNNCell(a[0], a[1], {a[2], word_of(a[3])}), kRecurrent,
                         [](nn::RNNCell& m, Args& x) { return m(x[0].tensor(), x[1].tensor()); });
       }},
      {"nn.GRUCell", "input_size hidden_size bias=True",
       [](Args& a) {
         return bound_as(nn::GRUCell(a[0], a[1], a[2]), kRecurrent, [](nn::GRUCell& m, Args& x) { return m(x[0].tensor(), x[1].tensor()); });
       }},
      {"nn.LSTMCell", "input_size hidden_size bias=True",
       [](Args& a) {
         return bound_as(nn::LSTMCell(a[0], a[1], a[2]), kRecurrent, [](nn::LSTMCell& m, Args& x) {
           const nn::LSTMState next = m(x[0].tensor(), state_of(x[1]));
           return Result{next.h, next.c};
         });
       }},
  };
}

Result of_attention(const MultiHeadAttention& all) { return {Value(all.output), all.weights.defined() ? Value(all.weights) : Value()}; }

nn::TransformerLayerOptions layer_options(Args& a) {
  const std::string word = a[4].text();
  return {.dim_feedforward = a[2],
          .dropout = a[3],
          .activation = word_of(a[4]),
          .layer_norm_eps = a[5],
          .batch_first = a[6],
          .norm_first = a[7],
          .bias = a[8]};
}

BoundModule multihead_attention_of(Args& a) {
  const nn::MultiheadAttentionOptions options{.dropout = a[2],
                                              .bias = a[3],
                                              .add_bias_kv = a[4],
                                              .add_zero_attn = a[5],
                                              .kdim = a[6].integer_or(0),
                                              .vdim = a[7].integer_or(0),
                                              .batch_first = a[8]};
  return bound_as(nn::MultiheadAttention(a[0], a[1], options),
                  "query key value key_padding_mask=None need_weights=True attn_mask=None average_attn_weights=True is_causal=False",
                  [](nn::MultiheadAttention& m, Args& x) { return of_attention(m(x[0], x[1], x[2], {x[3], x[4], x[5], x[6], x[7]})); });
}

BoundModule transformer_of(Args& a) {
  if (!a[7].is_none() || !a[8].is_none()) throw Unsupported("custom_encoder of nn.Transformer");
  const nn::TransformerOptions options{.d_model = a[0],
                                       .nhead = a[1],
                                       .num_encoder_layers = a[2],
                                       .num_decoder_layers = a[3],
                                       .dim_feedforward = a[4],
                                       .dropout = a[5],
                                       .activation = word_of(a[6]),
                                       .layer_norm_eps = a[9],
                                       .batch_first = a[10],
                                       .norm_first = a[11],
                                       .bias = a[12]};
  return bound_as(
      nn::Transformer(options),
      "src tgt src_mask=None tgt_mask=None memory_mask=None src_key_padding_mask=None tgt_key_padding_mask=None memory_key_padding_mask=None "
      "src_is_causal=None tgt_is_causal=None memory_is_causal=False",
      [](nn::Transformer& m, Args& x) {
        const auto yes = [&](std::size_t i) { return !x[i].is_none() && x[i].boolean(); };
        return m(x[0], x[1], {x[2], x[3], x[4], x[5], x[6], x[7], yes(8), yes(9), yes(10)});
      });
}

ModuleTable attention_modules() {
  constexpr const char*
      kLayer = "d_model nhead dim_feedforward=2048 dropout=0.1 activation='relu' layer_norm_eps=1e-5 batch_first=False norm_first=False bias=True";
  return {
      {"nn.MultiheadAttention",
       "embed_dim num_heads dropout=0.0 bias=True add_bias_kv=False add_zero_attn=False kdim=None vdim=None batch_first=False",
       multihead_attention_of},
      {"nn.TransformerEncoderLayer", kLayer,
       [](Args& a) {
         return bound_as(nn::TransformerEncoderLayer(a[0], a[1], layer_options(a)), "src src_mask=None src_key_padding_mask=None is_causal=False",
                         [](nn::TransformerEncoderLayer& m, Args& x) { return m(x[0], {x[1], x[2], x[3]}); });
       }},
      {"nn.TransformerDecoderLayer", kLayer,
       [](Args& a) {
         return bound_as(nn::TransformerDecoderLayer(a[0], a[1], layer_options(a)),
                         "tgt memory tgt_mask=None memory_mask=None tgt_key_padding_mask=None memory_key_padding_mask=None tgt_is_causal=False "
                         "memory_is_causal=False",
                         [](nn::TransformerDecoderLayer& m, Args& x) { return m(x[0], x[1], {x[2], x[3], x[4], x[5], x[6], x[7]}); });
       }},
      {"nn.Transformer",
       "d_model=512 nhead=8 num_encoder_layers=6 num_decoder_layers=6 dim_feedforward=2048 dropout=0.1 activation='relu' custom_encoder=None "
       "custom_decoder=None layer_norm_eps=1e-5 batch_first=False norm_first=False bias=True",
       transformer_of},
  };
}

ModuleTable other_modules() {
  return {
      {"nn.EmbeddingBag",
       "num_embeddings embedding_dim max_norm=None norm_type=2.0 scale_grad_by_freq=False mode='mean' sparse=~False _weight=~None "
       "include_last_offset=False "
       "padding_idx=None",
       [](Args& a) {
         const nn::EmbeddingBagLayerOptions options{a[2].real_or(0), a[3], a[4], word_of(a[5]), a[8], a[9].integer_or(INT64_MIN)};
         return bound_as(nn::EmbeddingBag(a[0], a[1], options), "input offsets=None per_sample_weights=None",
                         [](nn::EmbeddingBag& m, Args& x) { return m(x[0], x[1], x[2]); });
       }},
      {"nn.CTCLoss", "blank=0 reduction='mean' zero_infinity=False",
       [](Args& a) {
         return bound_as(nn::CTCLoss({a[0], reduction_of(a[1].text()), a[2]}), "log_probs targets input_lengths target_lengths",
                         [](nn::CTCLoss& m, Args& x) { return m(x[0], x[1], x[2], x[3]); });
       }},
  };
}

/// Lengths as a tensor or as a list.
Tensor lengths_of(const Argument& lengths) {
  if (lengths.is_tensor()) return lengths.tensor();
  const std::vector<int64_t> numbers = lengths.ints();
  return from_blob(const_cast<int64_t*>(numbers.data()), {int64_t(numbers.size())}, kInt64).clone();
}

Result of_packed(const packing::PackedSequence& p) {
  const auto value = [](const Tensor& t) { return t.defined() ? Value(t) : Value(); };
  return {Value(p.data), Value(p.batch_sizes), value(p.sorted_indices), value(p.unsorted_indices)};
}

packing::PackedSequence packed_of(const Argument& argument) {
  const List& parts = *argument.value().as<List>();
  const auto part = [&](std::size_t i) { return i < parts.size() && !parts[i].is_none() ? *parts[i].as<Tensor>() : Tensor(); };
  return {part(0), part(1), part(2), part(3)};
}

}  // namespace

ModuleTable sequence_modules() {
  ModuleTable all;
  for (auto* table : {recurrent_modules, attention_modules, other_modules})
    for (const ModuleRow& row : table()) all.push_back(row);
  return all;
}

Table sequence_table() {
  return {
      {"nn.functional.scaled_dot_product_attention", "query key value attn_mask=None dropout_p=0.0 is_causal=False scale=None enable_gqa=False",
       [](Args& a) { return scaled_dot_product_attention(a[0], a[1], a[2], {a[3], a[4], a[5], a[6].real_or(kScaleByWidth), a[7]}); }},
      {"nn.functional.multi_head_attention_forward",
       "query key value embed_dim_to_check num_heads in_proj_weight in_proj_bias bias_k bias_v add_zero_attn dropout_p out_proj_weight out_proj_bias "
       "training=True key_padding_mask=None need_weights=True attn_mask=None use_separate_proj_weight=False q_proj_weight=None k_proj_weight=None "
       "v_proj_weight=None static_k=None static_v=None average_attn_weights=True is_causal=False",
       [](Args& a) {
         const Tensor query = a[0];
         if (query.size(-1) != a[3].integer()) throw RuntimeError("was expecting embedding dimension of " + std::to_string(a[3].integer()));
         const bool separate = a[17];
         const AttentionWeights weights{separate ? Tensor() : a[5].tensor(), a[6], a[18], a[19], a[20], a[7], a[8], a[11], a[12]};
         return of_attention(multi_head_attention_forward(query, a[1], a[2], a[4], weights,
                                                          {.add_zero_attn = a[9],
                                                           .dropout_p = a[10],
                                                           .training = a[13],
                                                           .key_padding_mask = a[14],
                                                           .need_weights = a[15],
                                                           .attn_mask = a[16],
                                                           .static_k = a[21],
                                                           .static_v = a[22],
                                                           .average_attn_weights = a[23],
                                                           .is_causal = a[24]}));
       }},
      {"nn.functional.embedding_bag",
       "input weight offsets=None max_norm=None norm_type=2 scale_grad_by_freq=False mode='mean' sparse=~False per_sample_weights=None "
       "include_last_offset=False padding_idx=None",
       [](Args& a) {
         const bool swapped = a[0].is_tensor() && a[0].tensor().is_floating_point();  // the old order, which PyTorch takes as well
         return embedding_bag(a[swapped ? 1 : 0], a[swapped ? 0 : 1],
                              {.offsets = a[2],
                               .max_norm = a[3].real_or(0),
                               .norm_type = a[4],
                               .scale_grad_by_freq = a[5],
                               .mode = word_of(a[6]),
                               .per_sample_weights = a[8],
                               .include_last_offset = a[9],
                               .padding_idx = a[10].integer_or(INT64_MIN)});
       }},
      {"nn.functional.ctc_loss", "log_probs targets input_lengths target_lengths blank=0 reduction='mean' zero_infinity=False",
       [](Args& a) { return ctc_loss(a[0], a[1], lengths_of(a[2]), lengths_of(a[3]), {a[4], reduction_of(a[5].text()), a[6]}); }},
      {"nn.utils.rnn.pack_padded_sequence", "input lengths batch_first=False enforce_sorted=True",
       [](Args& a) { return of_packed(packing::pack_padded_sequence(a[0], lengths_of(a[1]), {a[2], a[3]})); }},
      {"nn.utils.rnn.pad_packed_sequence", "sequence batch_first=False padding_value=0.0 total_length=None",
       [](Args& a) {
         const packing::PaddedSequences padded = packing::pad_packed_sequence(packed_of(a[0]), {a[1], a[2], a[3].integer_or(-1)});
         return Result{padded.output, padded.lengths};
       }},
      {"nn.utils.rnn.pad_sequence", "sequences batch_first=False padding_value=0.0 padding_side='right'",
       [](Args& a) { return packing::pad_sequence(a[0].tensors(), {a[1], a[2], word_of(a[3])}); }},
      {"nn.utils.rnn.pack_sequence", "sequences enforce_sorted=True",
       [](Args& a) { return of_packed(packing::pack_sequence(a[0].tensors(), a[1])); }},
      {"nn.utils.rnn.unpad_sequence", "padded_sequences lengths batch_first=False",
       [](Args& a) { return packing::unpad_sequence(a[0], lengths_of(a[1]), a[2]); }},
      {"nn.utils.rnn.unpack_sequence", "packed_sequences", [](Args& a) { return packing::unpack_sequence(packed_of(a[0])); }},
  };
}

}  // namespace ember::parity
