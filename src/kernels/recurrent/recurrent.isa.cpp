// One step of a recurrent layer behind its product: activations, the new state, and the way back. Formulas as in torch.nn.LSTM and GRU.
#include "kernels/recurrent/recurrent.h"

#include "kernels/families.isa.h"
#include "kernels/lanes/math.h"

namespace ember::kernels::EMBER_ISA {
namespace {

EMBER_INLINE FloatLanes gate(FloatLanes x) { return sigmoid(x); }
EMBER_INLINE DoubleLanes gate(DoubleLanes x) {
  return each_lane(x, [](double v) { return sigmoid(v); });
}
EMBER_INLINE FloatLanes squash(FloatLanes x) { return tanh(x); }
EMBER_INLINE DoubleLanes squash(DoubleLanes x) {
  return each_lane(x, [](double v) { return tanh(v); });
}

template <class T>
void plain(int64_t n, int64_t hidden, bool relu, T* gates, T* h) {
  for_each_lanes<T>(n * hidden, [&](int64_t i, auto lanes) {
    const Lanes<T> x = load(gates + i, lanes), y = relu ? maximum(zeros<T>(), x) : squash(x);
    store(gates + i, y, lanes);
    store(h + i, y, lanes);
  });
}

template <class T>
void plain_backward(int64_t n, int64_t hidden, bool relu, const T* gates, const T* dh, T* dgates) {
  for_each_lanes<T>(n * hidden, [&](int64_t i, auto lanes) {
    const Lanes<T> y = load(gates + i, lanes), d = load(dh + i, lanes);
    store(dgates + i, relu ? select(y > T(0), d, zeros<T>()) : d * (T(1) - y * y), lanes);
  });
}

template <class T>
void lstm(int64_t n, int64_t hidden, T* gates, T* c, T* cell_tanh, T* h) {
  for (int64_t r = 0; r < n; ++r, gates += 4 * hidden, c += hidden, h += hidden) {
    for_each_lanes<T>(hidden, [&](int64_t j, auto lanes) {
      const Lanes<T> i = gate(load(gates + j, lanes)), f = gate(load(gates + hidden + j, lanes));
      const Lanes<T> g = squash(load(gates + 2 * hidden + j, lanes)), o = gate(load(gates + 3 * hidden + j, lanes));
      const Lanes<T> cell = fma(f, load(c + j, lanes), i * g), t = squash(cell);
      store(gates + j, i, lanes);
      store(gates + hidden + j, f, lanes);
      store(gates + 2 * hidden + j, g, lanes);
      store(gates + 3 * hidden + j, o, lanes);
      store(c + j, cell, lanes);
      if (cell_tanh) store(cell_tanh + r * hidden + j, t, lanes);
      store(h + j, o * t, lanes);
    });
  }
}

// h = o tanh c and c = f c' + i g: dc += dh o (1 - tanh^2 c), then di = dc g, df = dc c', dg = dc i, do = dh tanh c, and dc' = dc f.
template <class T>
void lstm_backward(int64_t n, int64_t hidden, const T* gates, const T* cell_before, const T* cell_tanh, const T* dh, T* dc, T* dgates) {
  for (int64_t r = 0; r < n; ++r, gates += 4 * hidden, dgates += 4 * hidden) {
    const int64_t row = r * hidden;
    for_each_lanes<T>(hidden, [&](int64_t j, auto lanes) {
      const Lanes<T> i = load(gates + j, lanes), f = load(gates + hidden + j, lanes);
      const Lanes<T> g = load(gates + 2 * hidden + j, lanes), o = load(gates + 3 * hidden + j, lanes);
      const Lanes<T> t = load(cell_tanh + row + j, lanes), d = load(dh + row + j, lanes);
      const Lanes<T> cell = fma(d * o, T(1) - t * t, load(dc + row + j, lanes));
      store(dgates + j, cell * g * (i * (T(1) - i)), lanes);
      store(dgates + hidden + j, cell * load(cell_before + row + j, lanes) * (f * (T(1) - f)), lanes);
      store(dgates + 2 * hidden + j, cell * i * (T(1) - g * g), lanes);
      store(dgates + 3 * hidden + j, d * t * (o * (T(1) - o)), lanes);
      store(dc + row + j, cell * f, lanes);
    });
  }
}

template <class T>
void gru(int64_t n, int64_t hidden, T* gates, const T* state, T* candidate, T* h) {
  for (int64_t r = 0; r < n; ++r, gates += 3 * hidden, state += 3 * hidden, h += hidden) {
    for_each_lanes<T>(hidden, [&](int64_t j, auto lanes) {
      const Lanes<T> reset = gate(load(gates + j, lanes) + load(state + j, lanes));
      const Lanes<T> z = gate(load(gates + hidden + j, lanes) + load(state + hidden + j, lanes));
      const Lanes<T> own = load(state + 2 * hidden + j, lanes);
      const Lanes<T> fresh = squash(fma(reset, own, load(gates + 2 * hidden + j, lanes)));
      store(gates + j, reset, lanes);
      store(gates + hidden + j, z, lanes);
      store(gates + 2 * hidden + j, fresh, lanes);
      if (candidate) store(candidate + r * hidden + j, own, lanes);
      store(h + j, fma(load(h + j, lanes) - fresh, z, fresh), lanes);
    });
  }
}

// h = n + z (h' - n) and n = tanh(x_n + r s_n): dn = dh (1 - z), dz = dh (h' - n), ds_n = dn (1 - n^2) r, dr = dn (1 - n^2) s_n. dh is left
// as what goes straight to h', dh z.
template <class T>
void gru_backward(int64_t n, int64_t hidden, const T* gates, const T* candidate, const T* state_before, T* dh, T* dgates, T* dstate) {
  for (int64_t row = 0; row < n; ++row, gates += 3 * hidden, dgates += 3 * hidden, dstate += 3 * hidden) {
    const int64_t at = row * hidden;
    for_each_lanes<T>(hidden, [&](int64_t j, auto lanes) {
      const Lanes<T> reset = load(gates + j, lanes), z = load(gates + hidden + j, lanes), fresh = load(gates + 2 * hidden + j, lanes);
      const Lanes<T> d = load(dh + at + j, lanes);
      const Lanes<T> of_fresh = d * (T(1) - z) * (T(1) - fresh * fresh);
      const Lanes<T> of_reset = of_fresh * load(candidate + at + j, lanes) * (reset * (T(1) - reset));
      const Lanes<T> of_z = d * (load(state_before + at + j, lanes) - fresh) * (z * (T(1) - z));
      store(dgates + j, of_reset, lanes);
      store(dgates + hidden + j, of_z, lanes);
      store(dgates + 2 * hidden + j, of_fresh, lanes);
      store(dstate + j, of_reset, lanes);
      store(dstate + hidden + j, of_z, lanes);
      store(dstate + 2 * hidden + j, of_fresh * reset, lanes);
      store(dh + at + j, d * z, lanes);
    });
  }
}

template <class T>
constexpr RecurrentLoops<T> loops() {
  return {plain<T>, plain_backward<T>, lstm<T>, lstm_backward<T>, gru<T>, gru_backward<T>};
}

}  // namespace

constinit const Both<RecurrentLoops> Families::recurrent{loops<float>(), loops<double>()};

}  // namespace ember::kernels::EMBER_ISA
