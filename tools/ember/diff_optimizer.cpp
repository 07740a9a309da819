// Which optimisers the two runs have, and with which settings, from their gradients and what their weights did.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diff_fit.h"
#include "diff_measure.h"
#include "diff_trace.h"

using fit::Fit;
using fit::Record;
using fit::Setting;
using fit::Values;
using std::int64_t;

namespace {

/// As the other run would with gradients that are clipped, to a norm or element by element; "" when that explains nothing.
std::string clipped(const Record& r, const Fit& other) {
  const auto with = [&](bool norm, double limit) {
    Record cut = r;
    for (std::size_t t = 0; t < cut.gradients.size(); ++t)
      for (double& g : cut.gradients[t]) g = norm ? g * std::min(1.0, limit / (r.lengths[t] + 1e-6)) : std::clamp(g, -limit, limit);
    Fit as_other = other;
    as_other.scheduled = true;
    fit::measure(cut, as_other);
    // Any limit below all gradients gives the same directions; the rate tells which one it is.
    double off = as_other.rest;
    for (const double rate : as_other.rates) off = std::max(off, std::fabs(rate / other.rates[0] - 1));
    return off;
  };
  for (const bool norm : {true, false}) {
    double best = 1, limit = 0;
    for (double decade = -5; decade < 4; decade += 0.05)
      if (const double off = with(norm, std::pow(10, decade)); off < best) best = off, limit = decade;
    double low = limit - 0.05, high = limit + 0.05;
    for (int i = 0; i < 24; ++i) {
      const double p = low + 0.382 * (high - low), q = low + 0.618 * (high - low);
      (with(norm, std::pow(10, p)) < with(norm, std::pow(10, q)) ? high : low) = with(norm, std::pow(10, p)) < with(norm, std::pow(10, q)) ? q : p;
    }
    limit = std::pow(10, (low + high) / 2);
    if (best < 0.5 && with(norm, limit) < 0.01)
      return norm ? fmt::format("of gradients that are clipped to a norm of {:.3g}", limit)
                  : fmt::format("of gradients whose elements are clipped to {:.3g}", limit);
  }
  return "";
}

/// What of the updates is left when the run's optimiser is the other one's, but is made anew before the step `anew` (and so has forgotten its
/// moments), or takes so many steps with the gradients of each step.
double left(const Record& r, const Fit& other, std::size_t anew, const std::vector<int>& times) {
  double rest = 0, all = 0;
  for (const auto& [from, to] : {std::pair(std::size_t(0), anew), std::pair(anew, r.updates.size())}) {
    Record part;
    for (std::size_t t = from; t < to; ++t)
      for (int i = 0; i < times[t]; ++i) part.gradients.push_back(r.gradients[t]), part.weights.push_back(r.weights[t]);
    const std::vector<Values> directions = other.kind->directions(part, other.settings);
    std::size_t at = 0;
    for (std::size_t t = from; t < to; ++t) {
      Values u = r.updates[t];
      for (const double e : u) all += e * e;
      for (int i = 0; i < times[t]; ++i, ++at)
        for (std::size_t k = 0; k < u.size(); ++k)
          u[k] += other.rates[0] * (directions[at][k] + (other.kind->decays ? other.decay * r.weights[t][k] : 0));
      for (const double e : u) rest += e * e;
    }
  }
  return all > 0 ? std::sqrt(rest / all) : 1;
}

/// The other run's optimiser, used wrongly; "" when that explains nothing.
std::string misused(const Record& r, const Fit& other) {
  const std::size_t steps = r.updates.size();
  const std::vector<int> once(steps, 1);
  for (std::size_t t = 1; t < steps; ++t)
    if (left(r, other, t, once) < 0.02)
      return fmt::format("if it forgot its moments before training step {}: it is made anew there, or resumed without its state", t);
  if (left(r, other, 0, std::vector<int>(steps, 2)) < 0.02) return "with step() called twice in every step";
  for (std::size_t t = 0; t < steps; ++t) {
    std::vector<int> times = once;
    times[t] = 2;
    if (left(r, other, 0, times) < 0.02) return fmt::format("with step() called twice in training step {}", t);
  }
  return "";
}

/// Is the rate another one from some step on?
bool changes(const Fit& f) {
  const auto [least, most] = std::minmax_element(f.rates.begin(), f.rates.end());
  return *most - *least > 2e-3 * std::max(std::fabs(*most), std::fabs(*least));
}

std::string text(Fit f) {
  const bool uphill = std::all_of(f.rates.begin(), f.rates.end(), [](double rate) { return rate < 0; });
  if (uphill)
    for (double& rate : f.rates) rate = -rate;
  std::string out = fmt::format("{}(lr={:.4g}", f.kind->name, f.rates[f.rates.size() / 2]);
  if (changes(f)) {
    out = fmt::format("{}(lr=", f.kind->name);
    for (std::size_t t = 0; t < f.rates.size() && t < 6; ++t) out += fmt::format("{}{:.3g}", t ? ", " : "", f.rates[t]);
    out += f.rates.size() > 6 ? ", ... step by step" : " step by step";
  }
  for (std::size_t i = 0; i < f.settings.size(); ++i) {
    const Setting& s = f.kind->settings[i];
    if (f.settings[i] == s.usual) continue;
    out += s.tried.size() == 2 ? fmt::format(", {}=True", s.name) : fmt::format(", {}={:.3g}", s.name, f.settings[i]);
  }
  if (f.kind->decays) out += fmt::format(", weight_decay={:.3g}", f.decay);
  return out + (uphill ? ", maximize=True)" : ")");
}

/// The parameters that were found to be updated differently, or all of them, up to the step of the finding and two more.
Record record(const Comparison& c, bool of_a, const std::vector<const Finding*>& parameters) {
  const TracedRun& run = of_a ? c.a : c.b;
  Record r;
  constexpr std::size_t kMost = 20000;
  const Finding& f = *c.first;
  std::vector<int64_t> steps;
  for (const auto& [step, arrays] : run.steps) steps.push_back(step);
  const int64_t divergence = of_a ? f.step : f.step_b;
  if (steps.empty() || steps[0] != 0) return r;
  double count = 0;
  for (std::size_t t = 0; t + 1 < steps.size() && steps[t] <= divergence + 2 && r.gradients.size() < 24; ++t) {
    if (steps[t + 1] != steps[t] + 1) return {};
    if (!run.trains(steps[t])) continue;
    Values g, p, u;
    for (const Finding* q : parameters) {
      const auto *w = run.array(steps[t], q->call, q->what), *next = run.array(steps[t + 1], q->call, q->what),
                 *gradient = run.array(steps[t], q->call, "grad." + q->what.substr(6));
      if (!w || !next || !gradient) return {};
      const Values from = numbers(*w), to = numbers(*next), slope = numbers(*gradient);
      for (std::size_t i = 0; i < from.size() && g.size() < kMost; ++i) {
        g.push_back(slope[i]), p.push_back(from[i]), u.push_back(to[i] - from[i]);
        const double bit = w->dtype() == ember::kFloat64 ? 1e-16 : 4e-8;
        r.rounding += bit * bit * from[i] * from[i], ++count;
      }
    }
    double squares = 0;
    for (const TracedArray& array : run.steps.at(steps[t]))
      if (array.is_parameter_gradient())
        for (const double e : numbers(array.value)) squares += e * e;
    r.lengths.push_back(std::sqrt(squares));
    r.gradients.push_back(std::move(g)), r.weights.push_back(std::move(p)), r.updates.push_back(std::move(u));
  }
  r.rounding /= std::max(count, 1.0);
  return r;
}

/// Nothing moves: in which run, and since when?
std::string standing_still(const Comparison& c, const Record& a, const Record& b, std::size_t at) {
  for (const auto& [run, r, other] : {std::tuple(&c.a, &a, &b), std::tuple(&c.b, &b, &a)}) {
    const auto still = [&](const Values& u) { return std::all_of(u.begin(), u.end(), [](double e) { return e == 0; }); };
    if (r->updates.size() <= at || !still(r->updates[at]) || other->updates.size() <= at || still(other->updates[at])) continue;
    const bool ever = std::any_of(r->updates.begin(), r->updates.end(), [&](const Values& u) { return !still(u); });
    return ever ? fmt::format("They do not move at all in {} in this step: step() of the optimiser was left out.", run->file)
                : fmt::format(
                      "They never move in {}: the optimiser was not given them, their gradients are cleared before it, or step() is not called.",
                      run->file);
  }
  return "";
}

std::string told(const std::string& file, const Fit& own, const Record& r, const Fit& other) {
  if (own.rest < 0.02) return fmt::format("{} moves them as {} would", file, text(own));
  std::string how = other.kind && other.rest < 0.02 && !other.rates.empty() ? clipped(r, other) : "";
  if (how.empty() && other.kind && other.rest < 0.02 && !other.rates.empty() && !changes(other)) how = misused(r, other);
  return how.empty() ? fmt::format("{} as no optimiser that is known here", file) : fmt::format("{} as that would {}", file, how);
}

}  // namespace

std::vector<std::string> optimizers(const Comparison& c) {
  std::vector<const Finding*> parameters;
  for (const Finding& f : c.found)
    if (f.kind == Finding::Update) parameters.push_back(&f);
  if (parameters.empty()) return {};
  Record of_a = record(c, true, parameters), of_b = record(c, false, parameters);
  const std::size_t updates_of_both = std::min(of_a.updates.size(), of_b.updates.size());
  if (updates_of_both == 0) return {};
  for (Record* const r : {&of_a, &of_b}) r->gradients.resize(updates_of_both), r->weights.resize(updates_of_both), r->updates.resize(updates_of_both);
  const auto same = [&](const StepPair& p) { return p.a == c.first->step; };
  const int64_t updates = std::find_if(c.steps.begin(), c.steps.end(), same)->trained;
  if (const std::string still = updates > 0 ? standing_still(c, of_a, of_b, std::size_t(updates - 1)) : ""; !still.empty()) return {still};
  const Fit a = fit::best(of_a), b = fit::best(of_b);
  if (!a.kind || !b.kind || (a.rest > 0.02 && b.rest > 0.02)) return {};
  std::vector<std::string> lines{told(c.a.file, a, of_a, b) + ",", told(c.b.file, b, of_b, a) + "."};
  if ((a.rest < 0.02 && changes(a)) || (b.rest < 0.02 && changes(b)))
    lines.push_back("A rate that changes from step to step is that of a schedule, or of gradients that are clipped to a norm.");
  return lines;
}
