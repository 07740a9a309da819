// A recurrent layer from basic operations, as its formulas are written.
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/shape.h>

#include "error_format.h"
#include "ops/recurrent_sizes.h"

namespace ember {
namespace {

struct State {
  Tensor h, c;
};

State step(RecurrentKind kind, const Tensor& from_input, const State& before, const RecurrentWeights& w) {
  const Tensor from_state = linear(before.h, w.weight_hh, w.bias_hh);
  if (kind == RecurrentKind::Tanh) return {tanh(from_input + from_state), {}};
  if (kind == RecurrentKind::ReLU) return {relu(from_input + from_state), {}};
  if (kind == RecurrentKind::GRU) {
    const std::vector<Tensor> x = chunk(from_input, 3, 1), s = chunk(from_state, 3, 1);
    const Tensor r = sigmoid(x[0] + s[0]), z = sigmoid(x[1] + s[1]), n = tanh(x[2] + r * s[2]);
    return {n + z * (before.h - n), {}};
  }
  const std::vector<Tensor> gates = chunk(from_input + from_state, 4, 1);
  const Tensor c = sigmoid(gates[1]) * before.c + sigmoid(gates[0]) * tanh(gates[2]);
  const Tensor h = sigmoid(gates[3]) * tanh(c);
  return {w.weight_hr.defined() ? linear(h, w.weight_hr) : h, c};
}

/// The first rows of `all` replaced.
Tensor with_first(const Tensor& first, const Tensor& all) {
  const int64_t n = first.size(0), total = all.size(0);
  return n == total ? first : cat({first, all.narrow(0, n, total - n)});
}

}  // namespace

RecurrentSizes RecurrentSizes::of(RecurrentKind kind, const Tensor& x, const Tensor& h_0, const RecurrentWeights& w,
                                  const RecurrentOptions& options) {
  const bool packed = options.batch_sizes.defined();
  check<RuntimeError>(x.dim() == (packed ? 2 : 3), "input must have {} dimensions, got {}", packed ? 2 : 3, x.dim());
  check<RuntimeError>(h_0.dim() == 2, "recurrent_layer: expected h_0 of 2 dimensions, got {}", h_0.dim());
  check<RuntimeError>(w.weight_ih.dim() == 2 && w.weight_hh.dim() == 2, "recurrent_layer: expected weights of 2 dimensions");
  RecurrentSizes s;
  s.reverse = options.reverse;
  s.lstm = kind == RecurrentKind::LSTM;
  s.input = x.size(-1);
  s.state = h_0.size(1);
  s.gates = w.weight_ih.size(0);
  const int each = kind == RecurrentKind::LSTM ? 4 : kind == RecurrentKind::GRU ? 3 : 1;
  check<RuntimeError>(s.gates % each == 0, "recurrent_layer: expected weight_ih of {} times hidden rows, got {}", each, s.gates);
  s.hidden = s.gates / each;
  check<RuntimeError>(w.weight_hr.defined() || s.state == s.hidden, "recurrent_layer: expected h_0 of size [{}, {}], got {}", h_0.size(0), s.hidden,
                      h_0.sizes());
  if (packed) {
    check<RuntimeError>(options.batch_sizes.dim() == 1 && options.batch_sizes.dtype() == kInt64 && options.batch_sizes.numel() > 0,
                        "recurrent_layer: expected batch_sizes of one dimension and dtype int64");
    s.rows_at = options.batch_sizes.to_vector<int64_t>();
  } else {
    s.rows_at.assign(std::size_t(x.size(0)), x.size(1));
  }
  s.steps = int64_t(s.rows_at.size());
  s.batch = packed ? s.rows_at.front() : x.size(1);
  for (std::size_t t = 0; t < s.rows_at.size(); ++t) {
    check<RuntimeError>(s.rows_at[t] >= (packed ? 1 : 0) && (t == 0 || s.rows_at[t] <= s.rows_at[t - 1]),
                        "recurrent_layer: expected batch_sizes that fall, got {} after {}", s.rows_at[t], t ? s.rows_at[t - 1] : 0);
    s.first_row.push_back(s.rows);
    s.rows += s.rows_at[t];
  }
  check<RuntimeError>(!packed || s.rows == x.size(0), "recurrent_layer: expected as many rows as batch_sizes add up to, {}, got {}", s.rows,
                      x.size(0));
  return s;
}

Tensor recurrent_plain(RecurrentKind kind, const RecurrentSizes& s, const Tensor& x, const Tensor& h_0, const Tensor& c_0,
                       const RecurrentWeights& w) {
  const Tensor from_input = linear(x.reshape({s.rows, s.input}), w.weight_ih, w.bias_ih);
  State state{h_0, c_0};
  std::vector<Tensor> outputs(static_cast<std::size_t>(s.steps));
  for (int64_t i = 0; i < s.steps; ++i) {
    const std::size_t t = std::size_t(s.sequences().step(i));
    const int64_t n = s.rows_at[t];
    const State before{state.h.narrow(0, 0, n), state.c.defined() ? state.c.narrow(0, 0, n) : Tensor()};
    const State after = step(kind, from_input.narrow(0, s.first_row[t], n), before, w);
    outputs[t] = after.h.reshape({-1});
    state = {with_first(after.h, state.h), after.c.defined() ? with_first(after.c, state.c) : Tensor()};
  }
  outputs.push_back(state.h.reshape({-1}));
  if (state.c.defined()) outputs.push_back(state.c.reshape({-1}));
  return cat(outputs);
}

}  // namespace ember
