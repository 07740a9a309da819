// The texts of autograd/place.h.
#include "autograd/place.h"

#include <cctype>
#include <cstring>

#include "autograd/node.h"
#include "error_format.h"

namespace ember {

std::string (*detail::module_path)(std::uint32_t) = nullptr;

namespace {

/// Where PyTorch's name of the backward is not that of the function.
constexpr const char* kFunctions[][2] = {
    {"Addmm", "linear"},
    {"AddmmRelu", "linear_relu"},
    {"Mm", "matmul"},
    {"Bmm", "matmul"},
    {"Convolution", "conv"},
    {"NativeBatchNorm", "batch_norm"},
    {"NativeGroupNorm", "group_norm"},
    {"NativeLayerNorm", "layer_norm"},
    {"CopySlices", "a write into a view"},
    {"LinalgVectorNorm", "norm"},
    {"ConstantPadNd", "pad"},
    {"DiagEmbed", "diag"},
    {"Copy", "copy_"},
};

/// LogSoftmax -> log_softmax, MaxPool2DWithIndices -> max_pool2d_with_indices.
std::string function_name(const char* name) {
  for (const auto& [backward, function] : kFunctions)
    if (std::strcmp(backward, name) == 0) return function;
  std::string result;
  for (const char* c = name; *c; ++c) {
    const bool begins = std::isupper(*c) && c != name && !std::isdigit(c[-1]);
    if (begins) result += '_';
    result += char(std::tolower(*c));
  }
  return result;
}

/// "float32 [3, 4]"; empty when it is not known.
std::string input_text(const Edge& edge) {
  if (edge.node) return fmt::format("{} {}", name(edge.node->dtype), IntArrayRef(edge.node->sizes, edge.node->dims));
  if (edge.leaf) return fmt::format("{} {}", name(edge.leaf->dtype), IntArrayRef(edge.leaf->sizes, edge.leaf->dims));
  return "";
}

}  // namespace

std::string forward_call(const Node* node) {
  std::string text = function_name(node->name) + "(";
  for (std::uint32_t i = 0; i < node->inputs; ++i) {
    const std::string input = input_text(node->edges[i]);
    text += (i ? ", " : "") + (input.empty() ? "_" : input);
  }
  return text + ")";
}

void add_place(Error& error, const Node* node) {
  if (error.has_place() || !node->module || !detail::module_path) return;
  const std::string path = detail::module_path(node->module);
  if (path.empty()) return;
  const auto shaped = [](const char* what, IntArrayRef sizes, DType dtype) { return fmt::format("{} {} {}", what, sizes, name(dtype)); };
  const Edge first = node->inputs ? node->edges[0] : Edge{nullptr, nullptr};
  const std::string value = first.node   ? shaped("input", {first.node->sizes, first.node->dims}, first.node->dtype)
                            : first.leaf ? shaped("input", {first.leaf->sizes, first.leaf->dims}, first.leaf->dtype)
                                         : shaped("gradient", {node->sizes, node->dims}, node->dtype);
  error.add_place(fmt::format("in {}, {}, in the backward of {}", path, value, function_name(node->name)));
}

}  // namespace ember
