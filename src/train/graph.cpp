// The tape as a graph for Graphviz.
#include <ember/autograd.h>
#include <ember/train/summary.h>

#include <unordered_map>
#include <vector>

#include "autograd/node.h"
#include "error_format.h"

namespace ember::train {

namespace {

std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return "\"" + result + "\"";
}

std::string sizes_text(const int64_t* sizes, int dims) { return "(" + fmt::format("{}", fmt::join(sizes, sizes + dims, ", ")) + ")"; }

}  // namespace

std::string to_dot(const Tensor& result, const nn::Module* model) {
  check<ValueError>(result.defined(), "to_dot: expected a tensor, got an undefined one");
  std::unordered_map<const TensorImpl*, std::string> names;
  if (model)
    for (const auto& [path, p] : model->named_parameters()) names.emplace(p.impl(), path);

  std::string text = "digraph {\n  node [shape=box style=filled fontname=\"sans-serif\" fontsize=11 fillcolor=\"#eeeeee\"];\n";
  std::unordered_map<const void*, int> numbers;  // of operations and leaves
  std::vector<Node*> open;
  const auto number_of_leaf = [&](const TensorImpl* leaf) {
    const auto [at, is_new] = numbers.emplace(leaf, int(numbers.size()));
    if (is_new) {
      const auto named = names.find(leaf);
      const std::string label = (named == names.end() ? "" : named->second + "\n") + sizes_text(leaf->sizes, leaf->dims);
      text += fmt::format("  n{} [label={} fillcolor=\"#cfe8ff\"];\n", at->second, quoted(label));
    }
    return at->second;
  };
  const auto number_of = [&](Node* node) {
    const auto [at, is_new] = numbers.emplace(node, int(numbers.size()));
    if (is_new) {
      text += fmt::format("  n{} [label={}];\n", at->second, quoted(node_name(node) + "\n" + sizes_text(node->sizes, node->dims)));
      open.push_back(node);
    }
    return at->second;
  };

  Node* const last = history_of(result.impl());
  const int end = last ? number_of(last) : number_of_leaf(result.impl());
  text += fmt::format("  result [label={} fillcolor=\"#d7f5d0\"];\n  n{} -> result;\n",
                      quoted("result\n" + sizes_text(result.sizes().data(), int(result.dim()))), end);
  while (!open.empty()) {
    Node* const node = open.back();
    open.pop_back();
    const int to = numbers.at(node);
    for (std::uint32_t i = 0; i < node->inputs; ++i) {
      const Edge& edge = node->edges[i];
      if (edge.node) text += fmt::format("  n{} -> n{};\n", number_of(edge.node), to);
      else if (edge.leaf) text += fmt::format("  n{} -> n{};\n", number_of_leaf(edge.leaf), to);
    }
  }
  return text + "}\n";
}

}  // namespace ember::train
