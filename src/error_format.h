// Errors and warnings with formatted text: fail<ValueError>("expected {}D input (got {}D input)", 4, x.dim()).
#pragma once

#include <ember/error.h>
#include <ember/shape.h>
#include <fmt/format.h>

#include <string>
#include <type_traits>

namespace ember {

template <class Kind, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Kind(fmt::format(text, static_cast<Args&&>(args)...));
}

/// How an argument of a check travels to the text: small plain values as copies, so that they may stay in registers; the rest where it is.
template <class T>
using CheckArgument = std::conditional_t<std::is_trivially_copyable_v<std::decay_t<T>> && sizeof(std::decay_t<T>) <= 16, std::decay_t<T>,
                                         const std::remove_reference_t<T>&>;

template <class Kind, class... Args>
[[noreturn, gnu::noinline, gnu::cold]] void fail_check(fmt::string_view text, Args... args) {
  throw Kind(fmt::vformat(text, fmt::make_format_args(args...)));
}

/// A check that holds costs its condition and nothing else: the text is made out of line.
template <class Kind, class... Args>
[[gnu::always_inline]] inline void check(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]]
    fail_check<Kind, CheckArgument<Args>...>(text, args...);
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
