// The doctor has nothing to say about the models of the library: a summary, a few steps, an evaluation.
#include <ember/models.h>
#include <ember/train.h>

#include "support/catch.h"
#include "train/doctor.h"

using namespace ember;
using namespace ember::doctor_tests;

TEST_CASE("doctor: models of the library, summarised, trained and evaluated: no word") {
  manual_seed(0);
  const auto healthy = [](nn::Module& model, const Shape& shape) {
    const Watch watch;
    optim::SGD optimizer(model.parameters(), {.lr = 0.01});
    doctor::watch(model, optimizer);
    train::summary(model, shape);
    const Batch b{randn(shape), randint(0, 10, {shape[0]})};
    model.train();
    for (int i = 0; i < 5; ++i) step(model, optimizer, b);
    model.eval();
    NoGradGuard no_grad;
    model(b.x);
    INFO(doctor::report());
    CHECK(found() == std::vector<std::string>{});
  };
  models::LeNet lenet;
  healthy(lenet, {8, 1, 28, 28});
  auto resnet20 = models::resnet20();
  healthy(resnet20, {4, 3, 32, 32});
  auto resnet18 = models::resnet18({.num_classes = 10});
  healthy(resnet18, {2, 3, 96, 96});
  models::MobileNetV2 mobilenet({.num_classes = 10});
  healthy(mobilenet, {2, 3, 96, 96});
}
