// One layer of a recurrent network over whole sequences, in one direction: what nn::RNN, nn::LSTM and nn::GRU are stacked from.
#pragma once

#include <ember/tensor.h>

namespace ember {

enum class RecurrentKind : std::uint8_t { Tanh, ReLU, LSTM, GRU };

/// weight_ih (gates, input), weight_hh (gates, state), bias_ih and bias_hh (gates), weight_hr (state, hidden) of an LSTM with projection.
/// `gates` is hidden, 4 hidden (LSTM: i, f, g, o), or 3 hidden (GRU: r, z, n), stacked. As the parameters of torch.nn.LSTM.
struct RecurrentWeights {
  Tensor weight_ih, weight_hh;
  OptionalTensor bias_ih = {}, bias_hh = {}, weight_hr = {};
};

/// Sequences of several lengths, sorted by falling length: batch_sizes[t] (int64) of them have a step t.
struct RecurrentOptions {
  bool reverse = false;             ///< from the last step to the first
  OptionalTensor batch_sizes = {};  ///< x is then (sum of batch_sizes, input)
};

struct RecurrentResult {
  Tensor output;  ///< (L, N, state), or (sum of batch_sizes, state): h of each step
  Tensor h_n;     ///< (N, state): h of the last step of each sequence
  Tensor c_n;     ///< (N, hidden), of an LSTM
};

/// h_t = act(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh) for act tanh or ReLU; with the gates of an LSTM or a GRU as torch.nn.LSTM and
/// torch.nn.GRU have them. x (L, N, input), h_0 (N, state), c_0 (N, hidden) of an LSTM, undefined elsewhere.
/// Throws RuntimeError where sizes or dtypes do not fit. Hochreiter & Schmidhuber 1997; Cho et al. 2014; Sak et al. 2014 (projection).
RecurrentResult recurrent_layer(RecurrentKind kind, const Tensor& x, const Tensor& h_0, const OptionalTensor& c_0, const RecurrentWeights& weights,
                                const RecurrentOptions& options = {});

}  // namespace ember
