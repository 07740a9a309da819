// Interrupt: Ctrl-C ends a training between two steps, not in the middle of one.
//
//   train::Interrupt interrupt;
//   for (...) {
//     ... a step ...
//     if (interrupt.requested()) {
//       checkpoint.save("run/last.pt");
//       return interrupt.stop("./train --resume run/last.pt");
//     }
//   }
#pragma once

#include <string>

namespace ember::train {

/// While one lives, the first Ctrl-C (or SIGTERM, which batch systems send) only asks; the second ends the program at once. One at a
/// time: a second one throws RuntimeError. What handled the signals before handles them again afterwards.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  ~Interrupt();

  bool requested() const;
  /// Says on standard error how to go on, and returns the exit status that shells expect: 130 for Ctrl-C, 143 for SIGTERM.
  int stop(const std::string& how_to_resume = {}) const;
};

}  // namespace ember::train
