// A run that is stopped and resumed gives the bits of one that never was; PyTorch's layout of optimiser states.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;

namespace {

struct Run {
  nn::Sequential model{nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.3), nn::Linear(8, 2)};
  optim::Adam optimizer{model.parameters(), {.lr = 0.01}};
  optim::lr_scheduler::StepLR scheduler{optimizer, 3};
  data::TensorDataset set;
  data::DataLoader loader{set, {.batch_size = 4, .shuffle = true}};

  explicit Run(const data::TensorDataset& data) : set(data) {}
  double step(data::DataLoader::Epoch& epoch) {
    data::Sample batch;
    if (!epoch.next(batch)) return -1;
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(model(batch[0]), batch[1]);
    loss.backward();
    optimizer.step();
    scheduler.step();
    return loss.item<double>();
  }
};

}  // namespace

TEST_CASE("a resumed run equals one that never stopped, bit for bit") {
  const Folder folder;
  manual_seed(0);
  const data::TensorDataset data({randn({32, 4}), randint(0, 2, {32})});
  manual_seed(1);
  Run whole(data);
  data::DataLoader::Epoch epoch = whole.loader.epoch();
  for (int i = 0; i < 3; ++i) whole.step(epoch);
  Checkpoint{.model = &whole.model, .optimizer = &whole.optimizer, .scheduler = &whole.scheduler, .loader = &epoch}.save(folder / "run.pt");
  std::vector<double> expected;
  for (double loss; (loss = whole.step(epoch)) >= 0;) expected.push_back(loss);

  manual_seed(99);
  Run resumed(data);
  data::DataLoader::Epoch later = resumed.loader.epoch();
  Checkpoint checkpoint{.model = &resumed.model, .optimizer = &resumed.optimizer, .scheduler = &resumed.scheduler, .loader = &later};
  checkpoint.load(folder / "run.pt");
  std::vector<double> got;
  for (double loss; (loss = resumed.step(later)) >= 0;) got.push_back(loss);
  CHECK(expected.size() == 5);
  CHECK(got == expected);
  CHECK(resumed.model.state_dict() == whole.model.state_dict());
}

TEST_CASE("an epoch that has not begun or has ended is resumed as such") {
  const Folder folder;
  const data::TensorDataset set({arange(8).to(kFloat32)});
  Generator random;
  random.manual_seed(5);
  for (int batches : {0, 1, 2, 3}) {  // 3: the end was met, and the sampler has drawn once more
    random.manual_seed(5);
    data::DataLoader loader(set, {.batch_size = 4, .shuffle = true, .generator = &random});
    data::DataLoader::Epoch epoch = loader.epoch();
    data::Sample batch;
    for (int i = 0; i < batches; ++i) epoch.next(batch);
    Checkpoint{.loader = &epoch, .generator = &random}.save(folder / "run.pt");
    std::vector<Tensor> expected;
    while (epoch.next(batch)) expected.push_back(batch[0]);
    const Tensor end = random.get_state();

    data::DataLoader::Epoch resumed = loader.epoch();
    Checkpoint checkpoint{.loader = &resumed, .generator = &random};
    checkpoint.load(folder / "run.pt");
    for (const Tensor& e : expected) CHECK((resumed.next(batch) && equal(batch[0], e)));
    CHECK(!resumed.next(batch));
    CHECK(equal(random.get_state(), end));
  }
}

TEST_CASE("values come back, older files are kept, and a missing part changes nothing") {
  const Folder folder;
  nn::Linear layer(2, 2);
  Checkpoint checkpoint{.model = &layer};
  for (int epoch = 0; epoch < 3; ++epoch) {
    checkpoint.values.set("epoch", epoch);
    checkpoint.save(folder / "run.pt", 1);
  }
  CHECK(load(folder / "run.pt")["values"]["epoch"].as_int() == 2);
  CHECK(load(folder / "run.1.pt")["values"]["epoch"].as_int() == 1);
  CHECK(!std::filesystem::exists(folder / "run.2.pt"));

  const auto before = layer.state_dict().clone();
  optim::SGD optimizer(layer.parameters(), {.lr = 0.1});
  Checkpoint more{.model = &layer, .optimizer = &optimizer};
  layer.weight.detach().fill_(7);
  CHECK_THROWS_WITH(more.load(folder / "run.pt"), contains("has no \"optimizer\""));
  CHECK(layer.weight.detach().select(0, 0).select(0, 0).item<double>() == 7);
}

TEST_CASE("a checkpoint that does not fit changes nothing at all") {
  const Folder folder;
  nn::Linear layer(2, 2);
  optim::SGD optimizer(layer.parameters(), {.lr = 0.1, .momentum = 0.9});
  optim::lr_scheduler::StepLR scheduler(optimizer, 3);
  Checkpoint{.model = &layer, .optimizer = &optimizer, .scheduler = &scheduler}.save(folder / "small.pt");

  nn::Linear other(3, 2);  // as many parameters, other shapes
  optim::SGD own(other.parameters(), {.lr = 0.25, .momentum = 0.5});
  optim::lr_scheduler::StepLR schedule(own, 3);
  own.step();
  schedule.step();
  const nn::StateDict before = other.state_dict().clone();
  manual_seed(3);
  const Tensor random = default_generator().get_state();
  Checkpoint checkpoint{.model = &other, .optimizer = &own, .scheduler = &schedule};
  CHECK_THROWS_WITH(checkpoint.load(folder / "small.pt"), contains("size mismatch for weight"));
  CHECK(other.state_dict() == before);
  CHECK(own.param_groups[0].lr == 0.25);
  CHECK(own.param_groups[0].momentum == 0.5);
  CHECK(schedule.last_epoch() == 1);
  CHECK(equal(default_generator().get_state(), random));

  save(Value::list({1, 2}), folder / "list.pt");
  CHECK_THROWS_WITH(checkpoint.load(folder / "list.pt"), contains("a list, not a checkpoint"));
}

TEST_CASE("schedules lie in files as PyTorch's do") {
  const Folder folder;
  nn::Linear layer(2, 2);
  optim::SGD optimizer(layer.parameters(), {.lr = 0.5});
  optim::lr_scheduler::StepLR scheduler(optimizer, 1);
  optimizer.step();
  scheduler.step();
  Checkpoint{.optimizer = &optimizer, .scheduler = &scheduler}.save(folder / "run.pt");
  const Value state = load(folder / "run.pt")["scheduler"];
  CHECK(state["last_epoch"].as_int() == 1);
  CHECK(state["_step_count"].as_int() == 2);
  CHECK(state["base_lrs"][0].as_float() == 0.5);
  CHECK(state["_last_lr"][0].as_float() == 0.05);
}
