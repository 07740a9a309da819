// Which bytes are a character of UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ember::io {

/// The length of the character of UTF-8 that begins at `at`, lone surrogates included, as Python's pickles may hold them; 0 when there is none.
inline std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

/// Where the first byte stands that belongs to no character; npos when all do.
inline std::size_t find_broken_utf8(std::string_view text) {
  for (std::size_t at = 0, length; at < text.size(); at += length)
    if ((length = character_length(text, at)) == 0) return at;
  return std::string_view::npos;
}

inline void append_character(std::string& text, unsigned long code) {
  if (code < 0x80) text += char(code);
  else if (code < 0x800) text += {char(0xc0 | code >> 6), char(0x80 | (code & 0x3f))};
  else if (code < 0x10000) text += {char(0xe0 | code >> 12), char(0x80 | (code >> 6 & 0x3f)), char(0x80 | (code & 0x3f))};
  else text += {char(0xf0 | (code >> 18 & 7)), char(0x80 | (code >> 12 & 0x3f)), char(0x80 | (code >> 6 & 0x3f)), char(0x80 | (code & 0x3f))};
}

}  // namespace ember::io
