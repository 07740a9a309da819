// Trace: what every module of a training run got and gave, step by step, in one .npz file. `ember diff` holds two of them side by
// side, one of them perhaps recorded from PyTorch by tools/parity/ember_trace.py, and names the first layer that differs.
//
//   ember::Trace trace("run.npz", {.every = 10, .only = "conv*"});
//   for (...) { ... training as ever ... }
//
// Or without a change to the program: EMBER_TRACE=run.npz ./program, with EMBER_TRACE_EVERY, EMBER_TRACE_ONLY, EMBER_TRACE_STEPS and
// EMBER_TRACE_MAX_BYTES. docs/trace.md says what a step is and how the arrays are called.
#pragma once

#include <ember/nn/module.h>

namespace ember {

struct TraceRecorder;

struct TraceOptions {
  int64_t every = 1;                     ///< records steps 0, every, 2 every, ...
  std::string only = "";                 ///< modules whose path matches: "conv*", "features.*,out"; all when empty
  int64_t steps = 0;                     ///< ends, and the file is there, when so many steps are over; 0: with the trace
  int64_t max_bytes = int64_t(1) << 30;  ///< ends before the file would become longer
  nn::Module* model = nullptr;           ///< the first module that is called from outside of all others when null
};

/// Records the calls that the constructing thread makes, until it ends or is closed. Values are copied to the file as they come, so
/// that no memory is needed; the file has its name only when it is complete. The numbers of the run stay what they are.
///
/// Only one trace can be recorded at a time: a second one throws RuntimeError; one that the environment asked for gives way.
class Trace {
 public:
  /// Throws RuntimeError when the file cannot be written, ValueError for options out of range.
  explicit Trace(const std::string& path, const TraceOptions& options = {});
  Trace(const Trace&) = delete;
  ~Trace();  ///< close(), with a warning in place of an error

  /// Writes the end of the file. Throws RuntimeError when the file could not be written; nothing that was there before is lost then.
  void close();
  int64_t steps() const;  ///< begun so far

 private:
  Owned<TraceRecorder> recorder_;
};

namespace detail {
bool trace_as_environment_asks();
/// Every program that includes this header looks into its environment before main.
inline const bool environment_was_asked = trace_as_environment_asks();
}  // namespace detail

}  // namespace ember
