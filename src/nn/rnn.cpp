// nn.RNN, nn.LSTM, nn.GRU: layers and directions around ember::recurrent_layer.
#include <ember/factories.h>
#include <ember/nn/init.h>
#include <ember/nn/rnn.h>
#include <ember/ops/dropout.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <string_view>

#include "error_format.h"
#include "python_repr.h"
#include "tensor/defined.h"

namespace ember::nn {
namespace {

int64_t gates_of(RecurrentKind kind) { return kind == RecurrentKind::LSTM ? 4 : kind == RecurrentKind::GRU ? 3 : 1; }

RecurrentKind kind_of(std::string_view nonlinearity) {
  check<ValueError>(nonlinearity == "tanh" || nonlinearity == "relu", "Unknown nonlinearity '{}'. Select from 'tanh' or 'relu'.", nonlinearity);
  return nonlinearity == "tanh" ? RecurrentKind::Tanh : RecurrentKind::ReLU;
}

/// Layers of one sequence next to each other: (layers, N, *).
Tensor stacked(const std::vector<Tensor>& states) { return states.size() == 1 ? states[0].unsqueeze(0) : stack(states); }

Tensor permuted(const Tensor& state, const Tensor& order) { return order.defined() && state.defined() ? index_select(state, 1, order) : state; }

}  // namespace

RNNBase::RNNBase(int64_t input_size, int64_t hidden_size, const Settings& s)
    : kind(s.kind), input_size(input_size), hidden_size(hidden_size), num_layers(s.num_layers), bias(s.bias), batch_first(s.batch_first),
      dropout(s.dropout), bidirectional(s.bidirectional), proj_size(s.proj_size) {
  check<ValueError>(dropout >= 0 && dropout <= 1,
                    "dropout should be a number in range [0, 1] representing the probability of an element being zeroed");
  if (dropout > 0 && num_layers == 1)
    warn(
        fmt::format("dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got "
                    "dropout={} and num_layers={}",
                    python_repr(dropout), num_layers));
  check<ValueError>(input_size > 0, "input_size must be greater than zero");
  check<ValueError>(hidden_size > 0, "hidden_size must be greater than zero");
  check<ValueError>(num_layers > 0, "num_layers must be greater than zero");
  check<ValueError>(proj_size >= 0, "proj_size should be a positive integer or zero to disable projections");
  check<ValueError>(proj_size < hidden_size, "proj_size has to be smaller than hidden_size");

  const int64_t gates = gates_of(kind) * hidden_size;
  for (int64_t layer = 0; layer < num_layers; ++layer)
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const auto add = [&](const char* word, IntArrayRef sizes) {
        return &add_parameter(fmt::format("{}_l{}{}", word, layer, direction ? "_reverse" : ""), empty(sizes));
      };
      Place place{};
      place.weight_ih = add("weight_ih", {gates, layer == 0 ? input_size : state_size() * directions()});
      place.weight_hh = add("weight_hh", {gates, state_size()});
      if (bias) place.bias_ih = add("bias_ih", {gates}), place.bias_hh = add("bias_hh", {gates});
      if (proj_size > 0) place.weight_hr = add("weight_hr", {proj_size, hidden_size});
      places_->push_back(place);
    }
  const double bound = 1 / std::sqrt(double(hidden_size));
  for (const Tensor& parameter : parameters()) init::uniform_(parameter, -bound, bound);
}

RecurrentWeights RNNBase::weights(int64_t i) const {
  const Place& place = places_[std::size_t(i)];
  const auto value = [](const Tensor* t) { return t ? *t : Tensor(); };
  return {*place.weight_ih, *place.weight_hh, value(place.bias_ih), value(place.bias_hh), value(place.weight_hr)};
}

void RNNBase::check_input(const Tensor& x, int64_t dims) const {
  const DType wanted = places_[0].weight_ih->dtype();
  check<ValueError>(x.dtype() == wanted,
                    "RNN input dtype (torch.{}) does not match weight dtype (torch.{}). Convert input: input.to(torch.{}), or convert model: "
                    "model.to(torch.{})",
                    name(x.dtype()), name(wanted), name(wanted), name(x.dtype()));
  check<RuntimeError>(x.dim() == dims, "input must have {} dimensions, got {}", dims, x.dim());
  check<RuntimeError>(x.size(-1) == input_size, "input.size(-1) must be equal to input_size. Expected {}, got {}", input_size, x.size(-1));
}

void RNNBase::check_state(const char* what, const Tensor& state, IntArrayRef expected) const {
  check<RuntimeError>(state.sizes() == expected, "Expected {} size {}, got {}", what, python_repr(expected), state.sizes());
  const DType wanted = places_[0].weight_ih->dtype();
  check<RuntimeError>(state.dtype() == wanted, "mat1 and mat2 must have the same dtype, but got {} and {}\nof {}", scalar_type_name(state.dtype()),
                      scalar_type_name(wanted), what);
}

LSTMState RNNBase::started(const LSTMState& start, int64_t batch, DType dtype) const {
  const int64_t layers = num_layers * directions();
  const bool lstm = kind == RecurrentKind::LSTM;
  check<RuntimeError>(!lstm || start.h.defined() == start.c.defined(), "LSTM: expected both h and c of its state, or none");
  LSTMState state = start;
  if (!state.h.defined()) state.h = zeros({layers, batch, state_size()}, dtype);
  if (lstm && !state.c.defined()) state.c = zeros({layers, batch, hidden_size}, dtype);
  check_state(lstm ? "hidden[0]" : "hidden", state.h, {layers, batch, state_size()});
  if (lstm) check_state("hidden[1]", state.c, {layers, batch, hidden_size});
  return state;
}

LSTMResult RNNBase::run_layers(Tensor x, const LSTMState& start, const Tensor& batch_sizes) const {
  std::vector<Tensor> h, c;
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const int64_t i = layer * directions() + direction;
      RecurrentResult result = recurrent_layer(kind, x, start.h.select(0, i), start.c.defined() ? start.c.select(0, i) : Tensor(), weights(i),
                                               {.reverse = direction == 1, .batch_sizes = batch_sizes});
      outputs.push_back(std::move(result.output));
      h.push_back(std::move(result.h_n));
      if (result.c_n.defined()) c.push_back(std::move(result.c_n));
    }
    x = outputs.size() == 1 ? outputs[0] : cat(outputs, -1);
    if (dropout > 0 && layer + 1 < num_layers) x = ember::dropout(x, {dropout, is_training()});
  }
  return {x, {stacked(h), c.empty() ? Tensor() : stacked(c)}};
}

LSTMResult RNNBase::run(const Tensor& x, const LSTMState& start) const {
  const bool lstm = kind == RecurrentKind::LSTM;
  LSTMResult result;
  result.output = observed(
      [&] {
        require_defined("rnn", x);
        const char* const word = lstm ? "LSTM" : kind == RecurrentKind::GRU ? "GRU" : "RNN";
        check<ValueError>(x.dim() == 2 || x.dim() == 3, "{}: Expected input to be 2D or 3D, got {}D {}instead", word, x.dim(),
                          lstm || kind == RecurrentKind::GRU ? "" : "tensor ");
        const bool batched = x.dim() == 3;
        const int64_t dims = batched ? 3 : 2;
        LSTMState state = start;
        if (lstm && state.h.defined() && state.c.defined())
          check<RuntimeError>(state.h.dim() == dims && state.c.dim() == dims,
                              "For {} {}-D input, hx and cx should also be {}-D but got ({}-D, {}-D) tensors", batched ? "batched" : "unbatched",
                              dims, dims, state.h.dim(), state.c.dim());
        else if (state.h.defined())
          check<RuntimeError>(state.h.dim() == dims, "For {} {}-D input, hx should also be {}-D but got {}-D tensor",
                              batched ? "batched" : "unbatched", dims, dims, state.h.dim());
        const int64_t batch_dim = batch_first ? 0 : 1;
        Tensor input = batched ? x : x.unsqueeze(batch_dim);
        if (!batched && state.h.defined()) state.h = state.h.unsqueeze(1);
        if (!batched && state.c.defined()) state.c = state.c.unsqueeze(1);
        check_input(input, 3);
        state = started(state, input.sizes()[int(batch_dim)], input.dtype());
        if (batch_first) input = input.transpose(0, 1);
        check<RuntimeError>(input.size(0) > 0, "Expected sequence length to be larger than 0 in RNN");

        LSTMResult all = run_layers(input, state, {});
        result.state = all.state;
        if (!batched) {
          result.state.h = result.state.h.squeeze(1);
          if (lstm) result.state.c = result.state.c.squeeze(1);
          return all.output.squeeze(1);
        }
        return batch_first ? all.output.transpose(0, 1) : all.output;
      },
      x);
  return result;
}

PackedLSTMResult RNNBase::run(const utils::rnn::PackedSequence& x, const LSTMState& start) const {
  PackedLSTMResult result;
  result.output = x;
  result.output.data = observed(
      [&] {
        require_defined("rnn", x.data, x.batch_sizes);
        check_input(x.data, 2);
        check<RuntimeError>(x.batch_sizes.numel() > 0, "Expected sequence length to be larger than 0 in RNN");
        LSTMState state = started({permuted(start.h, x.sorted_indices), permuted(start.c, x.sorted_indices)}, x.batch_sizes[0].item<int64_t>(),
                                  x.data.dtype());
        LSTMResult all = run_layers(x.data, state, x.batch_sizes);
        result.state = {permuted(all.state.h, x.unsorted_indices), permuted(all.state.c, x.unsorted_indices)};
        return all.output;
      },
      x.data);
  return result;
}

Tensor RNNBase::forward(const Tensor& x) { return run(x, {}).output; }

std::string RNNBase::extra_repr() const {
  std::string text = fmt::format("{}, {}", input_size, hidden_size);
  if (proj_size != 0) text += fmt::format(", proj_size={}", proj_size);
  if (num_layers != 1) text += fmt::format(", num_layers={}", num_layers);
  if (!bias) text += ", bias=False";
  if (batch_first) text += ", batch_first=True";
  if (dropout != 0) text += fmt::format(", dropout={}", python_repr(dropout));
  if (bidirectional) text += ", bidirectional=True";
  return text;
}

RNN::RNN(int64_t input_size, int64_t hidden_size, RNNOptions o)
    : RNNBase(input_size, hidden_size, {kind_of(o.nonlinearity), o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, 0}) {}
LSTM::LSTM(int64_t input_size, int64_t hidden_size, LSTMOptions o)
    : RNNBase(input_size, hidden_size, {RecurrentKind::LSTM, o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, o.proj_size}) {}
GRU::GRU(int64_t input_size, int64_t hidden_size, GRUOptions o)
    : RNNBase(input_size, hidden_size, {RecurrentKind::GRU, o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, 0}) {}

RNNResult RNN::operator()(const Tensor& x, const OptionalTensor& h_0) const {
  LSTMResult all = run(x, {h_0, {}});
  return {all.output, all.state.h};
}
PackedRNNResult RNN::operator()(const utils::rnn::PackedSequence& x, const OptionalTensor& h_0) const {
  PackedLSTMResult all = run(x, {h_0, {}});
  return {all.output, all.state.h};
}
RNNResult GRU::operator()(const Tensor& x, const OptionalTensor& h_0) const {
  LSTMResult all = run(x, {h_0, {}});
  return {all.output, all.state.h};
}
PackedRNNResult GRU::operator()(const utils::rnn::PackedSequence& x, const OptionalTensor& h_0) const {
  PackedLSTMResult all = run(x, {h_0, {}});
  return {all.output, all.state.h};
}
LSTMResult LSTM::operator()(const Tensor& x, const LSTMState& start) const { return run(x, start); }
PackedLSTMResult LSTM::operator()(const utils::rnn::PackedSequence& x, const LSTMState& start) const { return run(x, start); }

// --- cells

RNNCellBase::RNNCellBase(RecurrentKind kind, int64_t input_size, int64_t hidden_size, bool bias)
    : kind(kind), input_size(input_size), hidden_size(hidden_size) {
  const int64_t gates = gates_of(kind) * hidden_size;
  set_parameter(weight_ih, empty({gates, input_size}));
  set_parameter(weight_hh, empty({gates, hidden_size}));
  if (bias) {
    set_parameter(bias_ih, empty({gates}));
    set_parameter(bias_hh, empty({gates}));
  }
  const double bound = hidden_size > 0 ? 1 / std::sqrt(double(hidden_size)) : 0;
  for (const Tensor& parameter : parameters()) init::uniform_(parameter, -bound, bound);
}

LSTMState RNNCellBase::run(const char* word, const Tensor& x, const LSTMState& before) const {
  LSTMState result;
  result.h = observed(
      [&] {
        require_defined(word, x);
        const bool lstm = kind == RecurrentKind::LSTM;
        check<ValueError>(x.dim() == 1 || x.dim() == 2, "{}: Expected input to be 1D or 2D, got {}D instead", word, x.dim());
        check<RuntimeError>(!lstm || before.h.defined() == before.c.defined(), "LSTMCell: expected both h and c of its state, or none");
        const auto prepared = [&](const Tensor& state, const char* place, int number) {
          const Tensor input = x.dim() == 1 ? x.unsqueeze(0) : x;
          if (!state.defined()) return zeros({input.size(0), hidden_size}, x.dtype());
          check<ValueError>(state.dim() == 1 || state.dim() == 2, "{}: Expected {} to be 1D or 2D, got {}D instead", word, place, state.dim());
          const Tensor rows = x.dim() == 1 ? state.unsqueeze(0) : state;
          check<RuntimeError>(rows.size(0) == input.size(0), "Input batch size {} doesn't match hidden{} batch size {}", input.size(0), number,
                              rows.size(0));
          check<RuntimeError>(rows.dim() == 2 && rows.size(1) == hidden_size, "hidden{} has inconsistent hidden_size: got {}, expected {}", number,
                              rows.size(-1), hidden_size);
          check<RuntimeError>(rows.dtype() == x.dtype(), "mat1 and mat2 must have the same dtype, but got {} and {}", scalar_type_name(rows.dtype()),
                              scalar_type_name(x.dtype()));
          return rows;
        };
        check<RuntimeError>(x.size(-1) == input_size, "input has inconsistent input_size: got {} expected {}", x.size(-1), input_size);
        check<RuntimeError>(x.dtype() == weight_ih.dtype(), "mat1 and mat2 must have the same dtype, but got {} and {}", scalar_type_name(x.dtype()),
                            scalar_type_name(weight_ih.dtype()));
        const Tensor h = prepared(before.h, lstm ? "hx[0]" : "hidden", 0), c = lstm ? prepared(before.c, "hx[1]", 1) : Tensor();
        const RecurrentResult step = recurrent_layer(kind, (x.dim() == 1 ? x.unsqueeze(0) : x).unsqueeze(0), h, c,
                                                     {weight_ih, weight_hh, bias_ih, bias_hh});
        if (lstm) result.c = x.dim() == 1 ? step.c_n.squeeze(0) : step.c_n;
        return x.dim() == 1 ? step.h_n.squeeze(0) : step.h_n;
      },
      x);
  return result;
}

Tensor RNNCellBase::forward(const Tensor& x) { return run(type_name().c_str(), x, {}).h; }

std::string RNNCellBase::extra_repr() const {
  std::string text = fmt::format("{}, {}", input_size, hidden_size);
  if (!bias_ih.defined()) text += ", bias=False";
  if (kind == RecurrentKind::ReLU) text += ", nonlinearity=relu";
  return text;
}

RNNCell::RNNCell(int64_t input_size, int64_t hidden_size, RNNCellOptions o) : RNNCellBase(kind_of(o.nonlinearity), input_size, hidden_size, o.bias) {}
Tensor RNNCell::operator()(const Tensor& x, const OptionalTensor& h) const { return run("RNNCell", x, {h, {}}).h; }
LSTMState LSTMCell::operator()(const Tensor& x, const LSTMState& before) const { return run("LSTMCell", x, before); }
Tensor GRUCell::operator()(const Tensor& x, const OptionalTensor& h) const { return run("GRUCell", x, {h, {}}).h; }

RNN RNN::clone() const {
  return copy_of([&] {
    return RNN(input_size, hidden_size, {num_layers, kind == RecurrentKind::ReLU ? "relu" : "tanh", bias, batch_first, dropout, bidirectional});
  });
}
LSTM LSTM::clone() const {
  return copy_of([&] { return LSTM(input_size, hidden_size, {num_layers, bias, batch_first, dropout, bidirectional, proj_size}); });
}
GRU GRU::clone() const {
  return copy_of([&] { return GRU(input_size, hidden_size, {num_layers, bias, batch_first, dropout, bidirectional}); });
}
RNNCell RNNCell::clone() const {
  return copy_of([&] { return RNNCell(input_size, hidden_size, {bias_ih.defined(), kind == RecurrentKind::ReLU ? "relu" : "tanh"}); });
}
LSTMCell LSTMCell::clone() const {
  return copy_of([&] { return LSTMCell(input_size, hidden_size, bias_ih.defined()); });
}
GRUCell GRUCell::clone() const {
  return copy_of([&] { return GRUCell(input_size, hidden_size, bias_ih.defined()); });
}

}  // namespace ember::nn
