// Which instruction set runs: the best that was built in and that the processor has, or the one that EMBER_ISA names. CMake defines
// EMBER_HAS_v3 and so on for those that were built in.

#include <cstdlib>
#include <string>
#include <string_view>

#include "error_format.h"
#include "kernels/kernels.h"

namespace ember::kernels {

namespace v2 {
extern const Kernels table;
}
namespace v3 {
extern const Kernels table;
}
namespace v4 {
extern const Kernels table;
}
namespace base {
extern const Kernels table;
}

namespace {

struct InstructionSet {
  const Kernels& table;
  bool (*runs_here)();
};

// The best one first.
constexpr InstructionSet kBuilt[] = {
#ifdef EMBER_HAS_v4
    {v4::table,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
     }},
#endif
#ifdef EMBER_HAS_v3
    {v3::table, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"); }},
#endif
#ifdef EMBER_HAS_v2
    {v2::table, [] { return true; }},
#endif
#ifdef EMBER_HAS_base
    {base::table, [] { return true; }},
#endif
};

std::string names() {
  std::string text;
  for (auto set = std::end(kBuilt); set-- != std::begin(kBuilt);) text += (text.empty() ? "" : set == std::begin(kBuilt) ? " or " : ", ") + std::string(set->table.isa);
  return text;
}

const Kernels& choose() {
  const char* const wanted = std::getenv("EMBER_ISA");
  const bool any = !wanted || !*wanted;
  for (const InstructionSet& set : kBuilt) {
    if (!any && std::string_view(wanted) != set.table.isa) continue;
    if (set.runs_here()) return set.table;
    check<RuntimeError>(any, "EMBER_ISA: this processor does not run {}", any ? "" : wanted);
  }
  check<RuntimeError>(!any, "this processor runs none of the instruction sets that this Ember was built for ({}): see EMBER_ISAS", names());
  fail<ValueError>("EMBER_ISA: expected {}, got {}", names(), any ? "" : wanted);
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace ember::kernels
