// Layers in ONNX's operations: products, convolutions, pooling, normalisation, softmax, embeddings.
#include <algorithm>
#include <functional>
#include <numeric>

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
  std::vector<int64_t> rest(c.ints("strides").size());
  for (std::size_t at = 0; at < rest.size(); ++at) {
    const int d = int(at) + 2;
    const int64_t in = c.writer.fixed_size(c.id(0), d, "a size"), out = c.writer.fixed_size(c.one.output, d, "a size"),
                  reach = c.ints("dilations")[at] * (c.writer.fixed_size(c.id(1), d, "a size") - 1) + 1;
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
Text second(const Call& c) { return c.in(1); }  // addbmm and addr with beta 0
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
  const std::vector<int64_t>& kernel = c.ints("kernel_shape");
  const int64_t divisor = c.whole("divisor"), taps = std::accumulate(kernel.begin(), kernel.end(), int64_t(1), std::multiplies<>());
  const bool pads = std::any_of(c.ints("pads").begin(), c.ints("pads").end(), [](int64_t p) { return p != 0; });
  if (c.whole("ceil_mode") && (pads || divisor)) c.writer.refuse("with ceil_mode and padding counts other windows than ONNX");
  Attrs attributes = windows(c);
  attributes.push_back({"count_include_pad", divisor ? 1 : c.whole("count_include_pad")});
  const Text y = c.writer.node("AveragePool", {c.in(0)}, attributes);
  return divisor && divisor != taps ? c.writer.node("Mul", {y, c.writer.number(double(taps) / double(divisor), c.dtype())}) : y;
}

/// The sizes of a tensor (N, C, ...) behind its channels.
std::vector<int64_t> pixels(const Call& c, int id) {
  std::vector<int64_t> sizes;
  for (int d = 2; d < c.writer.dim(id); ++d) sizes.push_back(c.writer.fixed_size(id, d, "a size"));
  return sizes;
}

/// Adaptive pooling: one window for all outputs, windows of one size, or a step along each dimension that `along` writes.
template <class Along>
Text adaptive_pool(const Call& c, const char* whole, const char* windows, const Along& along) {
  const std::vector<int64_t> in = pixels(c, c.id(0)), out = pixels(c, c.one.output);
  std::vector<int64_t> kernel;
  bool even = true, one = true;
  for (std::size_t i = 0; i < in.size(); ++i) {
    even = even && out[i] > 0 && in[i] % out[i] == 0;
    one = one && out[i] == 1;
    kernel.push_back(even ? in[i] / out[i] : 0);
  }
  if (one) return c.writer.node(whole, {c.in(0)});
  if (even) return c.writer.node(windows, {c.in(0)}, {{"kernel_shape", kernel}, {"strides", kernel}});
  Text y = c.in(0);
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i] != out[i]) y = along(y, int(i) + 2, in[i], out[i]);
  return y;
}

/// The inputs of output i of n.
struct Window {
  int64_t begin, end;
  Window(int64_t i, int64_t n, int64_t in) : begin(i * in / n), end(((i + 1) * in + n - 1) / n) {}
};

/// (in, out): each column has the weights of one output, the mean over its window.
Tensor window_means(int64_t in, int64_t out, DType dtype) {
  const Tensor weights = zeros({in, out}, dtype);
  for (int64_t i = 0; i < out; ++i) {
    const Window w(i, out, in);
    weights.select(1, i).slice(0, w.begin, w.end).fill_(1.0 / double(w.end - w.begin));
  }
  return weights;
}

Text adaptive_average_pool(const Call& c) {
  return adaptive_pool(c, "GlobalAveragePool", "AveragePool", [&](Text y, int d, int64_t in, int64_t out) {
    std::vector<int64_t> order(std::size_t(c.writer.dim(c.id(0))));
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[std::size_t(d)], order.back());
    const bool last = order[std::size_t(d)] == d;
    const auto turned = [&](const Text& x) { return last ? x : c.writer.node("Transpose", {x}, {{"perm", order}}); };
    return turned(c.writer.node("MatMul", {turned(y), c.writer.constant(window_means(in, out, c.dtype()))}));
  });
}

Text adaptive_max_pool(const Call& c) {
  return adaptive_pool(c, "GlobalMaxPool", "MaxPool", [&](const Text& y, int d, int64_t in, int64_t out) {
    std::vector<Text> parts;
    for (int64_t i = 0; i < out; ++i) {
      const Window window(i, out, in);
      const Text part = c.writer.node("Slice", {y, c.writer.numbers({window.begin}), c.writer.numbers({window.end}), c.writer.numbers({d})});
      parts.push_back(c.writer.node("ReduceMax", {part}, {{"axes", std::vector<int64_t>{d}}, {"keepdims", 1}}));
    }
    return c.writer.node("Concat", parts, {{"axis", d}});
  });
}

Text embedding(const Call& c) { return c.writer.node("Gather", {c.in(0), c.writer.value(c.more("indices"))}, {{"axis", 0}}); }

}  // namespace

Rule layer_rule(const std::string& name) {
  static const std::unordered_map<std::string, Rule> rules{
      {"Convolution", convolution},
      {"ConvolutionBackwardInput", transposed_convolution},
      {"Addmm", linear},
      {"AddmmRelu", linear_relu},
      {"AddBmm", second},
      {"Mm", product},
      {"Bmm", product},
      {"NativeBatchNorm", batch_norm},
      {"NativeLayerNorm", layer_norm},
      {"FusedRmsNorm", rms_norm},
      {"NativeGroupNorm", group_norm},
      {"Softmax", softmax},
      {"LogSoftmax", log_softmax},
      {"MaxPool2DWithIndices", max_pool},
      {"MaxPool3DWithIndices", max_pool},
      {"AvgPool2D", average_pool},
      {"AvgPool3D", average_pool},
      {"AdaptiveAvgPool2D", adaptive_average_pool},
      {"AdaptiveAvgPool3D", adaptive_average_pool},
      {"AdaptiveMaxPool2D", adaptive_max_pool},
      {"AdaptiveMaxPool3D", adaptive_max_pool},
      {"Embedding", embedding},
  };
  const auto rule = rules.find(name);
  return rule == rules.end() ? nullptr : rule->second;
}

}  // namespace ember::exporting
