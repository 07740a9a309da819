// Text inside of HTML and SVG.
#pragma once

#include <string>

namespace ember {

/// With the characters that markup reserves as entities, and as a space what no XML document may hold.
inline std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool forbidden = static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' && c != '\r';
    if (c == '<') result += "&lt;";
    else if (c == '>') result += "&gt;";
    else if (c == '&') result += "&amp;";
    else if (c == '"') result += "&quot;";
    else result += forbidden ? ' ' : c;
  }
  return result;
}

}  // namespace ember
