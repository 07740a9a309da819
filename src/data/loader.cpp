// Samplers and the loader. What is drawn, and when, is PyTorch's: one 64-bit number for every epoch, another for a shuffle.
#include <ember/data/loader.h>
#include <ember/random.h>

#include <algorithm>
#include <numeric>

#include "error_format.h"

namespace ember::data {
namespace {

std::vector<int64_t> to_vector(const Tensor& t) {
  const Tensor c = t.contiguous();
  return {c.data<int64_t>(), c.data<int64_t>() + c.numel()};
}

}  // namespace

std::vector<int64_t> SequentialSampler::indices() {
  std::vector<int64_t> order(static_cast<std::size_t>(size_));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

RandomSampler::RandomSampler(int64_t size, RandomSamplerOptions options) : size_(size), o_(options) {
  check<ValueError>(this->size() > 0, "num_samples should be a positive integer value, but got num_samples={}", this->size());
}

std::vector<int64_t> RandomSampler::indices() {
  Generator seeded;
  Generator* g = o_.generator;
  if (!g) {
    seeded.manual_seed(default_generator().random64() & INT64_MAX);
    g = &seeded;
  }
  std::vector<int64_t> order;
  const int64_t wanted = size();
  if (o_.replacement) {
    for (int64_t done = 0; done < wanted; done += 32) {
      const std::vector<int64_t> draws = to_vector(randint(size_, {std::min<int64_t>(32, wanted - done)}, {}, g));
      order.insert(order.end(), draws.begin(), draws.end());
    }
    return order;
  }
  for (int64_t done = 0; done + size_ <= wanted; done += size_) {
    const std::vector<int64_t> draws = to_vector(randperm(size_, {}, g));
    order.insert(order.end(), draws.begin(), draws.end());
  }
  // PyTorch draws one more permutation for what is left over, even when nothing is: here, or when the epoch ends.
  if (const int64_t rest = wanted % size_; rest > 0) {
    const std::vector<int64_t> draws = to_vector(randperm(size_, {}, g));
    order.insert(order.end(), draws.begin(), draws.begin() + rest);
  }
  return order;
}

void RandomSampler::finish() {
  if (o_.generator && !o_.replacement && size() % size_ == 0) randperm(size_, {}, o_.generator);
}

std::vector<int64_t> SubsetRandomSampler::indices() {
  std::vector<int64_t> order;
  for (int64_t i : to_vector(randperm(size(), {}, generator_))) order.push_back(indices_[std::size_t(i)]);
  return order;
}

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, int64_t num_samples, bool replacement, Generator* generator)
    : weights_(std::move(weights)), num_samples_(num_samples), replacement_(replacement), generator_(generator) {
  check<ValueError>(num_samples > 0, "num_samples should be a positive integer value, but got num_samples={}", num_samples);
}

std::vector<int64_t> WeightedRandomSampler::indices() {
  const Tensor weights = from_blob(weights_.data(), {int64_t(weights_.size())}, kFloat64);
  return to_vector(multinomial(weights, num_samples_, replacement_, generator_));
}

BatchSampler::BatchSampler(Sampler& sampler, int64_t batch_size, bool drop_last) : sampler_(sampler), batch_size_(batch_size), drop_last_(drop_last) {
  check<ValueError>(batch_size > 0, "batch_size should be a positive integer value, but got batch_size={}", batch_size);
}
int64_t BatchSampler::size() const { return drop_last_ ? sampler_.size() / batch_size_ : (sampler_.size() + batch_size_ - 1) / batch_size_; }
std::vector<std::vector<int64_t>> BatchSampler::batches() {
  const std::vector<int64_t> order = sampler_.indices();
  std::vector<std::vector<int64_t>> result;
  for (int64_t b = 0; b < size(); ++b)
    result.emplace_back(order.begin() + b * batch_size_, order.begin() + std::min(int64_t(order.size()), (b + 1) * batch_size_));
  sampler_.finish();
  return result;
}

DataLoader::DataLoader(const Dataset& dataset, DataLoaderOptions options) : dataset_(dataset), o_(options), sampler_(options.sampler), owns_sampler_(!sampler_) {
  check<ValueError>(o_.batch_size > 0, "batch_size should be a positive integer value, but got batch_size={}", o_.batch_size);
  check<ValueError>(!(o_.sampler && o_.shuffle), "sampler option is mutually exclusive with shuffle");
  if (sampler_) return;
  if (o_.shuffle) sampler_ = new RandomSampler(dataset.size(), {.generator = o_.generator});
  else sampler_ = new SequentialSampler(dataset.size());
}
DataLoader::~DataLoader() {
  if (owns_sampler_) delete sampler_;
}
int64_t DataLoader::size() const {
  return o_.drop_last ? sampler_->size() / o_.batch_size : (sampler_->size() + o_.batch_size - 1) / o_.batch_size;
}
void DataLoader::wrong_count(int wanted, std::size_t got) {
  fail<ValueError>("DataLoader: expected samples of {} tensors, got {}; loader.as<{}>() gives them", wanted, got, got);
}

DataLoader::Epoch::Epoch(DataLoader& loader) : loader_(loader) {
  (loader.o_.generator ? *loader.o_.generator : default_generator()).random64();  // PyTorch's seed for workers
}

void DataLoader::Epoch::resume(std::vector<int64_t> order, int64_t position, bool finished) {
  started_ = !order.empty();
  order_ = std::move(order);
  position_ = position;
  finished_ = finished;
}

bool DataLoader::Epoch::next(Sample& batch) {
  if (!started_) {
    started_ = true;
    order_ = loader_.sampler_->indices();
  }
  const int64_t size = loader_.o_.batch_size, begin = position_ * size, end = std::min(begin + size, int64_t(order_.size()));
  if (begin >= int64_t(order_.size()) || (loader_.o_.drop_last && end - begin < size)) {
    if (!finished_) loader_.sampler_->finish();
    finished_ = true;
    return false;
  }
  batch = loader_.dataset_.get_batch(std::vector<int64_t>(order_.begin() + begin, order_.begin() + end));
  ++position_;
  return true;
}

}  // namespace ember::data
