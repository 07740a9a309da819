#include <ember/io/checkpoint.h>

#include <cmath>
#include <cstdio>

#include "error_format.h"

namespace ember {
namespace {

using Setting = optim::OptimizerState::Setting;

Value setting_value(const Setting& s) {
  switch (s.kind) {
    case Setting::None: return Value();
    case Setting::Bool: return Value(s.value != 0);
    case Setting::Pair: return Value::tuple({Value(s.value), Value(s.second)});
    default: return Value(s.value);
  }
}

Setting to_setting(const std::string& name, const Value& v) {
  switch (v.kind()) {
    case Value::Bool: return {name, Setting::Bool, double(v.as_bool())};
    case Value::Int:
    case Value::Float: return {name, Setting::Real, v.as_float()};
    case Value::List:
    case Value::Tuple:
      check<TypeError>(v.size() == 2, "optimizer state: expected a pair under \"{}\", got {} values", name, v.size());
      return {name, Setting::Pair, v[0].as_float(), v[1].as_float()};
    default: return {name, Setting::None};
  }
}

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

Value to_value(const optim::OptimizerState& state) {
  Value states = Value::dict(), groups = Value::list();
  for (const auto& entry : state.state) {
    Value values = Value::dict();
    for (const auto& [name, tensor] : entry.values) values.set(Value(name), Value(tensor.detach()));
    states.set(Value(entry.param), std::move(values));
  }
  for (const auto& group : state.param_groups) {
    Value settings = Value::dict(), params = Value::list();
    for (const Setting& s : group.settings) settings.set(Value(s.name), setting_value(s));
    for (int64_t p : group.params) params.append(Value(p));
    settings.set(Value("params"), std::move(params));
    groups.append(std::move(settings));
  }
  Value result = Value::dict();
  result.set(Value("state"), std::move(states));
  result.set(Value("param_groups"), std::move(groups));
  return result;
}

optim::OptimizerState to_optimizer_state(const Value& value) {
  optim::OptimizerState state;
  for (const Value::Entry& e : value["state"].entries()) {
    optim::OptimizerState::Entry entry{e.key.as_int(), {}};
    for (const Value::Entry& v : e.value.entries()) {
      if (v.value.kind() == Value::Array) entry.values.emplace_back(v.key.as_string(), v.value.as_tensor());
      else if (!v.value.is_none()) entry.values.emplace_back(v.key.as_string(), full({}, v.value.as_float(), kFloat32));
    }
    state.state.push_back(std::move(entry));
  }
  for (const Value& g : value["param_groups"].items()) {
    optim::OptimizerState::Group group;
    for (const Value::Entry& e : g.entries()) {
      if (e.key.as_string() != "params") group.settings.push_back(to_setting(e.key.as_string(), e.value));
      else
        for (const Value& p : e.value.items()) group.params.push_back(p.as_int());
    }
    state.param_groups.push_back(std::move(group));
  }
  return state;
}

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
