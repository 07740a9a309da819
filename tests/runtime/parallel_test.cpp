// The pool: every slice once, results that do not depend on the number of threads, and an end that always comes.
#include "runtime/parallel.h"

#include <ember/ember.h>

#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  int before = get_num_threads();
};

}  // namespace

TEST_CASE("every slice runs exactly once") {
  const Threads four(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::atomic<int>> hits(17);
    kernels::parallel_slices(17, [&](int64_t slice) { ++hits[std::size_t(slice)]; });
    for (const auto& h : hits) REQUIRE(h == 1);
  }
}

TEST_CASE("the pool ends at once, even while its workers are only starting") {
  const Threads restore(2);
  for (int round = 0; round < 300; ++round) {
    set_num_threads(3);
    std::atomic<int> sum = 0;
    kernels::parallel_slices(2, [&](int64_t) { ++sum; });
    set_num_threads(1);  // joins the workers
    REQUIRE(sum == 2);
  }
}

TEST_CASE("an exception of a slice reaches the caller, after all slices have ended") {
  const Threads two(2);
  std::atomic<int> ended = 0;
  CHECK_THROWS_AS(kernels::parallel_slices(8,
                                           [&](int64_t slice) {
                                             ++ended;
                                             if (slice == 3) throw ValueError("slice 3");
                                           }),
                  ValueError);
  CHECK(ended == 8);
}

TEST_CASE("the same bits for any number of threads") {
  std::vector<Tensor> results[2];
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    manual_seed(0);
    nn::Sequential net{
        nn::Conv2d(3, 24, 3, {.padding = 1}), nn::BatchNorm2d(24), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(24 * 64, 200)};
    const Tensor x = randn({32, 3, 16, 16}), y = randint(0, 200, {32});
    const Tensor loss = cross_entropy(net(x), y);
    loss.backward();
    std::vector<Tensor>& out = results[threads == 1 ? 0 : 1];
    out.push_back(loss.detach());
    for (const Tensor& p : net.parameters()) out.push_back(p.grad());
    out.push_back(sum(randn({1 << 20})));
    out.push_back(softmax(randn({300, 500}), 1).sum(0));
    out.push_back(randn({3000, 70}).sum(0));
    out.push_back(dropout(randn({100000})));
    const Tensor table = randn({2000, 64}).requires_grad_(), scale = randn({200}).requires_grad_(), shift = randn({200}).requires_grad_();
    table.index_select(0, randint(0, 2000, {5000})).backward(randn({5000, 64}));
    layer_norm(randn({400, 200}), {200}, scale, shift).backward(randn({400, 200}));
    for (const Tensor& leaf : {table, scale, shift}) out.push_back(leaf.grad());
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) CHECK_THAT(results[0][i], is_close(results[1][i], 0, 0));
}

TEST_CASE("a call from inside a slice runs inline") {
  const Threads two(2);
  std::atomic<int> sum = 0;
  kernels::parallel_slices(6, [&](int64_t) {
    const std::thread::id self = std::this_thread::get_id();
    kernels::parallel_slices(5, [&](int64_t) { sum += std::this_thread::get_id() == self; });
  });
  CHECK(sum == 30);
}

TEST_CASE("many threads call at once") {
  const Threads two(2);
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 5; ++c)
    callers.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        int64_t hits[11] = {};
        kernels::parallel_slices(11, [&](int64_t slice) { hits[slice] += slice + 1; });
        for (int64_t slice = 0; slice < 11; ++slice) wrong += hits[slice] != slice + 1;
      }
    });
  for (std::thread& t : callers) t.join();
  CHECK(wrong == 0);
}

// A caller that waited for workers without a core would lose a scheduler tick, some milliseconds, with each of these jobs.
TEST_CASE("more threads than cores cost little") {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  const auto seconds = [](int threads) {
    const Threads set(threads);
    const auto start = std::chrono::steady_clock::now();
    std::atomic<double> sink = 0;
    for (int job = 0; job < 1000; ++job)
      kernels::parallel_slices(4, [&](int64_t slice) {
        double x = double(slice);
        for (int i = 0; i < 5000; ++i) x = x * 0.999 + 1;
        sink = x;
      });
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  sched_setaffinity(0, sizeof one, &one);
  const double alone = seconds(1), crowded = seconds(4);
  sched_setaffinity(0, sizeof all, &all);
  INFO(alone << " s on one thread, " << crowded << " s with four on the same core");
  CHECK(crowded < 3 * alone + 0.5);
}
