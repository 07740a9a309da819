// One recurrent layer as one recorded operation. Its forward and backward are kernels; where the backward itself is recorded, the layer is
// computed again step by step from basic operations (recurrent_plain.cpp), which is its oracle in the tests, too.
#include <ember/ops/recurrent.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/gemm/gemm.h"
#include "kernels/recurrent/recurrent.h"
#include "ops/recurrent_sizes.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

using kernels::Cell;
constexpr Cell cell_of(RecurrentKind kind) {
  switch (kind) {
    case RecurrentKind::Tanh: return Cell::Tanh;
    case RecurrentKind::ReLU: return Cell::Relu;
    case RecurrentKind::LSTM: return Cell::Lstm;
    default: return Cell::Gru;
  }
}

void check_size(const char* what, const Tensor& t, IntArrayRef expected, DType dtype) {
  check<RuntimeError>(t.sizes() == expected, "recurrent_layer: expected {} of size {}, got {}", what, expected, t.sizes());
  check<RuntimeError>(t.dtype() == dtype, "recurrent_layer: expected {} to have the dtype of the input, {}, got {}", what, scalar_type_name(dtype),
                      scalar_type_name(t.dtype()));
}

void check_arguments(RecurrentKind kind, const RecurrentSizes& s, const Tensor& x, const Tensor& h_0, const Tensor& c_0, const RecurrentWeights& w) {
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"recurrent_layer\" not implemented for '{}'", scalar_type_name(x.dtype()));
  check_size("h_0", h_0, {s.batch, s.state}, x.dtype());
  check_size("weight_ih", w.weight_ih, {s.gates, s.input}, x.dtype());
  check_size("weight_hh", w.weight_hh, {s.gates, s.state}, x.dtype());
  if (w.bias_ih.defined()) check_size("bias_ih", w.bias_ih, {s.gates}, x.dtype());
  if (w.bias_hh.defined()) check_size("bias_hh", w.bias_hh, {s.gates}, x.dtype());
  check<RuntimeError>(w.bias_ih.defined() == w.bias_hh.defined(), "recurrent_layer: expected both biases or none");
  check<RuntimeError>(c_0.defined() == (kind == RecurrentKind::LSTM), "recurrent_layer: expected c_0 {}",
                      c_0.defined() ? "of an LSTM only" : "beside h_0 of an LSTM");
  if (c_0.defined()) check_size("c_0", c_0, {s.batch, s.hidden}, x.dtype());
  check<RuntimeError>(!w.weight_hr.defined() || kind == RecurrentKind::LSTM, "recurrent_layer: expected weight_hr of an LSTM only");
  if (w.weight_hr.defined()) check_size("weight_hr", w.weight_hr, {s.state, s.hidden}, x.dtype());
}

/// What the layer keeps for its backward besides its inputs.
struct Kept {
  Tensor gates, state_before, cell_before, cell_tanh, unprojected, candidate;

  template <class T>
  kernels::StepValues<T> values() const {
    const auto of = [](const Tensor& t) { return static_cast<T*>(t.data_or_null()); };
    return {of(gates), of(state_before), of(cell_before), of(cell_tanh), of(unprojected), of(candidate)};
  }
};

template <class T>
kernels::Matrix<T> rows_of(const Tensor& t) {
  return {t.data<T>(), t.size(-1), 1};
}

/// Copies of the weights as the kernels read them: contiguous.
struct Dense {
  Tensor w_ih, w_hh, w_hr, b_hh;
  explicit Dense(const RecurrentWeights& w)
      : w_ih(w.weight_ih.contiguous()), w_hh(w.weight_hh.contiguous()), w_hr(w.weight_hr.defined() ? w.weight_hr.contiguous() : Tensor()),
        b_hh(w.bias_hh.defined() ? w.bias_hh.contiguous() : Tensor()) {}

  template <class T>
  kernels::StateWeights<T> state(Cell cell, const RecurrentSizes& s) const {
    const auto of = [](const Tensor& t) { return static_cast<const T*>(t.data_or_null()); };
    return {cell, s.hidden, s.state, of(w_hh), cell == Cell::Gru ? of(b_hh) : nullptr, of(w_hr)};
  }
};

/// y, h_n and c_n one after the other: a recorded operation has one output.
Tensor forward(RecurrentKind kind, const RecurrentSizes& s, const Tensor& x, const Tensor& h_0, const Tensor& c_0, const RecurrentWeights& weights,
               Kept* keep) {
  const NoGradGuard no_grad;
  const Cell cell = cell_of(kind);
  const bool lstm = kind == RecurrentKind::LSTM;
  const Dense dense(weights);
  const Tensor from = x.contiguous();
  const Tensor out = make_dense({s.output_numbers()}, x.dtype());
  Kept kept;
  kept.gates = make_dense({s.rows, s.gates}, x.dtype());
  if (keep) {
    kept.state_before = make_dense({s.rows, s.state}, x.dtype());
    if (lstm) kept.cell_before = make_dense({s.rows, s.hidden}, x.dtype()), kept.cell_tanh = make_dense({s.rows, s.hidden}, x.dtype());
    if (dense.w_hr.defined()) kept.unprojected = make_dense({s.rows, s.hidden}, x.dtype());
    if (kind == RecurrentKind::GRU) kept.candidate = make_dense({s.rows, s.hidden}, x.dtype());
  }
  Tensor bias = weights.bias_ih.defined() ? weights.bias_ih.contiguous() : Tensor();
  if (bias.defined() && kind != RecurrentKind::GRU) bias = bias + weights.bias_hh;
  out.narrow(0, s.rows * s.state, s.batch * s.state).copy_(h_0.reshape({-1}));
  if (lstm) out.narrow(0, (s.rows + s.batch) * s.state, s.batch * s.hidden).copy_(c_0.reshape({-1}));
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *const y = out.data<T>(), *const h = y + s.rows * s.state, *const c = lstm ? h + s.batch * s.state : nullptr;
    kernels::gemm<T>(s.rows, s.gates, s.input, {from.data<T>(), s.input, 1}, rows_of<T>(dense.w_ih).transposed(), kept.gates.data<T>(), s.gates,
                     {false, static_cast<const T*>(bias.data_or_null()), false});
    kernels::recurrent_forward<T>(s.sequences(), dense.state<T>(cell, s), kept.values<T>(), y, h, c);
  });
  if (keep) *keep = std::move(kept);
  return out;
}

/// a^T b as the gradient of a weight.
template <class T>
void weight_gradient(Grads& grads, int input, const Tensor& a, const Tensor& b) {
  grads.write(input, [&](Tensor& target, bool accumulate) {
    kernels::gemm<T>(a.size(1), b.size(1), a.size(0), rows_of<T>(a).transposed(), rows_of<T>(b), target.data<T>(), b.size(1),
                     {accumulate, nullptr, false});
  });
}
template <class T>
void bias_gradient(Grads& grads, int input, const Tensor& rows) {
  grads.write(input, [&](Tensor& target, bool accumulate) {
    kernels::column_sums<T>(rows.size(0), rows.size(1), rows.data<T>(), rows.size(1), target.data<T>(), accumulate);
  });
}

enum Input { X, H0, C0, WeightIH, WeightHH, BiasIH, BiasHH, WeightHR };

// The gates g = x W_ih^T + b_ih + ...: dx = dg W_ih, dW_ih = dg^T x, db_ih = sum dg. What W_hh h + b_hh adds has the gradient dg, too, but
// for the last gate of a GRU, whose part is multiplied by r.
void backward(RecurrentKind kind, const RecurrentSizes& s, const Kept& kept, const Tensor& x, const RecurrentWeights& weights, const Tensor& dy,
              Grads& grads) {
  const Dense dense(weights);
  const Tensor from = x.contiguous().view({s.rows, s.input}), grad = dy.contiguous();
  const DType dtype = x.dtype();
  const Tensor dgates = make_dense({s.rows, s.gates}, dtype);
  const Tensor dstate = kind == RecurrentKind::GRU ? make_dense({s.rows, s.gates}, dtype) : dgates;
  const Tensor dprojected = dense.w_hr.defined() ? make_dense({s.rows, s.state}, dtype) : Tensor();
  const Tensor dh = grad.narrow(0, s.rows * s.state, s.batch * s.state).clone().view({s.batch, s.state});
  const Tensor dc = kind == RecurrentKind::LSTM ? grad.narrow(0, (s.rows + s.batch) * s.state, s.batch * s.hidden).clone().view({s.batch, s.hidden})
                                                : Tensor();
  with_real(dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::recurrent_backward<T>(s.sequences(), dense.state<T>(cell_of(kind), s), kept.values<T>(), grad.data<T>(), dgates.data<T>(),
                                   dstate.data<T>(), static_cast<T*>(dprojected.data_or_null()), dh.data<T>(), static_cast<T*>(dc.data_or_null()));
    if (grads.wants(X)) {
      const Tensor dx = make_dense(x.sizes(), dtype);
      kernels::gemm<T>(s.rows, s.input, s.gates, rows_of<T>(dgates), rows_of<T>(dense.w_ih), dx.data<T>(), s.input);
      grads.add(X, dx);
    }
    weight_gradient<T>(grads, WeightIH, dgates, from);
    weight_gradient<T>(grads, WeightHH, dstate, kept.state_before);
    bias_gradient<T>(grads, BiasIH, dgates);
    bias_gradient<T>(grads, BiasHH, dstate);
    if (dprojected.defined()) weight_gradient<T>(grads, WeightHR, dprojected, kept.unprojected);
  });
  grads.add(H0, dh);
  grads.add(C0, dc);
}

}  // namespace

RecurrentResult recurrent_layer(RecurrentKind kind, const Tensor& x, const Tensor& h_0, const OptionalTensor& c_0, const RecurrentWeights& w,
                                const RecurrentOptions& options) {
  require_defined("recurrent_layer", x, h_0, w.weight_ih, w.weight_hh);
  const RecurrentSizes sizes = RecurrentSizes::of(kind, x, h_0, w, options);
  check_arguments(kind, sizes, x, h_0, c_0, w);

  const bool recorded = will_record({x, h_0, c_0, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, w.weight_hr});
  Kept kept;
  Tensor all = forward(kind, sizes, x, h_0, c_0, w, recorded ? &kept : nullptr);
  if (recorded) {
    const char* const name = kind == RecurrentKind::LSTM ? "LstmLayer" : kind == RecurrentKind::GRU ? "GruLayer" : "RnnLayer";
    note(name, [&] {
      return Attributes{{"packed", {options.batch_sizes.defined()}}, {"reverse", {options.reverse}}, {"relu", {kind == RecurrentKind::ReLU}}};
    });
    all = record(name, {x, h_0, c_0, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, w.weight_hr}, std::move(all),
                 [=, kept = std::move(kept), x = Saved(x), h_0 = Saved(h_0), c_0 = Saved(c_0), w_ih = Saved(w.weight_ih), w_hh = Saved(w.weight_hh),
                  b_ih = Saved(w.bias_ih), b_hh = Saved(w.bias_hh), w_hr = Saved(w.weight_hr)](const Tensor& dy, Grads& grads) {
                   const std::vector<Tensor> inputs{x.get(), h_0.get(), c_0.get(), w_ih.get(), w_hh.get(), b_ih.get(), b_hh.get(), w_hr.get()};
                   if (grads.create_graph())
                     return grads.replay(dy, inputs, [&](const std::vector<Tensor>& in) {
                       return recurrent_plain(kind, sizes, in[X], in[H0], in[C0], {in[WeightIH], in[WeightHH], in[BiasIH], in[BiasHH], in[WeightHR]});
                     });
                   backward(kind, sizes, kept, inputs[X], {inputs[WeightIH], inputs[WeightHH], inputs[BiasIH], inputs[BiasHH], inputs[WeightHR]}, dy,
                            grads);
                 });
  }
  const int64_t rows = sizes.rows * sizes.state, states = sizes.batch * sizes.state;
  RecurrentResult result;
  const Tensor y = all.narrow(0, 0, rows);
  result.output = options.batch_sizes.defined() ? y.view({sizes.rows, sizes.state}) : y.view({sizes.steps, sizes.batch, sizes.state});
  result.h_n = all.narrow(0, rows, states).view({sizes.batch, sizes.state});
  if (c_0.defined()) result.c_n = all.narrow(0, rows + states, sizes.batch * sizes.hidden).view({sizes.batch, sizes.hidden});
  return result;
}

}  // namespace ember
