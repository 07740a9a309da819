// What belongs to nn::Module beside the class: observers, hooks, how a module is taken over by another, and how it is copied.
#pragma once

#include <ember/autograd.h>
#include <ember/nn/state_dict.h>
#include <ember/owned.h>

#include <typeinfo>

namespace ember::nn {

struct ModuleState;
class Module;
void delete_owned(Module* module);  ///< of Owned<Module>

/// Sees every call of a module from add_forward_observer to remove_forward_observer, on every thread: for traces and profilers. One that is
/// added in the middle of a call sees only its end. While there is one, modules that would otherwise be computed together run one by one. It
/// has to outlive the calls that are running when it is removed.
struct ForwardObserver {
  virtual bool sees_each_module() const { return true; }  ///< false: not those that are computed together
  virtual void before_forward(const Module& module, const std::vector<Tensor>& inputs) = 0;
  virtual void after_forward(const Module& module, const std::vector<Tensor>& inputs, const Tensor& output) = 0;
  virtual void abandon_forward(const Module& module) = 0;  ///< forward has thrown
  ForwardObserver* next = nullptr;                         ///< that watches as well; add and remove write it

 protected:
  ~ForwardObserver() = default;
};
void add_forward_observer(ForwardObserver& observer);     ///< one that is there already stays there once
void remove_forward_observer(ForwardObserver& observer);  ///< nothing happens where it is not there
ForwardObserver* forward_observer();                      ///< the first of them; null when nobody watches

/// May change the input of forward: a defined result replaces it.
using ForwardPreHook = Callback<Tensor(Module&, const Tensor& input)>;
/// May change the output of forward: a defined result replaces it.
using ForwardHook = Callback<Tensor(Module&, const Tensor& input, const Tensor& output)>;
/// May change the gradient of the output before it goes back through the module.
using FullBackwardPreHook = Callback<Tensor(Module&, const Tensor& grad_output)>;
/// May change the gradient of the input when it is complete.
using FullBackwardHook = Callback<Tensor(Module&, const Tensor& grad_input, const Tensor& grad_output)>;

namespace detail {
/// A std::unique_ptr of a module, or whatever else hands one over by release().
template <class Pointer>
concept owns_module = !std::is_lvalue_reference_v<Pointer> && requires(Pointer pointer) { static_cast<Module*>(pointer.release()); };
template <class M>
auto take_over(M&& module);  // an Owned<Module>; deduced, so that what it refuses is a compiler's first message
}  // namespace detail

/// A module on its way into a container, perhaps with a name.
class ModuleEntry {
 public:
  template <class M>
    requires std::is_base_of_v<Module, M>
  ModuleEntry(M&& module);
  template <class M>
    requires std::is_base_of_v<Module, M>
  ModuleEntry(const char* name, M&& module);
  template <class Pointer>
    requires detail::owns_module<Pointer>
  ModuleEntry(Pointer&& pointer) : module_(detail::take_over(static_cast<Pointer&&>(pointer))) {}
  template <class Pointer>
    requires detail::owns_module<Pointer>
  ModuleEntry(const char* name, Pointer&& pointer) : name_(name), module_(detail::take_over(static_cast<Pointer&&>(pointer))) {}
  ModuleEntry(const ModuleEntry&) = delete;
  ~ModuleEntry();

  const char* name() const { return name_; }  ///< null when it has none
  Owned<Module> take() const;
  Module* release();
  Module& operator*() const { return *module_; }
  Module* operator->() const { return module_.get(); }

 private:
  const char* name_ = nullptr;
  mutable Owned<Module> module_;  // an initializer_list hands its elements out as const
};

namespace detail {

template <class M>
concept clones_itself = requires(const M& module) { requires std::is_same_v<decltype(module.clone()), M>; };

/// How a module that is only known as a Module& is copied: what the class that took it over knew of its type. Null where the type
/// cannot be copied.
struct Copier {
  Owned<Module> (*create)(const Module& from) = nullptr;
  void (*replace)(const Module& from, Module& at) = nullptr;  ///< builds the copy where `at`, of the same type, is
};
/// From now on the layers of the library are known by their dynamic types, too. Programs that never hand over a std::unique_ptr do not carry
/// that table, and with it every layer.
void know_layers();
void remember_type(Module& module, const std::type_info& type, const Copier& copier);  ///< throws when it is of a derived type
Owned<Module> new_copy(const Module& module);
void copy_state(Module& to, const Module& from);

/// While it lives, this thread draws from a generator of its own in place of the default one: nobody sees what it draws.
class DrawsApart {
 public:
  DrawsApart();
  ~DrawsApart();
  DrawsApart(const DrawsApart&) = delete;

 private:
  const Owned<Generator> own_;
  Generator* const before_;
};

template <class M, class Make>
auto copy_of(const M& module, const Make& make) {
  auto copy = [&] {
    const DrawsApart apart;
    return make();
  }();
  copy_state(copy, module);
  return copy;
}

template <class M>
M copied(const Module& from) {
  const M& module = static_cast<const M&>(from);
  if constexpr (clones_itself<M>) return module.clone();
  else return copy_of(module, [] { return M(); });
}
template <class M>
constexpr Copier copier_of() {
  if constexpr (clones_itself<M> || (std::is_default_constructible_v<M> && !std::is_abstract_v<M>))
    return {[](const Module& from) { return Owned<Module>::make<M>(copied<M>(from)); },
            [](const Module& from, Module& at) {
              M copy = copied<M>(from);
              M& place = static_cast<M&>(at);
              place.~M();
              ::new (static_cast<void*>(&place)) M(static_cast<M&&>(copy));
            }};
  else return {};
}
template <class M>
inline constexpr Copier kCopier = copier_of<M>();

template <class M>
auto take_over(M&& module) {
  static_assert(!std::is_lvalue_reference_v<M>, "a module is taken over, not copied: build it in place or std::move it");
  static_assert(!std::is_same_v<M, Module>,
                "this would cut the layer down to a plain Module: hand over the std::unique_ptr itself, append(std::move(layer))");
  if constexpr (owns_module<M>) {
    know_layers();
    return Owned<Module>(module.release());
  } else {
    remember_type(module, typeid(M), kCopier<M>);
    return Owned<Module>::make<M>(static_cast<M&&>(module));
  }
}

}  // namespace detail

template <class M>
  requires std::is_base_of_v<Module, M>
ModuleEntry::ModuleEntry(M&& module) : module_(detail::take_over(static_cast<M&&>(module))) {}
template <class M>
  requires std::is_base_of_v<Module, M>
ModuleEntry::ModuleEntry(const char* name, M&& module) : name_(name), module_(detail::take_over(static_cast<M&&>(module))) {}

}  // namespace ember::nn
