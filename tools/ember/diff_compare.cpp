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

/// Forward as recorded; then backward: gradients of outputs as they arrived, and behind the last one of a module those of its parameters.
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

class Comparer {
 public:
  Comparer(const TracedRun& a, const TracedRun& b, const DiffOptions& options)
      : result_{a, b, {}, {}, {}, {}, 0, 0, {}, options.rtol, std::max(options.atol, 0.0)} {}

  Comparison run() {
    note_steps();
    for (const int64_t step : result_.steps) compare_step(step);
    note_paths();
    if (result_.arrays == 0 && !result_.first) result_.notes.push_back("nothing was compared: the traces have no array in common");
    return std::move(result_);
  }

 private:
  void compare_step(int64_t step) {
    scales_.clear();
    for (const auto& [a, b] : aligned(ordered(result_.a.steps.at(step)), ordered(result_.b.steps.at(step)))) {
      const TracedArray& array = a ? *a : *b;
      if ((!a || !b) && may_be_missing(array.path, step, !a)) continue;
      Finding f = a && b ? values(*a, *b, step) : Finding();
      if (!a || !b) f.kind = a ? Finding::OnlyA : Finding::OnlyB;
      f.step = step, f.call = array.call, f.path = array.path, f.what = array.what;
      if (a) f.shape_a = shape_text(a->value);
      if (b) f.shape_b = shape_text(b->value);
      if (f.kind != Finding::Equal && f.kind != Finding::Values) f.ratio = kInfinity;
      take(std::move(f));
    }
  }

  void take(Finding f) {
    Layer& layer = layer_of(f.path);
    ++result_.arrays;
    Layer::Groups& groups = layer.steps[f.step];
    double& group = f.what.starts_with("grad") ? groups.backward : f.what.starts_with("in") || f.what.starts_with("out") ? groups.forward : groups.state;
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

  Finding values(const TracedArray& a, const TracedArray& b, int64_t step) {
    Finding f;
    const Tensor &x = a.value, &y = b.value;
    const bool real = x.is_floating_point();
    if (!(x.sizes() == y.sizes())) f.kind = Finding::Shape;
    else if (real != y.is_floating_point()) f.kind = Finding::Type;
    if (f.kind != Finding::Equal) return f;
    const DType coarser = x.dtype() == kFloat64 ? y.dtype() : x.dtype();
    const double rtol = !real ? 0 : result_.rtol < 0 ? default_rtol(coarser, step) : result_.rtol, atol = real ? result_.atol : 0;
    const double own = std::max(root_mean_square(x), root_mean_square(y)), floor = a.is_parameter_gradient() ? noise_scale(a, x) : 0;
    remember(a, own, x.numel());
    const double scale = std::max(own, floor);
    f.is_noise = own < rtol * floor;
    f.count = x.numel();
    const Tensor u = x.to(kFloat64).contiguous(), v = y.to(kFloat64).contiguous();
    int64_t worst = 0;
    for (int64_t i = 0; i < f.count; ++i) {
      const double p = u.data<double>()[i], q = v.data<double>()[i];
      if (p == q || (std::isnan(p) && std::isnan(q))) continue;
      const double error = std::fabs(p - q), tolerance = atol + rtol * (std::max(std::fabs(p), std::fabs(q)) + scale);
      const double ratio = std::isfinite(error) && tolerance > 0 ? error / tolerance : kInfinity;
      if (ratio > 1) ++f.past;
      if (ratio <= f.ratio) continue;
      worst = i;
      f.ratio = ratio, f.error = error, f.tolerance = tolerance, f.a = p, f.b = q;
    }
    f.index = position(x, worst);
    if (f.past > 0) f.kind = Finding::Values;
    return f;
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
    if (result_.steps.empty()) result_.notes.push_back("no step was recorded in both");
    for (const TracedRun* run : {&a, &b}) {
      const TracedRun& other = run == &a ? b : a;
      if (run->count > other.count) result_.notes.push_back(fmt::format("{} has {} steps, {} has {}", run->file, run->count, other.file, other.count));
      if (run->every > 1) result_.notes.push_back(fmt::format("{} recorded every {} steps", run->file, run->every));
      if (run->truncated) result_.notes.push_back(fmt::format("{} ended in step {} because it had reached its size limit", run->file, run->count - 1));
    }
  }

  void note_paths() {
    for (const TracedRun* run : {&result_.a, &result_.b}) {
      const TracedRun& other = run == &result_.a ? result_.b : result_.a;
      if (!run->only.empty()) result_.notes.push_back(fmt::format("{} recorded only {}", run->file, run->only));
      for (const TracedModule& m : run->modules)
        if (!other.find(m.path) && other.only.empty() && !run->has_state(m.path))
          result_.notes.push_back(fmt::format("only {} has {} ({}), which holds no parameters", run->file, m.path, m.type));
    }
    for (const int64_t step : result_.steps)
      for (const auto& [a, b] : aligned(ordered(result_.a.steps.at(step)), ordered(result_.b.steps.at(step))))
        if (a && b && a->value.dtype() != b->value.dtype() && a->value.is_floating_point() && b->value.is_floating_point()) {
          result_.notes.push_back(fmt::format("{} of {} is {}, of {} {}: compared as float32", a->path + " " + a->what, result_.a.file,
                                              name(a->value.dtype()), result_.b.file, name(b->value.dtype())));
          return;
        }
  }

  struct Scale {
    double size = 0;
    int64_t count = 0;
  };
  Comparison result_;
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
