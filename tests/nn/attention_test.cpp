// Attention and transformers: tiles against the formula, masks, what each position sees, threads, copies, and what is refused.
#include <cmath>
#include <limits>

#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();

/// The formula as it is written.
Tensor by_formula(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& added) {
  const Tensor scores = matmul(q, k.mT()) / std::sqrt(double(q.size(-1)));
  return matmul(softmax(added.defined() ? scores + added : scores, -1), v);
}

struct Found {
  std::vector<Tensor> all;
};
template <class Attend>
Found values_and_gradients(const Attend& attend, int64_t queries, int64_t keys) {
  manual_seed(7);
  const Tensor q = randn({2, 3, queries, 20}).requires_grad_(), k = randn({2, 3, keys, 20}).requires_grad_(),
               v = randn({2, 3, keys, 9}).requires_grad_();
  const Tensor y = attend(q, k, v);
  y.backward(randn(y.sizes()));
  return {{y.detach(), q.grad(), k.grad(), v.grad()}};
}

}  // namespace

TEST_CASE("attention in tiles is softmax(q k^T / sqrt(E) + mask) v, with its gradients, across the edges of the tiles") {
  const auto check = [](const AttentionOptions& options, const Tensor& added, int64_t queries, int64_t keys) {
    INFO(queries << " x " << keys);
    const Found tiles = values_and_gradients([&](auto&... t) { return scaled_dot_product_attention(t..., options); }, queries, keys);
    const Found formula = values_and_gradients([&](auto&... t) { return by_formula(t..., added); }, queries, keys);
    for (std::size_t i = 0; i < 4; ++i) CHECK_THAT(tiles.all[i], is_close(formula.all[i], 2e-4, 2e-5));
  };
  for (const auto& [queries, keys] : {std::pair<int64_t, int64_t>{1, 1}, {64, 128}, {65, 129}, {150, 300}, {130, 40}}) {
    check({}, {}, queries, keys);
    check({.is_causal = true}, triu(full({queries, keys}, -kInfinity), 1), queries, keys);
    const Tensor kept = ne(randint(0, 3, {2, 1, 1, keys}), 0) | eq(arange(keys), 0);
    check({.attn_mask = kept}, zeros({2, 1, 1, keys}).masked_fill(logical_not(kept), -kInfinity), queries, keys);
    const Tensor numbers = randn({3, queries, keys});
    check({.attn_mask = numbers}, numbers, queries, keys);
  }
}

TEST_CASE("attention has the same bits on any number of threads") {
  const int before = get_num_threads();
  set_num_threads(1);
  const Found one = values_and_gradients([](auto&... t) { return scaled_dot_product_attention(t...); }, 200, 200);
  set_num_threads(3);
  const Found three = values_and_gradients([](auto&... t) { return scaled_dot_product_attention(t...); }, 200, 200);
  set_num_threads(before);
  for (std::size_t i = 0; i < 4; ++i) CHECK(equal(one.all[i], three.all[i]));
}

TEST_CASE("attention over long sequences does not hold the matrix of scores") {
  const int64_t length = 4096;  // 64 MB of scores
  const Tensor q = randn({1, 1, length, 8}).requires_grad_();
  empty_cache();
  scaled_dot_product_attention(q, q, q).sum().backward();
  CHECK(memory_stats().in_use + memory_stats().cached < 32 * 1024 * 1024);
}

TEST_CASE("a query that sees no key gives 0 and has no gradient") {
  const Tensor q = randn({1, 1, 2, 4}).requires_grad_();
  const Tensor y = scaled_dot_product_attention(q, q, q, {.attn_mask = tensor({{false, false}, {true, true}})});
  CHECK_THAT(y.select(2, 0), is_close(zeros({1, 1, 4})));
  y.sum().backward();
  CHECK(q.grad().isfinite().all().item<bool>());
}

TEST_CASE("multi-head attention: weights are shares, both ways agree, and batch_first only turns the input around") {
  manual_seed(8);
  const nn::MultiheadAttention attention(6, 2, {.kdim = 5, .vdim = 4});
  const Tensor q = randn({3, 2, 6}), k = randn({4, 2, 5}), v = randn({4, 2, 4}),
               padding = tensor({{false, false, true, false}, {false, true, true, true}});
  const auto [y, weights] = attention(q, k, v, {.key_padding_mask = padding});
  CHECK(weights.sizes() == IntArrayRef({2, 3, 4}));
  CHECK_THAT(weights.sum(-1), is_close(ones({2, 3})));
  CHECK_THAT(weights.select(0, 1).select(1, 3), is_close(zeros({3})));
  CHECK_THAT(attention(q, k, v, {.key_padding_mask = padding, .need_weights = false}).output, is_close(y, 1e-5, 1e-6));

  nn::MultiheadAttention first(6, 2, {.kdim = 5, .vdim = 4, .batch_first = true});
  first.load_state_dict(attention.state_dict());
  const Tensor turned = first(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), {.key_padding_mask = padding}).output;
  CHECK_THAT(turned.transpose(0, 1), is_close(y, 1e-5, 1e-6));
}

TEST_CASE("with a causal mask no position of a transformer sees what comes later") {
  manual_seed(9);
  nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 16, .batch_first = true, .norm_first = true}), 2,
                                 nn::LayerNorm(8), false);
  encoder.eval();
  const Tensor x = randn({1, 5, 8}), mask = nn::Transformer::generate_square_subsequent_mask(5);
  Tensor changed = x.clone();
  changed.select(1, 3).fill_(1);
  const Tensor before = encoder(x, {.mask = mask}).detach(), after = encoder(changed, {.mask = mask}).detach();
  CHECK(equal(before.narrow(1, 0, 3), after.narrow(1, 0, 3)));
  CHECK_FALSE(equal(before.narrow(1, 3, 1), after.narrow(1, 3, 1)));
  CHECK_THAT(encoder(x, {.mask = mask, .is_causal = true}), is_close(before));
}

TEST_CASE("an encoder's layers start alike, are its own, and padded positions come out as PyTorch gives them") {
  manual_seed(10);
  nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(4, 2, {.dim_feedforward = 8, .batch_first = true}), 2);
  CHECK(equal(encoder.get_parameter("layers.0.linear1.weight"), encoder.get_parameter("layers.1.linear1.weight")));
  CHECK_FALSE(encoder.get_parameter("layers.0.linear1.weight").shares_storage(encoder.get_parameter("layers.1.linear1.weight")));
  encoder.eval();
  const Tensor x = randn({2, 3, 4}), padding = tensor({{false, false, true}, {false, false, false}});
  NoGradGuard no_grad;
  const Tensor y = encoder(x, {.src_key_padding_mask = padding});
  CHECK_THAT(y.select(0, 0).select(0, 2), is_close(zeros({4})));
  CHECK_THAT(y.narrow(0, 1, 1), is_close(encoder(x.narrow(0, 1, 1)), 1e-5, 1e-6));
  CHECK(equal(nn::deep_copy(encoder)(x), encoder(x)));
}

TEST_CASE("a transformer is copied whole, with its norms, and trains") {
  manual_seed(11);
  nn::Transformer net({.d_model = 8, .nhead = 2, .num_encoder_layers = 1, .num_decoder_layers = 2, .dim_feedforward = 8, .dropout = 0});
  const Tensor src = randn({4, 3, 8}), tgt = randn({5, 3, 8});
  nn::Transformer other = nn::deep_copy(net);
  CHECK(other.state_dict().size() == net.state_dict().size());
  CHECK(equal(other(src, tgt).detach(), net(src, tgt).detach()));
  optim::SGD optimizer(net.parameters(), {.lr = 0.05});
  double first = 0, last = 0;
  for (int i = 0; i < 20; ++i) {
    optimizer.zero_grad();
    const Tensor loss = mse_loss(net(src, tgt), tgt);
    loss.backward();
    optimizer.step();
    (i == 0 ? first : last) = loss.item<double>();
  }
  CHECK(last < first);
}

TEST_CASE("attention refuses what does not fit, in PyTorch's words") {
  const auto r = [](std::initializer_list<int64_t> sizes) { return randn(sizes); };
  CHECK_THROWS_WITH(scaled_dot_product_attention(r({4}), r({4}), r({4})),
                    starts_with("Expected query, key, and value to all be  at least 2 dimensional"));
  CHECK_THROWS_WITH(scaled_dot_product_attention(r({2, 4}), r({3, 4}).to(kFloat64), r({3, 4})),
                    starts_with("Expected query, key, and value to have the same dtype"));
  CHECK_THROWS_WITH(scaled_dot_product_attention(r({2, 4}), r({3, 4}), r({3, 4}), {.attn_mask = ones({2, 3}, kBool), .is_causal = true}),
                    contains("Explicit attn_mask should not be set when is_causal=True"));
  CHECK_THROWS_WITH(scaled_dot_product_attention(r({2, 4}), r({3, 4}), r({3, 4}), {.attn_mask = ones({2, 3}, kInt64)}),
                    starts_with("Expected attn_mask dtype to be bool"));
  CHECK_THROWS_WITH(scaled_dot_product_attention(r({2, 4}), r({3, 4}), r({2, 4})), contains("as many values as keys"));
  const Tensor shared = scaled_dot_product_attention((arange(8.f) / 8).view({4, 1, 2}), (arange(12.f) / 12).view({2, 3, 2}),
                                                     arange(6.f).view({2, 3, 1}), {.enable_gqa = true});
  CHECK_THAT(shared.flatten(), is_close({1.009820580482483, 1.0490602254867554, 4.088130474090576, 4.126897811889648}));  // PyTorch's
  CHECK_THROWS_WITH(scaled_dot_product_attention(r({1, 4, 2, 4}), r({1, 3, 3, 4}), r({1, 3, 3, 4}), {.enable_gqa = true}),
                    starts_with("Number of heads in key and value must divide"));
  CHECK_THROWS_WITH(nn::MultiheadAttention(5, 2), starts_with("embed_dim must be divisible by num_heads"));
  const nn::MultiheadAttention attention(4, 2);
  CHECK_THROWS_WITH(attention(r({2, 1, 4}), r({3, 1, 4}), r({3, 1, 4}), {.attn_mask = zeros({2, 2})}),
                    starts_with("The shape of the 2D attn_mask is"));
  CHECK_THROWS_WITH(attention(r({2, 1, 4}), r({3, 1, 4}), r({3, 1, 4}), {.is_causal = true}),
                    starts_with("Need attn_mask if specifying the is_causal hint."));
  CHECK_THROWS_WITH(nn::TransformerEncoderLayer(4, 2, {.activation = "tanh"}), starts_with("activation should be relu/gelu, not tanh"));
}

TEST_CASE("bags and alignments refuse what does not fit, in PyTorch's words") {
  const Tensor table = randn({4, 3}), p = log_softmax(randn({5, 2, 4}), -1), targets = tensor({{1, 2}, {1, 1}});
  CHECK_THROWS_WITH(embedding_bag(tensor({0, 5}), table, {.offsets = tensor({0})}),
                    starts_with("Index 1 of input takes value 5 which is not in the valid range [0, 4)"));
  CHECK_THROWS_WITH(embedding_bag(tensor({0, 1}), table), starts_with("offsets has to be a 1D Tensor but got None"));
  CHECK_THROWS_WITH(embedding_bag(tensor({0, 1}), table, {.offsets = tensor({1})}), starts_with("offsets[0] has to be 0"));
  CHECK_THAT(embedding_bag(tensor({0, 1}), table, {.offsets = tensor({0, 0, 2}), .mode = "max"}).select(0, 0), is_close(zeros({3})));
  CHECK_THAT(embedding_bag(tensor({0, 1}), table, tensor({0}), {.mode = "sum"})[0], is_close(table[0] + table[1]));
  CHECK_THROWS_WITH(ctc_loss(p, targets, tensor({5, 6}), tensor({2, 2})),
                    starts_with("Expected input_lengths to have value at most 5, but got value 6"));
  CHECK_THROWS_WITH(ctc_loss(p, targets, tensor({5, 5}), tensor({2, 2}), {.blank = 4}), starts_with("blank must be in label range"));
  const Tensor each = ctc_loss(p, targets, tensor({5, 2}), tensor({2, 2}), {.reduction = "none"});
  CHECK(each[1].item<double>() == kInfinity);  // "1 1" needs a blank in between
}
