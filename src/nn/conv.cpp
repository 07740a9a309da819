// Convolution layers make and initialise their weights as PyTorch does; the functions compute.
#include <ember/nn/conv.h>
#include <ember/nn/init.h>

#include <cmath>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {
namespace {

/// As torch.nn's _ConvNd.reset_parameters: the weight first, then the bias.
void initialise(const Tensor& weight, const Tensor& bias) {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined() || weight.numel() == 0) return;
  double fan_in = double(weight.sizes()[1]);
  for (int d = 2; d < weight.dim(); ++d) fan_in *= double(weight.sizes()[d]);
  const double bound = 1 / std::sqrt(fan_in);
  init::uniform_(bias, -bound, bound);
}

void check_channels(int64_t in_channels, int64_t out_channels, int64_t groups) {
  check<ValueError>(groups > 0, "groups must be a positive integer");
  check<ValueError>(in_channels >= 0 && out_channels >= 0, "expected in_channels and out_channels to be 0 or more, but got {} and {}", in_channels,
                    out_channels);
  check<ValueError>(in_channels % groups == 0, "in_channels must be divisible by groups");
  check<ValueError>(out_channels % groups == 0, "out_channels must be divisible by groups");
}

template <int N>
Shape weight_sizes(int64_t first, int64_t second, const ExpandingArray<N>& kernel) {
  Shape sizes{first, second};
  for (int i = 0; i < N; ++i) sizes.push_back(kernel[i]);
  return sizes;
}

template <int N>
bool any_other_than(const ExpandingArray<N>& values, int64_t usual) {
  for (int i = 0; i < N; ++i)
    if (values[i] != usual) return true;
  return false;
}

constexpr const char* kPaddingWords[] = {"zeros", "reflect", "replicate", "circular"};

PaddingMode::Kind padding_mode(const std::string& word) {
  for (int kind = 0; kind < 4; ++kind)
    if (word == kPaddingWords[kind]) return PaddingMode::Kind(kind);
  fail<ValueError>("padding_mode must be one of {{'zeros', 'reflect', 'replicate', 'circular'}}, but got padding_mode='{}'", word);
}

/// PyTorch says this when the layer is called.
template <int N>
void check_sizes(const ExpandingArray<N>& kernel, const ExpandingArray<N>& stride, const ExpandingArray<N>& dilation) {
  for (int i = 0; i < N; ++i) {
    check<RuntimeError>(kernel[i] > 0, "kernel size should be greater than zero, but got kernel_size={}", python_repr(kernel));
    check<RuntimeError>(stride[i] > 0, "non-positive stride is not supported, but got stride={}", python_repr(stride));
    check<RuntimeError>(dilation[i] > 0, "dilation should be greater than zero, but got dilation={}", python_repr(dilation));
  }
}

}  // namespace

PaddingMode::PaddingMode(const char* word) : kind_(padding_mode(word)) {}

template <int N>
ConvBase<N>::ConvBase(int64_t in, int64_t out, ExpandingArray<N> kernel, ConvLayerOptions<N> o)
    : in_channels(in), out_channels(out), kernel_size(kernel), options(o) {
  check_channels(in, out, o.groups);
  check_sizes(kernel, o.stride, o.dilation);
  for (int i = 0; i < N && o.padding.kind == ConvPadding<N>::Numbers; ++i)
    check<RuntimeError>(o.padding.numbers[i] >= 0, "negative padding is not supported, but got padding={}", python_repr(o.padding.numbers));
  if (o.padding.kind == ConvPadding<N>::Same)
    check<ValueError>(!any_other_than(o.stride, 1), "padding='same' is not supported for strided convolutions");
  set_parameter(weight, empty(weight_sizes(out, in / o.groups, kernel)));
  if (o.bias) set_parameter(bias, empty({out}));
  initialise(weight, bias);
}

template <int N>
std::string ConvBase<N>::extra_repr() const {
  std::string text = fmt::format("{}, {}, kernel_size={}, stride={}", in_channels, out_channels, python_repr(kernel_size),
                                 python_repr(options.stride));
  if (options.padding.kind != ConvPadding<N>::Numbers) text += options.padding.kind == ConvPadding<N>::Same ? ", padding=same" : ", padding=valid";
  else if (any_other_than(options.padding.numbers, 0)) text += ", padding=" + python_repr(options.padding.numbers);
  if (any_other_than(options.dilation, 1)) text += ", dilation=" + python_repr(options.dilation);
  if (options.groups != 1) text += fmt::format(", groups={}", options.groups);
  if (!bias.defined()) text += ", bias=False";
  if (options.padding_mode != PaddingMode::Zeros) text += fmt::format(", padding_mode={}", kPaddingWords[options.padding_mode]);
  return text;
}

template <int N>
Tensor ConvBase<N>::padded(const Tensor& x, ConvOptions<N>& call) const {
  call = {options.stride, options.padding, options.dilation, options.groups};
  if (options.padding_mode == PaddingMode::Zeros) return x;
  std::vector<int64_t> borders;
  for (int i = N; i-- > 0;) {
    int64_t before = options.padding.numbers[i], after = before;
    if (options.padding.kind == ConvPadding<N>::Valid) before = after = 0;
    if (options.padding.kind == ConvPadding<N>::Same) {
      const int64_t total = options.dilation[i] * (kernel_size[i] - 1);
      before = total / 2;
      after = total - before;
    }
    borders.push_back(before);
    borders.push_back(after);
  }
  call.padding = 0;
  const PadMode mode = options.padding_mode == PaddingMode::Reflect     ? PadMode::Reflect
                       : options.padding_mode == PaddingMode::Replicate ? PadMode::Replicate
                                                                        : PadMode::Circular;
  return pad(x, borders, mode);
}

template class ConvBase<1>;
template class ConvBase<2>;
template class ConvBase<3>;

Conv1d::Conv1d(int64_t in_channels, int64_t out_channels, ExpandingArray<1> kernel_size, ConvLayerOptions<1> options)
    : ConvBase(in_channels, out_channels, kernel_size, options) {}
Tensor Conv1d::forward(const Tensor& x) {
  ConvOptions<1> call;
  const Tensor input = padded(x, call);
  return conv1d(input, weight, bias, call);
}
Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, ConvLayerOptions<2> options)
    : ConvBase(in_channels, out_channels, kernel_size, options) {}
Tensor Conv2d::forward(const Tensor& x) {
  ConvOptions<2> call;
  const Tensor input = padded(x, call);
  return conv2d(input, weight, bias, call);
}
Tensor Conv2d::forward_then(const Tensor& x, const Then& then) {
  ConvOptions<2> call;
  const Tensor input = padded(x, call);
  return conv2d(input, weight, bias, call, then);
}

Tensor Conv3d::forward(const Tensor& x) {
  ConvOptions<3> call;
  const Tensor input = padded(x, call);
  return conv3d(input, weight, bias, call);
}

template <int N>
ConvTransposeBase<N>::ConvTransposeBase(int64_t in, int64_t out, ExpandingArray<N> kernel, ConvTransposeLayerOptions<N> o)
    : in_channels(in), out_channels(out), kernel_size(kernel), options(o) {
  check_channels(in, out, o.groups);
  check_sizes(kernel, o.stride, o.dilation);
  set_parameter(weight, empty(weight_sizes(in, out / o.groups, kernel)));
  if (o.bias) set_parameter(bias, empty({out}));
  initialise(weight, bias);
}

template <int N>
std::string ConvTransposeBase<N>::extra_repr() const {
  std::string text = fmt::format("{}, {}, kernel_size={}, stride={}", in_channels, out_channels, python_repr(kernel_size),
                                 python_repr(options.stride));
  if (any_other_than(options.padding, 0)) text += ", padding=" + python_repr(options.padding);
  if (any_other_than(options.dilation, 1)) text += ", dilation=" + python_repr(options.dilation);
  if (any_other_than(options.output_padding, 0)) text += ", output_padding=" + python_repr(options.output_padding);
  if (options.groups != 1) text += fmt::format(", groups={}", options.groups);
  if (!bias.defined()) text += ", bias=False";
  return text;
}

template class ConvTransposeBase<1>;
template class ConvTransposeBase<2>;
template class ConvTransposeBase<3>;

Tensor ConvTranspose1d::forward(const Tensor& x) {
  return conv_transpose1d(x, weight, bias, {options.stride, options.padding, options.output_padding, options.groups, options.dilation});
}
Tensor ConvTranspose2d::forward(const Tensor& x) {
  return conv_transpose2d(x, weight, bias, {options.stride, options.padding, options.output_padding, options.groups, options.dilation});
}
Tensor ConvTranspose3d::forward(const Tensor& x) {
  return conv_transpose3d(x, weight, bias, {options.stride, options.padding, options.output_padding, options.groups, options.dilation});
}

}  // namespace ember::nn
