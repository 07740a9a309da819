// A run that is stopped and resumed gives the bits of one that never was; PyTorch's layout of optimiser states.
#include <ember/ember.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("ember_test_" + std::to_string(std::rand()) + "_" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

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

TEST_CASE("what cannot be written leaves the old file alone") {
  const Folder folder;
  save(Value(ones({3})), folder / "a.pt");
  CHECK_THROWS_WITH(save(Value(zeros({3})), folder / "no/such/folder.pt"), contains("No such file"));
  if (std::filesystem::exists("/dev/full")) CHECK_THROWS_AS(save(Value(zeros({3})), "/dev/full/x.pt"), RuntimeError);
  CHECK(equal(load(folder / "a.pt").as_tensor(), ones({3})));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);  // nothing temporary is left
}

TEST_CASE("views that share a storage share it again; equal values give equal bytes") {
  const Folder folder;
  const Tensor base = arange(12).to(kFloat32).reshape({3, 4});
  Value value = Value::dict();
  value.set("base", base);
  value.set("column", base.select(1, 2));
  value.set("transposed", base.t());
  value.set("list", Value::list({1, 2.5, "text", Value(), true, Value::tuple({int64_t(1) << 40, -7})}));
  value.set(5, zeros({0, 3}));
  save(value, folder / "a.pt");
  save(value, folder / "b.pt");
  const Value back = load(folder / "a.pt");
  CHECK(equal(back["column"].as_tensor(), base.select(1, 2)));
  CHECK(back["column"].as_tensor().shares_storage(back["base"].as_tensor()));
  CHECK(back["transposed"].as_tensor().stride(0) == 1);
  CHECK(back["list"][5][0].as_int() == int64_t(1) << 40);
  CHECK(back["list"][3].is_none());
  std::FILE *a = std::fopen((folder / "a.pt").c_str(), "rb"), *b = std::fopen((folder / "b.pt").c_str(), "rb");
  std::string bytes_a(1 << 16, 0), bytes_b(1 << 16, 0);
  bytes_a.resize(std::fread(bytes_a.data(), 1, bytes_a.size(), a));
  bytes_b.resize(std::fread(bytes_b.data(), 1, bytes_b.size(), b));
  std::fclose(a);
  std::fclose(b);
  // The root folder is named after the file; everything else is equal.
  CHECK(bytes_a.size() == bytes_b.size());
}
