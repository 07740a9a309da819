// Measures two runs array by array, in the order in which things happen in a step, and judges each by what came before it: an output may be
// off by what its input and its weights are off, times the gain of the layer, and by rounding. Whatever is farther off is a divergence.
#include <ember/ember.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "diff_measure.h"
#include "diff_noise.h"
#include "diff_trace.h"
#include "diff_update.h"

using namespace ember;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Root mean squares of the differences, relative to the values. One operation in float32 in another order is below 1e-6; a layer seldom
// makes the part by which its input is off more than tenfold.
constexpr double kRounding = 3e-6, kInput = 1e-6, kGain = 20;
constexpr double kUseless = 0.5;  // a tolerance that hides most mistakes

class Comparer {
 public:
  Comparer(const TracedRun& a, const TracedRun& b, const DiffRequest& options)
      : result_{.a = a, .b = b, .rtol = options.rtol, .atol = std::max(options.atol, 0.0)}, filtered_(!a.only.empty() || !b.only.empty()),
        same_framework_(a.framework == b.framework) {}

  Comparison run() {
    result_.steps = pair_steps(result_.a, result_.b);
    for (const TracedRun* run : {&result_.a, &result_.b})  // in the order of execution
      for (const TracedModule& m : run->modules) layer_of(m.path);
    note_steps();
    built_ = compare_built(result_.a, result_.b, result_.built);
    for (std::size_t i = 0; i < result_.steps.size(); ++i) compare_step(i);
    note_paths();
    std::erase_if(result_.layers, [](const Layer& l) { return l.worst.what.empty(); });  // not called in a step of both
    return std::move(result_);
  }

 private:
  void compare_step(std::size_t index) {
    const StepPair& step = result_.steps[index];
    scales_.clear();
    params_.clear();
    noise_.begin_step();
    forward_ = hidden_, backward_ = 0, farthest_ = 0;
    any_output_ = any_gradient_ = false;
    found_.clear();
    for (const auto& [a, b] : pair_arrays(result_.a.steps.at(step.a), result_.b.steps.at(step.b))) {
      const TracedArray& array = a ? *a : *b;
      if ((!a || !b) && may_be_missing(array.path, step, !a)) continue;
      Finding f{.kind = a && b ? Finding::Equal : a ? Finding::OnlyA : Finding::OnlyB};
      f.step = step.a, f.step_b = step.b, f.call = array.call, f.path = array.path, f.what = array.what;
      if (a) f.shape_a = shape_text(a->value);
      if (b) f.shape_b = shape_text(b->value);
      if (a && b) compare(*a, *b, index, f);
      if (f.kind != Finding::Equal && f.kind != Finding::Values && f.kind != Finding::Update) f.ratio = kInfinity;
      take(std::move(f));
    }
    if (index == 0) add_built();
    const bool trains = result_.a.trains(step.a) || step.a == result_.a.count;
    if (trains) result_.drift[step.a] = forward_;
    const bool useless = trains && kGain * forward_ > kUseless;
    if (useless && result_.comparable < 0) result_.comparable = index == 0 ? step.a : result_.steps[index - 1].a;
    if (filtered_) hidden_ = std::max({hidden_, forward_, std::min(farthest_, 0.1)});
    if (!result_.first && !found_.empty()) result_.first = found_.front(), result_.found = found_;
  }

  void take(Finding f) {
    Layer& layer = layer_of(f.path);
    ++result_.arrays;
    Layer::Groups& groups = layer.steps[f.step];
    const bool moves = f.what.starts_with("input") || f.what.starts_with("output"), backward = f.what.starts_with("grad");
    double& group = backward ? groups.backward : moves ? groups.forward : groups.state;
    (backward ? groups.has_backward : moves ? groups.has_forward : groups.has_state) = true;
    group = std::max(group, f.ratio);
    if (f.kind != Finding::Update && !f.is_noise) groups.distance = std::max(groups.distance, std::isfinite(f.distance) ? f.distance : 10);
    layer.distance = std::max(layer.distance, groups.distance);
    result_.ties += f.ties;
    if (f.diverges()) {
      ++result_.diverging;
      if (!layer.since) layer.since = f;
      found_.push_back(f);
    }
    if (layer.worst.what.empty() || f.ratio > layer.worst.ratio) layer.worst = f;
    if (!result_.first && found_.empty()) result_.before = std::move(f);
  }

  /// What is built otherwise comes before what follows from it: a parameter that is missing before the values of others, which are drawn
  /// after it; arguments behind the input of their layer, if its output does not show them.
  void add_built() {
    const auto structural = [](const Finding& f) { return (f.kind == Finding::OnlyA || f.kind == Finding::OnlyB) && f.what.starts_with("param."); };
    for (Finding& f : built_) {
      f.step = result_.steps[0].a, f.step_b = result_.steps[0].b;
      const auto known = [&](const Finding& g) {
        return g.path == f.path && (f.what == g.what || (f.kind == Finding::Built && !g.what.starts_with("input") && !g.what.starts_with("param.")));
      };
      if (std::any_of(found_.begin(), found_.end(), known)) continue;
      const auto behind = [&](const Finding& g) { return place_of(g.path) > place_of(f.path) && !g.what.starts_with("param."); };
      Layer& layer = layer_of(f.path);
      layer.worst = f;
      if (!layer.since) layer.since = f;
      ++result_.diverging;
      found_.insert(std::find_if(found_.begin(), found_.end(), [&](const Finding& g) { return behind(g) || g.what.starts_with("grad"); }), f);
    }
    std::stable_partition(found_.begin(), found_.end(), structural);
  }

  std::size_t place_of(const std::string& path) const {
    const auto& modules = result_.a.modules;
    return std::size_t(std::find_if(modules.begin(), modules.end(), [&](const TracedModule& m) { return m.path == path; }) - modules.begin());
  }

  /// Places that only one run has say nothing when the other did not record them, or when they hold nothing and change nothing.
  bool may_be_missing(const std::string& path, const StepPair& step, bool in_a) const {
    const TracedRun &has = in_a ? result_.b : result_.a, &lacks = in_a ? result_.a : result_.b;
    if (lacks.truncated && (in_a ? step.a : step.b) == lacks.steps.rbegin()->first) return true;
    if (!lacks.find(path)) return !lacks.only.empty() || !has.has_state(path) || has.has_children(path);
    return false;
  }

  // --- one array

  void compare(const TracedArray& a, const TracedArray& b, std::size_t index, Finding& f) {
    const Tensor &x = a.value, &y = b.value;
    if (!(x.sizes() == y.sizes())) f.kind = Finding::Shape;
    else if (x.is_floating_point() != y.is_floating_point()) f.kind = Finding::Type;
    if (f.kind != Finding::Equal) return;
    const Distance d = distance(x, y, x.is_floating_point() ? noise_.slack(a) : 0);
    f.count = d.count, f.error = d.error, f.a = d.a, f.b = d.b, f.largest = d.largest, f.index = position(x, d.at);
    if (same_framework_ && !result_.first_bit && d.differing > 0) result_.first_bit = f;
    const bool single = (x.dtype() == kFloat64 ? y.dtype() : x.dtype()) != kFloat64;
    if (!x.is_floating_point()) {
      f.distance = d.differing ? 1 : 0, f.past = d.differing, f.ratio = d.differing ? kInfinity : 0;
    } else if (result_.rtol >= 0) {
      fixed_tolerance(x, y, d, f);
    } else if (a.is_parameter() && index > 0) {
      judge_update(a, b, index, single ? 1.2e-7 : 2.3e-16, d, f);
    } else {
      judge(a, b, single ? 1 : 1e-6, d, f);
    }
    if (f.ratio > 1 && f.kind == Finding::Equal) f.kind = Finding::Values;
  }

  void fixed_tolerance(const Tensor& x, const Tensor& y, const Distance& d, Finding& f) {
    const std::vector<double> u = numbers(x), v = numbers(y);
    for (std::size_t i = 0; i < u.size(); ++i) {
      if (u[i] == v[i] || (std::isnan(u[i]) && std::isnan(v[i]))) continue;
      const double allowed = result_.atol + result_.rtol * (std::max(std::fabs(u[i]), std::fabs(v[i])) + d.size);
      const double ratio = std::isfinite(u[i] - v[i]) ? std::fabs(u[i] - v[i]) / std::max(allowed, 1e-300) : kInfinity;
      if (ratio > 1) ++f.past;
      if (ratio <= f.ratio) continue;
      f.ratio = ratio, f.error = std::fabs(u[i] - v[i]), f.a = u[i], f.b = v[i], f.index = position(x, int64_t(i));
    }
    f.distance = d.size > 0 ? d.apart / d.size : 0, f.tolerance = result_.rtol;
  }

  /// What an array may be off, relative to its size, given what it is computed from.
  double source(const TracedArray& array, const Distance& d) {
    if (array.what.starts_with("input")) return any_output_ || filtered_ ? forward_ : 0;
    if (array.is_backward()) return std::max(forward_, backward_);
    if (array.is_parameter()) return 0;
    double source = forward_;
    for (const auto& [what, p] : params_[array.path]) {
      // What is added to an output is off by a part of the output, whatever part of itself it is off.
      const bool added = what == "param.bias" || !what.starts_with("param.");
      source = std::max(source, p.apart > 0 ? p.apart / std::max(added ? d.size : p.size, 1e-30) : 0.0);
    }
    const TracedModule* const module = result_.a.find(array.path);
    if (const double shift = noise_.received(array.path); shift > 0 && module && !module->trains_at(step_a_))
      source = std::max(source, shift / std::max(scale_of(array.path + "/input"), 1e-30));
    return source;
  }

  void judge(const TracedArray& a, const TracedArray& b, double precision, const Distance& d, Finding& f) {
    step_a_ = f.step;
    double size = d.size;
    if (a.is_parameter_gradient()) {
      const double terms = noise_scale(a, a.value);
      f.is_noise = d.size < 1e-4 * std::sqrt(precision) * terms;
      size = std::max(size, terms);
      noise_.see_gradient(f);
      const std::string name = a.path + "/param." + a.what.substr(5, a.what.find('#') - 5);
      updates_.see_gradient(name, numbers(a.value), numbers(b.value), same_framework_ && d.differing == 0 ? 0 : 6e-8 * precision * terms);
    }
    if (a.what.starts_with("buffer.")) size = std::max(size, 0.1 * scale_of(a.path + "/input"));
    remember(a, d);
    const double inherent = a.is_output_gradient() && !any_gradient_ ? rounding_of_loss(a, d) * precision : 0;
    const double from = source(a, d);
    const bool first_input = a.what.starts_with("input") && !any_output_ && !filtered_;
    const std::string key = a.call + "/" + a.what;
    double& gain = gains_[key];  // the largest that was seen
    const double rounding = (first_input || a.is_parameter() ? kInput : filtered_ ? 5 * kRounding : kRounding) * precision;
    f.tolerance = std::min(rounding + std::max(kGain, 8 * gain) * from + (inherent > 0 ? 2 * inherent / std::max(size, 1e-300) : 0), 2.0);
    f.distance = size > 0 ? d.apart / size : d.apart > 0 ? kInfinity : 0;
    f.ratio = f.distance / f.tolerance;
    if (f.ratio > 1 && a.is_output_gradient() && any_gradient_) leave_out_ties(a, b, d, size, f);
    if (f.ratio > 1) count_past(a.value, b.value, d.size, f);
    else gain = std::max(gain, f.distance / (rounding + from));
    spread(a, d, f);
    if (inherent > 0) backward_ = std::max(backward_, std::min(inherent / std::max(size, 1e-300), 1.0));
  }

  /// The gradient of a loss is a difference, of probabilities and of ones, of outputs and targets: however small it becomes, it carries
  /// the rounding of these. They are as large as it was in the beginning, or as a mean over the batch makes them.
  double rounding_of_loss(const TracedArray& gradient, const Distance& d) {
    double& largest = largest_[gradient.call + "/" + gradient.what];
    largest = std::max(largest, d.maximum);
    const Tensor& g = gradient.value;
    const double rows = double(std::max<int64_t>(g.dim() > 1 ? g.size(0) : g.numel(), 1));
    return 1.2e-7 * std::max(largest, 1 / rows);
  }

  void leave_out_ties(const TracedArray& a, const TracedArray& b, const Distance& d, double size, Finding& f) {
    const std::string output = "output" + a.what.substr(11, a.what.find('#') == std::string::npos ? std::string::npos : a.what.find('#') - 11);
    double apart = d.apart;
    f.ties = ties(a.value, b.value, result_.a.array(f.step, a.call, output), result_.b.array(f.step_b, b.call, output), f.tolerance,
                  std::max(forward_, 1e-6), apart);
    if (f.ties > 0) f.ratio = apart / size / f.tolerance;
    if (f.ratio > 1) f.ties = 0, f.ratio = f.distance / f.tolerance;
  }

  static void count_past(const Tensor& x, const Tensor& y, double size, Finding& f) {
    const std::vector<double> u = numbers(x), v = numbers(y);
    for (std::size_t i = 0; i < u.size(); ++i)
      f.past += !(std::fabs(u[i] - v[i]) <= f.tolerance * (std::max(std::fabs(u[i]), std::fabs(v[i])) + size)) && u[i] != v[i];
  }

  /// Whatever comes behind this array may be off as much.
  void spread(const TracedArray& a, const Distance& d, const Finding& f) {
    const double part = std::isfinite(f.distance) ? f.distance : 1;
    if (a.is_output_gradient()) backward_ = std::max(backward_, part), any_gradient_ = true;
    else if (a.is_parameter() || a.what.starts_with("buffer.")) params_[a.path][a.what] = {d.apart, d.size};
    else if (!a.is_backward()) forward_ = std::max(forward_, part);
    if (a.what.starts_with("output")) any_output_ = true, forward_ = std::max(forward_, source(a, d));
    if (!f.is_noise) farthest_ = std::max(farthest_, part);
  }

  // --- what the optimiser did since the last step

  void judge_update(const TracedArray& a, const TracedArray& b, std::size_t index, double epsilon, const Distance& d, Finding& f) {
    const StepPair &now = result_.steps[index], &last = result_.steps[index - 1];
    const Tensor *const before_a = result_.a.array(last.a, a.call, a.what), *const before_b = result_.b.array(last.b, b.call, b.what);
    const std::string name = a.path + "/" + a.what;
    f.distance = d.size > 0 ? d.apart / d.size : 0;
    if (before_a && before_b && before_a->sizes() == a.value.sizes() && before_b->sizes() == a.value.sizes()) {
      const double steps = double(std::max<int64_t>(now.trained - last.trained, 1));
      const Updates::Result r = updates_.judge(name, numbers(*before_a), numbers(*before_b), numbers(a.value), numbers(b.value), epsilon, steps);
      f.ratio = r.ratio, f.past = r.past;
      f.tolerance = r.allowed;
      if (r.ratio > 1) {
        f.kind = Finding::Update;
        f.distance = r.apart, f.a = r.a, f.b = r.b, f.error = std::fabs(r.a - r.b), f.index = position(a.value, int64_t(r.at));
      }
    }
    if (noise_.explains(f)) {
      f.kind = Finding::Equal, f.ratio = 0;
      return;
    }
    params_[a.path][a.what] = {d.apart, d.size};
    farthest_ = std::max(farthest_, d.size > 0 ? d.apart / d.size : 0);
  }

  // A gradient that is a sum over the batch can cancel to nothing, as that of a bias before a batch norm does: what is left is the
  // rounding of the terms. They are as large as the gradient of the output, times the input for a weight with several dimensions;
  // n of them add up to about sqrt(n) times that.
  double noise_scale(const TracedArray& gradient, const Tensor& value) const {
    const auto out = scales_.find(gradient.path + "/grad_output");
    if (out == scales_.end() || value.dim() == 0 || value.size(0) == 0) return 0;
    const double in = scale_of(gradient.path + "/input"), terms = std::max(1.0, double(out->second.count) / double(value.size(0)));
    return out->second.size * std::sqrt(terms) * (value.dim() > 1 && in > 0 ? in : 1);
  }
  void remember(const TracedArray& array, const Distance& d) {
    if (array.what != "grad_output" && array.what != "input") return;
    Scale& scale = scales_[array.path + "/" + array.what];
    scale.size = std::max(scale.size, d.size);
    scale.count += d.count;
  }
  double scale_of(const std::string& name) const {
    const auto found = scales_.find(name);
    return found == scales_.end() ? 0 : found->second.size;
  }

  Layer& layer_of(const std::string& path) {
    for (Layer& layer : result_.layers)
      if (layer.path == path) return layer;
    result_.layers.push_back({.path = path, .a = result_.a.find(path), .b = result_.b.find(path)});
    return result_.layers.back();
  }

  // --- notes

  void note_steps() {
    const TracedRun &a = result_.a, &b = result_.b;
    int64_t trained[2] = {0, 0};
    for (const TracedRun* run : {&a, &b}) {
      const TracedRun& other = run == &a ? b : a;
      for (int64_t step = 0; step < run->count; ++step) trained[run == &b] += run->trains(step);
      if (run->count > other.count) note("{} has {} steps, {} has {}", run->file, run->count, other.file, other.count);
      if (run->every > 1) note("{} recorded every {} steps", run->file, run->every);
      if (run->truncated) note("{} ended in step {} because it had reached its size limit", run->file, run->count - 1);
      if (!run->strangers.empty())
        note(
            "in {}, {} was called outside of the model that is recorded: call the model itself, net(x) and not net.forward(x), or tell "
            "the trace which one it is",
            run->file, fmt::join(run->strangers.begin(), run->strangers.end(), ", "));
    }
    const auto shifted = std::find_if(result_.steps.begin(), result_.steps.end(), [&](const StepPair& p) { return p.a != p.b && p.a < a.count; });
    if (shifted != result_.steps.end())
      note("training steps are paired with training steps: {} of {} with {} of {}", shifted->a, a.file, shifted->b, b.file);
  }

  void note_paths() {
    for (const TracedRun* run : {&result_.a, &result_.b}) {
      const TracedRun& other = run == &result_.a ? result_.b : result_.a;
      if (!run->only.empty()) note("{} recorded only {}", run->file, run->only);
      std::vector<std::string> alone;
      for (const TracedModule& m : run->modules)
        if (!other.find(m.path) && other.only.empty() && !run->has_state(m.path)) alone.push_back(fmt::format("{} ({})", m.own_path, m.type));
      if (!alone.empty()) note("only {} has {}: no parameters, so nothing to compare", run->file, fmt::join(alone.begin(), alone.end(), ", "));
    }
    if (!noise_.moved().empty())
      note(
          "drifts, and was left out together with what it shifts: {} (its gradient is nothing but rounding, as before a batch norm; "
          "the optimiser divides by that)",
          fmt::join(noise_.moved().begin(), noise_.moved().end(), ", "));
    if (result_.ties > 0)
      note("{} elements of gradients were decided by rounding, a maximum or the kink of a ReLU within it, and left out", result_.ties);
    for (const StepPair& step : result_.steps)
      for (const auto& [a, b] : pair_arrays(result_.a.steps.at(step.a), result_.b.steps.at(step.b)))
        if (a && b && a->value.dtype() != b->value.dtype() && a->value.is_floating_point() && b->value.is_floating_point()) {
          return note("{} is {}, {} is {} (first seen at {} {}): compared as float32", result_.a.file, name(a->value.dtype()), result_.b.file,
                      name(b->value.dtype()), a->path, a->what);
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
  struct Apart {
    double apart = 0, size = 0;
  };
  Comparison result_;
  const bool filtered_, same_framework_;
  Noise noise_;
  Updates updates_;
  std::vector<Finding> built_, found_;                                    // found in this step
  std::unordered_map<std::string, Scale> scales_;                         // of this step: "conv/grad_output"
  std::unordered_map<std::string, std::map<std::string, Apart>> params_;  // of this step, by layer
  std::unordered_map<std::string, double> gains_;                         // by array: what its sources were off times this
  std::unordered_map<std::string, double> largest_;                       // element so far, of gradients of the loss
  double forward_ = 0, backward_ = 0;                                     // the largest part by which anything so far in this step is off
  double hidden_ = 0, farthest_ = 0;  // what layers that are not recorded may be off, by the step before; that of this one
  bool any_output_ = false, any_gradient_ = false;
  int64_t step_a_ = 0;
};

}  // namespace

Comparison compare_traces(const TracedRun& a, const TracedRun& b, const DiffRequest& options) { return Comparer(a, b, options).run(); }
