// Recurrent networks: a step by hand, packed against single sequences, state that goes on, keys, threads, and what is refused.
#include <cmath>

#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
namespace packing = nn::utils::rnn;

namespace {

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<std::string> names_of(const nn::Module& m) {
  std::vector<std::string> names;
  for (const auto& [name, value] : m.named_parameters()) names.push_back(name);
  return names;
}

/// Threads while it lives.
struct Threads {
  explicit Threads(int n) : before(get_num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  Threads(const Threads&) = delete;
  const int before;
};

}  // namespace

TEST_CASE("two steps of an LSTM with one unit, by hand") {
  nn::LSTM lstm(1, 1);
  NoGradGuard no_grad;
  lstm.get_parameter("weight_ih_l0").copy_(tensor({{0.5}, {-0.3}, {0.8}, {0.2}}));
  lstm.get_parameter("weight_hh_l0").copy_(tensor({{0.1}, {0.4}, {-0.6}, {0.7}}));
  lstm.get_parameter("bias_ih_l0").copy_(tensor({0.1, 0.2, 0.3, 0.4}));
  lstm.get_parameter("bias_hh_l0").copy_(tensor({-0.2, 0.1, 0.0, 0.3}));

  const auto [output, state] = lstm(tensor({{{0.7}}, {{-1.2}}}));

  double h = 0, c = 0;
  for (const double x : {0.7, -1.2}) {
    const double i = sigmoid_of(0.5 * x + 0.1 * h - 0.1), f = sigmoid_of(-0.3 * x + 0.4 * h + 0.3), g = std::tanh(0.8 * x - 0.6 * h + 0.3),
                 o = sigmoid_of(0.2 * x + 0.7 * h + 0.7);
    c = f * c + i * g;
    h = o * std::tanh(c);
  }
  CHECK_THAT(state.h, is_close({{{h}}}));
  CHECK_THAT(state.c, is_close({{{c}}}));
  CHECK_THAT(output.select(0, 1), is_close({{h}}));
}

TEST_CASE("a step of a GRU with one unit, by hand: the reset gate multiplies W_hn h + b_hn") {
  nn::GRUCell gru(1, 1);
  NoGradGuard no_grad;
  gru.weight_ih.copy_(tensor({{0.5}, {-0.3}, {0.8}}));
  gru.weight_hh.copy_(tensor({{0.1}, {0.4}, {-0.6}}));
  gru.bias_ih.copy_(tensor({0.1, 0.2, 0.3}));
  gru.bias_hh.copy_(tensor({-0.2, 0.1, 0.5}));

  const double x = 0.9, h = -0.4, r = sigmoid_of(0.5 * x + 0.1 * h - 0.1), z = sigmoid_of(-0.3 * x + 0.4 * h + 0.3),
               n = std::tanh(0.8 * x + 0.3 + r * (-0.6 * h + 0.5));
  CHECK_THAT(gru(tensor({{x}}, kFloat32), tensor({{h}}, kFloat32)), is_close({{(1 - z) * n + z * h}}));
}

TEST_CASE("parameters have PyTorch's names in PyTorch's order") {
  const nn::LSTM lstm(3, 4, {.num_layers = 2, .bidirectional = true, .proj_size = 2});
  const std::vector<std::string> names = names_of(lstm);
  REQUIRE(names.size() == 20);
  CHECK(names[0] == "weight_ih_l0");
  CHECK(names[4] == "weight_hr_l0");
  CHECK(names[5] == "weight_ih_l0_reverse");
  CHECK(names[19] == "weight_hr_l1_reverse");
  CHECK(lstm.get_parameter("weight_ih_l1").sizes() == IntArrayRef({16, 4}));
  CHECK(lstm.get_parameter("weight_hh_l0").sizes() == IntArrayRef({16, 2}));
  CHECK(names_of(nn::GRU(3, 4, {.bias = false})).size() == 2);
  CHECK(nn::LSTM(3, 4, {.batch_first = true, .proj_size = 2}).repr() == "LSTM(3, 4, proj_size=2, batch_first=True)");
  CHECK(nn::RNN(3, 4, {.num_layers = 2, .dropout = 0.5, .bidirectional = true}).repr() == "RNN(3, 4, num_layers=2, dropout=0.5, bidirectional=True)");
  CHECK(nn::RNNCell(2, 3, {false, "relu"}).repr() == "RNNCell(2, 3, bias=False, nonlinearity=relu)");
}

TEST_CASE("a packed batch gives each sequence what it gives by itself, in both directions, and the same gradients") {
  manual_seed(1);
  nn::GRU gru(3, 5, {.num_layers = 2, .bidirectional = true});
  const std::vector<Tensor> sequences{randn({2, 3}), randn({5, 3}), randn({1, 3}), randn({5, 3})};
  const auto [packed, h_n] = gru(packing::pack_sequence(sequences, false));
  const std::vector<Tensor> outputs = packing::unpack_sequence(packed);
  Tensor total = h_n.sum();
  for (const Tensor& y : outputs) total = total + y.square().sum();
  total.backward();
  std::vector<Tensor> gradients;
  for (const Tensor& p : gru.parameters()) gradients.push_back(p.grad().clone());
  gru.zero_grad();

  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto [output, h] = gru(sequences[i]);
    CHECK_THAT(outputs[i], is_close(output, 1e-5, 1e-6));
    CHECK_THAT(h_n.select(1, int64_t(i)), is_close(h, 1e-5, 1e-6));
    (h.sum() + output.square().sum()).backward();
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) CHECK_THAT(gru.parameters()[i].grad(), is_close(gradients[i], 1e-4, 1e-5));
}

TEST_CASE("a state that is handed on makes two pieces one sequence; detach() ends the history between them") {
  manual_seed(2);
  nn::LSTM lstm(2, 3, {.num_layers = 2, .batch_first = true});
  const Tensor x = randn({4, 6, 2}).requires_grad_();
  const auto [whole, end] = lstm(x);
  const auto [first, middle] = lstm(x.narrow(1, 0, 2));
  const auto [second, last] = lstm(x.narrow(1, 2, 4), middle);
  CHECK_THAT(cat({first, second}, 1), is_close(whole));
  CHECK_THAT(last.c, is_close(end.c));

  const auto [apart, ignored] = lstm(x.narrow(1, 2, 4), middle.detach());
  apart.sum().backward();
  CHECK_THAT(x.grad().narrow(1, 0, 2), is_close(zeros({4, 2, 2})));
}

TEST_CASE("a recurrent layer has the same bits on any number of threads, and in a layout of any kind") {
  manual_seed(3);
  nn::LSTM lstm(20, 33);
  const Tensor x = randn({9, 37, 20});
  std::vector<Tensor> found;
  for (const int threads : {1, 2, 3}) {
    const Threads some(threads);
    lstm.zero_grad();
    const Tensor y = lstm(threads == 3 ? x.transpose(0, 2).contiguous().transpose(0, 2) : x).output;
    y.square().sum().backward();
    found.push_back(y.detach());
    for (const Tensor& p : lstm.parameters()) found.push_back(p.grad().clone());
  }
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(equal(found[i], found[i + 5]));
    CHECK(equal(found[i], found[i + 10]));
  }
}

TEST_CASE("an LSTM stands in a Sequential by its output, is copied, and drops out between its layers only while training") {
  manual_seed(4);
  nn::Sequential net{nn::LSTM(3, 4, {.num_layers = 2, .batch_first = true, .dropout = 0.5}), nn::Linear(4, 2)};
  net.eval();
  const Tensor x = randn({2, 5, 3});
  CHECK(net(x).sizes() == IntArrayRef({2, 5, 2}));
  CHECK(equal(nn::deep_copy(net)(x).detach(), net(x).detach()));
  CHECK(equal(net(x).detach(), net(x).detach()));
  net.train();
  CHECK_FALSE(equal(net(x).detach(), net(x).detach()));
}

TEST_CASE("dropout of a single recurrent layer warns that it has no place, in PyTorch's words") {
  static std::string heard;
  const auto heard_from = [](int64_t layers) {
    heard.clear();
    const WarningHandler before = set_warning_handler([](const char* message) { heard = message; });
    const nn::LSTM lstm(3, 4, {.num_layers = layers, .dropout = 0.5});
    set_warning_handler(before);
    return heard;
  };
  CHECK(heard_from(1) ==
        "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got "
        "dropout=0.5 and num_layers=1");
  CHECK(heard_from(2).empty());
}

TEST_CASE("writing into the output of an LSTM does not disturb its gradient") {
  manual_seed(5);
  nn::LSTM lstm(2, 3);
  const Tensor x = randn({4, 2, 2});
  lstm(x).output.mul(2).sum().backward();
  const Tensor expected = lstm.get_parameter("weight_hh_l0").grad().clone();
  lstm.zero_grad();
  const Tensor y = lstm(x).output;
  y.mul_(2);
  y.sum().backward();
  CHECK_THAT(lstm.get_parameter("weight_hh_l0").grad(), is_close(expected));
}

TEST_CASE("recurrent networks refuse what does not fit, in PyTorch's words") {
  nn::LSTM lstm(2, 4);
  nn::GRU gru(2, 4);
  CHECK_THROWS_WITH(lstm(randn({2, 3, 3})), starts_with("input.size(-1) must be equal to input_size. Expected 2, got 3"));
  CHECK_THROWS_WITH(lstm(randn({0, 3, 2})), starts_with("Expected sequence length to be larger than 0 in RNN"));
  CHECK_THROWS_WITH(lstm(randn({2})), starts_with("LSTM: Expected input to be 2D or 3D, got 1D instead"));
  CHECK_THROWS_WITH(lstm(randn({2, 3, 2}), {zeros({1, 2, 4}), zeros({1, 3, 4})}), starts_with("Expected hidden[0] size (1, 3, 4), got [1, 2, 4]"));
  CHECK_THROWS_WITH(lstm(randn({2, 3, 2}), {zeros({1, 3, 4}), {}}), starts_with("LSTM: expected both h and c"));
  CHECK_THROWS_WITH(gru(randn({2, 3, 2}).to(kFloat64)), starts_with("RNN input dtype (torch.float64) does not match weight dtype (torch.float32)."));
  CHECK_THROWS_WITH(gru(Tensor()), contains("undefined"));
  CHECK_THROWS_WITH(nn::LSTM(3, 4, {.dropout = 2}), starts_with("dropout should be a number in range [0, 1]"));
  CHECK_THROWS_WITH(nn::LSTM(3, 4, {.proj_size = 4}), starts_with("proj_size has to be smaller than hidden_size"));
  CHECK_THROWS_WITH(nn::RNN(3, 4, {.nonlinearity = "gelu"}), starts_with("Unknown nonlinearity 'gelu'. Select from 'tanh' or 'relu'."));
  CHECK_THROWS_WITH(nn::GRUCell(2, 4)(randn({3, 2}), zeros({2, 4})), starts_with("Input batch size 3 doesn't match hidden0 batch size 2"));
}

TEST_CASE("packing refuses lengths that do not fit, and padding gives back what was packed") {
  const Tensor x = randn({4, 3, 2});
  CHECK_THROWS_WITH(packing::pack_padded_sequence(x, {3, 2}),
                    starts_with("Expected `len(lengths)` to be equal to batch_size, but got 2 (batch_size=3)"));
  CHECK_THROWS_WITH(packing::pack_padded_sequence(x, {3, 2, 0}), starts_with("Length of all samples has to be greater than 0"));
  CHECK_THROWS_WITH(packing::pack_padded_sequence(x, {2, 3, 1}), starts_with("`lengths` array must be sorted in decreasing order"));
  CHECK_THROWS_WITH(packing::pack_padded_sequence(x, {5, 3, 1}), contains("at most 4"));
  CHECK_THROWS_WITH(packing::pad_sequence({}), starts_with("received an empty list of sequences"));

  const packing::PackedSequence packed = packing::pack_padded_sequence(x, {1, 4, 2}, {.enforce_sorted = false});
  CHECK(packed.batch_sizes.to_vector<int64_t>() == std::vector<int64_t>({3, 2, 1, 1}));
  const auto [padded, lengths] = packing::pad_packed_sequence(packed, {.padding_value = -1, .total_length = 5});
  CHECK(lengths.to_vector<int64_t>() == std::vector<int64_t>({1, 4, 2}));
  CHECK(padded.sizes() == IntArrayRef({5, 3, 2}));
  CHECK(equal(padded.select(1, 1).narrow(0, 0, 4), x.select(1, 1)));
  CHECK(equal(padded.select(1, 0).narrow(0, 1, 4), full({4, 2}, -1.0)));
  CHECK_THROWS_WITH(packing::pad_packed_sequence(packed, {.total_length = 2}), starts_with("Expected total_length to be at least the length"));
}
