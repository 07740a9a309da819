// Orders in which a loader visits a data set. As torch.utils.data.
#pragma once

#include <ember/data/kept.h>
#include <ember/tensor.h>

namespace ember::data {

/// Gives an order for each epoch. `indices` may draw; `finish` is called when an epoch was read to its end.
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual int64_t size() const = 0;
  virtual std::vector<int64_t> indices() = 0;
  virtual void finish() {}
};

class SequentialSampler final : public Sampler {
 public:
  /// Throws ValueError for a size below 0.
  explicit SequentialSampler(int64_t size);
  int64_t size() const override { return size_; }
  std::vector<int64_t> indices() override;

 private:
  int64_t size_;
};

struct RandomSamplerOptions {
  bool replacement = false;
  int64_t num_samples = -1;  ///< -1: as many as there are
  Generator* generator = nullptr;
};
/// A permutation for each epoch. Without a generator of its own it seeds one from the default generator, as PyTorch does.
class RandomSampler final : public Sampler {
 public:
  explicit RandomSampler(int64_t size, RandomSamplerOptions options = {});
  int64_t size() const override { return o_.num_samples < 0 ? size_ : o_.num_samples; }
  std::vector<int64_t> indices() override;
  void finish() override;

 private:
  int64_t size_;
  RandomSamplerOptions o_;
};

class SubsetRandomSampler final : public Sampler {
 public:
  explicit SubsetRandomSampler(std::vector<int64_t> indices, Generator* generator = nullptr) : indices_(std::move(indices)), generator_(generator) {}
  int64_t size() const override { return int64_t(indices_.size()); }
  std::vector<int64_t> indices() override;

 private:
  std::vector<int64_t> indices_;
  Generator* generator_;
};

/// Numbers drawn in proportion to their weights. Throws ValueError for no weights, negative or infinite ones, no positive one, and for more
/// samples than weights without replacement.
class WeightedRandomSampler final : public Sampler {
 public:
  WeightedRandomSampler(std::vector<double> weights, int64_t num_samples, bool replacement = true, Generator* generator = nullptr);
  int64_t size() const override { return num_samples_; }
  std::vector<int64_t> indices() override;

 private:
  std::vector<double> weights_;
  int64_t num_samples_;
  bool replacement_;
  Generator* generator_;
};

/// Batches of another sampler's indices.
class BatchSampler final {
 public:
  BatchSampler(Kept<Sampler> sampler, int64_t batch_size, bool drop_last);
  int64_t size() const;
  std::vector<std::vector<int64_t>> batches();

 private:
  Kept<Sampler> sampler_;
  int64_t batch_size_;
  bool drop_last_;
};

}  // namespace ember::data
