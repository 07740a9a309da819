// Layers that rearrange, pad or resize. As the modules of the same names in torch.nn.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/conv.h>
#include <ember/ops/embedding.h>

namespace ember::nn {

/// (N, C, H, W) -> (N, C H W), in PyTorch's order whatever the memory layout.
class Flatten final : public Module {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1) : start_dim(start_dim), end_dim(end_dim) {}
  Tensor forward(const Tensor& x) override { return x.flatten(start_dim, end_dim); }
  Flatten clone() const;
  std::string extra_repr() const override;
  const int64_t start_dim, end_dim;
};
class Unflatten final : public Module {
 public:
  Unflatten(int64_t dim, IntArrayRef sizes) : dim(dim), sizes(sizes.shape()) {}
  Tensor forward(const Tensor& x) override { return x.unflatten(dim, sizes); }
  Unflatten clone() const;
  std::string extra_repr() const override;
  const int64_t dim;
  const Shape sizes;
};

/// (left, right, top, bottom), or one number for all four.
class Pad2dBase : public Module {
 public:
  Pad2dBase(ExpandingArray<4> padding, PadMode mode, double value = 0) : padding(padding), value(value), mode_(mode) {}
  Tensor forward(const Tensor& x) final;
  std::string extra_repr() const override;
  const ExpandingArray<4> padding;
  const double value;

 private:
  const PadMode mode_;
};
class ZeroPad2d final : public Pad2dBase {
 public:
  explicit ZeroPad2d(ExpandingArray<4> padding) : Pad2dBase(padding, PadMode::Constant) {}
  ZeroPad2d clone() const;
};
class ConstantPad2d final : public Pad2dBase {
 public:
  ConstantPad2d(ExpandingArray<4> padding, double value) : Pad2dBase(padding, PadMode::Constant, value) {}
  ConstantPad2d clone() const;
  std::string extra_repr() const override;
};
class ReflectionPad2d final : public Pad2dBase {
 public:
  explicit ReflectionPad2d(ExpandingArray<4> padding) : Pad2dBase(padding, PadMode::Reflect) {}
  ReflectionPad2d clone() const;
};
class ReplicationPad2d final : public Pad2dBase {
 public:
  explicit ReplicationPad2d(ExpandingArray<4> padding) : Pad2dBase(padding, PadMode::Replicate) {}
  ReplicationPad2d clone() const;
};
class CircularPad2d final : public Pad2dBase {
 public:
  explicit CircularPad2d(ExpandingArray<4> padding) : Pad2dBase(padding, PadMode::Circular) {}
  CircularPad2d clone() const;
};

class PixelShuffle final : public Module {
 public:
  explicit PixelShuffle(int64_t upscale_factor) : upscale_factor(upscale_factor) {}
  Tensor forward(const Tensor& x) override { return pixel_shuffle(x, upscale_factor); }
  PixelShuffle clone() const;
  std::string extra_repr() const override;
  const int64_t upscale_factor;
};
class Upsample final : public Module {
 public:
  explicit Upsample(InterpolateOptions options) : options(std::move(options)) {}
  Tensor forward(const Tensor& x) override { return interpolate(x, options); }
  Upsample clone() const;
  std::string extra_repr() const override;
  const InterpolateOptions options;
};
class Unfold final : public Module {
 public:
  explicit Unfold(ExpandingArray<2> kernel_size, UnfoldOptions options = {}) : kernel_size(kernel_size), options(options) {}
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
  Fold(ExpandingArray<2> output_size, ExpandingArray<2> kernel_size, UnfoldOptions options = {})
      : output_size(output_size), kernel_size(kernel_size), options(options) {}
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
