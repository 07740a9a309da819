// The number of cores, in folders that look like the control groups of containers.
#include "runtime/cores.h"

#include <sched.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"

using namespace ember;
namespace fs = std::filesystem;

namespace {

struct Root {
  fs::path path = fs::temp_directory_path() / ("ember_cores_" + std::to_string(std::hash<std::string>()(__FILE__)));
  Root() { fs::remove_all(path); }
  ~Root() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    const fs::path file = path / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  int cores() const { return kernels::available_cores(path.string()); }
};

int mask() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace

TEST_CASE("without control groups the affinity mask counts") { CHECK(Root().cores() == mask()); }

TEST_CASE("a quota of version 2 limits the cores, wherever above the process it stands") {
  const Root root;
  root.write("proc/self/cgroup", "0::/pod/container\n");
  root.write("sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
  CHECK(root.cores() == mask());
  root.write("sys/fs/cgroup/pod/cpu.max", "100000 100000\n");
  CHECK(root.cores() == 1);
  root.write("sys/fs/cgroup/pod/cpu.max", "6400000 100000\n");
  CHECK(root.cores() == std::min(mask(), 64));
}

TEST_CASE("a container that sees its group as the root") {
  const Root root;
  root.write("proc/self/cgroup", "0::/\n");
  root.write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  CHECK(root.cores() == 1);  // half a core
}

TEST_CASE("a quota of version 1") {
  const Root root;
  root.write("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a/b\n1:name=systemd:/\n");
  root.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
  root.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
  CHECK(root.cores() == mask());
  root.write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n");
  root.write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  CHECK(root.cores() == 1);
}

TEST_CASE("files that are not what they should be limit nothing") {
  const Root root;
  root.write("proc/self/cgroup", "0::/x\nnonsense\n::\na:b:c\n");
  root.write("sys/fs/cgroup/x/cpu.max", "");
  root.write("sys/fs/cgroup/cpu.max", "-5 0\n");
  CHECK(root.cores() == mask());
}
