// PyTorch's repr of modules: one line for a leaf, indented children otherwise.
#include <cxxabi.h>
#include <ember/nn/module.h>

#include <cstdlib>
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
  const std::string extra = extra_repr();
  if (state_->children.empty()) return fmt::format("{}({})", type_name(), extra);
  std::string lines = extra.empty() ? "" : "\n  " + indent(extra);
  for (const auto& [name, child] : state_->children) lines += fmt::format("\n  ({}): {}", name, indent(child->repr()));
  return fmt::format("{}({}\n)", type_name(), lines);
}

}  // namespace ember::nn
