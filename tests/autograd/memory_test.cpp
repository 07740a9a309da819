// What the tape holds it gives back: long training, graphs that are dropped, errors in the middle.
#include <ember/ember.h>

#include "support/catch.h"

using namespace ember;

namespace {

#ifdef EMBER_SYSTEM_ALLOCATOR  // sanitizer builds ask for every block
constexpr bool kKeepsBlocks = false;
#else
constexpr bool kKeepsBlocks = true;
#endif

/// Bytes held in large blocks, and how often the system was asked for memory, after `steps` calls.
template <class Step>
MemoryStats after(int steps, const Step& step) {
  for (int i = 0; i < steps; ++i) step();
  return memory_stats();
}

}  // namespace

TEST_CASE("10,000 training steps: memory neither grows nor is asked for again") {
  nn::Sequential net{nn::Linear(16, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Dropout(0.1), nn::Linear(64, 4)};
  optim::Adam optimizer(net.parameters());
  const Tensor x = randn({256, 16}), y = randint(0, 4, {256});
  const auto step = [&] {
    optimizer.zero_grad();
    cross_entropy(net(x), y).backward();
    optimizer.step();
  };
  const MemoryStats before = after(10, step), later = after(10'000, step);
  CHECK(later.in_use == before.in_use);
  CHECK(later.cached == before.cached);
  if (kKeepsBlocks) CHECK(later.system_calls == before.system_calls);
}

TEST_CASE("graphs that never run backward, run twice, or fail in the middle leave nothing behind") {
  const Tensor x = randn({512, 64}).requires_grad_();
  const auto drop = [&] { (x.exp() * x).sum(); };
  const auto twice = [&] {
    const Tensor y = (x.exp() * x).sum();
    y.backward({}, /*retain_graph=*/true);
    y.backward();
    CHECK_THROWS_AS(y.backward(), RuntimeError);
    x.set_grad({});
  };
  const auto fail = [&] {
    const Tensor y = x.exp();
    register_hook(y, [](const Tensor&) -> Tensor { throw RuntimeError("stop"); });
    CHECK_THROWS_AS((y * y).sum().backward(), RuntimeError);
    x.set_grad({});
  };
  const auto second = [&] {  // a gradient of a gradient, dropped half way
    const Tensor g = autograd::grad({(x * x * x).sum()}, {x}, {}, {.create_graph = true})[0];
    autograd::grad({g.sum()}, {x}, {}, {.create_graph = true});
  };
  const auto all = [&] { drop(), twice(), fail(), second(); };
  const MemoryStats before = after(3, all), later = after(50, all);
  CHECK(later.in_use == before.in_use);
  if (kKeepsBlocks) CHECK(later.system_calls == before.system_calls);
}
