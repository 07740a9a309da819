// A stride where PyTorch has it by position: a number, or a list as in max_pool2d(x, 3, {2, 1}).
#pragma once

#include <ember/arguments.h>
#include <ember/error.h>

#include <string>

namespace ember::detail {

/// A stride by its position: a number, or an ExpandingArray. Options in braces are no template argument.
template <class T>
inline constexpr bool is_stride = std::is_integral_v<T>;
template <int N>
inline constexpr bool is_stride<ExpandingArray<N>> = true;

/// The list as a stride. Throws ValueError unless it has one number or N.
template <int N = 2, class T>
ExpandingArray<N> stride_of(std::initializer_list<T> list) {
  if (list.size() != 1 && list.size() != N)
    throw ValueError(std::string("stride should be one number or ") + (N == 2 ? "two" : "three") + ", but got " + std::to_string(list.size()));
  ExpandingArray<N> stride = list.begin()[0];
  for (std::size_t i = 0; i < list.size(); ++i) stride.values[list.size() == 1 ? 0 : i] = list.begin()[i];
  return stride;
}

}  // namespace ember::detail
