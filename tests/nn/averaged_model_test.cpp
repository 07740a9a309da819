// torch.optim.swa_utils: values worked out by hand.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
using namespace ember::optim::swa_utils;

static nn::Sequential net() { return {nn::Linear(2, 2), nn::BatchNorm1d(2)}; }

static void fill_parameters(const nn::Module& module, double value) {
  for (const Tensor& p : module.parameters()) p.detach().fill_(value);
}

TEST_CASE("the average of a model's parameters is their mean, its buffers are the latest") {
  nn::Sequential model = net();
  AveragedModel average(net(), model);
  CHECK(average.state_dict().begin()->first == "n_averaged");
  CHECK(average.state_dict().contains("module.1.running_mean"));
  for (double value : {1., 2., 6.}) {
    fill_parameters(model, value);
    model.buffers()[0].fill_(value);
    average.update_parameters(model);
  }
  CHECK_THAT(average.module.parameters()[0], is_close({{3., 3.}, {3., 3.}}));
  CHECK_THAT(average.module.buffers()[0], is_close({6., 6.}));
  CHECK(average.n_averaged.item<int64_t>() == 3);
}

TEST_CASE("an exponential average, of the buffers too") {
  nn::Sequential model = net();
  AveragedModel average(net(), model, {.avg_fn = get_ema_avg_fn(0.75), .use_buffers = true});
  for (double value : {1., 5.}) {
    fill_parameters(model, value);
    model.buffers()[0].fill_(value);
    average.update_parameters(model);
  }
  CHECK_THAT(average.module.parameters()[1], is_close({2., 2.}));
  CHECK_THAT(average.module.buffers()[0], is_close({2., 2.}));
  CHECK_THROWS_AS(get_ema_avg_fn(1.5), ValueError);
}

TEST_CASE("update_bn gives each batch the same weight and leaves modes and momenta as they were") {
  nn::Sequential model{nn::BatchNorm1d(1)};
  model.eval();
  auto& norm = dynamic_cast<nn::BatchNorm1d&>(model.get_submodule("0"));
  norm.running_mean.fill_(100);
  const std::vector<Tensor> batches = {tensor({{1.}, {3.}}), tensor({{4.}, {8.}}), tensor({{0.}, {2.}})};

  update_bn(batches, model);

  CHECK_THAT(norm.running_mean, is_close({3.}));  // of 2, 6, 1
  CHECK_THAT(norm.running_var, is_close({(2. + 8 + 2) / 3}));
  CHECK_FALSE(model.is_training());
  CHECK(norm.momentum.given());
  CHECK(norm.momentum.value() == 0.1);
}
