// What an optimiser knows, in PyTorch's layout, out and in; and its repr.

#include <algorithm>

#include "optim/method.h"

namespace ember::optim {

static const Field kFields[] = {
    {"lr", &ParamGroup::lr},
    {"betas", nullptr, nullptr, &ParamGroup::betas},
    {"alpha", &ParamGroup::alpha},
    {"rho", &ParamGroup::rho},
    {"eps", &ParamGroup::eps},
    {"momentum", &ParamGroup::momentum},
    {"dampening", &ParamGroup::dampening},
    {"lr_decay", &ParamGroup::lr_decay},
    {"weight_decay", &ParamGroup::weight_decay},
    {"momentum_decay", &ParamGroup::momentum_decay},
    {"initial_accumulator_value", &ParamGroup::initial_accumulator_value},
    {"nesterov", nullptr, &ParamGroup::nesterov},
    {"amsgrad", nullptr, &ParamGroup::amsgrad},
    {"centered", nullptr, &ParamGroup::centered},
    {"decoupled_weight_decay", nullptr, &ParamGroup::decoupled_weight_decay},
    {"maximize", nullptr, &ParamGroup::maximize},
    {"etas", nullptr, nullptr, &ParamGroup::etas},
    {"step_sizes", nullptr, nullptr, &ParamGroup::step_sizes},
    {"epsilons", nullptr, nullptr, &ParamGroup::epsilons},
    {"lambd", &ParamGroup::lambd},
    {"t0", &ParamGroup::t0},
    {"beta2_decay", &ParamGroup::beta2_decay},
    {"d", &ParamGroup::d},
    {.name = "ns_coefficients", .triple = &ParamGroup::ns_coefficients},
    {.name = "ns_steps", .real = &ParamGroup::ns_steps, .is_whole = true},
    {.name = "adjust_lr_fn", .text = &ParamGroup::adjust_lr_fn},
    {.name = "max_iter", .real = &ParamGroup::max_iter, .is_whole = true},
    {.name = "max_eval", .real = &ParamGroup::max_eval, .is_whole = true},
    {"tolerance_grad", &ParamGroup::tolerance_grad},
    {"tolerance_change", &ParamGroup::tolerance_change},
    {.name = "history_size", .real = &ParamGroup::history_size, .is_whole = true},
    {.name = "line_search_fn", .text = &ParamGroup::line_search_fn},
    {.name = "initial_lr", .real = &ParamGroup::initial_lr, .of_scheduler = true},
    {.name = "max_lr", .real = &ParamGroup::max_lr, .of_scheduler = true},
    {.name = "min_lr", .real = &ParamGroup::min_lr, .of_scheduler = true},
    {.name = "max_momentum", .real = &ParamGroup::max_momentum, .of_scheduler = true},
    {.name = "base_momentum", .real = &ParamGroup::base_momentum, .of_scheduler = true},
};

const Field* find_field(const std::string& name) {
  for (const Field& field : kFields)
    if (name == field.name) return &field;
  return nullptr;
}

/// Adafactor's eps is a pair: a field of its own here, "eps" in files.
static std::string name_in_files(const std::string& name) { return name == "epsilons" ? "eps" : name; }

void fill_defaults(ParamGroup& group, const ParamGroup& defaults) {
  const auto fill = [&](auto member) {
    if (member && !is_set(group.*member)) group.*member = defaults.*member;
  };
  for (const Field& field : kFields) {
    if (field.of_scheduler) continue;
    fill(field.real);
    fill(field.flag);
    fill(field.betas);
    fill(field.triple);
    fill(field.text);
  }
}

static OptimizerState::Setting setting_of(const ParamGroup& group, const std::string& name) {
  using Setting = OptimizerState::Setting;
  const Field* field = find_field(name);
  if (!field) {  // PyTorch's switches between implementations: Ember has one
    const bool undecided = name == "foreach" || name == "fused";
    return {name, undecided ? Setting::None : Setting::Bool};
  }
  if (field->real) return {name, field->is_whole ? Setting::Int : Setting::Real, group.*field->real};
  if (field->flag) return {name, Setting::Bool, double(bool(group.*field->flag))};
  if (field->betas) return {name_in_files(name), Setting::Pair, (group.*field->betas).first, (group.*field->betas).second};
  if (field->triple) {
    const Triple& triple = group.*field->triple;
    return {name, Setting::Triple, triple.first, triple.second, triple.third};
  }
  const std::string& text = group.*field->text;
  return {.name = name, .kind = text.empty() ? Setting::None : Setting::Text, .text = text};
}

static std::vector<OptimizerState::Setting> settings_of(const Method& method, const ParamGroup& group) {
  std::vector<OptimizerState::Setting> settings;
  for (const char* name : method.settings) settings.push_back(setting_of(group, name));
  for (const Field& field : kFields)
    if (field.of_scheduler && is_set(group.*field.real)) settings.push_back(setting_of(group, field.name));
  return settings;
}

OptimizerState Optimizer::state_dict() const {
  OptimizerState result;
  int64_t number = 0;
  for (std::size_t g = 0; g < param_groups.size(); ++g) {
    const ParamGroup& group = param_groups[g];
    result.param_groups.push_back({settings_of(method_, group), {}});
    for (std::size_t i = 0; i < group.params.size(); ++i, ++number) {
      result.param_groups.back().params.push_back(number);
      if (g >= states_->size() || i >= (*states_)[g].size()) continue;
      const ParamState& state = (*states_)[g][i];
      OptimizerState::Entry entry{number, {}};
      const bool has_buffers = std::any_of(state.buffers, state.buffers + 3, [](const Tensor& b) { return b.defined(); });
      if (!has_buffers) continue;
      if (method_.has_step) entry.values.emplace_back("step", full({}, state.step, kFloat32));
      if (method_.loop == OptimMethod::NAdam) entry.values.emplace_back("mu_product", full({}, state.mu_product, kFloat32));
      for (int b = 0; b < 3; ++b)
        if (state.buffers[b].defined()) entry.values.emplace_back(method_.buffers[b], state.buffers[b]);
      result.state.push_back(std::move(entry));
    }
  }
  return result;
}

static void apply(const OptimizerState::Setting& setting, ParamGroup& group) {
  using Setting = OptimizerState::Setting;
  const Field* field = find_field(setting.kind == Setting::Pair && setting.name == "eps" ? "epsilons" : setting.name);
  if (!field) return;
  if (field->text) group.*field->text = setting.text;
  if (setting.kind == Setting::None) return;
  if (field->real) group.*field->real = setting.value;
  if (field->flag) group.*field->flag = setting.value != 0;
  if (field->betas) group.*field->betas = {setting.value, setting.second};
  if (field->triple) group.*field->triple = {setting.value, setting.second, setting.third};
}

/// The values of a state by name; a plain number of a file is one of them.
static std::vector<std::pair<std::string, Tensor>> named_values(const OptimizerState::Entry& entry) {
  std::vector<std::pair<std::string, Tensor>> values = entry.values;
  for (const OptimizerState::Setting& number : entry.numbers) values.emplace_back(number.name, full({}, number.value, kFloat64));
  return values;
}

static ParamState read_state(const Method& method, const ParamGroup& group, const OptimizerState::Entry& entry, const Tensor& parameter) {
  ParamState state, fresh;
  if (method.begin) method.begin(group, parameter, fresh);
  for (const auto& [name, value] : named_values(entry)) {
    if (!value.defined()) continue;  // PyTorch writes None for a buffer that is not there yet
    if (name == "step") state.step = value.item<double>();
    if (name == "mu_product") state.mu_product = float(value.item<double>());
    for (int b = 0; b < 3; ++b) {
      if (!method.buffers[b] || name != method.buffers[b]) continue;
      if (!fresh.buffers[b].defined()) fresh.buffers[b] = full_like(parameter.detach(), 0);
      check<ValueError>(value.sizes() == fresh.buffers[b].sizes(), "loaded state dict has a {} of shape {} for a parameter of shape {}", name,
                        value.sizes(), parameter.sizes());
      state.buffers[b] = fresh.buffers[b].copy_(value.detach());
      state.started = true;
    }
  }
  return state;
}

void Optimizer::load_state_dict(const OptimizerState& state) {
  check<ValueError>(state.param_groups.size() == param_groups.size(), "loaded state dict has a different number of parameter groups");
  for (std::size_t g = 0; g < param_groups.size(); ++g)
    check<ValueError>(state.param_groups[g].params.size() == param_groups[g].params.size(),
                      "loaded state dict contains a parameter group that doesn't match the size of optimizer's group");

  NoGradGuard no_grad;
  std::vector<std::vector<ParamState>> states(param_groups.size());
  for (std::size_t g = 0; g < param_groups.size(); ++g) {
    const std::vector<int64_t>& numbers = state.param_groups[g].params;
    states[g].resize(numbers.size());
    for (const OptimizerState::Entry& entry : state.state) {
      const auto at = std::find(numbers.begin(), numbers.end(), entry.param);
      if (at == numbers.end()) continue;
      const std::size_t i = std::size_t(at - numbers.begin());
      states[g][i] = read_state(method_, param_groups[g], entry, param_groups[g].params[i]);
    }
  }
  *states_ = std::move(states);
  for (std::size_t g = 0; g < param_groups.size(); ++g)
    for (const OptimizerState::Setting& setting : state.param_groups[g].settings) apply(setting, param_groups[g]);
}

static std::string text_of(const OptimizerState::Setting& setting) {
  using Setting = OptimizerState::Setting;
  switch (setting.kind) {
    case Setting::Bool: return python_repr(setting.value != 0);
    case Setting::Pair: return fmt::format("({}, {})", is_set(setting.value) ? python_repr(setting.value) : "None", python_repr(setting.second));
    case Setting::Triple: return fmt::format("({}, {}, {})", python_repr(setting.value), python_repr(setting.second), python_repr(setting.third));
    case Setting::Real: return setting.value == 0 ? "0" : python_repr(setting.value);
    case Setting::Int: return fmt::format("{}", int64_t(setting.value));
    case Setting::Text: return setting.text;
    default: return "None";
  }
}

std::string Optimizer::repr() const {
  std::string text = std::string(method_.name) + " (";
  for (std::size_t g = 0; g < param_groups.size(); ++g) {
    text += fmt::format("\nParameter Group {}\n", g);
    std::vector<OptimizerState::Setting> settings = settings_of(method_, param_groups[g]);
    std::sort(settings.begin(), settings.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const OptimizerState::Setting& setting : settings) text += fmt::format("    {}: {}\n", setting.name, text_of(setting));
  }
  return text + ")";
}

}  // namespace ember::optim
