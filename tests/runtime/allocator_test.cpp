// The caching allocator: memory comes back, from any thread, and what cannot be had is an error and no more.
#include <ember/ember.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

constexpr int64_t kLarge = 1 << 20;  // floats: a block of its own class, beyond what threads keep

}  // namespace

#ifndef EMBER_SYSTEM_ALLOCATOR  // sanitizer builds keep nothing, and end where a block cannot be had

TEST_CASE("memory that tensors leave is used again") {
  empty({kLarge});
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 50; ++i) {
    const Tensor t = empty({kLarge});
    CHECK(memory_stats().in_use > before.in_use);
  }
  CHECK(memory_stats().system_calls == before.system_calls);
  CHECK(memory_stats().in_use == before.in_use);
}

TEST_CASE("empty_cache gives back what no tensor holds, and nothing else") {
  const Tensor kept = ones({kLarge});
  {
    const Tensor left = empty({2 * kLarge});
  }
  CHECK(memory_stats().cached >= 2 * kLarge * 4);
  empty_cache();
  CHECK(memory_stats().cached == 0);
  CHECK(kept.sum().item<double>() == double(kLarge));
  CHECK(zeros({2 * kLarge}).sum().item<double>() == 0);
}

TEST_CASE("empty_cache gives back small blocks as well, where a whole slab is free") {
  const auto resident = [] {  // KiB, as the system counts
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
      if (word == "VmRSS:") return status >> word, std::stoll(word);
    return 0LL;
  };
  empty_cache();
  const int64_t before = resident();
  const Tensor kept = ones({100});
  std::vector<Tensor> many;
  for (int i = 0; i < 200'000; ++i) many.push_back(ones({i % 200 + 1}));  // about 130 MB
  const int64_t full = resident();
  CHECK(full - before > 50'000);
  const Tensor among = ones({100});
  many = {};
  empty_cache();
  CHECK(resident() - before < (full - before) / 4);
  CHECK((kept + among).sum().item<double>() == 200);
  const int64_t calls = memory_stats().system_calls;
  for (int i = 0; i < 1000; ++i) CHECK(ones({i % 200 + 1}).sum().item<double>() == i % 200 + 1);
  CHECK(memory_stats().system_calls <= calls + 1);
}

TEST_CASE("a working set that changes does not pile up") {
  empty_cache();
  int64_t most = 0;
  for (int64_t n = 1; n <= 400; ++n) {  // 0.8 GB in all, each size once
    const Tensor t = empty({n * 10000 / 8});
    const Tensor u = empty({n * 10000});
    most = std::max(most, memory_stats().cached);
  }
  CHECK(most < (100 << 20));
}

TEST_CASE("two halves of a step that want blocks of different sizes do not take them from each other") {
  empty_cache();
  const auto half = [](int64_t numbers) {
    std::vector<Tensor> held;
    for (int i = 0; i < 20; ++i) held.push_back(empty({numbers}));
  };
  int64_t calls = 0;
  for (int step = 0; step < 4; ++step) {
    if (step == 1) calls = memory_stats().system_calls;
    half(2 * kLarge);
    half(kLarge * 7 / 4);
  }
  CHECK(memory_stats().system_calls == calls);
}

TEST_CASE("what cannot be had is an error, and the rest goes on") {
  {
    const Tensor left = empty({kLarge});
  }
  CHECK_THROWS_AS(empty({int64_t(1) << 46}), RuntimeError);
  CHECK_THROWS_WITH(empty({int64_t(1) << 44}), starts_with("DefaultCPUAllocator: can't allocate memory: you tried to allocate "));
  CHECK(ones({1000}).sum().item<double>() == 1000);
}

TEST_CASE("what the system refuses is not counted as in use") {
  const auto before = memory_stats().in_use;
  CHECK_THROWS_AS(empty({int64_t(1) << 44}), RuntimeError);
  CHECK(memory_stats().in_use == before);
}

#endif

TEST_CASE("tensors may die on another thread than the one that made them") {
  const auto round = [] {
    std::vector<Tensor> made;
    for (int i = 0; i < 2000; ++i) made.push_back(ones({i % 700 + 1}));
    for (int i = 0; i < 4; ++i) made.push_back(ones({kLarge}));
    std::thread([gone = std::move(made)]() mutable { gone.clear(); }).join();
  };
  for (int i = 0; i < 3; ++i) round();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 20; ++i) round();
  CHECK(memory_stats().in_use == before.in_use);
#ifndef EMBER_SYSTEM_ALLOCATOR
  CHECK(memory_stats().system_calls <= before.system_calls + 1);  // no pile on the thread that frees
#endif
}

TEST_CASE("many threads allocate, compute and free at once") {
  std::vector<std::thread> threads;
  std::vector<double> sums(6);
  for (std::size_t k = 0; k < sums.size(); ++k)
    threads.emplace_back([&sum = sums[k], k] {
      for (int i = 0; i < 300; ++i) {
        const Tensor x = full({i % 50 + 1, 40}, double(k + 1)).requires_grad_();
        (x * x).sum().backward();
        sum += x.grad().mean().item<double>();
      }
    });
  for (std::thread& t : threads) t.join();
  for (std::size_t k = 0; k < sums.size(); ++k) CHECK(std::fabs(sums[k] - 600 * double(k + 1)) < 1e-6);
}
