// Convolution layers. As torch.nn.Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/conv.h>

namespace ember::nn {

/// What lies around the input; by PyTorch's word as well: `.padding_mode = "reflect"`. Throws ValueError for another word.
class PaddingMode {
 public:
  enum Kind : std::uint8_t { Zeros, Reflect, Replicate, Circular };
  constexpr PaddingMode(Kind kind) : kind_(kind) {}
  PaddingMode(const char* word);
  constexpr operator Kind() const { return kind_; }

 private:
  Kind kind_;
};

template <int N>
struct ConvLayerOptions {
  ExpandingArray<N> stride = 1;
  ConvPadding<N> padding = 0;
  ExpandingArray<N> dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  PaddingMode padding_mode = PaddingMode::Zeros;
};
template <int N>
struct ConvTransposeLayerOptions {
  ExpandingArray<N> stride = 1, padding = 0, output_padding = 0;
  int64_t groups = 1;
  bool bias = true;
  ExpandingArray<N> dilation = 1;
};

/// What Conv1d, Conv2d and Conv3d share. weight (out, in / groups, kernel...) and bias (out) start uniform in ±1/sqrt(in / groups * kernel).
template <int N>
class ConvBase : public Module {
 public:
  ConvBase(int64_t in_channels, int64_t out_channels, ExpandingArray<N> kernel_size, ConvLayerOptions<N> options);
  std::string extra_repr() const override;

  Tensor& weight = add_parameter("weight");
  Tensor& bias = add_parameter("bias");  ///< undefined without bias
  const int64_t in_channels, out_channels;
  const ExpandingArray<N> kernel_size;
  const ConvLayerOptions<N> options;

 protected:
  /// The input with its borders, and what padding is left to the convolution.
  Tensor padded(const Tensor& x, ConvOptions<N>& call) const;
};

/// (N, C, L) -> (N, O, L'). As torch.nn.Conv1d.
class Conv1d final : public ConvBase<1> {
 public:
  Conv1d(int64_t in_channels, int64_t out_channels, ExpandingArray<1> kernel_size, ConvLayerOptions<1> options = {});
  /// PyTorch's positions: Conv1d(3, 4, 3, 1, 1).
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  Conv1d(int64_t in_channels, int64_t out_channels, ExpandingArray<1> kernel_size, Stride stride, ConvPadding<1> padding = 0,
         ExpandingArray<1> dilation = 1, int64_t groups = 1, bool bias = true)
      : Conv1d(in_channels, out_channels, kernel_size, ConvLayerOptions<1>{stride, padding, dilation, groups, bias}) {}
  Tensor forward(const Tensor& x) override;
  Conv1d clone() const;
};
/// (N, C, H, W) -> (N, O, H', W'). As torch.nn.Conv2d.
class Conv2d final : public ConvBase<2> {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, ConvLayerOptions<2> options = {});
  /// PyTorch's positions: Conv2d(3, 4, 3, 1, 1).
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  Conv2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, Stride stride, ConvPadding<2> padding = 0,
         ExpandingArray<2> dilation = 1, int64_t groups = 1, bool bias = true)
      : Conv2d(in_channels, out_channels, kernel_size, ConvLayerOptions<2>{stride, padding, dilation, groups, bias}) {}
  template <class T>
    requires std::is_integral_v<T>  // {2, 1} is a stride, as in PyTorch
  Conv2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, std::initializer_list<T> stride, ConvPadding<2> padding = 0,
         ExpandingArray<2> dilation = 1, int64_t groups = 1, bool bias = true)
      : Conv2d(in_channels, out_channels, kernel_size, ConvLayerOptions<2>{ember::detail::stride_of(stride), padding, dilation, groups, bias}) {}
  Tensor forward(const Tensor& x) override;
  Tensor forward_then(const Tensor& x, const Then& then) override;
  Conv2d clone() const;
};
/// (N, C, D, H, W) -> (N, O, D', H', W'). As torch.nn.Conv3d.
class Conv3d final : public ConvBase<3> {
 public:
  Conv3d(int64_t in_channels, int64_t out_channels, ExpandingArray<3> kernel_size, ConvLayerOptions<3> options = {})
      : ConvBase(in_channels, out_channels, kernel_size, options) {}
  /// PyTorch's positions: Conv3d(3, 4, 3, 1, 1).
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  Conv3d(int64_t in_channels, int64_t out_channels, ExpandingArray<3> kernel_size, Stride stride, ConvPadding<3> padding = 0,
         ExpandingArray<3> dilation = 1, int64_t groups = 1, bool bias = true)
      : ConvBase(in_channels, out_channels, kernel_size, {stride, padding, dilation, groups, bias}) {}
  template <class T>
    requires std::is_integral_v<T>
  Conv3d(int64_t in_channels, int64_t out_channels, ExpandingArray<3> kernel_size, std::initializer_list<T> stride, ConvPadding<3> padding = 0,
         ExpandingArray<3> dilation = 1, int64_t groups = 1, bool bias = true)
      : ConvBase(in_channels, out_channels, kernel_size, {ember::detail::stride_of<3>(stride), padding, dilation, groups, bias}) {}
  Tensor forward(const Tensor& x) override;
  Conv3d clone() const;
};

template <int N>
class ConvTransposeBase : public Module {
 public:
  ConvTransposeBase(int64_t in_channels, int64_t out_channels, ExpandingArray<N> kernel_size, ConvTransposeLayerOptions<N> options);
  std::string extra_repr() const override;

  Tensor& weight = add_parameter("weight");  ///< (in, out / groups, kernel...)
  Tensor& bias = add_parameter("bias");
  const int64_t in_channels, out_channels;
  const ExpandingArray<N> kernel_size;
  const ConvTransposeLayerOptions<N> options;
};
class ConvTranspose1d final : public ConvTransposeBase<1> {
 public:
  ConvTranspose1d(int64_t in_channels, int64_t out_channels, ExpandingArray<1> kernel_size, ConvTransposeLayerOptions<1> options = {})
      : ConvTransposeBase(in_channels, out_channels, kernel_size, options) {}
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  ConvTranspose1d(int64_t in_channels, int64_t out_channels, ExpandingArray<1> kernel_size, Stride stride, ExpandingArray<1> padding = 0,
                  ExpandingArray<1> output_padding = 0, int64_t groups = 1, bool bias = true, ExpandingArray<1> dilation = 1)
      : ConvTransposeBase(in_channels, out_channels, kernel_size, {stride, padding, output_padding, groups, bias, dilation}) {}
  Tensor forward(const Tensor& x) override;
  ConvTranspose1d clone() const;
};
class ConvTranspose2d final : public ConvTransposeBase<2> {
 public:
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, ConvTransposeLayerOptions<2> options = {})
      : ConvTransposeBase(in_channels, out_channels, kernel_size, options) {}
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, Stride stride, ExpandingArray<2> padding = 0,
                  ExpandingArray<2> output_padding = 0, int64_t groups = 1, bool bias = true, ExpandingArray<2> dilation = 1)
      : ConvTransposeBase(in_channels, out_channels, kernel_size, {stride, padding, output_padding, groups, bias, dilation}) {}
  template <class T>
    requires std::is_integral_v<T>
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, std::initializer_list<T> stride,
                  ExpandingArray<2> padding = 0, ExpandingArray<2> output_padding = 0, int64_t groups = 1, bool bias = true,
                  ExpandingArray<2> dilation = 1)
      : ConvTransposeBase(in_channels, out_channels, kernel_size,
                          {ember::detail::stride_of(stride), padding, output_padding, groups, bias, dilation}) {}
  Tensor forward(const Tensor& x) override;
  ConvTranspose2d clone() const;
};
class ConvTranspose3d final : public ConvTransposeBase<3> {
 public:
  ConvTranspose3d(int64_t in_channels, int64_t out_channels, ExpandingArray<3> kernel_size, ConvTransposeLayerOptions<3> options = {})
      : ConvTransposeBase(in_channels, out_channels, kernel_size, options) {}
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  ConvTranspose3d(int64_t in_channels, int64_t out_channels, ExpandingArray<3> kernel_size, Stride stride, ExpandingArray<3> padding = 0,
                  ExpandingArray<3> output_padding = 0, int64_t groups = 1, bool bias = true, ExpandingArray<3> dilation = 1)
      : ConvTransposeBase(in_channels, out_channels, kernel_size, {stride, padding, output_padding, groups, bias, dilation}) {}
  template <class T>
    requires std::is_integral_v<T>
  ConvTranspose3d(int64_t in_channels, int64_t out_channels, ExpandingArray<3> kernel_size, std::initializer_list<T> stride,
                  ExpandingArray<3> padding = 0, ExpandingArray<3> output_padding = 0, int64_t groups = 1, bool bias = true,
                  ExpandingArray<3> dilation = 1)
      : ConvTransposeBase(in_channels, out_channels, kernel_size,
                          {ember::detail::stride_of<3>(stride), padding, output_padding, groups, bias, dilation}) {}
  Tensor forward(const Tensor& x) override;
  ConvTranspose3d clone() const;
};

}  // namespace ember::nn
