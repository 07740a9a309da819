// libFuzzer: whatever the bytes, load gives values or throws an Error.
#include <ember/io/pt.h>

#include "fuzz/file_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ember::set_warning_handler([](const char*) {});
  try {
    (void)ember::load(file_of(data, size), {.convert = true, .skip_unreadable = size % 2 == 0});
  } catch (const ember::Error&) {
  }
  return 0;
}
