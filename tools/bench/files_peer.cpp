// Ember's side of tools/bench/files.py. usage: files_peer load|map|save PATH MEGABYTES
// Prints the seconds that one load or save took, those of the processor among them, and the peak of the process' memory in bytes before
// and after it.
#include <ember/ember.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <string>

using namespace ember;

static std::int64_t peak() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t(usage.ru_maxrss) * 1024;
}

static double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Layers of 4 MB, as the Python side has them.
static nn::StateDict weights(int megabytes) {
  nn::StateDict state;
  for (int i = 0; i < megabytes / 4; ++i) state.set(fmt::format("layers.{}.weight", i), randn({1024, 1024}));
  return state;
}

static nn::StateDict load_by_ending(const std::string& path, LoadFileOptions options) {
  if (path.ends_with(".safetensors")) return load_safetensors(path, options);
  if (path.ends_with(".npz")) return load_npz(path, options);
  return load(path, options).to_state_dict();
}

static void save_by_ending(const nn::StateDict& state, const std::string& path) {
  if (path.ends_with(".safetensors")) return save_safetensors(state, path);
  if (path.ends_with(".npz")) return save_npz(state, path);
  save(state, path);
}

int main(int, char** argv) {
  const std::string what = argv[1], path = argv[2];
  const nn::StateDict own = what == "save" ? weights(std::stoi(argv[3])) : nn::StateDict();
  const std::int64_t before = peak();
  const double busy_before = processor_seconds();
  const auto start = std::chrono::steady_clock::now();
  nn::StateDict loaded;
  if (what == "save") save_by_ending(own, path);
  else loaded = load_by_ending(path, {.mmap = what == "map"});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{} {} {} {}\n", seconds, processor_seconds() - busy_before, before, peak());
}
