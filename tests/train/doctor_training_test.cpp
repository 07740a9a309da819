// The doctor on everything else of a training: numbers, gradients, parameters, inputs, losses.
#include <ember/train/doctor.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "train/doctor.h"

using namespace ember;
using namespace ember::doctor_tests;
using Names = std::vector<std::string>;

namespace {

bool has(const std::string& name) {
  const Names names = found();
  return std::find(names.begin(), names.end(), name) != names.end();
}

nn::Sequential deep(const char* activation, int layers, double std) {
  nn::Sequential model;
  for (int i = 0; i < layers; ++i) {
    nn::Linear layer(20, 20);
    if (std > 0) nn::init::normal_(layer.weight, 0, std);
    model.append(std::move(layer));
    if (activation == std::string("sigmoid")) model.append(nn::Sigmoid());
    else model.append(nn::ReLU());
  }
  model.append(nn::Linear(20, 3));
  return model;
}

struct Branches : nn::Module {
  nn::Linear& used = add("used", nn::Linear(20, 3));
  nn::Linear& unused = add("unused", nn::Linear(20, 3));
  Tensor forward(const Tensor& x) override { return used(x); }
};

/// log of what may be negative.
struct Logarithm : nn::Module {
  Tensor forward(const Tensor& x) override { return log(x); }
};

}  // namespace

TEST_CASE("doctor: NaN is named with the module that made it and the step") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model{nn::Linear(20, 16), nn::ReLU(), nn::Linear(16, 16), Logarithm(), nn::Linear(16, 3)};
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  train(model, optimizer, 3);
  REQUIRE(has("not_finite"));
  CHECK(doctor::findings()[0].module.find("3 (Logarithm)") == 0);
  CHECK(doctor::findings()[0].step == 0);
}

TEST_CASE("doctor: looking for NaN changes neither running statistics nor random numbers") {
  Tensor mean, next;
  for (const bool watched : {false, true}) {
    manual_seed(0);
    const Watch watch;
    nn::Sequential model{nn::Linear(20, 16), nn::BatchNorm1d(16), nn::Dropout(0.5), nn::Linear(16, 3)};
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    if (watched) doctor::watch(model, optimizer);
    (model(batch().x).sum() / zeros({})).backward();
    optimizer.step();
    if (watched) {
      CHECK(has("not_finite"));
      CHECK(equal(mean, model.buffers()[0]));
      CHECK(equal(next, rand({4})));
    } else {
      mean = model.buffers()[0].clone();
      next = rand({4});
    }
  }
}

TEST_CASE("doctor: a watched run has the numbers of an unwatched one") {
  Tensor weights;
  for (const bool watched : {false, true}) {
    manual_seed(0);
    const Watch watch;
    nn::Sequential model = net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    if (watched) doctor::watch(model, optimizer);
    train(model, optimizer, 30);
    if (watched) CHECK(equal(weights, model.parameters()[0]));
    weights = model.parameters()[0].detach().clone();
  }
}

TEST_CASE("doctor: gradients that vanish through sigmoids, and explode through large weights; moderate depth is no fault") {
  manual_seed(0);
  for (const int kind : {0, 1, 2}) {
    const Watch watch;
    nn::Sequential model = kind == 0 ? deep("sigmoid", 12, 0) : kind == 1 ? deep("relu", 12, 1) : deep("relu", 3, 0);
    optim::SGD optimizer(model.parameters(), {.lr = kind == 1 ? 1e-30 : 0.01});
    doctor::watch(model, optimizer);
    train(model, optimizer, 12);
    if (kind == 0) CHECK(found() == Names{"vanishing_gradients"});
    if (kind == 1) CHECK(has("exploding_gradients"));
    if (kind == 2) CHECK(found() == Names{});
  }
}

TEST_CASE("doctor: a dead ReLU") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model{nn::Linear(20, 16), nn::ReLU(), nn::Linear(16, 3)};
  {
    NoGradGuard no_grad;
    model[0].parameters()[1].fill_(-100);
  }
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  train(model, optimizer, 12);
  CHECK(has("dead_relu"));
}

TEST_CASE("doctor: parameters that never got a gradient, are not in the optimiser, or twice") {
  manual_seed(0);
  SECTION("no gradient") {
    const Watch watch;
    Branches model;
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 6);
    CHECK(found() == Names{"parameter_without_gradient"});
    CHECK(doctor::findings()[0].module == "unused.weight and 1 more");
  }
  SECTION("frozen: no word") {
    const Watch watch;
    Branches model;
    model.unused.requires_grad_(false);
    optim::SGD optimizer(model.used.parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 6);
    CHECK(found() == Names{});
  }
  SECTION("not in the optimiser") {
    const Watch watch;
    nn::Sequential model = net();
    optim::SGD optimizer(model[3].parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 6);
    CHECK(found() == Names{"parameter_not_in_optimizer"});
  }
  SECTION("twice") {
    const Watch watch;
    nn::Sequential model = net();
    std::vector<Tensor> list = model.parameters();
    list.push_back(list[0]);
    optim::SGD optimizer(list, {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 3);
    CHECK(found() == Names{"parameter_twice"});
  }
}

TEST_CASE("doctor: softmax before cross entropy") {
  manual_seed(0);
  for (const bool with : {true, false}) {
    const Watch watch;
    nn::Sequential model{nn::Linear(20, 3)};
    if (with) model.append(nn::Softmax(1));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 10);
    CHECK(found() == (with ? Names{"softmax_before_cross_entropy"} : Names{}));
  }
}

TEST_CASE("doctor: a forgotten zero_grad; accumulating over several backwards, or announced, is none") {
  manual_seed(0);
  for (const int kind : {0, 1, 2, 3}) {
    const Watch watch;
    nn::Sequential model = net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.01});
    doctor::watch(model, optimizer, {.accumulates = kind == 3});
    for (int i = 0; i < 12; ++i) {
      const Batch b = batch();
      cross_entropy(model(b.x), b.y).backward();
      if (kind == 2 && i % 4 != 3) continue;  // four backwards for a step
      optimizer.step();
      if (kind == 1) model.zero_grad();  // by the module
      if (kind == 2) optimizer.zero_grad();
    }
    CHECK(found() == (kind == 0 ? Names{"forgotten_zero_grad"} : Names{}));
  }
}

TEST_CASE("doctor: inputs from 0 to 255") {
  manual_seed(0);
  for (const double scale : {1.0, 1.0 / 255}) {
    const Watch watch;
    nn::Sequential model{nn::Flatten(), nn::Linear(64, 3)};
    optim::SGD optimizer(model.parameters(), {.lr = 1e-4});
    doctor::watch(model, optimizer);
    for (int i = 0; i < 5; ++i) step(model, optimizer, {randint(0, 256, {16, 1, 8, 8}).to(kFloat32) * scale, randint(0, 3, {16})});
    CHECK(found() == (scale == 1 ? Names{"input_0_to_255"} : Names{}));
  }
}

TEST_CASE("doctor: a loss that stays at log C is a note") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model{nn::Linear(20, 3)};
  nn::init::zeros_(model.parameters()[0]);
  nn::init::zeros_(model.parameters()[1]);
  optim::SGD optimizer(model.parameters(), {.lr = 0});
  doctor::watch(model, optimizer);
  train(model, optimizer, 400);
  CHECK(found() == Names{});
  CHECK(found(true) == Names{"loss_at_log_c"});
}

TEST_CASE("doctor: findings are lines of JSON in the folder of a run") {
  manual_seed(0);
  const Watch watch;
  const auto folder = std::filesystem::temp_directory_path() / ("ember_doctor_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  nn::Sequential model = net({.momentum = 0.9});
  optim::SGD optimizer(model.parameters(), {.lr = 0.05});
  doctor::watch(model, optimizer, {.folder = folder.string()});
  train(model, optimizer, 3);
  std::ifstream file(folder / "doctor.jsonl");
  std::string line;
  REQUIRE(std::getline(file, line));
  INFO(line);
  CHECK(line.find(R"#({"step":0,"module":"1 (BatchNorm1d)","finding":"momentum_reversed","text":")#") == 0);
  CHECK(line.find(R"("kind":"fault"})") != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("doctor: models and optimisers may end before the watch does") {
  manual_seed(0);
  const Watch watch;
  for (int i = 0; i < 3; ++i) {
    nn::Sequential model = net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 5);
  }
  nn::Sequential other = net();
  optim::SGD optimizer(other.parameters(), {.lr = 0.1});
  train(other, optimizer, 5);
  CHECK(found() == Names{});
}
