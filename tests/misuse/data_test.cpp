// Wrong and careless uses of data sets, samplers and loaders: each works, or throws the documented error and changes nothing.
#include <ember/ember.h>

#include <memory>
#include <optional>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
using Indices = std::vector<int64_t>;

namespace {

Indices numbers(const Tensor& t) { return {t.data<int64_t>(), t.data<int64_t>() + t.numel()}; }

template <class Batches>
Indices all_of(const Batches& batches) {
  Indices all;
  for (const auto& [x] : batches)
    for (int64_t i : numbers(x)) all.push_back(i);
  return all;
}

data::TensorDataset counting(int64_t n) { return data::TensorDataset(arange(n)); }

data::DataLoader loader_over_a_local() {
  const data::TensorDataset set = counting(5);
  return data::DataLoader(set, {.batch_size = 2});
}

std::unique_ptr<data::DataLoader> pointer_to_a_loader() {
  data::TensorDataset set({arange(6), arange(6)});
  return std::make_unique<data::DataLoader>(set, data::DataLoaderOptions{.batch_size = 2});
}

/// Counts its objects, so that a test sees when the last one went.
struct Counted : data::Dataset {
  static inline int alive = 0;
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  ~Counted() override { --alive; }
  int64_t size() const override { return 4; }
  data::Sample get(int64_t i) const override { return {scalar_tensor(i, {.dtype = kInt64})}; }
};

struct Reversed : data::Sampler {
  int64_t size() const override { return 3; }
  Indices indices() override { return {2, 1, 0}; }
};

}  // namespace

TEST_CASE("data: temporaries live as long as what uses them") {
  manual_seed(0);
  data::DataLoader over_temporary(data::TensorDataset({arange(6)}), {.batch_size = 4});
  CHECK(all_of(over_temporary.as<1>()) == Indices{0, 1, 2, 3, 4, 5});
  CHECK(all_of(data::DataLoader(counting(3)).as<1>()) == Indices{0, 1, 2});
  CHECK(all_of(loader_over_a_local().as<1>()) == Indices{0, 1, 2, 3, 4});
  CHECK(all_of(data::DataLoader(data::Subset(counting(9), {7, 8})).as<1>()) == Indices{7, 8});
  CHECK(all_of(data::DataLoader(data::ConcatDataset(counting(2), counting(3))).as<1>()) == Indices{0, 1, 0, 1, 2});
  CHECK(all_of(data::DataLoader(data::random_split(counting(4), {4, 0})[0], {.batch_size = 3}).as<1>()).size() == 4);
  const auto parts = data::random_split(data::TensorDataset({arange(10)}), {7, 3});
  CHECK(parts[0].get(0)[0].item<int64_t>() == parts[0].indices()[0]);
  int64_t sum = 0;
  for (const auto& [x] : data::DataLoader(counting(4), {.batch_size = 2}).as<1>()) sum += x.sum().item<int64_t>();
  CHECK(sum == 6);
}

TEST_CASE("data: a range-for over what a deleted pointer held") {
  Indices seen, inner;
  for (const auto& [x, y] : *pointer_to_a_loader()) {
    for (int64_t i : numbers(x)) seen.push_back(i);
    for (const auto& [a, b] : *pointer_to_a_loader()) inner.push_back(a.sum().item<int64_t>() + b.numel());
  }
  CHECK(seen == Indices{0, 1, 2, 3, 4, 5});
  CHECK(inner == Indices{3, 7, 11, 3, 7, 11, 3, 7, 11});
  CHECK_THROWS_AS(new data::DataLoader(counting(3), {.batch_size = 0}), ValueError);
}

TEST_CASE("data: what was taken over is freed with its last user, what the caller keeps is referred to") {
  {
    std::optional<data::DataLoader> loader;
    loader.emplace(Counted(), data::DataLoaderOptions{.batch_size = 2});
    CHECK(Counted::alive == 1);
    const data::DataLoader copy = *loader;
    loader.reset();
    CHECK(Counted::alive == 1);
    CHECK(all_of(copy.as<1>()) == Indices{0, 1, 2, 3});
  }
  CHECK(Counted::alive == 0);
  Counted kept;
  const data::DataLoader loader(kept, {});
  const data::Subset part(kept, {1});
  CHECK(Counted::alive == 1);
  CHECK(&loader.dataset() == &kept);
  CHECK(all_of(data::DataLoader(std::make_unique<Counted>()).as<1>()) == Indices{0, 1, 2, 3});
  const auto shared = std::make_shared<Counted>();
  CHECK(all_of(data::DataLoader(shared).as<1>()) == Indices{0, 1, 2, 3});
  CHECK(Counted::alive == 2);
}

TEST_CASE("data: samplers as temporaries and as pointers") {
  Reversed reversed;
  CHECK(all_of(data::DataLoader(counting(3), {.sampler = &reversed}).as<1>()) == Indices{2, 1, 0});
  CHECK(all_of(data::DataLoader(counting(3), {.sampler = Reversed()}).as<1>()) == Indices{2, 1, 0});
  CHECK(all_of(data::DataLoader(counting(9), {.sampler = data::SubsetRandomSampler({4})}).as<1>()) == Indices{4});
  CHECK(data::BatchSampler(Reversed(), 2, false).batches() == std::vector<Indices>{{2, 1}, {0}});
}

TEST_CASE("data: forms that people type") {
  const Tensor x = arange(4), y = arange(4);
  CHECK(data::TensorDataset(x, y).get(1).size() == 2);
  CHECK(data::TensorDataset({x, y}).get(1).size() == 2);
  CHECK(data::TensorDataset({x}).get(1).size() == 1);
  CHECK(data::TensorDataset(x + 1, x.select(0, 0).expand({4}))[-1][0].item<int64_t>() == 4);
  data::DataLoader loader(data::TensorDataset(x, y), {.batch_size = 3, .shuffle = true, .num_workers = 1});
  int64_t n = 0;
  for (auto [a, b] : loader) n += a.equal(b);
  CHECK(n == 2);
  manual_seed(0);
  CHECK(data::random_split(data::TensorDataset({x}), {3, 1}).size() == 2);
}

TEST_CASE("data: sets that were moved from are not empty ones, and a null transform is no step") {
  data::TensorDataset tensors = counting(3);
  data::ConcatDataset both(counting(2), counting(3));
  data::Subset part(counting(3), {1, 2});
  const data::TensorDataset a = std::move(tensors);
  const data::ConcatDataset b = std::move(both);
  const data::Subset c = std::move(part);
  CHECK(a.size() + b.size() + c.size() == 10);
  CHECK_THROWS_WITH(tensors.size(), equals("TensorDataset: it was moved from"));
  CHECK_THROWS_WITH(both.size(), equals("ConcatDataset: it was moved from"));
  CHECK_THROWS_WITH(part.size(), equals("Subset: it was moved from"));
  CHECK_THROWS_WITH(all_of(data::DataLoader(both).as<1>()), equals("ConcatDataset: it was moved from"));
  CHECK_THROWS_WITH(all_of(data::DataLoader(part).as<1>()), equals("Subset: it was moved from"));
  CHECK_THROWS_WITH(data::transforms::Compose(std::vector<data::KeptTransform>(1)), equals("Compose: transform 0 is a null pointer"));
}

TEST_CASE("data: transforms are composed by braces, with and without an equals sign") {
  using namespace data::transforms;
  const Compose steps = {ToFloat(), Normalize({0.5}, {0.25})}, same{ToFloat(), Normalize({0.5}, {0.25})};
  for (const Compose* each : {&steps, &same}) {
    data::Sample sample{full({1, 1, 1, 1}, 255, kUInt8)};
    std::vector<data::Draws> draws(1, data::Draws(0));
    each->apply(sample, draws);
    CHECK(sample[0].item<double>() == 2);  // (255 / 255 - 0.5) / 0.25
  }
}

TEST_CASE("data: refused, with PyTorch's words first") {
  const Tensor u;
  CHECK_THROWS_WITH(data::TensorDataset({u}), starts_with("TensorDataset: tensor 0 is undefined"));
  CHECK_THROWS_WITH(data::TensorDataset(std::vector<Tensor>{}), starts_with("TensorDataset: expected at least one tensor"));
  CHECK_THROWS_WITH(data::TensorDataset(arange(3), arange(2)),
                    starts_with("Size mismatch between tensors\nTensorDataset: expected one row for each sample, got sizes [3]"));
  CHECK_THROWS_WITH(data::TensorDataset(scalar_tensor(1)), starts_with("Size mismatch between tensors"));
  CHECK_THROWS_AS(counting(3)[3], IndexError);
  CHECK_THROWS_AS(counting(3)[-4], IndexError);
  CHECK_THROWS_AS(counting(3).get_batch({0, 3}), IndexError);
  CHECK_THROWS_AS(data::Subset(counting(3), {5})[0], IndexError);
  CHECK_THROWS_WITH(data::Subset(counting(3), {1})[1], starts_with("list index out of range"));
  CHECK_THROWS_WITH(data::ConcatDataset(std::vector<data::KeptDataset>{}), equals("datasets should not be an empty iterable"));
  CHECK_THROWS_WITH(data::ConcatDataset(counting(2), counting(3))[5], starts_with("absolute value of index should not exceed dataset length"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler(std::vector<double>{}, 3),
                    starts_with("invalid multinomial distribution (sum of probabilities <= 0)"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler({0, 0}, 3), starts_with("invalid multinomial distribution (sum of probabilities <= 0)"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler({1, -1}, 3), starts_with("invalid multinomial distribution"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler({1, NAN}, 3), starts_with("invalid multinomial distribution"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler({1, 2}, 3, false),
                    starts_with("cannot sample n_sample > prob_dist.size(-1) samples without replacement"));
  CHECK_THROWS_AS(data::SequentialSampler(-1), ValueError);
  CHECK_THROWS_WITH(data::RandomSampler(0), equals("num_samples should be a positive integer value, but got num_samples=0"));
  CHECK_THROWS_AS(data::BatchSampler(Reversed(), 0, false), ValueError);
  CHECK_THROWS_WITH(data::DataLoader(counting(3), {.num_workers = -1}), starts_with("num_workers option should be non-negative"));
  CHECK_THROWS_WITH(data::DataLoader(counting(3), {.prefetch_factor = -1}), starts_with("prefetch_factor option should be non-negative"));
  CHECK_THROWS_WITH(data::DataLoader(counting(3), {.shuffle = true, .sampler = Reversed()}),
                    equals("sampler option is mutually exclusive with shuffle"));
  CHECK_THROWS_WITH(data::DataLoader(counting(0), {.shuffle = true}), starts_with("num_samples should be a positive integer value"));
  CHECK(all_of(data::DataLoader(counting(0)).as<1>()).empty());
  const data::Dataset* nothing = nullptr;
  CHECK_THROWS_AS(data::DataLoader(nothing), ValueError);
  CHECK_THROWS_AS(data::Subset(nothing, {}), ValueError);
  CHECK_THROWS_AS(data::random_split(nothing, {1}), ValueError);
  CHECK_THROWS_WITH(data::random_split(counting(3), {0.5, 0.6}), starts_with("Sum of input lengths does not equal"));
  CHECK_THROWS_WITH(data::random_split(counting(3), {-0.5, 1.5}), starts_with("Fraction at index 0 is not between 0 and 1"));
  CHECK_THROWS_WITH(data::random_split(counting(3), {INT64_MAX, INT64_MAX}), starts_with("random_split: lengths sum to more"));
  CHECK_THROWS_WITH(data::default_collate({}), starts_with("default_collate: expected samples"));
  CHECK_THROWS_WITH(data::default_collate({{ones({2})}, {ones({3})}}),
                    starts_with("stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1"));
  CHECK_THROWS_WITH(data::default_collate({{ones({2})}, {}}), starts_with("each element in list of batch should be of equal size"));
  CHECK_THROWS_WITH(data::default_collate({{u}}), starts_with("default_collate: tensor 0 of sample 0 is undefined"));
}

TEST_CASE("data: moved-from loaders and data sets say so, and random numbers stay as they were") {
  data::TensorDataset set = counting(3);
  const data::TensorDataset other = std::move(set);
  CHECK_THROWS_WITH(set.size(), contains("moved from"));
  CHECK_THROWS_WITH(set.get(0), contains("moved from"));
  data::DataLoader loader(other, {});
  const data::DataLoader taken = std::move(loader);
  const Tensor state = get_rng_state();
  CHECK_THROWS_WITH(loader.size(), contains("moved from"));
  CHECK_THROWS_WITH(loader.epoch(), contains("moved from"));
  CHECK_THROWS_WITH(all_of(loader.as<1>()), contains("moved from"));
  CHECK(get_rng_state().equal(state));
  data::DataLoader::Epoch epoch = taken.epoch();
  const data::DataLoader::Epoch later = std::move(epoch);
  data::Sample batch;
  CHECK_THROWS_WITH(epoch.next(batch), contains("moved from"));
}
