// Counts calls of malloc and its relatives in training steps of the benchmark's networks: in the steady state there are none.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "nets.h"

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}
static long calls = 0;
static bool stop_at_call = false;  // for a debugger: EMBER_STOP=1
static void count() {
  __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
  if (stop_at_call) __builtin_trap();
}

extern "C" {
void* malloc(std::size_t n) { return count(), __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) { return count(), __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) { return count(), __libc_realloc(p, n); }
void* memalign(std::size_t alignment, std::size_t n) { return count(), __libc_memalign(alignment, n); }
void* aligned_alloc(std::size_t alignment, std::size_t n) { return count(), __libc_memalign(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) { return count(), *p = __libc_memalign(alignment, n), 0; }
}

using namespace bench;

int main() {
  int failed = 0, passed = 0;
  for (const NetRow& row : net_rows()) {
    const std::string name = row.name;
    nn::Sequential net = row.make();
    std::vector<int64_t> shape = row.shape;
    shape.insert(shape.begin(), row.batch);
    const Tensor x = randn(shape), target = randint(0, name == "W1" ? 2 : 10, {row.batch});
    optim::SGD sgd(net.parameters(), {.lr = 0.01, .momentum = 0.9});
    optim::Adam adam(net.parameters());
    optim::Optimizer& optimizer = name == "W8" ? static_cast<optim::Optimizer&>(adam) : sgd;
    const auto step = [&] {
      optimizer.zero_grad();
      cross_entropy(net(x), target).backward();
      optimizer.step();
    };
    for (int i = 0; i < 4; ++i) step();
    // A worker that other programs kept from its share so far takes its own scratch memory when it first gets one: that is warming up.
    long made = 1;
    for (int attempt = 0; made && attempt < 5; ++attempt) {
      const long before = calls;
      stop_at_call = std::getenv("EMBER_STOP") != nullptr;
      for (int i = 0; i < 3; ++i) step();
      stop_at_call = false;
      made = calls - before;
    }
    std::printf("%s %s: %ld allocations in 3 training steps\n", made ? "FAILED" : "ok    ", row.name, made);
    (made ? failed : passed) += 1;
  }
  std::printf("%d passed, %d failed, 0 skipped\n", passed, failed);
  return failed > 0;
}
