// Modules that change shapes: Flatten, Unflatten, paddings, pixels as channels, other resolutions.
#include <ember/nn/init.h>
#include <ember/nn/shape.h>
#include <ember/ops/grid.h>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {
namespace {

template <int N>
std::string shown(const ExpandingArray<N>& values) {
  for (int i = 1; i < N; ++i)
    if (values[i] != values[0]) return python_repr(values);
  return std::to_string(values[0]);
}

std::string shown(const UnfoldOptions& o) {
  return fmt::format("dilation={}, padding={}, stride={}", shown(o.dilation), shown(o.padding), shown(o.stride));
}

}  // namespace

std::string Flatten::extra_repr() const { return fmt::format("start_dim={}, end_dim={}", start_dim, end_dim); }
std::string Unflatten::extra_repr() const { return fmt::format("dim={}, unflattened_size={}", dim, python_repr(IntArrayRef(sizes))); }

template <int N>
Tensor PadBase<N>::forward(const Tensor& x) {
  return pad(x, IntArrayRef(padding.values, 2 * N), mode_, value);
}
template <int N>
std::string PadBase<N>::extra_repr() const {
  return python_repr(padding);
}
template class PadBase<1>;
template class PadBase<2>;
template class PadBase<3>;
std::string ConstantPad1d::extra_repr() const { return fmt::format("padding={}, value={}", python_repr(padding), python_repr(value)); }
std::string ConstantPad2d::extra_repr() const { return fmt::format("padding={}, value={}", python_repr(padding), python_repr(value)); }
std::string ConstantPad3d::extra_repr() const { return fmt::format("padding={}, value={}", python_repr(padding), python_repr(value)); }

std::string PixelShuffle::extra_repr() const { return fmt::format("upscale_factor={}", upscale_factor); }
std::string PixelUnshuffle::extra_repr() const { return fmt::format("downscale_factor={}", downscale_factor); }
Tensor ChannelShuffle::forward(const Tensor& x) { return channel_shuffle(x, groups); }
std::string ChannelShuffle::extra_repr() const { return fmt::format("groups={}", groups); }

static InterpolateOptions as_mode(InterpolateOptions options, const char* mode, bool align_corners) {
  options.mode = mode;
  options.align_corners = align_corners;
  return options;
}
UpsamplingNearest2d::UpsamplingNearest2d(InterpolateOptions options) : options(as_mode(std::move(options), "nearest", false)) {}
std::string UpsamplingNearest2d::extra_repr() const { return Upsample(options).extra_repr(); }
UpsamplingBilinear2d::UpsamplingBilinear2d(InterpolateOptions options) : options(as_mode(std::move(options), "bilinear", true)) {}
std::string UpsamplingBilinear2d::extra_repr() const { return Upsample(options).extra_repr(); }

std::string Upsample::extra_repr() const {
  const auto list = [](const auto& values, auto show) {
    return values.size() == 1 ? show(values[0]) : [&] {
      std::string text = "(" + show(values[0]);
      for (std::size_t i = 1; i < values.size(); ++i) text += ", " + show(values[i]);
      return text + ")";
    }();
  };
  if (!options.scale_factor.empty())
    return fmt::format("scale_factor={}, mode='{}'", list(options.scale_factor, [](double v) { return python_repr(v); }), options.mode);
  return fmt::format("size={}, mode='{}'", list(options.size, [](int64_t v) { return std::to_string(v); }), options.mode);
}
std::string Unfold::extra_repr() const { return fmt::format("kernel_size={}, {}", shown(kernel_size), shown(options)); }
std::string Fold::extra_repr() const {
  return fmt::format("output_size={}, kernel_size={}, {}", shown(output_size), shown(kernel_size), shown(options));
}

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, EmbeddingOptions o)
    : num_embeddings(num_embeddings), embedding_dim(embedding_dim), options(o) {
  if (o.padding_idx != INT64_MIN) {
    check<ValueError>(o.padding_idx < num_embeddings && o.padding_idx >= -num_embeddings, "Padding_idx must be within num_embeddings");
    if (o.padding_idx < 0) options.padding_idx += num_embeddings;
  }
  set_parameter(weight, empty({num_embeddings, embedding_dim}));
  init::normal_(weight);
  if (o.padding_idx != INT64_MIN) init::zeros_(weight.detach().select(0, options.padding_idx));
}

std::string Embedding::extra_repr() const {
  std::string text = fmt::format("{}, {}", num_embeddings, embedding_dim);
  if (options.padding_idx != INT64_MIN) text += fmt::format(", padding_idx={}", options.padding_idx);
  if (options.max_norm > 0) text += fmt::format(", max_norm={}", python_repr(options.max_norm));
  if (options.norm_type != 2) text += fmt::format(", norm_type={}", python_repr(options.norm_type));
  if (options.scale_grad_by_freq) text += ", scale_grad_by_freq=True";
  return text;
}

}  // namespace ember::nn
