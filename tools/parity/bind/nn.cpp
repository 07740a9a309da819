// The functions of torch.nn.functional that are not losses: activations, convolutions, pooling, normalisation, dropout, the rest.
#include "bind/binding.h"

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/conv.h>
#include <ember/ops/dropout.h>
#include <ember/ops/embedding.h>
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
      {"nn.functional.softmax", "input dim=None _stacklevel=3 dtype=None",
       [](Args& a) { return softmax(a[0], softmax_dim(a[0], a[1]), a[3]); }},
      {"nn.functional.softmin", "input dim=None _stacklevel=3 dtype=None",
       [](Args& a) { return softmin(a[0], softmax_dim(a[0], a[1]), a[3]); }},
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

Result pad_of(Args& a) {
  return pad(a[0], a[1].ints(), pad_mode(a[2].text()), a[3].real_or(0));
}

Result interpolate_of(Args& a) {
  const std::string mode = a[3].text();
  for (const char* other : {"area", "bicubic", "trilinear", "nearest-exact", "lanczos"})
    if (mode == other) throw Unsupported("kwarg mode='" + mode + "' of nn.functional.interpolate");
  if (a[0].tensor().dim() == 5) throw Unsupported("nn.functional.interpolate of 5 dimensions");
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
      {"nn.functional.conv_transpose1d conv_transpose1d", kTranspose,
       [](Args& a) { return conv_transpose1d(a[0], a[1], a[2], transpose_options<1>(a)); }},
      {"nn.functional.conv_transpose2d conv_transpose2d", kTranspose,
       [](Args& a) { return conv_transpose2d(a[0], a[1], a[2], transpose_options<2>(a)); }},
      {"nn.functional.unfold", "input kernel_size dilation=1 padding=0 stride=1",
       [](Args& a) { return unfold(a[0], a[1], {.dilation = a[2], .padding = a[3], .stride = a[4]}); }},
      {"nn.functional.fold", "input output_size kernel_size dilation=1 padding=0 stride=1",
       [](Args& a) { return fold(a[0], a[1], a[2], {.dilation = a[3], .padding = a[4], .stride = a[5]}); }},
      {"nn.functional.pad", "input pad mode='constant' value=None", pad_of},
      {"nn.functional.pixel_shuffle pixel_shuffle", "input upscale_factor", [](Args& a) { return pixel_shuffle(a[0], a[1]); }},
      {"nn.functional.pixel_unshuffle pixel_unshuffle", "input downscale_factor",
       [](Args& a) { return pixel_unshuffle(a[0], a[1]); }},
      {"nn.functional.interpolate",
       "input size=None scale_factor=None mode='nearest' align_corners=None recompute_scale_factor=None antialias=~False",
       interpolate_of},
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

Result max_pool1d_of(Args& a) {
  if (a[6].boolean()) return max_pool1d_with_indices(a[0], a[1], max_pool_options<1>(a));
  return max_pool1d(a[0], a[1], max_pool_options<1>(a));
}
Result max_pool2d_of(Args& a) {
  if (a[6].boolean()) return max_pool2d_with_indices(a[0], a[1], max_pool_options<2>(a));
  return max_pool2d(a[0], a[1], max_pool_options<2>(a));
}
Result adaptive_max_pool2d_of(Args& a) {
  const ExpandingArray<2> size = adaptive_size<2>(a[0], a[1]);
  if (a[2].boolean()) return adaptive_max_pool2d_with_indices(a[0], size);
  return adaptive_max_pool2d(a[0], size);
}
Result max_unpool2d_of(Args& a) {
  std::vector<int64_t> size;
  if (!a[5].is_none()) size = a[5].ints();
  return max_unpool2d(a[0], a[1], a[2], {.stride = pool_stride<2>(a[3]), .padding = a[4], .output_size = size});
}

Table pools() {
  return {
      {"nn.functional.max_pool1d",
       "input kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False", max_pool1d_of},
      {"nn.functional.max_pool2d",
       "input kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False", max_pool2d_of},
      {"nn.functional.max_unpool2d", "input indices kernel_size stride=None padding=0 output_size=None", max_unpool2d_of},
      {"nn.functional.avg_pool1d", "input kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True",
       [](Args& a) {
         return avg_pool1d(a[0], a[1], {.stride = pool_stride<1>(a[2]), .padding = a[3], .ceil_mode = a[4], .count_include_pad = a[5]});
       }},
      {"nn.functional.avg_pool2d",
       "input kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True divisor_override=None",
       [](Args& a) {
         return avg_pool2d(a[0], a[1], {.stride = pool_stride<2>(a[2]), .padding = a[3], .ceil_mode = a[4], .count_include_pad = a[5],
                                        .divisor_override = a[6].integer_or(kSameAsKernelSize)});
       }},
      {"nn.functional.adaptive_avg_pool1d", "input output_size",
       [](Args& a) { return adaptive_avg_pool1d(a[0], adaptive_size<1>(a[0], a[1])); }},
      {"nn.functional.adaptive_avg_pool2d", "input output_size",
       [](Args& a) { return adaptive_avg_pool2d(a[0], adaptive_size<2>(a[0], a[1])); }},
      {"nn.functional.adaptive_max_pool2d", "input output_size return_indices=False", adaptive_max_pool2d_of},
  };
}

Table norms() {
  return {
      {"nn.functional.batch_norm",
       "input running_mean running_var weight=None bias=None training=False momentum=0.1 eps=1e-5",
       [](Args& a) { return batch_norm(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]); }},
      {"nn.functional.layer_norm", "input normalized_shape weight=None bias=None eps=1e-5",
       [](Args& a) { return layer_norm(a[0], a[1].ints(), a[2], a[3], a[4]); }},
      {"nn.functional.group_norm", "input num_groups weight=None bias=None eps=1e-5",
       [](Args& a) { return group_norm(a[0], a[1], a[2], a[3], a[4]); }},
      {"nn.functional.instance_norm",
       "input running_mean=None running_var=None weight=None bias=None use_input_stats=True momentum=0.1 eps=1e-5",
       [](Args& a) { return instance_norm(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]); }},
      {"nn.functional.rms_norm rms_norm", "input normalized_shape weight=None eps=None",
       [](Args& a) { return rms_norm(a[0], a[1].ints(), a[2], a[3].real_or(-1)); }},
      {"nn.functional.normalize", "input p=2.0 dim=1 eps=1e-12 out=~None",
       [](Args& a) { return normalize(a[0], a[1], a[2], a[3]); }},
      {"nn.functional.embedding",
       "input weight padding_idx=None max_norm=None norm_type=2.0 scale_grad_by_freq=False sparse=~False",
       [](Args& a) {
         return embedding(a[0], a[1], {.padding_idx = a[2].integer_or(INT64_MIN), .max_norm = a[3].real_or(0), .norm_type = a[4],
                                       .scale_grad_by_freq = a[5]});
       }},
      {"nn.functional.one_hot", "tensor num_classes=-1", [](Args& a) { return one_hot(a[0], a[1]); }},
      {"nn.functional.dropout", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.dropout1d", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout1d(a[0], {.p = a[1], .training = a[2]})); }},
      {"nn.functional.dropout2d", "input p=0.5 training=True inplace=False",
       [](Args& a) { return in_place_if(a[3], a[0], dropout2d(a[0], {.p = a[1], .training = a[2]})); }},
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
