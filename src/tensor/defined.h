// The first check of every operation: that its tensors are there. Which parameters may be left out says their type, OptionalTensor.
#pragma once

#include <ember/operand.h>
#include <ember/tensor.h>

namespace ember {

namespace detail {
inline bool missing(const Tensor& t) { return !t.defined(); }
inline bool missing(const Operand& operand) { return (operand.is_tensor() || operand.is_none()) && !operand.tensor().defined(); }
inline bool missing(const std::vector<Tensor>& list) {
  for (const Tensor& t : list)
    if (!t.defined()) return true;
  return false;
}
void refuse_missing(const char* operation, int position, const Tensor& t);
void refuse_missing(const char* operation, int position, const Operand& operand);
void refuse_missing(const char* operation, int position, const std::vector<Tensor>& list);
template <class... Arguments>
[[noreturn, gnu::noinline, gnu::cold]] void refuse_first_missing(const char* operation, const Arguments&... arguments) {
  int position = 0;
  (refuse_missing(operation, ++position, arguments), ...);
  __builtin_unreachable();
}
}  // namespace detail

/// Throws RuntimeError unless all of these arguments are defined: tensors, operands (of which None is refused, too), lists of tensors. The
/// text is "relu(): argument (position 1) must be Tensor, not an undefined Tensor", and where such tensors come from.
template <class... Arguments>
[[gnu::always_inline]] inline void require_defined(const char* operation, const Arguments&... arguments) {
  if ((detail::missing(arguments) || ...)) [[unlikely]]
    detail::refuse_first_missing(operation, arguments...);
}

/// The same for an operand that may be None.
inline void require_defined_or_none(const char* operation, int position, const Operand& operand) {
  if (!operand.is_none()) detail::refuse_missing(operation, position, operand);
}

}  // namespace ember
