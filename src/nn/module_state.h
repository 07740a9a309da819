// What a module keeps behind its pointer, so that references to it survive when the module moves.
#pragma once

#include <ember/nn/module.h>

#include <memory>

namespace ember::nn {

struct NamedTensor {
  std::string name;
  Tensor value;
  bool persistent;
};

template <class Hook>
using Hooks = std::vector<std::pair<int64_t, Hook>>;

struct ModuleHooks {
  Hooks<ForwardPreHook> before;
  Hooks<ForwardHook> after;
  Hooks<FullBackwardPreHook> backward_before;
  Hooks<FullBackwardHook> backward;
  int64_t last = 0;

  bool empty() const { return before.empty() && after.empty() && backward_before.empty() && backward.empty(); }
};

/// While it lives, operations that record say that they belong to the module of this number.
class RunningModule {
 public:
  explicit RunningModule(std::uint32_t number) : before_(std::exchange(ember::detail::current_module, number)) {}
  ~RunningModule() { ember::detail::current_module = before_; }
  RunningModule(const RunningModule&) = delete;

 private:
  const std::uint32_t before_;
};

/// While it lives, this observer is the only one: for calls that the others shall not see.
class SoleObserver {
 public:
  explicit SoleObserver(ForwardObserver& observer);
  ~SoleObserver();
  SoleObserver(const SoleObserver&) = delete;

 private:
  ForwardObserver* others_;
};
bool each_module_is_seen();  ///< by an observer, also of those that could be computed together

/// The module that a state belongs to has the state's `self`: one that was moved from still holds the state, so that references to
/// what is in it stay valid, but is refused.
struct ModuleState {
  explicit ModuleState(Module* self);
  ~ModuleState();

  ReferenceCount references;
  bool training = true;
  bool settled = false;          // was called before: see settle
  std::uint16_t height = 0;      // levels of modules below
  const std::uint32_t number;    // counts up; nodes of the tape remember it
  std::uint32_t first_call = 0;  // how many modules there had been when it was first called
  Module* self;                  // null when it is gone
  ModuleState* parent = nullptr;
  const std::type_info* type = nullptr;  // what it was when it was taken over, and how that is copied
  const detail::Copier* copier = nullptr;
  std::vector<std::unique_ptr<NamedTensor>> parameters, buffers;
  std::vector<std::pair<std::string, Owned<Module>>> children;
  std::unique_ptr<ModuleHooks> hooks;

  bool has(const std::string& name) const;
  const Module* child(const std::string& name) const;  ///< null when there is none

  static ModuleState& of(const Module& module) {
    if (module.state_->self != &module) [[unlikely]]
      refuse_moved(module);
    return *module.state_;
  }

  /// Throws TypeError for a parameter that was given a tensor which no optimiser would train.
  void check_parameters() const {
    for (const auto& p : parameters) check_parameter(*p);
  }
  static void check_parameter(const NamedTensor& p) {
    if (p.value.defined() && !p.value.impl()->is_parameter) [[unlikely]]
      check_assigned(p);
  }
  bool has_plain_parameters() const;

  /// At the first call: throws RuntimeError when the module that calls it has it as a member, but not as a child.
  void settle() {
    if (!__atomic_load_n(&settled, __ATOMIC_RELAXED)) [[unlikely]]
      settle_first();
  }

  static void prepare_load(const Module& module, StateDict& state, const std::string& prefix) {
    module.prepare_load(state, prefix, state.version(prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1)));
  }
  Module& adopt(const std::string& name, Owned<Module> child);  ///< throws when modules would be nested too deep

 private:
  void settle_first();
  static void check_assigned(const NamedTensor& p);
  [[noreturn]] static void refuse_moved(const Module& module);
};

/// "Net.features.3 (Linear)"; "Net" for a module that is in no other.
std::string path_of(const ModuleState& state);
/// "input [48, 6] float32".
std::string text_of(const std::vector<Tensor>& inputs);

/// The input of a call with backward hooks, and its output, on the tape: between the two the hooks run.
class BackwardHookCall {
 public:
  BackwardHookCall(ModuleState& state, const Tensor& input);
  const Tensor& input() const { return input_; }
  Tensor output(const Tensor& y) const;

 private:
  struct Running;
  std::shared_ptr<Running> running_;
  Tensor input_;
};

}  // namespace ember::nn
