// Numbers for kernels, which know no tensors: normal, the same for a seed.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace ember::kernels {

template <class T>
std::vector<T> random_numbers(std::int64_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> v(static_cast<std::size_t>(n));
  for (T& x : v) x = T(normal(generator));
  return v;
}

}  // namespace ember::kernels
