// The functions of torch.nn.functional that are not losses: activations, convolutions, pooling, normalisation, dropout, the rest.
#include "bind/binding.h"

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/conv.h>
#include <ember/ops/dropout.h>
#include <ember/ops/embedding.h>
#include <ember/ops/grid.h>
#include <ember/ops/norm.h>
#include <ember/ops/pool.h>

namespace ember::parity {
namespace {

/// `inplace=True` writes the result into the input.
Tensor in_place_if(const Argument& inplace, const Tensor& x, const Tensor& y) {
  if (!inplace.boolean()) return y;
  check_inplace(x);
  return assign_inplace(x, y);
}

/// What softmax takes when no dim is named, as PyTorch does with a warning.
int64_t softmax_dim(const Tensor& x, const Argument& dim) {
  if (!dim.is_none()) return dim.integer();
  return x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1;
}

Table activations() {
  return {
      {"relu* nn.functional.relu", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], relu(a[0])); }},
      {"Tensor.relu_ nn.functional.relu_", "input", [](Args& a) { return assign_inplace(a[0], relu(a[0])); }},
      {"nn.functional.relu6", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], relu6(a[0])); }},
      {"nn.functional.leaky_relu", "input negative_slope=0.01 inplace=False",
       [](Args& a) { return in_place_if(a[2], a[0], leaky_relu(a[0], a[1])); }},
      {"nn.functional.elu", "input alpha=1.0 inplace=False", [](Args& a) { return in_place_if(a[2], a[0], elu(a[0], a[1])); }},
      {"nn.functional.selu selu", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], selu(a[0])); }},
      {"nn.functional.celu celu", "input alpha=1.0 inplace=False", [](Args& a) { return in_place_if(a[2], a[0], celu(a[0], a[1])); }},
      {"nn.functional.gelu", "input * approximate='none'", [](Args& a) { return gelu(a[0], a[1].text().c_str()); }},
      {"nn.functional.silu", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], silu(a[0])); }},
      {"nn.functional.mish", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], mish(a[0])); }},
      {"nn.functional.softplus", "input beta=1 threshold=20", [](Args& a) { return softplus(a[0], a[1], a[2]); }},
      {"nn.functional.softsign", "input", [](Args& a) { return softsign(a[0]); }},
      {"nn.functional.rrelu rrelu", "input lower=0.125 upper=0.3333333333333333 training=False inplace=False",
       [](Args& a) { return in_place_if(a[4], a[0], rrelu(a[0], {a[1], a[2], a[3]})); }},
      {"nn.functional.gumbel_softmax", "logits tau=1 hard=False eps=1e-10 dim=-1", [](Args& a) { return gumbel_softmax(a[0], {a[1], a[2], a[4]}); }},
      {"nn.functional.hardtanh", "input min_val=-1.0 max_val=1.0 inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], hardtanh(a[0], a[1], a[2])); }},
      {"nn.functional.hardswish", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], hardswish(a[0])); }},
      {"nn.functional.hardsigmoid", "input inplace=False", [](Args& a) { return in_place_if(a[1], a[0], hardsigmoid(a[0])); }},
      {"nn.functional.logsigmoid", "input", [](Args& a) { return logsigmoid(a[0]); }},
      {"nn.functional.threshold threshold", "input threshold value inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], threshold(a[0], a[1], a[2])); }},
      {"nn.functional.prelu prelu*", "input weight", [](Args& a) { return prelu(a[0], a[1]); }},
      {"nn.functional.glu", "input dim=-1", [](Args& a) { return glu(a[0], a[1]); }},
      {"nn.functional.tanhshrink", "input", [](Args& a) { return tanhshrink(a[0]); }},
      {"nn.functional.softshrink", "input lambd=0.5", [](Args& a) { return softshrink(a[0], a[1]); }},
      {"nn.functional.hardshrink Tensor.hardshrink", "input lambd=0.5", [](Args& a) { return hardshrink(a[0], a[1]); }},
      {"nn.functional.softmax", "input dim=None _stacklevel=3 dtype=None", [](Args& a) { return softmax(a[0], softmax_dim(a[0], a[1]), a[3]); }},
      {"nn.functional.softmin", "input dim=None _stacklevel=3 dtype=None", [](Args& a) { return softmin(a[0], softmax_dim(a[0], a[1]), a[3]); }},
      {"nn.functional.log_softmax", "input dim=None _stacklevel=3 dtype=None",
       [](Args& a) { return log_softmax(a[0], softmax_dim(a[0], a[1]), a[3]); }},
      {"softmax* special.softmax", "input dim dtype=None", [](Args& a) { return softmax(a[0], a[1], a[2]); }},
      {"log_softmax* special.log_softmax", "input dim dtype=None", [](Args& a) { return log_softmax(a[0], a[1], a[2]); }},
  };
}

template <int N>
ConvPadding<N> conv_padding(const Argument& padding) {
  if (padding.is_text()) return padding.text().c_str();
  return ExpandingArray<N>(padding.operator ExpandingArray<N>());
}

template <int N>
ConvOptions<N> conv_options(Args& a) {
  return {.stride = a[3], .padding = conv_padding<N>(a[4]), .dilation = a[5], .groups = a[6]};
}
template <int N>
ConvTransposeOptions<N> transpose_options(Args& a) {
  return {.stride = a[3], .padding = a[4], .output_padding = a[5], .groups = a[6], .dilation = a[7]};
}

PadMode pad_mode(const std::string& mode) {
  if (mode == "constant") return PadMode::Constant;
  if (mode == "reflect") return PadMode::Reflect;
  if (mode == "replicate") return PadMode::Replicate;
  if (mode == "circular") return PadMode::Circular;
  throw NotImplementedError("Unrecognised padding mode " + mode);
}

Result pad_of(Args& a) { return pad(a[0], a[1].ints(), pad_mode(a[2].text()), a[3].real_or(0)); }

Result interpolate_of(Args& a) {
  const std::string mode = a[3].text();
  if (mode == "lanczos") throw Unsupported("kwarg mode='lanczos' of nn.functional.interpolate");
  InterpolateOptions options{.mode = mode.c_str(), .align_corners = a[4].boolean(), .recompute_scale_factor = a[5].boolean()};
  if (!a[1].is_none()) options.size = a[1].ints();
  if (!a[2].is_none()) options.scale_factor = a[2].reals();
  return interpolate(a[0], options);
}

Table convolutions() {
  constexpr const char* kConv = "input weight bias=None stride=1 padding=0 dilation=1 groups=1";
  constexpr const char* kTranspose = "input weight bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1";
  return {
      {"nn.functional.conv1d conv1d", kConv, [](Args& a) { return conv1d(a[0], a[1], a[2], conv_options<1>(a)); }},
      {"nn.functional.conv2d conv2d", kConv, [](Args& a) { return conv2d(a[0], a[1], a[2], conv_options<2>(a)); }},
      {"nn.functional.conv3d conv3d", kConv, [](Args& a) { return conv3d(a[0], a[1], a[2], conv_options<3>(a)); }},
      {"nn.functional.conv_transpose3d conv_transpose3d", kTranspose,
       [](Args& a) { return conv_transpose3d(a[0], a[1], a[2], transpose_options<3>(a)); }},
      {"nn.functional.conv_transpose1d conv_transpose1d", kTranspose,
       [](Args& a) { return conv_transpose1d(a[0], a[1], a[2], transpose_options<1>(a)); }},
      {"nn.functional.conv_transpose2d conv_transpose2d", kTranspose,
       [](Args& a) { return conv_transpose2d(a[0], a[1], a[2], transpose_options<2>(a)); }},
      {"nn.functional.unfold", "input kernel_size dilation=1 padding=0 stride=1",
       [](Args& a) { return unfold(a[0], a[1], {.dilation = a[2], .padding = a[3], .stride = a[4]}); }},
      {"nn.functional.fold", "input output_size kernel_size dilation=1 padding=0 stride=1",
       [](Args& a) { return fold(a[0], a[1], a[2], {.dilation = a[3], .padding = a[4], .stride = a[5]}); }},
      {"nn.functional.pad", "input pad mode='constant' value=None", pad_of},
      {"nn.functional.grid_sample", "input grid mode='bilinear' padding_mode='zeros' align_corners=None",
       [](Args& a) {
         const std::string mode = a[2], padding = a[3];
         return grid_sample(a[0], a[1], {.mode = mode.c_str(), .padding_mode = padding.c_str(), .align_corners = !a[4].is_none() && a[4].boolean()});
       }},
      {"nn.functional.affine_grid", "theta size align_corners=None",
       [](Args& a) { return affine_grid(a[0], a[1].ints(), !a[2].is_none() && a[2].boolean()); }},
      {"nn.functional.channel_shuffle channel_shuffle", "input groups", [](Args& a) { return channel_shuffle(a[0], a[1]); }},
      {"nn.functional.pixel_shuffle pixel_shuffle", "input upscale_factor", [](Args& a) { return pixel_shuffle(a[0], a[1]); }},
      {"nn.functional.pixel_unshuffle pixel_unshuffle", "input downscale_factor", [](Args& a) { return pixel_unshuffle(a[0], a[1]); }},
      {"nn.functional.interpolate",
       "input size=None scale_factor=None mode='nearest' align_corners=None recompute_scale_factor=None antialias=~False", interpolate_of},
  };
}

/// A pool's stride: that of the kernel when none is given.
template <int N>
ExpandingArray<N> pool_stride(const Argument& stride) {
  if (stride.is_none() || (stride.is_list() && stride.ints().empty())) return kSameAsKernel;
  return stride;
}

template <int N>
MaxPoolOptions<N> max_pool_options(Args& a) {
  return {.stride = pool_stride<N>(a[2]), .padding = a[3], .dilation = a[4], .ceil_mode = a[5]};
}

/// Output sizes in which None keeps the input's.
template <int N>
ExpandingArray<N> adaptive_size(const Tensor& x, const Argument& size) {
  const auto* list = size.value().as<List>();
  if (!list || list->size() != N) return size;
  static const std::string name = "output_size";
  ExpandingArray<N> sizes(0);
  for (int i = 0; i < N; ++i) {
    const Argument one((*list)[std::size_t(i)], name);
    sizes.values[i] = one.is_none() ? x.size(i - N) : one.integer();
  }
  return sizes;
}

/// A pool with and without its indices: names in the order of the dimensions.
template <int N>
Result max_pool_of(Args& a) {
  const MaxPoolOptions<N> o = max_pool_options<N>(a);
  const bool indices = a[6].boolean();
  if constexpr (N == 1) return indices ? Result(max_pool1d_with_indices(a[0], a[1], o)) : Result(max_pool1d(a[0], a[1], o));
  else if constexpr (N == 2) return indices ? Result(max_pool2d_with_indices(a[0], a[1], o)) : Result(max_pool2d(a[0], a[1], o));
  else return indices ? Result(max_pool3d_with_indices(a[0], a[1], o)) : Result(max_pool3d(a[0], a[1], o));
}
template <int N>
Result adaptive_max_pool_of(Args& a) {
  const ExpandingArray<N> size = adaptive_size<N>(a[0], a[1]);
  const bool indices = a[2].boolean();
  if constexpr (N == 1) return indices ? Result(adaptive_max_pool1d_with_indices(a[0], size)) : Result(adaptive_max_pool1d(a[0], size));
  else if constexpr (N == 2) return indices ? Result(adaptive_max_pool2d_with_indices(a[0], size)) : Result(adaptive_max_pool2d(a[0], size));
  else return indices ? Result(adaptive_max_pool3d_with_indices(a[0], size)) : Result(adaptive_max_pool3d(a[0], size));
}
template <int N>
MaxUnpoolOptions<N> unpool_options(Args& a) {
  return {.stride = pool_stride<N>(a[3]), .padding = a[4], .output_size = a[5].is_none() ? std::vector<int64_t>() : a[5].ints()};
}
template <int N>
AvgPoolOptions<N> avg_pool_options(Args& a) {
  return {.stride = pool_stride<N>(a[2]),
          .padding = a[3],
          .ceil_mode = a[4],
          .count_include_pad = a[5],
          .divisor_override = a[6].integer_or(kSameAsKernelSize)};
}
template <int N>
LpPoolOptions<N> lp_pool_options(Args& a) {
  return {.stride = pool_stride<N>(a[3]), .ceil_mode = a[4]};
}

Table pools() {
  constexpr const char* kMax = "input kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False";
  constexpr const char* kUnpool = "input indices kernel_size stride=None padding=0 output_size=None";
  constexpr const char* kAvg = "input kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True divisor_override=None";
  constexpr const char* kLp = "input norm_type kernel_size stride=None ceil_mode=False";
  return {
      {"nn.functional.max_pool1d", kMax, max_pool_of<1>},
      {"nn.functional.max_pool2d", kMax, max_pool_of<2>},
      {"nn.functional.max_pool3d", kMax, max_pool_of<3>},
      {"nn.functional.max_unpool1d", kUnpool, [](Args& a) { return max_unpool1d(a[0], a[1], a[2], unpool_options<1>(a)); }},
      {"nn.functional.max_unpool2d", kUnpool, [](Args& a) { return max_unpool2d(a[0], a[1], a[2], unpool_options<2>(a)); }},
      {"nn.functional.max_unpool3d", kUnpool, [](Args& a) { return max_unpool3d(a[0], a[1], a[2], unpool_options<3>(a)); }},
      {"nn.functional.lp_pool1d", kLp, [](Args& a) { return lp_pool1d(a[0], a[1], a[2], lp_pool_options<1>(a)); }},
      {"nn.functional.lp_pool2d", kLp, [](Args& a) { return lp_pool2d(a[0], a[1], a[2], lp_pool_options<2>(a)); }},
      {"nn.functional.lp_pool3d", kLp, [](Args& a) { return lp_pool3d(a[0], a[1], a[2], lp_pool_options<3>(a)); }},
      {"nn.functional.avg_pool1d", "input kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True",
       [](Args& a) {
         return avg_pool1d(a[0], a[1], {.stride = pool_stride<1>(a[2]), .padding = a[3], .ceil_mode = a[4], .count_include_pad = a[5]});
       }},
      {"nn.functional.avg_pool2d", kAvg, [](Args& a) { return avg_pool2d(a[0], a[1], avg_pool_options<2>(a)); }},
      {"nn.functional.avg_pool3d", kAvg, [](Args& a) { return avg_pool3d(a[0], a[1], avg_pool_options<3>(a)); }},
      {"nn.functional.adaptive_avg_pool1d", "input output_size", [](Args& a) { return adaptive_avg_pool1d(a[0], adaptive_size<1>(a[0], a[1])); }},
      {"nn.functional.adaptive_avg_pool2d", "input output_size", [](Args& a) { return adaptive_avg_pool2d(a[0], adaptive_size<2>(a[0], a[1])); }},
      {"nn.functional.adaptive_avg_pool3d", "input output_size", [](Args& a) { return adaptive_avg_pool3d(a[0], adaptive_size<3>(a[0], a[1])); }},
      {"nn.functional.adaptive_max_pool1d", "input output_size return_indices=False", adaptive_max_pool_of<1>},
      {"nn.functional.adaptive_max_pool2d", "input output_size return_indices=False", adaptive_max_pool_of<2>},
      {"nn.functional.adaptive_max_pool3d", "input output_size return_indices=False", adaptive_max_pool_of<3>},
  };
}

Table norms() {
  return {
      {"nn.functional.batch_norm", "input running_mean running_var weight=None bias=None training=False momentum=0.1 eps=1e-5",
       [](Args& a) { return batch_norm(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]); }},
      {"nn.functional.layer_norm", "input normalized_shape weight=None bias=None eps=1e-5",
       [](Args& a) { return layer_norm(a[0], a[1].ints(), a[2], a[3], a[4]); }},
      {"nn.functional.group_norm", "input num_groups weight=None bias=None eps=1e-5",
       [](Args& a) { return group_norm(a[0], a[1], a[2], a[3], a[4]); }},
      {"nn.functional.instance_norm", "input running_mean=None running_var=None weight=None bias=None use_input_stats=True momentum=0.1 eps=1e-5",
       [](Args& a) { return instance_norm(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]); }},
      {"nn.functional.rms_norm rms_norm", "input normalized_shape weight=None eps=None",
       [](Args& a) { return rms_norm(a[0], a[1].ints(), a[2], a[3].real_or(-1)); }},
      {"nn.functional.local_response_norm", "input size alpha=1e-4 beta=0.75 k=1.0",
       [](Args& a) { return local_response_norm(a[0], a[1], a[2], a[3], a[4]); }},
      {"nn.functional.normalize", "input p=2.0 dim=1 eps=1e-12 out=~None", [](Args& a) { return normalize(a[0], a[1], a[2], a[3]); }},
      {"nn.functional.embedding", "input weight padding_idx=None max_norm=None norm_type=2.0 scale_grad_by_freq=False sparse=~False",
       [](Args& a) {
         return embedding(a[0], a[1],
                          {.padding_idx = a[2].integer_or(INT64_MIN), .max_norm = a[3].real_or(0), .norm_type = a[4], .scale_grad_by_freq = a[5]});
       }},
      {"nn.functional.one_hot", "tensor num_classes=-1", [](Args& a) { return one_hot(a[0], a[1]); }},
      {"nn.functional.dropout", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.dropout1d", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout1d(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.dropout2d", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout2d(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.dropout3d", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout3d(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.feature_alpha_dropout", "input p=0.5 training=False inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], feature_alpha_dropout(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.alpha_dropout", "input p=0.5 training=False inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], alpha_dropout(a[0], {.p = a[1], .training = a[2]})); }},
  };
}

}  // namespace

Table nn_table() {
  Table all = activations();
  for (auto* part : {convolutions, pools, norms})
    for (Row& row : part()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
