// What Ember throws. The kinds are Python's, so that a message found in PyTorch's documentation is caught by the same name.
#pragma once

#include <exception>
#include <string>

namespace ember {

/// Base of everything the library throws on bad input. what() is one text; PyTorch's words come first where it has some. An error that
/// left the forward or the backward of a module names it on the second line: "in Net.features.3 (Linear), input [48, 6] float32".
class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(static_cast<std::string&&>(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

  bool has_place() const { return has_place_; }
  void add_place(const std::string& place);  ///< becomes the second line; the first place counts, which is the innermost one

 private:
  std::string message_;
  bool has_place_ = false;
};

struct RuntimeError : Error {
  using Error::Error;
};
struct NotImplementedError : RuntimeError {
  using RuntimeError::RuntimeError;
};
struct ValueError : Error {
  using Error::Error;
};
struct IndexError : Error {
  using Error::Error;
};
struct TypeError : Error {
  using Error::Error;
};

/// Called with the text of each warning; the default writes it to stderr. Returns the handler that was set before.
using WarningHandler = void (*)(const char* message);
WarningHandler set_warning_handler(WarningHandler handler);

}  // namespace ember
