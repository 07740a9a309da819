// The readers, with a listener for what they learn besides the values.
#include <ember/io/contents.h>

#include <algorithm>

#include "io/read.h"
#include "tensor/impl.h"

namespace ember {

FileContents read_file(const std::string& path, LoadFileOptions options) {
  const io::Source file(path);
  io::FileFacts facts;
  FileContents contents;
  contents.value = io::read_any(file, io::ReadOptions(options, &facts));
  contents.kind = facts.kind;
  contents.metadata = std::move(facts.metadata);
  contents.bytes = file.size();
  for (const auto& [storage, type] : facts.types)
    if (type->conversion != io::ElementType::Same) contents.converted.emplace_back(storage, type->name);
  std::sort(contents.converted.begin(), contents.converted.end());
  return contents;
}

const char* FileContents::dtype_in_file(const Tensor& tensor) const {
  const void* const storage = tensor.impl()->storage;
  const auto found = std::lower_bound(converted.begin(), converted.end(), storage,
                                      [](const auto& entry, const void* key) { return entry.first < key; });
  return found != converted.end() && found->first == storage ? found->second : name(tensor.dtype());
}

std::string FileContents::bytes_in_file(const Tensor& tensor) const { return io::file_bytes(tensor, *io::type_by_name(dtype_in_file(tensor))); }
int64_t FileContents::size_in_file(const Tensor& tensor) const { return tensor.numel() * io::type_by_name(dtype_in_file(tensor))->bytes; }

}  // namespace ember
