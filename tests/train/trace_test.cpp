// What a trace holds (docs/trace.md), looked at with load_npz.
#include <ember/ember.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include <csignal>
#include <cstdio>
#include <memory>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

/// A file of this test, removed with it.
struct Scratch {
  explicit Scratch(const std::string& name)
      : path((std::filesystem::temp_directory_path() / ("ember_trace_test_" + std::to_string(::getpid()) + "_" + name)).string()) {}
  ~Scratch() { std::remove(path.c_str()); }
  nn::StateDict arrays() const { return load_npz(path); }
  std::string path;
};

std::vector<std::string> names(const nn::StateDict& arrays) {
  std::vector<std::string> list;
  for (const auto& [name, value] : arrays) list.push_back(name);
  return list;
}

std::string header(const nn::StateDict& arrays) {
  const Tensor& text = arrays.at("trace");
  return {static_cast<const char*>(text.data_ptr()), std::size_t(text.numel())};
}

int64_t count(const nn::StateDict& arrays, const std::string& part) {
  int64_t n = 0;
  for (const auto& [name, value] : arrays) n += name.find(part) != std::string::npos;
  return n;
}

void train_step(nn::Module& model, const Tensor& x, optim::Optimizer* optimizer = nullptr) {
  if (optimizer) optimizer->zero_grad();
  model(x).square().mean().backward();
  if (optimizer) optimizer->step();
}

std::vector<std::string> warnings;
struct CatchWarnings {
  CatchWarnings() { warnings.clear(); }
  ~CatchWarnings() { set_warning_handler(before); }
  WarningHandler before = set_warning_handler([](const char* text) { warnings.push_back(text); });
};

}  // namespace

TEST_CASE("a trace holds everything of a step in the order in which it happened") {
  const Scratch file("order.npz");
  nn::Sequential net{{"fc", nn::Linear(3, 2)}, {"norm", nn::BatchNorm1d(2)}};
  const Tensor x = randn({4, 3});
  {
    Trace trace(file.path);
    train_step(net, x);
    CHECK(trace.steps() == 1);
  }
  const nn::StateDict arrays = file.arrays();
  CHECK(names(arrays) == std::vector<std::string>{"000000/(root)/input",
                                                  "000000/fc/input",
                                                  "000000/fc/param.weight",
                                                  "000000/fc/param.bias",
                                                  "000000/fc/output",
                                                  "000000/norm/input",
                                                  "000000/norm/param.weight",
                                                  "000000/norm/param.bias",
                                                  "000000/norm/output",
                                                  "000000/norm/buffer.running_mean",
                                                  "000000/norm/buffer.running_var",
                                                  "000000/norm/buffer.num_batches_tracked",
                                                  "000000/(root)/output",
                                                  "000000/norm/grad_output",
                                                  "000000/(root)/grad_output",
                                                  "000000/fc/grad_output",
                                                  "000000/norm/grad.bias",
                                                  "000000/norm/grad.weight",
                                                  "000000/fc/grad.bias",
                                                  "000000/fc/grad.weight",
                                                  "000001/fc/param.weight",
                                                  "000001/fc/param.bias",
                                                  "000001/norm/param.weight",
                                                  "000001/norm/param.bias",
                                                  "trace"});
  CHECK(arrays.at("000000/(root)/input").equal(x));
  CHECK(arrays.at("000000/fc/output").equal(arrays.at("000000/norm/input")));
  CHECK(arrays.at("000000/norm/buffer.running_mean").equal(net.state_dict().at("norm.running_mean")));
  CHECK(arrays.at("000000/fc/grad.weight").equal(net.parameters()[0].grad()));
  CHECK(arrays.at("000000/(root)/grad_output").allclose(arrays.at("000000/(root)/output") * 2 / 8));
  CHECK(header(arrays) ==
        R"j({"version":1,"framework":"Ember 0.1.0","steps":1,"every":1,"only":"","truncated":false,"backward":[[0,true]],"strangers":[],)j"
        R"j("modules":[{"path":"(root)","type":"Sequential","extra":"","training":[[0,true]],"parameters":[]},)j"
        R"j({"path":"fc","type":"Linear","extra":"in_features=3, out_features=2, bias=True","training":[[0,true]],"parameters":[)j"
        R"j({"name":"weight","shape":"float32 (2, 3)","requires_grad":true},{"name":"bias","shape":"float32 (2)","requires_grad":true}]},)j"
        R"j({"path":"norm","type":"BatchNorm1d","extra":"2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True",)j"
        R"j("training":[[0,true]],"parameters":[{"name":"weight","shape":"float32 (2)","requires_grad":true},)j"
        R"j({"name":"bias","shape":"float32 (2)","requires_grad":true}]}]})j");
}

TEST_CASE("a traced run has the numbers of one that is not") {
  const Scratch file("same.npz");
  const auto run = [&](bool traced) {
    manual_seed(3);
    nn::Sequential net{nn::Conv2d(1, 4, 3), nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Dropout(0.5), nn::Linear(16, 3)};
    optim::Adam optimizer(net.parameters());
    std::unique_ptr<Trace> trace = traced ? std::make_unique<Trace>(file.path) : nullptr;
    for (int step = 0; step < 5; ++step) train_step(net, randn({8, 1, 6, 6}), &optimizer);
    return net.state_dict().clone();
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("layers that a Sequential may compute together are each recorded") {
  const Scratch file("fused.npz");
  nn::Sequential net{nn::Conv2d(1, 4, 3), nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(16, 3), nn::ReLU()};
  {
    Trace trace(file.path);
    train_step(net, randn({2, 1, 6, 6}));
    net.eval();
    NoGradGuard no_grad;
    net(randn({2, 1, 6, 6}));
  }
  const nn::StateDict arrays = file.arrays();
  for (const char* layer : {"0", "1", "2", "3", "4", "5", "6"})
    for (const char* step : {"000000/", "000001/"}) {
      CHECK(arrays.contains(std::string(step) + layer + "/input"));
      CHECK(arrays.contains(std::string(step) + layer + "/output"));
    }
  for (const char* layer : {"0", "1", "2", "3", "4", "5", "6"}) CHECK(arrays.contains(std::string("000000/") + layer + "/grad_output"));
  CHECK(arrays.at("000000/2/output").equal(relu(arrays.at("000000/1/output"))));
}

TEST_CASE("every, only and steps choose what is recorded") {
  const Scratch file("chosen.npz");
  nn::Sequential net{{"conv1", nn::Linear(2, 2)}, {"act", nn::Tanh()}, {"conv2", nn::Linear(2, 2)}, {"out", nn::Linear(2, 1)}};
  Trace trace(file.path, {.every = 2, .only = "conv*, out", .steps = 5});
  for (int step = 0; step < 5; ++step) train_step(net, randn({2, 2}));
  CHECK(header(file.arrays()).find(R"("steps":5)") != std::string::npos);  // readable as of now
  train_step(net, randn({2, 2}));
  const nn::StateDict arrays = file.arrays();
  CHECK(count(arrays, "/output") == 9);
  for (const char* prefix : {"000000/conv1/", "000002/conv2/", "000004/out/"}) CHECK(count(arrays, prefix) == 7);
  CHECK(arrays.size() == 9 * 7 + 6 + 1);  // and the parameters behind the last step
  CHECK(header(arrays).find(R"("steps":5,"every":2,"only":"conv*, out")") != std::string::npos);
}

TEST_CASE("a module that is called several times in a step has a number for each call") {
  struct Net : nn::Module {
    nn::Linear& cell = add("cell", nn::Linear(2, 2));
    Tensor forward(const Tensor& x) override { return cell(cell(cell(x))); }
  } net;
  const Scratch file("calls.npz");
  {
    Trace trace(file.path);
    const Tensor loss = net(randn({1, 2})).sum();
    loss.backward({}, true);
    loss.backward();
    net(randn({1, 2}));
  }
  const nn::StateDict arrays = file.arrays();
  CHECK(arrays.at("000000/cell#1/input").equal(arrays.at("000000/cell/output")));
  CHECK(arrays.at("000000/cell#2/output").equal(arrays.at("000000/(root)/output")));
  CHECK(count(arrays, "param.weight") == 3);  // once in a step, and behind the last one
  CHECK(arrays.at("000000/cell#1/grad_output#1").equal(arrays.at("000000/cell#1/grad_output")));
  CHECK(arrays.at("000000/cell/grad.weight#1").allclose(arrays.at("000000/cell/grad.weight") * 2));  // it accumulates
  CHECK(arrays.contains("000001/cell#2/output"));
}

TEST_CASE("a loss inside of the model shows all its inputs; modules outside of it are not recorded") {
  struct Net : nn::Module {
    nn::Linear& out = add("out", nn::Linear(2, 3));
    nn::CrossEntropyLoss& loss = add("loss", nn::CrossEntropyLoss());
    Tensor forward(const Tensor& x) override { return loss(out(x), zeros({x.size(0)}, kInt64)); }
  } net;
  nn::Linear other(1, 2);
  const Scratch file("loss.npz");
  {
    Trace trace(file.path, {.model = &net});
    for (int step = 0; step < 2; ++step) net(other(ones({4, 1}))).backward();
  }
  const nn::StateDict arrays = file.arrays();
  CHECK(arrays.at("000001/loss/input.0").equal(arrays.at("000001/out/output")));
  CHECK(arrays.at("000001/loss/input.1").dtype() == kInt64);
  CHECK(arrays.at("000001/loss/grad_output").item<double>() == 1);
  CHECK(count(arrays, "(root)/input") == 2);
  CHECK(count(arrays, "param.weight") == 3);
}

TEST_CASE("a shared parameter has its gradient where it comes first") {
  struct Net : nn::Module {
    nn::Linear& a = add("a", nn::Linear(2, 2));
    nn::Linear& b = add("b", nn::Linear(2, 2));
    Net() { b.weight = a.weight; }
    Tensor forward(const Tensor& x) override { return b(a(x)); }
  } net;
  const Scratch file("shared.npz");
  {
    Trace trace(file.path);
    train_step(net, randn({2, 2}));
  }
  const nn::StateDict arrays = file.arrays();
  CHECK(arrays.contains("000000/b/param.weight"));
  CHECK(arrays.contains("000000/a/grad.weight"));
  CHECK_FALSE(arrays.contains("000000/b/grad.weight"));
}

TEST_CASE("a forward that throws ends its call, and the next one is a step again") {
  nn::Sequential net{nn::Linear(2, 2), nn::BatchNorm1d(2)};
  const Scratch file("throws.npz");
  {
    Trace trace(file.path);
    CHECK_THROWS_AS(net(randn({1, 2})), ValueError);
    net(randn({3, 2}));
    CHECK(trace.steps() == 2);
  }
  const nn::StateDict arrays = file.arrays();
  CHECK(arrays.contains("000000/1/input"));
  CHECK_FALSE(arrays.contains("000000/1/output"));
  CHECK(arrays.contains("000001/(root)/output"));
}

TEST_CASE("a module that was moved is the same model") {
  nn::Sequential net{nn::Linear(2, 2)};
  const Scratch file("moved.npz");
  {
    Trace trace(file.path);
    net(randn({1, 2}));
    nn::Sequential moved(std::move(net));
    moved(randn({1, 2}));
  }
  CHECK(file.arrays().contains("000001/0/output"));
}

TEST_CASE("backward after the trace's end is harmless") {
  nn::Sequential net{nn::Linear(2, 2), nn::Tanh()};
  const Scratch file("late.npz"), next("next.npz");
  Tensor loss;
  {
    Trace trace(file.path);
    loss = net(randn({1, 2})).sum();
  }
  Trace other(next.path);  // not its backward
  loss.backward();
  other.close();
  CHECK(count(file.arrays(), "grad") == 0);
  CHECK(names(next.arrays()) == std::vector<std::string>{"trace"});
}

TEST_CASE("one trace at a time; options and files are checked first") {
  const Scratch file("one.npz"), second("two.npz");
  {
    const Trace trace(file.path);
    CHECK_THROWS_WITH(Trace(second.path), contains("one.npz is being recorded already"));
  }
  CHECK_NOTHROW(Trace(second.path));
  CHECK_THROWS_WITH(Trace(second.path, {.every = 0}), "Trace: expected every to be 1 or more, got 0");
  CHECK_THROWS_WITH(Trace(second.path, {.max_bytes = 0}), "Trace: expected max_bytes to be 1 or more, got 0");
  CHECK_THROWS_WITH(Trace("/nowhere/run.npz"), "cannot write /nowhere/run.npz: No such file or directory");
  CHECK(nn::forward_observer() == nullptr);
}

TEST_CASE("the file ends before it exceeds max_bytes, and says so") {
  const CatchWarnings catching;
  nn::Sequential net{nn::Linear(64, 64)};
  const Scratch file("limit.npz");
  Trace trace(file.path, {.max_bytes = 60000});
  for (int step = 0; step < 10; ++step) net(randn({4, 64}));
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], contains("has reached max_bytes = 60000 in step 2 and is complete"));
  const nn::StateDict arrays = file.arrays();
  CHECK(header(arrays).find(R"("steps":3,"every":1,"only":"","truncated":true)") != std::string::npos);
  int64_t bytes = 0;
  for (const auto& [name, value] : arrays) bytes += value.numel() * item_size(value.dtype());
  CHECK(bytes < 60000);
  CHECK(bytes > 30000);
}

TEST_CASE("when the file cannot grow the recording stops with a warning, the run goes on, and close() throws") {
  const CatchWarnings catching;
  nn::Sequential net{nn::Linear(256, 256)};
  const Scratch file("full.npz");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1 << 16, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  Trace trace(file.path);
  ::setrlimit(RLIMIT_FSIZE, &small);
  for (int step = 0; step < 6; ++step) train_step(net, randn({4, 256}));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], contains("File too large; what was there before is unchanged; the recording has stopped"));
  CHECK_THROWS_WITH(trace.close(), contains("File too large"));
  CHECK_THROWS_AS(file.arrays(), RuntimeError);
}
