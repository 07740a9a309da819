// libFuzzer: whatever the bytes, load_npy gives values or throws an Error.
#include <ember/io/npy.h>

#include "fuzz/file_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)ember::load_npy(file_of(data, size), {.convert = true});
  } catch (const ember::Error&) {
  }
  return 0;
}
