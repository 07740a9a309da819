// Steps over the opcodes of a pickle to the pixels and the labels.
#include "data/cifar_pickle.h"

#include <cstring>
#include <string_view>

#include "error_format.h"

namespace ember::data {
namespace {

/// How many bytes of argument an opcode has; the length of a string comes in as many bytes first.
struct Opcode {
  int argument = 0, length = 0;
  bool known = true;
};

Opcode opcode_of(unsigned char code) {
  const auto one_of = [&](std::string_view codes) { return codes.find(char(code)) != codes.npos; };
  if (one_of("(}])teausRbNld0.\x85\x86\x87\x88\x89\x93\x94")) return {};
  if (one_of("\x80qhK")) return {.argument = 1};     // PROTO, BINPUT, BINGET, BININT1
  if (one_of("M")) return {.argument = 2};           // BININT2
  if (one_of("rjJ")) return {.argument = 4};         // LONG_BINPUT, LONG_BINGET, BININT
  if (one_of("G\x95")) return {.argument = 8};       // BINFLOAT, FRAME
  if (one_of("UC\x8c\x8a")) return {.length = 1};    // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE, LONG1
  if (one_of("TBX")) return {.length = 4};           // BINSTRING, BINBYTES, BINUNICODE
  if (one_of("\x8d\x8e\x96")) return {.length = 8};  // BINUNICODE8, BINBYTES8, BYTEARRAY8
  return {.known = false};
}

std::uint64_t little_endian(const char* p, int bytes) {
  std::uint64_t n = 0;
  for (int i = bytes; i-- > 0;) n = n << 8 | static_cast<unsigned char>(p[i]);
  return n;
}

}  // namespace

CifarPickle read_cifar_pickle(const std::string& path, const char* data, std::size_t size, const char* key) {
  CifarPickle found{nullptr, {}};
  std::uint64_t pixel_bytes = 0;
  std::string_view last_key;
  bool in_list = false;
  const char *p = data, *const end = data + size;
  const auto need = [&](std::uint64_t bytes) { check<RuntimeError>(std::uint64_t(end - p) >= bytes, "{}: the pickled batch ends too early", path); };
  while (true) {
    need(1);
    const unsigned char code = static_cast<unsigned char>(*p++);
    if (code == '.') break;
    if (code == 'c') {  // GLOBAL: two lines
      for (int lines = 0; lines < 2; ++p) {
        need(1);
        lines += *p == '\n';
      }
      continue;
    }
    const Opcode opcode = opcode_of(code);
    check<RuntimeError>(opcode.known, "{}: no batch of CIFAR: its pickle has the opcode 0x{:02x}", path, int(code));
    need(std::uint64_t(opcode.argument + opcode.length));
    if (code == ']') in_list = true;
    if ((code == 'K' || code == 'M' || code == 'J') && in_list && last_key == key)
      found.labels.push_back(std::int64_t(little_endian(p, opcode.argument)));
    p += opcode.argument;
    if (opcode.length == 0) continue;
    const std::uint64_t length = little_endian(p, opcode.length);
    p += opcode.length;
    need(length);
    if (length >= 3072) {
      found.pixels = p;
      pixel_bytes = length;
    } else if (code != 0x8a) {
      last_key = {p, std::size_t(length)};
      in_list = false;
    }
    p += length;
  }
  check<RuntimeError>(found.pixels && !found.labels.empty() && pixel_bytes == 3072 * found.labels.size(),
                      "{}: no batch of CIFAR: {} bytes of pixels and {} of its {}", path, pixel_bytes, found.labels.size(), key);
  return found;
}

}  // namespace ember::data
