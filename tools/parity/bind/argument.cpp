// Turning one argument into the C++ type that a parameter wants, with Python's refusals.
#include "bind/binding.h"
#include "error_format.h"

namespace ember::parity {

void Argument::wrong_kind(const char* wanted) const { fail<TypeError>("argument '{}' must be {}, not {}", name_, wanted, value_.describe()); }

void Argument::wrong_length(int given, int wanted) const {
  fail<RuntimeError>("expected {} to be a single integer value or a list of {} values, got {}", name_, wanted, given);
}

Tensor Argument::tensor() const {
  if (const auto* t = value_.as<Tensor>()) return *t;
  if (!is_none()) wrong_kind("Tensor");
  return {};
}

int64_t Argument::integer() const {
  if (const auto* number = value_.as<int64_t>()) return *number;
  if (const auto* flag = value_.as<bool>()) return *flag;
  if (const auto* list = value_.as<List>(); list && list->size() == 1) return Argument((*list)[0], name_).integer();
  if (const auto* t = value_.as<Tensor>(); t && t->dim() == 0 && is_integral(t->dtype(), false)) return t->item<int64_t>();
  wrong_kind("int");
}

double Argument::real() const {
  if (const auto* number = value_.as<double>()) return *number;
  if (const auto* number = value_.as<int64_t>()) return double(*number);
  if (const auto* flag = value_.as<bool>()) return *flag;
  if (const auto* t = value_.as<Tensor>(); t && t->numel() == 1) return t->item<double>();
  wrong_kind("float");
}

bool Argument::boolean() const {
  if (const auto* flag = value_.as<bool>()) return *flag;
  if (const auto* number = value_.as<int64_t>()) return *number != 0;
  if (is_none()) return false;
  wrong_kind("bool");
}

Scalar Argument::scalar() const {
  if (const auto* flag = value_.as<bool>()) return *flag;
  if (const auto* number = value_.as<int64_t>()) return *number;
  if (const auto* number = value_.as<double>()) return *number;
  if (const auto* t = value_.as<Tensor>(); t && t->numel() == 1) return t->item();
  wrong_kind("Number");
}

std::string Argument::text() const {
  if (const auto* text = value_.as<std::string>()) return *text;
  wrong_kind("str");
}

DType Argument::dtype() const {
  if (const auto* dtype = value_.as<DType>()) return *dtype;
  if (!is_none()) wrong_kind("dtype");
  return DType::Undefined;
}

std::vector<int64_t> Argument::ints() const {
  std::vector<int64_t> numbers;
  const auto* list = value_.as<List>();
  if (!list) {
    if (!is_none()) numbers.push_back(integer());
    return numbers;
  }
  for (const Value& item : *list) {
    if (item.is<List>() || item.is<double>()) wrong_kind("tuple of ints");
    numbers.push_back(Argument(item, name_).integer());
  }
  return numbers;
}

std::vector<double> Argument::reals() const {
  const auto* list = value_.as<List>();
  if (!list) return {real()};
  std::vector<double> numbers;
  for (const Value& item : *list) numbers.push_back(Argument(item, name_).real());
  return numbers;
}

std::vector<Tensor> Argument::tensors() const {
  if (const auto* t = value_.as<Tensor>()) {  // Python iterates over a tensor
    std::vector<Tensor> rows;
    for (int64_t i = 0; t->dim() > 0 && i < t->size(0); ++i) rows.push_back((*t)[i]);
    return rows;
  }
  const auto* list = value_.as<List>();
  if (!list) wrong_kind("tuple of Tensors");
  std::vector<Tensor> tensors;
  for (const Value& item : *list) tensors.push_back(Argument(item, name_).tensor());
  return tensors;
}

Argument::operator Shape() const {
  const std::vector<int64_t> numbers = ints();
  return Shape(numbers.data(), numbers.data() + numbers.size());
}

Argument::operator Dims() const {
  if (is_none()) return {};
  return is_list() ? Dims(ints()) : Dims(integer());
}

Argument::operator Operand() const {
  if (const auto* t = value_.as<Tensor>()) return *t;
  if (is_none()) return None;
  if (!is_number()) wrong_kind("Tensor or Number");
  return scalar();
}

}  // namespace ember::parity
