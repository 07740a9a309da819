// What a plain number cannot become.
#include <ember/scalar.h>

#include "error_format.h"

namespace ember {

void scalar_overflow(DType to, int bytes) {
  const char* const type = to == kFloat64 ? "double" : bytes == 8 ? "int64_t" : bytes == 4 ? "int" : bytes == 2 ? "int16_t" : "uint8_t";
  fail<RuntimeError>("value cannot be converted to type {} without overflow{}", type,
                     to == kFloat64 ? "\nA double holds integers up to 2^53 exactly: item<int64_t>() gives the number" : "");
}

}  // namespace ember
