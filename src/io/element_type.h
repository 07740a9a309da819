// The element types that files know, and how they become ours.
#pragma once

#include <ember/io/pt.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/file.h"

namespace ember::io {

/// A type in a file: its name for messages, its bytes, and what it becomes.
struct ElementType {
  const char* name;
  int bytes;
  DType dtype;  ///< its own, or what it is converted to
  enum Conversion : std::uint8_t { Same, Half, BFloat16, Float8E5M2, Float8E4M3, Int32, UInt32, Int16, UInt16, Int8, Unreadable } conversion;

  bool readable() const { return conversion != Unreadable; }
};

const ElementType* type_by_torch_storage(std::string_view storage);  ///< "FloatStorage"; null when unknown
const ElementType* type_by_name(std::string_view name);              ///< "float32"
const ElementType* type_by_safetensors(std::string_view code);       ///< "F32"

const ElementType* type_by_numpy(std::string_view code);  ///< "f4"

/// What a reader learns beside the values.
struct FileFacts {
  const char* kind = "";
  std::vector<std::pair<std::string, std::string>> metadata;
  std::unordered_map<const Storage*, const ElementType*> types;  ///< of the numbers of a storage in the file
};

struct ReadOptions : LoadFileOptions {
  ReadOptions(LoadFileOptions options = {}, FileFacts* facts = nullptr) : LoadFileOptions(options), facts(facts) {}
  FileFacts* facts;  ///< where somebody wants to know them

  void note_kind(const char* kind) const {
    if (facts) facts->kind = kind;
  }

  void note(const Tensor& tensor, const ElementType& type) const;
};

/// A tensor's numbers in a file.
struct Elements {
  const Source& source;
  ReadOptions options;
  std::string what;  ///< of the tensor, for messages
  const ElementType& type;
  int64_t count;
  bool big_endian = false;
};

/// Reads them as a 1-D tensor. Converts where the options allow it, else throws what to do. Spends from the source's budget.
Tensor read_elements(const Elements& from, Stream& bytes);
/// The same where they lie in the file as they are, from `offset` on: mapped when the options ask for it.
Tensor read_elements(const Elements& from, int64_t offset);
/// The bytes that a tensor that was read from such elements has in the file, row by row: what conversion did is undone, exactly.
std::string file_bytes(const Tensor& tensor, const ElementType& type);
/// Whether they may be mapped instead of read.
bool can_map(const Elements& from, int64_t offset);

}  // namespace ember::io
