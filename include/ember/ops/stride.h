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

/// The list as a stride. Throws ValueError unless it has one number or two.
template <class T>
ExpandingArray<2> stride_of(std::initializer_list<T> list) {
  const T* const s = list.begin();
  if (list.size() == 1) return s[0];
  if (list.size() == 2) return {s[0], s[1]};
  throw ValueError("stride should be one number or two, but got " + std::to_string(list.size()));
}

}  // namespace ember::detail
