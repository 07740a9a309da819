// What a file holds beside the values, for tools that show files or write them anew: the types of the numbers in the file, what kind of
// file it is, the metadata of safetensors. Not part of ember.h.
#pragma once

#include <ember/io/pt.h>

namespace ember {

struct FileContents {
  Value value;
  std::string kind;  ///< "PyTorch", "PyTorch before 1.6", "TorchScript", "safetensors", "NumPy array", "NumPy archive"
  std::vector<std::pair<std::string, std::string>> metadata;  ///< of safetensors
  int64_t bytes = 0;                                          ///< of the file

  /// How the file holds a tensor's numbers: "float16" where the tensor of `value` had to become float32.
  const char* dtype_in_file(const Tensor& tensor) const;
  /// The tensor's own values as the file has them: row by row, little-endian, in that type.
  std::string bytes_in_file(const Tensor& tensor) const;
  /// Their number.
  int64_t size_in_file(const Tensor& tensor) const;

  std::vector<std::pair<const void*, const char*>> converted;  ///< memory of tensors whose numbers have another type in the file; sorted
};

/// load() with all that. Throws as load() does.
FileContents read_file(const std::string& path, LoadFileOptions options = {.convert = true});

}  // namespace ember
