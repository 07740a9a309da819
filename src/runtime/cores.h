// How many cores this process may keep busy.
#pragma once

#include <string>

namespace ember::kernels {

/// At least 1: the affinity mask, and no more than the CPU quota of any control group (versions 1 and 2) that the process is in, a
/// part of a core counting as one. `root` stands before /proc and /sys, for tests.
int available_cores(const std::string& root = "");

}  // namespace ember::kernels
