// libFuzzer: whatever the bytes, load_safetensors gives values or throws an Error.
#include <ember/io/safetensors.h>

#include "fuzz/file_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)ember::load_safetensors(file_of(data, size), {.convert = true});
  } catch (const ember::Error&) {
  }
  return 0;
}
