// L-BFGS. Names of the state are those of torch.optim.LBFGS.
#include <ember/optim/lbfgs.h>

#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <cmath>

#include "optim/line_search.h"
#include "optim/method.h"

namespace ember::optim {

namespace {

const Method kLBFGS{
    .name = "LBFGS",
    .settings = {"lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size", "line_search_fn"},
    .buffers = {},
    .wanted = [](const ParamGroup&) { return 0u; },
};

ParamGroup defaults_of(const LBFGSOptions& options) {
  check_not_negative("learning rate", options.lr);
  const int64_t evaluations = options.max_eval < 0 ? options.max_iter * 5 / 4 : options.max_eval;
  return {.lr = options.lr,
          .weight_decay = 0,
          .max_iter = double(options.max_iter),
          .max_eval = double(evaluations),
          .tolerance_grad = options.tolerance_grad,
          .tolerance_change = options.tolerance_change,
          .history_size = double(options.history_size),
          .line_search_fn = options.line_search_fn};
}

double largest(const Tensor& t) { return t.numel() ? amax(t.abs()).item<double>() : 0; }
double product(const Tensor& a, const Tensor& b) { return dot(a, b).item<double>(); }

Tensor flat_gradient(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters) parts.push_back(p.grad().defined() ? p.grad().detach().reshape({-1}) : zeros({p.numel()}, p.dtype()));
  return cat(parts);
}

/// parameters += length * direction.
void move(const std::vector<Tensor>& parameters, double length, const Tensor& direction) {
  int64_t at = 0;
  for (const Tensor& p : parameters) {
    p.add_(direction.slice(0, at, at + p.numel()).view_as(p), length);
    at += p.numel();
  }
}

/// Puts the parameters back to where they were when it was made.
struct Place {
  const std::vector<Tensor>& parameters;
  std::vector<Tensor> values;
  explicit Place(const std::vector<Tensor>& all) : parameters(all) {
    for (const Tensor& p : all) values.push_back(p.detach().clone());
  }
  ~Place() {
    for (std::size_t i = 0; i < values.size(); ++i) parameters[i].detach().copy_(values[i]);
  }
};

double evaluate(const Callback<Tensor()>& closure) {
  const EnableGradGuard recording;
  const Tensor loss = closure();
  check<TypeError>(loss.defined() && loss.numel() == 1, "LBFGS: expected the closure to return the loss, a tensor of one element");
  return loss.item<double>();
}

}  // namespace

/// One step(closure): what it counts, and the loss and the gradient where the parameters are.
struct LBFGS::Iteration {
  const ParamGroup& group;
  Memory& memory;
  const Callback<Tensor()>& closure;
  double loss = 0;
  Tensor gradient = {};
  int64_t evaluations = 0;

  void evaluate_here() {
    loss = evaluate(closure);
    gradient = flat_gradient(group.params);
    ++evaluations;
  }

  /// Takes the last move and what it did to the gradient into the history.
  void remember() {
    const Tensor difference = gradient - memory.gradient, step = memory.direction * memory.length;
    const double curvature = product(difference, step);
    if (!(curvature > 1e-10)) return;
    if (double(memory.moves.size()) >= group.history_size && !memory.moves.empty()) {
      memory.differences.erase(memory.differences.begin());
      memory.moves.erase(memory.moves.begin());
      memory.inverse_products.erase(memory.inverse_products.begin());
    }
    memory.differences.push_back(difference);
    memory.moves.push_back(step);
    memory.inverse_products.push_back(1 / curvature);
    memory.scale = curvature / product(difference, difference);
  }

  /// -H gradient, H the inverse Hessian that the history amounts to: Nocedal, Wright 2006, algorithm 7.4.
  Tensor direction() const {
    const std::size_t n = memory.moves.size();
    std::vector<double> along(n);
    Tensor d = neg(gradient);
    for (std::size_t i = n; i-- > 0;) {
      along[i] = product(memory.moves[i], d) * memory.inverse_products[i];
      d.add_(memory.differences[i], -along[i]);
    }
    d = d * memory.scale;
    for (std::size_t i = 0; i < n; ++i) d.add_(memory.moves[i], along[i] - product(memory.differences[i], d) * memory.inverse_products[i]);
    return d;
  }

  /// Finds the length of the move by a line search, and moves.
  void search(double slope) {
    check<RuntimeError>(group.line_search_fn == "strong_wolfe", "only 'strong_wolfe' is supported");
    const auto point_at = [&](double t) {
      const Place before(group.params);
      move(group.params, t, memory.direction);
      const double there = evaluate(closure);
      const Tensor g = flat_gradient(group.params);
      return LinePoint{t, there, g, product(g, memory.direction)};
    };
    const int64_t most = int64_t(group.max_eval) - evaluations;
    const LineSearch search = strong_wolfe({0, loss, gradient, slope}, memory.length, largest(memory.direction), 1e-9, most, point_at);
    loss = search.found.loss;
    gradient = search.found.gradient;
    memory.length = search.found.at;
    evaluations += search.evaluations;
    move(group.params, memory.length, memory.direction);
  }
};

template <>
OptimizerWith<LBFGSOptions>::OptimizerWith(std::vector<ParamGroup> groups, LBFGSOptions options)
    : Optimizer(kLBFGS, std::move(groups), defaults_of(options)) {
  check<ValueError>(param_groups.size() == 1, "LBFGS doesn't support per-parameter options (parameter groups)");
}

Tensor LBFGS::step_with(const Callback<Tensor()>& closure) {
  check<RuntimeError>(param_groups.size() == 1, "Expected exactly one param_group, but got {}", param_groups.size());
  const NoGradGuard no_grad;
  const ParamGroup& group = param_groups[0];
  Tensor first;
  const Callback<Tensor()> keeping_first = [&]() -> Tensor {
    const Tensor value = closure();
    if (!first.defined()) first = value;
    return value;
  };
  Memory& m = memory_;
  Iteration now{group, m, keeping_first};
  now.evaluate_here();
  announce_step();
  bool is_optimal = largest(now.gradient) <= group.tolerance_grad;
  for (int64_t i = 1; i <= int64_t(group.max_iter) && !is_optimal; ++i) {
    const bool is_first = ++m.iterations == 1;
    if (is_first) m.scale = 1;
    else now.remember();
    m.direction = now.direction();
    m.gradient = now.gradient.clone();
    m.loss = now.loss;
    m.length = is_first ? std::min(1.0, 1 / now.gradient.abs().sum().item<double>()) * group.lr : group.lr;
    const double slope = product(now.gradient, m.direction);
    if (slope > -group.tolerance_change) break;

    if (!group.line_search_fn.empty()) {
      now.search(slope);
    } else {
      move(group.params, m.length, m.direction);
      if (i < int64_t(group.max_iter)) now.evaluate_here();  // nobody would use it after the last move
    }
    is_optimal = largest(now.gradient) <= group.tolerance_grad;
    if (now.evaluations >= int64_t(group.max_eval) || largest(m.direction * m.length) <= group.tolerance_change ||
        std::fabs(now.loss - m.loss) < group.tolerance_change)
      break;
  }
  m.evaluations += now.evaluations;
  return first;
}

OptimizerState LBFGS::state_dict() const {
  using Setting = OptimizerState::Setting;
  OptimizerState state = Optimizer::state_dict();
  const Memory& m = memory_;
  if (m.evaluations == 0) return state;
  OptimizerState::Entry entry{.param = 0, .values = {}};
  entry.numbers = {{"func_evals", Setting::Int, double(m.evaluations)}, {"n_iter", Setting::Int, double(m.iterations)}};
  if (m.direction.defined()) {
    const auto number = [&](double x) { return full({}, x, m.direction.dtype()); };
    entry.values = {{"d", m.direction}, {"H_diag", number(m.scale)}, {"prev_flat_grad", m.gradient}};
    entry.numbers.push_back({"t", Setting::Real, m.length});
    entry.numbers.push_back({"prev_loss", Setting::Real, m.loss});
    std::vector<Tensor> inverse;
    for (const double x : m.inverse_products) inverse.push_back(number(x));
    entry.lists = {{"old_dirs", m.differences}, {"old_stps", m.moves}, {"ro", std::move(inverse)}};
  }
  state.state.push_back(std::move(entry));
  return state;
}

void LBFGS::load_state_dict(const OptimizerState& state) {
  Memory loaded;
  int64_t total = 0;
  for (const Tensor& p : param_groups[0].params) total += p.numel();
  const DType dtype = param_groups[0].params[0].dtype();
  const auto vector = [&](const std::string& name, const Tensor& t) {
    check<ValueError>(t.dim() == 1 && t.numel() == total, "loaded state dict has a {} of shape {} for parameters of {} elements", name, t.sizes(),
                      total);
    return t.detach().to(dtype).clone();
  };
  const auto number = [&](const std::string& name, double value) {
    if (name == "func_evals") loaded.evaluations = int64_t(value);
    if (name == "n_iter") loaded.iterations = int64_t(value);
    if (name == "t") loaded.length = value;
    if (name == "prev_loss") loaded.loss = value;
    if (name == "H_diag") loaded.scale = value;
  };
  for (const OptimizerState::Entry& entry : state.state) {
    for (const OptimizerState::Setting& setting : entry.numbers) number(setting.name, setting.value);
    for (const auto& [name, t] : entry.values) {
      if (name == "d") loaded.direction = vector(name, t);
      else if (name == "prev_flat_grad") loaded.gradient = vector(name, t);
      else if (t.defined() && t.numel() == 1) number(name, t.item<double>());
    }
    for (const auto& [name, list] : entry.lists)
      for (const Tensor& t : list) {
        if (name == "old_dirs") loaded.differences.push_back(vector(name, t));
        if (name == "old_stps") loaded.moves.push_back(vector(name, t));
        if (name == "ro") loaded.inverse_products.push_back(t.item<double>());
      }
  }
  const std::size_t n = loaded.moves.size();
  check<ValueError>(loaded.differences.size() == n && loaded.inverse_products.size() == n,
                    "loaded state dict has lists of {}, {} and {} elements under old_dirs, old_stps and ro", loaded.differences.size(), n,
                    loaded.inverse_products.size());
  check<ValueError>(loaded.iterations == 0 || (loaded.direction.defined() && loaded.gradient.defined()),
                    "loaded state dict has n_iter {} without d and prev_flat_grad", loaded.iterations);
  Optimizer::load_state_dict(state);
  memory_ = std::move(loaded);
}

}  // namespace ember::optim
