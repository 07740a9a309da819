// A plain number that remembers whether it was an integer, a real number or a bool: `x + 2` keeps int64, `x + 2.0` does not.
#pragma once

#include <ember/dtype.h>

#include <type_traits>

namespace ember {

class Scalar {
 public:
  Scalar() = default;
  template <class T>
    requires std::is_arithmetic_v<T>
  constexpr Scalar(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = kBool;
      integer_ = value;
    } else if constexpr (std::is_integral_v<T>) {
      kind_ = kInt64;
      integer_ = std::int64_t(value);
    } else {
      kind_ = kFloat64;
      real_ = double(value);
    }
  }

  constexpr DType dtype() const { return kind_; }  ///< kBool, kInt64 or kFloat64
  constexpr bool is_floating_point() const { return kind_ == kFloat64; }
  constexpr bool is_integral() const { return kind_ == kInt64; }
  constexpr bool is_boolean() const { return kind_ == kBool; }

  template <class T>
  constexpr T to() const {
    if constexpr (std::is_same_v<T, bool>) return kind_ == kFloat64 ? real_ != 0 : integer_ != 0;
    else return kind_ == kFloat64 ? T(real_) : T(integer_);
  }

 private:
  DType kind_ = kInt64;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
};

}  // namespace ember
