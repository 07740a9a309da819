// A small training with room for one fault, and what the doctor said about it.
#pragma once

#include <ember/ember.h>

#include <string>
#include <vector>

namespace ember::doctor_tests {

inline std::vector<std::string> warnings;

/// Watches from its beginning to its end; warnings are kept instead of printed.
struct Watch {
  Watch() : before(set_warning_handler([](const char* text) { warnings.push_back(text); })) { warnings.clear(); }
  ~Watch() {
    doctor::stop();
    set_warning_handler(before);
  }
  WarningHandler before;
};

/// Names of the faults (or of the notes), each once, in the order in which they were found.
inline std::vector<std::string> found(bool notes = false) {
  std::vector<std::string> names;
  for (const doctor::Finding& f : doctor::findings())
    if (f.note == notes && (names.empty() || names.back() != f.finding)) names.push_back(f.finding);
  return names;
}

inline nn::Sequential net(nn::BatchNormOptions options = {}) {
  return nn::Sequential{nn::Linear(20, 16, {.bias = false}), nn::BatchNorm1d(16, options), nn::ReLU(), nn::Linear(16, 3)};
}

/// Batches whose labels can be learned.
struct Batch {
  Tensor x, y;
};
inline Batch batch(int64_t size = 32) {
  const Tensor x = randn({size, 20});
  return {x, x.narrow(1, 0, 3).argmax(1)};
}

inline void step(nn::Module& model, optim::Optimizer& optimizer, const Batch& b) {
  optimizer.zero_grad();
  cross_entropy(model(b.x), b.y).backward();
  optimizer.step();
}

inline void train(nn::Module& model, optim::Optimizer& optimizer, int steps, int64_t size = 32) {
  model.train();
  for (int i = 0; i < steps; ++i) step(model, optimizer, batch(size));
}

}  // namespace ember::doctor_tests
