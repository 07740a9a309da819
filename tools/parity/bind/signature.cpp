// Signatures in PyTorch's words: reading them, and putting the arguments of a call into their places.
#include "bind/binding.h"

#include "error_format.h"

#include <cstdlib>
#include <cstring>

namespace ember::parity {
namespace {

/// Reads a Python literal: None True False 1 -0.5 'text' [1, 2] inf, or a dtype's name.
Value literal(const char*& text) {
  if (*text == '[' || *text == '(') {
    List items;
    const char close = *text++ == '[' ? ']' : ')';
    while (*text != close) {
      items.push_back(literal(text));
      if (*text == ',') ++text;
    }
    ++text;
    return items;
  }
  if (*text == '\'') {
    const char* end = std::strchr(text + 1, '\'');
    std::string content(text + 1, end);
    text = end + 1;
    return content;
  }
  std::string word(text, std::strcspn(text, " ,])"));
  text += word.size();
  if (word == "None") return {};
  if (word == "True") return true;
  if (word == "False") return false;
  if (word.find_first_of(".enf") == word.npos) return int64_t(std::atoll(word.c_str()));
  return std::atof(word.c_str());
}

bool fits(const Value& value, const std::string& kinds) {
  if (kinds.empty()) return true;
  const auto allows = [&](const char* kind) { return ("|" + kinds + "|").find(fmt::format("|{}|", kind)) != std::string::npos; };
  if (value.is<Tensor>()) return allows("tensor");
  if (value.is<bool>()) return allows("bool") || allows("number");
  if (value.is<int64_t>()) return allows("int") || allows("number");
  if (value.is<double>()) return allows("number") || allows("float");
  if (value.is<std::string>()) return allows("text");
  if (value.is<List>()) return allows("list");
  if (value.is<DType>()) return allows("dtype");
  return value.is_none() && allows("none");
}

bool same(const Value& a, const Value& b) { return a.describe() == b.describe(); }

}  // namespace

Signature::Signature(const char* text) {
  bool keyword_only = false;
  while (*(text += std::strspn(text, " \n"))) {
    std::string word(text, std::strcspn(text, " =\n"));
    text += word.size();
    if (word == "*") {
      keyword_only = true;
      continue;
    }
    Parameter parameter;
    parameter.keyword_only = keyword_only;
    if (word[0] == '*') {
      parameter.takes_rest = true;
      word.erase(0, 1);
    }
    const std::size_t colon = word.find(':');
    parameter.name = word.substr(0, colon);
    if (colon != word.npos) parameter.kinds = word.substr(colon + 1);
    if (*text == '=') {
      ++text;
      parameter.has_default = true;
      if (*text == '~') {
        parameter.only_default = true;
        ++text;
      }
      parameter.default_value = literal(text);
    }
    if (!keyword_only) ++positional_;
    parameters_.push_back(std::move(parameter));
  }
}

List Signature::bind(const std::string& name, const List& positional, const Keywords& keywords) const {
  List values(parameters_.size());
  std::vector<bool> given(parameters_.size());
  for (std::size_t i = 0; i < positional.size(); ++i) {
    if (i >= positional_) throw Unsupported(fmt::format("argument {} of {}", i, name));
    values[i] = positional[i];
    given[i] = true;
    if (!parameters_[i].takes_rest) continue;
    if (i + 1 == positional.size() && positional[i].is<List>()) break;
    values[i] = List(positional.begin() + std::ptrdiff_t(i), positional.end());
    break;
  }
  for (const auto& [key, value] : keywords) {
    std::size_t i = 0;
    const std::string name_here = key == "axis" ? "dim" : key == "keepdims" ? "keepdim" : key;  // NumPy's names
    while (i < parameters_.size() && parameters_[i].name != key && parameters_[i].name != name_here) ++i;
    if (i == parameters_.size()) throw Unsupported(fmt::format("kwarg {} of {}", key, name));
    if (given[i]) fail<TypeError>("{}() got multiple values for argument '{}'", name, key);
    values[i] = value;
    given[i] = true;
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    if (!given[i]) {
      if (parameter.takes_rest && !parameter.has_default) values[i] = List();
      else if (!parameter.has_default) fail<TypeError>("{}() missing required argument '{}'", name, parameter.name);
      else values[i] = parameter.default_value;
    } else if (parameter.only_default) {
      const bool harmless = parameter.name == "device" && values[i].is<std::string>() && *values[i].as<std::string>() == "cpu";
      if (!harmless && !values[i].is_none() && !same(values[i], parameter.default_value))
        throw Unsupported(fmt::format("kwarg {}={} of {}", parameter.name, values[i].describe(), name));
    } else if (!fits(values[i], parameter.kinds) && !(parameter.has_default && same(values[i], parameter.default_value))) {
      fail<TypeError>("{}(): argument '{}' must be {}, not {}", name, parameter.name, parameter.kinds, values[i].describe());
    }
  }
  return values;
}

}  // namespace ember::parity
