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
// `add` returns stays valid when the module that holds it moves.
#pragma once

#include <ember/autograd.h>
#include <ember/nn/state_dict.h>
#include <ember/ops/then.h>

namespace ember::nn {

struct ModuleState;
class Module;

/// Sees every call of a module while it is set, on every thread: for traces and profilers. One that is set in the middle of a call
/// sees only its end. While there is one, modules that would otherwise be computed together run one by one, unless it can do without.
struct ForwardObserver {
  virtual bool sees_each_module() const { return true; }  ///< false: not those that are computed together
  virtual void before_forward(const Module& module, const std::vector<Tensor>& inputs) = 0;
  virtual void after_forward(const Module& module, const std::vector<Tensor>& inputs, const Tensor& output) = 0;
  virtual void abandon_forward(const Module& module) = 0;  ///< forward has thrown

 protected:
  ~ForwardObserver() = default;
};
/// Null removes it. Returns the one that was set before.
ForwardObserver* set_forward_observer(ForwardObserver* observer);
ForwardObserver* forward_observer();

/// May change the input of forward: a defined result replaces it.
using ForwardPreHook = Callback<Tensor(Module&, const Tensor& input)>;
/// May change the output of forward: a defined result replaces it.
using ForwardHook = Callback<Tensor(Module&, const Tensor& input, const Tensor& output)>;

class Module {
 public:
  Module();
  Module(Module&& other) noexcept;
  Module& operator=(Module&&) = delete;  // references to children could not follow
  virtual ~Module();

  /// What the module computes. Modules with other signatures (losses take input and target) have their own operator(), which
  /// shows its call to observers: `return observed([&] { return mse_loss(x, target); }, x, target);`.
  virtual Tensor forward(const Tensor& x);
  Tensor operator()(const Tensor& x);

  // --- one pass over memory for several modules; nn::Sequential and nn::together ask where nobody waits for the calls
  /// What the module computes, and the tail, by an operation that takes tails: the bits of forward and apply(then, ...). Undefined where it
  /// has no such operation, or not for this tail.
  virtual Tensor forward_then(const Tensor& x, const Then& then);
  /// Adds what this module computes to the tail of one before it, which will run on x and keep its number of dimensions. False, and nothing
  /// changed, where it has to run by itself.
  virtual bool join(Then& then, const Tensor& x) const;

  // --- mode
  /// Training mode for this module and all below it; it changes nothing else. As torch.nn.Module.train.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const;

  // --- what it holds, each shared tensor once. Own parameters come first, then those of the children, as PyTorch orders them.
  std::vector<Tensor> parameters() const;
  std::vector<Tensor> buffers() const;
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  std::vector<std::pair<std::string, Tensor>> named_buffers() const;
  std::vector<std::pair<std::string, Module*>> named_children() const;
  std::vector<std::pair<std::string, Module*>> named_modules();  ///< itself under "", then everything below
  Module& get_submodule(const std::string& path);                ///< "layer.0"; throws when there is none

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

  // --- hooks; the number returned removes one again
  int64_t register_forward_pre_hook(ForwardPreHook hook);
  int64_t register_forward_hook(ForwardHook hook);
  void remove_hook(int64_t handle);

  /// PyTorch's repr, over several lines when there are children.
  std::string repr() const;
  virtual std::string type_name() const;                  ///< the class's name without namespaces
  virtual std::string extra_repr() const { return ""; }   ///< "in_features=784, out_features=10, bias=True"
  virtual int64_t state_version() const { return 1; }     ///< of the layout of its state

 protected:
  /// Takes a child over and returns it, for a member to refer to.
  template <class M>
  M& add(const std::string& name, M&& child) {
    static_assert(!std::is_lvalue_reference_v<M>, "add takes a module over: build it in place or std::move it");
    M* own = new M(static_cast<M&&>(child));
    add_child(name, own);
    return *own;
  }
  void add_child(const std::string& name, Module* child);

  /// A parameter under this name; an undefined one (a bias left out) keeps its place and is not listed.
  Tensor& add_parameter(const std::string& name, Tensor value = {});
  /// A tensor that belongs to the state but is not trained. Not persistent: not in the state_dict.
  Tensor& add_buffer(const std::string& name, Tensor value = {}, bool persistent = true);
  /// Gives a parameter its value: a leaf that requires grad.
  static void set_parameter(Tensor& parameter, Tensor value);

  /// Runs body() as one call of this module with these inputs.
  template <class Body, class... Inputs>
  Tensor observed(Body&& body, const Inputs&... inputs) const {
    if (!forward_observer()) [[likely]] return body();
    return show([&] { return body(); }, {inputs...});
  }

  /// Called before the state of this module is compared with what is loaded: a module may fill in what old files lack.
  virtual void prepare_load(StateDict& state, const std::string& prefix, int64_t version) const;

 private:
  Tensor show(const Callback<Tensor()>& body, const std::vector<Tensor>& inputs) const;

  friend struct ModuleState;
  ModuleState* state_;
};

}  // namespace ember::nn
