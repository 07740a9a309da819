// Running the cases in worker processes, so that a crash or an endless loop costs one case.
#pragma once

#include "runner/cases.h"

namespace ember::parity {

/// Runs every case of the suite on `workers` processes; outcomes in the suite's order. A case that takes longer than `seconds`
/// is ended and counts as failed.
std::vector<Outcome> run_all(const Suite& suite, int workers, double seconds);

}  // namespace ember::parity
