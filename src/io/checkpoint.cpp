// The parts of a training run, in one file.
#include <ember/io/checkpoint.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>

#include "error_format.h"
#include "io/file.h"

namespace ember {
namespace {

using optim::lr_scheduler::SchedulerState;

/// PyTorch's layout: one rate for each group in lists, everything else plain numbers.
Value to_value(const SchedulerState& state) {
  Value dict = Value::dict();
  for (const auto& [name, numbers] : state) {
    const auto number = [](double v) { return v == std::floor(v) && std::fabs(v) < 0x1p53 ? Value(int64_t(v)) : Value(v); };
    if (name.ends_with("base_lrs") || name.ends_with("_last_lr") || numbers.size() != 1) {
      Value list = Value::list();
      for (double v : numbers) list.append(v);
      dict.set(name, std::move(list));
    } else {
      dict.set(name, number(numbers[0]));
    }
  }
  return dict;
}

/// Settings that are no numbers are the script's business.
SchedulerState to_scheduler_state(const Value& value) {
  const auto is_number = [](const Value& v) { return v.kind() == Value::Int || v.kind() == Value::Float; };
  SchedulerState state;
  for (const Value::Entry& e : value.entries()) {
    if (is_number(e.value)) state.emplace_back(e.key.as_string(), std::vector<double>{e.value.as_float()});
    if (e.value.kind() != Value::List || !std::all_of(e.value.items().begin(), e.value.items().end(), is_number)) continue;
    std::vector<double> numbers;
    for (const Value& v : e.value.items()) numbers.push_back(v.as_float());
    state.emplace_back(e.key.as_string(), std::move(numbers));
  }
  return state;
}

std::string numbered(const std::string& path, int age) {
  if (age == 0) return path;
  const std::size_t dot = path.rfind('.'), slash = path.rfind('/');
  const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return fmt::format("{}.{}{}", has_ending ? path.substr(0, dot) : path, age, has_ending ? path.substr(dot) : "");
}

const Value& part(const Value& file, const char* name, const std::string& path) {
  check<RuntimeError>(file.kind() == Value::Dict, "{}: a {}, not a checkpoint", path, file.kind_name());
  const Value* found = file.find(name);
  check<RuntimeError>(found != nullptr, "{}: the checkpoint has no \"{}\"", path, name);
  return *found;
}

/// The older files move up, and the new one takes the first place. There is a whole file under `path` at every moment: it gets its
/// second name before it loses the first.
void rotate(const std::string& fresh, const std::string& path, int keep_last) {
  for (int age = keep_last; age > 1; --age) std::rename(numbered(path, age - 1).c_str(), numbered(path, age).c_str());
  const std::string first = numbered(path, 1);
  if (::link(path.c_str(), first.c_str()) != 0 && errno != ENOENT) std::rename(path.c_str(), first.c_str());  // a file system without links
  check<RuntimeError>(std::rename(fresh.c_str(), path.c_str()) == 0, "cannot replace {}: {}; the new checkpoint is {}", path, std::strerror(errno),
                      fresh);
  io::flush_folder_of(path);
}

/// Takes back what was done unless all of it succeeds.
class Undo {
 public:
  ~Undo() {
    if (std::uncaught_exceptions() > before_)
      for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
  }
  void add(std::function<void()> step) { steps_.push_back(std::move(step)); }

 private:
  int before_ = std::uncaught_exceptions();
  std::vector<std::function<void()>> steps_;
};

}  // namespace

void Checkpoint::save(const std::string& path, int keep_last) const {
  Value file = Value::dict();
  if (model) file.set("model", model->state_dict());
  if (optimizer) file.set("optimizer", to_value(optimizer->state_dict()));
  if (scheduler) file.set("scheduler", to_value(scheduler->state_dict()));
  if (loader) {
    Value state = Value::dict();
    const std::vector<int64_t>& order = loader->order();
    Tensor indices = empty({int64_t(order.size())}, kInt64);
    std::copy(order.begin(), order.end(), indices.data<int64_t>());
    state.set("order", indices);
    state.set("position", loader->position());
    state.set("finished", loader->finished());
    state.set("seed", int64_t(loader->seed()));
    file.set("loader", std::move(state));
  }
  file.set("rng_state", (generator ? *generator : default_generator()).get_state());
  file.set("values", values);

  if (keep_last <= 0) return ember::save(file, path);
  const std::string fresh = numbered(path, keep_last + 1);
  ember::save(file, fresh);
  rotate(fresh, path, keep_last);
}

void Checkpoint::load(const std::string& path) {
  const Value file = ember::load(path);
  // Take everything apart first: nothing is changed when a part is missing or broken.
  nn::StateDict weights;
  if (model) weights = part(file, "model", path).to_state_dict();
  optim::OptimizerState optimizer_state;
  if (optimizer) optimizer_state = to_optimizer_state(part(file, "optimizer", path));
  SchedulerState scheduler_state;
  if (scheduler) scheduler_state = to_scheduler_state(part(file, "scheduler", path));
  std::vector<int64_t> order;
  int64_t position = 0, seed = 0;
  bool finished = false;
  if (loader) {
    seed = int64_t(loader->seed());
    const Value& state = part(file, "loader", path);
    const Tensor indices = state["order"].as_tensor().contiguous();
    check<RuntimeError>(indices.dtype() == kInt64 && state["position"].as_int() >= 0, "{}: broken position of the loader", path);
    order.assign(indices.data<int64_t>(), indices.data<int64_t>() + indices.numel());
    position = state["position"].as_int();
    finished = state["finished"].as_bool();
    if (const Value* drawn = state.find("seed")) seed = drawn->as_int();  // transforms draw from it
  }
  Tensor random;
  if (generator || file.find("rng_state")) {
    random = part(file, "rng_state", path).as_tensor();
    Generator().set_state(random);  // throws when it is none
  }

  Undo undo;
  if (optimizer) {
    undo.add([this, before = optimizer->state_dict()] { optimizer->load_state_dict(before); });
    optimizer->load_state_dict(optimizer_state);
  }
  if (scheduler) {
    undo.add([this, before = scheduler->state_dict()] { scheduler->load_state_dict(before); });
    scheduler->load_state_dict(scheduler_state);
  }
  if (model) model->load_state_dict(weights);
  if (loader) loader->resume(std::move(order), position, finished, std::uint64_t(seed));
  if (random.defined()) (generator ? *generator : default_generator()).set_state(random);
  if (const Value* found = file.find("values")) values = *found;
}

}  // namespace ember
