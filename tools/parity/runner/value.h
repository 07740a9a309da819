// A Python value as the case files know it: what a case hands to Ember, and what comes back.
#pragma once

#include <ember/tensor.h>

#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace ember::parity {

/// A name, an argument or a value that Ember does not have. The case is counted as skipped.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Value;
using List = std::vector<Value>;
struct NoValue {};

struct Value {
  std::variant<NoValue, bool, int64_t, double, std::string, Tensor, List, DType, Slice, EllipsisType> content;

  Value() = default;
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Value>)
  Value(T&& value) : content(static_cast<T&&>(value)) {}
  Value(int value) : content(int64_t(value)) {}
  Value(const char* text) : content(std::string(text)) {}
  Value(Scalar number);

  template <class T>
  const T* as() const {
    return std::get_if<T>(&content);
  }
  template <class T>
  bool is() const {
    return std::holds_alternative<T>(content);
  }
  bool is_none() const { return is<NoValue>(); }
  bool is_number() const { return is<bool>() || is<int64_t>() || is<double>(); }
  std::string describe() const;  ///< "Tensor", "2.5", "[1, 2]": for messages
};

/// What an operation gives back: one value or several.
struct Result {
  List values;

  Result() = default;
  Result(std::initializer_list<Value> list) : values(list) {}
  Result(Tensor t) : values{Value(std::move(t))} {}
  Result(Scalar number) : values{Value(number)} {}
  Result(bool value) : values{Value(value)} {}
  Result(double value) : values{Value(value)} {}
  Result(int64_t value) : values{Value(value)} {}
  Result(const std::vector<Tensor>& tensors) : values(tensors.begin(), tensors.end()) {}
  Result(const std::vector<int64_t>& numbers) : values(numbers.begin(), numbers.end()) {}
  Result(List list) : values(std::move(list)) {}
  /// {values, indices} and other pairs of tensors
  template <class Pair>
    requires(std::is_aggregate_v<Pair> && sizeof(Pair) == 2 * sizeof(Tensor))
  Result(const Pair& pair) {
    const auto& [first, second] = pair;
    values = {Value(first), Value(second)};
  }
  Result(const std::pair<Tensor, Tensor>& pair) : values{Value(pair.first), Value(pair.second)} {}
};

}  // namespace ember::parity
