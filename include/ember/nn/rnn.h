// Recurrent networks. As torch.nn.RNN, LSTM, GRU and their cells: keys, random numbers and formulas.
//
//   nn::LSTM lstm(28, 64, {.num_layers = 2, .batch_first = true});
//   auto [output, state] = lstm(x);            // h_0 and c_0 are zeros
//   auto [more, later] = lstm(next_x, state);  // goes on from there
#pragma once

#include <ember/nn/module.h>
#include <ember/nn/packed_sequence.h>
#include <ember/ops/recurrent.h>
#include <ember/owned.h>

namespace ember::nn {

struct RNNOptions {
  int64_t num_layers = 1;
  const char* nonlinearity = "tanh";  ///< or "relu"
  bool bias = true;
  bool batch_first = false;  ///< x and output are (N, L, *), not (L, N, *); h_0 and h_n are not concerned
  double dropout = 0;        ///< on the output of each layer but the last, while training
  bool bidirectional = false;
};
struct LSTMOptions {
  int64_t num_layers = 1;
  bool bias = true, batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  int64_t proj_size = 0;  ///< the size of h; 0: hidden_size
};
struct GRUOptions {
  int64_t num_layers = 1;
  bool bias = true, batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
};

/// h and c of an LSTM, as it starts (both left out: zeros) or as it ends: (num_layers * directions, N, *), or (N, *) of a cell.
struct LSTMState {
  OptionalTensor h = {}, c = {};
  /// The same values without history: between pieces of one long sequence, so that a backward ends at the start of its piece.
  LSTMState detach() const { return {h.detach(), c.detach()}; }
};
struct RNNResult {
  Tensor output;  ///< (L, N, D * hidden), or (N, L, D * hidden) with batch_first, or without N; D is 2 with bidirectional
  Tensor h_n;     ///< (D * num_layers, N, hidden)
};
struct LSTMResult {
  Tensor output;
  LSTMState state;
};
struct PackedRNNResult {
  utils::rnn::PackedSequence output;
  Tensor h_n;
};
struct PackedLSTMResult {
  utils::rnn::PackedSequence output;
  LSTMState state;
};

/// What nn::RNN, nn::LSTM and nn::GRU share. Parameters weight_ih_l0 (gates, input), weight_hh_l0 (gates, hidden), bias_ih_l0, bias_hh_l0,
/// weight_hr_l0 with proj_size, then weight_ih_l0_reverse ..., weight_ih_l1 ...; all start uniform in ±1/sqrt(hidden_size).
/// x (L, N, input_size), (N, L, input_size) with batch_first, (L, input_size), or a packed sequence.
/// Throws ValueError for options out of range, RuntimeError "input.size(-1) must be equal to input_size. Expected 2, got 3" and the like.
class RNNBase : public Module {
 public:
  /// The output alone, from a state of zeros: for nn::Sequential.
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const RecurrentKind kind;
  const int64_t input_size, hidden_size, num_layers;
  const bool bias, batch_first;
  double dropout;
  const bool bidirectional;
  const int64_t proj_size;

 protected:
  struct Settings {
    RecurrentKind kind;
    int64_t num_layers;
    bool bias, batch_first;
    double dropout;
    bool bidirectional;
    int64_t proj_size;
  };
  RNNBase(int64_t input_size, int64_t hidden_size, const Settings& settings);

  LSTMResult run(const Tensor& x, const LSTMState& start) const;
  PackedLSTMResult run(const utils::rnn::PackedSequence& x, const LSTMState& start) const;
  int64_t directions() const { return bidirectional ? 2 : 1; }
  int64_t state_size() const { return proj_size > 0 ? proj_size : hidden_size; }

 private:
  struct Place {  // of the weights of one layer and direction; null where there are none
    Tensor *weight_ih, *weight_hh, *bias_ih, *bias_hh, *weight_hr;
  };
  RecurrentWeights weights(int64_t i) const;
  void check_input(const Tensor& x, int64_t dims) const;
  void check_state(const char* what, const Tensor& state, IntArrayRef expected) const;
  LSTMState started(const LSTMState& start, int64_t batch, DType dtype) const;
  LSTMResult run_layers(Tensor x, const LSTMState& start, const Tensor& batch_sizes) const;
  Boxed<std::vector<Place>> places_;
};

/// h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu. Elman 1990. As torch.nn.RNN.
class RNN final : public RNNBase {
 public:
  RNN(int64_t input_size, int64_t hidden_size, RNNOptions options = {});
  RNNResult operator()(const Tensor& x, const OptionalTensor& h_0 = {}) const;
  PackedRNNResult operator()(const utils::rnn::PackedSequence& x, const OptionalTensor& h_0 = {}) const;
  RNN clone() const;
};

/// i, f, o = sigmoid(...), g = tanh(...); c_t = f c_{t-1} + i g, h_t = o tanh(c_t), times W_hr with proj_size. Hochreiter & Schmidhuber 1997.
/// As torch.nn.LSTM.
class LSTM final : public RNNBase {
 public:
  LSTM(int64_t input_size, int64_t hidden_size, LSTMOptions options = {});
  LSTMResult operator()(const Tensor& x, const LSTMState& start = {}) const;
  PackedLSTMResult operator()(const utils::rnn::PackedSequence& x, const LSTMState& start = {}) const;
  LSTM clone() const;
};

/// r, z = sigmoid(...), n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h_t = (1 - z) n + z h_{t-1}. Cho et al. 2014. As torch.nn.GRU.
class GRU final : public RNNBase {
 public:
  GRU(int64_t input_size, int64_t hidden_size, GRUOptions options = {});
  RNNResult operator()(const Tensor& x, const OptionalTensor& h_0 = {}) const;
  PackedRNNResult operator()(const utils::rnn::PackedSequence& x, const OptionalTensor& h_0 = {}) const;
  GRU clone() const;
};

/// One step at a time: x (N, input_size) or (input_size), h (N, hidden_size) or (hidden_size). Parameters weight_ih, weight_hh, bias_ih, bias_hh.
class RNNCellBase : public Module {
 public:
  Tensor forward(const Tensor& x) override;  ///< the new h, from a state of zeros
  std::string extra_repr() const override;
  const RecurrentKind kind;
  const int64_t input_size, hidden_size;
  Tensor& weight_ih = add_parameter("weight_ih");
  Tensor& weight_hh = add_parameter("weight_hh");
  Tensor& bias_ih = add_parameter("bias_ih");
  Tensor& bias_hh = add_parameter("bias_hh");

 protected:
  RNNCellBase(RecurrentKind kind, int64_t input_size, int64_t hidden_size, bool bias);
  LSTMState run(const char* name, const Tensor& x, const LSTMState& before) const;
};

struct RNNCellOptions {
  bool bias = true;
  const char* nonlinearity = "tanh";  ///< or "relu"
};
/// As torch.nn.RNNCell.
class RNNCell final : public RNNCellBase {
 public:
  RNNCell(int64_t input_size, int64_t hidden_size, RNNCellOptions options = {});
  Tensor operator()(const Tensor& x, const OptionalTensor& h = {}) const;
  RNNCell clone() const;
};
/// As torch.nn.LSTMCell.
class LSTMCell final : public RNNCellBase {
 public:
  LSTMCell(int64_t input_size, int64_t hidden_size, bool bias = true) : RNNCellBase(RecurrentKind::LSTM, input_size, hidden_size, bias) {}
  LSTMState operator()(const Tensor& x, const LSTMState& before = {}) const;
  LSTMCell clone() const;
};
/// As torch.nn.GRUCell.
class GRUCell final : public RNNCellBase {
 public:
  GRUCell(int64_t input_size, int64_t hidden_size, bool bias = true) : RNNCellBase(RecurrentKind::GRU, input_size, hidden_size, bias) {}
  Tensor operator()(const Tensor& x, const OptionalTensor& h = {}) const;
  GRUCell clone() const;
};

}  // namespace ember::nn
