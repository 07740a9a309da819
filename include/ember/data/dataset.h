// Data sets: samples by number. As torch.utils.data.
#pragma once

#include <ember/tensor.h>

namespace ember::data {

/// One sample, or one batch: its tensors in order (input, target, ...).
using Sample = std::vector<Tensor>;

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual Sample get(int64_t index) const = 0;
  /// Several samples as a batch. The default stacks them (default_collate); data sets that hold tensors pick rows at once.
  virtual Sample get_batch(const std::vector<int64_t>& indices) const;
  Sample operator[](int64_t index) const { return get(index); }
};

/// Stacks the tensors of samples, one after the other. As torch.utils.data.default_collate.
Sample default_collate(const std::vector<Sample>& samples);

/// Rows of tensors of equal length. Throws ValueError "Size mismatch between tensors".
class TensorDataset final : public Dataset {
 public:
  explicit TensorDataset(std::vector<Tensor> tensors);
  int64_t size() const override { return tensors_[0].size(0); }
  Sample get(int64_t index) const override;
  Sample get_batch(const std::vector<int64_t>& indices) const override;
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
};

/// Data sets one after the other. They must outlive this one.
class ConcatDataset final : public Dataset {
 public:
  explicit ConcatDataset(std::vector<const Dataset*> datasets);
  int64_t size() const override { return ends_.back(); }
  Sample get(int64_t index) const override;

 private:
  std::vector<const Dataset*> datasets_;
  std::vector<int64_t> ends_;
};

/// Some of the samples of a data set, which must outlive this one.
class Subset final : public Dataset {
 public:
  Subset(const Dataset& dataset, std::vector<int64_t> indices) : dataset_(&dataset), indices_(std::move(indices)) {}
  int64_t size() const override { return int64_t(indices_.size()); }
  Sample get(int64_t index) const override;
  Sample get_batch(const std::vector<int64_t>& indices) const override;
  const std::vector<int64_t>& indices() const { return indices_; }

 private:
  const Dataset* dataset_;
  std::vector<int64_t> indices_;
};

/// Parts of these lengths, or of these fractions of the whole, drawn by one random permutation. As torch.utils.data.random_split.
std::vector<Subset> random_split(const Dataset& dataset, const std::vector<int64_t>& lengths, Generator* generator = nullptr);
std::vector<Subset> random_split(const Dataset& dataset, const std::vector<double>& fractions, Generator* generator = nullptr);
/// The same from numbers in braces: random_split(all, {800, 200}), random_split(all, {0.8, 0.2}).
template <class N>
std::vector<Subset> random_split(const Dataset& dataset, std::initializer_list<N> parts, Generator* generator = nullptr) {
  using Part = std::conditional_t<std::is_floating_point_v<N>, double, int64_t>;
  return random_split(dataset, std::vector<Part>(parts.begin(), parts.end()), generator);
}

}  // namespace ember::data
