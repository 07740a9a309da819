// Which instruction set runs: the best that the processor has, or the one that EMBER_ISA names.

#include <cstdlib>
#include <string_view>

#include "error_format.h"
#include "kernels/kernels.h"

namespace ember::kernels {

#if defined(EMBER_ONE_ISA)

namespace EMBER_ONE_ISA {
extern const Kernels table;
}

static const Kernels& choose() {
  const char* wanted = std::getenv("EMBER_ISA");
  check<ValueError>(!wanted || !*wanted || std::string_view(wanted) == EMBER_ONE_ISA::table.isa, "EMBER_ISA: this build has {} only, got {}",
                    EMBER_ONE_ISA::table.isa, wanted);
  return EMBER_ONE_ISA::table;
}

#elif defined(__x86_64__)

namespace v2 {
extern const Kernels table;
}
namespace v3 {
extern const Kernels table;
}
namespace v4 {
extern const Kernels table;
}

static bool processor_has_v4() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool processor_has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static const Kernels& choose() {
  const char* wanted = std::getenv("EMBER_ISA");
  if (!wanted || !*wanted) return processor_has_v4() ? v4::table : processor_has_v3() ? v3::table : v2::table;

  const std::string_view name = wanted;
  check<ValueError>(name == "v2" || name == "v3" || name == "v4", "EMBER_ISA: expected v2, v3 or v4, got {}", wanted);
  check<RuntimeError>((name != "v4" || processor_has_v4()) && (name != "v3" || processor_has_v3()),
                      "EMBER_ISA: this processor does not run {}", wanted);
  return name == "v4" ? v4::table : name == "v3" ? v3::table : v2::table;
}

#else

namespace base {
extern const Kernels table;
}

static const Kernels& choose() { return base::table; }

#endif

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace ember::kernels
