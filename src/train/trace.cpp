// What a trace records, and when. tools/parity/ember_trace.py does the same by the same names: a change here is one there.
#include <ember/train/trace.h>

#include <fnmatch.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "error_format.h"
#include "nn/module_state.h"
#include "train/trace_file.h"

namespace ember {

using nn::Module;
using nn::ModuleState;

namespace {

/// Does one of "conv*, out" match?
bool matches(const std::string& patterns, const std::string& path) {
  if (patterns.empty()) return true;
  for (std::size_t from = 0; from <= patterns.size();) {
    const std::size_t comma = std::min(patterns.find(',', from), patterns.size());
    const std::size_t first = std::min(patterns.find_first_not_of(' ', from), comma);
    if (::fnmatch(patterns.substr(first, comma - first).c_str(), path.c_str(), 0) == 0) return true;
    from = comma + 1;
  }
  return false;
}

/// "output", and "output#1" the second time.
std::string numbered(const std::string& name, int64_t before) { return before == 0 ? name : fmt::format("{}#{}", name, before); }

void check_options(const TraceOptions& o) {
  check<ValueError>(o.every >= 1, "Trace: expected every to be 1 or more, got {}", o.every);
  check<ValueError>(o.steps >= 0, "Trace: expected steps to be 0 or more, got {}", o.steps);
  check<ValueError>(o.max_bytes >= 1, "Trace: expected max_bytes to be 1 or more, got {}", o.max_bytes);
}

}  // namespace

struct TraceRecorder final : nn::ForwardObserver {
  TraceRecorder(const std::string& path, const TraceOptions& o) : options(o), file(path, o) {}

  void begin();
  void close();
  void close_quietly();
  void write_last();
  void warn_of_strangers() const;
  static void watch_for_the_end();
  void before_forward(const Module& module, const std::vector<Tensor>& inputs) override;
  void after_forward(const Module& module, const std::vector<Tensor>& inputs, const Tensor& output) override;
  void abandon_forward(const Module& module) override;
  void after_backward();

  struct Place {  // of a module in the model
    std::string path;
    bool wanted;
    int64_t step = -1, calls = 0;  // the last step that called it, and how often
  };
  struct Call {
    const ModuleState* module;
    std::string prefix;  // of its arrays; empty when it is not recorded
  };

  bool concerns_us() const { return std::this_thread::get_id() == thread && file.is_open(); }
  bool begin_step(const Module& module);
  void find_places(const Module& module, const std::string& path);
  std::string record_call(const Module& module, Place& place, const std::vector<Tensor>& inputs);
  void record_gradient(const Tensor& output, const std::string& prefix);

  TraceOptions options;
  TraceFile file;
  const std::thread::id thread = std::this_thread::get_id();
  const int64_t serial = ++last_serial;  // by which hooks that outlive the trace know that it is over
  const ModuleState* root = nullptr;
  const ModuleState* opener = nullptr;  // whose calls from outside begin a step
  std::unordered_map<const ModuleState*, Place> places, places_before;
  std::vector<std::pair<std::string, Tensor>> parameters;  // "conv/grad.weight" and the parameter
  std::unordered_set<const TensorImpl*> listed;            // a shared parameter counts where it comes first
  std::vector<Call> calls;                                 // that are running, the outermost first
  int64_t step = -1, backwards = 0;                        // backwards since the step began
  bool recording = false;                                  // this step
  std::vector<std::pair<std::string, Tensor>> last;        // "conv/param.weight" and the parameter, of all that are wanted

  static inline std::atomic<int64_t> last_serial{0};
  static inline std::atomic<TraceRecorder*> active{nullptr};
};

void TraceRecorder::begin() {
  check_options(options);
  if (options.model) root = &ModuleState::of(*options.model);
  file.open();
  watch_for_the_end();
  active = this;
  nn::add_forward_observer(*this);
  autograd::set_backward_observer([] {
    if (TraceRecorder* const recorder = active) recorder->after_backward();
  });
}

void TraceRecorder::close() {
  if (active == this) {
    active = nullptr;
    autograd::set_backward_observer(nullptr);
  }
  nn::remove_forward_observer(*this);
  const bool was_open = file.is_open();
  if (was_open && step >= 0) write_last();
  file.close();
  if (was_open) warn_of_strangers();
}

/// The parameters behind the last step, which show what the optimiser did in it.
void TraceRecorder::write_last() {
  for (const auto& [name, value] : last)
    if (file.knows(name.substr(0, name.rfind('/')))) file.write_if_it_fits(fmt::format("{:06}/{}", step + 1, name), value);
}

void TraceRecorder::warn_of_strangers() const {
  const auto& types = file.strangers();
  if (!types.empty())
    warn(
        fmt::format("Trace: {} was called outside of the model that is recorded: call the model itself, net(x) and not net.forward(x), "
                    "or tell the trace which one it is, {{.model = &net}}",
                    fmt::join(types.begin(), types.end(), ", ")));
}

/// An exception that nobody catches runs no destructors, exit() only those of globals.
void TraceRecorder::watch_for_the_end() {
  static std::terminate_handler before = nullptr;
  static const bool once = [] {
    before = std::set_terminate([] {
      if (TraceRecorder* const recorder = active; recorder && recorder->thread == std::this_thread::get_id()) recorder->close_quietly();
      before();
    });
    std::atexit([] {
      if (TraceRecorder* const recorder = active) recorder->close_quietly();
    });
    return true;
  }();
  (void)once;
}

/// For destructors. What stopped the recording was said when it happened.
void TraceRecorder::close_quietly() {
  const bool said = !file.error().empty();
  try {
    close();
  } catch (const Error& error) {
    if (!said) warn(fmt::format("Trace: {}", error.what()));
  }
}

// --- forward

void TraceRecorder::before_forward(const Module& module, const std::vector<Tensor>& inputs) {
  if (!concerns_us() || (calls.empty() && !begin_step(module))) return;
  const auto place = places.find(&ModuleState::of(module));
  if (place == places.end()) return;
  const bool wanted = recording && place->second.wanted;
  calls.push_back({place->first, wanted ? record_call(module, place->second, inputs) : ""});
}

/// Of a call from outside of the model. False when it is none of ours.
bool TraceRecorder::begin_step(const Module& module) {
  const ModuleState* const called = &ModuleState::of(module);
  if (!root) root = called;
  if (called == root || places.empty()) {
    places_before.clear();
    places_before.swap(places);
    parameters.clear();
    last.clear();
    listed.clear();
    find_places(options.model ? *options.model : module, "");
  }
  if (!places.count(called)) {
    if (!called->parameters.empty()) file.saw_stranger(module.type_name());
    return false;
  }
  if (!opener) opener = called;
  if (called != root && opener == called) file.saw_stranger(module.type_name());  // net.forward(x) shows only its parts
  if (called != opener) return true;
  if (options.steps > 0 && step + 1 == options.steps) {
    close();
    return false;
  }
  if (step >= 0) file.save_when_due();
  file.step = ++step;
  file.saw_backward(false);
  recording = step % options.every == 0;
  backwards = 0;
  return true;
}

void TraceRecorder::find_places(const Module& module, const std::string& path) {
  const ModuleState& state = ModuleState::of(module);
  const std::string shown = path.empty() ? "(root)" : path;
  const auto before = places_before.find(&state);
  const bool known = before != places_before.end();
  const Place& place = places[&state] = known ? before->second : Place{shown, matches(options.only, shown)};
  for (const auto& p : state.parameters)
    if (place.wanted) last.emplace_back(place.path + "/param." + p->name, p->value);
  for (const auto& p : state.parameters)
    if (place.wanted && p->value.defined() && listed.insert(p->value.impl()).second)
      parameters.emplace_back(place.path + "/grad." + p->name, p->value);
  for (const auto& [name, child] : state.children) find_places(*child, path.empty() ? name : path + "." + name);
}

namespace {

TraceFile::Module description(const Module& module, const std::string& path) {
  TraceFile::Module m{path, module.type_name(), module.extra_repr(), {}};
  for (const auto& p : ModuleState::of(module).parameters) {
    if (!p->value.defined()) continue;
    const auto sizes = p->value.sizes();
    m.parameters.push_back(
        {p->name, fmt::format("{} ({})", name(p->value.dtype()), fmt::join(sizes.begin(), sizes.end(), ", ")), p->value.requires_grad()});
  }
  return m;
}

}  // namespace

std::string TraceRecorder::record_call(const Module& module, Place& place, const std::vector<Tensor>& inputs) {
  if (place.step != step) place.calls = 0;
  place.step = step;
  const int64_t number = place.calls++;
  if (!file.knows(place.path)) file.describe(description(module, place.path));
  file.mode(place.path, module.is_training());
  const std::string prefix = fmt::format("{:06}/{}/", step, numbered(place.path, number));
  for (std::size_t i = 0; i < inputs.size(); ++i) file.write(prefix + (inputs.size() == 1 ? "input" : fmt::format("input.{}", i)), inputs[i]);
  if (number == 0)
    for (const auto& p : ModuleState::of(module).parameters) file.write(prefix + "param." + p->name, p->value);
  return prefix;
}

void TraceRecorder::after_forward(const Module& module, const std::vector<Tensor>&, const Tensor& output) {
  const ModuleState& state = ModuleState::of(module);
  if (!concerns_us() || calls.empty() || calls.back().module != &state) return;
  const std::string prefix = std::move(calls.back().prefix);
  calls.pop_back();
  if (prefix.empty()) return;
  file.write(prefix + "output", output);
  for (const auto& b : state.buffers) file.write(prefix + "buffer." + b->name, b->value);
  record_gradient(output, prefix);
}

void TraceRecorder::abandon_forward(const Module& module) {
  if (concerns_us() && !calls.empty() && calls.back().module == &ModuleState::of(module)) calls.pop_back();
}

// --- backward

void TraceRecorder::record_gradient(const Tensor& output, const std::string& prefix) {
  if (!output.defined() || output.is_leaf()) return;
  register_hook(output, [prefix, serial = serial, before = int64_t(0)](const Tensor& gradient) mutable {
    TraceRecorder* const recorder = active;
    if (recorder && recorder->serial == serial && recorder->concerns_us()) recorder->file.write(prefix + numbered("grad_output", before++), gradient);
    return Tensor();
  });
}

/// The gradients of all parameters as they stand after a backward, before anything clips or zeroes them.
void TraceRecorder::after_backward() {
  if (!concerns_us()) return;
  if (step >= 0) file.saw_backward(true);
  if (!recording) return;
  for (auto p = parameters.rbegin(); p != parameters.rend(); ++p)
    file.write(fmt::format("{:06}/{}", step, numbered(p->first, backwards)), p->second.grad());
  ++backwards;
  file.save_when_due();
}

// --- by the environment

namespace {

/// A number that is none is no reason to end a run.
int64_t number_from_environment(const char* name, int64_t otherwise, int64_t least) {
  const char* const text = std::getenv(name);
  if (!text || !*text) return otherwise;
  int64_t value = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error == std::errc() && stop == end && value >= least) return value;
  warn(fmt::format("{}: expected a whole number, {} or more, got {}; {} is used", name, least, text, otherwise));
  return otherwise;
}

/// Waits for the first call of a module, and makes way for the recorder.
struct EnvironmentTrace final : nn::ForwardObserver {
  ~EnvironmentTrace() { end(); }

  void before_forward(const Module& module, const std::vector<Tensor>& inputs) override {
    nn::remove_forward_observer(*this);
    const char* const only = std::getenv("EMBER_TRACE_ONLY");
    TraceOptions options;
    options.every = number_from_environment("EMBER_TRACE_EVERY", options.every, 1);
    options.only = only ? only : "";
    options.steps = number_from_environment("EMBER_TRACE_STEPS", options.steps, 0);
    options.max_bytes = number_from_environment("EMBER_TRACE_MAX_BYTES", options.max_bytes, 1);
    recorder = std::make_unique<TraceRecorder>(std::getenv("EMBER_TRACE"), options);
    try {
      recorder->begin();
    } catch (const Error& error) {
      recorder.reset();
      return warn(fmt::format("EMBER_TRACE: {}; the run is not recorded", error.what()));
    }
    recorder->before_forward(module, inputs);
  }
  void after_forward(const Module&, const std::vector<Tensor>&, const Tensor&) override {}
  void abandon_forward(const Module&) override {}

  void end() {
    nn::remove_forward_observer(*this);
    if (recorder) recorder->close_quietly();
    recorder.reset();
  }

  std::unique_ptr<TraceRecorder> recorder;
};

std::unique_ptr<EnvironmentTrace> by_environment;

}  // namespace

bool detail::trace_as_environment_asks() {
  const char* const path = std::getenv("EMBER_TRACE");
  if (!path || !*path || by_environment) return false;
  by_environment = std::make_unique<EnvironmentTrace>();
  nn::add_forward_observer(*by_environment);
  return true;
}

// --- by the program

Trace::Trace(const std::string& path, const TraceOptions& options) {
  by_environment.reset();
  if (const TraceRecorder* const other = TraceRecorder::active)
    fail<RuntimeError>("Trace: {} is being recorded already; one trace at a time", other->file.path());
  auto recorder = std::make_unique<TraceRecorder>(path, options);
  recorder->begin();
  recorder_ = std::move(recorder);
}

Trace::~Trace() { recorder_->close_quietly(); }

void Trace::close() { recorder_->close(); }
int64_t Trace::steps() const { return recorder_->step + 1; }

}  // namespace ember
