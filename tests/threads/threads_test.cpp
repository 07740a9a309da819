// What several threads may do at once (docs/threads.md). Built by itself as well, for the thread sanitizer with the kernels in it.
#include <ember/ember.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "support/catch.h"

namespace ember {
namespace {

/// body(number of the thread) on `count` threads at once; the first error reaches the caller.
void on_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> errors{std::size_t(count)};
  std::atomic<int> ready{0};
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      ++ready;
      while (ready < count) std::this_thread::yield();
      try {
        body(i);
      } catch (...) {
        errors[std::size_t(i)] = std::current_exception();
      }
    });
  for (std::thread& t : threads) t.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

struct Net : nn::Module {
  nn::Sequential& body = add("body", nn::Sequential{nn::Conv2d(1, 4, 3, {.padding = 1}), nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2),
                                                    nn::Flatten(), nn::Dropout(0.3), nn::Linear(4 * 8 * 8, 3)});
  Tensor forward(const Tensor& x) override { return body(x); }
};

/// A short training that ends with a finite loss.
double train() {
  Net net;
  optim::AdamW optimizer(net.parameters(), {.lr = 1e-2});
  const Tensor images = randn({48, 1, 16, 16}), labels = randint(3, {48});
  data::DataLoader loader(data::TensorDataset({images, labels}), {.batch_size = 16, .shuffle = true});
  double last = 0;
  for (int epoch = 0; epoch < 3; ++epoch)
    for (const auto& [x, y] : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(x), y);
      loss.backward();
      nn::utils::clip_grad_norm_(net.parameters(), 1.0);
      optimizer.step();
      last = loss.item<double>();
    }
  return last;
}

TEST_CASE("two threads train at once, with dropout and shuffles from the default generator") {
  std::vector<double> losses(2);
  on_threads(2, [&](int i) { losses[std::size_t(i)] = train(); });
  for (double loss : losses) CHECK((loss > 0 && loss < 10));
}

TEST_CASE("threads that share a generator take whole pieces of its numbers") {
  const auto draw = [](int64_t n) {
    std::vector<std::vector<float>> rows;
    for (int64_t i = 0; i < n; ++i) {
      const Tensor row = rand({1000});
      rows.emplace_back(row.data<float>(), row.data<float>() + 1000);
    }
    return rows;
  };
  manual_seed(5);
  std::vector<std::vector<float>> expected = draw(60);
  manual_seed(5);
  std::vector<std::vector<float>> parts[3];
  on_threads(3, [&](int i) { parts[i] = draw(20); });
  std::vector<std::vector<float>> got;
  for (auto& part : parts) got.insert(got.end(), part.begin(), part.end());
  std::sort(expected.begin(), expected.end());
  std::sort(got.begin(), got.end());
  CHECK(got == expected);
}

TEST_CASE("every kind of draw may come from several threads") {
  Generator own(3);
  on_threads(4, [&](int i) {
    for (int round = 0; round < 20; ++round) {
      dropout(ones({3000}));
      ones({100}, kFloat64).bernoulli_(0.5);
      randn({7}), randn({40}), randperm(50), randint(0, 9, {20});
      multinomial(ones({5}), 3, true);
      ones({10}).exponential_(1, &own);
      own.random64();
      const Tensor state = get_rng_state();
      if (i == 0) manual_seed(std::uint64_t(round));
      if (i == 1) set_rng_state(state);
    }
  });
  CHECK(own.uniform() < 1);
}

TEST_CASE("four threads ask one model, and get the same bits as one") {
  Net net;
  net(randn({8, 1, 16, 16}));
  net.eval();
  const Tensor x = randn({32, 1, 16, 16});
  const NoGradGuard quiet;
  const Tensor expected = net(x);
  std::vector<Tensor> got(4);
  on_threads(4, [&](int i) {
    const NoGradGuard no_grad;
    for (int round = 0; round < 5; ++round) got[std::size_t(i)] = net(x);
  });
  for (const Tensor& y : got) CHECK(y.equal(expected));
}

TEST_CASE("a model that nobody has called yet may be called by four threads, and gradients may be asked of it") {
  Net net;
  net.eval();
  const Tensor x = randn({4, 1, 16, 16}), weight = net.get_parameter("body.6.weight");
  std::vector<Tensor> gradients(4);
  on_threads(4, [&](int i) { gradients[std::size_t(i)] = autograd::grad({net(x).sum()}, {weight})[0]; });
  for (const Tensor& g : gradients) CHECK(g.equal(gradients[0]));
}

TEST_CASE("large work from two threads shares one pool, while a third changes its size") {
  const int before = get_num_threads();
  const Tensor a = randn({200, 300}), b = randn({300, 250}), expected = matmul(a, b);
  std::vector<int> same(3);
  on_threads(3, [&](int i) {
    for (int round = 0; round < 20; ++round) {
      if (i == 2) set_num_threads(1 + round % 3);
      else same[std::size_t(i)] += matmul(a, b).equal(expected);
    }
  });
  set_num_threads(before);
  CHECK(same[0] == 20);
  CHECK(same[1] == 20);
}

std::atomic<int> warnings{0};

struct Counts : nn::ForwardObserver {
  std::atomic<int> seen{0};
  void before_forward(const nn::Module&, const std::vector<Tensor>&) override { ++seen; }
  void after_forward(const nn::Module&, const std::vector<Tensor>&, const Tensor&) override {}
  void abandon_forward(const nn::Module&) override {}
};

TEST_CASE("warning handler and observer are changed by one thread while others warn and call") {
  static Counts counts;
  const WarningHandler before = set_warning_handler([](const char*) { ++warnings; });
  on_threads(3, [&](int i) {
    for (int round = 0; round < 50; ++round) {
      if (i == 0) {
        if (round % 2) nn::add_forward_observer(counts);
        else nn::remove_forward_observer(counts);
        set_warning_handler([](const char*) { ++warnings; });
      } else {
        nn::Sequential net{nn::Linear(2, 2), nn::ReLU()};  // made and destroyed on many threads
        net(ones({1, 2})).sum().backward();
        dropout2d(ones({2, 3, 4}));
      }
    }
  });
  nn::remove_forward_observer(counts);
  set_warning_handler(before);
  CHECK(warnings >= 100);
}

TEST_CASE("a network is copied and saved in memory by one thread while others ask it") {
  Net net;
  net.eval();
  const Tensor x = randn({2, 1, 16, 16});
  on_threads(3, [&](int i) {
    const NoGradGuard quiet;
    for (int round = 0; round < 5; ++round) {
      if (i == 0) CHECK(nn::deep_copy(net).state_dict() == net.state_dict());
      else net(x);
    }
  });
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // whose frames are larger
TEST_CASE("127 levels of modules run on a stack of 256 KB") {
  std::unique_ptr<nn::Module> nest = std::make_unique<nn::Linear>(2, 2);
  for (int i = 0; i < 127; ++i) {
    auto outer = std::make_unique<nn::Sequential>();
    outer->append(std::move(nest));
    nest = std::move(outer);
  }
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 << 10);
  pthread_t thread;
  const auto use = [](void* module) -> void* {
    nn::Module& net = *static_cast<nn::Module*>(module);
    net.eval();
    net(ones({1, 2})).sum().backward();
    return net.parameters().size() == 2 && net.repr().size() > 1000 && net.state_dict().size() == 2 ? module : nullptr;
  };
  REQUIRE(pthread_create(&thread, &small, use, nest.get()) == 0);
  void* result = nullptr;
  pthread_join(thread, &result);
  CHECK(result == nest.get());
}
#endif

#ifndef __SANITIZE_THREAD__  // which cannot follow a fork of several threads
TEST_CASE("a child process computes, draws and ends, also when others are at work when it is made") {
  const Tensor a = randn({300, 300}), expected = matmul(a, a);
  // The address sanitizer does not hold the lock of its allocator over a fork: of children made while others allocate one in a thousand waits for
  // ever, also in a program without Ember.
#ifdef __SANITIZE_ADDRESS__
  std::atomic<bool> stop{true};
#else
  std::atomic<bool> stop{false};
#endif
  std::thread busy([&] {
    while (!stop) {
      matmul(a, a);
      dropout(ones({100000}));
      rand({100});
    }
  });
#ifdef __SANITIZE_ADDRESS__
  busy.join();
#endif
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      const bool right = matmul(a, a).equal(expected) && dropout(ones({200000})).numel() == 200000 && train() > 0 && matmul(a, a).equal(expected);
      _exit(right ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  stop = true;
  if (busy.joinable()) busy.join();
}
#endif

}  // namespace
}  // namespace ember
