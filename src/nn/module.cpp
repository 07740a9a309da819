// The registry behind a module, and everything that walks it: modes, names, registration, conversions.
#include <ember/nn/module.h>

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {

namespace {

constexpr int kDeepest = 128;  // levels of modules: walks recurse, and a thread may have a small stack

void check_name(const ModuleState& state, const std::string& name, const char* kind) {
  check<RuntimeError>(!name.empty(), "{} name can't be empty string \"\"", kind);
  check<RuntimeError>(name.find('.') == std::string::npos, "{} name can't contain \".\", got: {}", kind, name);
  check<RuntimeError>(!state.has(name), "attribute '{}' already exists", name);
}

/// Calls visit(path, module) for the module and all below it, parents first.
template <class Visit>
void walk(const Module& module, const ModuleState& state, const std::string& prefix, Visit&& visit) {
  visit(prefix, module, state);
  for (const auto& [name, child] : state.children) walk(*child, ModuleState::of(*child), prefix + name + ".", visit);
}

/// Refuses a plain tensor where a parameter belongs, and says where that is.
void check_parameters_of(const Module& module, const ModuleState& state) {
  try {
    state.check_parameters();
  } catch (Error& error) {
    error.add_place("in " + path_of(ModuleState::of(module)));
    throw;
  }
}

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The tensors of one kind below `module`, each once, with their full names.
NamedTensors collect(const Module& module, std::vector<std::unique_ptr<NamedTensor>> ModuleState::* kind) {
  NamedTensors result;
  std::unordered_set<TensorImpl*> seen;
  walk(module, ModuleState::of(module), "", [&](const std::string& prefix, const Module& module, const ModuleState& state) {
    if (kind == &ModuleState::parameters) check_parameters_of(module, state);
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
  return child(name) != nullptr;
}

const Module* ModuleState::child(const std::string& name) const {
  for (const auto& [key, module] : children)
    if (key == name) return module.get();
  return nullptr;
}

Module& ModuleState::adopt(const std::string& name, Owned<Module> child) {
  ModuleState& below = of(*child);
  int above = 0;
  for (const ModuleState* s = this; s; s = s->parent) ++above;
  check<RuntimeError>(above + below.height < kDeepest, "add_module: \"{}\" would be nested {} modules deep; more than {} are not supported", name,
                      above + below.height, kDeepest - 1);
  below.parent = this;
  int height = below.height + 1;
  for (ModuleState* s = this; s && s->height < height; s = s->parent) s->height = std::uint16_t(height++);
  return *children.emplace_back(name, std::move(child)).second;
}

Module::Module() : state_(Shared<ModuleState>::make(this)) {}
Module::Module(Module&& other) noexcept : state_(other.state_) {
  if (state_->self == &other) state_->self = this;
}
Module::~Module() {
  if (state_->self == this) state_->self = nullptr;
}

void delete_owned(Module* module) { const std::unique_ptr<Module> last(module); }

ModuleEntry::~ModuleEntry() = default;
Owned<Module> ModuleEntry::take() const { return std::move(module_); }
Module* ModuleEntry::release() { return module_.release(); }

void Module::train(bool on) {
  ModuleState& state = ModuleState::of(*this);
  state.training = on;
  for (auto& [name, child] : state.children) child->train(on);
}
bool Module::is_training() const { return ModuleState::of(*this).training; }

// --- registration

Module& Module::add_child(const std::string& name, Owned<Module> child) {
  check<TypeError>(bool(child), "NoneType is not a Module subclass: add(\"{}\", ...) of {} got a null pointer", name, type_name());
  ModuleState& state = ModuleState::of(*this);
  check_name(state, name, "module");
  return state.adopt(name, std::move(child));
}

Tensor& Module::add_parameter(const std::string& name, Tensor value) {
  ModuleState& state = ModuleState::of(*this);
  check_name(state, name, "parameter");
  state.parameters.push_back(std::make_unique<NamedTensor>(NamedTensor{name, {}, true}));
  Tensor& parameter = state.parameters.back()->value;
  if (value.defined()) set_parameter(parameter, std::move(value));
  return parameter;
}

Tensor& Module::add_buffer(const std::string& name, Tensor value, bool persistent) {
  ModuleState& state = ModuleState::of(*this);
  check_name(state, name, "buffer");
  state.buffers.push_back(std::make_unique<NamedTensor>(NamedTensor{name, std::move(value), persistent}));
  return state.buffers.back()->value;
}

void Module::set_parameter(Tensor& parameter, Tensor value) {
  value = value.detach();
  if (value.is_floating_point()) value.requires_grad_();
  value.impl()->is_parameter = true;
  parameter = std::move(value);
}

// --- what it holds

NamedTensors Module::named_parameters() const { return collect(*this, &ModuleState::parameters); }
NamedTensors Module::named_buffers() const { return collect(*this, &ModuleState::buffers); }
std::vector<Tensor> Module::parameters() const { return values(named_parameters()); }
std::vector<Tensor> Module::buffers() const { return values(named_buffers()); }

namespace {

template <class M>
std::vector<std::pair<std::string, M*>> modules_below(M& root) {
  std::vector<std::pair<std::string, M*>> result;
  walk(root, ModuleState::of(root), "", [&](const std::string& prefix, const Module& module, const ModuleState&) {
    result.emplace_back(prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1), const_cast<M*>(&module));
  });
  return result;
}

template <class M>
std::vector<std::pair<std::string, M*>> children_of(M& module) {
  std::vector<std::pair<std::string, M*>> result;
  for (const auto& [name, child] : ModuleState::of(module).children) result.emplace_back(name, child.get());
  return result;
}

template <class M>
std::vector<M*> without_names(const std::vector<std::pair<std::string, M*>>& named) {
  std::vector<M*> result;
  for (const auto& [name, module] : named) result.push_back(module);
  return result;
}

/// The tensor of one kind at a path, "layer.0.weight".
Tensor find(const Module& root, const std::string& path, std::vector<std::unique_ptr<NamedTensor>> ModuleState::* kind, const char* what) {
  const std::size_t dot = path.rfind('.');
  const std::string name = dot == std::string::npos ? path : path.substr(dot + 1);
  const Module& module = dot == std::string::npos ? root : root.get_submodule(path.substr(0, dot));
  const ModuleState& state = ModuleState::of(module);
  for (const auto& entry : state.*kind)
    if (entry->name == name) return entry->value;
  check<RuntimeError>(!state.has(name), "`{}` is not {}", name, what);
  fail<RuntimeError>("{} has no attribute `{}`", module.type_name(), name);
}

}  // namespace

std::vector<std::pair<std::string, Module*>> Module::named_children() { return children_of<Module>(*this); }
std::vector<std::pair<std::string, const Module*>> Module::named_children() const { return children_of<const Module>(*this); }
std::vector<Module*> Module::children() { return without_names(named_children()); }
std::vector<const Module*> Module::children() const { return without_names(named_children()); }
std::vector<std::pair<std::string, Module*>> Module::named_modules() { return modules_below<Module>(*this); }
std::vector<std::pair<std::string, const Module*>> Module::named_modules() const { return modules_below<const Module>(*this); }
std::vector<Module*> Module::modules() { return without_names(named_modules()); }
std::vector<const Module*> Module::modules() const { return without_names(named_modules()); }
Tensor Module::get_parameter(const std::string& path) const { return find(*this, path, &ModuleState::parameters, "an nn.Parameter"); }
Tensor Module::get_buffer(const std::string& path) const { return find(*this, path, &ModuleState::buffers, "a buffer"); }

const Module& Module::get_submodule(const std::string& path) const {
  const Module* here = this;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    const std::string name = path.substr(start, end - start);
    const Module* const next = ModuleState::of(*here).child(name);
    check<RuntimeError>(next, "{} has no attribute `{}`", here->type_name(), name);
    here = next;
    start = end + 1;
  }
  ModuleState::of(*here);
  return *here;
}
Module& Module::get_submodule(const std::string& path) { return const_cast<Module&>(static_cast<const Module&>(*this).get_submodule(path)); }

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
  check<TypeError>(ember::is_floating_point(dtype), "nn.Module.to only accepts floating point dtypes, but got desired dtype={}", name(dtype));
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
  for (auto& [name, child] : ModuleState::of(*this).children) child->apply(function);
  function(*this);
}

}  // namespace ember::nn
