// What is known of this build.
#include <ember/version.h>

#include "kernels/gemm/provider.h"
#include "kernels/kernels.h"

#ifndef EMBER_COMPONENTS
#define EMBER_COMPONENTS "none"
#endif

namespace ember {

BuildInfo build_info() {
#if defined(__clang__)
  constexpr const char* kCompiler = "Clang " __clang_version__;
#else
  constexpr const char* kCompiler = "GCC " __VERSION__;
#endif
  return {EMBER_VERSION, kernels::instruction_set(), kernels::gemm_provider(), EMBER_COMPONENTS, kCompiler};
}

}  // namespace ember
