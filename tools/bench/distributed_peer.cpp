// Ember's side of tools/bench/distributed.py: trains a net of the benchmark on this many ranks, or times the way between them, and rank 0 writes one
// line of JSON. usage: distributed_peer NET SECONDS | distributed_peer link SECONDS
#include <ember/distributed.h>
#include <ember/ember.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "nets.h"

using namespace bench;

namespace {

double now() { return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Of one kind of step, in microseconds.
struct Times {
  std::vector<double> all;
  double least() { return all.empty() ? 0 : *std::min_element(all.begin(), all.end()); }
  double median() {
    std::sort(all.begin(), all.end());
    return all.empty() ? 0 : all[all.size() / 2];
  }
};

/// A figure of /proc/self/status in KiB.
int64_t held(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(what + ":", 0) == 0) return std::stoll(line.substr(what.size() + 1));
  return 0;
}

/// Steps in turn with and without the exchange between ranks, so that what else runs on the machine meets both alike. All ranks make as many.
void run_net(const NetRow& row, double seconds) {
  manual_seed(0);
  const int64_t before = held("VmRSS");
  nn::Sequential net(row.make());
  std::vector<int64_t> shape = row.shape;
  shape.insert(shape.begin(), row.batch / distributed::world_size());
  const Tensor x = randn(shape), target = randint(0, 10, {shape[0]});
  distributed::DistributedDataParallel model(net);
  optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  const auto step = [&] {
    const double start = now();
    optimizer.zero_grad();
    cross_entropy(model(x), target).backward();
    optimizer.step();
    return now() - start;
  };
  for (int i = 0; i < 3; ++i) step();
  const Tensor rounds = tensor({int64_t(seconds * 1e6 / (10 * step()))});
  distributed::broadcast(rounds);
  Times together, alone, under_way, waited;
  for (int64_t round = 0; round < std::max<int64_t>(2, rounds.item<int64_t>()); ++round) {
    for (int i = 0; i < 5; ++i) {
      const auto traffic = model.traffic();
      together.all.push_back(step());
      under_way.all.push_back(1e6 * (model.traffic().seconds - traffic.seconds));
      waited.all.push_back(1e6 * (model.traffic().waited_seconds - traffic.waited_seconds));
    }
    const distributed::NoSync no_sync(model);
    for (int i = 0; i < 5; ++i) alone.all.push_back(step());
  }
  const auto traffic = model.traffic();
  if (!distributed::is_main()) return;
  fmt::print(
      R"({{"step": {:.1f}, "median": {:.1f}, "alone": {:.1f}, "under_way": {:.1f}, "waited": {:.1f}, "bytes": {}, "buckets": {}, "held": {}, "peak": {}}})",
      together.least(), together.median(), alone.least(), under_way.median(), waited.median(),
      traffic.bytes / std::max<int64_t>(1, traffic.backwards), traffic.buckets / std::max<int64_t>(1, traffic.backwards), before, held("VmHWM"));
}

/// What a sum of few and of many bytes takes, as a backward does it.
void time_the_way(double seconds) {
  const auto least = [&](int64_t in, int64_t out) {
    nn::Linear net(in, out, {.bias = false});
    distributed::DistributedDataParallel model(net, {.bucket_cap_mb = 1e6});
    const Tensor x = randn({1, in});
    Times times;
    for (int i = 0, n = int(seconds * (out > 1 ? 20 : 2000)); i < n; ++i) {
      const double before = model.traffic().seconds;
      model(x).sum().backward();
      times.all.push_back(1e6 * (model.traffic().seconds - before));
    }
    return times.least();
  };
  const double small = least(1, 1), large = least(1024, 4096);
  if (distributed::is_main()) fmt::print(R"({{"small": {:.2f}, "large": {:.1f}, "bytes": {}}})", small, large, 1024 * 4096 * 4);
}

}  // namespace

int main(int argc, char** argv) {
  distributed::init();
  const std::string what = argc > 1 ? argv[1] : "";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 1;
  if (what == "link") time_the_way(seconds);
  for (const NetRow& row : net_rows())
    if (what == row.name) run_net(row, seconds);
}
