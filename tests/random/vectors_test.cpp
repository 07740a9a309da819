// Every vector of random numbers that PyTorch gave, bit for bit (tests/data/random_vectors.txt).
#include <ember/ember.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "support/catch.h"
#include "support/close.h"
#include "support/test_data.h"

using namespace ember;

namespace {

Tensor parse(const std::string& dtype, const std::string& sizes, std::istream& values) {
  std::vector<int64_t> shape;
  std::stringstream parts(sizes);
  for (std::string part; std::getline(parts, part, 'x');) shape.push_back(std::stoll(part));
  Tensor t = empty(shape, dtype == "float32" ? kFloat32 : dtype == "float64" ? kFloat64 : kInt64);
  for (int64_t i = 0; i < t.numel(); ++i) {
    std::string word;
    values >> word;
    if (t.dtype() == kFloat32) t.data<float>()[i] = std::bit_cast<float>(std::uint32_t(std::stoul(word, nullptr, 16)));
    else if (t.dtype() == kFloat64) t.data<double>()[i] = std::bit_cast<double>(std::uint64_t(std::stoull(word, nullptr, 16)));
    else t.data<int64_t>()[i] = std::stoll(word);
  }
  return t;
}

std::map<std::string, Tensor> read_vectors() {
  std::map<std::string, Tensor> vectors;
  std::ifstream file(test_data("random_vectors.txt"));
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::stringstream words(line);
    std::string name, dtype, sizes;
    words >> name >> dtype >> sizes;
    vectors[name] = parse(dtype, sizes, words);
  }
  return vectors;
}

Tensor shuffle_order(int64_t n, int64_t batch, int epochs) {
  data::TensorDataset set({arange(n)});
  data::DataLoader loader(set, {.batch_size = batch, .shuffle = true});
  std::vector<Tensor> order;
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (const auto& [x] : loader.as<1>()) order.push_back(x);
  return cat(order).reshape(epochs == 1 ? IntArrayRef{n} : IntArrayRef{int64_t(epochs), n});
}

/// Ember has no recurrent layers and no attention; what theirs draw when PyTorch builds them is made here from the same initialisers.
Tensor lstm_2_3(int which) {
  const double bound = 1 / std::sqrt(3.0);
  std::vector<Tensor> drawn;
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{12, 2}, {12, 3}, {12}, {12}})
    drawn.push_back(nn::init::uniform_(ember::empty(sizes), -bound, bound));
  return drawn[std::size_t(which)];
}

Tensor attention_4_2(const std::string& name) {
  const nn::Linear out_proj(4, 4);
  const Tensor in_proj = nn::init::xavier_uniform_(empty({12, 4}));
  return name == "out" ? out_proj.weight : in_proj;
}

const std::map<std::string, std::function<Tensor()>> calls = {
    {"rand8_s0", [] { return rand({8}); }},
    {"rand8_s1",
     [] {
       manual_seed(1);
       return rand({8});
     }},
    {"rand8_s42",
     [] {
       manual_seed(42);
       return rand({8});
     }},
    {"rand8_s4294967301",
     [] {
       manual_seed(4294967301);
       return rand({8});
     }},
    {"rand_f64", [] { return rand({4}, {.dtype = kFloat64}); }},
    {"randn_1", [] { return randn({1}); }},
    {"randn_2", [] { return randn({2}); }},
    {"randn_5", [] { return randn({5}); }},
    {"randn_15", [] { return randn({15}); }},
    {"randn_16", [] { return randn({16}); }},
    {"randn_17", [] { return randn({17}); }},
    {"randn_20", [] { return randn({20}); }},
    {"randn_32", [] { return randn({32}); }},
    {"randn_33", [] { return randn({33}); }},
    {"randn_f64_5", [] { return randn({5}, {.dtype = kFloat64}); }},
    {"randn_f64_16", [] { return randn({16}, {.dtype = kFloat64}); }},
    {"randn_f64_20", [] { return randn({20}, {.dtype = kFloat64}); }},
    {"normal_small", [] { return empty({3}).normal_(0.5, 2.0); }},
    {"normal_big", [] { return empty({18}).normal_(0.5, 2.0); }},
    {"uniform_28", [] { return empty({16}).uniform_(-1.0 / 28, 1.0 / 28); }},
    {"uniform_2_7.5", [] { return empty({16}).uniform_(2.0, 7.5); }},
    {"uniform_f64", [] { return empty({4}, kFloat64).uniform_(-1.0 / 28, 1.0 / 28); }},
    {"randperm_1", [] { return randperm(1); }},
    {"randperm_2", [] { return randperm(2); }},
    {"randperm_10", [] { return randperm(10); }},
    {"randperm_20", [] { return randperm(20); }},
    {"randperm_60000_first20", [] { return randperm(60000).slice(0, 0, 20); }},
    {"randint_0_10", [] { return randint(0, 10, {10}); }},
    {"randint_m5_5", [] { return randint(-5, 5, {10}); }},
    {"randint_2p40", [] { return randint(0, int64_t(1) << 40, {5}); }},
    {"random_int64", [] { return empty({4}, kInt64).random_(); }},
    {"bernoulli_0.1", [] { return empty({20}).bernoulli_(0.1); }},
    {"bernoulli_0.5", [] { return empty({20}).bernoulli_(0.5); }},
    {"bernoulli_0.9", [] { return empty({20}).bernoulli_(0.9); }},
    {"dropout_0.1", [] { return dropout(ones({20}), {.p = 0.1}); }},
    {"dropout_0.25", [] { return dropout(ones({20}), {.p = 0.25}); }},
    {"dropout_0.5", [] { return dropout(ones({20}), {.p = 0.5}); }},
    {"dropout_66_s123",
     [] {
       manual_seed(123);
       return nn::Dropout(0.5)(ones({6, 6}));
     }},
    {"dropout2d", [] { return nn::Dropout2d(0.5)(ones({2, 6, 2, 2})).index({Slice(), Slice(), 0, 0}); }},
    {"Linear43.weight", [] { return nn::Linear(4, 3).weight; }},
    {"Linear43.bias", [] { return nn::Linear(4, 3).bias; }},
    {"Linear784_4.weight", [] { return nn::Linear(784, 4).weight.flatten().slice(0, 0, 64); }},
    {"Linear784_4.bias", [] { return nn::Linear(784, 4).bias; }},
    {"Conv123.weight", [] { return nn::Conv2d(1, 2, 3).weight; }},
    {"Conv123.bias", [] { return nn::Conv2d(1, 2, 3).bias; }},
    {"Conv_g.weight", [] { return nn::Conv2d(4, 4, 3, {.groups = 2}).weight.flatten().slice(0, 0, 64); }},
    {"Conv_g.bias", [] { return nn::Conv2d(4, 4, 3, {.groups = 2}).bias; }},
    {"ConvT.weight", [] { return nn::ConvTranspose2d(2, 3, 2).weight; }},
    {"ConvT.bias", [] { return nn::ConvTranspose2d(2, 3, 2).bias; }},
    {"Emb54.weight", [] { return nn::Embedding(5, 4).weight; }},
    {"Emb34.weight", [] { return nn::Embedding(3, 4).weight; }},
    {"xavier_uniform", [] { return nn::init::xavier_uniform_(empty({4, 5})); }},
    {"xavier_normal", [] { return nn::init::xavier_normal_(empty({4, 5})); }},
    {"kaiming_uniform_relu", [] { return nn::init::kaiming_uniform_(empty({4, 5}), 0, nn::init::FanMode::FanIn, "relu"); }},
    {"kaiming_normal_relu", [] { return nn::init::kaiming_normal_(empty({4, 5}), 0, nn::init::FanMode::FanIn, "relu"); }},
    {"trunc_normal_std1", [] { return nn::init::trunc_normal_(empty({4, 5})); }},
    {"shuffle10_3epochs", [] { return shuffle_order(10, 4, 3); }},
    {"shuffle60000_first20", [] { return shuffle_order(60000, 1000, 1).slice(0, 0, 20); }},
    {"LSTM.weight_ih_l0", [] { return lstm_2_3(0); }},
    {"LSTM.weight_hh_l0", [] { return lstm_2_3(1); }},
    {"LSTM.bias_ih_l0", [] { return lstm_2_3(2); }},
    {"LSTM.bias_hh_l0", [] { return lstm_2_3(3); }},
    {"MHA.in_proj_weight", [] { return attention_4_2("in"); }},
    {"MHA.in_proj_bias", [] { return nn::init::zeros_(empty({12})); }},
    {"MHA.out_proj.weight", [] { return attention_4_2("out"); }},
    {"MHA.out_proj.bias", [] { return nn::init::zeros_(empty({4})); }},
    {"mix",
     [] {
       const Tensor a = rand({1}), b = randn({3}), c = randn({2}), d = rand({2});
       return cat({a, b, c, d});
     }},
};

}  // namespace

TEST_CASE("random vectors: the bits of PyTorch") {
  int compared = 0;
  for (const auto& [name, want] : read_vectors()) {
    INFO(name);
    REQUIRE(calls.count(name) == 1);
    manual_seed(0);
    const Tensor got = calls.at(name)();
    CHECK(got.dtype() == want.dtype());
    CHECK_THAT(got.detach(), is_close(want, 0, 0));
    ++compared;
  }
  CHECK(compared == int(calls.size()));
}

TEST_CASE("the state of the generator comes back, with the normal number that was kept") {
  manual_seed(3);
  const Tensor first = randn({3});  // leaves the fourth
  const Tensor state = get_rng_state();
  const Tensor a = randn({2}), b = rand({700});
  set_rng_state(state);
  CHECK(equal(randn({2}), a));
  CHECK(equal(rand({700}), b));
  CHECK(state.numel() == 5056);
  CHECK_THROWS_AS(set_rng_state(state.slice(0, 0, 10)), RuntimeError);
}

TEST_CASE("1,200,000 normal numbers, by the hash of their bits") {
  manual_seed(0);
  const Tensor x = randn({1200000});
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a over the bytes; PyTorch 2.13.0's tensor gives the same
  const auto* bytes = static_cast<const std::uint8_t*>(x.data_ptr());
  for (int64_t i = 0; i < x.numel() * 4; ++i) hash = (hash ^ bytes[i]) * 1099511628211ull;
  CHECK(hash == 1052685722476764580ull);
}
