// What the experiments of this folder share: flags, MNIST, the net of the recipe, the table with PyTorch's figures beside our own.
//
// The recipe: manual_seed(seed); hidden layers Linear (no bias under batch norm), batch norm, activation; SGD without momentum;
// batches of 60 drawn by randint from a generator seeded seed + 1; accuracy in evaluation on all test images.
#pragma once

#include <ember/ember.h>
#include <ember/train/plot.h>
#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace lab {

using namespace ember;

/// Images as rows of 784 numbers 0..1, labels int64.
struct Images {
  Tensor x, y;
};

/// What a figure has to be for the experiment to count as reproduced.
struct Band {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};
inline Band at_least(double low) { return {.low = low}; }
inline Band at_most(double high) { return {.high = high}; }
inline constexpr Band kAny{};
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// What is shown of an experiment besides its numbers.
struct About {
  const char* name;  ///< of the program and of its files
  const char* title;
  const char* settings;  ///< in a sentence
  const char* caption;   ///< of the figure
};

/// One run: its flags, its data, and the table that grows.
class Experiment {
 public:
  Experiment(const About& about, int argc, char** argv);

  int64_t seed() const { return seed_; }
  const Images& train() const { return train_; }
  const Images& test() const { return test_; }

  /// A figure beside PyTorch's (kUnknown where nobody measured it). PyTorch's are of seed 0 and the original images.
  void row(const std::string& what, double torch, double ours, Band band = kAny);
  void figure(const std::string& svg) { svg_ = svg; }
  /// Prints the table, what to conclude and a question; writes NAME.svg and NAME.md into --out. 0 when all bands hold.
  int conclude(const std::string& sentence, const std::string& question);

 private:
  struct Row {
    std::string what;
    double torch, ours;
    Band band;
  };
  About about_;
  int64_t seed_ = 0;
  std::string out_, origin_, svg_;
  Images train_, test_;
  std::vector<Row> rows_;
  double started_;
};

struct NetOptions {
  const char* activation = "relu";
  const char* norm = "batch";  ///< batch, layer, group, none
  double std = 0.05;           ///< of the initial weights; 0: PyTorch's initialisation
  int layers = 3;
  nn::Momentum momentum = 0.1;
};
/// 784-100-...-100-10.
nn::Sequential mlp(const NetOptions& options = {});
/// As mlp, but what stands behind the layer before its activation is up to the caller.
nn::Sequential mlp_with(const NetOptions& options, const std::function<void(nn::Sequential&)>& add_norm);

struct TrainOptions {
  double rate = 0.1;
  int64_t steps = 1000, batch = 60;
  std::function<void(int64_t step, double loss)> after = {};  ///< after each step, counted from 1
};
/// Leaves the model in training mode.
void train(nn::Module& model, const Experiment& experiment, const TrainOptions& options);

/// Accuracy in evaluation; the mode is as before afterwards.
double accuracy(nn::Module& model, const Images& images);
/// Accuracy in whichever mode the model is in, in batches.
double accuracy_as_it_is(nn::Module& model, const Images& images, int64_t batch);
/// The first `count` images, and all of them in the order of their classes.
Images first(const Images& images, int64_t count);
Images sorted_by_class(const Images& images);

/// The position of `step` in a list of them, or -1.
int64_t place(const std::vector<int64_t>& steps, int64_t step);
std::string with_commas(int64_t n);

/// Runs body and shows errors in one line.
int run(const About& about, int argc, char** argv, int (*body)(Experiment&));

}  // namespace lab
