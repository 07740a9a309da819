// {"state": {0: {"step": tensor, ...}, ...}, "param_groups": [{"lr": 0.1, ..., "params": [0, 1]}]} and back.
#include <ember/io/optimizer_state.h>

namespace ember {

using optim::OptimizerState;
using Setting = OptimizerState::Setting;

static Value number_or_none(double value) { return value == value ? Value(value) : Value(); }

static Value setting_value(const Setting& setting) {
  switch (setting.kind) {
    case Setting::Bool: return setting.value != 0;
    case Setting::Real: return setting.value;
    case Setting::Int: return int64_t(setting.value);
    case Setting::Pair: return Value::tuple({number_or_none(setting.value), setting.second});
    case Setting::Triple: return Value::tuple({setting.value, setting.second, setting.third});
    case Setting::Text: return setting.text;
    default: return None;
  }
}

Value to_value(const OptimizerState& state) {
  Value states = Value::dict(), groups = Value::list();
  for (const OptimizerState::Entry& entry : state.state) {
    Value values = Value::dict();
    for (const Setting& number : entry.numbers) values.set(number.name, setting_value(number));
    for (const auto& [name, tensor] : entry.values) values.set(name, tensor.defined() ? Value(tensor) : Value());
    for (const auto& [name, tensors] : entry.lists) {
      Value list = Value::list();
      for (const Tensor& tensor : tensors) list.append(tensor);
      values.set(name, std::move(list));
    }
    states.set(entry.param, std::move(values));
  }
  for (const OptimizerState::Group& group : state.param_groups) {
    Value settings = Value::dict(), params = Value::list();
    for (const Setting& setting : group.settings) settings.set(setting.name, setting_value(setting));
    for (int64_t number : group.params) params.append(number);
    settings.set("params", std::move(params));
    groups.append(std::move(settings));
  }
  Value all = Value::dict();
  all.set("state", std::move(states));
  all.set("param_groups", std::move(groups));
  return all;
}

/// A number of a file: PyTorch writes integers where the script did, and steps were plain numbers once.
static bool is_number(const Value& value) { return value.kind() == Value::Int || value.kind() == Value::Float; }

static Setting read_setting(const std::string& name, const Value& value) {
  if (value.kind() == Value::Bool) return {name, Setting::Bool, double(value.as_bool())};
  if (is_number(value)) return {name, value.kind() == Value::Int ? Setting::Int : Setting::Real, value.as_float()};
  if (value.kind() == Value::String) return {.name = name, .kind = Setting::Text, .text = value.as_string()};
  if (value.kind() == Value::Array && value.as_tensor().numel() == 1) return {name, Setting::Real, value.as_tensor().item<double>()};
  if (value.kind() != Value::Tuple && value.kind() != Value::List) return {name, Setting::None};
  double numbers[3] = {};
  const std::size_t count = value.size();
  for (std::size_t i = 0; i < count && i < 3; ++i)
    numbers[i] = value.items()[i].kind() == Value::Nothing ? optim::kDefault : value.items()[i].as_float();
  if (count == 2) return {name, Setting::Pair, numbers[0], numbers[1]};
  if (count == 3) return {name, Setting::Triple, numbers[0], numbers[1], numbers[2]};
  return {name, Setting::None};
}

/// Those of a list that are tensors.
static std::vector<Tensor> tensors_of(const Value& list) {
  std::vector<Tensor> tensors;
  for (const Value& item : list.items())
    if (item.kind() == Value::Array) tensors.push_back(item.as_tensor());
  return tensors;
}

OptimizerState to_optimizer_state(const Value& value) {
  OptimizerState state;
  for (const Value::Entry& entry : value["state"].entries()) {
    OptimizerState::Entry read{entry.key.as_int(), {}};
    for (const Value::Entry& part : entry.value.entries()) {
      if (is_number(part.value)) read.numbers.push_back(read_setting(part.key.as_string(), part.value));
      if (part.value.kind() == Value::List) read.lists.emplace_back(part.key.as_string(), tensors_of(part.value));
      if (part.value.kind() == Value::Array) read.values.emplace_back(part.key.as_string(), part.value.as_tensor());
    }
    state.state.push_back(std::move(read));
  }
  for (const Value& group : value["param_groups"].items()) {
    OptimizerState::Group read;
    for (const Value& number : group["params"].items()) read.params.push_back(number.as_int());
    for (const Value::Entry& part : group.entries())
      if (part.key.as_string() != "params") read.settings.push_back(read_setting(part.key.as_string(), part.value));
    state.param_groups.push_back(std::move(read));
  }
  return state;
}

}  // namespace ember
