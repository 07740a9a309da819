// The course of events: which call belongs to which model, how closely it is looked at, and what is said when it ends.
#include "train/doctor/session.h"

#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "error_format.h"

namespace ember::doctor {

thread_local bool grad_was_on = true;

namespace {

std::recursive_mutex mutex;
thread_local std::vector<const State*> calls;  // that are running on this thread, the outermost first
thread_local bool close_look = false;          // at every module of the call that is running

constexpr int kLinesOfOneKind = 3;

/// The first calls of a kind, then ever fewer: a look costs what fusing saves.
bool deserves_a_look(int64_t call) { return call < 4 || (call < 64 && (call & (call - 1)) == 0) || call % 64 == 0; }

const TensorImpl* first_parameter(const State& state) {
  for (const auto& p : state.parameters)
    if (p->value.defined()) return p->value.impl();
  for (const auto& [name, child] : state.children)
    if (const TensorImpl* const found = first_parameter(State::of(*child))) return found;
  return nullptr;
}

/// "features.0": where the module is in the outermost one that has it; "" of that one itself.
std::string path_in_whole(const State& state) {
  std::string path;
  for (const State* s = &state; s->parent; s = s->parent)
    for (const auto& [name, child] : s->parent->children)
      if (&State::of(*child) == s) path = path.empty() ? name : name + "." + path;
  return path;
}

/// A number that changes when modules or parameters are added or replaced.
std::size_t parts_of(const State& state, std::size_t before) {
  std::size_t parts = before * 31 + reinterpret_cast<std::size_t>(&state);
  for (const auto& p : state.parameters) parts = parts * 31 + reinterpret_cast<std::size_t>(p->value.impl());
  for (const auto& [name, child] : state.children) parts = parts_of(State::of(*child), parts);
  return parts;
}

/// Whatever goes wrong in here is no business of the training.
template <class Body>
void guarded(Session& session, Body&& body) {
  const std::lock_guard lock(mutex);
  try {
    NoGradGuard no_grad;
    body();
  } catch (const std::exception& error) {
    session.end();
    warn(fmt::format("doctor: stopped, because of an error of its own: {}", error.what()));
  }
}

}  // namespace

void Session::begin(bool of_everything) {
  const std::lock_guard lock(mutex);
  if (!active) {
    findings_.clear();
    said_.clear();
    lines_.clear();
  }
  everything = everything || of_everything;
  active = true;
  nn::add_forward_observer(*this);
}

void Session::end() {
  const std::lock_guard lock(mutex);
  last_words();
  active = everything = false;
  nn::remove_forward_observer(*this);
  roots_.clear();
  optimizers_.clear();
  watched_.clear();
  few_.clear();
  fixed_.clear();
  momenta_.clear();
  folder_.clear();
  accumulates_ = found_not_finite_ = false;
  steps_ = backwards_ = at_log_c_ = 0;
}

void Session::add(nn::Module& model, const optim::Optimizer* optimizer, const Options& options) {
  const std::lock_guard lock(mutex);
  watched_.insert(&State::of(model));
  if (optimizer) optimizers_[optimizer];
  if (!options.folder.empty()) folder_ = options.folder;
  accumulates_ = accumulates_ || options.accumulates;
}

std::vector<Finding> Session::findings() {
  const std::lock_guard lock(mutex);
  last_words();
  return findings_;
}

void Session::last_words() {
  try {
    settle_prediction();
    settle_evaluation(false);
    for (auto& [optimizer, watched] : optimizers_) settle_reached(watched);
    flush();
  } catch (const std::exception& error) {
    warn(fmt::format("doctor: {}", error.what()));
  }
}

// --- modules

/// The model that this call from outside belongs to: the module that is called, one that it is a part of, or the watched part of it. Null when
/// it is none of ours, or no model (a loss, an activation).
Root* Session::root_of(const nn::Module& module, const std::vector<Tensor>& inputs) {
  const State* state = &State::of(module);
  bool watched = everything;
  for (const State* s = state; s; s = s->parent) {
    watched |= watched_.count(s) > 0;
    if (Root* const root = known_root(*s)) return root;
  }
  if (!watched) state = watched_below(*state);
  if (!state) return nullptr;
  if (Root* const root = known_root(*state)) return root;
  if (inputs.empty() || (state->children.empty() && state->parameters.empty() && state->buffers.empty())) return nullptr;
  if (roots_.size() > 256) {  // models that came and went
    roots_.clear();
    few_.clear();
    fixed_.clear();
    momenta_.clear();
    evaluations_.clear();
  }
  Root& root = roots_[state];
  root.state = state;
  root.first = first_parameter(*state);
  return &root;
}

Root* Session::known_root(const State& state) {
  const auto found = roots_.find(&state);
  if (found == roots_.end()) return nullptr;
  if (found->second.first != first_parameter(state)) found->second = {};  // another model where a former one was
  found->second.state = &state;
  found->second.first = first_parameter(state);
  return &found->second;
}

const State* Session::watched_below(const State& state) const {
  for (const auto& [name, child] : state.children) {
    const State& below = State::of(*child);
    if (watched_.count(&below)) return &below;
    if (const State* const found = watched_below(below)) return found;
  }
  return nullptr;
}

void Session::find_places(Root& root, const nn::Module& module, const std::string& path) {
  const State& state = State::of(module);
  Place& place = root.places[&state];
  place.path = path.empty() ? "(root)" : path;
  place.type = module.type_name();
  if (dynamic_cast<const nn::BatchNormBase*>(&module))
    for (const auto& p : state.parameters)
      if (p->value.defined()) root.of_norms.insert(p->value.impl());
  for (const auto& [name, child] : state.children) find_places(root, *child, path.empty() ? name : path + "." + name);
}

bool Session::sees_each_module() const { return close_look; }

void Session::begin_call(const nn::Module& module, const std::vector<Tensor>& inputs) {
  Root* const root = root_of(module, inputs);
  settle_prediction();
  settle_evaluation(root && !evaluations_.empty() && root != evaluations_[0].root && grad_was_on);
  root_ = root;
  if (!root) return;
  const Tensor& x = inputs[0];
  for (auto& [state, other] : roots_)
    if (&other != root && other.output.defined() && x.defined() && x.data_ptr() == other.output.data_ptr()) other.generates = true;
  const bool recording = grad_was_on, training = module.is_training();
  const int samples = x.defined() && x.dim() > 0 ? int(std::min<int64_t>(x.size(0), 9)) : 0;
  close_look = deserves_a_look(root->calls[samples * 4 + training * 2 + recording]++);
  root->called = Called(module);
  root->recorded |= recording;
  root->input = recording && inputs.size() == 1 ? x : Tensor();
  if (!close_look) return;
  if (const std::size_t made_of = parts_of(*root->state, 0); made_of != root->made_of) {
    const nn::Module& model = *root->state->self;
    const std::string path = path_in_whole(*root->state);
    root->made_of = made_of;
    auto before = std::move(root->places);
    root->places.clear();
    root->of_norms.clear();
    root->type = model.type_name();
    find_places(*root, model, path);
    for (auto& [state, place] : root->places)
      if (const auto known = before.find(state); known != before.end() && known->second.path == place.path) place = std::move(known->second);
    root->parameters = model.named_parameters();
    for (auto& [name, p] : root->parameters) name = path.empty() ? name : path + "." + name;
  }
  biased_ = nullptr;
  last_relu_ = nullptr;
  if (recording && training && x.defined()) check_input(*root, x);
}

void Session::end_call() {
  close_look = false;
  root_ = nullptr;
  if (optimizers_.size() < 2) settle_evaluation(false);  // nobody else could go on with the result
  flush();
}

void Session::before_forward(const nn::Module& module, const std::vector<Tensor>& inputs) {
  if (!active || busy_) return;
  grad_was_on = is_grad_enabled();
  const State* const state = &State::of(module);
  if (calls.empty()) guarded(*this, [&] { begin_call(module, inputs); });
  calls.push_back(state);
  if (!close_look || !root_ || inputs.size() != 1 || !inputs[0].defined()) return;
  guarded(*this, [&] {
    const auto place = root_->places.find(state);
    if (place == root_->places.end()) return;
    const Tensor& x = inputs[0];
    if (const auto* norm = dynamic_cast<const nn::BatchNormBase*>(&module)) {
      before_norm(*norm, place->second, x);
    } else if (grad_was_on && module.is_training() && !state->parameters.empty() && x.is_floating_point() && x.requires_grad()) {
      check_dead(place->second, x, false);
    }
  });
}

void Session::after_forward(const nn::Module& module, const std::vector<Tensor>& inputs, const Tensor& output) {
  if (!active || busy_ || calls.empty()) return;
  const State* const state = &State::of(module);
  calls.pop_back();
  if (close_look && root_ && inputs.size() == 1 && output.defined())
    guarded(*this, [&] {
      const auto place = root_->places.find(state);
      if (place == root_->places.end()) return;
      if (const auto* norm = dynamic_cast<const nn::BatchNormBase*>(&module)) after_norm(*norm, place->second, inputs[0]);
      if (place->second.type == "ReLU" && grad_was_on && module.is_training()) check_dead(place->second, output, true);
      for (const auto& p : state->parameters)
        if (p->name == "bias" && p->value.defined() && (place->second.type == "Linear" || place->second.type.starts_with("Conv"))) {
          biased_ = output.impl();
          biased_path_ = place->second.path;
        }
    });
  if (!calls.empty()) return;
  guarded(*this, [&] {
    if (root_ && optimizers_.size() >= 2 && output.defined()) root_->output = output.detach();
    end_call();
  });
}

void Session::abandon_forward(const nn::Module&) {
  if (!active || busy_ || calls.empty()) return;
  calls.pop_back();
  if (calls.empty()) guarded(*this, [&] { end_call(); });
}

// --- losses and optimisers

void Session::on_loss(const Tensor& loss) {
  if (!active || busy_) return;
  guarded(*this, [&] {
    predictions_.clear();  // it was training
    for (auto& [optimizer, watched] : optimizers_) {
      watched.backwards = true;
      watched.cleared = false;
      if (!watched.dirty) continue;
      bool clear = true;  // whoever did it, and however
      for (const optim::ParamGroup& group : optimizer->param_groups)
        for (const Tensor& p : group.params)
          if (clear && p.grad().defined()) clear = !p.grad().detach().ne(0).any().item<bool>();
      watched.dirty = !clear;
    }
    check_loss(loss);
    ++backwards_;
    flush();
  });
}

void Session::on_optimizer(const optim::Optimizer& optimizer, optim::OptimizerEvent event) {
  using Event = optim::OptimizerEvent;
  if (event == Event::Destroyed) {
    const std::lock_guard lock(mutex);
    if (const auto found = optimizers_.find(&optimizer); found != optimizers_.end()) {
      if (active) settle_reached(found->second);
      optimizers_.erase(found);
      flush();
    }
    return;
  }
  if (!active || busy_ || (!everything && !optimizers_.count(&optimizer))) return;
  guarded(*this, [&] {
    Watched& watched = optimizers_[&optimizer];
    if (event == Event::ZeroGrad) {
      watched.dirty = false;
      watched.cleared = watched.backwards;
    }
    if (event != Event::Step) return;
    if (watched.dirty && watched.backwards && !accumulates_)
      say("forgotten_zero_grad", "optimizer",
          "a step was taken with the gradients of the step before still in them: zero_grad() was not called in between",
          "optimizer.zero_grad() before each backward(); if they are to accumulate, say so: doctor::Options{.accumulates = true}");
    settle_evaluation(false);
    norms_at_step(optimizer);
    check_finite(optimizer, watched);
    check_twice(optimizer, watched);
    if (watched.steps < kStepsUntilReached) check_reached(optimizer, watched);
    if (deserves_a_look(watched.steps) || watched.look_again) check_membership(optimizer, watched);
    if (watched.steps == 0) note_weight_decay(optimizer);
    if (deserves_a_look(watched.steps)) check_gradients(optimizer, watched);
    watched.dirty = true;
    watched.backwards = false;
    ++watched.steps;
    ++steps_;
    for (auto& [state, root] : roots_) root.input = root.output = {}, root.called = {}, root.recorded = false;
    flush();
  });
}

// --- what is said

void Session::say(const std::string& finding, const std::string& module, const std::string& text, const std::string& cure, bool note) {
  if (!said_.insert({finding, module}).second || lines_[finding] >= kLinesOfOneKind) return;
  Pending& pending = pending_[finding];
  if (pending.modules.empty()) {
    pending.text = text;
    pending.step = steps_;
  }
  pending.cure = cure;
  pending.note = note;
  pending.modules.push_back(module);
}

void Session::flush() {
  std::map<std::string, Pending> pending;
  pending.swap(pending_);
  for (const auto& [name, p] : pending) {
    ++lines_[name];
    std::string where = p.modules[0];
    if (p.modules.size() > 1) where += fmt::format(" and {} more", p.modules.size() - 1);
    const Finding finding{p.step, where, name, p.text, p.cure, p.note};
    findings_.push_back(finding);
    if (!folder_.empty()) {
      const nlohmann::ordered_json line = {{"step", finding.step}, {"module", where}, {"finding", name},
                                           {"text", p.text},       {"cure", p.cure},  {"kind", p.note ? "note" : "fault"}};
      std::ofstream(folder_ + "/doctor.jsonl", std::ios::app) << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    }
    if (!p.note) warn(fmt::format("doctor: {}: {}. Cure: {} [step {}, {}]", where, p.text, p.cure, p.step, name));
  }
}

}  // namespace ember::doctor
