// The element types that files know, and how they become ours.
#pragma once

#include <ember/io/pt.h>

#include <string_view>

#include "io/file.h"

namespace ember::io {

/// A type in a file: its name for messages, its bytes, and what it becomes.
struct ElementType {
  const char* name;
  int bytes;
  DType dtype;  ///< its own, or what it is converted to
  enum Conversion : std::uint8_t { Same, Half, BFloat16, Int32, Int16, Int8 } conversion;
};

const ElementType* type_by_torch_storage(std::string_view storage);  ///< "FloatStorage"; null when unknown
const ElementType* type_by_name(std::string_view name);              ///< "float32"
const ElementType* type_by_safetensors(std::string_view code);       ///< "F32"

/// Reads n elements as a 1-D tensor. Converts where the options allow it, else throws what to do. Spends from the source's budget.
struct Elements {
  const Source& source;
  LoadFileOptions options;
  std::string what;  ///< of the tensor, for messages
};
Tensor read_elements(const Elements& from, const ElementType& type, int64_t n, int64_t offset);
/// The same from memory.
Tensor convert_elements(const Elements& from, const ElementType& type, int64_t n, const char* data);

}  // namespace ember::io
