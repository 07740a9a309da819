// Metrics: numbers about predictions, gathered batch by batch. The formulas are those of scikit-learn's metrics.
//
//   train::Classification metrics(10);
//   for (const auto& [x, y] : loader) metrics.add(model(x), y);
//   fmt::print("{:.4f}\n{}", metrics.accuracy(), metrics.table());
//
// Each has state(), what it has gathered as float64 numbers, and load_state(), which puts the states of several metrics together in place of what was
// there: for checkpoints, threads, and processes (distributed::all_reduce does both). It throws ValueError for a state of another metric.
#pragma once

#include <ember/tensor.h>

namespace ember::train {

/// A weighted running mean: of a loss over batches of different sizes.
class Mean {
 public:
  void add(double value, double weight = 1);
  double value() const;  ///< NaN before the first
  double total_weight() const { return weight_; }
  void reset() { *this = {}; }
  Tensor state() const;
  void load_state(const std::vector<Tensor>& states);

 private:
  double sum_ = 0, weight_ = 0;
};

/// The confusion table of a classifier, and what follows from it.
class Classification {
 public:
  /// Names are shown in the table; 0, 1, 2, ... without. Throws ValueError for fewer than two classes or another number of names.
  explicit Classification(int64_t classes, std::vector<std::string> names = {});

  /// prediction: (N, C) scores or logits, of which the largest counts, or (N) int64 classes; target: (N) int64 classes.
  /// Throws ValueErrors and IndexError "Target 10 is out of bounds." before anything is counted. With images (N, ...) the first 48 of
  /// those that were taken for something else are kept for save().
  void add(const Tensor& prediction, const Tensor& target, const Tensor& images = {});
  void reset();

  int64_t count() const;
  double accuracy() const;
  /// The share of targets among the k largest scores; only of batches that came as scores. k up to 5 is kept.
  double top_k(int64_t k) const;
  double precision(int64_t c) const;  ///< of all that were called c, those that are; 0 where nothing was called c
  double recall(int64_t c) const;     ///< of all that are c, those that were called c; 0 where nothing is c
  double f1(int64_t c) const;
  double macro_precision() const, macro_recall() const, macro_f1() const;  ///< plain means over classes
  double balanced_accuracy() const;                                        ///< the mean recall of the classes that occur
  Tensor confusion() const;                                                ///< (C, C) int64: rows are targets, columns predictions
  const std::vector<std::string>& names() const { return names_; }
  /// Precision, recall, F1 and number of each class, and the confusion table up to 20 classes, as text.
  std::string table() const;
  /// Writes confusion.csv and, where images were given, mistakes.npz (images, target, prediction) into a folder, for `ember report`. Each
  /// file whole or not at all; throws RuntimeError when it cannot be written.
  void save(const std::string& folder) const;
  /// The counts, without the images of mistakes, which load_state() leaves as they are.
  Tensor state() const;
  void load_state(const std::vector<Tensor>& states);

 private:
  static constexpr int64_t kTop = 5, kMistakes = 48;
  std::vector<std::string> names_;
  Tensor counts_;                    // (C, C)
  int64_t scored_ = 0, hits_[kTop];  // targets with scores; how many stood at place 1, 2, ...
  std::vector<Tensor> wrong_images_;
  std::vector<int64_t> wrong_targets_, wrong_predictions_;
};

/// How far predictions of numbers are from the targets.
class Regression {
 public:
  /// Tensors of the same shape. Throws ValueError otherwise.
  void add(const Tensor& prediction, const Tensor& target);
  void reset() { *this = {}; }

  int64_t count() const { return count_; }
  double mse() const, rmse() const, mae() const;
  double r2() const;  ///< 1 - (sum of squared errors) / (sum of squared deviations of the targets from their mean)
  Tensor state() const;
  void load_state(const std::vector<Tensor>& states);

 private:
  int64_t count_ = 0;
  double squared_ = 0, absolute_ = 0, mean_ = 0, deviations_ = 0;
};

}  // namespace ember::train
