// Recurrent layers and attention in ONNX's operations.
#include <limits>

#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using Text = std::string;

/// Inputs of a recurrent layer, as the tape has them.
enum Input : std::size_t { X, H0, C0, WeightIH, WeightHH, BiasIH, BiasHH, WeightHR };

/// The gates of a parameter in ONNX's order, with a dimension for the direction in front: for an LSTM i, o, f, g of PyTorch's i, f, g, o; for a
/// GRU z, r, n of r, z, n.
Text reordered(const Call& c, std::size_t input, const std::vector<int64_t>& order) {
  Writer& w = c.writer;
  const int64_t rows = w.fixed_size(c.id(input), 0, "a size") / int64_t(order.size());
  std::vector<Text> gates;
  for (const int64_t gate : order)
    gates.push_back(w.node("Slice", {c.in(input), w.numbers({gate * rows}), w.numbers({(gate + 1) * rows}), w.numbers({0})}));
  return w.node("Unsqueeze", {gates.size() == 1 ? c.in(input) : w.node("Concat", gates, {{"axis", 0}}), w.numbers({0})});
}

/// The outputs of the layer one after the other, as the tape has them.
Text recurrent(const Call& c, const char* type, const std::vector<int64_t>& order, Attrs attributes) {
  Writer& w = c.writer;
  if (c.whole("packed")) w.refuse("of packed sequences has no counterpart in ONNX: sequences of one length can be exported");
  if (c.has(WeightHR)) w.refuse("with proj_size has no counterpart in ONNX");
  attributes.push_back({"hidden_size", w.fixed_size(c.id(WeightHH), 1, "a size")});
  attributes.push_back({"direction", c.whole("reverse") ? "reverse" : "forward"});
  std::vector<Text> inputs{c.in(X), reordered(c, WeightIH, order), reordered(c, WeightHH, order)};
  inputs.push_back(c.has(BiasIH) ? w.node("Concat", {reordered(c, BiasIH, order), reordered(c, BiasHH, order)}, {{"axis", 1}}) : "");
  inputs.push_back("");  // lengths of sequences: all are as long as x
  const auto with_direction = [&](std::size_t i) { return w.node("Unsqueeze", {c.in(i), w.numbers({0})}); };
  inputs.push_back(with_direction(H0));
  if (c.has(C0)) inputs.push_back(with_direction(C0));
  const std::vector<Text> outputs = w.nodes(type, inputs, attributes, c.has(C0) ? 3 : 2);
  std::vector<Text> flat;
  for (const Text& output : outputs) flat.push_back(w.node("Reshape", {output, w.numbers({-1})}));
  return w.node("Concat", flat, {{"axis", 0}});
}

Text lstm(const Call& c) { return recurrent(c, "LSTM", {0, 3, 1, 2}, {}); }
Text gru(const Call& c) { return recurrent(c, "GRU", {1, 0, 2}, {{"linear_before_reset", 1}}); }
Text rnn(const Call& c) { return recurrent(c, "RNN", {0}, {{"activations", std::vector<std::string>{c.whole("relu") ? "Relu" : "Tanh"}}}); }

/// softmax(scale q k' + mask) v for q, k and v of (batch, heads, rows, width).
Text attention(const Call& c) {
  Writer& w = c.writer;
  const int64_t heads = w.fixed_size(c.id(0), 1, "heads"), key_heads = w.fixed_size(c.id(1), 1, "heads");
  /// Heads of keys and values that several heads of queries share, once for each of them.
  const auto repeated = [&](std::size_t i) {
    if (heads == key_heads) return c.in(i);
    const Text spread = w.node("Expand", {w.node("Unsqueeze", {c.in(i), w.numbers({2})}), w.numbers({1, 1, heads / key_heads, 1, 1})});
    std::vector<Size> sizes = w.sizes(c.id(i));
    sizes[1] = {heads, 0};
    return w.node("Reshape", {spread, w.shape(sizes)});
  };
  Text scores = w.node("MatMul", {c.in(0), w.node("Transpose", {repeated(1)}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}})});
  scores = w.node("Mul", {scores, w.number(c.real("scale"), c.dtype())});
  if (c.whole("causal")) {
    const int64_t rows = w.fixed_size(c.id(0), 2, "a length"), columns = w.fixed_size(c.id(1), 2, "a length");
    const Tensor mask = zeros({rows, columns}, c.dtype());
    for (int64_t i = 0; i < rows; ++i)
      if (i + 1 < columns) mask.select(0, i).slice(0, i + 1).fill_(-std::numeric_limits<double>::infinity());
    scores = w.node("Add", {scores, w.constant(mask)});
  }
  for (const NamedInput& input : c.one.more) scores = w.node("Add", {scores, w.value(input.value)});  // the mask
  return w.node("MatMul", {w.node("Softmax", {scores}, {{"axis", -1}}), repeated(2)});
}

}  // namespace

Rule sequence_rule(const std::string& name) {
  static const std::unordered_map<std::string, Rule> rules{
      {"LstmLayer", lstm}, {"GruLayer", gru}, {"RnnLayer", rnn}, {"ScaledDotProductFlashAttentionForCpu", attention}};
  const auto rule = rules.find(name);
  return rule == rules.end() ? nullptr : rule->second;
}

}  // namespace ember::exporting
