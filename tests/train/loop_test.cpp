// What helps in a user's own loop: history, the best weights, stopping, Ctrl-C, trial runs.
#include <ember/ember.h>
#include <ember/train.h>

#include <cmath>
#include <csignal>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;

TEST_CASE("a history keeps numbers by step, with gaps, and its files read back") {
  const Folder folder;
  train::History history("epoch");
  history.add(1, {{"train loss", 0.1}, {"a, \"b\"", 3}});
  history.add(2, {{"train loss", 1.0 / 3}});
  history.add(2, {{"accuracy", NAN}});
  history.add(5, {{"train loss", INFINITY}, {"accuracy", 0.97}});
  CHECK(history.steps() == std::vector<int64_t>{1, 2, 5});
  CHECK(history["train loss"][1] == 1.0 / 3);
  CHECK(std::isnan(history["accuracy"][0]));
  CHECK(history.last("a, \"b\"") == 3);
  CHECK(history.csv() == "epoch,train loss,\"a, \"\"b\"\"\",accuracy\n1,0.1,3,\n2,0.3333333333333333,,\n5,inf,,0.97\n");
  CHECK(history.json_lines() ==
        "{\"epoch\":1,\"train loss\":0.1,\"a, \\\"b\\\"\":3.0,\"accuracy\":null}\n"
        "{\"epoch\":2,\"train loss\":0.3333333333333333,\"a, \\\"b\\\"\":null,\"accuracy\":null}\n"
        "{\"epoch\":5,\"train loss\":null,\"a, \\\"b\\\"\":null,\"accuracy\":0.97}\n");
  history.save(folder / "deep/run");
  CHECK(train::History::load(folder / "deep/run/history.csv").csv() == history.csv());
  CHECK_THAT(bytes_of(folder / "deep/run/history.svg"), contains("<svg") && contains(">train loss<"));
  CHECK_THROWS_WITH(history["loss"], "History: there is no 'loss', only 'train loss', 'a, \"b\"', 'accuracy'");
  CHECK_THROWS_AS(history.add(6, {{"", 1}}), ValueError);
}

TEST_CASE("a history that is not one is refused with file and line") {
  const Folder folder;
  write_bytes(folder / "h.csv", "epoch,loss\n1,2\n2,x\n");
  CHECK_THROWS_WITH(train::History::load(folder / "h.csv"), contains("h.csv, line 3: expected a number, got 'x'"));
  write_bytes(folder / "h.csv", "epoch,loss\n1\n");
  CHECK_THROWS_WITH(train::History::load(folder / "h.csv"), contains("h.csv, line 2: expected a step and 1 numbers, got '1'"));
  CHECK_THROWS_AS(train::History::load(folder / "none.csv"), RuntimeError);
}

TEST_CASE("SaveBest writes when it is better and brings the best weights back") {
  const Folder folder;
  nn::BatchNorm1d model(2);
  train::SaveBest best(folder / "best.pt", model, {.mode = "max"});
  CHECK_THROWS_WITH(best.restore(), contains("nothing was saved"));
  CHECK_FALSE(best.update(NAN, 0));
  model.running_mean.fill_(1);
  CHECK(best.update(0.5, 1));
  model.running_mean.fill_(2);
  CHECK_FALSE(best.update(0.5, 2));
  CHECK_FALSE(best.update(0.4, 3));
  best.restore();
  CHECK_THAT(model.running_mean, is_close({1, 1}));
  CHECK(best.value() == 0.5);
  CHECK(best.step() == 1);
  CHECK(load(folder / "best.pt")["running_mean"].as_tensor()[0].item<float>() == 1);
  CHECK_THROWS_WITH(train::SaveBest("x", model, {.mode = "up"}), "SaveBest: expected the mode min or max, got 'up'");
}

TEST_CASE("EarlyStopping waits as long as its patience, and not for NaN") {
  train::EarlyStopping stopping({.min_delta = 0.1, .patience = 2});
  CHECK_FALSE(stopping.update(1.0));
  CHECK_FALSE(stopping.update(0.95));  // better, but not by 0.1
  CHECK_FALSE(stopping.update(0.8));
  CHECK_FALSE(stopping.update(0.9));
  CHECK(stopping.update(0.75));
  CHECK(stopping.best() == 0.8);
  CHECK(stopping.reason() == "stopped: no better than 0.8 for 2 values");
  train::EarlyStopping other({.mode = "max"});
  CHECK_FALSE(other.update(1));
  CHECK(other.update(NAN));
  CHECK_THROWS_AS(train::EarlyStopping({.patience = 0}), ValueError);
}

TEST_CASE("the first Ctrl-C only asks, and what handled it before handles it again") {
  static volatile std::sig_atomic_t old_handler_ran;
  old_handler_ran = 0;
  struct sigaction old{}, before{};
  old.sa_handler = [](int) { old_handler_ran = 1; };
  ::sigaction(SIGINT, &old, &before);
  {
    const train::Interrupt interrupt;
    CHECK_FALSE(interrupt.requested());
    CHECK_THROWS_AS(train::Interrupt(), RuntimeError);
    std::raise(SIGINT);
    CHECK(interrupt.requested());
    CHECK(interrupt.stop() == 130);
    struct sigaction now{};
    ::sigaction(SIGINT, nullptr, &now);
    CHECK(now.sa_handler == SIG_DFL);  // the second ends the program
  }
  std::raise(SIGINT);
  CHECK(old_handler_ran == 1);
  const train::Interrupt again;
  CHECK_FALSE(again.requested());
  std::raise(SIGTERM);
  CHECK(again.stop() == 143);
  ::sigaction(SIGINT, &before, nullptr);
}

namespace {

struct Trial {
  nn::Sequential model{nn::Linear(4, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 2)};
  Tensor x = randn({32, 4}), y = (x.select(1, 0) > 0).to(kInt64);
  Tensor loss() { return cross_entropy(model(x), y); }
};

}  // namespace

TEST_CASE("overfit_one_batch learns, says so, and leaves everything as it was") {
  manual_seed(3);
  Trial trial;
  optim::Adam optimizer(trial.model.parameters(), {.lr = 0.02});
  trial.loss().backward();
  optimizer.step();  // so that there is a state to restore
  trial.model[1].eval();
  const auto state = trial.model.state_dict().clone();
  const Tensor random = get_rng_state(), gradient = trial.model.parameters()[0].grad().clone();
  const Tensor moment = optimizer.state_dict().state[0].values[1].second.clone();

  const train::OverfitResult result = train::overfit_one_batch(trial.model, optimizer, [&] { return trial.loss(); });

  CHECK(result.passed);
  CHECK(result.losses.back() < 0.01);
  CHECK_THAT(result.report, contains("the network can learn it by heart"));
  CHECK(trial.model.state_dict() == state);
  CHECK(get_rng_state().equal(random));
  CHECK(trial.model.parameters()[0].grad().equal(gradient));
  CHECK(optimizer.state_dict().state[0].values[1].second.equal(moment));
  CHECK(trial.model[0].is_training());
  CHECK_FALSE(trial.model[1].is_training());
}

TEST_CASE("overfit_one_batch says where to look when nothing is learned") {
  Trial trial;
  optim::SGD optimizer(trial.model.parameters(), {.lr = 1e-9});
  const train::OverfitResult result = train::overfit_one_batch(trial.model, optimizer, [&] { return trial.loss(); }, {.steps = 5});
  CHECK_FALSE(result.passed);
  CHECK_THAT(result.report, contains("it hardly falls"));
  CHECK(optimizer.state_dict().state.empty());
  const auto nan = train::overfit_one_batch(trial.model, optimizer, [&] { return trial.loss() * NAN; });
  CHECK(nan.losses.size() == 1);
  CHECK_THAT(nan.report, contains("not finite"));
  CHECK_THROWS_AS(train::overfit_one_batch(trial.model, optimizer, [&] { return trial.model(trial.x); }), ValueError);
}

TEST_CASE("find_lr finds a rate that trains, ends where the loss diverges, and restores the rates") {
  manual_seed(1);
  // A parabola of curvature 2: gradient descent diverges beyond a rate of 1, and falls fastest below it.
  struct Bowl : nn::Module {
    Tensor& w = add_parameter("w", full({10}, 3.0));
  } bowl;
  optim::SGD optimizer(bowl.parameters(), {.lr = 0.123});
  const train::FindLrResult result = train::find_lr(bowl, optimizer, [&] { return bowl.w.square().sum(); },
                                                    {.from = 1e-5, .to = 1000, .steps = 200, .smoothing = 0.5});
  CHECK(result.suggestion > 1e-3);
  CHECK(result.suggestion < 1);
  CHECK(result.rates.back() > 1);
  CHECK(result.rates.back() < 1000);
  CHECK(result.rates[1] / result.rates[0] == Approx(std::pow(1e8, 1.0 / 199)));
  CHECK_THAT(bowl.w, is_close(full({10}, 3.0)));
  CHECK(optimizer.param_groups[0].lr == 0.123);
  CHECK_THAT(result.plot().svg(), contains("learning rate") && contains("steepest"));
  CHECK_THROWS_AS(train::find_lr(bowl, optimizer, [&] { return bowl.w.sum(); }, {.from = 0}), ValueError);
}

TEST_CASE("FastDevRun changes nothing unless it is asked to") {
  ::unsetenv("EMBER_FAST_DEV_RUN");
  CHECK(train::FastDevRun().epochs(20) == 20);
  CHECK_FALSE(train::FastDevRun().enough(1000000));
  ::setenv("EMBER_FAST_DEV_RUN", "2", 1);
  const train::FastDevRun fast;
  CHECK(fast.epochs(20) == 1);
  CHECK_FALSE(fast.enough(1));
  CHECK(fast.enough(2));
  ::setenv("EMBER_FAST_DEV_RUN", "yes", 1);
  CHECK_THROWS_WITH(train::FastDevRun(), "EMBER_FAST_DEV_RUN: expected a number of batches, got yes");
  ::unsetenv("EMBER_FAST_DEV_RUN");
}
