// Inspector: what goes on inside of a network while it trains: activations and gradients by layer, running statistics of batch norms.
//
//   train::Inspector inspector("run", model, {.every = 100});
//   for (...) {
//     ...
//     loss.backward();
//     inspector.step();       // between backward and the optimiser's step
//     optimizer.step();
//   }
#pragma once

#include <ember/nn/module.h>

#include <memory>

namespace ember::train {

struct InspectorOptions {
  int64_t every = 100;  ///< looks at steps 0, every, 2 every, ...
};

/// Writes run/layers.jsonl, one object a line, which `ember report` draws:
///   {"step", "module", "type", "kind": "activation", "mean", "std", "zeros"}   the output of each module without children; zeros: share of 0
///   {"step", "module", "type", "kind": "gradient", "norm", "weight_norm"}      Euclidean norms over the parameters of a module
///   {"step", "module", "kind": "batch_norm", "mean": [...], "var": [...]}  minimum, quartiles and maximum over the channels of the running
///                                                                          statistics
/// Steps in between cost nothing: it watches only the steps that are looked at. The model must outlive it.
class Inspector {
 public:
  /// Makes the folder where it does not exist. Throws RuntimeError when the file cannot be written, ValueError for every < 1.
  Inspector(const std::string& folder, nn::Module& model, InspectorOptions options = {});
  Inspector(const Inspector&) = delete;
  ~Inspector();

  void step();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace ember::train
