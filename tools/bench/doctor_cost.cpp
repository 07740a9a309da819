// What the doctor costs: training steps with and without it, in turns. usage: doctor_cost [THREADS]
// A window is 64 steps, so that one of the doctor's regular close looks is in each; the figure is the best of several windows.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "nets.h"

using namespace ember;

namespace {

constexpr int kWindow = 64;

struct Training {
  explicit Training(const bench::NetRow& row) : model(row.make()), optimizer(model.parameters(), {.lr = 0.01, .momentum = 0.9}) {
    std::vector<int64_t> sizes = row.shape;
    sizes.insert(sizes.begin(), row.batch);
    x = randn(sizes);
    y = randint(0, 2, {row.batch});
  }
  double window() {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kWindow; ++i) {
      optimizer.zero_grad();
      cross_entropy(model(x), y).backward();
      optimizer.step();
    }
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / kWindow;
  }
  nn::Sequential model;
  optim::SGD optimizer;
  Tensor x, y;
};

}  // namespace

int main(int argc, char** argv) {
  set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  fmt::print("{:<4} {:>12} {:>12} {:>8}\n", "net", "without (us)", "with (us)", "cost");
  for (const bench::NetRow& row : bench::net_rows()) {
    if (row.name != std::string("W1") && row.name != std::string("W4") && row.name != std::string("W6")) continue;
    Training plain(row), watched(row);
    doctor::watch(watched.model, watched.optimizer);
    double best[2] = {1e30, 1e30};
    const int windows = row.name == std::string("W6") ? 3 : row.name == std::string("W4") ? 12 : 200;
    for (int w = 0; w <= windows; ++w) {
      const double with = watched.window();
      nn::ForwardObserver& observer = *nn::forward_observer();
      nn::remove_forward_observer(observer);
      const double without = plain.window();
      nn::add_forward_observer(observer);
      if (w == 0) continue;  // the first looks are closer together
      best[0] = std::min(best[0], without);
      best[1] = std::min(best[1], with);
    }
    doctor::stop();
    fmt::print("{:<4} {:>12.1f} {:>12.1f} {:>7.1f}%\n", row.name, best[0], best[1], 100 * (best[1] / best[0] - 1));
  }
}
