// From an elementwise loop to an operation on tensors: promotion of types, broadcasting, the layout of the result, threads.
#pragma once

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

#include "kernels/elementwise/elementwise.h"

namespace ember {

using kernels::Op;
using kernels::operator""_op;

/// A function of elements as the history calls it; its loop, of the same name unless another one is given; and that of its derivative, where
/// there is one, with "Backward" behind.
struct NamedOp {
  const char* name;
  Op loop, derivative;
  consteval NamedOp(const char* name) : NamedOp(name, name) {}
  consteval NamedOp(const char* name, const char* loop) : NamedOp(name, loop, loop) {}
  consteval NamedOp(const char* name, const char* loop, const char* derivative)
      : name(name), loop(kernels::op_named(loop)), derivative(kernels::op_named(derivative, "Backward")) {}
};

struct Parameters {
  double values[3] = {};
};

/// The type that a mixture has: tensors with dimensions outrank those without, and these outrank plain numbers, as long as the kind
/// (bool, integer, real) is the same. As torch.result_type.
DType result_type(std::initializer_list<const Operand*> operands);
inline DType result_type(const Operand& a, const Operand& b) {
  if (a.is_tensor() && b.is_tensor() && a.tensor().impl()->dtype == b.tensor().impl()->dtype) return a.tensor().impl()->dtype;
  return result_type({&a, &b});
}

/// That, or the default real type where it is an integer.
DType real_type(DType dtype);

/// The loop of `op` over operands converted to `compute`; the result has that type too, or `out`. No history.
Tensor pointwise(Op op, std::initializer_list<const Operand*> operands, DType compute, const Parameters& parameters = {},
                 DType out = DType::Undefined);
inline Tensor pointwise(Op op, const Tensor& x, const Parameters& parameters = {}) {
  const Operand operand(x);
  return pointwise(op, {&operand}, x.dtype(), parameters);
}
inline Tensor pointwise(Op op, const Tensor& a, const Tensor& b, const Parameters& parameters = {}) {
  const Operand first(a), second(b);
  return pointwise(op, {&first, &second}, a.dtype(), parameters);
}

/// What backward needs of an operand, saved when `needed`.
class SavedOperand {
 public:
  SavedOperand(const Operand& operand, bool needed)
      : tensor_(needed && operand.is_tensor() ? Saved(operand.tensor()) : Saved()), number_(operand.number()), is_tensor_(operand.is_tensor()) {}
  Tensor tensor() const { return tensor_.get(); }
  bool is_tensor() const { return is_tensor_; }
  Scalar number() const { return number_; }

  /// f(operand) with what was saved.
  template <class F>
  Tensor with(F&& f) const {
    if (!is_tensor_) return f(Operand(number_));
    const Tensor t = tensor_.get();
    return f(Operand(t));
  }

 private:
  Saved tensor_;
  Scalar number_;
  bool is_tensor_;
};

inline bool needs_grad(const Operand& operand) { return operand.is_tensor() && will_record({operand.tensor()}); }

}  // namespace ember
