// PyTorch's repr of modules: one line for a leaf, indented children otherwise.
#include <cxxabi.h>
#include <ember/nn/module.h>
#include <ember/nn/sequential.h>

#include <cstdlib>
#include <ostream>
#include <typeinfo>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {

std::string Module::type_name() const {
  int status = 0;
  char* readable = abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status);
  std::string name = status == 0 ? readable : typeid(*this).name();
  std::free(readable);
  if (const std::size_t arguments = name.find('<'); arguments != std::string::npos) name.resize(arguments);
  const std::size_t scope = name.rfind(':');
  return scope == std::string::npos ? name : name.substr(scope + 1);
}

namespace {
std::string indent(const std::string& text) {
  std::string result;
  for (char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}
}  // namespace

std::string Module::repr() const {
  const auto& children = ModuleState::of(*this).children;
  const std::string extra = extra_repr();
  if (children.empty()) return fmt::format("{}({})", type_name(), extra);
  std::string lines = extra.empty() ? "" : "\n  " + indent(extra);
  const bool folds = dynamic_cast<const ModuleList*>(this) != nullptr;  // equal neighbours of a list take one line
  for (std::size_t first = 0, last; first < children.size(); first = last + 1) {
    const std::string text = children[first].second->repr();
    for (last = first; folds && last + 1 < children.size() && children[last + 1].second->repr() == text;) ++last;
    if (first == last) lines += fmt::format("\n  ({}): {}", children[first].first, indent(text));
    else lines += fmt::format("\n  ({}-{}): {} x {}", first, last, last - first + 1, indent(text));
  }
  return fmt::format("{}({}\n)", type_name(), lines);
}

std::ostream& operator<<(std::ostream& out, const Module& module) { return out << module.repr(); }

void Module::is_no(const std::type_info& type) const {
  int status = 0;
  char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  const std::string wanted = status == 0 ? readable : type.name();
  std::free(readable);
  fail<TypeError>("as: this module is a {}, not a {}", ModuleState::of(*this).self->type_name(), wanted);
}

}  // namespace ember::nn
