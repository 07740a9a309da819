// CRC-32 by carry-less multiplication where the processor has it, by tables elsewhere.
#include "io/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ember::io {
namespace {

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

// table[k][b]: what byte b does to the sum when k bytes follow it.
constexpr Table make_table() {
  Table t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = t[0][t[k - 1][i] & 255] ^ (t[k - 1][i] >> 8);
  return t;
}
constexpr Table kTable = make_table();

/// Eight bytes in one step of table look-ups. The sum is the complemented one.
std::uint32_t by_table(std::uint32_t c, const unsigned char* p, std::int64_t bytes) {
  for (; bytes >= 8; p += 8, bytes -= 8) {
    const std::uint32_t low = c ^ (std::uint32_t(p[0]) | std::uint32_t(p[1]) << 8 | std::uint32_t(p[2]) << 16 | std::uint32_t(p[3]) << 24);
    c = kTable[7][low & 255] ^ kTable[6][low >> 8 & 255] ^ kTable[5][low >> 16 & 255] ^ kTable[4][low >> 24] ^ kTable[3][p[4]] ^ kTable[2][p[5]] ^
        kTable[1][p[6]] ^ kTable[0][p[7]];
  }
  for (; bytes > 0; ++p, --bytes) c = kTable[0][(c ^ *p) & 255] ^ (c >> 8);
  return c;
}

#if defined(__x86_64__)
// Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009. The message is a polynomial
// over GF(2); 512 bits of it are carried in four registers, and one carry-less multiplication by x^n mod P moves a register's 128
// bits n bits ahead, where the next ones are added. The constants are x^n mod P, bits reversed, for n = 544, 480 (four registers
// ahead) and 160, 96 (one ahead). What is left after folding are 16 bytes with the same remainder: the table finishes them.
__attribute__((target("pclmul,sse4.1"))) __m128i fold(__m128i a, __m128i next, __m128i by) {
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(a, by, 0x00), _mm_clmulepi64_si128(a, by, 0x11)), next);
}

__attribute__((target("pclmul,sse4.1"))) std::uint32_t by_folding(std::uint32_t c, const unsigned char* p, std::int64_t bytes) {
  const auto load = [](const unsigned char* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
  const __m128i four = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4), one = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  __m128i a[4];
  for (int i = 0; i < 4; ++i) a[i] = load(p + 16 * i);
  a[0] = _mm_xor_si128(a[0], _mm_cvtsi32_si128(int(c)));
  for (p += 64, bytes -= 64; bytes >= 64; p += 64, bytes -= 64)
    for (int i = 0; i < 4; ++i) a[i] = fold(a[i], load(p + 16 * i), four);
  for (int i = 1; i < 4; ++i) a[0] = fold(a[0], a[i], one);
  for (; bytes >= 16; p += 16, bytes -= 16) a[0] = fold(a[0], load(p), one);
  unsigned char rest[16];
  std::memcpy(rest, &a[0], 16);
  return by_table(by_table(0, rest, 16), p, bytes);
}
#endif

}  // namespace

std::uint32_t crc32(std::uint32_t before, const void* data, std::int64_t bytes) {
  const auto* p = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  static const bool folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (folds && bytes >= 64) return ~by_folding(~before, p, bytes);
#endif
  return ~by_table(~before, p, bytes);
}

}  // namespace ember::io
