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

/// What this call comes after in a run's order, of what the other run has recorded, too; "" for the first one.
std::string predecessor(const TracedRun& run, const TracedRun& other, int64_t step, const std::string& call) {
  std::vector<std::string> calls = calls_of(run, step);
  if (!other.only.empty()) std::erase_if(calls, [&](const std::string& c) { return c != call && !other.find(c.substr(0, c.find('#'))); });
  const auto at = std::find(calls.begin(), calls.end(), call);
  return at == calls.begin() || at == calls.end() ? "" : *(at - 1);
}

std::string with_kind(const TracedRun& run, const std::string& call) {
  const TracedModule* const module = run.find(call.substr(0, call.find('#')));
  return call.empty() ? "nothing" : module ? fmt::format("{} ({})", call, module->type) : call;
}

/// How they are built, and in which mode they run.
void explain_modules(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  const TracedModule *a = c.a.find(f.path), *b = c.b.find(f.path);
  if (!a || !b) {
    const TracedRun &with = a ? c.a : c.b, &without = a ? c.b : c.a;
    lines.push_back(fmt::format("{} never calls {}: its model has no such module, or its forward goes around it.", without.file, f.path));
    for (const std::string& call : calls_of(without, a ? f.step_b : f.step)) {
      const std::vector<std::string> others = calls_of(with, a ? f.step : f.step_b);
      if (call.find('#') != std::string::npos && std::find(others.begin(), others.end(), call) == others.end())
        lines.push_back(fmt::format("Instead it calls {} once more.", with_kind(without, call.substr(0, call.find('#')))));
    }
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
  const std::string before_a = predecessor(c.a, c.b, f.step, f.call), before_b = predecessor(c.b, c.a, f.step_b, f.call);
  if (before_a.empty() && before_b.empty()) return;  // the data
  if (before_a != before_b)
    lines.push_back(fmt::format("The order of calls differs: {} calls it after {}, {} after {}.", c.a.file, with_kind(c.a, before_a), c.b.file,
                                with_kind(c.b, before_b)));
  else
    lines.push_back(
        fmt::format("All before it agrees: what happens to the data between {} and {}, {}, differs.", before_a, f.call,
                    c.a.only.empty() && c.b.only.empty() ? "outside of the modules" : "in modules that were not recorded or outside of them"));
}

void explain_update(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  std::size_t differing = 0, all = 0;
  std::string others;
  for (const Finding& g : c.found) {
    if (g.kind != Finding::Update) continue;
    if (++differing <= 6) others += fmt::format("{}{}.{}", others.empty() ? "" : ", ", g.path, g.what.substr(6));
  }
  for (const TracedArray& array : c.a.steps.at(f.step)) all += array.is_parameter();
  const auto same = [&](const StepPair& p) { return p.a == f.step; };
  const int64_t previous = (std::find_if(c.steps.begin(), c.steps.end(), same) - 1)->a;
  lines.push_back(fmt::format("All values and gradients of step {} agree: what the optimiser made of them differs, in {} of {} parameters: {}{}.",
                              previous, differing, all, others, differing > 6 ? ", ..." : ""));
  const std::vector<std::string> found = optimizers(c);
  lines.insert(lines.end(), found.begin(), found.end());
  if (found.empty()) lines.push_back("Look at the rate and its schedule, momentum, weight decay, clipping, and at what the optimiser was given.");
}

void explain_gradient(const Comparison& c, const Finding& f, std::vector<std::string>& lines) {
  if (c.before && c.before->step == f.step && c.before->what.starts_with("grad"))
    lines.push_back(fmt::format("The {} of {} agrees: it went wrong on the way back from there{}.", what_text(c.before->what), c.before->call,
                                f.what.starts_with("grad_output") ? ", or one of several ways is cut off by a detach()" : ""));
}

/// Two runs of one framework may agree to the last bit; then the first one that differs is worth knowing.
void explain_bits(const Comparison& c, std::vector<std::string>& lines) {
  if (c.a.framework != c.b.framework) return;
  if (!c.first_bit) {
    if (!c.first) lines.push_back("They are equal to the last bit.");
  } else if (!c.first || c.first_bit->step != c.first->step || c.first_bit->call != c.first->call || c.first_bit->what != c.first->what) {
    const Finding& f = *c.first_bit;
    lines.push_back(fmt::format("The first bit that differs: {}, step {}: {}, {:.9g} against {:.9g} at [{}].", place_text(c, f), f.step,
                                what_text(f.what), f.a, f.b, fmt::join(f.index.begin(), f.index.end(), ", ")));
  }
}

/// Right runs drift apart, too: rounding that differs is carried on from step to step.
void explain_drift(const Comparison& c, std::vector<std::string>& lines) {
  if (c.drift.empty() || c.rtol >= 0) return;
  double largest = 0;
  int64_t at = c.drift.begin()->first;
  for (const auto& [step, apart] : c.drift)
    if (apart > largest) largest = apart, at = step;
  if (largest == 0) return;
  lines.push_back(
      fmt::format("They drift apart as rounding does: outputs and weights are {:.1g} of their size apart in step {}, at most {:.1g} in step {}.",
                  c.drift.begin()->second, c.drift.begin()->first, largest, at));
  if (c.comparable >= 0)
    lines.push_back(fmt::format("They can be compared up to step {}: behind it they are too far apart to tell a mistake from drift.", c.comparable));
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
  const bool comparable = a && b && !f.what.starts_with("input") && !c.a.has_children(f.path) && !c.b.has_children(f.path);
  return comparable && (a->type != b->type || !same_arguments(*a, *b));
}

std::string headline(const Comparison& c) {
  if (!c.first) return "no divergence";
  const Finding& f = *c.first;
  const std::string step = f.step == f.step_b ? std::to_string(f.step) : fmt::format("{} (of B {})", f.step, f.step_b);
  if (f.kind == Finding::Update) return fmt::format("{}, step {}: update of {} by the optimiser", place_text(c, f), step, f.what.substr(6));
  if (f.kind == Finding::Built) return fmt::format("{}, step {}: built differently", place_text(c, f), step);
  return fmt::format("{}, step {}: {}", place_text(c, f), step, what_text(f.what));
}

std::string measure(const Finding& f) {
  switch (f.kind) {
    case Finding::OnlyA:
    case Finding::OnlyB: return fmt::format("{}, in one run only", f.kind == Finding::OnlyA ? f.shape_a : f.shape_b);
    case Finding::Shape: return fmt::format("{} against {}", f.shape_a, f.shape_b);
    case Finding::Type: return fmt::format("{} against {}", f.shape_a, f.shape_b);
    case Finding::Built: return "the values do not show it";
    default: break;
  }
  const std::string ratio = std::isfinite(f.ratio) ? ratio_text(f.ratio) + " times the tolerance" : "past any tolerance";
  const std::string part = std::isfinite(f.distance) ? fmt::format("{:.2g} of {} size", f.distance, f.kind == Finding::Update ? "its" : "their") : "";
  if (f.kind == Finding::Update)
    return fmt::format("it moves by {:.7g} against {:.7g} at [{}]; the update is {} apart, {}; {} of {} elements are past it", f.a, f.b,
                       fmt::join(f.index.begin(), f.index.end(), ", "), part, ratio, grouped(f.past), grouped(f.count));
  return fmt::format("{:.7g} against {:.7g} at [{}], {:.2g} apart; all are {} apart, {}; {} of {} elements are past it", f.a, f.b,
                     fmt::join(f.index.begin(), f.index.end(), ", "), f.error, part.empty() ? "infinitely" : part, ratio, grouped(f.past),
                     grouped(f.count));
}

std::vector<std::string> explanation(const Comparison& c) {
  std::vector<std::string> lines;
  explain_bits(c, lines);
  if (!c.first) {
    explain_drift(c, lines);
    return lines;
  }
  const Finding& f = *c.first;
  const std::size_t from = lines.size();
  explain_modules(c, f, lines);
  const bool told = lines.size() > from;
  if (c.a.find(f.path) && c.b.find(f.path)) {
    if (f.kind == Finding::OnlyA || f.kind == Finding::OnlyB) {
      lines.push_back(fmt::format("Only {} has the {} of this layer.", f.kind == Finding::OnlyA ? c.a.file : c.b.file, what_text(f.what)));
      if (f.what.starts_with("param.") && c.found.size() > 1)
        lines.push_back("Other values may differ only because of it: random numbers are drawn after it.");
      if (f.what.starts_with("grad"))
        lines.push_back("In the other run requires_grad is off, or the way back to it is cut by a detach() or no_grad().");
    } else if (f.kind == Finding::Update) {
      explain_update(c, f, lines);
    } else if (!told) {
      if (f.what.starts_with("input")) explain_input(c, f, lines);
      else if (f.what.starts_with("grad")) explain_gradient(c, f, lines);
      else if (f.what.starts_with("buffer.")) lines.push_back("Input, parameters and output agree; what the layer keeps from them does not.");
      else if (f.what.starts_with("output") && c.a.has_children(f.path))
        lines.push_back("All that its modules gave agrees: what its forward does besides them differs.");
      else if (f.what.starts_with("output")) lines.push_back("Its input and parameters agree: the layer itself computes something else.");
    }
    const std::vector<std::string> found = causes(c);
    lines.insert(lines.end(), found.begin(), found.end());
  }
  const bool all_new = f.what.starts_with("param.") && f.kind == Finding::Values;
  std::vector<std::string> others;
  for (const Finding& g : c.found)
    if (&g != &c.found.front() && !(all_new && g.what.starts_with("param.")) && g.kind != Finding::Update && g.kind != Finding::Shape)
      others.push_back(fmt::format("{} {}", g.call, what_text(g.what)));
  if (!others.empty()) {
    const std::size_t shown = std::min<std::size_t>(others.size(), 4);
    lines.push_back(fmt::format("In this step also: {}{}.", fmt::join(others.begin(), others.begin() + std::ptrdiff_t(shown), ", "),
                                others.size() > shown ? fmt::format(" and {} more", others.size() - shown) : ""));
  }
  std::vector<std::string> built;
  for (const std::string& line : c.built)
    if (!(built_differently(c) && line.starts_with(f.path + " is "))) built.push_back("  " + line);
  if (!built.empty()) {
    lines.push_back("The models are not built alike:");
    lines.insert(lines.end(), built.begin(), built.end());
  }
  return lines;
}

std::string summary(const Comparison& c) {
  std::vector<std::int64_t> both;
  for (const StepPair& p : c.steps)
    if (p.a < c.a.count) both.push_back(p.a);  // the others are the state behind the last step
  std::string steps = "no step";
  if (both.size() == 1) steps = fmt::format("step {}", both.front());
  if (both.size() > 1) steps = fmt::format("{} steps ({} to {})", both.size(), both.front(), both.back());
  const std::string tolerance = c.rtol < 0 ? "tolerance: what differs before it, times the gain of the layer, and rounding"
                                           : fmt::format("tolerance {:g} relative, {:g} absolute", c.rtol, c.atol);
  return fmt::format("{}, {} layers, {} arrays; {}", steps, c.layers.size(), grouped(c.arrays), tolerance);
}
