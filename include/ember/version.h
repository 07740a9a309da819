// Which Ember this is: macros for the preprocessor, the same of the library that was linked. CMake reads the numbers from here.
#pragma once

#define EMBER_VERSION_MAJOR 0
#define EMBER_VERSION_MINOR 1
#define EMBER_VERSION_PATCH 0
#define EMBER_VERSION "0.1.0"
/// 10000 * major + 100 * minor + patch: #if EMBER_VERSION_NUMBER >= 100
#define EMBER_VERSION_NUMBER (EMBER_VERSION_MAJOR * 10000 + EMBER_VERSION_MINOR * 100 + EMBER_VERSION_PATCH)

namespace ember {

struct BuildInfo {
  const char* version;          ///< of the library, "0.1.0"
  const char* instruction_set;  ///< that runs: "v2", "v3", "v4" of x86-64, "base" elsewhere
  const char* products;         ///< who multiplies matrices: "own" (tiles), "openblas (...)", or own and from where on OpenBLAS
  const char* components;       ///< optional libraries that are built in, by spaces: "zlib", or "none"
  const char* compiler;
};
/// What this build is, for reports of faults; `ember info` prints it.
BuildInfo build_info();

}  // namespace ember
