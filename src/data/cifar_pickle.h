// The two things of a pickled batch of CIFAR that count: its pixels and its labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ember::data {

struct CifarPickle {
  const char* pixels;  ///< labels.size() x 3 x 32 x 32, in the file
  std::vector<std::int64_t> labels;
};

/// Walks over the pickle without building its objects: the pixels are its one long string, the labels the numbers in the list behind `key`.
/// Throws RuntimeError where it is no such pickle.
CifarPickle read_cifar_pickle(const std::string& path, const char* data, std::size_t size, const char* key);

}  // namespace ember::data
