// Numbers as Python prints them: in module and optimiser reprs, and in PyTorch's error texts.
#pragma once

#include <ember/shape.h>
#include <fmt/format.h>

#include <string>

namespace ember {

/// repr(float): the shortest digits that read back the same, with Python's rule for exponents: 0.1, 1.0, 1e-05, 1e+16, inf.
inline std::string python_repr(double value) {
  std::string text = fmt::format("{}", value);
  const bool plain = text.find_first_not_of("-0123456789") == std::string::npos;
  return plain ? text + ".0" : text;
}

inline const char* python_repr(bool value) { return value ? "True" : "False"; }

/// A tuple: (3, 3), or (3,) for one number.
inline std::string python_repr(IntArrayRef values) {
  return values.size() == 1 ? fmt::format("({},)", values[0]) : fmt::format("({})", fmt::join(values.begin(), values.end(), ", "));
}

template <int N>
std::string python_repr(const ExpandingArray<N>& values) {
  return python_repr(IntArrayRef(values.values, N));
}

}  // namespace ember
