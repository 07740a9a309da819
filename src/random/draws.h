// One thread at a time draws from a generator. The lock is one word, so that the public header needs no <mutex>.
#pragma once

#include <ember/random.h>

#include <atomic>

namespace ember {

/// Holds a generator, the default one when null, for the draws of one operation.
class Draws {
 public:
  explicit Draws(Generator* generator) : Draws(generator ? *generator : default_generator()) {}
  explicit Draws(const Generator& generator) : generator_(const_cast<Generator&>(generator)) { lock(generator_); }
  ~Draws() { unlock(generator_); }
  Draws(const Draws&) = delete;
  MersenneTwister& operator*() const { return generator_.twister_; }
  MersenneTwister* operator->() const { return &generator_.twister_; }

  static void lock(Generator& generator) {
    const std::atomic_ref<std::uint32_t> busy(generator.busy_);
    while (busy.exchange(1, std::memory_order_acquire)) busy.wait(1, std::memory_order_relaxed);
  }
  static void unlock(Generator& generator) {
    const std::atomic_ref<std::uint32_t> busy(generator.busy_);
    busy.store(0, std::memory_order_release);
    busy.notify_one();
  }

 private:
  Generator& generator_;
};

}  // namespace ember
