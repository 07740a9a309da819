// Orders of the samples of an epoch. What is drawn, and when, is PyTorch's: see each.
#include <ember/data/sampler.h>
#include <ember/random.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "error_format.h"

namespace ember::data {
namespace {

std::vector<int64_t> to_vector(const Tensor& t) {
  const Tensor c = t.contiguous();
  return {c.data<int64_t>(), c.data<int64_t>() + c.numel()};
}

}  // namespace

SequentialSampler::SequentialSampler(int64_t size) : size_(size) {
  check<ValueError>(size >= 0, "SequentialSampler: expected a size of 0 or more, got {}", size);
}

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
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double w = weights_[i];
    check<ValueError>(
        w >= 0 && std::isfinite(w),
        "invalid multinomial distribution (encountering probability entry < 0, infinite or NaN)\nWeightedRandomSampler: weight {} is {}", i, w);
    sum += w;
  }
  check<ValueError>(sum > 0,
                    "invalid multinomial distribution (sum of probabilities <= 0)\nWeightedRandomSampler: expected a weight above 0, got {} weights",
                    weights_.size());
  check<ValueError>(replacement || num_samples <= int64_t(weights_.size()),
                    "cannot sample n_sample > prob_dist.size(-1) samples without replacement\nWeightedRandomSampler: num_samples {} of {} weights",
                    num_samples, weights_.size());
}

std::vector<int64_t> WeightedRandomSampler::indices() {
  const Tensor weights = from_blob(weights_.data(), {int64_t(weights_.size())}, kFloat64);
  return to_vector(multinomial(weights, num_samples_, replacement_, generator_));
}

BatchSampler::BatchSampler(Kept<Sampler> sampler, int64_t batch_size, bool drop_last)
    : sampler_(std::move(sampler)), batch_size_(batch_size), drop_last_(drop_last) {
  check<ValueError>(bool(sampler_), "BatchSampler: the sampler is a null pointer");
  check<ValueError>(batch_size > 0, "batch_size should be a positive integer value, but got batch_size={}", batch_size);
}
int64_t BatchSampler::size() const { return drop_last_ ? sampler_->size() / batch_size_ : (sampler_->size() + batch_size_ - 1) / batch_size_; }
std::vector<std::vector<int64_t>> BatchSampler::batches() {
  const std::vector<int64_t> order = sampler_->indices();
  std::vector<std::vector<int64_t>> result;
  for (int64_t b = 0; b < size(); ++b)
    result.emplace_back(order.begin() + b * batch_size_, order.begin() + std::min(int64_t(order.size()), (b + 1) * batch_size_));
  sampler_->finish();
  return result;
}

}  // namespace ember::data
