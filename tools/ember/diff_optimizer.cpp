// Which optimiser a run has, and with which settings, from its gradients and what its weights did: each kind is run again on the recorded
// gradients, and its settings are searched until its updates are those of the run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diff_measure.h"
#include "diff_trace.h"

using std::int64_t;

namespace {

using Values = std::vector<double>;

/// What one run did to some parameters, in consecutive steps: gradients and weights before, updates behind.
struct Record {
  std::vector<Values> gradients, weights, updates;
  Values lengths;       // of the gradients of all parameters of the run, by step
  double rounding = 0;  // mean square of what an update carries of it
  std::size_t size() const { return gradients.empty() ? 0 : gradients[0].size(); }
};

struct Setting {
  const char* name;
  double usual;
  Values tried;  // before it is refined between two of these
};

struct Kind {
  const char* name;
  std::vector<Setting> settings;
  /// The directions of all steps for these settings, in the order of `settings`.
  std::vector<Values> (*directions)(const Record& r, const Values& s);
  bool decays = false;  // the weights themselves shrink beside it: AdamW
};

const Values kMoments{0, 0.5, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999}, kDecays{0, 1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 1e-2, 0.1};
const Values kEps{1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3};

std::vector<Values> sgd(const Record& r, const Values& s) {  // momentum, dampening, weight_decay, nesterov
  std::vector<Values> all;
  Values buffer;
  for (std::size_t t = 0; t < r.gradients.size(); ++t) {
    Values g = r.gradients[t], d(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) g[i] += s[2] * r.weights[t][i];
    if (t == 0) buffer = g;
    else
      for (std::size_t i = 0; i < g.size(); ++i) buffer[i] = s[0] * buffer[i] + (1 - s[1]) * g[i];
    for (std::size_t i = 0; i < g.size(); ++i) d[i] = s[3] > 0 ? g[i] + s[0] * buffer[i] : buffer[i];
    all.push_back(std::move(d));
  }
  return all;
}

std::vector<Values> adam(const Record& r, const Values& s) {  // beta1, beta2, eps, weight_decay, amsgrad
  std::vector<Values> all;
  Values m(r.size()), v(r.size()), top(r.size());
  for (std::size_t t = 0; t < r.gradients.size(); ++t) {
    Values d(r.size());
    const double first = 1 - std::pow(s[0], double(t + 1)), second = 1 - std::pow(s[1], double(t + 1));
    for (std::size_t i = 0; i < d.size(); ++i) {
      const double g = r.gradients[t][i] + s[3] * r.weights[t][i];
      m[i] = s[0] * m[i] + (1 - s[0]) * g;
      v[i] = s[1] * v[i] + (1 - s[1]) * g * g;
      top[i] = std::max(top[i], v[i]);
      d[i] = m[i] / first / (std::sqrt((s[4] > 0 ? top[i] : v[i]) / second) + s[2]);
    }
    all.push_back(std::move(d));
  }
  return all;
}

std::vector<Values> rmsprop(const Record& r, const Values& s) {  // alpha, eps, momentum, weight_decay, centered
  std::vector<Values> all;
  Values v(r.size()), mean(r.size()), buffer(r.size());
  for (std::size_t t = 0; t < r.gradients.size(); ++t) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      const double g = r.gradients[t][i] + s[3] * r.weights[t][i];
      v[i] = s[0] * v[i] + (1 - s[0]) * g * g;
      mean[i] = s[0] * mean[i] + (1 - s[0]) * g;
      const double square = s[4] > 0 ? std::max(v[i] - mean[i] * mean[i], 0.0) : v[i];
      buffer[i] = s[2] * buffer[i] + g / (std::sqrt(square) + s[1]);
    }
    all.push_back(buffer);
  }
  return all;
}

std::vector<Values> adagrad(const Record& r, const Values& s) {  // eps, weight_decay
  std::vector<Values> all;
  Values sum(r.size());
  for (std::size_t t = 0; t < r.gradients.size(); ++t) {
    Values d(r.size());
    for (std::size_t i = 0; i < d.size(); ++i) {
      const double g = r.gradients[t][i] + s[1] * r.weights[t][i];
      sum[i] += g * g;
      d[i] = g / (std::sqrt(sum[i]) + s[0]);
    }
    all.push_back(std::move(d));
  }
  return all;
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"SGD", {{"momentum", 0, kMoments}, {"dampening", 0, {0, 0.1, 0.5, 0.9}}, {"weight_decay", 0, kDecays}, {"nesterov", 0, {0, 1}}}, sgd},
      {"Adam", {{"beta1", 0.9, kMoments}, {"beta2", 0.999, kMoments}, {"eps", 1e-8, kEps}, {"weight_decay", 0, kDecays}, {"amsgrad", 0, {0, 1}}}, adam},
      {"AdamW", {{"beta1", 0.9, kMoments}, {"beta2", 0.999, kMoments}, {"eps", 1e-8, kEps}, {"", 0, {0}}, {"amsgrad", 0, {0, 1}}}, adam, true},
      {"RMSprop", {{"alpha", 0.99, kMoments}, {"eps", 1e-8, kEps}, {"momentum", 0, kMoments}, {"weight_decay", 0, kDecays}, {"centered", 0, {0, 1}}}, rmsprop},
      {"Adagrad", {{"eps", 1e-10, kEps}, {"weight_decay", 0, kDecays}}, adagrad}};
  return all;
}

struct Fit {
  const Kind* kind = nullptr;
  bool scheduled = false;  // a rate for each step, else one for all
  Values settings = {}, rates = {};
  double decay = 0;        // AdamW's
  double rest = 1;         // what of the updates it does not explain
};

/// Of u = -rate d (- decay p), by least squares.
struct Sums {
  double dd = 0, dp = 0, pp = 0, du = 0, pu = 0;
};
std::pair<double, double> solved(const Sums& s, bool decays) {
  const double det = s.dd * s.pp - s.dp * s.dp;
  if (decays && det > 1e-9 * s.dd * s.pp) return {(s.du * s.pp - s.pu * s.dp) / det, (s.pu * s.dd - s.du * s.dp) / det};
  return {s.dd > 0 ? s.du / s.dd : 0, 0};
}

void measure(const Record& r, Fit& fit) {
  const std::vector<Values> directions = fit.kind->directions(r, fit.settings);
  std::vector<Sums> sums(fit.scheduled ? directions.size() : 1);
  for (std::size_t t = 0; t < directions.size(); ++t) {
    Sums& s = sums[fit.scheduled ? t : 0];
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double d = directions[t][i], p = r.weights[t][i], u = r.updates[t][i];
      s.dd += d * d, s.dp += d * p, s.pp += p * p, s.du += d * u, s.pu += p * u;
    }
  }
  double rest = 0, all = 0, decays = 0;
  fit.rates.clear();
  for (std::size_t t = 0; t < directions.size(); ++t) {
    const auto [x, y] = solved(sums[fit.scheduled ? t : 0], fit.kind->decays);
    fit.rates.push_back(-x);
    if (x != 0) decays += y / x / double(directions.size());
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double left = r.updates[t][i] - x * directions[t][i] - y * r.weights[t][i];
      rest += left * left;
      all += r.updates[t][i] * r.updates[t][i];
    }
  }
  // AdamW: u = -rate (d + decay p).
  fit.decay = decays;
  fit.rest = all > 0 ? std::sqrt(rest / all) : 1;
  if (!std::isfinite(fit.rest)) fit.rest = 1;
}

double rest_with(const Record& r, Fit fit, std::size_t setting, double value) {
  fit.settings[setting] = value;
  measure(r, fit);
  return fit.rest;
}

/// The best value of one setting: one that is usual, or one between two of these.
void search(const Record& r, Fit& fit, std::size_t setting) {
  const Values& tried = fit.kind->settings[setting].tried;
  std::size_t best = 0;
  double least = INFINITY;
  for (std::size_t i = 0; i < tried.size(); ++i)
    if (const double rest = rest_with(r, fit, setting, tried[i]); rest < least) least = rest, best = i;
  double value = tried[best];
  if (tried.size() > 2) {  // else it is a switch
    double low = tried[best ? best - 1 : 0], high = tried[std::min(best + 1, tried.size() - 1)];
    for (int i = 0; i < 24; ++i) {
      const double p = low + 0.382 * (high - low), q = low + 0.618 * (high - low);
      (rest_with(r, fit, setting, p) < rest_with(r, fit, setting, q) ? high : low) = rest_with(r, fit, setting, p) < rest_with(r, fit, setting, q) ? q : p;
    }
    if (rest_with(r, fit, setting, (low + high) / 2) < 0.7 * least) value = (low + high) / 2;
  }
  fit.settings[setting] = value;
  measure(r, fit);
}

Fit refined(const Record& r, Fit fit, double enough) {
  measure(r, fit);
  for (int round = 0; round < 3 && fit.rest > enough; ++round)
    for (std::size_t i = 0; i < fit.settings.size(); ++i)
      if (fit.kind->settings[i].tried.size() > 1) search(r, fit, i);
  // What makes no difference is as usual.
  for (std::size_t i = 0; i < fit.settings.size(); ++i) {
    const double usual = fit.kind->settings[i].usual;
    if (rest_with(r, fit, i, usual) < std::max(1.2 * fit.rest, enough)) fit.settings[i] = usual, measure(r, fit);
  }
  return fit;
}

/// What an update carries of the rounding of its parameter, relative to it: no fit can be closer.
double closest(const Record& r) {
  double updates = 0;
  for (const Values& u : r.updates)
    for (const double e : u) updates += e * e;
  return updates > 0 ? 3 * std::sqrt(r.rounding * double(r.size() * r.updates.size()) / updates) + 3e-6 : 1;
}

/// The simplest kind that explains the updates.
Fit fit(const Record& r) {
  const double enough = closest(r);
  Fit best;
  const auto consider = [&](const Fit& start) {
    if (best.rest < enough) return;
    Fit candidate = refined(r, start, enough);
    if (candidate.rest < 0.5 * best.rest) best = std::move(candidate);
  };
  for (const bool scheduled : {false, true}) {
    for (const Kind& kind : kinds()) {
      Fit start{.kind = &kind, .scheduled = scheduled};
      for (const Setting& s : kind.settings) start.settings.push_back(s.usual);
      consider(start);
      if (kind.directions != sgd) continue;
      start.settings = {0.9, 0, 0, 0}, consider(start);
      start.settings = {0.9, 0.1, 0, 0}, consider(start);
      start.settings = {0.9, 0, 0, 1}, consider(start);
    }
    if (best.rest < 0.005) break;
  }
  return best;
}

/// As the other run would with gradients that are clipped, to a norm or element by element; "" when that explains nothing.
std::string clipped(const Record& r, const Fit& other) {
  const auto with = [&](bool norm, double limit) {
    Record cut = r;
    for (std::size_t t = 0; t < cut.gradients.size(); ++t)
      for (double& g : cut.gradients[t]) g = norm ? g * std::min(1.0, limit / (r.lengths[t] + 1e-6)) : std::clamp(g, -limit, limit);
    Fit fit = other;
    fit.scheduled = true;
    measure(cut, fit);
    // Any limit below all gradients gives the same directions; the rate tells which one it is.
    double off = fit.rest;
    for (const double rate : fit.rates) off = std::max(off, std::fabs(rate / other.rates[0] - 1));
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
      return norm ? fmt::format("of gradients that are clipped to a norm of {:.3g}", limit) : fmt::format("of gradients whose elements are clipped to {:.3g}", limit);
  }
  return "";
}

/// Is the rate another one from some step on?
bool changes(const Fit& f) {
  const auto [least, most] = std::minmax_element(f.rates.begin(), f.rates.end());
  return *most - *least > 2e-3 * *most;
}

std::string text(const Fit& f) {
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
  return out + ")";
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
                : fmt::format("They never move in {}: the optimiser was not given them, or step() is not called.", run->file);
  }
  return "";
}

std::string told(const std::string& file, const Fit& own, const Record& r, const Fit& other) {
  if (own.rest < 0.02) return fmt::format("{} moves them as {} would", file, text(own));
  const std::string cut = other.kind && other.rest < 0.02 && !other.rates.empty() ? clipped(r, other) : "";
  return cut.empty() ? fmt::format("{} as no optimiser that is known here", file) : fmt::format("{} as that would {}", file, cut);
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
  const Fit a = fit(of_a), b = fit(of_b);
  if (!a.kind || !b.kind || (a.rest > 0.02 && b.rest > 0.02)) return {};
  std::vector<std::string> lines{told(c.a.file, a, of_a, b) + ",", told(c.b.file, b, of_b, a) + "."};
  if ((a.rest < 0.02 && changes(a)) || (b.rest < 0.02 && changes(b)))
    lines.push_back("A rate that changes from step to step is that of a schedule, or of gradients that are clipped to a norm.");
  return lines;
}
