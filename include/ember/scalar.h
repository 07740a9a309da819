// A plain number that remembers whether it was an integer, a real number or a bool: `x + 2` keeps int64, `x + 2.0` does not.
#pragma once

#include <ember/dtype.h>

#include <type_traits>

namespace ember {

/// Throws RuntimeError "value cannot be converted to type int64_t without overflow".
[[noreturn]] void scalar_overflow(DType to, int bytes);

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

  /// As a T. Fractions are cut off; throws RuntimeError when a whole T cannot hold the number, NaN included. A std::uint8_t takes integers
  /// as they wrap around.
  template <class T>
  constexpr T to() const {
    if constexpr (std::is_same_v<T, bool>) {
      return kind_ == kFloat64 ? real_ != 0 : integer_ != 0;
    } else if constexpr (std::is_integral_v<T>) {
      if (kind_ == kFloat64) {
        constexpr double half = double(std::uint64_t(1) << (sizeof(T) * 8 - 1));  // a power of two, so exact
        constexpr double low = std::is_signed_v<T> ? -half : 0, end = std::is_signed_v<T> ? half : 2 * half;
        if (!((real_ >= low || real_ > low - 1) && real_ < end)) [[unlikely]]
          scalar_overflow(kInt64, sizeof(T));
        return T(real_);
      }
      if (sizeof(T) > 1 && std::int64_t(T(integer_)) != integer_) [[unlikely]]
        scalar_overflow(kInt64, sizeof(T));
      return T(integer_);
    } else {
      return kind_ == kFloat64 ? T(real_) : T(integer_);
    }
  }

  /// `double v = x.sum().item()`. Throws RuntimeError for an integer that a double does not hold exactly: item<int64_t>() gives it.
  constexpr operator double() const {
    if (kind_ != kFloat64 && (integer_ > kExact || integer_ < -kExact)) [[unlikely]]
      scalar_overflow(kFloat64, 8);
    return to<double>();
  }

 private:
  static constexpr std::int64_t kExact = std::int64_t(1) << 53;
  DType kind_ = kInt64;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
};

}  // namespace ember
