// Module: parameters, buffers and children under their names, a mode, and a forward function.
//
//   struct Net : nn::Module {
//     nn::Linear& hidden = add("hidden", nn::Linear(64, 32));
//     nn::BatchNorm1d& norm = add("norm", nn::BatchNorm1d(32));
//     nn::Linear& out = add("out", nn::Linear(32, 10));
//     Tensor forward(const Tensor& x) override { return out(relu(norm(hidden(x)))); }
//   };
//
// Names, order and texts are those of torch.nn.Module, so that a state_dict maps one to one. Modules move, they do not copy: what
// `add` returns stays valid when the module that holds it moves, and nn::deep_copy makes a second one. A module that was moved from
// refuses every call. A const module may be called: it is the tree that does not change, not the values in it.
#pragma once

#include <ember/nn/module_parts.h>
#include <ember/ops/then.h>

namespace ember::nn {

class Module {
 public:
  Module();
  Module(Module&& other) noexcept;
  [[gnu::unavailable("modules do not copy by = or by value: write nn::deep_copy(net)")]] Module(const Module&);
  Module& operator=(Module&&) = delete;  // references to children could not follow: make the new module in its place
  virtual ~Module();

  /// What the module computes. Modules with other signatures (losses take input and target) have their own operator(), which
  /// shows its call to observers: `return observed([&] { return mse_loss(x, target); }, x, target);`.
  virtual Tensor forward(const Tensor& x);
  /// forward with hooks. Throws TypeError "cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter or None
  /// expected)" where a parameter was given a plain tensor, RuntimeError where the forward of another module calls a member that was
  /// never add()ed. Errors get the place of the module as their second line.
  Tensor operator()(const Tensor& x) const;

  // --- one pass over memory for several modules; nn::Sequential and nn::together ask where nobody waits for the calls
  /// What the module computes, and the tail, by an operation that takes tails: the bits of forward and apply(then, ...). Undefined where it
  /// has no such operation, or not for this tail.
  virtual Tensor forward_then(const Tensor& x, const Then& then);
  /// Adds what this module computes to the tail of one before it, which will run on x and keep its number of dimensions. False, and nothing
  /// changed, where it has to run by itself.
  virtual bool join(Then& then, const Tensor& x) const;

  // --- mode
  /// Training mode for this module and all below it; it changes nothing else. As torch.nn.Module.train. A module that overrides it,
  /// to keep a part in evaluation, is asked by those above: `void train(bool on = true) override { Module::train(on); norm.eval(); }`.
  virtual void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const;

  // --- what it holds, each shared tensor once. Own parameters come first, then those of the children, as PyTorch orders them.
  std::vector<Tensor> parameters() const;
  std::vector<Tensor> buffers() const;
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  std::vector<std::pair<std::string, Tensor>> named_buffers() const;
  std::vector<Module*> children();
  std::vector<const Module*> children() const;
  std::vector<std::pair<std::string, Module*>> named_children();
  std::vector<std::pair<std::string, const Module*>> named_children() const;
  std::vector<Module*> modules();  ///< itself, then everything below
  std::vector<const Module*> modules() const;
  std::vector<std::pair<std::string, Module*>> named_modules();  ///< itself under ""
  std::vector<std::pair<std::string, const Module*>> named_modules() const;
  Module& get_submodule(const std::string& path);  ///< "layer.0"; throws when there is none, as the two below
  const Module& get_submodule(const std::string& path) const;
  Tensor get_parameter(const std::string& path) const;  ///< "layer.0.weight"
  Tensor get_buffer(const std::string& path) const;
  /// The module as what it is: net[0].as<nn::Linear>().weight. Throws TypeError when it is something else.
  template <class M>
  M& as() {
    if (M* const module = dynamic_cast<M*>(this)) return *module;
    is_no(typeid(M));
  }
  template <class M>
  const M& as() const {
    return const_cast<Module*>(this)->as<M>();
  }

  // --- state
  StateDict state_dict() const;
  /// Copies the values in place. Throws "Error(s) in loading state_dict for Net:" with every missing, unexpected and mismatched
  /// key, before anything is changed. A wrong shape throws even when not strict.
  LoadResult load_state_dict(const StateDict& state, const LoadOptions& options = {});

  void zero_grad(bool set_to_none = true) const;
  void requires_grad_(bool on = true) const;
  /// Converts floating parameters, their gradients and buffers in place: the optimiser keeps its references.
  void to(DType dtype);
  /// Runs function(module) on every child, then on this module. As torch.nn.Module.apply: for initialisation.
  void apply(const Callback<void(Module&)>& function);

  // --- hooks; the number returned removes one again. A hook may add and remove hooks: they count from the next call on.
  int64_t register_forward_pre_hook(ForwardPreHook hook);
  int64_t register_forward_hook(ForwardHook hook);
  /// As in PyTorch: they run in the backward of calls that were made while they were there. Without an input that requires grad
  /// grad_input is undefined.
  int64_t register_full_backward_pre_hook(FullBackwardPreHook hook);
  int64_t register_full_backward_hook(FullBackwardHook hook);
  void remove_hook(int64_t handle);

  /// For a module that others call without having it below them, as a frozen teacher: no part of their parameters, mode and state.
  void keep_apart();

  /// PyTorch's repr, over several lines when there are children.
  std::string repr() const;
  friend std::ostream& operator<<(std::ostream& out, const Module& module);
  virtual std::string type_name() const;                 ///< the class's name without namespaces
  virtual std::string extra_repr() const { return ""; }  ///< "in_features=784, out_features=10, bias=True"
  virtual int64_t state_version() const { return 1; }    ///< of the layout of its state

  [[gnu::unavailable("the members of a layer are reached by its type: net[0].as<nn::Linear>().weight")]] static const int weight, bias;

 protected:
  /// Takes a child over, a module or a std::unique_ptr of one, and returns it for a member to refer to.
  template <class M>
  auto& add(const std::string& name, M&& child) {
    Module& added = add_child(name, detail::take_over(static_cast<M&&>(child)));
    if constexpr (detail::owns_module<M>) return static_cast<decltype(*child.release())>(added);
    else return static_cast<M&>(added);
  }
  Module& add_child(const std::string& name, Owned<Module> child);

  /// A parameter under this name; an undefined one (a bias left out) keeps its place and is not listed.
  Tensor& add_parameter(const std::string& name, Tensor value = {});
  /// A tensor that belongs to the state but is not trained. Not persistent: not in the state_dict.
  Tensor& add_buffer(const std::string& name, Tensor value = {}, bool persistent = true);
  /// Gives a parameter its value: a leaf that requires grad.
  static void set_parameter(Tensor& parameter, Tensor value);

  /// Another instance with the same state, for clone(): `Net clone() const { return copy_of([&] { return Net(width); }); }`.
  template <class Make>
  auto copy_of(const Make& make) const {
    return detail::copy_of(*this, make);
  }

  /// Runs body() as one call of this module with these inputs.
  template <class Body, class... Inputs>
  Tensor observed(Body&& body, const Inputs&... inputs) const {
    try {
      const ModuleCall call(*this);
      if (!forward_observer()) [[likely]]
        return body();
      return show([&] { return body(); }, {inputs...});
    } catch (Error& error) {
      name_place(error, {inputs...});
      throw;
    }
  }

  /// Called before the state of this module is compared with what is loaded: a module may fill in what old files lack.
  virtual void prepare_load(StateDict& state, const std::string& prefix, int64_t version) const;

 private:
  /// While it lives, operations that record say that they belong to this module.
  class ModuleCall {
   public:
    explicit ModuleCall(const Module& module);
    ~ModuleCall() { ember::detail::current_module = before_; }
    ModuleCall(const ModuleCall&) = delete;

   private:
    const std::uint32_t before_;
  };
  Tensor call_with_hooks(const Tensor& x, bool watched);
  Tensor show(const Callback<Tensor()>& body, const std::vector<Tensor>& inputs) const;
  void name_place(Error& error, const std::vector<Tensor>& inputs) const;
  [[noreturn]] void is_no(const std::type_info& type) const;

  friend struct ModuleState;
  Shared<ModuleState> state_;
};

/// A second module with the same parameters, buffers (as copies), modes and options, which shares nothing with the first. As
/// copy.deepcopy, but for hooks and gradients, which are not copied. For classes with a default constructor, and those that say how
/// another one is made:
///
///   struct Net : nn::Module {
///     explicit Net(int64_t width);
///     Net clone() const { return copy_of([&] { return Net(width); }); }
///     const int64_t width;
///   };
///
/// What such a class keeps besides parameters, buffers and modules is what its constructor makes of it.
template <class M>
  requires std::is_base_of_v<Module, M>
auto deep_copy(const M& module) {
  if constexpr (detail::clones_itself<M>) return module.clone();
  else if constexpr (std::is_same_v<M, Module>) return ModuleEntry(detail::new_copy(module));
  else if constexpr (std::is_default_constructible_v<M>) return detail::copy_of(module, [] { return M(); });
  else
    static_assert(!std::is_same_v<M, M>,
                  "nn::deep_copy builds a second module and copies the state into it. Give the class a default constructor, or "
                  "say how one is made: Net clone() const { return copy_of([&] { return Net(arguments); }); }");
}

}  // namespace ember::nn
