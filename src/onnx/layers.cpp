// Layers in ONNX's operations: products, convolutions, pooling, normalisation, softmax, embeddings.
#include <algorithm>

#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using Text = std::string;

Text then_relu(const Call& c, const Text& y, bool relu) { return relu ? c.writer.node("Relu", {y}) : y; }

Attrs geometry(const Call& c) {
  return {{"strides", c.ints("strides")}, {"pads", c.ints("pads")}, {"dilations", c.ints("dilations")}, {"group", c.whole("group")}};
}

Text convolution(const Call& c) {
  std::vector<Text> inputs{c.in(0), c.in(1)};
  if (c.has(2)) inputs.push_back(c.in(2));
  return then_relu(c, c.writer.node("Conv", inputs, geometry(c)), c.whole("relu"));
}

/// The gradient of a convolution, which is what a transposed one computes.
Text transposed_convolution(const Call& c) {
  Attrs attributes = geometry(c);
  std::vector<int64_t> rest(2);
  for (int i = 0; i < 2; ++i) {
    const std::size_t at = std::size_t(i);
    const int64_t in = c.writer.fixed_size(c.id(0), i + 2, "a size"), out = c.writer.fixed_size(c.one.output, i + 2, "a size"),
                  reach = c.ints("dilations")[at] * (c.writer.fixed_size(c.id(1), i + 2, "a size") - 1) + 1;
    rest[at] = out - ((in - 1) * c.ints("strides")[at] - 2 * c.ints("pads")[at] + reach);
  }
  attributes.push_back({"output_padding", rest});
  std::vector<Text> inputs{c.in(0), c.in(1)};
  if (c.has(2)) inputs.push_back(c.in(2));
  return c.writer.node("ConvTranspose", inputs, attributes);
}

/// x W' + b, whatever the dimensions of x.
Text affine(const Call& c, bool relu) {
  if (c.one.inputs.size() == 2) return c.in(1);  // addmm with beta 0
  Writer& w = c.writer;
  const Text x = c.in(1), weight = c.in(2);
  if (w.dim(c.id(1)) == 2) {
    std::vector<Text> inputs{x, weight};
    if (c.has(0)) inputs.push_back(c.in(0));
    return then_relu(c, w.node("Gemm", inputs, {{"transB", 1}}), relu);
  }
  const Text product = w.node("MatMul", {x, w.node("Transpose", {weight}, {{"perm", std::vector<int64_t>{1, 0}}})});
  return then_relu(c, c.has(0) ? w.node("Add", {product, c.in(0)}) : product, relu);
}
Text linear(const Call& c) { return affine(c, false); }
Text linear_relu(const Call& c) { return affine(c, true); }
Text product(const Call& c) { return c.writer.node("MatMul", {c.in(0), c.in(1)}); }

/// A parameter per channel that may be left out.
Text or_filled(const Call& c, std::size_t i, int64_t channels, double value) {
  return c.has(i) ? c.in(i) : c.writer.constant(full({channels}, value, c.dtype()));
}

Text batch_norm(const Call& c) {
  if (c.whole("training"))
    c.writer.refuse("takes the statistics of the batch, which has no counterpart in ONNX: a batch norm needs running statistics");
  const int64_t channels = c.writer.fixed_size(c.id(0), 1, "channels");
  Text y = c.writer.node("BatchNormalization",
                         {c.in(0), or_filled(c, 1, channels, 1), or_filled(c, 2, channels, 0), c.writer.value(c.more("running_mean")),
                          c.writer.value(c.more("running_var"))},
                         {{"epsilon", c.real("epsilon")}});
  if (c.has(3)) y = c.writer.node("Add", {y, c.in(3)});
  return then_relu(c, y, c.whole("relu"));
}

Text layer_norm(const Call& c) {
  std::vector<Text> inputs{c.in(0)};
  if (c.has(1)) {
    inputs.push_back(c.in(1));
  } else {
    Shape sizes;
    for (int64_t d = c.writer.dim(c.id(0)) + c.whole("axis"); d < c.writer.dim(c.id(0)); ++d)
      sizes.push_back(c.writer.fixed_size(c.id(0), int(d), "a size"));
    inputs.push_back(c.writer.constant(ones(sizes, c.dtype())));
  }
  if (c.has(2)) inputs.push_back(c.in(2));
  return c.writer.node("LayerNormalization", inputs, {{"axis", c.whole("axis")}, {"epsilon", c.real("epsilon")}});
}

Text rms_norm(const Call& c) {
  Writer& w = c.writer;
  std::vector<int64_t> axes;
  for (int64_t axis = c.whole("axis"); axis < 0; ++axis) axes.push_back(axis);
  const Text squares = w.node("ReduceMean", {w.node("Mul", {c.in(0), c.in(0)})}, {{"axes", axes}, {"keepdims", 1}});
  const Text y = w.node("Div", {c.in(0), w.node("Sqrt", {w.node("Add", {squares, w.number(c.real("epsilon"), c.dtype())})})});
  return c.has(1) ? w.node("Mul", {y, c.in(1)}) : y;
}

/// Channels of a group as one channel of an instance norm.
Text group_norm(const Call& c) {
  Writer& w = c.writer;
  const int64_t groups = c.whole("groups"), channels = w.fixed_size(c.id(0), 1, "channels");
  const Text grouped = w.node("Reshape", {c.in(0), w.numbers({0, groups, -1})});
  const Text normal = w.node("InstanceNormalization", {grouped, w.constant(ones({groups}, c.dtype())), w.constant(zeros({groups}, c.dtype()))},
                             {{"epsilon", c.real("epsilon")}});
  Text y = w.node("Reshape", {normal, w.node("Shape", {c.in(0)})});
  std::vector<int64_t> per_channel(std::size_t(w.dim(c.id(0)) - 1), 1);
  per_channel[0] = channels;
  const auto spread = [&](std::size_t i) { return w.node("Reshape", {c.in(i), w.numbers(per_channel)}); };
  if (c.has(1)) y = w.node("Mul", {y, spread(1)});
  return c.has(2) ? w.node("Add", {y, spread(2)}) : y;
}

Text softmax(const Call& c) { return c.writer.node("Softmax", {c.in(0)}, {{"axis", c.whole("axis")}}); }
Text log_softmax(const Call& c) { return c.writer.node("LogSoftmax", {c.in(0)}, {{"axis", c.whole("axis")}}); }

Attrs windows(const Call& c) {
  return {{"kernel_shape", c.ints("kernel_shape")}, {"strides", c.ints("strides")}, {"pads", c.ints("pads")}, {"ceil_mode", c.whole("ceil_mode")}};
}

Text max_pool(const Call& c) {
  Attrs attributes = windows(c);
  attributes.push_back({"dilations", c.ints("dilations")});
  return c.writer.node("MaxPool", {c.in(0)}, attributes);
}

Text average_pool(const Call& c) {
  const int64_t divisor = c.whole("divisor"), taps = c.ints("kernel_shape")[0] * c.ints("kernel_shape")[1];
  const bool pads = std::any_of(c.ints("pads").begin(), c.ints("pads").end(), [](int64_t p) { return p != 0; });
  if (c.whole("ceil_mode") && (pads || divisor)) c.writer.refuse("with ceil_mode and padding counts other windows than ONNX");
  Attrs attributes = windows(c);
  attributes.push_back({"count_include_pad", divisor ? 1 : c.whole("count_include_pad")});
  const Text y = c.writer.node("AveragePool", {c.in(0)}, attributes);
  return divisor && divisor != taps ? c.writer.node("Mul", {y, c.writer.number(double(taps) / double(divisor), c.dtype())}) : y;
}

/// Windows of one size where the output divides the input.
bool even_windows(const Call& c, Attrs& attributes) {
  std::vector<int64_t> kernel(2);
  for (int i = 0; i < 2; ++i) {
    const int64_t in = c.writer.fixed_size(c.id(0), i + 2, "a size"), out = c.writer.fixed_size(c.one.output, i + 2, "a size");
    if (out == 0 || in % out != 0) return false;
    kernel[std::size_t(i)] = in / out;
  }
  attributes = {{"kernel_shape", kernel}, {"strides", kernel}};
  return true;
}

/// (out, in): each row has the weights of one output, the mean over its window.
Tensor window_means(int64_t in, int64_t out, DType dtype) {
  const Tensor weights = zeros({out, in}, dtype);
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    weights.select(0, i).slice(0, begin, end).fill_(1.0 / double(end - begin));
  }
  return weights;
}

Text adaptive_average_pool(const Call& c) {
  Writer& w = c.writer;
  Attrs attributes;
  const int64_t h = w.fixed_size(c.one.output, 2, "a size"), width = w.fixed_size(c.one.output, 3, "a size");
  if (h == 1 && width == 1) return w.node("GlobalAveragePool", {c.in(0)});
  if (even_windows(c, attributes)) return w.node("AveragePool", {c.in(0)}, attributes);
  const Tensor rows = window_means(w.fixed_size(c.id(0), 2, "a size"), h, c.dtype()),
               columns = window_means(w.fixed_size(c.id(0), 3, "a size"), width, c.dtype());
  return w.node("MatMul", {w.constant(rows), w.node("MatMul", {c.in(0), w.constant(columns.t())})});
}

Text adaptive_max_pool(const Call& c) {
  Attrs attributes;
  if (!even_windows(c, attributes)) c.writer.refuse("has windows of several sizes, which have no counterpart in ONNX");
  return c.writer.node("MaxPool", {c.in(0)}, attributes);
}

Text embedding(const Call& c) { return c.writer.node("Gather", {c.in(0), c.writer.value(c.more("indices"))}, {{"axis", 0}}); }

}  // namespace

Rule layer_rule(const std::string& name) {
  static const std::unordered_map<std::string, Rule> rules{
      {"Convolution", convolution},
      {"ConvolutionBackwardInput", transposed_convolution},
      {"Addmm", linear},
      {"AddmmRelu", linear_relu},
      {"Mm", product},
      {"Bmm", product},
      {"NativeBatchNorm", batch_norm},
      {"NativeLayerNorm", layer_norm},
      {"FusedRmsNorm", rms_norm},
      {"NativeGroupNorm", group_norm},
      {"Softmax", softmax},
      {"LogSoftmax", log_softmax},
      {"MaxPool2DWithIndices", max_pool},
      {"AvgPool2D", average_pool},
      {"AdaptiveAvgPool2D", adaptive_average_pool},
      {"AdaptiveMaxPool2D", adaptive_max_pool},
      {"Embedding", embedding},
  };
  const auto rule = rules.find(name);
  return rule == rules.end() ? nullptr : rule->second;
}

}  // namespace ember::exporting
