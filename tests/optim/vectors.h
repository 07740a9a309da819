// tests/data/optim_vectors.txt: what PyTorch's optimisers and schedulers gave, by name.
#pragma once

#include "support/test_data.h"

#include <bit>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ember {

/// The numbers of one row; Bits is uint32_t for float32 and uint64_t for float64.
template <class T, class Bits>
std::vector<T> optim_vector(const std::string& name) {
  std::ifstream file(test_data("optim_vectors.txt"));
  for (std::string line; std::getline(file, line);) {
    if (line.substr(0, line.find('|')) != name) continue;
    std::istringstream words(line.substr(line.find('|') + 1));
    std::vector<T> values;
    for (std::string word; words >> word;) values.push_back(std::bit_cast<T>(Bits(std::stoull(word, nullptr, 16))));
    return values;
  }
  throw std::runtime_error("no row " + name);
}

}  // namespace ember
