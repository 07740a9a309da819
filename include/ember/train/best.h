// SaveBest keeps the best weights of a run in a file; EarlyStopping says when it gets no better.
//
//   train::SaveBest best("run/best.pt", model, {.mode = "max"});
//   train::EarlyStopping stopping({.mode = "max", .patience = 5});
//   for (...) {
//     ...
//     best.update(accuracy, epoch);
//     if (stopping.update(accuracy)) break;
//   }
//   best.restore();
#pragma once

#include <ember/nn/module.h>

namespace ember::train {

/// What counts as better: by more than min_delta, below ("min") or above ("max").
struct BetterOptions {
  std::string mode = "min";
  double min_delta = 0;
};

class SaveBest {
 public:
  /// The model must outlive it. Throws ValueError for another mode. Nothing is written yet.
  SaveBest(std::string path, nn::Module& model, BetterOptions options = {});

  /// Writes the model's state_dict, whole or not at all, when the value is better than all before. NaN never is. True when it wrote.
  bool update(double value, int64_t step = 0);
  /// Loads the best weights into the model. Throws RuntimeError when there were none.
  void restore() const;

  double value() const { return value_; }  ///< NaN before the first
  int64_t step() const { return step_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  nn::Module* model_;
  BetterOptions options_;
  double value_ = __builtin_nan("");
  int64_t step_ = -1;
};

struct EarlyStoppingOptions {
  std::string mode = "min";
  double min_delta = 0;
  int64_t patience = 3;  ///< how many values in a row may be no better
};

class EarlyStopping {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});

  /// True when it is time to stop: `patience` values in a row were no better than the best before them, or the value is NaN.
  bool update(double value);
  double best() const { return best_; }
  int64_t waiting() const { return waiting_; }  ///< values since the best
  std::string reason() const;                   ///< of the stop, in one line; "" while there is none

 private:
  EarlyStoppingOptions options_;
  double best_ = __builtin_nan(""), last_ = 0;
  int64_t waiting_ = 0;
};

}  // namespace ember::train
