// Batches of a data set, in order or shuffled as PyTorch shuffles. As torch.utils.data.DataLoader.
//
//   data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
//   for (const auto& [x, y] : loader) { ... }
//
// With num_workers threads read, transform and stack batches ahead. Order and bits are the same for any number of them.
#pragma once

#include <ember/autograd.h>
#include <ember/data/dataset.h>
#include <ember/data/sampler.h>
#include <ember/data/draws.h>

#include <new>
#include <utility>

namespace ember::data {

/// Makes a batch of samples: any callable, or nullptr for default_collate.
struct Collate : Callback<Sample(const std::vector<Sample>&)> {
  using Callback::Callback;
  Collate(std::nullptr_t) {}
};

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false, drop_last = false;
  Kept<Sampler> sampler = {};  ///< instead of shuffle: &sampler, or a temporary
  Generator* generator = nullptr;
  Collate collate_fn = {};             ///< instead of default_collate
  int64_t num_workers = 0;             ///< threads that prepare batches; 0: the loop's own
  int64_t prefetch_factor = 2;         ///< batches ahead, for each worker
  KeptTransform transform = {};        ///< of each sample: Compose{RandomCrop(28, {.padding = 2}), ...}
  KeptTransform batch_transform = {};  ///< of whole batches: MixUp, CutMix
};

/// A batch whose tensors have names: `const auto& [x, y] = batch`.
template <int N>
struct Batch {
  Tensor tensors[N];
  template <std::size_t I>
  const Tensor& get() const {
    return tensors[I];
  }
};

namespace detail {
struct EpochState;
}  // namespace detail

/// A loader is a value that shares what it holds: return it, copy it, put it into std::optional.
class DataLoader final {
 public:
  /// Throws ValueError "batch_size should be a positive integer value, but got batch_size=0" and the like.
  explicit DataLoader(KeptDataset dataset, DataLoaderOptions options = {});
  explicit DataLoader(Kept<IterableDataset> stream, DataLoaderOptions options = {});

  int64_t size() const;             ///< batches in an epoch. Throws TypeError for a stream, as PyTorch
  const Dataset& dataset() const&;  ///< the samples. Throws TypeError for a stream
  const Dataset& dataset() && = delete;
  int64_t batch_size() const { return o_.batch_size; }
  /// How many samples the last batch of an epoch holds; 0 for a stream, where nobody knows.
  int64_t last_batch_size() const;

  /// One epoch: draws as PyTorch's iter(loader) does, then gives batch after batch.
  class Epoch {
   public:
    Epoch(Epoch&& other) noexcept;
    Epoch& operator=(Epoch&& other) noexcept;
    ~Epoch();  ///< workers end with the batch they are at
    bool next(Sample& batch);
    /// For checkpoints: how many batches were given, the order they come from (empty before the first), whether the end was met, and the
    /// seed of what transforms draw.
    int64_t position() const;
    const std::vector<int64_t>& order() const;
    bool finished() const;
    std::uint64_t seed() const;
    void resume(std::vector<int64_t> order, int64_t position, bool finished = false);
    void resume(std::vector<int64_t> order, int64_t position, bool finished, std::uint64_t seed);

   private:
    friend class DataLoader;
    explicit Epoch(const DataLoader& loader);
    detail::EpochState& state() const;
    Owned<detail::EpochState> state_;
  };
  Epoch epoch() const { return Epoch(*this); }

  template <int N>
  class Iterator {
   public:
    explicit Iterator(const DataLoader* loader) {
      if (!loader) return;
      epoch_ = Owned<Epoch>::make(loader->epoch());
      ++*this;
    }
    const Batch<N>& operator*() const { return batch_; }
    Iterator& operator++() {
      Sample sample;
      if (!epoch_ || !epoch_->next(sample)) {
        epoch_ = nullptr;
        return *this;
      }
      if (sample.size() != N) wrong_count(N, sample.size());
      for (int i = 0; i < N; ++i) batch_.tensors[i] = std::move(sample[std::size_t(i)]);
      return *this;
    }
    bool operator!=(const Iterator& other) const { return epoch_.get() != other.epoch_.get(); }

   private:
    Owned<Epoch> epoch_;
    Batch<N> batch_;
  };
  /// Range-for over batches of N tensors: `for (const auto& [x] : loader.as<1>())`. Holds the loader, so one that a function returned is right.
  template <int N>
  class View;
  template <int N>
  View<N> as() const;
  Iterator<2> begin() const;  ///< the usual two: input and target
  Iterator<2> end() const;

  /// `for (... : *make_loader())` deletes what a std::unique_ptr holds before the loop asks for its begin: a deleted loader stays until its
  /// thread takes the second batch of some loop, or deletes another one.
  static void operator delete(DataLoader* loader, std::destroying_delete_t);

  template <class I>
  void operator[](I) const {
    static_assert(sizeof(I) == 0, "a DataLoader has no []: for (const auto& [x, y] : loader) gives batches, loader.dataset()[i] a sample");
  }

 private:
  friend struct detail::EpochState;
  void check_options() const;
  const Sampler& sampler() const;
  [[noreturn]] static void wrong_count(int wanted, std::size_t got);
  KeptDataset dataset_;
  Kept<IterableDataset> stream_;
  DataLoaderOptions o_;
};

template <int N>
class DataLoader::View {
 public:
  explicit View(const DataLoader& loader) : loader_(loader) {}
  Iterator<N> begin() const { return Iterator<N>(&loader_); }
  Iterator<N> end() const { return Iterator<N>(nullptr); }

 private:
  DataLoader loader_;
};
template <int N>
DataLoader::View<N> DataLoader::as() const {
  return View<N>(*this);
}

/// Warns (once for each call) when an epoch's last batch would hold a single sample and the model has batch norm, which then throws
/// "Expected more than 1 value per channel when training" or learns from one image: `.drop_last = true`, or another batch size. Says whether it did.
/// `model` is an nn::Module.
template <class Model>
bool warn_about_last_batch(const DataLoader& loader, Model& model);

namespace detail {
bool warn_about_last_batch(const DataLoader& loader, const std::string& batch_norm);
}  // namespace detail

template <class Model>
bool warn_about_last_batch(const DataLoader& loader, Model& model) {
  for (const auto& buffer : model.named_buffers()) {
    const std::string& name = buffer.first;
    const std::string ending = "num_batches_tracked";
    if (name.size() < ending.size() || name.compare(name.size() - ending.size(), ending.size(), ending) != 0) continue;
    return detail::warn_about_last_batch(loader, name.substr(0, name.size() - ending.size()));
  }
  return false;
}

}  // namespace ember::data

template <int N>
struct std::tuple_size<ember::data::Batch<N>> {
  static constexpr std::size_t value = N;
};
template <std::size_t I, int N>
struct std::tuple_element<I, ember::data::Batch<N>> {
  using type = const ember::Tensor;
};
