// Three questions before a long run: can the network learn at all, with which rate, and does the program reach its end?
#pragma once

#include <ember/nn/module.h>
#include <ember/optim/optimizer.h>
#include <ember/train/plot.h>

namespace ember::train {

struct OverfitOptions {
  int64_t steps = 100;
  double loss_below = 0.01;  ///< ends there
};
struct OverfitResult {
  std::vector<double> losses;
  bool passed = false;
  std::string report;  ///< one line: what happened and, when it failed, where to look
};
/// Trains on one batch: a network that cannot learn it by heart has a fault. `loss()` computes the loss of always the same batch:
///
///   train::overfit_one_batch(model, optimizer, [&] { return cross_entropy(model(x), y); });
///
/// Parameters, buffers, the optimiser, gradients and random numbers are afterwards as they were. Throws ValueError for a loss that is
/// no number, or steps below 1.
OverfitResult overfit_one_batch(nn::Module& model, optim::Optimizer& optimizer, const Callback<Tensor()>& loss, const OverfitOptions& options = {});

struct FindLrOptions {
  double from = 1e-7, to = 10;
  int64_t steps = 100;
  double smoothing = 0.9;  ///< of the losses that the suggestion is found from
  double diverged = 4;     ///< ends when the smoothed loss is this many times the best
};
struct FindLrResult {
  std::vector<double> rates, losses;  ///< as they came; the last may not be finite
  double suggestion = 0;              ///< where the smoothed loss falls fastest; NaN when it never fell
  Plot plot() const;
};
/// The range test of Smith (2017): the rate grows from step to step while the network trains, and the loss shows which rates work.
/// `loss()` computes the loss of the next batch. The model, the optimiser, its rates and the random numbers are afterwards as they were.
FindLrResult find_lr(nn::Module& model, optim::Optimizer& optimizer, const Callback<Tensor()>& loss, const FindLrOptions& options = {});

/// A run that only shows that everything works, from the first line to the last: a few batches of one epoch.
///
///   const train::FastDevRun fast;                    // EMBER_FAST_DEV_RUN=2 ./program does two batches; without it nothing changes
///   for (int epoch = 0; epoch < fast.epochs(20); ++epoch)
///     for (const auto& [x, y] : loader) {
///       ...
///       if (fast.enough(++step)) break;
///     }
class FastDevRun {
 public:
  /// batches < 0: as the environment variable EMBER_FAST_DEV_RUN says; 0: off. Throws ValueError when that is no whole number.
  explicit FastDevRun(int64_t batches = -1);
  bool on() const { return batches_ > 0; }
  int64_t epochs(int64_t planned) const { return on() && planned > 1 ? 1 : planned; }
  bool enough(int64_t batches_done) const { return on() && batches_done >= batches_; }

 private:
  int64_t batches_;
};

}  // namespace ember::train
