// Batches of a data set, in order or shuffled as PyTorch shuffles. As torch.utils.data.DataLoader.
//
//   data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
//   for (const auto& [x, y] : loader) { ... }
#pragma once

#include <ember/data/dataset.h>
#include <ember/data/sampler.h>

#include <utility>

namespace ember::data {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false, drop_last = false;
  Sampler* sampler = nullptr;  ///< instead of shuffle; must outlive the loader
  Generator* generator = nullptr;
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

class DataLoader {
 public:
  /// The data set must outlive the loader. Throws ValueError "batch_size should be a positive integer value, but got batch_size=0".
  explicit DataLoader(const Dataset& dataset, DataLoaderOptions options = {});
  DataLoader(const DataLoader&) = delete;
  ~DataLoader();

  int64_t size() const;  ///< batches in an epoch
  const Dataset& dataset() const { return dataset_; }

  /// One epoch: draws as PyTorch's iter(loader) does, then gives batch after batch.
  class Epoch {
   public:
    bool next(Sample& batch);
    /// For checkpoints: how many batches were given, the order they come from (empty before the first), whether the end was met.
    int64_t position() const { return position_; }
    const std::vector<int64_t>& order() const { return order_; }
    bool finished() const { return finished_; }
    void resume(std::vector<int64_t> order, int64_t position, bool finished = false);

   private:
    friend class DataLoader;
    explicit Epoch(DataLoader& loader);
    DataLoader& loader_;
    std::vector<int64_t> order_;
    int64_t position_ = 0;
    bool started_ = false, finished_ = false;
  };
  Epoch epoch() { return Epoch(*this); }

  /// Range-for over batches of N tensors.
  template <int N>
  class View {
   public:
    class Iterator {
     public:
      explicit Iterator(DataLoader* loader) : Iterator(Owned{loader ? new Epoch(*loader) : nullptr}) {
        if (epoch_) ++*this;  // may throw: the constructor before has ended, so the epoch is deleted
      }
      Iterator(Iterator&& other) noexcept : epoch_(std::exchange(other.epoch_, nullptr)), batch_(std::move(other.batch_)) {}
      ~Iterator() { delete epoch_; }
      const Batch<N>& operator*() const { return batch_; }
      Iterator& operator++() {
        Sample sample;
        if (!epoch_->next(sample)) {
          delete std::exchange(epoch_, nullptr);
          return *this;
        }
        if (sample.size() != N) wrong_count(N, sample.size());
        for (int i = 0; i < N; ++i) batch_.tensors[i] = std::move(sample[std::size_t(i)]);
        return *this;
      }
      bool operator!=(const Iterator& other) const { return epoch_ != other.epoch_; }

     private:
      struct Owned {
        Epoch* epoch;
      };
      explicit Iterator(Owned owned) : epoch_(owned.epoch) {}

      Epoch* epoch_;
      Batch<N> batch_;
    };
    explicit View(DataLoader& loader) : loader_(loader) {}
    Iterator begin() const { return Iterator(&loader_); }
    Iterator end() const { return Iterator(nullptr); }

   private:
    DataLoader& loader_;
  };
  template <int N>
  View<N> as() {
    return View<N>(*this);
  }
  View<2>::Iterator begin();  ///< the usual two: input and target
  View<2>::Iterator end();

 private:
  [[noreturn]] static void wrong_count(int wanted, std::size_t got);
  const Dataset& dataset_;
  DataLoaderOptions o_;
  Sampler* sampler_;
  bool owns_sampler_;
};

inline DataLoader::View<2>::Iterator DataLoader::begin() { return View<2>::Iterator(this); }
inline DataLoader::View<2>::Iterator DataLoader::end() { return View<2>::Iterator(nullptr); }

}  // namespace ember::data

template <int N>
struct std::tuple_size<ember::data::Batch<N>> {
  static constexpr std::size_t value = N;
};
template <std::size_t I, int N>
struct std::tuple_element<I, ember::data::Batch<N>> {
  using type = const ember::Tensor;
};
