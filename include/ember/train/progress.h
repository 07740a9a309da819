// Progress: how far a loop is, how fast, how long it still takes, and running numbers.
//
//   train::Progress progress(loader.size(), {.label = "epoch 3"});
//   for (const auto& [x, y] : loader) {
//     ...
//     progress.step({{"loss", loss.item<double>()}});
//   }
//
//   epoch 3  42% ████████▌            394/938  00:12<00:17  31.9/s  loss 0.0812      on a terminal
//   epoch 3  50%  469/938  00:14<00:14  32.1/s  loss 0.0763                          elsewhere: a line now and then
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ember::train {

struct ProgressOptions {
  std::string label = {};
  int fd = 2;             ///< where it is written: standard error, so that results can be piped
  double interval = 0.1;  ///< seconds between two drawings on a terminal, at least
  int lines = 10;         ///< how many lines a loop writes where there is no terminal
};

/// Draws one line, cut to the width that the terminal has at that moment. Without colours where NO_COLOR is set; plain lines where the
/// output is no terminal or TERM is "dumb". What it writes is never an error: a closed terminal does not end a training.
class Progress {
 public:
  using Values = std::vector<std::pair<std::string, double>>;

  /// total = 0: unknown, then there is no bar and no time that is left. Throws ValueError for a negative one.
  explicit Progress(std::int64_t total, ProgressOptions options = {});
  Progress(const Progress&) = delete;
  ~Progress();  ///< finish()

  /// One more step is done; the values stand behind the bar. A value of the same name replaces the one before.
  void step(const Values& values = {});
  /// Some steps at once.
  void advance(std::int64_t steps, const Values& values = {});
  /// A line of its own, above the bar.
  void say(const std::string& text);
  /// The last state stays as a line. Values can be added: validation results.
  void finish(const Values& values = {});

  double seconds() const;  ///< since it was made
  std::int64_t done() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ember::train
