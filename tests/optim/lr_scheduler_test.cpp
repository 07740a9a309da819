// Schedules of the learning rate: PyTorch's doubles.
#include <ember/ember.h>

#include <cmath>
#include <functional>
#include <memory>

#include "optim/vectors.h"
#include "support/catch.h"

using namespace ember;
using namespace ember::optim;

namespace {

struct Made {
  std::vector<std::unique_ptr<LRScheduler>> schedulers;  // the last one steps
};
using Make = std::function<Made(Optimizer&)>;
struct Row {
  const char* name;
  Make make;
};

template <class S, class... Args>
Make simple(Args... args) {
  return [=](Optimizer& optimizer) {
    Made made;
    made.schedulers.push_back(std::make_unique<S>(optimizer, args...));
    return made;
  };
}

Made sequence(Optimizer& optimizer, std::vector<Make> parts, std::vector<int64_t> milestones) {
  Made made;
  std::vector<LRScheduler*> pointers;
  for (const Make& part : parts) {
    for (auto& scheduler : part(optimizer).schedulers) made.schedulers.push_back(std::move(scheduler));
    pointers.push_back(made.schedulers.back().get());
  }
  made.schedulers.push_back(std::make_unique<SequentialLR>(optimizer, pointers, milestones));
  return made;
}

Made chain(Optimizer& optimizer, std::vector<Make> parts) {
  Made made;
  std::vector<LRScheduler*> pointers;
  for (const Make& part : parts) {
    made.schedulers.push_back(std::move(part(optimizer).schedulers[0]));
    pointers.push_back(made.schedulers.back().get());
  }
  made.schedulers.push_back(std::make_unique<ChainedScheduler>(pointers, optimizer));
  return made;
}

const std::vector<Row> kRows = {
    {"step", simple<StepLR>(4, 0.3)},
    {"multi step", simple<MultiStepLR>(std::vector<int64_t>{3, 7, 7, 12}, 0.5)},
    {"constant", simple<ConstantLR>(0.3, 6)},
    {"linear", simple<LinearLR>(0.2, 0.9, 7)},
    {"linear default", simple<LinearLR>()},
    {"exponential", simple<ExponentialLR>(0.87)},
    {"polynomial", simple<PolynomialLR>(9, 1.7)},
    {"cosine", simple<CosineAnnealingLR>(7, 0.01)},
    {"warm restarts", simple<CosineAnnealingWarmRestarts>(4, 2, 0.001)},
    {"cyclic", simple<CyclicLR>(CyclicOptions{.base_lr = 0.01, .max_lr = 0.2, .step_size_up = 4, .step_size_down = 3, .mode = "triangular2"})},
    {"cyclic range", simple<CyclicLR>(CyclicOptions{.base_lr = 0.01, .max_lr = 0.2, .step_size_up = 4, .mode = "exp_range", .gamma = 0.9})},
    {"one cycle", simple<OneCycleLR>(OneCycleOptions{.max_lr = 0.5, .total_steps = 20})},
    {"one cycle", simple<OneCycleLR>(0.5, 20)},
    {"one cycle linear", simple<OneCycleLR>(OneCycleOptions{.max_lr = 0.5, .total_steps = 20, .pct_start = 0.4, .anneal_strategy = "linear"})},
    {"one cycle three", simple<OneCycleLR>(OneCycleOptions{.max_lr = 0.5, .total_steps = 20, .three_phase = true})},
    {"multiplicative", simple<MultiplicativeLR>(MultiplicativeLR::Factor([](int64_t t) { return t % 3 ? 0.95 : 1.1; }))},
    {"chained", [](Optimizer& o) { return chain(o, {simple<ConstantLR>(0.1, 6), simple<ExponentialLR>(0.9)}); }},
    {"sequential chained",
     [](Optimizer& o) {
       return sequence(
           o, {[](Optimizer& inner) { return chain(inner, {simple<ConstantLR>(0.1, 3), simple<ExponentialLR>(0.9)}); }, simple<StepLR>(2)}, {6});
     }},
    {"lambda", simple<LambdaLR>(LambdaLR::Factor([](int64_t t) { return std::pow(0.95, double(t)); }))},
    {"sequential",
     [](Optimizer& o) { return sequence(o, {simple<LinearLR>(0.1, 1.0, 5), simple<CosineAnnealingLR>(10), simple<ExponentialLR>(0.9)}, {5, 14}); }},
    {"sequential warm", [](Optimizer& o) { return sequence(o, {simple<ConstantLR>(0.1, 3), simple<CosineAnnealingWarmRestarts>(4)}, {3}); }},
};

SGD example() { return SGD({zeros({1}, {.requires_grad = true})}, {.lr = 0.1, .momentum = 0.9}); }

}  // namespace

TEST_CASE("every schedule gives PyTorch's rates and momenta") {
  for (const Row& row : kRows) {
    const std::vector<double> want = optim_vector<double, std::uint64_t>(row.name);
    SGD optimizer = example();
    const Made made = row.make(optimizer);
    std::vector<double> got;
    for (std::size_t t = 0; t < want.size() / 2; ++t) {
      if (t > 0) {
        optimizer.step();
        made.schedulers.back()->step();
      }
      got.push_back(optimizer.param_groups[0].lr);
      got.push_back(optimizer.param_groups[0].momentum);
    }
    INFO(row.name);
    CHECK(got == want);
    CHECK(made.schedulers.back()->get_last_lr() == std::vector<double>{got[got.size() - 2]});
  }
}

TEST_CASE("ReduceLROnPlateau follows the metric as PyTorch's does") {
  const std::pair<const char*, PlateauOptions> rows[] = {
      {"plateau", {.factor = 0.5, .patience = 2}},
      {"plateau max", {.mode = "max", .patience = 1, .threshold = 0.1, .threshold_mode = "abs", .cooldown = 2, .min_lr = 0.003}}};
  for (const auto& [name, options] : rows) {
    SGD optimizer = example();
    ReduceLROnPlateau scheduler(optimizer, options);
    std::vector<double> got;
    for (int t = 0; t < 40; ++t) {
      scheduler.step(((t * 17) % 13) / 4. + 1. / (t + 1));
      got.push_back(optimizer.param_groups[0].lr);
    }
    INFO(name);
    CHECK(got == optim_vector<double, std::uint64_t>(name));
  }
}

TEST_CASE("a schedule moves the first beta of Adam in place of a momentum") {
  Adam optimizer({zeros({1}, {.requires_grad = true})});
  OneCycleLR scheduler(optimizer, {.max_lr = 0.1, .total_steps = 10});
  CHECK(optimizer.param_groups[0].betas.first == 0.95);
  CHECK(optimizer.param_groups[0].betas.second == 0.999);
  for (int i = 0; i < 2; ++i) optimizer.step(), scheduler.step();
  CHECK(std::fabs(optimizer.param_groups[0].betas.first - 0.85) < 1e-12);
}

TEST_CASE("a schedule resumes from its state") {
  SGD optimizer = example(), resumed = example();
  CosineAnnealingLR scheduler(optimizer, 9), other(resumed, 9);
  for (int i = 0; i < 4; ++i) optimizer.step(), scheduler.step();
  resumed.load_state_dict(optimizer.state_dict());
  other.load_state_dict(scheduler.state_dict());
  for (int i = 0; i < 9; ++i) {
    optimizer.step(), resumed.step();
    scheduler.step(), other.step();
    CHECK(resumed.param_groups[0].lr == optimizer.param_groups[0].lr);
  }
}

TEST_CASE("schedules refuse what PyTorch refuses") {
  SGD optimizer = example();
  CHECK_THROWS_WITH(OneCycleLR(optimizer, {.max_lr = 0.1}), equals("You must define either total_steps OR (epochs AND steps_per_epoch)"));
  CHECK_THROWS_WITH(ConstantLR(optimizer, 2.0), equals("Constant multiplicative factor expected to be between 0 and 1."));
  CHECK_THROWS_WITH(CosineAnnealingWarmRestarts(optimizer, 0), equals("Expected positive integer T_0, but got 0"));
  CHECK_THROWS_WITH(ReduceLROnPlateau(optimizer, {.factor = 1.0}), equals("Factor should be < 1.0."));
  Adagrad plain({zeros({1}, {.requires_grad = true})});
  CHECK_THROWS_WITH(OneCycleLR(plain, {.max_lr = 0.1, .total_steps = 3}),
                    equals("optimizer must support momentum or beta1 with `cycle_momentum` option enabled"));
  OneCycleLR short_run(optimizer, {.max_lr = 0.1, .total_steps = 1});
  optimizer.step(), short_run.step();
  CHECK_THROWS_WITH(short_run.step(), equals("Tried to step 2 times. The specified number of total steps is 1"));
}

TEST_CASE("stepping the schedule before the optimiser warns") {
  static std::string heard;
  heard.clear();
  const WarningHandler before = set_warning_handler([](const char* message) { heard = message; });
  SGD optimizer = example();
  StepLR scheduler(optimizer, 2);
  scheduler.step();
  set_warning_handler(before);
  CHECK_THAT(heard, starts_with("Detected call of `lr_scheduler.step()` before `optimizer.step()`"));
}
