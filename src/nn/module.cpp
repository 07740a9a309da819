// The registry behind a module, and everything that walks it: modes, names, states, hooks.
#include <ember/nn/module.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <unordered_set>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {

namespace {

std::atomic<ForwardObserver*> observer{nullptr};

void check_name(const ModuleState& state, const std::string& name, const char* kind) {
  check<RuntimeError>(!name.empty(), "{} name can't be empty string \"\"", kind);
  check<RuntimeError>(name.find('.') == std::string::npos, "{} name can't contain \".\", got: {}", kind, name);
  check<RuntimeError>(!state.has(name), "attribute '{}' already exists", name);
}

/// Calls visit(path, module) for the module and all below it, parents first.
template <class Visit>
void walk(const Module& module, const ModuleState& state, const std::string& prefix, Visit&& visit) {
  visit(prefix, module, state);
  for (const auto& [name, child] : state.children)
    walk(*child, ModuleState::of(*child), prefix + name + ".", visit);
}

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The tensors of one kind below `module`, each once, with their full names.
NamedTensors collect(const Module& module, std::vector<std::unique_ptr<NamedTensor>> ModuleState::* kind) {
  NamedTensors result;
  std::unordered_set<TensorImpl*> seen;
  walk(module, ModuleState::of(module), "", [&](const std::string& prefix, const Module&, const ModuleState& state) {
    for (const auto& entry : state.*kind)
      if (entry->value.defined() && seen.insert(entry->value.impl()).second) result.emplace_back(prefix + entry->name, entry->value);
  });
  return result;
}

std::vector<Tensor> values(NamedTensors named) {
  std::vector<Tensor> result;
  for (auto& [name, value] : named) result.push_back(std::move(value));
  return result;
}

}  // namespace

bool ModuleState::has(const std::string& name) const {
  for (const auto& p : parameters)
    if (p->name == name) return true;
  for (const auto& b : buffers)
    if (b->name == name) return true;
  for (const auto& c : children)
    if (c.first == name) return true;
  return false;
}

Module::Module() : state_(new ModuleState) {}
Module::Module(Module&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
Module::~Module() { delete state_; }

Tensor Module::forward(const Tensor&) {
  fail<NotImplementedError>("Module [{}] is missing the required \"forward\" function", type_name());
}

Tensor Module::forward_then(const Tensor&, const Then&) { return {}; }
bool Module::join(Then&, const Tensor&) const { return false; }

Tensor Module::operator()(const Tensor& x) {
  if (!state_->hooks) [[likely]] return observed([&] { return forward(x); }, x);
  Tensor input = x;
  for (const auto& [handle, hook] : state_->hooks->before)
    if (Tensor changed = hook(*this, input); changed.defined()) input = changed;
  const auto body = [&] {
    Tensor output = forward(input);
    for (const auto& [handle, hook] : state_->hooks->after)
      if (Tensor changed = hook(*this, input, output); changed.defined()) output = changed;
    return output;
  };
  return observed(body, input);
}

Tensor Module::show(const Callback<Tensor()>& body, const std::vector<Tensor>& inputs) const {
  if (ForwardObserver* const watching = forward_observer()) watching->before_forward(*this, inputs);
  Tensor output;
  try {
    output = body();
  } catch (...) {
    if (ForwardObserver* const watching = forward_observer()) watching->abandon_forward(*this);
    throw;
  }
  if (ForwardObserver* const watching = forward_observer()) watching->after_forward(*this, inputs, output);
  return output;
}

ForwardObserver* set_forward_observer(ForwardObserver* watching) { return observer.exchange(watching, std::memory_order_acq_rel); }
ForwardObserver* forward_observer() { return observer.load(std::memory_order_acquire); }

void Module::train(bool on) {
  state_->training = on;
  for (auto& [name, child] : state_->children) child->train(on);
}
bool Module::is_training() const { return state_->training; }

// --- registration

void Module::add_child(const std::string& name, Module* child) {
  std::unique_ptr<Module> own(child);
  check_name(*state_, name, "module");
  state_->children.emplace_back(name, std::move(own));
}

Tensor& Module::add_parameter(const std::string& name, Tensor value) {
  check_name(*state_, name, "parameter");
  state_->parameters.push_back(std::make_unique<NamedTensor>(NamedTensor{name, {}, true}));
  Tensor& parameter = state_->parameters.back()->value;
  if (value.defined()) set_parameter(parameter, std::move(value));
  return parameter;
}

Tensor& Module::add_buffer(const std::string& name, Tensor value, bool persistent) {
  check_name(*state_, name, "buffer");
  state_->buffers.push_back(std::make_unique<NamedTensor>(NamedTensor{name, std::move(value), persistent}));
  return state_->buffers.back()->value;
}

void Module::set_parameter(Tensor& parameter, Tensor value) {
  value = value.detach();
  if (value.is_floating_point()) value.requires_grad_();
  parameter = std::move(value);
}

// --- what it holds

NamedTensors Module::named_parameters() const { return collect(*this, &ModuleState::parameters); }
NamedTensors Module::named_buffers() const { return collect(*this, &ModuleState::buffers); }
std::vector<Tensor> Module::parameters() const { return values(named_parameters()); }
std::vector<Tensor> Module::buffers() const { return values(named_buffers()); }

std::vector<std::pair<std::string, Module*>> Module::named_children() const {
  std::vector<std::pair<std::string, Module*>> result;
  for (const auto& [name, child] : state_->children) result.emplace_back(name, child.get());
  return result;
}

std::vector<std::pair<std::string, Module*>> Module::named_modules() {
  std::vector<std::pair<std::string, Module*>> result;
  walk(*this, *state_, "", [&](const std::string& prefix, const Module& module, const ModuleState&) {
    result.emplace_back(prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1), const_cast<Module*>(&module));
  });
  return result;
}

Module& Module::get_submodule(const std::string& path) {
  Module* here = this;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    const std::string name = path.substr(start, end - start);
    const auto& children = here->state_->children;
    const auto found = std::find_if(children.begin(), children.end(), [&](const auto& child) { return child.first == name; });
    check<RuntimeError>(found != children.end(), "{} has no attribute `{}`", here->type_name(), name);
    here = &*found->second;
    start = end + 1;
  }
  return *here;
}

void Module::zero_grad(bool set_to_none) const {
  for (const Tensor& p : parameters()) {
    if (set_to_none) p.set_grad({});
    else if (p.grad().defined()) p.set_grad(zeros_like(p));
  }
}

void Module::requires_grad_(bool on) const {
  for (const Tensor& p : parameters()) p.requires_grad_(on);
}

void Module::to(DType dtype) {
  check<TypeError>(ember::is_floating_point(dtype), "nn.Module.to only accepts floating point dtypes, but got desired dtype={}",
                   name(dtype));
  for (const Tensor& p : parameters()) {
    if (!p.is_floating_point()) continue;
    const Tensor gradient = p.grad();
    p.set_grad({});
    p.set_data(p.detach().to(dtype));
    if (gradient.defined()) p.set_grad(gradient.to(dtype));
  }
  for (const Tensor& b : buffers())
    if (b.is_floating_point()) b.set_data(b.detach().to(dtype));
}

void Module::apply(const Callback<void(Module&)>& function) {
  for (auto& [name, child] : state_->children) child->apply(function);
  function(*this);
}

// --- hooks

int64_t Module::register_forward_pre_hook(ForwardPreHook hook) {
  if (!state_->hooks) state_->hooks = std::make_unique<ModuleHooks>();
  state_->hooks->before.emplace_back(++state_->hooks->last, std::move(hook));
  return state_->hooks->last;
}

int64_t Module::register_forward_hook(ForwardHook hook) {
  if (!state_->hooks) state_->hooks = std::make_unique<ModuleHooks>();
  state_->hooks->after.emplace_back(++state_->hooks->last, std::move(hook));
  return state_->hooks->last;
}

void Module::remove_hook(int64_t handle) {
  if (!state_->hooks) return;
  std::erase_if(state_->hooks->before, [&](const auto& h) { return h.first == handle; });
  std::erase_if(state_->hooks->after, [&](const auto& h) { return h.first == handle; });
}

}  // namespace ember::nn
