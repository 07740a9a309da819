// ember diff of traces: two recorded runs held side by side (docs/trace.md).
//   diff_run.cpp       reads a trace
//   diff_compare.cpp   aligns two and measures every array
//   diff_explain.cpp   says in words what the first divergence means
//   diff_table.cpp     prints the report on a terminal
//   diff_page.cpp      writes it as a page
#pragma once

#include <ember/io/value.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"

struct TracedModule {
  std::string path, type, extra;
  std::vector<std::pair<std::int64_t, bool>> training;  ///< the mode, from which step on

  std::string text() const { return type + "(" + extra + ")"; }
  bool trains_at(std::int64_t step) const;
};

/// One array of a step. The name in the file is "000012/conv#1/grad_output": step, path with the number of the call, what.
struct TracedArray {
  std::string call, path, what;
  ember::Tensor value;

  bool is_backward() const { return what.starts_with("grad"); }
  bool is_parameter_gradient() const { return what.starts_with("grad."); }
};

struct TracedRun {
  TracedRun(const std::string& file, const ember::Value& arrays);  ///< throws RuntimeError when it is no trace
  const TracedModule* find(const std::string& path) const;
  bool has_state(const std::string& path) const;  ///< parameters or buffers

  std::string file, framework, only;
  std::int64_t count = 0, every = 1;  ///< steps that the run had
  bool truncated = false;
  std::vector<TracedModule> modules;                         ///< in the order of their first calls
  std::map<std::int64_t, std::vector<TracedArray>> steps;    ///< in the order of recording
};

/// What was found at one place of both runs.
struct Finding {
  enum Kind : std::uint8_t { Equal, Values, Shape, Type, OnlyA, OnlyB };
  Kind kind = Equal;
  std::int64_t step = 0;
  std::string call, path, what;
  double ratio = 0;                        ///< the largest error, in units of its tolerance; infinite for other kinds than Values
  double error = 0, tolerance = 0, a = 0, b = 0;  ///< at that element
  std::vector<std::int64_t> index;         ///< that element
  double largest = 0;                      ///< error of all
  std::int64_t past = 0, count = 0;        ///< elements past their tolerance, of how many
  std::string shape_a, shape_b;            ///< "float32 (64, 10)"
  bool is_noise = false;                   ///< a gradient that is zero up to rounding

  bool diverges() const { return kind != Equal; }
};

struct Layer {
  std::string path;
  const TracedModule *a = nullptr, *b = nullptr;  ///< null where there is none
  Finding worst;                                  ///< of all its arrays and steps
  std::optional<Finding> since;                   ///< its first divergence
  struct Groups {
    double forward = 0, state = 0, backward = 0;  ///< the worst of in- and outputs, parameters and buffers, gradients
    double worst() const { return std::max({forward, state, backward}); }
  };
  std::map<std::int64_t, Groups> steps;
};

struct Comparison {
  const TracedRun &a, &b;
  std::vector<std::int64_t> steps;     ///< that both have
  std::vector<Layer> layers;           ///< in the order of execution
  std::optional<Finding> first;        ///< divergence
  std::optional<Finding> before;       ///< what came just before it, and agreed
  std::int64_t arrays = 0, diverging = 0;
  std::vector<std::string> notes;
  double rtol = -1, atol = 0;
};

/// The tolerance of an array of this type in this step, relative to its elements and their root mean square.
double default_rtol(ember::DType dtype, std::int64_t step);

Comparison compare_traces(const TracedRun& a, const TracedRun& b, const DiffOptions& options);

/// Calls of forward in this step, in their order: paths with numbers.
std::vector<std::string> calls_of(const TracedRun& run, std::int64_t step);

/// What the first divergence is, and what it may come from; a line each.
std::string headline(const Comparison& c);
std::vector<std::string> explanation(const Comparison& c);
bool built_differently(const Comparison& c);  ///< the layer of the first divergence
std::string measure(const Finding& f);  ///< "0.91 against 0.94 at [3, 1], 2.8e-2 apart: 2,300 times the tolerance"
std::string summary(const Comparison& c);
std::string grouped(std::int64_t n);      ///< "32,768"
std::string ratio_text(double ratio);     ///< "0.38", "1,584", "∞"

void print_comparison(const Comparison& c);
void write_page(const Comparison& c, const std::string& path);  ///< throws RuntimeError when it cannot be written

bool is_trace(const ember::Value& value);
