// tests/data/batch_norm_vectors.txt: what PyTorch's batch norm gave, bit for bit, and the inputs that it was given.
#pragma once

#include "support/test_data.h"

#include <ember/ember.h>

#include <bit>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace ember {

/// A row as a tensor with these sizes.
inline Tensor batch_norm_vector(const std::string& name, IntArrayRef sizes, DType dtype = kFloat32) {
  std::ifstream file(test_data("batch_norm_vectors.txt"));
  for (std::string line; std::getline(file, line);) {
    if (line.substr(0, line.find('|')) != name) continue;
    const Tensor t = empty(sizes, dtype);
    std::istringstream words(line.substr(line.find('|') + 1));
    int64_t i = 0;
    for (std::string word; words >> word; ++i) {
      const std::uint64_t bits = std::stoull(word, nullptr, 16);
      if (i >= t.numel()) throw std::runtime_error(name + " has more numbers than " + std::to_string(t.numel()));
      if (dtype == kFloat32) t.data<float>()[i] = std::bit_cast<float>(std::uint32_t(bits));
      else t.data<double>()[i] = std::bit_cast<double>(bits);
    }
    if (i != t.numel()) throw std::runtime_error(name + " has fewer numbers than " + std::to_string(t.numel()));
    return t;
  }
  throw std::runtime_error("no row " + name);
}

/// The same bits. Without fused multiply-adds (EMBER_ISA=v2, where PyTorch has other bits as well) only as many of them as rounding
/// twice leaves.
inline bool same_bits(const Tensor& got, const Tensor& want) {
  const std::string isa = kernels::instruction_set();
  if (isa == "v3" || isa == "v4") return got.equal(want);
  return got.allclose(want, 1e-6, 1e-6 * want.abs().max().item<double>());
}

struct BatchNormInput {
  Tensor x, weight, bias;
};

/// As input_of in tools/parity/golden/batch_norm_vectors.py.
inline BatchNormInput batch_norm_input(IntArrayRef sizes, std::uint64_t seed, DType dtype = kFloat32) {
  manual_seed(seed);
  const TensorOptions options{.dtype = dtype};
  const Tensor x = randn(sizes, options) * 2 + 3;
  const Tensor weight = rand({sizes[1]}, options) + 0.5;
  return {x, weight, randn({sizes[1]}, options)};
}

}  // namespace ember
