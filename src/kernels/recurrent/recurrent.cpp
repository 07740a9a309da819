// Each slice of the batch walks through the whole sequence by itself: threads meet once for a layer, not once for a step, and the state of
// a slice stays in the cache of its core. Every row is computed in the same way whatever the slices are.
#include "kernels/recurrent/recurrent.h"

#include <algorithm>
#include <cstring>

#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

constexpr int64_t kRowsOfSlice = 8;  // at least: two register tiles that share what they load of the weights

/// A matrix B (k x n) laid out in panels, to be multiplied from the left once for each step.
template <class T>
class Packed {
 public:
  Packed(int64_t k, int64_t n, const T* b, int64_t b_row, bool transposed)
      : k_(k), n_(n), width_(int64_t(f_.panel_vectors) * f_.lanes), panels_((n + width_ - 1) / width_), numbers_(panels_ * width_ * k) {
    parallel_for(panels_, 1, double(k * n), [&](int64_t first, int64_t end) {
      for (int64_t p = first; p < end; ++p) {
        T* const out = numbers_ + p * width_ * k_;
        if (transposed) f_.pack_transposed(k_, columns(p), b + p * width_ * b_row, b_row, out, row(p));
        else f_.pack_rows(k_, columns(p), b + p * width_, b_row, out, row(p));
      }
    });
  }

  /// c (rows x n) = a (rows x k) B, or += it, + bias.
  void multiply(int64_t rows, const T* a, T* c, bool accumulate, const T* bias = nullptr) const {
    for (int64_t p = 0; p < panels_; ++p) {
      Panel<T> q{};
      q.rows = rows;
      q.columns = columns(p);
      q.a = a;
      q.a_row = k_;
      q.b = numbers_ + p * width_ * k_;
      q.c = c + p * width_;
      q.c_row = n_;
      q.inner = {k_, 1, row(p)};
      q.epilogue = {accumulate, bias ? bias + p * width_ : nullptr, false};
      f_.panel(q);
    }
  }

 private:
  int columns(int64_t p) const { return int(std::min(width_, n_ - p * width_)); }
  int64_t row(int64_t p) const { return (columns(p) + f_.lanes - 1) / f_.lanes * f_.lanes; }  // numbers of a packed row

  const GemmFamily<T>& f_ = gemm_loops<T>();
  const int64_t k_, n_, width_, panels_;
  const Scratch<T> numbers_;
};

template <class T>
void copy(int64_t count, const T* from, T* to) {
  if (count > 0) std::memcpy(to, from, std::size_t(count) * sizeof(T));
}

/// body(first sequence, end) for slices of the batch.
template <class Body>
void over_slices(const Sequences& at, double work_of_row, Body&& body) {
  const double rows = double(at.steps) * double(at.batch);
  parallel_for(at.batch, kRowsOfSlice, rows * work_of_row, body);
}

template <class T>
double work_of_row(const StateWeights<T>& w) {
  return double(w.gates()) * double(w.state) / 8 + 8 * double(w.gates());
}

}  // namespace

template <class T>
void recurrent_forward(const Sequences& at, const StateWeights<T>& w, const StepValues<T>& values, T* y, T* h, T* c) {
  const RecurrentLoops<T>& loops = recurrent_loops<T>();
  const int64_t hidden = w.hidden, gates = w.gates();
  const Packed<T> w_hh(w.state, gates, w.w_hh, w.state, true);
  const Packed<T> w_hr(w.w_hr ? hidden : 0, w.w_hr ? w.state : 0, w.w_hr, hidden, true);
  over_slices(at, work_of_row(w), [&](int64_t first, int64_t end) {
    const int64_t most = end - first;
    const Scratch<T> product(w.cell == Cell::Gru ? most * gates : 0), wide(w.w_hr ? most * hidden : 0);
    T *const state = h + first * w.state, *const cell = c ? c + first * hidden : nullptr;
    for (int64_t i = 0; i < at.steps; ++i) {
      const int64_t t = at.step(i), n = std::min(end, at.rows_at[t]) - first, row = at.first_row[t] + first;
      if (n <= 0) continue;
      T* const g = values.gates + row * gates;
      if (values.state_before) copy(n * w.state, state, values.state_before + row * w.state);
      if (w.cell == Cell::Gru) {
        w_hh.multiply(n, state, product, false, w.b_hh);
        loops.gru(n, hidden, g, product, values.candidate ? values.candidate + row * hidden : nullptr, state);
      } else {
        w_hh.multiply(n, state, g, true);
        if (w.cell == Cell::Lstm) {
          if (values.cell_before) copy(n * hidden, cell, values.cell_before + row * hidden);
          T* const out = !w.w_hr ? state : values.unprojected ? values.unprojected + row * hidden : wide.data();
          loops.lstm(n, hidden, g, cell, values.cell_tanh ? values.cell_tanh + row * hidden : nullptr, out);
          if (w.w_hr) w_hr.multiply(n, out, state, false);
        } else {
          loops.plain(n, hidden, w.cell == Cell::Relu, g, state);
        }
      }
      copy(n * w.state, state, y + row * w.state);
    }
  });
}

template <class T>
void recurrent_backward(const Sequences& at, const StateWeights<T>& w, const StepValues<T>& values, const T* dy, T* dgates, T* dstate, T* dprojected,
                        T* dh, T* dc) {
  const RecurrentLoops<T>& loops = recurrent_loops<T>();
  const int64_t hidden = w.hidden, gates = w.gates();
  const Packed<T> w_hh(gates, w.state, w.w_hh, w.state, false);
  const Packed<T> w_hr(w.w_hr ? w.state : 0, w.w_hr ? hidden : 0, w.w_hr, hidden, false);
  over_slices(at, work_of_row(w), [&](int64_t first, int64_t end) {
    const Scratch<T> wide(w.w_hr ? (end - first) * hidden : 0);
    T *const of_state = dh + first * w.state, *const of_cell = dc ? dc + first * hidden : nullptr;
    for (int64_t i = at.steps; i-- > 0;) {
      const int64_t t = at.step(i), n = std::min(end, at.rows_at[t]) - first, row = at.first_row[t] + first;
      if (n <= 0) continue;
      const T *const g = values.gates + row * gates, *const from = dy + row * w.state;
      T* const dg = dgates + row * gates;
      for (int64_t j = 0; j < n * w.state; ++j) of_state[j] += from[j];
      if (w.cell == Cell::Gru) {
        loops.gru_backward(n, hidden, g, values.candidate + row * hidden, values.state_before + row * w.state, of_state, dg, dstate + row * gates);
        w_hh.multiply(n, dstate + row * gates, of_state, true);
        continue;
      }
      if (w.w_hr) {
        copy(n * w.state, of_state, dprojected + row * w.state);
        w_hr.multiply(n, of_state, wide, false);
      }
      if (w.cell == Cell::Lstm)
        loops.lstm_backward(n, hidden, g, values.cell_before + row * hidden, values.cell_tanh + row * hidden, w.w_hr ? wide.data() : of_state,
                            of_cell, dg);
      else loops.plain_backward(n, hidden, w.cell == Cell::Relu, g, of_state, dg);
      w_hh.multiply(n, dg, of_state, false);
    }
  });
}

template void recurrent_forward(const Sequences&, const StateWeights<float>&, const StepValues<float>&, float*, float*, float*);
template void recurrent_forward(const Sequences&, const StateWeights<double>&, const StepValues<double>&, double*, double*, double*);
template void recurrent_backward(const Sequences&, const StateWeights<float>&, const StepValues<float>&, const float*, float*, float*, float*, float*,
                                 float*);
template void recurrent_backward(const Sequences&, const StateWeights<double>&, const StepValues<double>&, const double*, double*, double*, double*,
                                 double*, double*);

}  // namespace ember::kernels
