// From a dtype to the C++ type of the elements.
#pragma once

#include <ember/dtype.h>

namespace ember {

/// Calls body with a value of the type of the elements.
template <class Body>
void with_type(DType dtype, Body&& body) {
  switch (dtype) {
    case kFloat32: return body(float());
    case kFloat64: return body(double());
    case kInt64: return body(std::int64_t());
    case kUInt8: return body(std::uint8_t());
    default: return body(bool());
  }
}

/// The same where all others have been refused: float or double.
template <class Body>
void with_real(DType dtype, Body&& body) {
  dtype == kFloat32 ? body(float()) : body(double());
}

}  // namespace ember
