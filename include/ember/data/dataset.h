// Data sets: samples by number, or one after the other. As torch.utils.data.
#pragma once

#include <ember/data/kept.h>
#include <ember/owned.h>
#include <ember/tensor.h>

namespace ember::data {

/// One sample, or one batch: its tensors in order (input, target, ...).
using Sample = std::vector<Tensor>;

/// Samples by number. With a loader's workers `get` is called from several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual Sample get(int64_t index) const = 0;
  /// Several samples as a batch. The default stacks them (default_collate); data sets that hold tensors pick rows at once.
  virtual Sample get_batch(const std::vector<int64_t>& indices) const;
  /// Whether get_batch does more than to stack: a loader's transform then works on the whole batch, to the same bits.
  virtual bool has_batches() const { return false; }
  Sample operator[](int64_t index) const { return get(index); }
};
using KeptDataset = Kept<const Dataset>;

/// Samples one after the other, as many as there are: a stream. As torch.utils.data.IterableDataset.
class IterableDataset {
 public:
  virtual ~IterableDataset() = default;
  virtual void begin() {}  ///< a new epoch begins
  /// The next sample, or false at the end. A loader calls it from one thread at a time, in order, also with workers: they share the stream,
  /// where PyTorch's each read all of it.
  virtual bool next(Sample& sample) = 0;
};

/// Stacks the tensors of samples, one after the other. As torch.utils.data.default_collate.
Sample default_collate(const std::vector<Sample>& samples);

/// Rows of tensors of equal length: TensorDataset(x, y) or TensorDataset({x, y}). Copies share the tensors.
/// Throws ValueError "Size mismatch between tensors" with the sizes.
class TensorDataset : public Dataset {
 public:
  static constexpr bool kSharesAll = true;
  explicit TensorDataset(std::vector<Tensor> tensors);
  explicit TensorDataset(std::initializer_list<Tensor> tensors) : TensorDataset(std::vector<Tensor>(tensors)) {}
  template <class... T>
    requires(std::is_convertible_v<const T&, const Tensor&> && ...)
  explicit TensorDataset(const Tensor& first, const T&... rest) : TensorDataset(std::vector<Tensor>{first, rest...}) {}
  int64_t size() const override;
  Sample get(int64_t index) const override;
  Sample get_batch(const std::vector<int64_t>& indices) const override;
  bool has_batches() const override { return true; }
  const std::vector<Tensor>& tensors() const& { return tensors_; }
  std::vector<Tensor> tensors() &&;

 private:
  std::vector<Tensor> tensors_;
};

/// Data sets one after the other: ConcatDataset(a, b) or ConcatDataset({&a, &b}).
class ConcatDataset final : public Dataset {
 public:
  static constexpr bool kSharesAll = true;
  explicit ConcatDataset(std::vector<KeptDataset> datasets);
  explicit ConcatDataset(std::initializer_list<KeptDataset> datasets);
  template <class... D>
    requires(sizeof...(D) >= 2 && (std::is_constructible_v<KeptDataset, D> && ...))
  explicit ConcatDataset(D&&... datasets) : ConcatDataset({KeptDataset(std::forward<D>(datasets))...}) {}
  int64_t size() const override;
  Sample get(int64_t index) const override;

 private:
  Boxed<std::vector<KeptDataset>> datasets_;
  std::vector<int64_t> ends_;
};

/// Some of the samples of a data set, by their numbers there.
class Subset final : public Dataset {
 public:
  static constexpr bool kSharesAll = true;
  Subset(KeptDataset dataset, std::vector<int64_t> indices);
  int64_t size() const override;
  Sample get(int64_t index) const override;
  Sample get_batch(const std::vector<int64_t>& indices) const override;
  bool has_batches() const override { return dataset_ && dataset_->has_batches(); }
  const std::vector<int64_t>& indices() const& { return indices_; }
  std::vector<int64_t> indices() &&;

 private:
  int64_t inner(int64_t index) const;
  KeptDataset dataset_;
  std::vector<int64_t> indices_;
};

/// Parts of these lengths, or of these fractions of the whole, drawn by one random permutation. As torch.utils.data.random_split.
std::vector<Subset> random_split(KeptDataset dataset, const std::vector<int64_t>& lengths, Generator* generator = nullptr);
std::vector<Subset> random_split(KeptDataset dataset, const std::vector<double>& fractions, Generator* generator = nullptr);
/// The same from numbers in braces: random_split(all, {800, 200}), random_split(all, {0.8, 0.2}).
template <class N>
std::vector<Subset> random_split(KeptDataset dataset, std::initializer_list<N> parts, Generator* generator = nullptr) {
  using Part = std::conditional_t<std::is_floating_point_v<N>, double, int64_t>;
  return random_split(std::move(dataset), std::vector<Part>(parts.begin(), parts.end()), generator);
}

}  // namespace ember::data
