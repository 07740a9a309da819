// One thread at a time draws from a generator.
#pragma once

#include <ember/random.h>

namespace ember {

/// Holds a generator, the default one when null, for the draws of one operation.
class Draws {
 public:
  explicit Draws(Generator* generator) : Draws(generator ? *generator : default_generator()) {}
  explicit Draws(const Generator& generator) : generator_(const_cast<Generator&>(generator)) { pthread_mutex_lock(&generator_.mutex_); }
  ~Draws() { pthread_mutex_unlock(&generator_.mutex_); }
  Draws(const Draws&) = delete;
  MersenneTwister& operator*() const { return generator_.twister_; }
  MersenneTwister* operator->() const { return &generator_.twister_; }

  static void lock(Generator& generator) { pthread_mutex_lock(&generator.mutex_); }
  static void unlock(Generator& generator) { pthread_mutex_unlock(&generator.mutex_); }

 private:
  Generator& generator_;
};

}  // namespace ember
