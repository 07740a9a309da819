// Groups, and the step as one pass over all parameters, shared by the threads.

#include <algorithm>
#include <atomic>

#include "kernels/kernels.h"
#include "optim/method.h"
#include "runtime/parallel.h"

namespace ember::optim {

namespace {

/// One parameter's part of the pass.
struct Job {
  kernels::OptimRange range;
  std::size_t rule;  // place in Pass::rules
  DType dtype;
};

/// A parameter or gradient whose memory is not laid out as the state's: the kernel sees a copy.
struct Copy {
  Tensor original, dense;
  bool write_back;
};

constexpr int64_t kGrain = 1024;

std::atomic<OptimizerObserver> observer{nullptr};

void tell(const Optimizer& optimizer, OptimizerEvent event) {
  if (const OptimizerObserver watching = observer.load(std::memory_order_acquire)) watching(optimizer, event);
}

}  // namespace

void set_optimizer_observer(OptimizerObserver watching) { observer.store(watching, std::memory_order_release); }

struct Pass {
  std::vector<Job> jobs;
  std::vector<OptimRule> rules;
  std::vector<Copy> copies;
  int64_t total = 0;

  void run(OptimMethod method) {
    // Divisions and roots: every method but SGD computes for about eight multiply-adds.
    const double work = double(total) * (method == OptimMethod::Sgd ? 1 : 8);
    // Every slice has its part of each parameter: the thread that made this part of the gradient has it in its cache.
    const int64_t slices = kernels::slices_for(total, kGrain, work);
    kernels::parallel_slices(slices, [&](int64_t slice) {
      for (const Job& job : jobs) {
        const kernels::Range part = kernels::slice_range(job.range.n, kGrain, slice, slices);
        if (part.begin == part.end) continue;
        const int64_t offset = part.begin * item_size(job.dtype);
        const auto shift = [offset](auto* p) { return p ? decltype(p)(uintptr_t(p) + uintptr_t(offset)) : nullptr; };
        const kernels::OptimRange range{part.end - part.begin,
                                        shift(job.range.parameter),
                                        shift(job.range.gradient),
                                        {shift(job.range.state[0]), shift(job.range.state[1]), shift(job.range.state[2])}};
        kernels::optim_loops().update[int(method)][job.dtype == kFloat64](range, rules[job.rule]);
      }
    });
    for (const Copy& copy : copies)
      if (copy.write_back) copy.original.copy_(copy.dense);
    jobs.clear();
    rules.clear();
    copies.clear();
    total = 0;
  }
};

std::vector<ParamGroup> one_group(std::vector<Tensor> params) {
  check<ValueError>(!params.empty(), "optimizer got an empty parameter list");
  std::vector<ParamGroup> groups(1);
  groups[0].params = std::move(params);
  return groups;
}

Optimizer::Optimizer(const Method& method, std::vector<ParamGroup> groups, ParamGroup defaults)
    : method_(method), defaults_(std::move(defaults)), states_(Owned<std::vector<std::vector<ParamState>>>::make()), pass_(Owned<Pass>::make()) {
  check<ValueError>(!groups.empty(), "optimizer got an empty parameter list");
  for (ParamGroup& group : groups) add_param_group(std::move(group));
  tell(*this, OptimizerEvent::Created);
}

Optimizer::~Optimizer() { tell(*this, OptimizerEvent::Destroyed); }

bool Optimizer::has_momentum() const { return is_set(defaults_.momentum); }
bool Optimizer::has_betas() const { return is_set(defaults_.betas); }

void Optimizer::add_param_group(ParamGroup group) {
  for (std::size_t i = 0; i < group.params.size(); ++i) {
    const Tensor& p = group.params[i];
    check<TypeError>(p.defined(), "optimizer can only optimize Tensors, but one of the params is undefined");
    check<ValueError>(p.is_leaf(), "can't optimize a non-leaf Tensor");
    check<ValueError>(p.is_floating_point(), "can't optimize a Tensor of dtype {}: its type has no fractions", name(p.dtype()));
    for (const ParamGroup& other : param_groups)
      for (const Tensor& taken : other.params) check<ValueError>(!taken.is_same(p), "some parameters appear in more than one parameter group");
    for (std::size_t j = 0; j < i; ++j)
      if (group.params[j].is_same(p))
        warn(
            "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
            "see github.com/pytorch/pytorch/issues/40967 for more information");
  }
  fill_defaults(group, defaults_);
  param_groups.push_back(std::move(group));
  const ParamGroup& added = param_groups.back();
  states_->emplace_back(added.params.size());
  if (method_.loop == OptimMethod::Adagrad)  // PyTorch's Adagrad has its state from the beginning
    for (std::size_t i = 0; i < added.params.size(); ++i) start(added, added.params[i], states_->back()[i]);
}

/// Makes the buffers that the group's settings ask for. Their strides are the parameter's where it is dense.
ParamState& Optimizer::start(const ParamGroup& group, const Tensor& parameter, ParamState& state) {
  const unsigned wanted = method_.wanted(group);
  const double initial = method_.loop == OptimMethod::Adagrad ? group.initial_accumulator_value : 0;
  for (int b = 0; b < 3; ++b) {
    Tensor& buffer = state.buffers[b];
    if (!(wanted >> b & 1)) continue;
    if (!buffer.defined()) buffer = full_like(parameter.detach(), initial);
    else if (buffer.dtype() != parameter.dtype())  // the module was converted after the last step
      buffer = buffer.to(parameter.dtype());
  }
  return state;
}

namespace {

/// The kernel walks memory: parameter, gradient and state have to lie alike. Row-major ones do; others are copied where they differ.
void set_memory(kernels::OptimRange& range, const Tensor& parameter, const Tensor& gradient, const Tensor (&buffers)[3], unsigned wanted,
                std::vector<Copy>& copies) {
  Tensor like = wanted & 1 ? buffers[0] : Tensor();
  if (!like.defined()) like = parameter.is_contiguous() ? parameter : empty_like(parameter);
  const auto dense = [&](const Tensor& t, bool write_back) {
    if ((t.is_contiguous() && like.is_contiguous()) || t.strides() == like.strides()) return t.data_ptr();
    copies.push_back({t.detach(), empty_like(like).copy_(t.detach()), write_back});
    return copies.back().dense.data_ptr();
  };
  range.parameter = dense(parameter, true);
  range.gradient = dense(gradient, false);
  for (int b = 0; b < 3; ++b)
    if (wanted >> b & 1) range.state[b] = b == 0 ? like.data_ptr() : dense(buffers[b], true);
}

}  // namespace

/// The numbers of the next step of a parameter that has seen `clock`, which goes on.
static OptimRule next_rule(const Method& method, const ParamGroup& group, Clock& clock) {
  OptimRule rule;
  rule.first = !clock.started;
  clock.started = true;
  clock.step += 1;
  rule.maximize = group.maximize;
  rule.weight_decay = group.weight_decay;
  rule.eps = group.eps;
  method.rule(group, clock, rule);
  return rule;
}

/// Is everything where the last step found it? Then it needs no further look, as in nearly every step of a training.
static bool is_as_before(const ParamState& state, const TensorImpl* parameter, unsigned wanted) {
  const kernels::OptimRange& memory = state.memory;
  const TensorImpl* const gradient = parameter->grad;
  if (memory.parameter != parameter->data || memory.gradient != gradient->data || memory.n != parameter->numel) return false;
  if (!parameter->contiguous || !gradient->contiguous || gradient->dtype != parameter->dtype) return false;
  for (int b = 0; b < 3; ++b) {
    if (!(wanted >> b & 1)) {
      if (memory.state[b]) return false;
      continue;
    }
    const TensorImpl* const buffer = state.buffers[b].impl();
    if (!buffer || buffer->data != memory.state[b] || buffer->dtype != parameter->dtype || !buffer->contiguous) return false;
  }
  return true;
}

static bool has_gradient(const Tensor& p) { return p.impl()->grad && p.impl()->grad_defined && p.impl()->numel > 0; }

/// What set_data has given a new shape or dtype since the gradient or the state was made cannot take a step.
static void check_alike(const Method& method, const Tensor& parameter, const Tensor& other, const char* what) {
  check<RuntimeError>(other.sizes() == parameter.sizes(),
                      "The size of tensor a must match the size of tensor b: {} found a parameter of sizes {} with {} of sizes {}", method.name,
                      parameter.sizes(), what, other.sizes());
}

/// Looks at everything before anything changes.
void Optimizer::prepare(const ParamGroup& group, std::vector<ParamState>& states) {
  const unsigned wanted = method_.wanted(group);
  check<ValueError>(is_set(group.lr) && is_set(group.weight_decay),
                    "Invalid learning rate or weight_decay value: nan: {} found a parameter group without a number", method_.name);
  states.resize(group.params.size());
  for (std::size_t i = 0; i < group.params.size(); ++i) {
    const Tensor& parameter = group.params[i];
    check<TypeError>(parameter.defined(), "optimizer can only optimize Tensors, but one of the params is undefined");
    ParamState& state = states[i];
    if (!has_gradient(parameter)) continue;
    state.as_before = !method_.formula && is_as_before(state, parameter.impl(), wanted);
    if (state.as_before) continue;
    const Tensor gradient = parameter.grad();
    check_alike(method_, parameter, gradient, "a gradient");
    check<RuntimeError>(gradient.dtype() == parameter.dtype(),
                        "expected dtype {} for the gradient but got dtype {}: {} found a parameter whose dtype has changed", name(parameter.dtype()),
                        name(gradient.dtype()), method_.name);
    for (int b = 0; b < 3; ++b)
      if (wanted >> b & 1 && state.buffers[b].defined()) check_alike(method_, parameter, state.buffers[b], method_.buffers[b]);
  }
}

void Optimizer::collect(const ParamGroup& group, std::vector<ParamState>& states) {
  const unsigned wanted = method_.wanted(group);
  Clock before, after;  // of the last rule: as a rule, all parameters have seen the same steps
  bool has_rule = false;
  for (std::size_t i = 0; i < group.params.size(); ++i) {
    const Tensor& parameter = group.params[i];
    if (!has_gradient(parameter)) continue;
    ParamState& state = states[i];
    if (!state.as_before) start(group, parameter, state);
    Clock& clock = state;
    if (has_rule && clock == before) {
      clock = after;
    } else {
      before = clock;
      pass_->rules.push_back(next_rule(method_, group, clock));
      after = clock;
      has_rule = true;
    }
    Job& job = pass_->jobs.emplace_back(Job{state.memory, pass_->rules.size() - 1, parameter.dtype()});
    if (!state.as_before) {
      const std::size_t copies = pass_->copies.size();
      job.range = {parameter.numel(), nullptr, nullptr, {}};
      set_memory(job.range, parameter, parameter.grad(), state.buffers, wanted, pass_->copies);
      state.memory = pass_->copies.size() == copies ? job.range : kernels::OptimRange{};
    }
    pass_->total += job.range.n;
    parameter.bump_version();
  }
}

void Optimizer::follow_formula(const ParamGroup& group, std::vector<ParamState>& states) {
  const unsigned wanted = method_.wanted(group);
  for (std::size_t i = 0; i < group.params.size(); ++i) {
    const Tensor& parameter = group.params[i];
    if (!has_gradient(parameter)) continue;
    ParamState& state = states[i];
    if (!state.started) method_.begin(group, parameter, state);
    for (int b = 0; b < 3; ++b)  // the module was converted after the last step
      if (Tensor& buffer = state.buffers[b]; buffer.defined() && (wanted >> b & 1 || buffer.dim() > 0)) buffer = buffer.to(parameter.dtype());
    state.started = true;
    state.step += 1;
    method_.formula(group, parameter, parameter.grad().detach(), state);
  }
}

void Optimizer::step() {
  check<TypeError>(method_.rule || method_.formula, "{}.step() missing 1 required positional argument: 'closure'", method_.name);
  announce_step();
  NoGradGuard no_grad;
  check<RuntimeError>(states_->size() == param_groups.size(),
                      "{}: param_groups has {} groups, of which the optimizer knows {}. Add a group by add_param_group(...), which gives it the "
                      "defaults and a state, not by param_groups.push_back(...)",
                      method_.name, param_groups.size(), states_->size());
  for (std::size_t g = 0; g < param_groups.size(); ++g) prepare(param_groups[g], (*states_)[g]);
  for (std::size_t g = 0; g < param_groups.size(); ++g)
    method_.formula ? follow_formula(param_groups[g], (*states_)[g]) : collect(param_groups[g], (*states_)[g]);
  if (!method_.formula) pass_->run(method_.loop);
}

void Optimizer::announce_step() {
  tell(*this, OptimizerEvent::Step);
  ++steps_;
}

Tensor Optimizer::step_with(const Callback<Tensor()>& closure) {
  EnableGradGuard recording;
  const Tensor loss = closure();
  step();
  return loss;
}

void Optimizer::zero_grad(bool set_to_none) {
  for (const ParamGroup& group : param_groups)
    for (const Tensor& p : group.params) {
      if (set_to_none) {
        p.set_grad({});
      } else if (const Tensor gradient = p.grad(); gradient.defined()) {
        gradient.detach().zero_();
      }
    }
  tell(*this, OptimizerEvent::ZeroGrad);
}

}  // namespace ember::optim
