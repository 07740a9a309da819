// The parts of a training run, in one file.
#include <ember/io/checkpoint.h>

#include <cmath>
#include <cstdio>

#include "error_format.h"

namespace ember {
namespace {

Value numbers(const std::vector<double>& values) {
  Value list = Value::list();
  for (double v : values) list.append(Value(v));
  return list;
}

std::string numbered(const std::string& path, int age) {
  if (age == 0) return path;
  const std::size_t dot = path.rfind('.'), slash = path.rfind('/');
  const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return fmt::format("{}.{}{}", has_ending ? path.substr(0, dot) : path, age, has_ending ? path.substr(dot) : "");
}

const Value& part(const Value& file, const char* name, const std::string& path) {
  const Value* found = file.find(name);
  check<RuntimeError>(found != nullptr, "{}: the checkpoint has no \"{}\"", path, name);
  return *found;
}

}  // namespace

void Checkpoint::save(const std::string& path, int keep_last) const {
  Value file = Value::dict();
  if (model) file.set("model", model->state_dict());
  if (optimizer) file.set("optimizer", to_value(optimizer->state_dict()));
  if (scheduler) {
    Value state = Value::dict();
    for (const auto& [name, list] : scheduler->state_dict()) state.set(Value(name), numbers(list));
    file.set("scheduler", std::move(state));
  }
  if (loader) {
    Value state = Value::dict();
    const std::vector<int64_t>& order = loader->order();
    Tensor indices = empty({int64_t(order.size())}, kInt64);
    for (std::size_t i = 0; i < order.size(); ++i) indices.data<int64_t>()[i] = order[i];
    state.set("order", indices);
    state.set("position", loader->position());
    file.set("loader", std::move(state));
  }
  file.set("rng_state", (generator ? *generator : default_generator()).get_state());
  file.set("values", values);

  if (keep_last <= 0) return ember::save(file, path);
  // The new one is whole on disk before the old ones move up; a kill between the renames loses a name, never the newest file.
  const std::string fresh = numbered(path, keep_last + 1);
  ember::save(file, fresh);
  for (int age = keep_last; age > 0; --age) std::rename(numbered(path, age - 1).c_str(), numbered(path, age).c_str());
  check<RuntimeError>(std::rename(fresh.c_str(), path.c_str()) == 0, "cannot replace {}", path);
}

void Checkpoint::load(const std::string& path) {
  const Value file = ember::load(path);
  // Take everything apart first: nothing is changed when a part is missing or broken.
  nn::StateDict weights;
  if (model) weights = part(file, "model", path).to_state_dict();
  optim::OptimizerState optimizer_state;
  if (optimizer) optimizer_state = to_optimizer_state(part(file, "optimizer", path));
  optim::lr_scheduler::SchedulerState scheduler_state;
  if (scheduler)
    for (const Value::Entry& e : part(file, "scheduler", path).entries()) {
      std::vector<double> list;
      for (const Value& v : e.value.items()) list.push_back(v.as_float());
      scheduler_state.emplace_back(e.key.as_string(), std::move(list));
    }
  std::vector<int64_t> order;
  int64_t position = 0;
  if (loader) {
    const Value& state = part(file, "loader", path);
    const Tensor indices = state["order"].as_tensor().contiguous();
    order.assign(indices.data<int64_t>(), indices.data<int64_t>() + indices.numel());
    position = state["position"].as_int();
  }
  const Tensor random = part(file, "rng_state", path).as_tensor();
  Generator check_state;
  check_state.set_state(random);

  if (model) model->load_state_dict(weights);
  if (optimizer) optimizer->load_state_dict(optimizer_state);
  if (scheduler) scheduler->load_state_dict(scheduler_state);
  if (loader) loader->resume(std::move(order), position);
  (generator ? *generator : default_generator()).set_state(random);
  if (const Value* found = file.find("values")) values = *found;
}

}  // namespace ember
