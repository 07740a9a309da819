// What arithmetic and brackets take where a tensor is one possibility of several. Part of ember/tensor.h.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// A tensor, a plain number, or None: what arithmetic takes, so that x + y, x + 2 and clamp(x, None, 1) are one function each. An
/// undefined tensor stands for none of them: operations refuse it.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(&tensor), kind_(IsTensor) {}
  Operand(Scalar number) : tensor_(&no_tensor()), number_(number), kind_(IsNumber) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T number) : Operand(Scalar(number)) {}
  Operand(NoneType) : tensor_(&no_tensor()), kind_(IsNone) {}

  bool is_tensor() const { return kind_ == IsTensor; }
  bool is_none() const { return kind_ == IsNone; }
  const Tensor& tensor() const { return *tensor_; }  ///< undefined for a number and for None
  Scalar number() const { return number_; }

 private:
  enum Kind : std::uint8_t { IsTensor, IsNumber, IsNone };
  static const Tensor& no_tensor();
  const Tensor* tensor_;
  Scalar number_;
  Kind kind_;
};

/// One part of an index: a number, a slice, None, Ellipsis or "...", a bool, or a tensor of integers or bools.
struct TensorIndex {
  enum Kind : std::uint8_t { Integer, Range, NewDim, Dots, Boolean, Array };
  template <class T>
    requires std::is_integral_v<T>
  TensorIndex(T value) : kind(std::is_same_v<T, bool> ? Boolean : Integer), integer(int64_t(value)) {}
  TensorIndex(Slice slice) : kind(Range), slice(slice) {}
  TensorIndex(NoneType) : kind(NewDim) {}
  TensorIndex(EllipsisType) : kind(Dots) {}
  TensorIndex(const char* dots);  ///< "..."; throws IndexError for other words
  TensorIndex(Tensor tensor) : kind(Array), tensor(static_cast<Tensor&&>(tensor)) {}

  Kind kind;
  int64_t integer = 0;
  Slice slice;
  Tensor tensor;
};

}  // namespace ember
