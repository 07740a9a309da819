// What the numbers themselves show about the first divergence: the same samples in another order, a sum for a mean, gradients that pile up.
#include <ember/ember.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diff_measure.h"
#include "diff_trace.h"

using namespace ember;

namespace {

using Values = std::vector<double>;
using Lines = std::vector<std::string>;

double size_of(const Values& x) {
  double squares = 0;
  for (const double e : x) squares += e * e;
  return std::sqrt(squares / double(std::max<std::size_t>(x.size(), 1)));
}

Values minus(const Values& x, const Values& y) {
  Values d(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) d[i] = x[i] - y[i];
  return d;
}

/// y = factor x + shift, and what is left of y, relative to its spread.
struct Line {
  double factor = 0, shift = 0, rest = 1;
};
Line fit(const Values& x, const Values& y, bool shifted) {
  const double n = double(x.size());
  double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
  if (shifted)
    for (std::size_t i = 0; i < x.size(); ++i) mx += x[i] / n, my += y[i] / n;
  for (std::size_t i = 0; i < x.size(); ++i) xx += (x[i] - mx) * (x[i] - mx), xy += (x[i] - mx) * (y[i] - my), yy += (y[i] - my) * (y[i] - my);
  if (xx == 0 || yy == 0) return {};
  Line line{xy / xx, 0, 0};
  line.shift = my - line.factor * mx;
  double rest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double r = y[i] - line.factor * x[i] - line.shift;
    rest += r * r;
  }
  line.rest = std::sqrt(rest / yy);
  return std::isfinite(line.rest) ? line : Line();
}

bool near(double a, double b, double part = 1e-3) { return std::fabs(a - b) <= part * std::max(std::fabs(a), std::fabs(b)); }
bool same(const Tensor& a, const Tensor& b) { return a.sizes() == b.sizes() && allclose(a.to(kFloat64), b.to(kFloat64), 1e-5, 1e-7); }

/// Numbers that are none explain themselves: nothing else can be read from them.
bool explain_not_finite(const Comparison& c, const Tensor& x, const Tensor& y, Lines& lines) {
  for (const auto& [file, own, other] : {std::tuple(&c.a.file, &x, &y), std::tuple(&c.b.file, &y, &x)}) {
    const Values mine = numbers(*own), theirs = numbers(*other);
    const auto bad = [](const Values& v) { return std::count_if(v.begin(), v.end(), [](double e) { return !std::isfinite(e); }); };
    if (bad(mine) == 0 || bad(theirs) >= bad(mine)) continue;
    const auto nan = std::count_if(mine.begin(), mine.end(), [](double e) { return std::isnan(e); });
    lines.push_back(fmt::format("{} of {} numbers are {} in {}, {} in the other run.", bad(mine), mine.size(),
                                nan == bad(mine) ? "NaN" : "NaN or infinite", *file, bad(theirs) ? std::to_string(bad(theirs)) : "none"));
    return true;
  }
  return false;
}

// --- data

/// Of each sample of y, the place of the same one in x; -1 when x has none.
std::vector<int64_t> samples(const Tensor& x, const Tensor& y) {
  std::vector<int64_t> places;
  if (x.dim() == 0 || y.dim() == 0 || x.size(0) == 0 || y.size(0) == 0) return places;
  const Values u = numbers(x), v = numbers(y);
  const std::size_t width = u.size() / std::size_t(x.size(0));
  if (width == 0 || v.size() / std::size_t(y.size(0)) != width) return places;
  const auto equal = [&](std::size_t i, std::size_t j) {
    for (std::size_t k = 0; k < width; ++k)
      if (!near(u[i * width + k], v[j * width + k], 1e-5) && std::fabs(u[i * width + k] - v[j * width + k]) > 1e-7) return false;
    return true;
  };
  for (std::size_t j = 0; j < std::size_t(y.size(0)); ++j) {
    int64_t found = j < std::size_t(x.size(0)) && equal(j, j) ? int64_t(j) : -1;
    for (std::size_t i = 0; found < 0 && i < std::size_t(x.size(0)); ++i)
      if (equal(i, j)) found = int64_t(i);
    places.push_back(found);
  }
  return places;
}

/// The step of `run` that was fed this, -1 when there is none.
int64_t step_with(const TracedRun& run, const std::string& call, const std::string& what, const Tensor& value) {
  for (const auto& [step, arrays] : run.steps)
    if (const Tensor* const other = run.array(step, call, what); other && same(*other, value)) return step;
  return -1;
}

bool explain_samples(const Comparison& c, const Tensor& x, const Tensor& y, Lines& lines) {
  const std::vector<int64_t> places = samples(x, y);
  const auto known = std::count_if(places.begin(), places.end(), [](int64_t p) { return p >= 0; });
  const auto in_place = [&] {
    std::ptrdiff_t n = 0;
    for (std::size_t j = 0; j < places.size(); ++j) n += places[j] == int64_t(j);
    return n;
  }();
  if (x.dim() > 0 && y.dim() > 0 && x.size(0) != y.size(0)) {
    lines.push_back(fmt::format("The batches have different sizes: {} samples in {}, {} in {}.", x.size(0), c.a.file, y.size(0), c.b.file));
    if (known > 0) lines.push_back(fmt::format("{} samples are in both.", known));
    return true;
  }
  if (known == 0 || !(x.sizes() == y.sizes()) || places.size() < 2) return false;
  const auto count = std::ptrdiff_t(places.size());
  if (known == count && in_place < count) lines.push_back("The samples are the same in another order: they are shuffled differently.");
  else if (in_place == known) lines.push_back(fmt::format("{} of {} samples of this batch differ, the others are the same.", count - known, count));
  else lines.push_back(fmt::format("{} of {} samples are in both batches, {} of them at the same place.", known, count, in_place));
  return true;
}

bool explain_scaling(const Tensor& x, const Tensor& y, Lines& lines) {
  const Line line = fit(numbers(x), numbers(y), true);
  if (line.rest < 1e-4) {
    const bool shifted = std::fabs(line.shift) > 1e-5 * size_of(numbers(y));
    lines.push_back(fmt::format("The data are scaled differently: those of B are {:.5g} times those of A{} (a normalisation, a division by 255).",
                                line.factor, shifted ? fmt::format(" {} {:.5g}", line.shift < 0 ? "-" : "+", std::fabs(line.shift)) : ""));
    return true;
  }
  if (x.dim() < 3 || x.size(1) > 16) return false;
  std::string by_channel;
  for (int64_t channel = 0; channel < x.size(1); ++channel) {
    const Line own = fit(numbers(x.select(1, channel)), numbers(y.select(1, channel)), true);
    if (own.rest > 1e-4) return false;
    by_channel += fmt::format("{}{:.4g} a {} {:.4g}", channel ? ", " : "", own.factor, own.shift < 0 ? "-" : "+", std::fabs(own.shift));
  }
  lines.push_back(fmt::format("The channels are scaled differently: those of B are {} of those of A.", by_channel));
  return true;
}

bool explain_arrangement(const Tensor& x, const Tensor& y, Lines& lines) {
  for (int d = 1; d < x.dim(); ++d)
    if (x.sizes() == y.sizes() && same(x.flip(d), y)) {
      lines.push_back(fmt::format("The data are mirrored along dimension {}.", d));
      return true;
    }
  for (int p = 1; p < x.dim(); ++p)
    for (int q = p + 1; q < x.dim(); ++q)
      if (same(x.transpose(p, q), y)) {
        lines.push_back(fmt::format("Dimensions {} and {} of the data are exchanged.", p, q));
        return true;
      }
  if (x.dim() == 4 && (same(x.permute({0, 2, 3, 1}), y) || same(x.permute({0, 3, 1, 2}), y))) {
    lines.push_back("One has the channels of the images first, the other one last.");
    return true;
  }
  return false;
}

void explain_data(const Comparison& c, const Finding& f, const Tensor& x, const Tensor& y, Lines& lines) {
  if (const int64_t step = step_with(c.a, f.call, f.what, y); step >= 0 && step != f.step)
    return lines.push_back(fmt::format("It is the batch that {} has in step {}: a batch was left out, or taken twice.", c.a.file, step));
  if (const int64_t step = step_with(c.b, f.call, f.what, x); step >= 0 && step != f.step_b)
    return lines.push_back(fmt::format("{} has this batch in step {}: a batch was left out, or taken twice.", c.b.file, step));
  if (explain_arrangement(x, y, lines)) return;
  if (x.sizes() == y.sizes() && explain_scaling(x, y, lines)) return;
  if (explain_samples(c, x, y, lines)) return;
  lines.push_back("The runs were fed different data: another order of samples, transform or seed.");
}

// --- initial values

std::string relation(const Tensor& x, const Tensor& y) {
  const Values u = numbers(x), v = numbers(y);
  const double a = size_of(u), b = size_of(v);
  if (a == 0 || b == 0) return fmt::format("all zero in {}", a == 0 ? "A" : "B");
  if (const Line line = fit(u, v, false); line.rest < 1e-4) return fmt::format("B's are {:.5g} times A's", line.factor);
  if (const Line line = fit(u, v, true); line.rest < 1e-4 && near(line.factor, 1, 1e-4)) return fmt::format("B's are A's plus {:.4g}", line.shift);
  if (x.dim() >= 2 && same(x.transpose(0, 1), y)) return "transposed";
  Values p = u, q = v;
  std::sort(p.begin(), p.end()), std::sort(q.begin(), q.end());
  if (size_of(minus(p, q)) < 1e-6 * a) return "the same numbers in another order";
  return near(a, b, 0.15) ? "other numbers of the same size" : fmt::format("of size {:.3g} and {:.3g}", a, b);
}

void explain_start(const Comparison& c, const Finding& f, Lines& lines) {
  std::size_t differing = 0, all = 0, drawn = 0;
  for (const TracedArray& array : c.a.steps.at(f.step)) all += array.is_parameter();
  for (const Finding& g : c.found) {
    if (!g.what.starts_with("param.") || g.kind != Finding::Values) continue;
    const Tensor *x = c.a.array(g.step, g.call, g.what), *y = c.b.array(g.step_b, g.call, g.what);
    const std::string how = x && y ? relation(*x, *y) : "";
    drawn += how.starts_with("other numbers");
    if (++differing <= 8) lines.push_back(fmt::format("  {}.{}: {}", g.path, g.what.substr(6), how));
  }
  if (differing > 8) lines.push_back(fmt::format("  and {} more", differing - 8));
  lines.insert(lines.end() - std::ptrdiff_t(std::min<std::size_t>(differing, 8) + (differing > 8)),
               fmt::format("The runs start from different weights, {} of {} parameters: {}.", differing, all,
                           2 * drawn > differing ? "another seed, order of construction or checkpoint" : "another initialisation or checkpoint"));
}

// --- gradients

/// Of a loss that is the cross entropy of these scores (N, C), the targets: softmax - gradient, which is taken times N or not.
Values targets(const Values& scores, const Values& gradient, std::size_t rows, double scale) {
  const std::size_t classes = scores.size() / rows;
  Values t(scores.size());
  for (std::size_t r = 0; r < rows; ++r) {
    const double* const z = scores.data() + r * classes;
    const double top = *std::max_element(z, z + classes);
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) sum += std::exp(z[k] - top);
    for (std::size_t k = 0; k < classes; ++k) t[r * classes + k] = std::exp(z[k] - top) / sum - scale * gradient[r * classes + k];
  }
  return t;
}

/// The label of each row and by how much all are smoothed; nothing when these are no targets.
struct Labels {
  std::vector<std::size_t> of;
  double smoothing = 0;
};
std::optional<Labels> labels(const Values& t, std::size_t rows) {
  const std::size_t classes = t.size() / rows;
  Labels all;
  for (std::size_t r = 0; r < rows; ++r) {
    const double* const row = t.data() + r * classes;
    const auto top = std::size_t(std::max_element(row, row + classes) - row);
    const double other = row[top == 0 ? 1 : 0];
    for (std::size_t k = 0; k < classes; ++k)
      if (std::fabs(row[k] - (k == top ? 1 - double(classes - 1) * other : other)) > 2e-4) return std::nullopt;
    if (row[top] < other + 0.01 || other < -2e-4) return std::nullopt;
    all.of.push_back(top);
    all.smoothing = std::max(all.smoothing, other * double(classes));
  }
  return all;
}

bool explain_cross_entropy(const Comparison& c, const Finding& f, const Tensor& ga, const Tensor& gb, Lines& lines) {
  const Tensor* const scores = c.a.array(f.step, f.call, "output");
  if (!scores || scores->dim() != 2 || !(scores->sizes() == ga.sizes()) || scores->size(1) < 2) return false;
  const auto rows = std::size_t(scores->size(0));
  for (const double scale : {double(rows), 1.0}) {
    const auto a = labels(targets(numbers(*scores), numbers(ga), rows, scale), rows),
               b = labels(targets(numbers(*scores), numbers(gb), rows, scale), rows);
    if (!a || !b) continue;
    std::vector<std::string> others;
    for (std::size_t r = 0; r < rows; ++r)
      if (a->of[r] != b->of[r]) others.push_back(fmt::format("{} ({} against {})", r, a->of[r], b->of[r]));
    if (!others.empty()) {
      const std::size_t shown = std::min<std::size_t>(others.size(), 4);
      lines.push_back(fmt::format("As gradients of a cross entropy they tell the labels, which differ in {} of {} samples: {}{}.", others.size(),
                                  rows, fmt::join(others.begin(), others.begin() + std::ptrdiff_t(shown), ", "),
                                  others.size() > shown ? ", ..." : ""));
      return true;
    }
    if (std::fabs(a->smoothing - b->smoothing) > 1e-3) {
      lines.push_back(fmt::format("As gradients of a cross entropy they tell its label smoothing: {:.2f} against {:.2f}.", std::fabs(a->smoothing),
                                  std::fabs(b->smoothing)));
      return true;
    }
  }
  return false;
}

bool explain_rows(const Tensor& ga, const Tensor& gb, Lines& lines) {
  if (ga.dim() < 2) return false;
  double least = INFINITY, most = 0;
  for (int64_t r = 0; r < ga.size(0); ++r) {
    const Line line = fit(numbers(ga.select(0, r)), numbers(gb.select(0, r)), false);
    if (line.rest > 1e-3 || line.factor <= 0) return false;
    least = std::min(least, line.factor), most = std::max(most, line.factor);
  }
  lines.push_back(
      fmt::format("The samples are weighted differently, B's {:.3g} to {:.3g} times A's: weights of classes, a mask, or what the mean is "
                  "taken over.",
                  least, most));
  return true;
}

void explain_loss(const Comparison& c, const Finding& f, const Tensor& ga, const Tensor& gb, Lines& lines) {
  lines.push_back("All outputs of this step agree: the loss differs, or how it is reduced over the batch.");
  const Values u = numbers(ga), v = numbers(gb);
  if (const Line line = fit(u, v, false); line.rest < 1e-3) {
    const double n = double(ga.dim() ? ga.size(0) : 1), all = double(ga.numel());
    for (const double count : {n, all})
      if (count > 1 && (near(line.factor, count) || near(line.factor, 1 / count)))
        return lines.push_back(fmt::format("It is {} times as large in {}: that one sums, over {:.0f} {}, where the other one takes the mean.", count,
                                           line.factor > 1 ? c.b.file : c.a.file, count, count == n ? "samples" : "elements"));
    return lines.push_back(fmt::format("B's is {:.5g} times A's: the loss is scaled, or its mean is taken over another number.", line.factor));
  }
  if (explain_cross_entropy(c, f, ga, gb, lines) || explain_rows(ga, gb, lines)) return;
  if (const Tensor* const output = c.a.array(f.step, f.call, "output"); output && output->sizes() == ga.sizes())
    if (const Line line = fit(numbers(*output), minus(v, u), false); line.rest < 1e-2)
      lines.push_back(
          fmt::format("The difference is {:.3g} times the output itself: one loss has another term, the square of its outputs.", line.factor));
}

/// What all gradients of parameters that differ have in common.
void explain_parameter_gradients(const Comparison& c, const Finding& f, Lines& lines) {
  const auto same_step = [&](const StepPair& p) { return p.a == f.step; };
  const auto at = std::find_if(c.steps.begin(), c.steps.end(), same_step);
  Values difference, weights, signs, last_a, last_b, of_a, of_b;
  std::vector<std::string> names;
  for (const Finding& g : c.found) {
    if (!g.what.starts_with("grad.") || g.kind != Finding::Values) continue;
    const std::string name = g.what.substr(5, g.what.find('#') - 5);
    const Tensor *x = c.a.array(g.step, g.call, g.what), *y = c.b.array(g.step_b, g.call, g.what), *p = c.a.array(g.step, g.call, "param." + name);
    if (!x || !y) continue;
    names.push_back(g.path + "." + name);
    const Values u = numbers(*x), v = numbers(*y), w = p ? numbers(*p) : Values(u.size());
    const Values d = minus(v, u);
    difference.insert(difference.end(), d.begin(), d.end());
    of_a.insert(of_a.end(), u.begin(), u.end()), of_b.insert(of_b.end(), v.begin(), v.end());
    weights.insert(weights.end(), w.begin(), w.end());
    for (const double e : w) signs.push_back(double(e > 0) - double(e < 0));
    for (const auto& [run, last, step] :
         {std::tuple(&c.a, &last_a, at == c.steps.begin() ? -1 : (at - 1)->a), std::tuple(&c.b, &last_b, at == c.steps.begin() ? -1 : (at - 1)->b)}) {
      const Tensor* const before = run->array(step, g.call, g.what);
      const Values b = before ? numbers(*before) : Values(u.size());
      last->insert(last->end(), b.begin(), b.end());
    }
  }
  if (names.empty()) return;
  for (const auto& [last, file, sign] : {std::tuple(&last_b, c.b.file, 1.0), std::tuple(&last_a, c.a.file, -1.0)})
    if (const Line line = fit(*last, difference, false); line.rest < 0.05 && near(line.factor, sign, 0.05))
      return lines.push_back(
          fmt::format("Gradients pile up in {}: its gradient is that of this step plus the one before. zero_grad() is missing.", file));
  if (const Line line = fit(weights, difference, false); line.rest < 0.05)
    return lines.push_back(
        fmt::format("The difference is {:.3g} times the weights themselves, in {} parameters: one loss has another term, the square "
                    "of the weights times {:.3g}.",
                    line.factor, names.size(), line.factor / 2));
  if (const Line line = fit(signs, difference, false); line.rest < 0.05)
    return lines.push_back(
        fmt::format("The difference is {:.3g} times the sign of the weights, in {} parameters: one loss has another term, their "
                    "absolute values.",
                    line.factor, names.size()));
  if (const Line line = fit(of_a, of_b, false); line.rest < 1e-3)
    lines.push_back(fmt::format("B's is {:.5g} times A's in all {} parameters that differ.", line.factor, names.size()));
}

void explain_masks(const Comparison& c, const Finding& f, const Tensor& x, const Tensor& y, Lines& lines) {
  const TracedModule* const module = c.a.find(f.path);
  if (!module || module->type.find("Dropout") == std::string::npos) return;
  const Values u = numbers(x), v = numbers(y);
  double zero_a = 0, zero_b = 0, differ = 0;
  for (std::size_t i = 0; i < u.size(); ++i) zero_a += u[i] == 0, zero_b += v[i] == 0, differ += u[i] != 0 && v[i] != 0 && !near(u[i], v[i]);
  const double n = double(u.size());
  lines.push_back(fmt::format("It zeroes {:.0f} % of the elements in {} and {:.0f} % in {}{}.", 100 * zero_a / n, c.a.file, 100 * zero_b / n,
                              c.b.file,
                              differ == 0 ? ", other ones: the masks differ and not the rate, something else has drawn random numbers before" : ""));
}

}  // namespace

std::vector<std::string> causes(const Comparison& c) {
  Lines lines;
  const Finding& f = *c.first;
  const Tensor *const x = c.a.array(f.step, f.call, f.what), *const y = c.b.array(f.step_b, f.call, f.what);
  const bool first_call = c.a.steps.count(f.step) && calls_of(c.a, f.step).front() == f.call;
  if (f.kind == Finding::Values && x && y && explain_not_finite(c, *x, *y, lines)) return lines;
  if (f.what.starts_with("input") && first_call && x && y) explain_data(c, f, *x, *y, lines);
  if (f.kind != Finding::Values || !x || !y || !(x->sizes() == y->sizes())) return lines;
  if (f.what.starts_with("param.")) explain_start(c, f, lines);
  if (f.what.starts_with("grad_output") && (!c.before || !c.before->what.starts_with("grad") || c.before->step != f.step))
    explain_loss(c, f, *x, *y, lines);
  if (f.what.starts_with("grad.")) explain_parameter_gradients(c, f, lines);
  if (f.what == "output") explain_masks(c, f, *x, *y, lines);
  return lines;
}
