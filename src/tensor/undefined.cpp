// The record behind every undefined tensor, and what is said where one is used.
#include "error_format.h"
#include "tensor/defined.h"

namespace ember {
namespace {

constexpr const char* kOrigins =
    "Undefined tensors are what grad() gives before backward() has reached a tensor, what a layer without a bias has as its bias, and what "
    "is left of a tensor that was moved from. Ask defined() first.";

constinit Storage no_storage{};

}  // namespace

namespace detail {
constinit TensorImpl undefined_tensor{.references = {}, .dtype = DType::Undefined, .storage = &no_storage, .numel = 0, .sizes = {}, .strides = {}};

void undefined_in_method(const char* method) { fail<RuntimeError>("{}() called on an undefined Tensor\n{}", method, kOrigins); }
}  // namespace detail

namespace detail {
void refuse_missing(const char* operation, int position, const Tensor& t) {
  check<RuntimeError>(t.defined(), "{}(): argument (position {}) must be Tensor, not an undefined Tensor\n{}", operation, position, kOrigins);
}
void refuse_missing(const char* operation, int position, const Operand& operand) {
  check<RuntimeError>(!operand.is_none(), "{}(): argument (position {}) must be Tensor or Number, not NoneType", operation, position);
  if (operand.is_tensor()) refuse_missing(operation, position, operand.tensor());
}
void refuse_missing(const char* operation, int, const std::vector<Tensor>& list) {
  for (std::size_t i = 0; i < list.size(); ++i)
    check<RuntimeError>(list[i].defined(), "{}(): expected Tensor as element {} in the list, but got an undefined Tensor\n{}", operation, i,
                        kOrigins);
}
}  // namespace detail

}  // namespace ember
