// What changes samples on their way into a batch, and the random numbers for it. The transforms themselves are in ember/data/transforms.h.
#pragma once

#include <ember/data/dataset.h>

namespace ember::data {

/// Random numbers of one sample in one epoch (SplitMix64): they depend on the epoch's seed and the sample alone, not on the batch, the order or
/// the number of workers. PyTorch's depend on the worker.
class Draws {
 public:
  explicit Draws(std::uint64_t seed = 0) : state_(seed) {}
  /// The seed of a sample: `occurrence` counts how often it came before in this epoch (samplers with replacement).
  Draws(std::uint64_t epoch_seed, std::uint64_t sample, std::uint64_t occurrence);

  std::uint64_t random64();
  double uniform() { return double(random64() >> 11) * 0x1p-53; }                     ///< [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }  ///< [low, high)
  int64_t below(int64_t n) { return int64_t(uniform() * double(n)); }                 ///< 0 .. n - 1
  bool toss(double p) { return uniform() < p; }
  double normal();             ///< mean 0, variance 1
  double gamma(double shape);  ///< of scale 1
  double beta(double a, double b);

 private:
  std::uint64_t state_;
};

/// Changes the tensors of N samples, which are the first dimension of each; draws[i] is sample i's. Called from several threads at once when
/// a loader has workers.
class Transform {
 public:
  static constexpr bool kSharesAll = true;
  virtual ~Transform() = default;
  virtual void apply(Sample& batch, std::vector<Draws>& draws) const = 0;
  /// One input (C, H, W), for a look: Normalize({0.5}, {0.5})(image). `seed` is that of what it draws.
  Tensor operator()(const Tensor& input, std::uint64_t seed = 0) const;
};
using KeptTransform = Kept<const Transform>;

}  // namespace ember::data
