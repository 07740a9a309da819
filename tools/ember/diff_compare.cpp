// Aligns two runs array by array, in the order in which things happen in a step, and measures how far they are apart.
#include <ember/ember.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_map>

#include "diff_trace.h"

using namespace ember;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Pair = std::pair<const TracedArray*, const TracedArray*>;
using Order = std::vector<const TracedArray*>;

std::string key(const TracedArray& array) { return array.call + "/" + array.what; }

/// Forward as recorded; then backward: gradients of outputs as they arrived, and behind the last one of a module those of its
/// parameters.
Order ordered(const std::vector<TracedArray>& arrays) {
  Order order;
  std::unordered_map<std::string, std::size_t> last_gradient;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    if (arrays[i].what.starts_with("grad_output")) last_gradient[arrays[i].path] = i;
  for (const TracedArray& array : arrays)
    if (!array.is_backward()) order.push_back(&array);
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (!arrays[i].what.starts_with("grad_output")) continue;
    order.push_back(&arrays[i]);
    if (last_gradient[arrays[i].path] != i) continue;
    for (const TracedArray& array : arrays)
      if (array.is_parameter_gradient() && array.path == arrays[i].path) order.push_back(&array);
  }
  for (const TracedArray& array : arrays)
    if (array.is_parameter_gradient() && !last_gradient.count(array.path)) order.push_back(&array);
  return order;
}

/// In A's order; what only B has stands behind what came before it there.
std::vector<Pair> aligned(const Order& a, const Order& b) {
  std::unordered_map<std::string, std::size_t> place_in_a;
  for (std::size_t i = 0; i < a.size(); ++i) place_in_a.emplace(key(*a[i]), i + 1);
  std::vector<std::vector<Pair>> slots(a.size() + 1);  // slot i + 1 begins with a[i]
  for (std::size_t i = 0; i < a.size(); ++i) slots[i + 1].emplace_back(a[i], nullptr);
  std::size_t slot = 0;
  for (const TracedArray* array : b) {
    const auto found = place_in_a.find(key(*array));
    if (found == place_in_a.end()) {
      slots[slot].emplace_back(nullptr, array);
    } else {
      slot = found->second;
      slots[slot].front().second = array;
    }
  }
  std::vector<Pair> pairs;
  for (const auto& s : slots) pairs.insert(pairs.end(), s.begin(), s.end());
  return pairs;
}

std::string shape_text(const Tensor& t) {
  return fmt::format("{} ({})", name(t.dtype()), fmt::join(t.sizes().begin(), t.sizes().end(), ", "));
}

double root_mean_square(const Tensor& t) {
  const Tensor x = t.to(kFloat64).contiguous();
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i)
    if (const double v = x.data<double>()[i]; std::isfinite(v)) sum += v * v;
  return x.numel() ? std::sqrt(sum / double(x.numel())) : 0;
}

std::vector<int64_t> position(const Tensor& t, int64_t flat) {
  std::vector<int64_t> index(std::size_t(t.dim()));
  for (int d = t.dim(); d-- > 0;) {
    index[std::size_t(d)] = flat % t.size(d);
    flat /= t.size(d);
  }
  return index;
}

/// Parameters whose gradients are nothing but rounding, as those of a bias before a batch norm: an optimiser that divides by the size
/// of a gradient, as Adam does, moves them at random. They say nothing about the runs, and so does the constant that they add to the
/// output of their layer, the input of the next one and the mean that it keeps.
class Drift {
 public:
  void see_gradient(const Finding& f) {
    const auto [entry, fresh] = is_noise_.emplace(f.path + "/param." + f.what.substr(5), true);
    entry->second = entry->second && f.is_noise;
  }

  /// True when this difference of a parameter is drift.
  bool explains(const Finding& f) {
    const auto entry = is_noise_.find(f.path + "/" + f.what);
    if (entry == is_noise_.end() || !entry->second || !std::isfinite(f.error)) return false;
    size_[f.path] = std::max(size_[f.path], f.largest);
    drifting_.insert(f.path + " " + f.what.substr(6));
    return true;
  }

  /// By how much this array may be off; to be asked in the order of execution.
  double slack(const TracedArray& array) {
    const auto own = size_.find(array.path);
    const double size = own == size_.end() ? 0 : own->second;
    if (array.what.starts_with("output")) return passed_on_ = size;
    if (array.what.starts_with("input")) {
      reader_ = array.path;
      received_ = std::exchange(passed_on_, 0.0);
      return received_;
    }
    return array.what.starts_with("buffer.") && array.path == reader_ ? received_ : 0;
  }

  void begin_step() { passed_on_ = received_ = 0; }
  const std::set<std::string>& drifting() const { return drifting_; }

 private:
  std::unordered_map<std::string, bool> is_noise_;  // "conv/param.bias": all its gradients so far
  std::unordered_map<std::string, double> size_;    // by layer, the largest so far
  std::set<std::string> drifting_;
  std::string reader_;
  double passed_on_ = 0, received_ = 0;
};

class Comparer {
 public:
  Comparer(const TracedRun& a, const TracedRun& b, const DiffOptions& options)
      : result_{a, b, {}, {}, {}, {}, 0, 0, {}, options.rtol, std::max(options.atol, 0.0)} {}

  Comparison run() {
    note_steps();
    for (const int64_t step : result_.steps) compare_step(step);
    note_paths();
    if (result_.arrays == 0) note("nothing was compared: the traces have no array in common");
    return std::move(result_);
  }

 private:
  void compare_step(int64_t step) {
    scales_.clear();
    drift_.begin_step();
    for (const auto& [a, b] : aligned(ordered(result_.a.steps.at(step)), ordered(result_.b.steps.at(step)))) {
      const TracedArray& array = a ? *a : *b;
      if ((!a || !b) && may_be_missing(array.path, step, !a)) continue;
      Finding f;
      f.kind = a && b ? Finding::Equal : a ? Finding::OnlyA : Finding::OnlyB;
      f.step = step, f.call = array.call, f.path = array.path, f.what = array.what;
      if (a) f.shape_a = shape_text(a->value);
      if (b) f.shape_b = shape_text(b->value);
      if (a && b) compare(*a, *b, f);
      if (f.kind != Finding::Equal && f.kind != Finding::Values) f.ratio = kInfinity;
      take(std::move(f));
    }
  }

  void take(Finding f) {
    Layer& layer = layer_of(f.path);
    ++result_.arrays;
    Layer::Groups& groups = layer.steps[f.step];
    const bool moves = f.what.starts_with("input") || f.what.starts_with("output");
    double& group = f.what.starts_with("grad") ? groups.backward : moves ? groups.forward : groups.state;
    group = std::max(group, f.ratio);
    if (f.diverges()) ++result_.diverging;
    if (f.diverges() && !layer.since) layer.since = f;
    if (f.diverges() && !result_.first) result_.first = f;
    if (layer.worst.what.empty() || f.ratio > layer.worst.ratio) layer.worst = f;
    if (!result_.first && !f.diverges()) result_.before = std::move(f);
  }

  /// Places that only one run has say nothing when the other did not record them, or when they hold nothing and change nothing.
  bool may_be_missing(const std::string& path, int64_t step, bool in_a) const {
    const TracedRun &has = in_a ? result_.b : result_.a, &lacks = in_a ? result_.a : result_.b;
    if (lacks.truncated && step == lacks.steps.rbegin()->first) return true;
    return !lacks.find(path) && (!lacks.only.empty() || !has.has_state(path));
  }

  void compare(const TracedArray& a, const TracedArray& b, Finding& f) {
    const Tensor &x = a.value, &y = b.value;
    if (!(x.sizes() == y.sizes())) f.kind = Finding::Shape;
    else if (x.is_floating_point() != y.is_floating_point()) f.kind = Finding::Type;
    if (f.kind != Finding::Equal) return;
    Allowed allowed;
    if (x.is_floating_point()) {
      const double own = std::max(root_mean_square(x), root_mean_square(y)), floor = a.is_parameter_gradient() ? noise_scale(a, x) : 0;
      remember(a, own, x.numel());
      allowed.rtol = result_.rtol < 0 ? default_rtol(x.dtype() == kFloat64 ? y.dtype() : x.dtype(), f.step) : result_.rtol;
      allowed.atol = result_.atol + allowed.rtol * std::max(own, floor);
      allowed.slack = drift_.slack(a);
      f.is_noise = own < 10 * allowed.rtol * floor;
    }
    measure_values(x, y, allowed, f);
    if (a.is_parameter_gradient()) drift_.see_gradient(f);
    if (f.past > 0 && a.what.starts_with("param.") && drift_.explains(f)) f.past = 0, f.ratio = 0;
    if (f.past > 0) f.kind = Finding::Values;
  }

  struct Allowed {
    double rtol = 0, atol = 0;  // integers must be equal
    double slack = 0;
  };

  static void measure_values(const Tensor& a, const Tensor& b, const Allowed& allowed, Finding& f) {
    const Tensor u = a.to(kFloat64).contiguous(), v = b.to(kFloat64).contiguous();
    int64_t worst = 0;
    f.count = u.numel();
    for (int64_t i = 0; i < f.count; ++i) {
      const double p = u.data<double>()[i], q = v.data<double>()[i];
      if (p == q || (std::isnan(p) && std::isnan(q))) continue;
      const double error = std::max(std::fabs(p - q) - allowed.slack, 0.0);
      const double tolerance = allowed.atol + allowed.rtol * std::max(std::fabs(p), std::fabs(q));
      const double ratio = std::isfinite(error) && tolerance > 0 ? error / tolerance : kInfinity;
      if (ratio > 1) ++f.past;
      f.largest = std::max(f.largest, error);
      if (ratio <= f.ratio) continue;
      worst = i;
      f.ratio = ratio, f.error = error, f.tolerance = tolerance, f.a = p, f.b = q;
    }
    f.index = position(u, worst);
  }

  // A gradient that is a sum over the batch can cancel to nothing, as that of a bias before a batch norm does: what is left is the
  // rounding of the terms. They are as large as the gradient of the output, times the input for a weight with several dimensions;
  // n of them add up to about sqrt(n) times that.
  double noise_scale(const TracedArray& gradient, const Tensor& value) const {
    const auto out = scales_.find(gradient.path + "/grad_output");
    if (out == scales_.end() || value.dim() == 0 || value.size(0) == 0) return 0;
    const auto in = scales_.find(gradient.path + "/input");
    const double terms = std::max(1.0, double(out->second.count) / double(value.size(0)));
    return out->second.size * std::sqrt(terms) * (value.dim() > 1 && in != scales_.end() ? in->second.size : 1);
  }
  void remember(const TracedArray& array, double size, int64_t count) {
    if (array.what != "grad_output" && array.what != "input") return;
    Scale& scale = scales_[array.path + "/" + array.what];
    scale.size = std::max(scale.size, size);
    scale.count += count;
  }

  Layer& layer_of(const std::string& path) {
    for (Layer& layer : result_.layers)
      if (layer.path == path) return layer;
    result_.layers.push_back({path, result_.a.find(path), result_.b.find(path), {}, {}, {}});
    return result_.layers.back();
  }

  void note_steps() {
    const TracedRun &a = result_.a, &b = result_.b;
    for (const auto& [step, arrays] : a.steps)
      if (b.steps.count(step)) result_.steps.push_back(step);
    if (result_.steps.empty()) note("no step was recorded in both");
    for (const TracedRun* run : {&a, &b}) {
      const TracedRun& other = run == &a ? b : a;
      if (run->count > other.count) note("{} has {} steps, {} has {}", run->file, run->count, other.file, other.count);
      if (run->every > 1) note("{} recorded every {} steps", run->file, run->every);
      if (run->truncated) note("{} ended in step {} because it had reached its size limit", run->file, run->count - 1);
    }
  }

  void note_paths() {
    for (const TracedRun* run : {&result_.a, &result_.b}) {
      const TracedRun& other = run == &result_.a ? result_.b : result_.a;
      if (!run->only.empty()) note("{} recorded only {}", run->file, run->only);
      for (const TracedModule& m : run->modules)
        if (!other.find(m.path) && other.only.empty() && !run->has_state(m.path))
          note("only {} has {} ({}), which holds no parameters", run->file, m.path, m.type);
    }
    if (!drift_.drifting().empty())
      note("drifts, and was left out together with what it shifts: {} (its gradient is nothing but rounding, as before a batch norm; "
           "the optimiser divides by that)", fmt::join(drift_.drifting(), ", "));
    for (const int64_t step : result_.steps)
      for (const auto& [a, b] : aligned(ordered(result_.a.steps.at(step)), ordered(result_.b.steps.at(step))))
        if (a && b && a->value.dtype() != b->value.dtype() && a->value.is_floating_point() && b->value.is_floating_point()) {
          return note("{} is {}, {} is {} (first seen at {} {}): compared as float32", result_.a.file, name(a->value.dtype()),
                      result_.b.file, name(b->value.dtype()), a->path, a->what);
        }
  }

  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    result_.notes.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  struct Scale {
    double size = 0;
    int64_t count = 0;
  };
  Comparison result_;
  Drift drift_;
  std::unordered_map<std::string, Scale> scales_;  // of this step: "conv/grad_output"
};

}  // namespace

// Rounding adds up: measured on networks with batch norm against PyTorch, errors grow about linearly with the steps and stay below a
// third of this.
double default_rtol(DType dtype, int64_t step) { return (dtype == kFloat64 ? 1e-12 : 1e-5) * (1 + double(step) / 5); }

std::vector<std::string> calls_of(const TracedRun& run, int64_t step) {
  std::vector<std::string> calls;
  std::set<std::string> seen;
  for (const TracedArray& array : run.steps.at(step))
    if (!array.is_backward() && seen.insert(array.call).second) calls.push_back(array.call);
  return calls;
}

Comparison compare_traces(const TracedRun& a, const TracedRun& b, const DiffOptions& options) { return Comparer(a, b, options).run(); }
