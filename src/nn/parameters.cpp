// Lists and dictionaries of parameters are modules whose parameters are named by number or by key.
#include <ember/nn/parameters.h>

#include "error_format.h"
#include "tensor/defined.h"

namespace ember::nn {
namespace {

std::string described(const std::string& name, const Tensor& t) {
  return fmt::format("({}): Parameter containing: [{} of size {}]", name, tensor_type_name(t.dtype()), fmt::join(t.sizes(), "x"));
}

}  // namespace

ParameterList::ParameterList(std::initializer_list<Tensor> values) {
  for (const Tensor& value : values) append(value);
}
ParameterList ParameterList::clone() const {
  return copy_of([&] {
    ParameterList made;
    for (const Tensor* value : *values_) made.append(value->detach().clone());
    return made;
  });
}
Tensor& ParameterList::append(const Tensor& value) {
  require_defined("ParameterList.append", value);
  Tensor& place = add_parameter(std::to_string(values_->size()));
  set_parameter(place, value.detach());
  values_->push_back(&place);
  return place;
}
int64_t ParameterList::size() const { return int64_t(values_->size()); }
Tensor ParameterList::operator[](int64_t index) const {
  check<IndexError>(index >= -size() && index < size(), "index {} is out of range", index);
  return *values_[std::size_t(index < 0 ? index + size() : index)];
}
std::string ParameterList::extra_repr() const {
  std::string text;
  for (std::size_t i = 0; i < values_->size(); ++i) text += (i ? "\n" : "") + described(std::to_string(i), *values_[i]);
  return text;
}

ParameterDict::ParameterDict(std::initializer_list<std::pair<const char*, Tensor>> values) {
  for (const auto& [name, value] : values) insert(name, value);
}
ParameterDict ParameterDict::clone() const {
  return copy_of([&] {
    ParameterDict made;
    for (const auto& [name, value] : *values_) made.insert(name, value->detach().clone());
    return made;
  });
}
Tensor& ParameterDict::insert(const std::string& name, const Tensor& value) {
  require_defined("ParameterDict.insert", value);
  Tensor& place = add_parameter(name);
  set_parameter(place, value.detach());
  values_->emplace_back(name, &place);
  return place;
}
int64_t ParameterDict::size() const { return int64_t(values_->size()); }
bool ParameterDict::contains(const std::string& name) const {
  for (const auto& [known, value] : *values_)
    if (known == name) return true;
  return false;
}
Tensor ParameterDict::operator[](const std::string& name) const {
  for (const auto& [known, value] : *values_)
    if (known == name) return *value;
  fail<RuntimeError>("ParameterDict has no parameter '{}'", name);
}
std::vector<std::string> ParameterDict::keys() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : *values_) names.push_back(name);
  return names;
}
std::string ParameterDict::extra_repr() const {
  std::string text;
  for (const auto& [name, value] : *values_) text += (text.empty() ? "" : "\n") + described(name, *value);
  return text;
}

}  // namespace ember::nn
