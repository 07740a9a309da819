// The rows of the gradcheck table for sequences and attention. Their backwards are kernels; what is differentiated twice is computed again
// from basic operations, so that gradgradcheck compares the two.
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {

/// y, h_n and c_n in one row.
Tensor everything(const RecurrentResult& r) {
  return r.c_n.defined() ? cat({r.output.flatten(), r.h_n.flatten(), r.c_n.flatten()}) : cat({r.output.flatten(), r.h_n.flatten()});
}

constexpr auto kind_row = [](RecurrentKind kind, RecurrentOptions options) {
  return [kind, options](In in) {
    const bool lstm = kind == RecurrentKind::LSTM;
    const std::size_t w = lstm ? 3 : 2;
    return everything(recurrent_layer(kind, in[0], in[1], lstm ? in[2] : Tensor(),
                                      {in[w], in[w + 1], in.size() > w + 2 ? in[w + 2] : Tensor(), in.size() > w + 3 ? in[w + 3] : Tensor(),
                                       in.size() > w + 4 ? in[w + 4] : Tensor()},
                                      options));
  };
};

}  // namespace

TEST_CASE("gradcheck: recurrent layers") {
  using K = RecurrentKind;
  const Tensor packed = tensor({3, 2, 1}, kInt64);
  run_gradchecks({
      {"recurrent_layer tanh", kind_row(K::Tanh, {}), {{3, 2, 2}, {2, 3}, {3, 2}, {3, 3}, {3}, {3}}},
      {"recurrent_layer tanh, no bias, reverse", kind_row(K::Tanh, {.reverse = true}), {{3, 2, 2}, {2, 3}, {3, 2}, {3, 3}}},
      {"recurrent_layer relu", kind_row(K::ReLU, {}), {{3, 2, 2}, {2, 3}, {3, 2}, {3, 3}, {3}, {3}}, 0.1, 1},
      {"recurrent_layer lstm", kind_row(K::LSTM, {}), {{3, 2, 2}, {2, 3}, {2, 3}, {12, 2}, {12, 3}, {12}, {12}}},
      {"recurrent_layer lstm, one step", kind_row(K::LSTM, {}), {{1, 1, 1}, {1, 1}, {1, 1}, {4, 1}, {4, 1}}},
      {"recurrent_layer lstm, reverse, packed", kind_row(K::LSTM, {true, packed}), {{6, 2}, {3, 2}, {3, 2}, {8, 2}, {8, 2}, {8}, {8}}},
      {"recurrent_layer lstm, packed", kind_row(K::LSTM, {false, packed}), {{6, 2}, {3, 2}, {3, 2}, {8, 2}, {8, 2}, {8}, {8}}},
      {"recurrent_layer lstm, projection", kind_row(K::LSTM, {}), {{3, 2, 2}, {2, 2}, {2, 3}, {12, 2}, {12, 2}, {12}, {12}, {2, 3}}},
      {"recurrent_layer lstm, nothing", kind_row(K::LSTM, {}), {{2, 0, 2}, {0, 3}, {0, 3}, {12, 2}, {12, 3}, {12}, {12}}},
      {"recurrent_layer gru", kind_row(K::GRU, {}), {{3, 2, 2}, {2, 3}, {9, 2}, {9, 3}, {9}, {9}}},
      {"recurrent_layer gru, no bias", kind_row(K::GRU, {}), {{2, 2, 2}, {2, 3}, {9, 2}, {9, 3}}},
      {"recurrent_layer gru, reverse, packed", kind_row(K::GRU, {true, packed}), {{6, 2}, {3, 2}, {6, 2}, {6, 2}, {6}, {6}}},
  });
}

TEST_CASE("gradcheck: attention") {
  const Tensor mask = tensor({{true, false, true}, {true, true, false}});
  const Tensor numbers = tensor({{0.5, -0.3, 0.1}, {0.2, 0.7, -0.6}}, kFloat64);
  const auto attend = [](AttentionOptions options) {
    return [options](In in) { return scaled_dot_product_attention(in[0], in[1], in[2], options); };
  };
  run_gradchecks({
      {"scaled_dot_product_attention", attend({}), {{2, 2, 2, 3}, {2, 2, 3, 3}, {2, 2, 3, 2}}},
      {"scaled_dot_product_attention, causal", attend({.is_causal = true}), {{1, 2, 3, 2}, {1, 2, 4, 2}, {1, 2, 4, 2}}},
      {"scaled_dot_product_attention, bool mask", attend({.attn_mask = mask}), {{1, 2, 2, 2}, {1, 2, 3, 2}, {1, 2, 3, 2}}},
      {"scaled_dot_product_attention, numbers as mask", attend({.attn_mask = numbers, .scale = 0.7}), {{2, 2, 2}, {2, 3, 2}, {2, 3, 1}}},
      {"scaled_dot_product_attention, a mask that learns",
       [](In in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.attn_mask = in[3]}); },
       {{2, 2}, {3, 2}, {3, 2}, {2, 3}}},
      {"scaled_dot_product_attention, a blind query", attend({.attn_mask = tensor({{false, false}, {true, true}})}), {{2, 2}, {2, 2}, {2, 2}}},
      {"scaled_dot_product_attention, shared heads", attend({.enable_gqa = true}), {{1, 4, 2, 2}, {1, 2, 2, 2}, {1, 2, 2, 2}}},
      {"scaled_dot_product_attention, broadcast", attend({}), {{2, 1, 2, 2}, {1, 2, 3, 2}, {2, 2, 3, 2}}},
      {"scaled_dot_product_attention, no keys", attend({}), {{1, 1, 2, 2}, {1, 1, 0, 2}, {1, 1, 0, 2}}},
      {"scaled_dot_product_attention, dropout",
       [](In in) {
         manual_seed(5);
         return scaled_dot_product_attention(in[0], in[1], in[2], {.dropout_p = 0.4});
       },
       {{1, 2, 2, 2}, {1, 2, 3, 2}, {1, 2, 3, 2}}},
  });
  const auto heads = [](MultiHeadOptions options) {
    return [options](In in) {
      return multi_head_attention_forward(in[0], in[1], in[1], 2,
                                          {.in_proj_weight = in[2], .in_proj_bias = in[3], .out_proj_weight = in[4], .out_proj_bias = in[5]}, options)
          .output;
    };
  };
  run_gradchecks({
      {"multi_head_attention_forward", heads({}), {{2, 2, 4}, {3, 2, 4}, {12, 4}, {12}, {4, 4}, {4}}},
      {"multi_head_attention_forward, without weights",
       heads({.need_weights = false, .batch_first = true}),
       {{2, 2, 4}, {2, 3, 4}, {12, 4}, {12}, {4, 4}, {4}}},
      {"multi_head_attention_forward, weights",
       [](In in) {
         return multi_head_attention_forward(in[0], in[0], in[0], 1,
                                             {.q_proj_weight = in[1], .k_proj_weight = in[1], .v_proj_weight = in[1], .out_proj_weight = in[1]})
             .weights;
       },
       {{2, 1, 2}, {2, 2}}},
  });
}

TEST_CASE("gradcheck: bags and alignments") {
  const Tensor bags = tensor({0, 2, 2}), flat = tensor({0, 2, 2, 1}), weights = tensor({0.5, -1.0, 2.0, 1.5}, kFloat64);
  run_gradchecks({
      {"embedding_bag", [=](In in) { return embedding_bag(flat, in[0], {.offsets = bags}); }, {{3, 2}}},
      {"embedding_bag, sum", [=](In in) { return embedding_bag(flat, in[0], {.offsets = bags, .mode = "sum", .padding_idx = 1}); }, {{4, 2}}},
      {"embedding_bag, max", [=](In in) { return embedding_bag(flat.view(2, 2), in[0], {.mode = "max"}); }, {{3, 2}}},
      {"embedding_bag, weights",
       [=](In in) { return embedding_bag(flat, in[0], {.offsets = bags, .mode = "sum", .per_sample_weights = in[1]}); },
       {{3, 2}, {4}}},
  });
  // Its gradient is that with respect to what log_softmax was applied to; PyTorch has no second derivative.
  const Tensor targets = tensor({{1, 2, 1}, {2, 2, 0}}), long_enough = tensor({5, 4}), lengths = tensor({3, 2});
  run_gradcheck({"ctc_loss", [=](In in) { return ctc_loss(log_softmax(in[0], -1), targets, long_enough, lengths); }, {{5, 2, 4}}, -1, 1, false});
  run_gradcheck({"ctc_loss, each",
                 [=](In in) { return ctc_loss(log_softmax(in[0], -1), targets, long_enough, lengths, {.blank = 3, .reduction = "none"}); },
                 {{5, 2, 4}},
                 -1,
                 1,
                 false});
}
