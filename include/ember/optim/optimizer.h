// Optimizer: what changes parameters by their gradients. Parameter groups, states and their layout are those of torch.optim.
//
//   optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
//   optimizer.zero_grad();
//   loss.backward();
//   optimizer.step();
#pragma once

#include <ember/autograd.h>

#include <string>
#include <utility>
#include <vector>

namespace ember::optim {

/// Stands for a number that a group leaves to the optimiser's defaults.
inline constexpr double kDefault = __builtin_nan("");

/// A flag that a group may leave to the optimiser's defaults.
class Flag {
 public:
  constexpr Flag() = default;
  constexpr Flag(bool value) : value_(value) {}
  constexpr operator bool() const { return value_ > 0; }
  constexpr bool is_set() const { return value_ >= 0; }

 private:
  signed char value_ = -1;
};

/// How fast the moving averages of the gradient and of its square forget.
struct Betas {
  double first = kDefault, second = kDefault;
};
/// Two numbers of another meaning; where PyTorch takes None, a NaN stands for it.
using Pair = Betas;
struct Triple {
  double first = kDefault, second = kDefault, third = kDefault;
};

/// Parameters that share their settings. A setting left out has the optimiser's default; those that the optimiser does not have
/// are ignored. As PyTorch's dictionaries: {.params = head.parameters(), .lr = 0.1}.
struct ParamGroup {
  std::vector<Tensor> params = {};
  double lr = kDefault;
  Betas betas = {};
  double alpha = kDefault, rho = kDefault, eps = kDefault, momentum = kDefault, dampening = kDefault, lr_decay = kDefault, weight_decay = kDefault,
         momentum_decay = kDefault, initial_accumulator_value = kDefault;
  Flag nesterov = {}, amsgrad = {}, centered = {}, decoupled_weight_decay = {}, maximize = {};
  double initial_lr = kDefault, max_lr = kDefault, min_lr = kDefault, max_momentum = kDefault,
         base_momentum = kDefault;                                               ///< what schedulers remember
  Pair etas = {}, step_sizes = {}, epsilons = {};                                ///< Rprop; Adafactor's eps
  double lambd = kDefault, t0 = kDefault, beta2_decay = kDefault, d = kDefault;  ///< ASGD; Adafactor
  Triple ns_coefficients = {};                                                   ///< Muon
  double ns_steps = kDefault;
  std::string adjust_lr_fn = {};
  double max_iter = kDefault, max_eval = kDefault, tolerance_grad = kDefault, tolerance_change = kDefault, history_size = kDefault;  ///< LBFGS
  std::string line_search_fn = {};
};

/// What an optimiser knows, in the layout of torch.optim.Optimizer.state_dict: ready to be written to a file of either side.
struct OptimizerState {
  /// None, a bool, a number, a whole number, two or three numbers (betas), or a word. A NaN in a pair is PyTorch's None.
  struct Setting {
    enum Kind : std::uint8_t { None, Bool, Real, Int, Pair, Triple, Text };
    std::string name;
    Kind kind = None;
    double value = 0, second = 0, third = 0;
    std::string text = {};
  };
  struct Group {
    std::vector<Setting> settings;
    std::vector<int64_t> params;  ///< numbers of its parameters, counted through all groups
  };
  /// State of one parameter by name: "step" (float32, no dimension), "exp_avg", "momentum_buffer", ...; LBFGS has numbers that are no
  /// tensors ("n_iter") and lists ("old_dirs"), too.
  struct Entry {
    int64_t param = 0;
    std::vector<std::pair<std::string, Tensor>> values;
    std::vector<Setting> numbers;
    std::vector<std::pair<std::string, std::vector<Tensor>>> lists;
  };
  std::vector<Entry> state;
  std::vector<Group> param_groups;
};

class Optimizer;
enum class OptimizerEvent : std::uint8_t { Created, Step, ZeroGrad, Destroyed };
/// Told of every optimiser while it is set: Created and Step before they happen to the parameters, ZeroGrad after. Null removes it.
using OptimizerObserver = void (*)(const Optimizer&, OptimizerEvent);
void set_optimizer_observer(OptimizerObserver observer);

struct Method;
struct ParamState;
struct Pass;

class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Changes every parameter that has a gradient; the others, and their states, stay as they are. One pass over all parameters,
  /// without an allocation once the states exist.
  void step();

  /// The same with the loss that closure() computes, and its result: for loops that put zero_grad, forward and backward there. LBFGS has
  /// only this one, since it evaluates the loss at several places; its step() throws TypeError.
  template <class Closure>
  Tensor step(Closure&& closure) {
    return step_with([&closure]() -> Tensor { return closure(); });
  }

  /// Forgets all gradients, or sets them to zero: a parameter with a zero gradient is still moved by momentum and weight decay.
  void zero_grad(bool set_to_none = true);

  /// Throws ValueError for a parameter that is not a leaf, or that another group has.
  void add_param_group(ParamGroup group);

  /// The state's tensors are those of the optimiser, not copies.
  virtual OptimizerState state_dict() const;
  /// Takes copies, converted to the parameters' dtypes. Throws ValueError when the groups differ in number or size.
  virtual void load_state_dict(const OptimizerState& state);

  std::string repr() const;  ///< PyTorch's, over several lines

  std::vector<ParamGroup> param_groups;  ///< settings may be changed between steps: param_groups[0].lr = 0.01

  bool has_momentum() const;  ///< has a setting "momentum": SGD, RMSprop
  bool has_betas() const;
  int64_t steps() const { return steps_; }  ///< how often step() was called

 protected:
  Optimizer(const Method& method, std::vector<ParamGroup> groups, ParamGroup defaults);
  virtual Tensor step_with(const Callback<Tensor()>& closure);
  void announce_step();  ///< tells the observer, and counts

 private:
  ParamState& start(const ParamGroup& group, const Tensor& parameter, ParamState& state);
  void prepare(const ParamGroup& group, std::vector<ParamState>& states);
  void collect(const ParamGroup& group, std::vector<ParamState>& states);
  void follow_formula(const ParamGroup& group, std::vector<ParamState>& states);

  const Method& method_;
  ParamGroup defaults_;
  int64_t steps_ = 0;
  Owned<std::vector<std::vector<ParamState>>> states_;  // as param_groups and their params
  Owned<Pass> pass_;
};

/// One group of all parameters.
std::vector<ParamGroup> one_group(std::vector<Tensor> params);

/// An optimiser with these options: for parameters, for groups of them, or for a module. Options by name, or the first ones as PyTorch
/// orders them: Adam(net.parameters(), {.lr = 1e-3}), Adam(net.parameters(), 1e-3), SGD(net, 0.1, 0.9).
template <class Options>
class OptimizerWith : public Optimizer {
 public:
  explicit OptimizerWith(std::vector<ParamGroup> groups, Options options = {});
  explicit OptimizerWith(std::vector<Tensor> params, Options options = {}) : OptimizerWith(one_group(std::move(params)), options) {}
  template <class M>
    requires requires(const M& module) { std::vector<Tensor>(module.parameters()); }
  explicit OptimizerWith(const M& module, Options options = {}) : OptimizerWith(module.parameters(), options) {}
  template <class Source, class... Numbers>
    requires(sizeof...(Numbers) > 0 && (std::is_arithmetic_v<Numbers> && ...) && requires(Numbers... numbers) { Options{double(numbers)...}; })
  OptimizerWith(Source&& source, Numbers... numbers) : OptimizerWith(static_cast<Source&&>(source), Options{double(numbers)...}) {}
};

}  // namespace ember::optim
