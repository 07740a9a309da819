// Where an error happened: the modules of the program by their numbers, their paths, and the refusal of modules that a forward calls
// without having them below it.
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "autograd/place.h"
#include "error_format.h"
#include "nn/module_state.h"
#include "runtime/immortal.h"

namespace ember::nn {

namespace {

std::atomic<std::uint32_t> modules_made{0};

/// Modules by number. Nodes of the tape name theirs by it: a module may be gone when the backward runs.
struct Registry {
  std::mutex mutex;
  std::unordered_map<std::uint32_t, ModuleState*> modules;
};
Registry& registry() {
  static Immortal<Registry> one;
  static const bool names_places = [] {
    ember::detail::module_path = [](std::uint32_t number) {
      Registry& all = registry();
      const std::lock_guard lock(all.mutex);
      const auto found = all.modules.find(number);
      return found == all.modules.end() ? std::string() : path_of(*found->second);
    };
    return true;
  }();
  (void)names_places;
  return one.value;
}

std::string name_in_parent(const ModuleState& state) {
  for (const auto& [name, child] : state.parent->children)
    if (child.get() == state.self) return name;
  return "?";
}

}  // namespace

ModuleState::ModuleState(Module* self) : number(++modules_made), self(self) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.modules.emplace(number, this);
}

ModuleState::~ModuleState() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.modules.erase(number);
}

std::string path_of(const ModuleState& state) {
  std::string path;
  const ModuleState* root = &state;
  for (; root->parent; root = root->parent) path = "." + name_in_parent(*root) + path;
  const auto type = [](const ModuleState& s) { return s.self ? s.self->type_name() : std::string("Module"); };
  return root == &state ? type(state) : fmt::format("{}{} ({})", type(*root), path, type(state));
}

std::string text_of(const std::vector<Tensor>& inputs) {
  std::string text = inputs.size() == 1 ? "input " : "inputs ";
  for (const Tensor& x : inputs) {
    if (text.back() != ' ') text += ", ";
    text += x.defined() ? fmt::format("{} {}", x.sizes(), name(x.dtype())) : "undefined";
  }
  return text;
}

void Module::name_place(Error& error, const std::vector<Tensor>& inputs) const {
  if (!error.has_place() && state_->self == this) error.add_place(fmt::format("in {}, {}", path_of(*state_), text_of(inputs)));
}

Module::ModuleCall::ModuleCall(const Module& module) : before_(std::exchange(ember::detail::current_module, ModuleState::of(module).number)) {}

// A module without a parent that was made after the module which calls it, and before that one's first call, is a member (or belongs
// to one) that was forgotten: what is shared or made on the way is older or younger.
void ModuleState::settle_first() {
  const ModuleState* caller = nullptr;
  if (ember::detail::current_module && !parent) {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    const auto found = all.modules.find(ember::detail::current_module);
    if (found != all.modules.end()) caller = found->second;
  }
  if (caller && caller->number < number && number <= caller->first_call)
    fail<RuntimeError>(
        "{0} calls a {1} that is not one of its modules: parameters(), train(), eval(), to() and state_dict() do not reach it.\n"
        "Declare it as nn::{1}& name = add(\"name\", nn::{1}(...)), or call keep_apart() on it if that is meant: {2}",
        caller->self ? caller->self->type_name() : "Module", self->type_name(), self->repr());
  if (first_call == 0) __atomic_store_n(&first_call, modules_made.load(), __ATOMIC_RELAXED);
  __atomic_store_n(&settled, true, __ATOMIC_RELEASE);
}

void Module::keep_apart() { __atomic_store_n(&ModuleState::of(*this).settled, true, __ATOMIC_RELEASE); }

void ModuleState::refuse_moved(const Module& module) {
  fail<RuntimeError>("{}: this module was moved from; what it held belongs to the module that it was moved into", module.type_name());
}

bool ModuleState::has_plain_parameters() const {
  for (const auto& p : parameters)
    if (p->value.defined() && !p->value.impl()->is_parameter && !(p->value.is_leaf() && p->value.requires_grad())) return true;
  return false;
}

void ModuleState::check_assigned(const NamedTensor& p) {
  if (p.value.is_leaf() && p.value.requires_grad()) return;
  fail<TypeError>(
      "cannot assign 'torch.{}' as parameter '{}' (torch.nn.Parameter or None expected)\n"
      "It would be listed and saved, but never trained. Give it its value by set_parameter({}, value) or add_parameter(\"{}\", value) "
      "inside the class, by init:: functions or copy_ under NoGradGuard outside, or assign value.requires_grad_().",
      tensor_type_name(p.value.dtype()), p.name, p.name, p.name);
}

}  // namespace ember::nn
