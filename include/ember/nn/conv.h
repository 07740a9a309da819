// Convolution layers. As torch.nn.Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/conv.h>

namespace ember::nn {

enum class PaddingMode : std::uint8_t { Zeros, Reflect, Replicate, Circular };

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

/// What Conv1d and Conv2d share. weight (out, in / groups, kernel...) and bias (out) start uniform in ±1/sqrt(in / groups * kernel).
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
  Tensor forward(const Tensor& x) override;
};
/// (N, C, H, W) -> (N, O, H', W'). As torch.nn.Conv2d.
class Conv2d final : public ConvBase<2> {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, ConvLayerOptions<2> options = {});
  Tensor forward(const Tensor& x) override;
  Tensor forward_then(const Tensor& x, const Then& then) override;
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
  Tensor forward(const Tensor& x) override;
};
class ConvTranspose2d final : public ConvTransposeBase<2> {
 public:
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, ExpandingArray<2> kernel_size, ConvTransposeLayerOptions<2> options = {})
      : ConvTransposeBase(in_channels, out_channels, kernel_size, options) {}
  Tensor forward(const Tensor& x) override;
};

}  // namespace ember::nn
