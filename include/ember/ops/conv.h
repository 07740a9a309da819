// Convolutions and what belongs to them. x is (N, C, L), (N, C, H, W) or (N, C, D, H, W), or the same without N. As the functions of the same names
// in torch.nn.functional. Results may lie in memory with the channels innermost; their strides say so.
#pragma once

#include <ember/ops/stride.h>
#include <ember/ops/then.h>

namespace ember {

/// Zeros around the input: one number, one for each dimension, "valid" (none) or "same" (the output is as large as the input).
template <int N>
struct ConvPadding {
  enum Kind : std::uint8_t { Numbers, Same, Valid };
  ConvPadding(int64_t all) : numbers(all) {}
  ConvPadding(int all) : numbers(all) {}
  ConvPadding(std::initializer_list<int64_t> each) : numbers(each) {}
  ConvPadding(ExpandingArray<N> each) : numbers(each) {}
  ConvPadding(const char* word) : numbers(0), kind(parse(word)) {}

  ExpandingArray<N> numbers;
  Kind kind = Numbers;

 private:
  static Kind parse(const char* word) {
    const std::string text = word;
    if (text == "same") return Same;
    if (text == "valid") return Valid;
    throw ValueError("Invalid padding string '" + text + "', should be one of {'valid', 'same'}");
  }
};

template <int N>
struct ConvOptions {
  ExpandingArray<N> stride = 1;
  ConvPadding<N> padding = 0;
  ExpandingArray<N> dilation = 1;
  int64_t groups = 1;
};
template <int N>
struct ConvTransposeOptions {
  ExpandingArray<N> stride = 1;
  ExpandingArray<N> padding = 0;
  ExpandingArray<N> output_padding = 0;
  int64_t groups = 1;
  ExpandingArray<N> dilation = 1;
};

/// weight (O, C / groups, K), bias (O) or undefined. (N, C, L) -> (N, O, (L + 2 padding - dilation (K - 1) - 1) / stride + 1).
/// Throws "Given groups=1, weight of size [8, 3, 3], expected input[1, 4, 8] to have 3 channels, but got 4 channels instead".
Tensor conv1d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, ConvOptions<1> options = {});
/// Of a tail, a ReLU runs in the same pass over memory, and behind a norm, where no gradient is recorded, all of it; pooling or an addend
/// alone, and an addend without a ReLU, run behind.
Tensor conv2d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, ConvOptions<2> options = {}, const Then& then = {});
/// Of volumes (N, C, D, H, W); the result lies with its channels innermost.
Tensor conv3d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, ConvOptions<3> options = {});

/// The gradient of a convolution with respect to its input, as an operation: weight (C, O / groups, K).
/// L -> (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, ConvTransposeOptions<1> options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, ConvTransposeOptions<2> options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, ConvTransposeOptions<3> options = {});

/// PyTorch's positional forms: conv2d(x, weight, bias, 1, 1) is conv2d(x, weight, bias, {.stride = 1, .padding = 1}).
template <WholeNumber Stride>
Tensor conv1d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, Stride stride, ConvPadding<1> padding = 0,
              ExpandingArray<1> dilation = 1, int64_t groups = 1) {
  return conv1d(x, weight, bias, ConvOptions<1>{.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}
/// By position.
template <WholeNumber Stride>
Tensor conv2d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, Stride stride, ConvPadding<2> padding = 0,
              ExpandingArray<2> dilation = 1, int64_t groups = 1) {
  return conv2d(x, weight, bias, ConvOptions<2>{.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}
/// By position.
template <WholeNumber Stride>
Tensor conv3d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, Stride stride, ConvPadding<3> padding = 0,
              ExpandingArray<3> dilation = 1, int64_t groups = 1) {
  return conv3d(x, weight, bias, ConvOptions<3>{.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}
/// By position.
template <WholeNumber Stride>
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, Stride stride, ExpandingArray<1> padding = 0,
                        ExpandingArray<1> output_padding = 0, int64_t groups = 1, ExpandingArray<1> dilation = 1) {
  return conv_transpose1d(
      x, weight, bias,
      ConvTransposeOptions<1>{.stride = stride, .padding = padding, .output_padding = output_padding, .groups = groups, .dilation = dilation});
}
/// By position.
template <WholeNumber Stride>
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, Stride stride, ExpandingArray<2> padding = 0,
                        ExpandingArray<2> output_padding = 0, int64_t groups = 1, ExpandingArray<2> dilation = 1) {
  return conv_transpose2d(
      x, weight, bias,
      ConvTransposeOptions<2>{.stride = stride, .padding = padding, .output_padding = output_padding, .groups = groups, .dilation = dilation});
}

/// A list is the stride, as in PyTorch, and not the fields of the options: conv2d(x, weight, bias, {2, 1}).
template <WholeNumber T>
Tensor conv2d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, std::initializer_list<T> stride, ConvPadding<2> padding = 0,
              ExpandingArray<2> dilation = 1, int64_t groups = 1) {
  return conv2d(x, weight, bias, ConvOptions<2>{.stride = detail::stride_of(stride), .padding = padding, .dilation = dilation, .groups = groups});
}
/// A list is the stride.
template <WholeNumber T>
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, std::initializer_list<T> stride,
                        ExpandingArray<2> padding = 0, ExpandingArray<2> output_padding = 0, int64_t groups = 1, ExpandingArray<2> dilation = 1) {
  return conv_transpose2d(
      x, weight, bias,
      {.stride = detail::stride_of(stride), .padding = padding, .output_padding = output_padding, .groups = groups, .dilation = dilation});
}
/// By position.
template <WholeNumber Stride>
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, Stride stride, ExpandingArray<3> padding = 0,
                        ExpandingArray<3> output_padding = 0, int64_t groups = 1, ExpandingArray<3> dilation = 1) {
  return conv_transpose3d(
      x, weight, bias,
      ConvTransposeOptions<3>{.stride = stride, .padding = padding, .output_padding = output_padding, .groups = groups, .dilation = dilation});
}
/// A list is the stride.
template <WholeNumber T>
Tensor conv3d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, std::initializer_list<T> stride, ConvPadding<3> padding = 0,
              ExpandingArray<3> dilation = 1, int64_t groups = 1) {
  return conv3d(x, weight, bias, ConvOptions<3>{.stride = detail::stride_of<3>(stride), .padding = padding, .dilation = dilation, .groups = groups});
}
/// A list is the stride.
template <WholeNumber T>
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, std::initializer_list<T> stride,
                        ExpandingArray<3> padding = 0, ExpandingArray<3> output_padding = 0, int64_t groups = 1, ExpandingArray<3> dilation = 1) {
  return conv_transpose3d(
      x, weight, bias,
      {.stride = detail::stride_of<3>(stride), .padding = padding, .output_padding = output_padding, .groups = groups, .dilation = dilation});
}

/// How float32 convolutions of 3 x 3 kernels at stride 1, dilation 1, padding up to 2 and in one group are computed, forward and
/// backward. All others, and float64, are always the direct sum.
///
/// Errors against float64 as measured by tests/kernels/conv_test.cpp, the rms of the error over the rms of the exact result, for
/// y and dx: Direct 4e-7 and Winograd 3e-7 with 64 channels (PyTorch's are 2e-7), WinogradLarge 8e-7; for dw all are below 1e-6
/// (PyTorch's 1e-6 to 4e-6).
///
/// A NaN of the input reaches the same outputs with all of them. An infinity turns those outputs into NaN where the direct sum may
/// give an infinity; and sums of inputs near the largest number, 3e38, may overflow.
enum class ConvAlgorithm : std::uint8_t {
  Auto,           ///< Winograd where a model of the costs says that it is faster, else Direct
  Direct,         ///< the sum as it is defined
  Winograd,       ///< F(2x2, 3x3) of Lavin & Gray 2015 wherever it is possible
  WinogradLarge,  ///< F(4x4, 3x3): up to 1.7 times as fast as Winograd, but less exact. Never taken by Auto
};
/// For all threads, from the next convolution on. A forward and its backward need not agree.
void set_conv_algorithm(ConvAlgorithm algorithm);
ConvAlgorithm get_conv_algorithm();

struct UnfoldOptions {
  ExpandingArray<2> dilation = 1, padding = 0, stride = 1;
};
/// The patches of (N, C, H, W) as columns: (N, C kh kw, patches). As torch.nn.functional.unfold.
Tensor unfold(const Tensor& x, ExpandingArray<2> kernel_size, UnfoldOptions options = {});
/// Adds columns up to images of output_size: the gradient of unfold.
Tensor fold(const Tensor& x, ExpandingArray<2> output_size, ExpandingArray<2> kernel_size, UnfoldOptions options = {});
/// By position: unfold(x, 3, {2, 1}) has these dilations.
template <WholeNumber T>
Tensor unfold(const Tensor& x, ExpandingArray<2> kernel_size, std::initializer_list<T> dilation, ExpandingArray<2> padding = 0,
              ExpandingArray<2> stride = 1) {
  return unfold(x, kernel_size, UnfoldOptions{detail::stride_of(dilation), padding, stride});
}
/// By position.
template <WholeNumber T>
Tensor fold(const Tensor& x, ExpandingArray<2> output_size, ExpandingArray<2> kernel_size, std::initializer_list<T> dilation,
            ExpandingArray<2> padding = 0, ExpandingArray<2> stride = 1) {
  return fold(x, output_size, kernel_size, UnfoldOptions{detail::stride_of(dilation), padding, stride});
}

enum class PadMode : std::uint8_t { Constant, Reflect, Replicate, Circular };
/// `pad` lists (left, right) of the last dimension, then of the one before, and so on; negative numbers cut.
Tensor pad(const Tensor& x, IntArrayRef pad, PadMode mode = PadMode::Constant, double value = 0);
Tensor pad(const Tensor& x, IntArrayRef pad, const char* mode, double value = 0);  ///< "constant", "reflect", "replicate", "circular"

}  // namespace ember
