// Finds, loads and configures the shared library, and explains where it is missing.
#include "kernels/lapack/openblas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <optional>
#include <string_view>

#include "error_format.h"
#include "kernels/kernels.h"

#ifndef EMBER_OPENBLAS
#define EMBER_OPENBLAS "libopenblas.so"  // where the build found it
#endif

namespace ember::kernels::openblas {
namespace {

/// A variable of the environment for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const text = std::getenv(name)) before_ = text;
    setenv(name, value, 1);
  }
  ~Variable() {
    if (before_) setenv(name_, before_->c_str(), 1);
    else unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// The kernels of OpenBLAS for the instruction set that Ember runs on, unless OPENBLAS_CORETYPE says otherwise. An OpenBLAS that is older than the
/// processor does not know its model and would take those of the oldest (Prescott, half as fast).
const char* core_type() {
  if (std::getenv("OPENBLAS_CORETYPE")) return nullptr;
  const std::string_view isa = instruction_set();
  return isa == "v4" ? "SkylakeX" : isa == "v3" ? "Haswell" : isa == "v2" ? "Nehalem" : nullptr;
}

struct Library {
  void* handle = nullptr;
  std::string version;

  Library() {
    constexpr const char* kNames[] = {"libopenblas.so.0", "libopenblas.so", EMBER_OPENBLAS};
    for (const char* name : kNames)  // one that the program has loaded keeps its settings
      if (!handle) handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (!handle) {
      const Variable threads("OPENBLAS_NUM_THREADS", "1");
      std::optional<Variable> core;
      if (const char* const type = core_type()) core.emplace("OPENBLAS_CORETYPE", type);
      for (const char* name : kNames)
        if (!handle) handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (auto* const set = reinterpret_cast<void (*)(int)>(symbol("openblas_set_num_threads"))) set(1);
    }
    if (auto* const config = reinterpret_cast<const char* (*)()>(symbol("openblas_get_config"))) version = config();
  }

  void* symbol(const char* name) const { return handle ? dlsym(handle, name) : nullptr; }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

}  // namespace

bool available() { return library().handle != nullptr; }
const char* version() { return library().version.c_str(); }
void* find(const char* name) { return library().symbol(name); }

void* required(const std::string& name) {
  void* const function = find(name.c_str());
  check<RuntimeError>(function, "linear algebra needs OpenBLAS: libopenblas.so.0 {} (Debian: apt-get install libopenblas0)",
                      available() ? "has no " + name : "was not found");
  return function;
}

}  // namespace ember::kernels::openblas
