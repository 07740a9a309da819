// A rank's share of a data set. As torch.utils.data.DistributedSampler.
#pragma once

#include <ember/data/sampler.h>

namespace ember::data {

struct DistributedSamplerOptions {
  int64_t num_replicas = -1;  ///< -1: distributed::world_size()
  int64_t rank = -1;          ///< -1: distributed::rank()
  bool shuffle = true;
  std::uint64_t seed = 0;  ///< the same on every rank
  bool drop_last = false;  ///< cut the tail, so that it divides evenly, instead of repeating samples
  /// false: no sample is repeated or dropped, so that ranks may have one more than others. For evaluation: every image counts once.
  bool pad = true;
};

/// Rank r visits the samples r, r + n, r + 2n, ... of an order that all ranks share: the permutation of a generator seeded with
/// seed + epoch, PyTorch's bit for bit. With `pad`, samples from the front are repeated until the ranks have equally many.
/// Throws ValueError "Invalid rank 3, rank should be in the interval [0, 2]".
class DistributedSampler final : public Sampler {
 public:
  explicit DistributedSampler(int64_t dataset_size, DistributedSamplerOptions options = {});

  int64_t size() const override;
  std::vector<int64_t> indices() override;

  /// Another order for each epoch; without it every epoch has the order of epoch 0. `seen` samples of this epoch, counted over all ranks,
  /// have been visited already and are left out: so a run resumes in the middle of an epoch, with the same or another number of ranks.
  void set_epoch(int64_t epoch, int64_t seen = 0);

 private:
  int64_t remaining() const { return dataset_size_ - seen_; }
  int64_t dataset_size_;
  DistributedSamplerOptions o_;
  int64_t epoch_ = 0, seen_ = 0;
};

}  // namespace ember::data
