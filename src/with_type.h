// From a dtype to the C++ type of the elements.
#pragma once

#include <ember/dtype.h>

namespace ember {

namespace detail {
template <class First, class... More, class Body>
decltype(auto) with_type_of(ElementTypes<First, More...>, DType dtype, Body&& body) {
  if constexpr (sizeof...(More) > 0)
    if (dtype != dtype_of<First>) return with_type_of(ElementTypes<More...>(), dtype, body);
  return body(First());
}
}  // namespace detail

/// Calls body with a value of the type of the elements; gives what it returns, of the same type for all.
template <class Body>
decltype(auto) with_type(DType dtype, Body&& body) {
  return detail::with_type_of(detail::AllElementTypes(), dtype, body);
}

/// The same where all others have been refused: float or double.
template <class Body>
void with_real(DType dtype, Body&& body) {
  dtype == kFloat32 ? body(float()) : body(double());
}

}  // namespace ember
