// The sum of ZIP archives; the check value is that of every CRC catalogue.
#include "io/crc32.h"

#include <string>

#include "support/catch.h"

using ember::io::crc32;

TEST_CASE("the check value, and the empty text") {
  CHECK(crc32(0, "123456789", 9) == 0xcbf43926);
  CHECK(crc32(0, "", 0) == 0);
}

TEST_CASE("the sum does not depend on how the bytes come") {
  std::string bytes;
  for (unsigned i = 0, v = 1; i < 700; ++i, v = v * 1103515245 + 12345) bytes += char(v >> 16);
  // One byte after the other goes through the table, many at once are folded.
  std::uint32_t one_by_one = 0;
  bool same = true;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    same = same && crc32(0, bytes.data(), std::int64_t(n)) == one_by_one;
    one_by_one = crc32(one_by_one, bytes.data() + n, 1);
  }
  CHECK(same);
  for (std::int64_t cut : {1, 63, 64, 65, 500}) CHECK(crc32(crc32(0, bytes.data(), cut), bytes.data() + cut, 700 - cut) == one_by_one);
}
