// The doctor on faults and healthy programs in other forms: wrapped models, parts called by themselves, what changes in the middle of a training.
#include "support/catch.h"
#include "train/doctor.h"

using namespace ember;
using namespace ember::doctor_tests;
using Names = std::vector<std::string>;

namespace {

struct Parts : nn::Module {
  nn::Sequential& body = add("body", nn::Sequential{nn::Linear(20, 16, {.bias = false}), nn::BatchNorm1d(16), nn::ReLU()});
  nn::Linear& head = add("head", nn::Linear(16, 3));
  Tensor forward(const Tensor& x) override { return head(body(x)); }
};

struct Wrapper : nn::Module {
  Parts& model = add("model", Parts());
  Tensor forward(const Tensor& x) override { return model(x); }
};

/// One head for each of five tasks.
struct Tasks : nn::Module {
  nn::Linear& body = add("body", nn::Linear(20, 16));
  nn::Sequential& heads = add("heads", nn::Sequential{nn::Linear(16, 3), nn::Linear(16, 3), nn::Linear(16, 3), nn::Linear(16, 3), nn::Linear(16, 3)});
  int used = 5;
  int call = 0;
  Tensor forward(const Tensor& x) override { return heads[std::size_t(call++ % used)](relu(body(x))); }
};

}  // namespace

TEST_CASE("doctor: the model inside of a wrapper, and parts that are called by themselves, are the watched model") {
  manual_seed(0);
  for (const int kind : {0, 1}) {
    const Watch watch;
    Wrapper net;
    optim::SGD optimizer(net.parameters(), {.lr = 0.05});
    doctor::watch(net.model, optimizer);
    const auto call = [&](const Tensor& x) { return kind == 0 ? net(x) : net.model.head(net.model.body(x)); };
    for (int i = 0; i < 40; ++i) {
      const Batch b = batch();
      optimizer.zero_grad();
      cross_entropy(call(b.x), b.y).backward();
      optimizer.step();
    }
    NoGradGuard no_grad;
    call(batch(100).x);
    CHECK(found() == Names{"evaluation_in_training_mode", "statistics_moved_by_evaluation"});
    CHECK(doctor::findings().at(0).module == "model.body.1 (BatchNorm1d)");
  }
}

TEST_CASE("doctor: layers that are unfrozen in the middle need an optimiser, and have one by add_param_group") {
  manual_seed(0);
  for (const bool added : {false, true}) {
    const Watch watch;
    Parts net;
    net.body.requires_grad_(false);
    optim::SGD optimizer(net.head.parameters(), {.lr = 0.05});
    doctor::watch(net, optimizer);
    train(net, optimizer, 40);
    net.body.requires_grad_(true);
    if (added) optimizer.add_param_group({.params = net.body.parameters()});
    train(net, optimizer, 100);
    CHECK(found() == (added ? Names{} : Names{"parameter_not_in_optimizer"}));
  }
}

TEST_CASE("doctor: an optimiser that has another model's parameters") {
  manual_seed(0);
  const Watch watch;
  Parts net, copy;
  optim::SGD optimizer(copy.parameters(), {.lr = 0.05});
  doctor::watch(net, optimizer);
  for (int i = 0; i < 10; ++i) {
    const Batch b = batch();
    net.zero_grad();
    cross_entropy(net(b.x), b.y).backward();
    optimizer.step();
  }
  CHECK(found() == Names{"parameter_not_in_optimizer"});
}

TEST_CASE("doctor: heads that take turns are no fault, one that never has its turn is") {
  manual_seed(0);
  for (const int used : {5, 4}) {
    const Watch watch;
    Tasks net;
    net.used = used;
    optim::SGD optimizer(net.parameters(), {.lr = 0.05});
    doctor::watch(net, optimizer);
    train(net, optimizer, 20);
    CHECK(found() == (used == 5 ? Names{} : Names{"parameter_without_gradient"}));
    if (used == 4) CHECK(doctor::findings().at(0).module == "heads.4.weight and 1 more");
  }
}

TEST_CASE("doctor: zero_grad between backward and step is named") {
  manual_seed(0);
  const Watch watch;
  Parts net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.05});
  doctor::watch(net, optimizer);
  for (int i = 0; i < 6; ++i) {
    const Batch b = batch();
    cross_entropy(net(b.x), b.y).backward();
    optimizer.zero_grad();
    optimizer.step();
  }
  CHECK(found() == Names{"parameter_without_gradient"});
  CHECK(doctor::findings().at(0).text.find("between backward() and step()") != std::string::npos);
}

TEST_CASE("doctor: a forgotten zero_grad of large weights alone") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential net{nn::Linear(20, 300, {.bias = false}), nn::ReLU(), nn::Linear(300, 20, {.bias = false})};
  optim::Adam optimizer(net.parameters(), {.lr = 1e-4});
  doctor::watch(net, optimizer);
  for (int i = 0; i < 6; ++i) {
    const Batch b = batch();
    cross_entropy(net(b.x), b.y).backward();
    optimizer.step();
  }
  CHECK(found() == Names{"forgotten_zero_grad"});
}

TEST_CASE("doctor: pixels from 0 to 255 that come later") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential net{nn::Flatten(), nn::Linear(64, 3)};
  optim::SGD optimizer(net.parameters(), {.lr = 1e-5});
  doctor::watch(net, optimizer);
  for (int i = 0; i < 140; ++i) step(net, optimizer, {randint(0, 256, {16, 1, 8, 8}).to(kFloat32) / (i < 100 ? 255 : 1), randint(0, 3, {16})});
  CHECK(found() == Names{"input_0_to_255"});
}

TEST_CASE("doctor: an averaged model whose statistics update_bn computes: no word") {
  manual_seed(0);
  const Watch watch;
  Parts net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.05});
  optim::swa_utils::AveragedModel average(Parts(), net);
  doctor::watch(net, optimizer);
  doctor::watch(average);
  for (int epoch = 0; epoch < 3; ++epoch) {
    train(net, optimizer, 20);
    average.update_parameters(net);
  }
  std::vector<Tensor> batches = {batch().x, batch().x, batch().x};
  optim::swa_utils::update_bn(batches, average);
  average.eval();
  NoGradGuard no_grad;
  average(batch().x);
  CHECK(found() == Names{});
}

TEST_CASE("doctor: an adversarial training whose drawings are made in training mode in between, real ones first: no word") {
  manual_seed(0);
  const Watch watch;
  nn::Sequential generator{nn::Linear(4, 16, {.bias = false}), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 20)},
      critic{nn::Linear(20, 8), nn::LeakyReLU(), nn::Linear(8, 1)};
  optim::Adam of_generator(generator.parameters()), of_critic(critic.parameters());
  doctor::watch(generator, of_generator);
  doctor::watch(critic, of_critic);
  for (int i = 0; i < 30; ++i) {
    const Tensor fake = generator(randn({16, 4}));
    of_critic.zero_grad();
    const Tensor of_real = softplus(-critic(batch(16).x)).mean();
    (of_real + softplus(critic(fake.detach())).mean()).backward();
    of_critic.step();
    of_generator.zero_grad();
    softplus(-critic(fake)).mean().backward();
    of_generator.step();
    if (i % 10 != 9) continue;
    NoGradGuard no_grad;
    generator(randn({4, 4}));
  }
  CHECK(found() == Names{});
}

TEST_CASE("doctor: a model that was called may end before the next step, also one that gave NaN") {
  manual_seed(0);
  const Watch watch;
  Parts net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.05});
  doctor::watch(net, optimizer);
  for (int i = 0; i < 4; ++i) {
    nn::Sequential other{nn::Linear(20, 16), nn::BatchNorm1d(16)};
    doctor::watch(other);
    other.eval();
    if (i % 2) other(batch().x * std::nan(""));
    const Tensor loss = cross_entropy(net(batch().x), batch().y) * (i == 3 ? std::nan("") : 1);
    {
      const nn::Sequential ends(std::move(other));
    }
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  const Names names = found();
  CHECK(std::find(names.begin(), names.end(), "not_finite") != names.end());
}
