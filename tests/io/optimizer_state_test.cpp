// States of optimisers in files. tests/live/optimizer_state.sh exchanges them with PyTorch.
#include <ember/ember.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

static void some_steps(optim::Optimizer& optimizer, const Tensor& p, int steps) {
  for (int i = 0; i < steps; ++i) {
    p.set_grad(p.detach() * 2 - 1);
    optimizer.step();
  }
}

TEST_CASE("an optimiser goes on from its file as if it had never stopped") {
  const std::string path = std::filesystem::temp_directory_path() / ("ember_optimizer_" + std::to_string(getpid()) + ".pt");
  const Tensor p = tensor({1., 2., 3.}).requires_grad_();
  optim::NAdam optimizer({p}, {.lr = 0.1, .betas = {0.8, 0.9}, .weight_decay = 0.1});
  some_steps(optimizer, p, 3);
  save(to_value(optimizer.state_dict()), path);

  const Tensor q = p.detach().clone().requires_grad_();
  optim::NAdam resumed({q});
  resumed.load_state_dict(to_optimizer_state(load(path)));
  std::remove(path.c_str());
  CHECK(resumed.param_groups[0].betas.first == 0.8);
  some_steps(optimizer, p, 3);
  some_steps(resumed, q, 3);
  CHECK(equal(p, q));
}

TEST_CASE("plain numbers for steps and None for buffers are understood, as old files have them") {
  Value values = Value::dict(), states = Value::dict(), group = Value::dict(), all = Value::dict();
  values.set("step", 7);
  values.set("exp_avg", tensor({1.f}));
  values.set("exp_avg_sq", tensor({2.f}));
  values.set("max_exp_avg_sq", None);
  states.set(0, values);
  group.set("lr", 1);
  group.set("params", Value::list({0}));
  all.set("state", states);
  all.set("param_groups", Value::list({group}));
  optim::Adam optimizer({tensor({1.f}).requires_grad_()});
  optimizer.load_state_dict(to_optimizer_state(all));
  CHECK(optimizer.param_groups[0].lr == 1);
  CHECK(optimizer.param_groups[0].eps == 1e-8);
  CHECK(optimizer.state_dict().state[0].values[0].second.item<double>() == 7);
  CHECK_THROWS_AS(to_optimizer_state(Value::dict()), RuntimeError);
}
