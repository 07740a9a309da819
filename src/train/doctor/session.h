// What the doctor knows while it watches. Events of modules, losses and optimisers come in; findings go out.
#pragma once

#include <ember/nn/batch_norm.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/train/doctor.h>

#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "nn/module_state.h"

namespace ember::doctor {

using State = nn::ModuleState;

/// A module that may end meanwhile.
class Called {
 public:
  Called() = default;
  explicit Called(const nn::Module& module) : state_(Shared<State>::of(State::of(module))) {}
  nn::Module* module() const { return state_ ? state_->self : nullptr; }  ///< null when it is gone

 private:
  Shared<State> state_;
};

/// One module of a watched model.
struct Place {
  std::string path, type;
  int64_t largest_batch = 0;  // of the batch norm's training so far
  int64_t trained = 0;        // calls that were looked at, with gradients, in training
  bool averages_by_momentum = false;
  std::vector<int> constant;  // channel by channel: how many looks in a row found no variation
  std::vector<int> zero;      // so for features that are 0 for every sample
  Tensor mean_before;         // of the running statistics, while a call moves them that should not
};

/// A model: what is called from outside of all other modules.
struct Root {
  const State* state = nullptr;
  std::string type;
  const TensorImpl* first = nullptr;  // parameter: by which another model at the same address is known
  std::unordered_map<const State*, Place> places;
  std::vector<std::pair<std::string, Tensor>> parameters;
  std::unordered_set<const TensorImpl*> of_norms;  // their weights and biases
  std::map<int, int64_t> calls;                    // by mode, recording and size of the batch
  Called called;                                   // itself, from its call until the step that follows
  bool recorded = false;                           // it was called with gradients, until then
  Tensor input;                                    // of the last recorded call, until then
  std::size_t made_of = 0;                         // its modules and parameters, when they were looked at
  Tensor output;                                   // likewise, while there are several optimisers
  bool generates = false;                          // another model, with an optimiser of its own, goes on with its output
};

constexpr int64_t kStepsUntilReached = 16;  // by then every branch of a model has had its turn

struct Watched {  // an optimiser
  int64_t steps = 0;
  bool dirty = false;                                     // gradients of a step that was taken may still be there
  bool backwards = false;                                 // since the last step
  bool cleared = false;                                   // zero_grad() came between backward() and step()
  std::vector<std::pair<std::string, Tensor>> unreached;  // parameters that had no gradient yet
  std::unordered_map<const TensorImpl*, int> outside;     // steps in which one that no optimiser has got a gradient
  bool look_again = false;                                // at those, in the next step
  int vanishing = 0, exploding = 0;                       // looks in a row
};

/// Something to say, gathered over the modules that it concerns.
struct Pending {
  std::vector<std::string> modules;
  int64_t step = 0;
  std::string text, cure;
  bool note = false;
};

class Session final : public nn::ForwardObserver {
 public:
  void begin(bool everything);
  void end();
  void add(nn::Module& model, const optim::Optimizer* optimizer, const Options& options);
  void write_to(const std::string& folder) { folder_ = folder; }
  std::vector<Finding> findings();
  void last_words();  // what waited for more to be seen

  bool sees_each_module() const override;
  void before_forward(const nn::Module& module, const std::vector<Tensor>& inputs) override;
  void after_forward(const nn::Module& module, const std::vector<Tensor>& inputs, const Tensor& output) override;
  void abandon_forward(const nn::Module& module) override;
  void on_loss(const Tensor& loss);
  void on_optimizer(const optim::Optimizer& optimizer, optim::OptimizerEvent event);

  bool everything = false, active = false;

 private:
  // session.cpp
  Root* root_of(const nn::Module& module, const std::vector<Tensor>& inputs);
  Root* known_root(const State& state);
  const State* watched_below(const State& state) const;
  void find_places(Root& root, const nn::Module& module, const std::string& path);
  void begin_call(const nn::Module& module, const std::vector<Tensor>& inputs);
  void end_call();
  void say(const std::string& finding, const std::string& module, const std::string& text, const std::string& cure, bool note = false);
  void flush();

  // batch_norm.cpp
  void before_norm(const nn::BatchNormBase& norm, Place& place, const Tensor& x);
  void after_norm(const nn::BatchNormBase& norm, Place& place, const Tensor& x);
  void check_evaluation(const nn::BatchNormBase& norm, Place& place, const Tensor& x);
  void settle_prediction();
  void settle_evaluation(bool other_model_goes_on);
  void norms_at_step(const optim::Optimizer& optimizer);

  // layers.cpp
  void check_input(Root& root, const Tensor& x);
  void check_dead(Place& place, const Tensor& x, bool is_output);
  void check_twice(const optim::Optimizer& optimizer, const Watched& watched);
  void check_reached(const optim::Optimizer& optimizer, Watched& watched);
  void settle_reached(Watched& watched);
  void check_membership(const optim::Optimizer& optimizer, Watched& watched);
  void check_gradients(const optim::Optimizer& optimizer, Watched& watched);
  void note_weight_decay(const optim::Optimizer& optimizer);

  // numbers.cpp
  void check_loss(const Tensor& loss);
  void check_finite(const optim::Optimizer& optimizer, const Watched& watched);
  void find_first_not_finite(const std::string& seen);

  std::unordered_map<const State*, Root> roots_;
  std::unordered_map<const optim::Optimizer*, Watched> optimizers_;
  std::set<const State*> watched_;  // models that watch() named
  std::string folder_;
  bool accumulates_ = false;
  int64_t steps_ = 0, backwards_ = 0;
  std::vector<Finding> findings_;
  std::map<std::string, Pending> pending_;              // by finding, until the end of the event
  std::set<std::pair<std::string, std::string>> said_;  // finding and module
  std::map<std::string, int> lines_;                    // how often a finding was said

  struct Few {
    std::string path;
    int64_t values, usual;
    bool one_sample;
    const Root* root;
  };
  std::vector<Few> few_;  // since the last step: batch norms with very few values
  struct Fixed {
    std::string path;
    const TensorImpl* weight;
    const Root* root;
  };
  std::vector<Fixed> fixed_;  // in evaluation while something was recorded
  struct Momentum {
    std::string path;
    double value;
    const Root* root;
  };
  std::vector<Momentum> momenta_;         // of those in training
  std::vector<std::string> predictions_;  // one sample in training mode, recorded: training or not?
  struct Evaluation {
    std::string path, type, moved;
    int64_t samples;
    const Root* root;
  };
  std::vector<Evaluation> evaluations_;  // in training mode without gradients
  Root* root_ = nullptr;                 // of the call that runs
  TensorImpl* biased_ = nullptr;         // output of the last layer with a bias, and where that is
  std::string biased_path_;
  const TensorImpl* last_relu_ = nullptr;
  int64_t at_log_c_ = 0;
  bool found_not_finite_ = false, busy_ = false;
};

/// Was recording on where the call that is looked at came from? The doctor itself records nothing.
extern thread_local bool grad_was_on;

/// Of a float tensor (N, C, ...): values for each channel.
Tensor by_channel(const Tensor& x);
/// holds(values of each channel), which must be false for a channel where it is false for some of the samples: most are decided by a few.
Tensor per_channel(const Tensor& x, Tensor (*holds)(const Tensor& channels));
bool all_finite(const Tensor& x);

}  // namespace ember::doctor
