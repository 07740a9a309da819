// The first divergence in words: what differs there, and what usually is behind it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diff_trace.h"

namespace {

std::string what_text(const std::string& what) {
  if (what.starts_with("param.")) return "parameter " + what.substr(6);
  if (what.starts_with("buffer.")) return "buffer " + what.substr(7);
  if (what.starts_with("grad_")) return "gradient of its " + what.substr(5);
  if (what.starts_with("grad.")) return "gradient of " + what.substr(5);
  return what;
}

std::string place_text(const Comparison& c, const Finding& f) {
  const TracedModule* module = c.a.find(f.path);
  if (!module) module = c.b.find(f.path);
  return module ? fmt::format("{} ({})", f.call, module->type) : f.call;
}

/// What this call comes after in a run's order, "" for the first one.
std::string predecessor(const TracedRun& run, int64_t step, const std::string& call) {
  const std::vector<std::string> calls = calls_of(run, step);
  const auto at = std::find(calls.begin(), calls.end(), call);
  return at == calls.begin() || at == calls.end() ? "" : *(at - 1);
}

bool has_children(const TracedRun& run, const std::string& path) {
  const auto is_child = [&](const TracedModule& m) { return path == "(root)" ? m.path != path : m.path.starts_with(path + "."); };
  return std::any_of(run.modules.begin(), run.modules.end(), is_child);
}

/// How they are built, and in which mode they run.
void explain_modules(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  const TracedModule *a = c.a.find(f.path), *b = c.b.find(f.path);
  if (!a || !b) {
    lines.push_back(fmt::format("{} has no {} at all.", a ? c.b.file : c.a.file, f.path));
    return;
  }
  if (built_differently(c)) {
    const std::size_t width = std::max(c.a.file.size(), c.b.file.size());
    lines.push_back("The layers are not built alike:");
    for (const auto& [file, module] : {std::pair(c.a.file, a), std::pair(c.b.file, b)})
      lines.push_back(fmt::format("  {:<{}}  {}", file, width, module->text()));
  }
  if (a->trains_at(f.step) != b->trains_at(f.step)) {
    const bool a_trains = a->trains_at(f.step);
    lines.push_back(fmt::format("{} runs it in training mode, {} in evaluation mode: an eval() or a train() is missing.",
                                a_trains ? c.a.file : c.b.file, a_trains ? c.b.file : c.a.file));
  }
}

void explain_input(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  const std::string before_a = predecessor(c.a, f.step, f.call), before_b = predecessor(c.b, f.step, f.call);
  if (before_a.empty() && before_b.empty())
    lines.push_back("The runs were fed different data: another order of samples, transform or seed.");
  else if (before_a != before_b)
    lines.push_back(fmt::format("The order of calls differs: {} calls it after {}, {} after {}.", c.a.file,
                                before_a.empty() ? "nothing" : before_a, c.b.file, before_b.empty() ? "nothing" : before_b));
  else
    lines.push_back(fmt::format("All before it agrees: what happens to the data between {} and {}, outside of the modules, differs.",
                                before_a, f.call));
}

void explain_parameter(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  if (f.step == c.steps.front()) {
    lines.push_back(f.step == 0 ? "The runs start from different weights: another seed, initialisation or checkpoint."
                                : "The weights differ already in the first step that both recorded.");
    return;
  }
  const int64_t previous = *(std::find(c.steps.begin(), c.steps.end(), f.step) - 1);
  lines.push_back(fmt::format("All values and gradients of step {} agree: the update after it differs (learning rate, momentum, weight "
                              "decay, clipping, or a parameter that the optimiser was not given).", previous));
}

void explain_gradient(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  if (c.before && c.before->step == f.step && c.before->what.starts_with("grad"))
    lines.push_back(fmt::format("The {} of {} agrees: it went wrong on the way back from there.", what_text(c.before->what),
                                c.before->call));
  else
    lines.push_back("All outputs of this step agree: the loss differs, or how it is reduced over the batch.");
}

}  // namespace

std::string grouped(std::int64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string ratio_text(double ratio) {
  if (ratio == 0) return "0";
  if (!std::isfinite(ratio)) return "∞";
  if (ratio < 0.01) return fmt::format("{:.0e}", ratio);
  if (ratio < 10) return fmt::format("{:.2f}", ratio);
  return ratio < 1e6 ? grouped(std::llround(ratio)) : fmt::format("{:.0e}", ratio);
}

// What a container is called and what a layer is fed says nothing about how it is built.
bool built_differently(const Comparison& c) {
  const Finding& f = *c.first;
  const TracedModule *a = c.a.find(f.path), *b = c.b.find(f.path);
  const bool comparable = a && b && !f.what.starts_with("input") && !has_children(c.a, f.path) && !has_children(c.b, f.path);
  return comparable && a->text() != b->text();
}

std::string headline(const Comparison& c) {
  if (!c.first) return "no divergence";
  const Finding& f = *c.first;
  return fmt::format("{}, step {}: {}", place_text(c, f), f.step, what_text(f.what));
}

std::string measure(const Finding& f) {
  switch (f.kind) {
    case Finding::OnlyA:
    case Finding::OnlyB: return fmt::format("{}, in one run only", f.kind == Finding::OnlyA ? f.shape_a : f.shape_b);
    case Finding::Shape: return fmt::format("{} against {}", f.shape_a, f.shape_b);
    case Finding::Type: return fmt::format("{} against {}", f.shape_a, f.shape_b);
    default: break;
  }
  const std::string ratio = std::isfinite(f.ratio) ? ratio_text(f.ratio) + " times the tolerance" : "past any tolerance";
  return fmt::format("{:.7g} against {:.7g} at [{}], {:.2g} apart: {}; {} of {} elements are past it", f.a, f.b,
                     fmt::join(f.index, ", "), f.error, ratio, grouped(f.past), grouped(f.count));
}

std::vector<std::string> explanation(const Comparison& c) {
  std::vector<std::string> lines;
  if (!c.first) return lines;
  const Finding& f = *c.first;
  explain_modules(c, f, lines);
  if (!c.a.find(f.path) || !c.b.find(f.path)) return lines;
  if (f.kind == Finding::OnlyA || f.kind == Finding::OnlyB) {
    lines.push_back(fmt::format("Only {} has the {} of this layer.", f.kind == Finding::OnlyA ? c.a.file : c.b.file,
                                what_text(f.what)));
  } else if (lines.empty()) {
    if (f.what.starts_with("input")) explain_input(c, f, lines);
    else if (f.what.starts_with("param.")) explain_parameter(c, f, lines);
    else if (f.what.starts_with("grad")) explain_gradient(c, f, lines);
    else if (f.what.starts_with("buffer."))
      lines.push_back("Input, parameters and output agree; what the layer keeps from them does not.");
    else if (has_children(c.a, f.path))
      lines.push_back("All that its modules gave agrees: what its forward does besides them differs.");
    else
      lines.push_back("Its input and parameters agree: the layer itself computes something else.");
  }
  if (f.kind == Finding::Values && f.count >= 1000 && f.past * 1000 <= f.count)
    lines.push_back("So few elements may be a tie (a maximum, the kink of a ReLU) that rounding decided differently in the two runs.");
  return lines;
}

std::string summary(const Comparison& c) {
  std::string steps = "no step";
  if (c.steps.size() == 1) steps = fmt::format("step {}", c.steps.front());
  if (c.steps.size() > 1) steps = fmt::format("{} steps ({} to {})", c.steps.size(), c.steps.front(), c.steps.back());
  const std::string tolerance = c.rtol < 0 ? "tolerance 1e-5 (float32) or 1e-12 (float64), as much again every 5 steps"
                                           : fmt::format("tolerance {:g} relative, {:g} absolute", c.rtol, c.atol);
  return fmt::format("{}, {} layers, {} arrays; {}", steps, c.layers.size(), grouped(c.arrays), tolerance);
}
