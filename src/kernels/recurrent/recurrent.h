// Recurrent layers over whole sequences, forward and backward. The products with the inputs are ordinary matrix products before and
// after; here are the steps: each is one product with the state and one pass over the gates.
#pragma once

#include <cstdint>

namespace ember::kernels {

enum class Cell : std::uint8_t { Tanh, Relu, Lstm, Gru };

constexpr int gates_of(Cell cell) { return cell == Cell::Lstm ? 4 : cell == Cell::Gru ? 3 : 1; }

/// Sequences sorted by falling length, packed step by step: step t has rows_at[t] rows, those of the first sequences, and begins at row
/// first_row[t]. Sequences of one length have `batch` rows in each step.
struct Sequences {
  int64_t steps, batch;
  const int64_t *rows_at, *first_row;
  bool reverse;  ///< from the last step to the first
  int64_t step(int64_t i) const { return reverse ? steps - 1 - i : i; }
};

/// Weights of the state: w_hh (gates x hidden, state), b_hh (of a GRU; elsewhere it is part of the gates already), w_hr (state, hidden) or
/// null where the state is the hidden value itself.
template <class T>
struct StateWeights {
  Cell cell;
  int64_t hidden, state;
  const T *w_hh, *b_hh, *w_hr;
  int64_t gates() const { return gates_of(cell) * hidden; }
};

/// What a backward needs of each row; null where nobody wants it. `state_before` is h of the step before, `cell_before` its c.
template <class T>
struct StepValues {
  T* gates;         ///< rows x gates: forward gets x W_ih^T + b and leaves the activated gates
  T* state_before;  ///< rows x state
  T* cell_before;   ///< rows x hidden (LSTM)
  T* cell_tanh;     ///< rows x hidden: tanh c (LSTM)
  T* unprojected;   ///< rows x hidden: o tanh c (LSTM with w_hr)
  T* candidate;     ///< rows x hidden: W_hn h + b_hn (GRU)
};

/// y: rows x state. h (batch x state) and c (batch x hidden, LSTM) hold the first state and are left as the last one of each sequence.
template <class T>
void recurrent_forward(const Sequences& at, const StateWeights<T>& weights, const StepValues<T>& values, T* y, T* h, T* c);

/// dgates (rows x gates) is the gradient of the forward's gates. dh and dc hold the gradients of the last state and are left as those of
/// the first. dstate: the gradient of what W_hh h + b_hh adds, of a GRU only; dprojected: rows x state, with w_hr only.
template <class T>
void recurrent_backward(const Sequences& at, const StateWeights<T>& weights, const StepValues<T>& values, const T* dy, T* dgates, T* dstate,
                        T* dprojected, T* dh, T* dc);

// ---------------------------------------------------------------------------------------------------------------------------
// One instruction set's part: n rows of one step, the rows of each operand one after the other.

template <class T>
struct RecurrentLoops {
  /// gates = activation(gates), h = gates
  void (*plain)(int64_t n, int64_t hidden, bool relu, T* gates, T* h);
  void (*plain_backward)(int64_t n, int64_t hidden, bool relu, const T* gates, const T* dh, T* dgates);
  /// gates i f g o; c = f c + i g, h = o tanh c
  void (*lstm)(int64_t n, int64_t hidden, T* gates, T* c, T* cell_tanh, T* h);
  void (*lstm_backward)(int64_t n, int64_t hidden, const T* gates, const T* cell_before, const T* cell_tanh, const T* dh, T* dc, T* dgates);
  /// gates r z n, `state` = W_hh h + b_hh; h = n + z (h - n)
  void (*gru)(int64_t n, int64_t hidden, T* gates, const T* state, T* candidate, T* h);
  void (*gru_backward)(int64_t n, int64_t hidden, const T* gates, const T* candidate, const T* state_before, T* dh, T* dgates, T* dstate);
};

}  // namespace ember::kernels
