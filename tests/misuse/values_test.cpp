// Values that no operation can work with: PyTorch's errors, before anything is computed.
#include <cmath>

#include "misuse/misuse.h"

namespace ember {
namespace {

TEST_CASE("misuse: numbers that a whole number cannot hold") {
  const Tensor whole = zeros({2}, kInt64), bytes = zeros({2}, kUInt8);
  const char* const int64_words = "value cannot be converted to type int64_t without overflow";

  refused<RuntimeError>("full({2}, NaN, kInt64)", int64_words, [&] { full({2}, NAN, kInt64); });
  refused<RuntimeError>("whole.fill_(NaN)", int64_words, {whole}, [&] { whole.fill_(NAN); });
  refused<RuntimeError>("whole.fill_(infinity)", int64_words, {whole}, [&] { whole.fill_(INFINITY); });
  refused<RuntimeError>("bytes.fill_(300)", "value cannot be converted to type uint8_t without overflow", {bytes}, [&] { bytes.fill_(300); });
}

}  // namespace
}  // namespace ember
