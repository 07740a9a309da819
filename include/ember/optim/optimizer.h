// What optimisers share: parameter groups, the state of each parameter, and its exchange with PyTorch. As torch.optim.Optimizer.
//
//   optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
//   optimizer.zero_grad();
//   loss.backward();
//   optimizer.step();
#pragma once

#include <ember/tensor.h>

namespace ember::optim {

/// One entry of a group in a state dict: a real number, an integer or bool, two numbers (betas), or None.
struct Setting {
  enum Kind : std::uint8_t { None, Flag, Real, Pair };
  std::string name;
  Kind kind = None;
  double first = 0, second = 0;
};

/// The state of an optimiser in PyTorch's layout: values by parameter number, and the settings of each group.
struct OptimizerState {
  struct Param {
    int64_t index;
    std::vector<std::pair<std::string, Tensor>> values;  ///< "momentum_buffer", "exp_avg", "step" (a 0-dim float32)
  };
  struct Group {
    std::vector<Setting> settings;
    std::vector<int64_t> params;
  };
  std::vector<Param> state;
  std::vector<Group> param_groups;
};

/// What is remembered of one parameter.
struct ParamState {
  bool exists = false;
  int64_t step = 0;
  Tensor slots[3];
};

class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;  // schedulers keep a reference
  virtual ~Optimizer() = default;

  /// Moves every parameter that has a gradient.
  void step();
  /// Forgets the gradients, or fills them with zeros.
  void zero_grad(bool set_to_none = true) const;

  OptimizerState state_dict() const;
  /// Throws ValueError "loaded state dict has a different number of parameter groups" and PyTorch's other texts, before anything
  /// is changed.
  void load_state_dict(const OptimizerState& state);

  int64_t num_groups() const { return int64_t(groups_.size()); }
  const std::vector<Tensor>& group_params(int64_t group) const { return groups_[std::size_t(group)].params; }
  virtual double lr(int64_t group = 0) const = 0;
  virtual void set_lr(int64_t group, double lr) = 0;
  void set_lr(double lr) {
    for (int64_t g = 0; g < num_groups(); ++g) set_lr(g, lr);
  }
  virtual bool has_momentum() const { return false; }
  virtual double momentum(int64_t) const { return 0; }  ///< SGD's momentum, Adam's first beta
  virtual void set_momentum(int64_t, double) {}

  /// The rate a group began with: what schedulers scale. Set by the first scheduler.
  double initial_lr(int64_t group);

 protected:
  struct Group {
    std::vector<Tensor> params;
    std::vector<ParamState> states;
    double initial_lr = -1;
  };

  explicit Optimizer(const char* name) : name_(name) {}
  void add_group(std::vector<Tensor> params);  ///< throws ValueError for an empty list or a parameter given twice

  virtual void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) = 0;
  virtual std::vector<const char*> slot_names() const = 0;
  virtual bool counts_steps() const { return true; }
  virtual std::vector<Setting> settings(int64_t group) const = 0;
  virtual void set_setting(int64_t group, const Setting& setting) = 0;

  std::vector<Group> groups_;

 private:
  const char* name_;
};

/// An optimiser whose groups have their own `Options`. Options::visit(f) calls f(name, member) for each setting.
template <class Options>
struct ParamGroup {
  std::vector<Tensor> params;
  Options options = {};
};

template <class Options>
class OptimizerOf : public Optimizer {
 public:
  double lr(int64_t group = 0) const override { return options_[std::size_t(group)].lr; }
  using Optimizer::set_lr;
  void set_lr(int64_t group, double lr) override { options_[std::size_t(group)].lr = lr; }
  Options& options(int64_t group = 0) { return options_[std::size_t(group)]; }
  void add_param_group(ParamGroup<Options> group) {
    Options::check(group.options);
    add_group(static_cast<std::vector<Tensor>&&>(group.params));
    options_.push_back(group.options);
  }

 protected:
  OptimizerOf(const char* name, std::vector<Tensor> params, Options options) : Optimizer(name) {
    add_param_group({static_cast<std::vector<Tensor>&&>(params), options});
  }
  OptimizerOf(const char* name, std::vector<ParamGroup<Options>> groups) : Optimizer(name) {
    if (groups.empty()) throw ValueError("optimizer got an empty parameter list");
    for (ParamGroup<Options>& g : groups) add_param_group(static_cast<ParamGroup<Options>&&>(g));
  }
  std::vector<Setting> settings(int64_t group) const override {
    std::vector<Setting> all;
    Options copy = options_[std::size_t(group)];
    copy.visit([&](const char* name, auto& value) {
      using V = std::remove_reference_t<decltype(value)>;
      if constexpr (std::is_same_v<V, bool>) all.push_back({name, Setting::Flag, double(value)});
      else if constexpr (std::is_same_v<V, double>) all.push_back({name, Setting::Real, value});
      else if constexpr (std::is_same_v<V, std::nullptr_t>) all.push_back({name, Setting::None});
      else all.push_back({name, Setting::Pair, value.first, value.second});
    });
    return all;
  }
  void set_setting(int64_t group, const Setting& setting) override {
    options_[std::size_t(group)].visit([&](const char* name, auto& value) {
      using V = std::remove_reference_t<decltype(value)>;
      if (setting.name != name) return;
      if constexpr (std::is_same_v<V, bool>) value = setting.first != 0;
      else if constexpr (std::is_same_v<V, double>) value = setting.first;
      else if constexpr (!std::is_same_v<V, std::nullptr_t>) value = {setting.first, setting.second};
    });
  }

  std::vector<Options> options_;
};

/// Two decay rates.
struct Betas {
  double first = 0.9, second = 0.999;
};

}  // namespace ember::optim
