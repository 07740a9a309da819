// Errors and warnings with formatted text: fail<ValueError>("expected {}D input (got {}D input)", 4, x.dim()).
#pragma once

#include <ember/error.h>
#include <ember/shape.h>
#include <fmt/format.h>

#include <string>

namespace ember {

template <class Kind, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Kind(fmt::format(text, static_cast<Args&&>(args)...));
}

template <class Kind, class... Args>
void check(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]] throw Kind(fmt::format(text, static_cast<Args&&>(args)...));
}

/// Hands the text to the warning handler.
void warn(const std::string& text);

/// "[2, 3]": how PyTorch's C++ errors print sizes. Its Python errors print "torch.Size([2, 3])".
std::string to_string(IntArrayRef sizes);

}  // namespace ember

template <>
struct fmt::formatter<ember::IntArrayRef> : fmt::formatter<std::string> {
  template <class Context>
  auto format(ember::IntArrayRef sizes, Context& context) const {
    return fmt::formatter<std::string>::format(ember::to_string(sizes), context);
  }
};
template <>
struct fmt::formatter<ember::Shape> : fmt::formatter<ember::IntArrayRef> {};
