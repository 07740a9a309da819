// Every rank draws the same order and takes every n-th of it, as PyTorch's does.
#include <ember/distributed/sampler.h>
#include <ember/distributed/world.h>
#include <ember/random.h>

#include <numeric>

#include "error_format.h"

namespace ember::data {

DistributedSampler::DistributedSampler(int64_t dataset_size, DistributedSamplerOptions options) : dataset_size_(dataset_size), o_(options) {
  if (o_.num_replicas < 0) o_.num_replicas = distributed::world_size();
  if (o_.rank < 0) o_.rank = distributed::rank();
  check<ValueError>(o_.rank < o_.num_replicas, "Invalid rank {}, rank should be in the interval [0, {}]", o_.rank, o_.num_replicas - 1);
  check<ValueError>(dataset_size >= 0, "DistributedSampler: expected a size of the data set of 0 or more, got {}", dataset_size);
}

int64_t DistributedSampler::size() const {
  const int64_t n = remaining(), ranks = o_.num_replicas;
  if (!o_.pad) return n > o_.rank ? (n - o_.rank - 1) / ranks + 1 : 0;
  return o_.drop_last ? n / ranks : (n + ranks - 1) / ranks;
}

std::vector<int64_t> DistributedSampler::indices() {
  std::vector<int64_t> order(static_cast<std::size_t>(dataset_size_));
  std::iota(order.begin(), order.end(), 0);
  if (o_.shuffle && dataset_size_ > 0) {
    Generator generator(o_.seed + std::uint64_t(epoch_));
    const Tensor permutation = randperm(dataset_size_, {}, &generator);
    order.assign(permutation.data<int64_t>(), permutation.data<int64_t>() + dataset_size_);
  }
  order.erase(order.begin(), order.begin() + seen_);
  // With `pad` the order starts again from its front where it ends, as often as it takes: PyTorch repeats it so, too.
  std::vector<int64_t> mine;
  for (int64_t i = 0, n = int64_t(order.size()); i < size(); ++i) mine.push_back(order[std::size_t((o_.rank + i * o_.num_replicas) % n)]);
  return mine;
}

void DistributedSampler::set_epoch(int64_t epoch, int64_t seen) {
  check<ValueError>(epoch >= 0 && seen >= 0 && seen <= dataset_size_,
                    "DistributedSampler.set_epoch: expected an epoch of 0 or more and 0 to {} samples seen, got epoch {} and {} seen", dataset_size_,
                    epoch, seen);
  epoch_ = epoch;
  seen_ = seen;
}

}  // namespace ember::data
