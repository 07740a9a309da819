// Layers by PyTorch's names.
#include "bind/module_binding.h"
#include "bind/reduction.h"

#include <ember/nn/batch_norm.h>
#include <ember/nn/conv.h>
#include <ember/nn/dropout.h>
#include <ember/nn/linear.h>
#include <ember/nn/norm.h>
#include <ember/nn/pool.h>
#include <ember/nn/shape.h>

#include <deque>

namespace ember::parity {
namespace {

template <int N>
ConvPadding<N> padding_of(const Argument& padding) {
  if (padding.is_text()) return padding.text().c_str();
  return ExpandingArray<N>(padding.operator ExpandingArray<N>());
}

nn::PaddingMode mode_of(const std::string& word) {
  if (word == "zeros") return nn::PaddingMode::Zeros;
  if (word == "reflect") return nn::PaddingMode::Reflect;
  if (word == "replicate") return nn::PaddingMode::Replicate;
  if (word == "circular") return nn::PaddingMode::Circular;
  throw ValueError("padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got padding_mode='" + word + "'");
}

template <int N>
nn::ConvLayerOptions<N> conv_options(Args& a) {
  return {.stride = a[3], .padding = padding_of<N>(a[4]), .dilation = a[5], .groups = a[6], .bias = a[7], .padding_mode = mode_of(a[8])};
}
template <int N>
nn::ConvTransposeLayerOptions<N> transpose_options(Args& a) {
  if (a[9].text() != "zeros") throw ValueError("Only \"zeros\" padding mode is supported for ConvTranspose");
  return {.stride = a[3], .padding = a[4], .output_padding = a[5], .groups = a[6], .bias = a[7], .dilation = a[8]};
}

nn::BatchNormOptions norm_options(Args& a) {
  return {.eps = a[1],
          .momentum = a[2].is_none() ? nn::Momentum(None) : nn::Momentum(a[2].real()),
          .affine = a[3],
          .track_running_stats = a[4],
          .bias = a[5]};
}

template <int N>
ExpandingArray<N> stride_or_kernel(const Argument& stride) {
  return stride.is_none() || (stride.is_list() && stride.ints().empty()) ? ExpandingArray<N>(kSameAsKernel)
                                                                         : ExpandingArray<N>(stride.operator ExpandingArray<N>());
}

template <class Pool, int N>
BoundModule max_pool_of(Args& a) {
  auto pool = bound(Pool(a[0], {.stride = stride_or_kernel<N>(a[1]), .padding = a[2], .dilation = a[3], .ceil_mode = a[5]}));
  if (a[4].boolean()) {
    auto* m = static_cast<Pool*>(pool.module.get());
    pool.forward = [m](Args& x) { return Result(m->forward_with_indices(x[0].tensor())); };
  }
  return pool;
}

template <int N>
ExpandingArray<N> adaptive_size(const Argument& size) {
  if (!size.is_list()) return size.is_none() ? ExpandingArray<N>(nn::kKeepSize) : ExpandingArray<N>(size.integer());
  const List& list = *size.value().as<List>();
  ExpandingArray<N> sizes(0);
  for (std::size_t i = 0; i < N; ++i) sizes.values[i] = list.at(i).is_none() ? nn::kKeepSize : *list.at(i).as<int64_t>();
  return sizes;
}

template <class Pool, int N>
BoundModule adaptive_max_pool_of(Args& a) {
  auto pool = bound(Pool(adaptive_size<N>(a[0])));
  if (a[1].boolean()) {
    auto* m = static_cast<Pool*>(pool.module.get());
    pool.forward = [m](Args& x) { return Result(m->forward_with_indices(x[0].tensor())); };
  }
  return pool;
}

template <class Unpool, int N>
BoundModule max_unpool_of(Args& a) {
  const ExpandingArray<N> kernel = a[0], padding = a[2];
  const ExpandingArray<N> stride = stride_or_kernel<N>(a[1]);
  auto pool = bound(nn::Identity());
  pool.module = std::make_unique<Unpool>(kernel, MaxUnpoolOptions<N>{.stride = stride, .padding = padding});
  pool.forward_signature = "input indices output_size=None";
  pool.forward = [=](Args& x) {
    MaxUnpoolOptions<N> o{.stride = stride, .padding = padding};
    if (!x[2].is_none()) o.output_size = x[2].ints();
    return Result(Unpool(kernel, o)(x[0].tensor(), x[1].tensor()));
  };
  return pool;
}

template <class Pool, int N>
BoundModule lp_pool_of(Args& a) {
  return bound(Pool(a[0], a[1], {.stride = stride_or_kernel<N>(a[2]), .ceil_mode = a[3]}));
}

InterpolateOptions upsample_options(Args& a) {
  static std::deque<std::string> words;  // the options keep a pointer
  words.push_back(a[2]);
  InterpolateOptions o{
      .mode = words.back().c_str(), .align_corners = !a[3].is_none() && a[3].boolean(), .recompute_scale_factor = !a[4].is_none() && a[4].boolean()};
  if (!a[0].is_none()) o.size = a[0].ints();
  if (!a[1].is_none()) o.scale_factor = a[1].reals();
  return o;
}

InterpolateOptions sizes_or_factors(Args& a) {
  InterpolateOptions o;
  if (!a[0].is_none()) o.size = a[0].ints();
  if (!a[1].is_none()) o.scale_factor = a[1].reals();
  return o;
}

EmbeddingOptions embedding_options(Args& a) {
  return {.padding_idx = a[2].integer_or(INT64_MIN), .max_norm = a[3].real_or(0), .norm_type = a[4], .scale_grad_by_freq = a[5]};
}

ModuleTable convolutions_and_norms() {
  constexpr const char* kConv = "in_channels out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=True padding_mode='zeros'";
  constexpr const char*
      kTranspose = "in_channels out_channels kernel_size stride=1 padding=0 output_padding=0 groups=1 bias=True dilation=1 padding_mode='zeros'";
  constexpr const char* kNorm = "num_features eps=1e-5 momentum=0.1 affine=True track_running_stats=True * bias=True";
  constexpr const char* kInstance = "num_features eps=1e-5 momentum=0.1 affine=False track_running_stats=False * bias=True";
  return {
      {"nn.Conv1d", kConv, [](Args& a) { return bound(nn::Conv1d(a[0], a[1], a[2], conv_options<1>(a))); }},
      {"nn.Conv2d", kConv, [](Args& a) { return bound(nn::Conv2d(a[0], a[1], a[2], conv_options<2>(a))); }},
      {"nn.Conv3d", kConv, [](Args& a) { return bound(nn::Conv3d(a[0], a[1], a[2], conv_options<3>(a))); }},
      {"nn.ConvTranspose3d", kTranspose, [](Args& a) { return bound(nn::ConvTranspose3d(a[0], a[1], a[2], transpose_options<3>(a))); }},
      {"nn.ConvTranspose1d", kTranspose, [](Args& a) { return bound(nn::ConvTranspose1d(a[0], a[1], a[2], transpose_options<1>(a))); }},
      {"nn.ConvTranspose2d", kTranspose, [](Args& a) { return bound(nn::ConvTranspose2d(a[0], a[1], a[2], transpose_options<2>(a))); }},
      {"nn.BatchNorm1d", kNorm, [](Args& a) { return bound(nn::BatchNorm1d(a[0], norm_options(a))); }},
      {"nn.BatchNorm2d", kNorm, [](Args& a) { return bound(nn::BatchNorm2d(a[0], norm_options(a))); }},
      {"nn.BatchNorm3d", kNorm, [](Args& a) { return bound(nn::BatchNorm3d(a[0], norm_options(a))); }},
      {"nn.InstanceNorm1d", kInstance, [](Args& a) { return bound(nn::InstanceNorm1d(a[0], {a[1], a[2].real_or(0), a[3], a[4], a[5]})); }},
      {"nn.InstanceNorm2d", kInstance, [](Args& a) { return bound(nn::InstanceNorm2d(a[0], {a[1], a[2].real_or(0), a[3], a[4], a[5]})); }},
      {"nn.InstanceNorm3d", kInstance, [](Args& a) { return bound(nn::InstanceNorm3d(a[0], {a[1], a[2].real_or(0), a[3], a[4], a[5]})); }},
      {"nn.LayerNorm", "normalized_shape eps=1e-5 elementwise_affine=True bias=True",
       [](Args& a) { return bound(nn::LayerNorm(IntArrayRef(a[0].ints()), {a[1], a[2], a[3]})); }},
      {"nn.GroupNorm", "num_groups num_channels eps=1e-5 affine=True * bias=True",
       [](Args& a) { return bound(nn::GroupNorm(a[0], a[1], {a[2], a[3], a[4]})); }},
      {"nn.RMSNorm", "normalized_shape eps=None elementwise_affine=True",
       [](Args& a) { return bound(nn::RMSNorm(IntArrayRef(a[0].ints()), {a[1].real_or(-1), a[2]})); }},
  };
}

ModuleTable pooling_and_shapes() {
  constexpr const char* kMax = "kernel_size stride=None padding=0 dilation=1 return_indices=False ceil_mode=False";
  return {
      {"nn.MaxPool1d", kMax, max_pool_of<nn::MaxPool1d, 1>},
      {"nn.MaxPool2d", kMax, max_pool_of<nn::MaxPool2d, 2>},
      {"nn.MaxPool3d", kMax, max_pool_of<nn::MaxPool3d, 3>},
      {"nn.MaxUnpool1d", "kernel_size stride=None padding=0", max_unpool_of<nn::MaxUnpool1d, 1>},
      {"nn.MaxUnpool2d", "kernel_size stride=None padding=0", max_unpool_of<nn::MaxUnpool2d, 2>},
      {"nn.MaxUnpool3d", "kernel_size stride=None padding=0", max_unpool_of<nn::MaxUnpool3d, 3>},
      {"nn.LPPool1d", "norm_type kernel_size stride=None ceil_mode=False", lp_pool_of<nn::LPPool1d, 1>},
      {"nn.LPPool2d", "norm_type kernel_size stride=None ceil_mode=False", lp_pool_of<nn::LPPool2d, 2>},
      {"nn.LPPool3d", "norm_type kernel_size stride=None ceil_mode=False", lp_pool_of<nn::LPPool3d, 3>},
      {"nn.AvgPool1d", "kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True",
       [](Args& a) {
         return bound(nn::AvgPool1d(a[0], {.stride = stride_or_kernel<1>(a[1]), .padding = a[2], .ceil_mode = a[3], .count_include_pad = a[4]}));
       }},
      {"nn.AvgPool2d", "kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True divisor_override=None",
       [](Args& a) {
         return bound(nn::AvgPool2d(a[0], {.stride = stride_or_kernel<2>(a[1]),
                                           .padding = a[2],
                                           .ceil_mode = a[3],
                                           .count_include_pad = a[4],
                                           .divisor_override = a[5].integer_or(kSameAsKernelSize)}));
       }},
      {"nn.AvgPool3d", "kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True divisor_override=None",
       [](Args& a) {
         return bound(nn::AvgPool3d(a[0], {.stride = stride_or_kernel<3>(a[1]),
                                           .padding = a[2],
                                           .ceil_mode = a[3],
                                           .count_include_pad = a[4],
                                           .divisor_override = a[5].integer_or(kSameAsKernelSize)}));
       }},
      {"nn.AdaptiveAvgPool1d", "output_size", [](Args& a) { return bound(nn::AdaptiveAvgPool1d(a[0])); }},
      {"nn.AdaptiveAvgPool2d", "output_size", [](Args& a) { return bound(nn::AdaptiveAvgPool2d(adaptive_size<2>(a[0]))); }},
      {"nn.AdaptiveAvgPool3d", "output_size", [](Args& a) { return bound(nn::AdaptiveAvgPool3d(adaptive_size<3>(a[0]))); }},
      {"nn.AdaptiveMaxPool1d", "output_size return_indices=False", adaptive_max_pool_of<nn::AdaptiveMaxPool1d, 1>},
      {"nn.AdaptiveMaxPool2d", "output_size return_indices=False", adaptive_max_pool_of<nn::AdaptiveMaxPool2d, 2>},
      {"nn.AdaptiveMaxPool3d", "output_size return_indices=False", adaptive_max_pool_of<nn::AdaptiveMaxPool3d, 3>},
      {"nn.Flatten", "start_dim=1 end_dim=-1", [](Args& a) { return bound(nn::Flatten(a[0], a[1])); }},
      {"nn.Unflatten", "dim unflattened_size", [](Args& a) { return bound(nn::Unflatten(a[0].integer(), a[1].ints())); }},
      {"nn.ZeroPad1d", "padding", [](Args& a) { return bound(nn::ZeroPad1d(a[0])); }},
      {"nn.ConstantPad1d", "padding value", [](Args& a) { return bound(nn::ConstantPad1d(a[0], a[1])); }},
      {"nn.ReflectionPad1d", "padding", [](Args& a) { return bound(nn::ReflectionPad1d(a[0])); }},
      {"nn.ReplicationPad1d", "padding", [](Args& a) { return bound(nn::ReplicationPad1d(a[0])); }},
      {"nn.CircularPad1d", "padding", [](Args& a) { return bound(nn::CircularPad1d(a[0])); }},
      {"nn.ZeroPad2d", "padding", [](Args& a) { return bound(nn::ZeroPad2d(a[0])); }},
      {"nn.ConstantPad2d", "padding value", [](Args& a) { return bound(nn::ConstantPad2d(a[0], a[1])); }},
      {"nn.ReflectionPad2d", "padding", [](Args& a) { return bound(nn::ReflectionPad2d(a[0])); }},
      {"nn.ReplicationPad2d", "padding", [](Args& a) { return bound(nn::ReplicationPad2d(a[0])); }},
      {"nn.CircularPad2d", "padding", [](Args& a) { return bound(nn::CircularPad2d(a[0])); }},
      {"nn.ZeroPad3d", "padding", [](Args& a) { return bound(nn::ZeroPad3d(a[0])); }},
      {"nn.ConstantPad3d", "padding value", [](Args& a) { return bound(nn::ConstantPad3d(a[0], a[1])); }},
      {"nn.ReflectionPad3d", "padding", [](Args& a) { return bound(nn::ReflectionPad3d(a[0])); }},
      {"nn.ReplicationPad3d", "padding", [](Args& a) { return bound(nn::ReplicationPad3d(a[0])); }},
      {"nn.CircularPad3d", "padding", [](Args& a) { return bound(nn::CircularPad3d(a[0])); }},
      {"nn.PixelUnshuffle", "downscale_factor", [](Args& a) { return bound(nn::PixelUnshuffle(a[0])); }},
      {"nn.ChannelShuffle", "groups", [](Args& a) { return bound(nn::ChannelShuffle(a[0])); }},
      {"nn.UpsamplingNearest2d", "size=None scale_factor=None", [](Args& a) { return bound(nn::UpsamplingNearest2d(sizes_or_factors(a))); }},
      {"nn.UpsamplingBilinear2d", "size=None scale_factor=None", [](Args& a) { return bound(nn::UpsamplingBilinear2d(sizes_or_factors(a))); }},
      {"nn.LocalResponseNorm", "size alpha=1e-4 beta=0.75 k=1.0", [](Args& a) { return bound(nn::LocalResponseNorm(a[0], a[1], a[2], a[3])); }},
      {"nn.Bilinear", "in1_features in2_features out_features bias=True",
       [](Args& a) { return bound(nn::Bilinear(a[0], a[1], a[2], {.bias = a[3]})); }},
      {"nn.PixelShuffle", "upscale_factor", [](Args& a) { return bound(nn::PixelShuffle(a[0])); }},
      {"nn.Upsample", "size=None scale_factor=None mode='nearest' align_corners=None recompute_scale_factor=None",
       [](Args& a) { return bound(nn::Upsample(upsample_options(a))); }},
      {"nn.Unfold", "kernel_size dilation=1 padding=0 stride=1",
       [](Args& a) { return bound(nn::Unfold(a[0], {.dilation = a[1], .padding = a[2], .stride = a[3]})); }},
      {"nn.Fold", "output_size kernel_size dilation=1 padding=0 stride=1",
       [](Args& a) { return bound(nn::Fold(a[0], a[1], {.dilation = a[2], .padding = a[3], .stride = a[4]})); }},
      {"nn.Embedding", "num_embeddings embedding_dim padding_idx=None max_norm=None norm_type=2.0 scale_grad_by_freq=False sparse=~False",
       [](Args& a) { return bound(nn::Embedding(a[0], a[1], embedding_options(a))); }},
  };
}

}  // namespace

ModuleTable layer_modules() {
  ModuleTable all{
      {"nn.Identity", "*args", [](Args&) { return bound(nn::Identity()); }},
      {"nn.Linear", "in_features out_features bias=True", [](Args& a) { return bound(nn::Linear(a[0], a[1], {.bias = a[2]})); }},
      {"nn.Dropout", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout(a[0], a[1])); }},
      {"nn.Dropout1d", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout1d(a[0], a[1])); }},
      {"nn.Dropout2d", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout2d(a[0], a[1])); }},
      {"nn.Dropout3d", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout3d(a[0], a[1])); }},
      {"nn.FeatureAlphaDropout", "p=0.5 inplace=False", [](Args& a) { return bound(nn::FeatureAlphaDropout(a[0], a[1])); }},
      {"nn.AlphaDropout", "p=0.5 inplace=False", [](Args& a) { return bound(nn::AlphaDropout(a[0], a[1])); }},
  };
  for (auto* table : {convolutions_and_norms, pooling_and_shapes})
    for (const ModuleRow& row : table()) all.push_back(row);
  return all;
}

}  // namespace ember::parity
