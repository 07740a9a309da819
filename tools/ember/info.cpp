// ember info: what this build is, and what it finds here.
#include <ember/runtime.h>
#include <ember/version.h>
#include <fmt/format.h>

#include "commands.h"

int info() {
  const ember::BuildInfo build = ember::build_info();
  fmt::print("version: {}\ninstruction set: {}\nproducts: {}\nthreads: {}\ncomponents: {}\ncompiler: {}\n", build.version, build.instruction_set,
             build.products, ember::get_num_threads(), build.components, build.compiler);
  return 0;
}
