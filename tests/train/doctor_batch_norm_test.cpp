// The doctor on batch norm: each finding with a program that has the fault, beside healthy ones on which it has nothing to say.
#include "support/catch.h"
#include "train/doctor.h"

using namespace ember;
using namespace ember::doctor_tests;
using Names = std::vector<std::string>;

TEST_CASE("doctor: a healthy training, evaluation and training again: no word") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model = net();
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  for (int epoch = 0; epoch < 3; ++epoch) {
    train(model, optimizer, 60);
    model.eval();
    NoGradGuard no_grad;
    model(batch(100).x);
    model(batch(1).x);
  }
  CHECK(found() == Names{});
  CHECK(found(true) == Names{});
  CHECK(warnings.empty());
  CHECK(doctor::report() == "doctor: nothing found\n");
}

TEST_CASE("doctor: evaluation without gradients in training mode, and the statistics that it moves") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model = net();
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  train(model, optimizer, 100);
  for (int i = 0; i < 3; ++i) {
    NoGradGuard no_grad;
    model(3 + batch(100).x);
  }
  CHECK(found() == Names{"evaluation_in_training_mode", "statistics_moved_by_evaluation"});
  REQUIRE(warnings.size() == 2);  // once, though it happened three times
  CHECK(warnings[0].find("doctor: 1 (BatchNorm1d): evaluation without gradients while in training mode") == 0);
  CHECK(warnings[0].find("model.eval()") != std::string::npos);
  CHECK(warnings[0].find('\n') == std::string::npos);
}

TEST_CASE("doctor: update_bn recomputes statistics in training mode without gradients: no word") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model = net();
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  train(model, optimizer, 40);
  std::vector<Tensor> batches = {batch().x, batch().x};
  optim::swa_utils::update_bn(batches, model);
  CHECK(found() == Names{});
}

TEST_CASE("doctor: a generator that runs in training mode without gradients for another net's step: no word") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential generator{nn::Linear(4, 16, {.bias = false}), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 20)},
      critic{nn::Linear(20, 8), nn::LeakyReLU(), nn::Linear(8, 1)};
  optim::Adam of_generator(generator.parameters()), of_critic(critic.parameters());
  doctor::watch(generator, of_generator);
  doctor::watch(critic, of_critic);
  for (int i = 0; i < 20; ++i) {
    Tensor fake;
    {
      NoGradGuard no_grad;
      fake = generator(randn({16, 4}));
    }
    critic.zero_grad();
    (softplus(critic(fake)) + softplus(-critic(batch(16).x))).mean().backward();
    of_critic.step();
    generator.zero_grad();
    softplus(-critic(generator(randn({16, 4})))).mean().backward();
    of_generator.step();
  }
  {
    NoGradGuard no_grad;
    generator(randn({16, 4}));  // drawn in training mode, as usual there
  }
  CHECK(found() == Names{});
}

TEST_CASE("doctor: training while in evaluation mode; frozen batch norms are no fault") {
  manual_seed(0);
  for (const int kind : {0, 1, 2}) {
    const Watch watch;
    nn::Sequential model = net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    train(model, optimizer, 20);
    if (kind == 0) model.eval();     // forgotten train()
    if (kind == 1) model[1].eval();  // this one alone, on purpose
    if (kind == 2) {
      model.eval();
      model[1].requires_grad_(false);
    }
    for (int i = 0; i < 5; ++i) step(model, optimizer, batch());
    CHECK(found() == (kind == 0 ? Names{"training_in_evaluation_mode"} : Names{}));
  }
}

TEST_CASE("doctor: a prediction of one sample before any eval()") {
  manual_seed(0);
  for (const bool recorded : {false, true}) {
    const Watch watch;
    nn::Sequential model{nn::Conv2d(1, 4, 3, {.bias = false}), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(), nn::Linear(4 * 36, 3)};
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    doctor::watch(model, optimizer);
    for (int i = 0; i < 10; ++i) step(model, optimizer, {randn({16, 1, 8, 8}), randint(0, 3, {16})});
    {
      const GradMode mode(recorded);
      model(randn({1, 1, 8, 8}));
    }
    const Names names = found();
    REQUIRE(!names.empty());
    CHECK(std::find(names.begin(), names.end(), "one_sample_without_eval") != names.end());
  }
}

TEST_CASE("doctor: training in batches of one image is no prediction") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model{nn::Conv2d(1, 4, 3, {.bias = false}), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(), nn::Linear(4 * 36, 3)};
  optim::SGD optimizer(model.parameters(), {.lr = 0.01});
  doctor::watch(model, optimizer);
  for (int i = 0; i < 10; ++i) step(model, optimizer, {randn({1, 1, 8, 8}), randint(0, 3, {1})});
  CHECK(found() == Names{});
}

TEST_CASE("doctor: one value per channel, with the size of the batches before") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model = net();
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  train(model, optimizer, 5);
  CHECK_THROWS_AS(step(model, optimizer, batch(1)), ValueError);
  CHECK(found() == Names{"one_value_per_channel"});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("a batch of 1") != std::string::npos);
  CHECK(warnings[0].find("32") != std::string::npos);
  CHECK(warnings[0].find(".drop_last = true") != std::string::npos);
}

TEST_CASE("doctor: statistics over four values or fewer count N x H x W") {
  manual_seed(0);
  for (const int64_t size : {2, 4, 5}) {
    const Watch watch;
    nn::Sequential model = net();
    optim::SGD optimizer(model.parameters(), {.lr = 0.01});
    doctor::watch(model, optimizer);
    train(model, optimizer, 10, size);
    CHECK(found() == (size <= 4 ? Names{"few_values"} : Names{}));
  }
  const Watch watch;
  nn::Sequential model{nn::Conv2d(1, 4, 3, {.bias = false}), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(), nn::Linear(4 * 36, 3)};
  optim::SGD optimizer(model.parameters(), {.lr = 0.01});
  doctor::watch(model, optimizer);
  for (int i = 0; i < 10; ++i) step(model, optimizer, {randn({2, 1, 8, 8}), randint(0, 3, {2})});  // 72 values
  CHECK(found() == Names{});
}

TEST_CASE("doctor: evaluation with statistics that never saw a batch") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model = net(), trained = net();
  doctor::watch(model);
  doctor::watch(trained);
  optim::SGD optimizer(trained.parameters(), {.lr = 0.1});
  train(trained, optimizer, 40);
  trained.eval();
  model.eval();
  trained(batch().x);
  CHECK(found() == Names{});
  model(batch().x);
  CHECK(found() == Names{"statistics_never_saw_a_batch"});
}

TEST_CASE("doctor: running statistics far from the batch, with the distance") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model = net();
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  doctor::watch(model, optimizer);
  train(model, optimizer, 100);
  model.eval();
  NoGradGuard no_grad;
  model(batch(100).x);
  CHECK(found() == Names{});
  model(10 * batch(100).x);
  CHECK(found() == Names{"statistics_far_from_batch"});
  CHECK(warnings[0].find("times the running one") != std::string::npos);
}

TEST_CASE("doctor: momentum read the other way round") {
  manual_seed(0);
  for (const double momentum : {0.1, 0.5, 0.9, 0.99}) {
    const Watch watch;
    nn::Sequential model = net({.momentum = momentum});
    optim::SGD optimizer(model.parameters(), {.lr = 0.05});
    doctor::watch(model, optimizer);
    train(model, optimizer, 10);
    CHECK(found() == (momentum > 0.6 ? Names{"momentum_reversed"} : Names{}));
  }
}

TEST_CASE("doctor: a dead channel in front of batch norm") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model{nn::Conv2d(1, 4, 3, {.bias = false}), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(), nn::Linear(4 * 36, 3)};
  {
    NoGradGuard no_grad;
    model[0].parameters()[0].select(0, 2).zero_();
  }
  optim::SGD optimizer(std::vector<Tensor>{model[4].parameters()}, {.lr = 0.01});
  model[0].requires_grad_();
  for (const Tensor& p : model[1].parameters()) p.requires_grad_(false);
  doctor::watch(model, optimizer);
  for (int i = 0; i < 10; ++i) {
    optimizer.zero_grad();
    cross_entropy(model(randn({16, 1, 8, 8})), randint(0, 3, {16})).backward();
    optimizer.step();
  }
  const Names names = found();
  CHECK(std::find(names.begin(), names.end(), "dead_channel") != names.end());
}

TEST_CASE("doctor: notes are in the report only: a bias in front of batch norm, weight decay on gamma and beta") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential model{nn::Linear(20, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 3)};
  optim::SGD optimizer(model.parameters(), {.lr = 0.1, .weight_decay = 1e-4});
  doctor::watch(model, optimizer);
  train(model, optimizer, 10);
  CHECK(found() == Names{});
  CHECK(found(true) == Names{"bias_before_batch_norm", "weight_decay_on_batch_norm"});
  CHECK(warnings.empty());
  CHECK(doctor::report().find(".bias = false") != std::string::npos);
}
