// Runs the rule of each kind of optimiser on recorded gradients, and searches its settings one after the other.
#include "diff_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fit {
namespace {

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
      {"Adam",
       {{"beta1", 0.9, kMoments}, {"beta2", 0.999, kMoments}, {"eps", 1e-8, kEps}, {"weight_decay", 0, kDecays}, {"amsgrad", 0, {0, 1}}},
       adam},
      {"AdamW", {{"beta1", 0.9, kMoments}, {"beta2", 0.999, kMoments}, {"eps", 1e-8, kEps}, {"", 0, {0}}, {"amsgrad", 0, {0, 1}}}, adam, true},
      {"RMSprop",
       {{"alpha", 0.99, kMoments}, {"eps", 1e-8, kEps}, {"momentum", 0, kMoments}, {"weight_decay", 0, kDecays}, {"centered", 0, {0, 1}}},
       rmsprop},
      {"Adagrad", {{"eps", 1e-10, kEps}, {"weight_decay", 0, kDecays}}, adagrad}};
  return all;
}

/// Of u = -rate d (- decay p), by least squares.
struct Sums {
  double dd = 0, dp = 0, pp = 0, du = 0, pu = 0;
};
std::pair<double, double> solved(const Sums& s, bool decays) {
  const double det = s.dd * s.pp - s.dp * s.dp;
  if (decays && det > 1e-9 * s.dd * s.pp) return {(s.du * s.pp - s.pu * s.dp) / det, (s.pu * s.dd - s.du * s.dp) / det};
  return {s.dd > 0 ? s.du / s.dd : 0, 0};
}

}  // namespace

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

namespace {

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
      (rest_with(r, fit, setting, p) < rest_with(r, fit, setting, q) ? high
                                                                     : low) = rest_with(r, fit, setting, p) < rest_with(r, fit, setting, q) ? q : p;
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

}  // namespace

Fit best(const Record& r) {
  const double enough = closest(r);
  Fit found;
  const auto consider = [&](const Fit& start) {
    if (found.rest < enough) return;
    Fit candidate = refined(r, start, enough);
    if (candidate.rest < 0.5 * found.rest) found = std::move(candidate);
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
    if (found.rest < 0.005) break;
  }
  return found;
}

}  // namespace fit
