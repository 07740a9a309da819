// Data sets, samplers and loaders: for the same seed PyTorch's order, in PyTorch's words where something is refused.
#include <ember/ember.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
using Indices = std::vector<int64_t>;

namespace {

Indices values_of(const Tensor& t) { return {t.data<int64_t>(), t.data<int64_t>() + t.numel()}; }

std::vector<Indices> batches_of(data::DataLoader& loader) {
  std::vector<Indices> all;
  for (const auto& batch : loader.as<1>()) all.push_back(values_of(batch.tensors[0]));
  return all;
}

const data::TensorDataset& ten() {
  static const data::TensorDataset set({arange(10)});
  return set;
}

}  // namespace

TEST_CASE("shuffled batches over two epochs") {
  manual_seed(0);
  data::DataLoader loader(ten(), {.batch_size = 4, .shuffle = true});
  CHECK(batches_of(loader) == std::vector<Indices>{{6, 7, 1, 4}, {2, 0, 9, 8}, {3, 5}});
  CHECK(batches_of(loader) == std::vector<Indices>{{2, 4, 7, 0}, {8, 9, 5, 3}, {6, 1}});
}

TEST_CASE("a loader with a generator of its own") {
  Generator generator(5);
  data::DataLoader loader(ten(), {.batch_size = 4, .shuffle = true, .generator = &generator});
  CHECK(batches_of(loader) == std::vector<Indices>{{7, 4, 8, 1}, {2, 3, 6, 5}, {9, 0}});
}

TEST_CASE(
    "a random sampler with a generator of its own, over two epochs: PyTorch draws one permutation more for what is left over, even when nothing is") {
  struct Row {
    int64_t num_samples;
    Indices first, second;
  };
  for (const Row& row :
       {Row{-1, {1, 3, 0, 4, 2}, {3, 1, 0, 2, 4}}, Row{3, {1, 3, 0}, {1, 3, 0}}, Row{8, {1, 3, 0, 4, 2, 1, 3, 0}, {3, 1, 0, 2, 4, 1, 0, 2}},
        Row{10, {1, 3, 0, 4, 2, 1, 3, 0, 4, 2}, {1, 0, 2, 3, 4, 3, 1, 4, 2, 0}}}) {
    Generator generator(5);
    data::DataLoader loader(ten(), {.batch_size = 16, .sampler = data::RandomSampler(5, {.num_samples = row.num_samples, .generator = &generator})});
    CHECK(batches_of(loader) == std::vector<Indices>{row.first});
    CHECK(batches_of(loader) == std::vector<Indices>{row.second});
  }
}

TEST_CASE("in order, with and without the last batch") {
  data::DataLoader all(ten(), {.batch_size = 4}), whole(ten(), {.batch_size = 4, .drop_last = true});
  CHECK(all.size() == 3);
  CHECK(whole.size() == 2);
  CHECK(batches_of(all) == std::vector<Indices>{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}});
  CHECK(batches_of(whole) == std::vector<Indices>{{0, 1, 2, 3}, {4, 5, 6, 7}});
}

TEST_CASE("the number of batches is that of len(DataLoader), whatever is left for the last one") {
  for (int64_t total = 0; total <= 9; ++total)
    for (const int64_t batch : {1, 2, 3, 4}) {
      const data::TensorDataset set({arange(total)});
      INFO(total << " by " << batch);
      CHECK(data::DataLoader(set, {.batch_size = batch}).size() == (total + batch - 1) / batch);
      CHECK(data::DataLoader(set, {.batch_size = batch, .drop_last = true}).size() == total / batch);
    }
}

TEST_CASE("random_split by lengths and by fractions") {
  manual_seed(1);
  const auto by_length = data::random_split(ten(), {7, 3});
  CHECK(by_length[0].indices() == Indices{5, 6, 1, 2, 0, 8, 9});
  CHECK(by_length[1].indices() == Indices{3, 7, 4});
  const auto by_fraction = data::random_split(ten(), {0.5, 0.3, 0.2});
  CHECK(by_fraction[0].indices() == Indices{2, 3, 1, 8, 9});
  CHECK(by_fraction[1].indices() == Indices{0, 6, 7});
  CHECK(by_fraction[2].indices() == Indices{4, 5});
  CHECK(by_fraction[2][1][0].item<int64_t>() == 5);
}

TEST_CASE("samplers") {
  manual_seed(2);
  CHECK(data::WeightedRandomSampler({.1, .2, .7, 0}, 6).indices() == Indices{2, 0, 2, 2, 2, 2});
  CHECK(data::WeightedRandomSampler({.1, .2, .7, 0.3}, 3, false).indices() == Indices{0, 1, 2});
  CHECK(data::SubsetRandomSampler({3, 5, 7, 9}).indices() == Indices{3, 5, 9, 7});
  CHECK(data::RandomSampler(5, {.replacement = true, .num_samples = 7}).indices() == Indices{2, 3, 4, 3, 1, 2, 3});
  data::SequentialSampler five(5);
  CHECK(data::BatchSampler(five, 2, true).batches() == std::vector<Indices>{{0, 1}, {2, 3}});
  CHECK(data::BatchSampler(five, 2, false).batches() == std::vector<Indices>{{0, 1}, {2, 3}, {4}});
}

TEST_CASE("a loader by a sampler; data sets one after the other; a data set of one's own") {
  struct Squares : data::Dataset {
    int64_t size() const override { return 3; }
    data::Sample get(int64_t i) const override { return {scalar_tensor(i * i, {.dtype = kInt64})}; }
  } squares;
  const data::ConcatDataset both({&ten(), &squares});
  CHECK(both.size() == 13);
  CHECK(both[12][0].item<int64_t>() == 4);
  data::SequentialSampler sampler(13);
  data::DataLoader loader(both, {.batch_size = 12, .sampler = &sampler});
  CHECK(batches_of(loader)[1] == Indices{4});
}

TEST_CASE("what loaders and data sets refuse") {
  CHECK_THROWS_WITH(data::DataLoader(ten(), {.batch_size = 0}), equals("batch_size should be a positive integer value, but got batch_size=0"));
  CHECK_THROWS_WITH(data::TensorDataset({ones({3}), ones({2})}), starts_with("Size mismatch between tensors"));
  CHECK_THROWS_WITH(data::random_split(ten(), Indices{11, -1}), equals("random_split: expected lengths of 0 or more, got -1"));
  CHECK_THROWS_WITH(data::random_split(ten(), Indices{7, 4}), starts_with("Sum of input lengths does not equal the length of the input dataset!"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler({1, 2}, 0), equals("num_samples should be a positive integer value, but got num_samples=0"));
  data::DataLoader loader(ten(), {.batch_size = 4});
  CHECK_THROWS_AS(*loader.as<2>().begin(), Error);  // the set has one tensor, not two
}

namespace {

/// Images whose get() takes its time, so that workers overtake each other.
struct Slow : data::Dataset {
  int64_t size() const override { return 23; }
  data::Sample get(int64_t i) const override {
    std::this_thread::sleep_for(std::chrono::microseconds(i * 7919 % 5 * 300));
    return {full({1, 6, 6}, double(i)), scalar_tensor(i, {.dtype = kInt64})};
  }
};

struct Throws : Slow {
  data::Sample get(int64_t i) const override {
    if (i == 7) throw std::runtime_error("sample 7 is broken");
    return Slow::get(i);
  }
};

struct Countdown : data::IterableDataset {
  int64_t left = 0, epochs = 0;
  void begin() override {
    left = 10;
    ++epochs;
  }
  bool next(data::Sample& sample) override {
    if (left == 0) return false;
    sample = {scalar_tensor(left--, {.dtype = kInt64})};
    return true;
  }
};

/// All tensors of two epochs, one after the other.
Tensor everything(const data::Dataset& set, data::DataLoaderOptions options) {
  manual_seed(3);
  std::vector<Tensor> all;
  const data::DataLoader loader(set, options);
  for (int epoch = 0; epoch < 2; ++epoch)
    for (const auto& [x, y] : loader) {
      all.push_back(x.reshape({-1}));
      all.push_back(y.to(kFloat32).reshape({-1}));
    }
  all.push_back(rand({4}));  // and the generator stands where it stood
  return cat(all);
}

}  // namespace

TEST_CASE("workers: order and bits are the same for any number of them, transforms included") {
  using namespace data::transforms;
  const data::TensorDataset images(rand({53, 1, 6, 6}), arange(53));
  const auto options = [](int64_t workers, bool mix) {
    data::DataLoaderOptions o{.batch_size = 8, .shuffle = true, .num_workers = workers};
    o.transform = Compose{RandomCrop(6, {.padding = 2}), RandomHorizontalFlip(), RandomErasing(), RandomAffine(10), Normalize({0.5}, {0.5})};
    if (mix) o.batch_transform = MixUp({.alpha = 0.2, .classes = 53});
    return o;
  };
  for (const bool mix : {false, true}) {
    const Tensor alone = everything(images, options(0, mix));
    for (int64_t workers : {1, 2, 4}) CHECK(everything(images, options(workers, mix)).equal(alone));
  }
  const Tensor slow = everything(Slow(), options(0, false));
  for (int64_t workers : {1, 4}) CHECK(everything(Slow(), options(workers, false)).equal(slow));
  // A batch of 3 has the bits of a batch of 8: what is drawn belongs to the sample. And two epochs draw differently.
  data::DataLoaderOptions by_three = options(0, false);
  by_three.batch_size = 3;
  CHECK(everything(images, by_three).sort().values.equal(everything(images, options(0, false)).sort().values));
  const data::DataLoader still(images, {.batch_size = 53, .transform = RandomCrop(6, {.padding = 2})});
  std::vector<Tensor> epochs;
  for (int epoch = 0; epoch < 2; ++epoch)
    for (const auto& [x, y] : still) epochs.push_back(x);
  CHECK(!epochs[0].equal(epochs[1]));
  // A sample that comes twice in an epoch is changed in two ways.
  const data::DataLoader twice(images, {.batch_size = 2, .sampler = data::WeightedRandomSampler({1}, 2), .transform = RandomAffine(40)});
  for (const auto& [x, y] : twice) CHECK(!x[0].equal(x[1]));
}

TEST_CASE("workers: what they throw reaches the loop with its text, in its place") {
  for (int64_t workers : {0, 1, 4}) {
    const data::DataLoader loader(Throws(), {.batch_size = 4, .num_workers = workers});
    data::DataLoader::Epoch epoch = loader.epoch();
    data::Sample batch;
    CHECK(epoch.next(batch));
    CHECK_THROWS_WITH(epoch.next(batch), equals("sample 7 is broken"));
    CHECK(epoch.next(batch));
    CHECK(batch[1].equal(tensor({8, 9, 10, 11})));
    int64_t rest = 0;
    while (epoch.next(batch)) ++rest;
    CHECK(rest == 3);
    CHECK(!epoch.next(batch));
  }
}

TEST_CASE("workers: an epoch may be left, and taken up again") {
  using namespace data::transforms;
  const data::TensorDataset images(rand({40, 1, 6, 6}), arange(40));
  const data::DataLoader loader(images, {.batch_size = 4, .shuffle = true, .num_workers = 2, .transform = RandomCrop(6, {.padding = 3})});
  for (const auto& [x, y] : loader) {
    if (y[0].item<int64_t>() >= 0) break;
  }
  data::DataLoader::Epoch epoch = loader.epoch();
  data::Sample batch;
  for (int i = 0; i < 3; ++i) epoch.next(batch);
  data::DataLoader::Epoch again = loader.epoch();
  again.resume(epoch.order(), epoch.position(), epoch.finished(), epoch.seed());
  data::Sample other;
  while (epoch.next(batch)) {
    REQUIRE(again.next(other));
    CHECK(batch[0].equal(other[0]));
    CHECK(batch[1].equal(other[1]));
  }
  CHECK(!again.next(other));
}

#ifndef EMBER_SYSTEM_ALLOCATOR  // sanitizer builds ask for every block
TEST_CASE("workers: buffers of batches are reused") {
  const data::TensorDataset images(rand({2000, 1, 28, 28}), arange(2000));
  const data::DataLoader loader(images,
                                {.batch_size = 64, .shuffle = true, .num_workers = 1, .transform = data::transforms::RandomCrop(28, {.padding = 2})});
  const auto pass = [&] {
    for (const auto& [x, y] : loader) (void)x;
  };
  pass();
  pass();
  const int64_t before = memory_stats().system_calls;
  pass();
  CHECK(memory_stats().system_calls - before <= 2);
}
#endif

TEST_CASE("streams: batches in order, each epoch anew, for any number of workers") {
  for (int64_t workers : {0, 1, 3}) {
    Countdown countdown;
    const data::DataLoader loader(countdown, {.batch_size = 4, .num_workers = workers});
    for (int epoch = 1; epoch <= 2; ++epoch) {
      std::vector<Indices> all;
      for (const auto& [x] : loader.as<1>()) all.push_back(values_of(x));
      CHECK(all == std::vector<Indices>{{10, 9, 8, 7}, {6, 5, 4, 3}, {2, 1}});
      CHECK(countdown.epochs == epoch);
    }
    int64_t whole = 0;
    for (const auto& [x] : data::DataLoader(countdown, {.batch_size = 4, .drop_last = true, .num_workers = workers}).as<1>()) whole += x.size(0);
    CHECK(whole == 8);
    data::DataLoader::Epoch epoch = loader.epoch();
    epoch.resume({}, 2);
    data::Sample batch;
    CHECK(epoch.next(batch));
    CHECK(values_of(batch[0]) == Indices{2, 1});
  }
  CHECK_THROWS_WITH(data::DataLoader(Countdown(), {.shuffle = true}),
                    starts_with("DataLoader with IterableDataset: expected unspecified shuffle option"));
  CHECK_THROWS_AS(data::DataLoader(Countdown()).size(), TypeError);
}

TEST_CASE("a collate function, and a warning about a last batch of one sample") {
  const auto widest = [](const std::vector<data::Sample>& samples) {
    int64_t most = 0;
    for (const data::Sample& s : samples) most = std::max(most, s[0].size(0));
    std::vector<Tensor> rows;
    for (const data::Sample& s : samples) rows.push_back(pad(s[0], {0, most - s[0].size(0)}));
    return data::Sample{stack(rows)};
  };
  struct Ragged : data::Dataset {
    int64_t size() const override { return 4; }
    data::Sample get(int64_t i) const override { return {ones({i + 1})}; }
  };
  for (int64_t workers : {0, 2}) {
    Indices widths;
    for (const auto& [x] : data::DataLoader(Ragged(), {.batch_size = 2, .collate_fn = widest, .num_workers = workers}).as<1>())
      widths.push_back(x.size(1));
    CHECK(widths == Indices{2, 4});
  }
  static std::string warned;
  const WarningHandler before = set_warning_handler([](const char* text) { warned = text; });
  nn::Sequential net{nn::Linear(1, 4), nn::BatchNorm1d(4)}, plain{nn::Linear(1, 4)};
  CHECK(data::warn_about_last_batch(data::DataLoader(ten(), {.batch_size = 3}), net));
  CHECK_THAT(warned, starts_with("DataLoader: the last batch of an epoch holds 1 sample (batch_size 3), and the model has batch norm ('1')"));
  CHECK(!data::warn_about_last_batch(data::DataLoader(ten(), {.batch_size = 3, .drop_last = true}), net));
  CHECK(!data::warn_about_last_batch(data::DataLoader(ten(), {.batch_size = 4}), net));
  CHECK(!data::warn_about_last_batch(data::DataLoader(ten(), {.batch_size = 3}), plain));
  CHECK(!data::warn_about_last_batch(data::DataLoader(Countdown(), {.batch_size = 3}), net));
  set_warning_handler(before);
}
