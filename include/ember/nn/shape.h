// Layers that rearrange, pad or resize. As the modules of the same names in torch.nn.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/conv.h>
#include <ember/ops/embedding.h>

namespace ember::nn {

/// (N, C, H, W) -> (N, C H W), in PyTorch's order whatever the memory layout.
class Flatten final : public Module {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1);
  Tensor forward(const Tensor& x) override { return x.flatten(start_dim, end_dim); }
  Flatten clone() const;
  std::string extra_repr() const override;
  const int64_t start_dim, end_dim;
};
class Unflatten final : public Module {
 public:
  Unflatten(int64_t dim, IntArrayRef sizes);
  Tensor forward(const Tensor& x) override { return x.unflatten(dim, sizes); }
  Unflatten clone() const;
  std::string extra_repr() const override;
  const int64_t dim;
  const Shape sizes;
};

/// (left, right), (left, right, top, bottom) or (left, right, top, bottom, front, back), or one number for all.
template <int N>
class PadBase : public Module {
 public:
  PadBase(ExpandingArray<2 * N> padding, PadMode mode, double value = 0) : padding(padding), value(value), mode_(mode) {}
  Tensor forward(const Tensor& x) final;
  std::string extra_repr() const override;
  const ExpandingArray<2 * N> padding;
  const double value;

 private:
  const PadMode mode_;
};
class ZeroPad1d final : public PadBase<1> {
 public:
  explicit ZeroPad1d(ExpandingArray<2> padding);
  ZeroPad1d clone() const;
};
class ConstantPad1d final : public PadBase<1> {
 public:
  ConstantPad1d(ExpandingArray<2> padding, double value);
  ConstantPad1d clone() const;
  std::string extra_repr() const override;
};
class ReflectionPad1d final : public PadBase<1> {
 public:
  explicit ReflectionPad1d(ExpandingArray<2> padding);
  ReflectionPad1d clone() const;
};
class ReplicationPad1d final : public PadBase<1> {
 public:
  explicit ReplicationPad1d(ExpandingArray<2> padding);
  ReplicationPad1d clone() const;
};
class CircularPad1d final : public PadBase<1> {
 public:
  explicit CircularPad1d(ExpandingArray<2> padding);
  CircularPad1d clone() const;
};
class ZeroPad2d final : public PadBase<2> {
 public:
  explicit ZeroPad2d(ExpandingArray<4> padding);
  ZeroPad2d clone() const;
};
class ConstantPad2d final : public PadBase<2> {
 public:
  ConstantPad2d(ExpandingArray<4> padding, double value);
  ConstantPad2d clone() const;
  std::string extra_repr() const override;
};
class ReflectionPad2d final : public PadBase<2> {
 public:
  explicit ReflectionPad2d(ExpandingArray<4> padding);
  ReflectionPad2d clone() const;
};
class ReplicationPad2d final : public PadBase<2> {
 public:
  explicit ReplicationPad2d(ExpandingArray<4> padding);
  ReplicationPad2d clone() const;
};
class CircularPad2d final : public PadBase<2> {
 public:
  explicit CircularPad2d(ExpandingArray<4> padding);
  CircularPad2d clone() const;
};
class ZeroPad3d final : public PadBase<3> {
 public:
  explicit ZeroPad3d(ExpandingArray<6> padding);
  ZeroPad3d clone() const;
};
class ConstantPad3d final : public PadBase<3> {
 public:
  ConstantPad3d(ExpandingArray<6> padding, double value);
  ConstantPad3d clone() const;
  std::string extra_repr() const override;
};
class ReflectionPad3d final : public PadBase<3> {
 public:
  explicit ReflectionPad3d(ExpandingArray<6> padding);
  ReflectionPad3d clone() const;
};
class ReplicationPad3d final : public PadBase<3> {
 public:
  explicit ReplicationPad3d(ExpandingArray<6> padding);
  ReplicationPad3d clone() const;
};
class CircularPad3d final : public PadBase<3> {
 public:
  explicit CircularPad3d(ExpandingArray<6> padding);
  CircularPad3d clone() const;
};

class PixelShuffle final : public Module {
 public:
  explicit PixelShuffle(int64_t upscale_factor);
  Tensor forward(const Tensor& x) override { return pixel_shuffle(x, upscale_factor); }
  PixelShuffle clone() const;
  std::string extra_repr() const override;
  const int64_t upscale_factor;
};
class PixelUnshuffle final : public Module {
 public:
  explicit PixelUnshuffle(int64_t downscale_factor);
  Tensor forward(const Tensor& x) override { return pixel_unshuffle(x, downscale_factor); }
  PixelUnshuffle clone() const;
  std::string extra_repr() const override;
  const int64_t downscale_factor;
};
class ChannelShuffle final : public Module {
 public:
  explicit ChannelShuffle(int64_t groups);
  Tensor forward(const Tensor& x) override;
  ChannelShuffle clone() const;
  std::string extra_repr() const override;
  const int64_t groups;
};
class Upsample final : public Module {
 public:
  explicit Upsample(InterpolateOptions options);
  Tensor forward(const Tensor& x) override { return interpolate(x, options); }
  Upsample clone() const;
  std::string extra_repr() const override;
  const InterpolateOptions options;
};
/// Upsample by name, of images.
class UpsamplingNearest2d final : public Module {
 public:
  explicit UpsamplingNearest2d(InterpolateOptions options);
  Tensor forward(const Tensor& x) override { return interpolate(x, options); }
  UpsamplingNearest2d clone() const;
  std::string extra_repr() const override;
  const InterpolateOptions options;
};
/// The same with weights of neighbours, corners on corners.
class UpsamplingBilinear2d final : public Module {
 public:
  explicit UpsamplingBilinear2d(InterpolateOptions options);
  Tensor forward(const Tensor& x) override { return interpolate(x, options); }
  UpsamplingBilinear2d clone() const;
  std::string extra_repr() const override;
  const InterpolateOptions options;
};
class Unfold final : public Module {
 public:
  explicit Unfold(ExpandingArray<2> kernel_size, UnfoldOptions options = {});
  template <WholeNumber T>  // {2, 1} is a dilation, as in PyTorch
  Unfold(ExpandingArray<2> kernel_size, std::initializer_list<T> dilation, ExpandingArray<2> padding = 0, ExpandingArray<2> stride = 1)
      : Unfold(kernel_size, UnfoldOptions{ember::detail::stride_of(dilation), padding, stride}) {}
  Tensor forward(const Tensor& x) override { return unfold(x, kernel_size, options); }
  Unfold clone() const;
  std::string extra_repr() const override;
  const ExpandingArray<2> kernel_size;
  const UnfoldOptions options;
};
class Fold final : public Module {
 public:
  Fold(ExpandingArray<2> output_size, ExpandingArray<2> kernel_size, UnfoldOptions options = {});
  Tensor forward(const Tensor& x) override { return fold(x, output_size, kernel_size, options); }
  Fold clone() const;
  std::string extra_repr() const override;
  const ExpandingArray<2> output_size, kernel_size;
  const UnfoldOptions options;
};

/// Vectors for numbered things: indices (*) -> (*, embedding_dim). weight starts normal; the row padding_idx is 0.
class Embedding final : public Module {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim, EmbeddingOptions options = {});
  Tensor forward(const Tensor& indices) override { return embedding(indices, weight, options); }
  Embedding clone() const;
  std::string extra_repr() const override;
  const int64_t num_embeddings, embedding_dim;
  EmbeddingOptions options;
  Tensor& weight = add_parameter("weight");
};

}  // namespace ember::nn
