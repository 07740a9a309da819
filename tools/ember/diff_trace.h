// ember diff of traces: two recorded runs held side by side (docs/trace.md).
//   diff_run.cpp       reads a trace
//   diff_pair.cpp      pairs the modules of two runs
//   diff_steps.cpp     pairs their steps and the arrays of a step, in the order in which things happen
//   diff_compare.cpp   measures every array, and judges it by what came before it
//   diff_update.cpp    judges what the optimisers did
//   diff_built.cpp     holds beside each other how the models are built
//   diff_explain.cpp   says in words what the first divergence means; diff_causes.cpp and diff_optimizer.cpp (with diff_fit.cpp) look for its cause
//   diff_table.cpp     prints the report on a terminal
//   diff_page.cpp      writes it as a page, diff_chart.cpp the curves on it
#pragma once

#include <ember/io/value.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"

struct TracedParameter {
  std::string name, shape;
  bool requires_grad = true;
};

struct TracedModule {
  std::string path, type, extra;
  std::vector<std::pair<std::int64_t, bool>> training = {};  ///< the mode, from which step on
  std::vector<TracedParameter> parameters = {};
  std::string own_path = {};  ///< in its run; `path` is that of the other run's partner

  std::string text() const { return type + "(" + extra + ")"; }
  bool trains_at(std::int64_t step) const;
};

/// One array of a step. The name in the file is "000012/conv#1/grad_output": step, path with the number of the call, what.
struct TracedArray {
  std::string call, path, what;
  ember::Tensor value;

  bool is_backward() const { return what.starts_with("grad"); }
  bool is_parameter() const { return what.starts_with("param."); }
  bool is_parameter_gradient() const { return what.starts_with("grad."); }
  bool is_output_gradient() const { return what.starts_with("grad_output"); }
};

struct TracedRun {
  TracedRun(const std::string& file, const ember::Value& arrays);  ///< throws RuntimeError when it is no trace
  const TracedModule* find(const std::string& path) const;
  bool has_state(const std::string& path) const;  ///< parameters or buffers
  bool has_children(const std::string& path) const;
  const ember::Tensor* array(std::int64_t step, const std::string& call, const std::string& what) const;  ///< null when there is none
  bool trains(std::int64_t step) const;                                                                   ///< a backward went through it
  /// Calls the module `from` and all below it by another name.
  void rename(const std::map<std::string, std::string>& paths);

  std::string file, framework, only;
  std::int64_t count = 0, every = 1;  ///< steps that the run had
  bool truncated = false;
  bool lists_parameters = false;                           ///< older traces do not
  std::vector<std::string> strangers;                      ///< modules with parameters that were called outside of the model
  std::vector<std::pair<std::int64_t, bool>> backward;     ///< did steps have one, from which step on
  std::vector<TracedModule> modules;                       ///< in the order of their first calls
  std::map<std::int64_t, std::vector<TracedArray>> steps;  ///< in the order of recording
};

/// A step of one run and the one of the other that it is compared with.
struct StepPair {
  std::int64_t a = 0, b = 0;
  std::int64_t trained = 0;  ///< training steps that went before it, the largest of both
};
/// Steps with a backward are paired with each other in their order, and those without one with those that stand between the same ones.
std::vector<StepPair> pair_steps(const TracedRun& a, const TracedRun& b);

using ArrayPair = std::pair<const TracedArray*, const TracedArray*>;
/// All arrays of two steps in the order in which they come to be: parameters, forward, backward.
std::vector<ArrayPair> pair_arrays(const std::vector<TracedArray>& a, const std::vector<TracedArray>& b);

/// What was found at one place of both runs.
struct Finding {
  enum Kind : std::uint8_t { Equal, Values, Shape, Type, Update, Built, OnlyA, OnlyB };
  Kind kind = Equal;
  std::int64_t step = 0, step_b = 0;
  std::string call, path, what;
  double ratio = 0;                        ///< the distance, in units of its tolerance; infinite for kinds without numbers
  double distance = 0, tolerance = 0;      ///< root mean square of the differences, relative to that of the values
  double error = 0, a = 0, b = 0;          ///< at the element that is farthest off
  std::vector<std::int64_t> index = {};    ///< that element
  double largest = 0;                      ///< error of all
  std::int64_t past = 0, count = 0;        ///< elements that differ by more than the tolerance, of how many
  std::string shape_a = {}, shape_b = {};  ///< "float32 (64, 10)"
  bool is_noise = false;                   ///< a gradient that is zero up to rounding
  std::int64_t ties = 0;                   ///< elements left out: rounding decided them

  bool diverges() const { return kind != Equal; }
};

struct Layer {
  std::string path;
  const TracedModule *a = nullptr, *b = nullptr;  ///< null where there is none
  Finding worst = {};                             ///< of all its arrays and steps
  std::optional<Finding> since = {};              ///< its first divergence
  struct Groups {
    double forward = 0, state = 0, backward = 0;  ///< the worst of in- and outputs, parameters and buffers, gradients
    bool has_forward = false, has_state = false, has_backward = false;
    double distance = 0;  ///< the largest of all arrays that are no rounding
    double worst() const { return std::max({forward, state, backward}); }
  };
  std::map<std::int64_t, Groups> steps = {};
  double distance = 0;  ///< the largest of all steps
};

struct Comparison {
  const TracedRun &a, &b;
  std::vector<StepPair> steps = {};
  std::vector<Layer> layers = {};         ///< in the order of execution
  std::vector<Finding> found = {};        ///< all divergences of the step of the first one, in the order in which they came to be
  std::optional<Finding> first = {};      ///< divergence
  std::optional<Finding> before = {};     ///< what came just before it, and agreed
  std::optional<Finding> first_bit = {};  ///< the first array that is not equal bit by bit
  std::int64_t arrays = 0, diverging = 0, ties = 0;
  std::map<std::int64_t, double> drift = {};  ///< by step: how far outputs and weights are apart
  std::int64_t comparable = -1;               ///< the last step in which a mistake would be seen; -1: all
  std::vector<std::string> notes = {}, built = {};
  double rtol = -1, atol = 0;
};

Comparison compare_traces(const TracedRun& a, const TracedRun& b, const DiffRequest& options);

/// Gives B's modules the paths of A's where names differ: by order, kind and shape of what they hold. Says so in a note.
void pair_modules(const TracedRun& a, TracedRun& b, const std::vector<std::string>& renames, std::vector<std::string>& notes);

/// What is built otherwise, module by module; "conv2.bias is only in a.npz".
std::vector<Finding> compare_built(const TracedRun& a, const TracedRun& b, std::vector<std::string>& lines);
bool same_arguments(const TracedModule& a, const TracedModule& b);

/// Calls of forward in this step, in their order: paths with numbers.
std::vector<std::string> calls_of(const TracedRun& run, std::int64_t step);

/// What the first divergence is, and what it may come from; a line each.
std::string headline(const Comparison& c);
std::vector<std::string> explanation(const Comparison& c);
std::vector<std::string> causes(const Comparison& c);      ///< that the numbers themselves show
std::vector<std::string> optimizers(const Comparison& c);  ///< what the updates are made of, in both runs
bool built_differently(const Comparison& c);               ///< the layer of the first divergence
std::string measure(const Finding& f);                     ///< "0.91 against 0.94 at [3, 1]; ..."
std::string summary(const Comparison& c);
std::string grouped(std::int64_t n);   ///< "32,768"
std::string ratio_text(double ratio);  ///< "0.38", "1,584", "∞"

void print_comparison(const Comparison& c);
void write_page(const Comparison& c, const std::string& path);  ///< throws RuntimeError when it cannot be written
std::string chart(const Comparison& c);

bool is_trace(const ember::Value& value);
