// The rows of the gradcheck table for losses and distances: every reduction, weights, targets that require grad where they may.
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {
constexpr Reduction kAll[] = {Reduction::Mean, Reduction::Sum, Reduction::None};
}

TEST_CASE("gradcheck: losses of classes") {
  const Tensor labels = tensor({0, 2, 1, 2}), weight = tensor({0.5, 1.0, 2.0}, kFloat64), some = tensor({0, -100, 1, 2});
  for (const Reduction r : kAll) {
    run_gradchecks({
        {"cross_entropy", [=](In in) { return cross_entropy(in[0], labels, {.reduction = r}); }, {{4, 3}}},
        {"cross_entropy, everything",
         [=](In in) { return cross_entropy(in[0], some, {.weight = weight, .reduction = r, .label_smoothing = 0.2}); },
         {{4, 3}}},
        {"cross_entropy of probabilities",
         [=](In in) { return cross_entropy(in[0], softmax(in[1], 1), {.weight = weight, .reduction = r, .label_smoothing = 0.1}); },
         {{4, 3}, {4, 3}}},
        {"cross_entropy of positions", [=](In in) { return cross_entropy(in[0], tensor({{0, 1}, {1, 2}}), {.reduction = r}); }, {{2, 3, 2}}},
        {"cross_entropy, one sample", [=](In in) { return cross_entropy(in[0], tensor(1), {.reduction = r}); }, {{3}}},
        {"nll_loss", [=](In in) { return nll_loss(log_softmax(in[0], 1), some, {.weight = weight, .reduction = r}); }, {{4, 3}}},
        {"nll_loss of positions", [=](In in) { return nll_loss(in[0], tensor({{0, 1}, {1, 2}}), {.reduction = r}); }, {{2, 3, 2}}},
    });
  }
  run_gradcheck({"cross_entropy of nobody", [](In in) { return cross_entropy(in[0], zeros({0}, kInt64), {.reduction = Reduction::Sum}); }, {{0, 3}}});
}

TEST_CASE("gradcheck: losses of values") {
  const Tensor signs = tensor({{1.0, -1.0, 1.0}, {-1.0, -1.0, 1.0}}, kFloat64);
  const std::vector<std::vector<int64_t>> two = {{2, 3}, {2, 3}};
  for (const Reduction r : kAll) {
    run_gradchecks({
        {"mse_loss", [=](In in) { return mse_loss(in[0], in[1], {r}); }, two},
        {"mse_loss of nothing", [=](In in) { return mse_loss(in[0], in[1], {r == Reduction::Mean ? Reduction("sum") : r}); }, {{0, 3}, {0, 3}}},
        {"l1_loss", [=](In in) { return l1_loss(in[0], in[1] * 1.001 + 0.01, {r}); }, two},
        {"smooth_l1_loss", [=](In in) { return smooth_l1_loss(in[0], in[1], {.reduction = r, .beta = 0.4}); }, two},
        {"huber_loss", [=](In in) { return huber_loss(in[0], in[1], {.reduction = r, .delta = 0.4}); }, two},
        {"binary_cross_entropy", [=](In in) { return binary_cross_entropy(sigmoid(in[0]), sigmoid(in[1]), {.reduction = r}); }, two},
        {"binary_cross_entropy, weighted",
         [=](In in) {
           return binary_cross_entropy(sigmoid(in[0]), gt(in[0].detach(), 0).to(kFloat64),
                                       {.weight = tensor({1.0, 2.0, 3.0}, kFloat64), .reduction = r});
         },
         {{2, 3}}},
        {"binary_cross_entropy_with_logits",
         [=](In in) {
           return binary_cross_entropy_with_logits(in[0], sigmoid(in[1]), {.reduction = r, .pos_weight = tensor({1.0, 2.0, 3.0}, kFloat64)});
         },
         two},
        {"kl_div", [=](In in) { return kl_div(log_softmax(in[0], 1), softmax(in[1], 1), {.reduction = r}); }, two},
        {"kl_div of logarithms", [=](In in) { return kl_div(log_softmax(in[0], 1), log_softmax(in[1], 1), {.reduction = r, .log_target = true}); },
         two},
        {"poisson_nll_loss", [=](In in) { return poisson_nll_loss(in[0], in[1].square(), {.reduction = r}); }, two},
        {"gaussian_nll_loss",
         [=](In in) { return gaussian_nll_loss(in[0], in[1], in[2].square() + 0.1, {.full = true, .reduction = r}); },
         {{2, 3}, {2, 3}, {2, 3}}},
        {"hinge_embedding_loss", [=](In in) { return hinge_embedding_loss(in[0], signs, {.margin = 0.7, .reduction = r}); }, {{2, 3}}},
        {"margin_ranking_loss", [=](In in) { return margin_ranking_loss(in[0], in[1], signs, {.margin = 0.3, .reduction = r}); }, two},
        {"cosine_embedding_loss",
         [=](In in) { return cosine_embedding_loss(in[0], in[1], tensor({1.0, -1.0}, kFloat64), {.margin = -0.9, .reduction = r}); }, two},
        {"soft_margin_loss", [=](In in) { return soft_margin_loss(in[0], signs, {r}); }, {{2, 3}}},
        {"triplet_margin_loss",
         [=](In in) { return triplet_margin_loss(in[0], in[1], in[2], {.margin = 5, .swap = true, .reduction = r}); },
         {{2, 3}, {2, 3}, {2, 3}}},
    });
  }
  run_gradcheck({"kl_div, batchmean", [](In in) { return kl_div(log_softmax(in[0], 1), softmax(in[1], 1), {.batchmean = true}); }, two});
}

TEST_CASE("gradcheck: distances") {
  run_gradchecks({
      {"cosine_similarity", [](In in) { return cosine_similarity(in[0], in[1]); }, {{2, 3}, {2, 3}}},
      {"cosine_similarity, broadcast", [](In in) { return cosine_similarity(in[0], in[1], -1); }, {{2, 3}, {1, 3}}},
      {"pairwise_distance", [](In in) { return pairwise_distance(in[0], in[1]); }, {{2, 3}, {2, 3}}},
      {"pairwise_distance by 1", [](In in) { return pairwise_distance(in[0], in[1] * 1.001 + 0.01, 1, 1e-6, true); }, {{2, 3}, {2, 3}}},
  });
}
