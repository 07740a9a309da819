// A module is called: what is checked before, hooks and observers around forward, and the place of an error.
#include <algorithm>
#include <atomic>
#include <mutex>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {

// --- observers: a list that calls walk while others change it. New ones come first, so that a walk never meets them; one that is removed
// keeps its next, so that a walk that stands there goes on.

static std::atomic<ForwardObserver*> first_observer{nullptr};
static std::mutex observers_change;

static ForwardObserver* after(const ForwardObserver* observer) { return __atomic_load_n(&observer->next, __ATOMIC_ACQUIRE); }
static void set_after(ForwardObserver* observer, ForwardObserver* next) { __atomic_store_n(&observer->next, next, __ATOMIC_RELEASE); }

ForwardObserver* forward_observer() { return first_observer.load(std::memory_order_acquire); }

void add_forward_observer(ForwardObserver& observer) {
  const std::lock_guard lock(observers_change);
  for (const ForwardObserver* o = forward_observer(); o; o = after(o))
    if (o == &observer) return;
  set_after(&observer, forward_observer());
  first_observer.store(&observer, std::memory_order_release);
}

void remove_forward_observer(ForwardObserver& observer) {
  const std::lock_guard lock(observers_change);
  if (forward_observer() == &observer) first_observer.store(after(&observer), std::memory_order_release);
  for (ForwardObserver* o = forward_observer(); o; o = after(o))
    if (after(o) == &observer) set_after(o, after(&observer));
}

SoleObserver::SoleObserver(ForwardObserver& observer) {
  const std::lock_guard lock(observers_change);
  set_after(&observer, nullptr);
  others_ = first_observer.exchange(&observer, std::memory_order_acq_rel);
}
SoleObserver::~SoleObserver() {
  const std::lock_guard lock(observers_change);
  first_observer.store(others_, std::memory_order_release);
}

template <class Tell>
static void tell_observers(const Tell& tell) {
  for (ForwardObserver* o = forward_observer(); o; o = after(o)) tell(*o);
}

bool each_module_is_seen() {
  bool seen = false;
  tell_observers([&](const ForwardObserver& o) { seen = seen || o.sees_each_module(); });
  return seen;
}

// --- calls

Tensor Module::forward(const Tensor&) { fail<NotImplementedError>("Module [{}] is missing the required \"forward\" function", type_name()); }

Tensor Module::forward_then(const Tensor&, const Then&) { return {}; }
bool Module::join(Then&, const Tensor&) const { return false; }

Tensor Module::operator()(const Tensor& x) const {
  ModuleState& state = ModuleState::of(*this);
  try {
    state.settle();
    state.check_parameters();
    Module& self = const_cast<Module&>(*this);
    const bool watched = forward_observer() != nullptr;
    if (!state.hooks && !watched) [[likely]] {
      const RunningModule running(state.number);
      return self.forward(x);
    }
    return self.call_with_hooks(x, watched);
  } catch (Error& error) {
    name_place(error, {x});
    throw;
  }
}

namespace {

/// Calls each of the hooks that are there now: a hook may add and remove some. A defined result takes the place of `value`.
template <class Hook, class Call>
void run_hooks(const Hooks<Hook>& hooks, Tensor& value, const Call& call) {
  if (hooks.empty()) return;
  const Hooks<Hook> now = hooks;
  for (const auto& [handle, hook] : now)
    if (Tensor changed = call(hook); changed.defined()) value = std::move(changed);
}

}  // namespace

// The order is PyTorch's: forward pre-hooks, the input's part of the backward hooks, forward, forward hooks, the output's part.
Tensor Module::call_with_hooks(const Tensor& x, bool watched) {
  ModuleState& state = *state_;
  const auto run = [this](const Tensor& input) {
    const ModuleCall call(*this);
    return forward(input);
  };
  if (!state.hooks) return show([&] { return run(x); }, {x});

  Tensor input = x;
  run_hooks(state.hooks->before, input, [&](const ForwardPreHook& hook) { return hook(*this, input); });
  const auto body = [&] {
    ModuleHooks& hooks = *state.hooks;
    const auto finish = [&](const Tensor& seen, Tensor output) {
      run_hooks(hooks.after, output, [&](const ForwardHook& hook) { return hook(*this, seen, output); });
      return output;
    };
    if (hooks.backward.empty() && hooks.backward_before.empty()) return finish(input, run(input));
    const BackwardHookCall call(state, input);
    return call.output(finish(call.input(), run(call.input())));
  };
  return watched ? show(body, {input}) : body();
}

Tensor Module::show(const Callback<Tensor()>& body, const std::vector<Tensor>& inputs) const {
  tell_observers([&](ForwardObserver& o) { o.before_forward(*this, inputs); });
  Tensor output;
  try {
    output = body();
  } catch (...) {
    tell_observers([&](ForwardObserver& o) { o.abandon_forward(*this); });
    throw;
  }
  tell_observers([&](ForwardObserver& o) { o.after_forward(*this, inputs, output); });
  return output;
}

// --- hooks

static ModuleHooks& hooks_of(ModuleState& state) {
  if (!state.hooks) state.hooks = std::make_unique<ModuleHooks>();
  return *state.hooks;
}

template <class Hook>
static int64_t add_hook(ModuleState& state, Hooks<Hook> ModuleHooks::* list, Hook hook) {
  check<TypeError>(bool(hook), "{}: expected a hook that can be called, got an empty one", state.self->type_name());
  ModuleHooks& hooks = hooks_of(state);
  (hooks.*list).emplace_back(++hooks.last, std::move(hook));
  return hooks.last;
}

int64_t Module::register_forward_pre_hook(ForwardPreHook hook) { return add_hook(ModuleState::of(*this), &ModuleHooks::before, std::move(hook)); }
int64_t Module::register_forward_hook(ForwardHook hook) { return add_hook(ModuleState::of(*this), &ModuleHooks::after, std::move(hook)); }
int64_t Module::register_full_backward_pre_hook(FullBackwardPreHook hook) {
  return add_hook(ModuleState::of(*this), &ModuleHooks::backward_before, std::move(hook));
}
int64_t Module::register_full_backward_hook(FullBackwardHook hook) {
  return add_hook(ModuleState::of(*this), &ModuleHooks::backward, std::move(hook));
}

void Module::remove_hook(int64_t handle) {
  ModuleHooks* const hooks = ModuleState::of(*this).hooks.get();
  if (!hooks) return;
  const auto erase = [&](auto& list) { std::erase_if(list, [&](const auto& h) { return h.first == handle; }); };
  erase(hooks->before);
  erase(hooks->after);
  erase(hooks->backward_before);
  erase(hooks->backward);
}

}  // namespace ember::nn
