// The pool: every slice once, results that do not depend on the number of threads, and an end that always comes.
#include "kernels/parallel.h"

#include <ember/ember.h>

#include <atomic>
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
  CHECK_THROWS_AS(kernels::parallel_slices(8, [&](int64_t slice) {
    ++ended;
    if (slice == 3) throw ValueError("slice 3");
  }), ValueError);
  CHECK(ended == 8);
}

TEST_CASE("the same bits for any number of threads") {
  std::vector<Tensor> results[2];
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    manual_seed(0);
    nn::Sequential net{nn::Conv2d(3, 24, 3, {.padding = 1}), nn::BatchNorm2d(24), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(24 * 64, 200)};
    const Tensor x = randn({32, 3, 16, 16}), y = randint(0, 200, {32});
    const Tensor loss = cross_entropy(net(x), y);
    loss.backward();
    std::vector<Tensor>& out = results[threads == 1 ? 0 : 1];
    out.push_back(loss.detach());
    for (const Tensor& p : net.parameters()) out.push_back(p.grad());
    out.push_back(sum(randn({1 << 20})));
    out.push_back(softmax(randn({300, 500}), 1).sum(0));
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) CHECK_THAT(results[0][i], is_close(results[1][i], 0, 0));
}
