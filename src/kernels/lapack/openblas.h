// OpenBLAS, loaded at the first call that needs it: programs without linear algebra and large products neither link nor load it. It runs with one
// thread, so that no second pool of threads appears beside Ember's.
#pragma once

#include <string>

namespace ember::kernels::openblas {

/// Is there an OpenBLAS? Loads it.
bool available();
/// Of the loaded library: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64"; "" without one.
const char* version();
/// A function of it by its Fortran name ("sgemm_"), or null.
void* find(const char* name);
/// The same. Throws RuntimeError that says what to install.
void* required(const std::string& name);

}  // namespace ember::kernels::openblas
