// The generator: seeding, words, the cached normal number, and PyTorch's byte layout of the state.
#include <ember/random.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "error_format.h"
#include "kernels/kernels.h"
#include "tensor/defined.h"
#include "random/draws.h"
#include "runtime/fork.h"

namespace ember {

void MersenneTwister::manual_seed(std::uint64_t seed) {
  seed_ = seed;
  state_[0] = std::uint32_t(seed);
  for (std::uint32_t j = 1; j < 624; ++j) state_[j] = 1812433253u * (state_[j - 1] ^ (state_[j - 1] >> 30)) + j;
  position_ = 624;
  has_next_normal_ = has_next_float_normal_ = false;
}

std::uint32_t MersenneTwister::next() {
  kernels::random_loops().next_block(state_, words_);
  position_ = 1;
  return words_[0];
}

void MersenneTwister::fill(std::int64_t n, std::uint32_t* words) {
  while (n > 0) {
    if (position_ == 624 && n >= 624) {
      kernels::random_loops().next_block(state_, words);
      words += 624;
      n -= 624;
      continue;
    }
    if (position_ == 624) {
      kernels::random_loops().next_block(state_, words_);
      position_ = 0;
    }
    const std::int64_t count = std::min<std::int64_t>(n, 624 - position_);
    std::memcpy(words, words_ + position_, std::size_t(count) * 4);
    position_ += int(count);
    words += count;
    n -= count;
  }
}

void MersenneTwister::toss(std::int64_t n, std::uint64_t threshold, std::uint8_t* coins) {
  const kernels::RandomKernels& k = kernels::random_loops();
  while (n > 0) {
    std::int64_t count = 312;
    if (position_ == 624 && n >= count) {
      k.toss_block(state_, threshold, coins);
    } else {
      // To the end of a block, or one coin beyond where the number of words that are left is odd.
      std::uint32_t words[624];
      count = std::min<std::int64_t>(n, position_ == 624 ? 312 : (625 - position_) / 2);
      fill(2 * count, words);
      k.bernoulli_byte(count, words, threshold, coins);
    }
    coins += count;
    n -= count;
  }
}

// Box-Muller; the sine is kept for the next call.
double MersenneTwister::normal() {
  if (has_next_normal_) {
    has_next_normal_ = false;
    return next_normal_;
  }
  const double u1 = uniform(), u2 = uniform();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2)), theta = 2.0 * M_PI * u1;
  next_normal_ = radius * std::sin(theta);
  has_next_normal_ = true;
  return radius * std::cos(theta);
}

namespace {

/// The state as torch.get_rng_state() lays it out.
struct StateBlob {
  std::uint64_t seed;
  std::int32_t left, seeded;
  std::uint64_t next;
  std::uint64_t words[624];
  double normal_x, normal_y, normal_rho;
  std::int32_t normal_is_valid, padding;
  float float_normal;
  std::uint8_t float_normal_is_valid, more_padding[3];
};
static_assert(sizeof(StateBlob) == 5056);

}  // namespace

Tensor MersenneTwister::get_state() const {
  StateBlob blob{};
  blob.seed = seed_;
  const bool fresh = position_ == 624;
  blob.left = fresh ? 1 : 625 - position_;
  blob.seeded = 1;
  blob.next = fresh ? 0 : std::uint64_t(position_);
  std::copy(state_, state_ + 624, blob.words);
  blob.normal_y = has_next_normal_ ? next_normal_ : 0;
  blob.normal_is_valid = has_next_normal_;
  blob.float_normal = has_next_float_normal_ ? next_float_normal_ : 0;
  blob.float_normal_is_valid = has_next_float_normal_;
  Tensor state = empty({std::int64_t(sizeof blob)}, kUInt8);
  std::memcpy(state.data_ptr(), &blob, sizeof blob);
  return state;
}

void MersenneTwister::set_state(const Tensor& state) {
  check<TypeError>(state.dtype() == kUInt8, "expected a torch.ByteTensor, but got torch.{}", tensor_type_name(state.dtype()));
  check<RuntimeError>(state.numel() == std::int64_t(sizeof(StateBlob)), "RNG state is wrong size: expected {} bytes, got {}", sizeof(StateBlob),
                      state.numel());
  StateBlob blob;
  const Tensor bytes = state.contiguous();
  std::memcpy(&blob, bytes.data_ptr(), sizeof blob);
  const bool fresh = blob.left == 1;
  check<RuntimeError>(blob.seeded == 1 && blob.left >= 1 && blob.left <= 624 && blob.next <= 624, "Invalid mt19937 state");
  seed_ = blob.seed;
  for (int i = 0; i < 624; ++i) {
    state_[i] = std::uint32_t(blob.words[i]);
    std::uint32_t y = state_[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    words_[i] = y ^ (y >> 18);
  }
  position_ = fresh ? 624 : int(blob.next);
  next_normal_ = blob.normal_y;
  has_next_normal_ = blob.normal_is_valid != 0;
  next_float_normal_ = blob.float_normal;
  has_next_float_normal_ = blob.float_normal_is_valid != 0;
}

// --- the generator: the same, one call at a time

Generator::Generator(const Generator& other) : twister_(*Draws(other)) {}
Generator& Generator::operator=(const Generator& other) {
  const MersenneTwister copy = *Draws(other);
  *Draws(*this) = copy;
  return *this;
}
Generator& Generator::manual_seed(std::uint64_t seed) {
  Draws(*this)->manual_seed(seed);
  return *this;
}
std::uint64_t Generator::initial_seed() const { return Draws(*this)->initial_seed(); }
std::uint64_t Generator::seed() {
  std::random_device entropy;
  const std::uint64_t high = entropy(), seed = (high << 32 | entropy()) & 0x1fffffffffffff;
  manual_seed(seed);
  return seed;
}
Tensor Generator::get_state() const { return Draws(*this)->get_state(); }
void Generator::set_state(const Tensor& state) { Draws(*this)->set_state(state); }
std::uint32_t Generator::random() { return Draws(*this)->random(); }
std::uint64_t Generator::random64() { return Draws(*this)->random64(); }
double Generator::uniform() { return Draws(*this)->uniform(); }
double Generator::normal() { return Draws(*this)->normal(); }
void Generator::fill(std::int64_t n, std::uint32_t* words) { Draws(*this)->fill(n, words); }
void Generator::toss(std::int64_t n, std::uint64_t threshold, std::uint8_t* coins) { Draws(*this)->toss(n, threshold, coins); }

static constinit thread_local Generator* in_its_place = nullptr;

Generator& default_generator() {
  if (in_its_place) [[unlikely]]
    return *in_its_place;
  static Generator& generator = []() -> Generator& {
    static Generator one;
    // A child process finds it between two draws, whoever was drawing.
    at_fork({.rank = 2, .before = [] { Draws::lock(one); }, .in_parent = [] { Draws::unlock(one); }, .in_child = [] { Draws::unlock(one); }});
    return one;
  }();
  return generator;
}
Generator* exchange_default_generator(Generator* generator) { return std::exchange(in_its_place, generator); }
Generator& manual_seed(std::uint64_t seed) { return default_generator().manual_seed(seed); }
std::uint64_t initial_seed() { return default_generator().initial_seed(); }
Tensor get_rng_state() { return default_generator().get_state(); }
void set_rng_state(const Tensor& state) {
  require_defined("set_rng_state", state);
  default_generator().set_state(state);
}

}  // namespace ember
