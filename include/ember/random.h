// Random numbers, bit for bit those of PyTorch on the CPU: the same seed gives the same weights, shuffles and dropout masks.
//
// Everything draws from one generator, unless another is named. In-place fills visit the elements in the order of memory. As
// torch.Generator and the functions of the same names in torch.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// What is drawn from: a Mersenne Twister, for one thread at a time.
class MersenneTwister {
 public:
  void manual_seed(std::uint64_t seed);
  std::uint64_t initial_seed() const { return seed_; }
  Tensor get_state() const;
  void set_state(const Tensor& state);

  std::uint32_t random() { return position_ < 624 ? words_[position_++] : next(); }
  std::uint64_t random64() {
    const std::uint64_t high = random();
    return high << 32 | random();
  }
  double uniform() { return double(random64() & ((std::uint64_t(1) << 53) - 1)) * 0x1p-53; }
  double normal();
  void fill(std::int64_t n, std::uint32_t* words);
  void toss(std::int64_t n, std::uint64_t threshold, std::uint8_t* coins);

 private:
  std::uint32_t next();

  alignas(64) std::uint32_t state_[640];  // 624 words, and room for the generator's loop
  std::uint32_t words_[624];              // the state, tempered
  int position_ = 624;
  std::uint64_t seed_ = 0;
  double next_normal_ = 0;
  float next_float_normal_ = 0;  // nothing here makes one; kept for states that come from elsewhere
  bool has_next_normal_ = false, has_next_float_normal_ = false;
};

/// A source of random numbers. Threads may share one, as in PyTorch: every call takes its numbers in one piece, so that which thread has
/// which is decided by who comes first.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 67280421310721) { twister_.manual_seed(seed); }
  Generator(const Generator& other);
  Generator& operator=(const Generator& other);

  Generator& manual_seed(std::uint64_t seed);  ///< only the low 32 bits enter the state
  std::uint64_t initial_seed() const;
  std::uint64_t seed();  ///< seeds from the system's entropy; returns the seed

  Tensor get_state() const;             ///< PyTorch's 5056 bytes: exchangeable with torch.get_rng_state()
  void set_state(const Tensor& state);  ///< throws RuntimeError for anything else

  std::uint32_t random();
  std::uint64_t random64();
  double uniform();                                                         ///< [0, 1), 53 bits
  double normal();                                                          ///< keeps every second one
  void fill(std::int64_t n, std::uint32_t* words);                          ///< the next n words
  void toss(std::int64_t n, std::uint64_t threshold, std::uint8_t* coins);  ///< n times: are the 53 bits of random64() below `threshold`?

 private:
  friend class Draws;
  MersenneTwister twister_;
  mutable std::uint32_t busy_ = 0;  // 1 while a thread draws; others wait for 0
};

Generator& default_generator();  ///< what everything draws from unless another is named
/// Another one for this thread, until null takes it away; returns the one before. For the library.
Generator* exchange_default_generator(Generator* generator);
Generator& manual_seed(std::uint64_t seed);  ///< of the default generator. As torch.manual_seed
std::uint64_t initial_seed();                ///< of the default generator
Tensor get_rng_state();                      ///< its 5056 bytes, as torch.get_rng_state
void set_rng_state(const Tensor& state);     ///< throws RuntimeError for anything else

Tensor rand(IntArrayRef sizes, TensorOptions options = {}, Generator* generator = nullptr);   ///< uniform in [0, 1)
Tensor randn(IntArrayRef sizes, TensorOptions options = {}, Generator* generator = nullptr);  ///< normal, mean 0, variance 1
template <WholeNumber... Sizes>
  requires(sizeof...(Sizes) > 0)
Tensor rand(Sizes... sizes) {
  return rand(IntArrayRef({int64_t(sizes)...}));
}
template <WholeNumber... Sizes>
  requires(sizeof...(Sizes) > 0)
Tensor randn(Sizes... sizes) {
  return randn(IntArrayRef({int64_t(sizes)...}));
}
/// Integers in [low, high), int64 unless named otherwise. Throws "random_ expects 'from' to be less than 'to', but got ...".
Tensor randint(int64_t low, int64_t high, IntArrayRef sizes, TensorOptions options = {}, Generator* generator = nullptr);
Tensor randint(int64_t high, IntArrayRef sizes, TensorOptions options = {}, Generator* generator = nullptr);
Tensor randperm(int64_t n, TensorOptions options = {}, Generator* generator = nullptr);  ///< 0 .. n-1, shuffled
Tensor rand_like(const Tensor& like, DType dtype = DType::Undefined);
Tensor randn_like(const Tensor& like, DType dtype = DType::Undefined);
Tensor randint_like(const Tensor& like, int64_t low, int64_t high, DType dtype = DType::Undefined);
Tensor normal(double mean, double std, IntArrayRef sizes, TensorOptions options = {}, Generator* generator = nullptr);
Tensor normal(const Tensor& mean, const Operand& std, Generator* generator = nullptr);
Tensor normal(double mean, const Tensor& std, Generator* generator = nullptr);
Tensor bernoulli(const Tensor& p, Generator* generator = nullptr);  ///< 1 with probability p, element by element
/// num_samples positions in each row of non-negative weights (C) or (N, C), drawn in proportion to them.
Tensor multinomial(const Tensor& weights, int64_t num_samples, bool replacement = false, Generator* generator = nullptr);

}  // namespace ember
