// A convolution of volumes is one of images: the slices that a kernel reaches along the depth lie side by side as channels, and the batch is
// all places of the kernel along the depth. All that images have (blocked loops, Winograd) serves volumes that way, and so do the gradients.
#include "ops/conv_volumes.h"

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

#include "autograd/recorder.h"
#include "kernels/conv/depth.h"
#include "ops/window_sizes.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

using kernels::DepthTaps;

Tensor sum_depth(const Tensor& given, const DepthTaps& taps);

/// (N, D, P, C) -> (N, D', P, groups x K x C / groups): D' places of a kernel with K taps along the depth.
Tensor stack_depth(const Tensor& given, const DepthTaps& taps) {
  const Tensor x = given.detach().contiguous();
  Tensor y = make_dense({taps.n, taps.places, taps.pixels, taps.taps * taps.channels}, x.dtype());
  with_real(x.dtype(), [&]<class T>(T) { kernels::stack_depth(taps, x.data<T>(), y.data<T>()); });
  return record("StackDepth", {given}, std::move(y), [taps](const Tensor& dy, Grads& grads) { grads.add(0, sum_depth(dy, taps)); });
}

/// The transpose.
Tensor sum_depth(const Tensor& given, const DepthTaps& taps) {
  const Tensor y = given.detach().contiguous();
  Tensor x = make_dense({taps.n, taps.depth, taps.pixels, taps.channels}, y.dtype());
  with_real(y.dtype(), [&]<class T>(T) { kernels::sum_depth(taps, y.data<T>(), x.data<T>()); });
  return record("SumDepth", {given}, std::move(x), [taps](const Tensor& dx, Grads& grads) { grads.add(0, stack_depth(dx, taps)); });
}

/// x (N, C, D, H, W) with its channels innermost, as (N, D, H W, C): a view where it lies like that.
Tensor channels_inside(const Tensor& x) { return x.permute({0, 2, 3, 4, 1}).contiguous().flatten(2, 3); }

/// (N, D, H W, C) as (N D, C, H, W) with its channels innermost.
Tensor as_images(const Tensor& x, int64_t h, int64_t w) { return x.view({x.size(0) * x.size(1), h, w, x.size(3)}).permute({0, 3, 1, 2}); }

/// (N D, C, H, W), mostly with its channels innermost, as (N, D, H, W, C).
Tensor as_slices(const Tensor& images, int64_t n, int64_t depth) {
  return images.permute({0, 2, 3, 1}).contiguous().view({n, depth, images.size(2), images.size(3), images.size(1)});
}

/// What a listener is told about either convolution as a whole.
Attributes geometry(const ExpandingArray<3>& stride, const ExpandingArray<3>& padding, const ExpandingArray<3>& dilation, int64_t groups) {
  const auto list = [](const ExpandingArray<3>& a) { return std::vector<int64_t>{a[0], a[1], a[2]}; };
  std::vector<int64_t> pads = list(padding);
  for (int i = 0; i < 3; ++i) pads.push_back(padding[i]);
  return {{"strides", list(stride)}, {"pads", pads}, {"dilations", list(dilation)}, {"group", {groups}}, {"relu", {0}}};
}

/// The weights (O, I, K, H, W) of volumes as those of images.
Tensor stacked_weights(const Tensor& w) { return w.transpose(1, 2).flatten(1, 2); }

}  // namespace

Tensor conv_volumes(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvOptions<3>& o) {
  const ExpandingArray<3>& padding = o.padding.numbers;
  const int64_t reach = window_reach(w.size(2), o.dilation[0]);
  DepthTaps taps{.n = x.size(0), .depth = x.size(2), .pixels = x.size(3) * x.size(4), .channels = x.size(1), .groups = o.groups, .taps = w.size(2)};
  taps.places = (x.size(2) + 2 * padding[0] - reach) / o.stride[0] + 1;
  taps.stride = o.stride[0], taps.padding = padding[0], taps.dilation = o.dilation[0];
  check_storable({taps.n, taps.places, taps.pixels, taps.taps * taps.channels});
  const Tensor slices = channels_inside(x);
  const Tensor images = as_images(taps.trivial() ? slices : stack_depth(slices, taps), x.size(3), x.size(4));
  const Tensor y = conv2d(
      images, stacked_weights(w), bias,
      {.stride = {o.stride[1], o.stride[2]}, .padding = {padding[1], padding[2]}, .dilation = {o.dilation[1], o.dilation[2]}, .groups = o.groups});
  return composed("Convolution", {x, w, bias}, as_slices(y, taps.n, taps.places).permute({0, 4, 1, 2, 3}),
                  [&] { return geometry(o.stride, padding, o.dilation, o.groups); });
}

Tensor conv_transpose_volumes(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvTransposeOptions<3>& o) {
  const int64_t out = w.size(1) * o.groups, n = x.size(0), depth = x.size(2);
  const Tensor images = as_images(channels_inside(x), x.size(3), x.size(4));
  const Tensor slices = conv_transpose2d(images, stacked_weights(w), {},
                                         {.stride = {o.stride[1], o.stride[2]},
                                          .padding = {o.padding[1], o.padding[2]},
                                          .output_padding = {o.output_padding[1], o.output_padding[2]},
                                          .groups = o.groups,
                                          .dilation = {o.dilation[1], o.dilation[2]}});
  const int64_t h = slices.size(2), width = slices.size(3);
  DepthTaps taps{.n = n, .pixels = h * width, .channels = out, .groups = o.groups, .taps = w.size(2), .places = depth};
  taps.depth = (depth - 1) * o.stride[0] - 2 * o.padding[0] + window_reach(w.size(2), o.dilation[0]) + o.output_padding[0];
  taps.stride = o.stride[0], taps.padding = o.padding[0], taps.dilation = o.dilation[0];
  const Tensor stacked = as_slices(slices, n, depth).flatten(2, 3);
  Tensor y = taps.trivial() ? stacked : sum_depth(stacked, taps);
  if (bias.defined()) y = y + bias;
  return composed("ConvolutionBackwardInput", {x, w, bias}, y.view({n, taps.depth, h, width, out}).permute({0, 4, 1, 2, 3}),
                  [&] { return geometry(o.stride, o.padding, o.dilation, o.groups); });
}

}  // namespace ember
