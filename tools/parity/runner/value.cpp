// Describing values in messages.
#include "runner/value.h"

#include "error_format.h"

#include <ember/dtype.h>

namespace ember::parity {

Value::Value(Scalar number) {
  if (number.is_boolean()) content = number.to<bool>();
  else if (number.is_integral()) content = number.to<int64_t>();
  else content = number.to<double>();
}

std::string Value::describe() const {
  if (const auto* t = as<Tensor>()) return t->defined() ? fmt::format("Tensor{} of {}", to_string(t->sizes()), ember::name(t->dtype())) : "no tensor";
  if (const auto* flag = as<bool>()) return *flag ? "True" : "False";
  if (const auto* number = as<int64_t>()) return fmt::format("{}", *number);
  if (const auto* number = as<double>()) return fmt::format("{:.17g}", *number);
  if (const auto* text = as<std::string>()) return fmt::format("'{}'", *text);
  if (const auto* dtype = as<DType>()) return ember::name(*dtype);
  if (is<Slice>()) return "slice";
  if (is<EllipsisType>()) return "...";
  if (const auto* list = as<List>()) {
    std::string text = "[";
    for (std::size_t i = 0; i < list->size(); ++i) text += (i ? ", " : "") + (*list)[i].describe();
    return text + "]";
  }
  return "None";
}

}  // namespace ember::parity
