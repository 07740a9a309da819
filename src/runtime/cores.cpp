// Containers are given their share of the machine as a quota of CPU time in each period. A thread more than the quota allows would
// spend it faster, and then all of them stand still for the rest of the period.
#include "runtime/cores.h"

#include <sched.h>

#include <fstream>
#include <thread>

namespace ember::kernels {
namespace {

/// The first numbers of a file; false where it does not have as many ("max" is no number: no limit).
bool read(const std::string& path, double& first, double* second = nullptr) {
  std::ifstream file(path);
  return file >> first && (!second || file >> *second);
}

int limit(int cores, double quota, double period) {
  if (!(quota > 0 && period > 0)) return cores;
  const double share = quota / period;
  return share < cores ? int(share + 0.999) : cores;
}

/// A group has at most what those above it have; a container often sees its own group as the root.
template <class Apply>
void up_to_root(std::string group, Apply apply) {
  while (!group.empty() && group.back() == '/') group.pop_back();
  for (;; group.erase(group.rfind('/'))) {
    apply(group);
    if (group.empty()) return;
  }
}

int limit_of_groups(int cores, const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  const std::string mount = root + "/sys/fs/cgroup";
  for (std::string line; std::getline(groups, line);) {  // number:controllers:group
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || line.compare(second, 2, ":/") != 0) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",", group = line.substr(second + 1);
    if (controllers == ",,") {
      up_to_root(group, [&](const std::string& at) {
        double quota = 0, period = 0;
        if (read(mount + at + "/cpu.max", quota, &period)) cores = limit(cores, quota, period);
      });
    } else if (controllers.find(",cpu,") != std::string::npos) {
      up_to_root(group, [&](const std::string& at) {
        double quota = 0, period = 0;
        const std::string folder = mount + "/cpu" + at;
        if (read(folder + "/cpu.cfs_quota_us", quota) && read(folder + "/cpu.cfs_period_us", period)) cores = limit(cores, quota, period);
      });
    }
  }
  return cores;
}

}  // namespace

int available_cores(const std::string& root) {
  cpu_set_t set;
  int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : int(std::thread::hardware_concurrency());
  cores = limit_of_groups(cores, root);
  return cores > 0 ? cores : 1;
}

}  // namespace ember::kernels
