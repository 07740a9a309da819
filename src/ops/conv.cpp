// Convolutions. Three bilinear operations give each other's gradients, to any order: y = F(x, w), dx = G(dy, w), dw = H(x, dy).
#include <ember/ops/conv.h>

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/pool.h>
#include <ember/ops/reduce.h>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/conv/choice.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/pointwise.h"
#include "kernels/kernels.h"
#include "ops/addend.h"
#include "ops/conv_checks.h"
#include "ops/conv_volumes.h"
#include "ops/relu_backward.h"
#include "runtime/scratch.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// What stays the same between a convolution and its gradients: all in two dimensions.
struct Geometry {
  int64_t stride[2], padding[2], dilation[2];
  int64_t groups;
};

kernels::ConvShape shape_of(const Geometry& g, IntArrayRef x, IntArrayRef w, IntArrayRef y) {
  return {x[0],
          x[2],
          x[3],
          x[1],
          y[2],
          y[3],
          y[1],
          w[2],
          w[3],
          {g.stride[0], g.stride[1]},
          {g.padding[0], g.padding[1]},
          {g.dilation[0], g.dilation[1]},
          g.groups};
}

Tensor channels_last(const Tensor& x) { return x.is_contiguous(MemoryFormat::ChannelsLast) ? x : x.contiguous(MemoryFormat::ChannelsLast); }

bool lies_in_planes(const Tensor& x) { return x.is_contiguous() && !x.is_contiguous(MemoryFormat::ChannelsLast); }

Tensor empty_channels_last(IntArrayRef sizes, DType dtype) { return empty_strided(sizes, channels_last_strides(sizes), dtype); }

/// The sums over images and pixels. Few channels are summed some pixels side by side, as long rows; parts of the batch apart, for the
/// threads.
Tensor channel_sums(const Tensor& dy) {
  const Tensor pixels = dy.permute({0, 2, 3, 1});
  const int64_t channels = dy.sizes()[1], count = channels == 0 ? 0 : dy.numel() / channels;
  int64_t side = 1, parts = 1;
  while (2 * side * channels <= 64 && count % (2 * side) == 0) side *= 2;
  while (parts < 8 && count % (2 * parts * side) == 0) parts *= 2;
  if (!pixels.is_contiguous() || count < 64 * parts) return sum(pixels, {0, 1, 2});
  return sum(sum(pixels.view({parts, count / (parts * side), side * channels}), {1}).view({parts * side, channels}), {0});
}

Tensor input_gradient(const Tensor& dy, const Tensor& w, const Geometry& g, const Shape& x_sizes, const Tensor& bias = {});
Tensor weight_gradient(const Tensor& x, const Tensor& dy, const Geometry& g, const Shape& w_sizes, const Tensor& turned_x = {},
                       const Tensor& turned_dy = {});

void note_geometry(const char* name, const Geometry& g, bool relu) {
  note(name, [&] {
    return Attributes{{"strides", {g.stride[0], g.stride[1]}},
                      {"pads", {g.padding[0], g.padding[1], g.padding[0], g.padding[1]}},
                      {"dilations", {g.dilation[0], g.dilation[1]}},
                      {"group", {g.groups}},
                      {"relu", {relu}}};
  });
}

Tensor row_major(const Tensor& t) { return t.defined() ? t.detach().contiguous() : t; }

/// scale and shift of a batch norm by its running statistics, with that operation's roundings.
template <class T>
struct Affine {
  kernels::Scratch<T> scale, shift;

  Affine(const FixedNorm& norm, int64_t channels) : scale(channels), shift(channels) {
    const Tensor mean = row_major(norm.running_mean), var = row_major(norm.running_var), w = row_major(norm.weight), b = row_major(norm.bias);
    const kernels::Scratch<T> invstd(channels);
    const kernels::ChannelNumbers<T>& numbers = kernels::batch_norm_loops<T>().numbers;
    numbers.invstd_of_variance(channels, var.data<T>(), norm.eps, invstd);
    numbers.affine_of(channels, mean.data<T>(), invstd, static_cast<const T*>(w.data_or_null()), static_cast<const T*>(b.data_or_null()), scale,
                      shift);
  }
};

/// What a 1 x 1 kernel meets at strides.
template <class T>
Tensor met_pixels(kernels::ConvShape s, const Tensor& x) {
  s.planes = lies_in_planes(x);
  Tensor met = empty_channels_last({s.n, s.c, s.oh, s.ow}, x.dtype());
  kernels::copy_met_pixels<T>(s, (s.planes ? x.detach() : channels_last(x.detach())).template data<T>(), met.data<T>());
  return met;
}

/// y = F(x, w) + bias, then a ReLU or, where nothing is recorded, a tail with a norm.
Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& bias, const Geometry& g, const Shape& y_sizes, const Then& then = {}) {
  kernels::ConvShape shape = shape_of(g, x.sizes(), w.sizes(), y_sizes);
  const bool records = will_record({x, w, bias}), keeps = records && w.requires_grad();
  bool pools = false;
  const bool wants_pool = then.norm.defined() && then.max_pool;
  with_real(x.dtype(), [&](auto zero) {
    shape.planes = lies_in_planes(x) && kernels::conv_reads_planes<decltype(zero)>(shape);
    pools = wants_pool && shape.oh > 1 && shape.ow > 1 && kernels::conv_pools<decltype(zero)>(shape);
  });
  Tensor turned;  // what the kernels read of x, where that took a copy: the gradient of w reads it again
  Tensor y = empty_channels_last(pools ? Shape{shape.n, shape.o, shape.oh / 2, shape.ow / 2} : y_sizes, x.dtype());
  if (y.numel() > 0) {
    NoGradGuard no_grad;
    const Tensor weights = w.detach().contiguous(), offset = row_major(bias);
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const bool meets_some = keeps && kernels::meets_some_pixels(shape);
      const Tensor image = meets_some ? met_pixels<T>(shape, x) : shape.planes ? x.detach() : channels_last(x.detach());
      if (keeps && image.data_or_null() != x.data_or_null()) turned = image;
      if (meets_some) shape = kernels::shape_of_met(shape);
      kernels::ConvEpilogue<T> epilogue{.bias = static_cast<const T*>(offset.data_or_null()), .relu = then.relu};
      if (!then.norm.defined()) return kernels::conv_forward<T>(shape, image.data<T>(), weights.data<T>(), epilogue, y.data<T>());
      const Affine<T> affine(then.norm, y_sizes[1]);
      const Tensor addend = then.addend.defined() ? channels_last(then.addend.detach()) : Tensor();
      epilogue.scale = affine.scale;
      epilogue.shift = affine.shift;
      epilogue.pool = pools;
      epilogue.addend = static_cast<const T*>(addend.data_or_null());
      kernels::conv_forward<T>(shape, image.data<T>(), weights.data<T>(), epilogue, y.data<T>());
    });
  }
  if (wants_pool && !pools) return max_pool2d(y, 2);
  const Saved output = then.relu && records ? Saved::output(y) : Saved();
  note_geometry("Convolution", g, then.relu);
  return record("Convolution", {x, w, bias}, std::move(y),
                [x = Saved(x), w = Saved(w), turned, output, relu = then.relu, g](const Tensor& upstream, Grads& grads) {
                  const Tensor dy = relu ? relu_backward(upstream, output.get().detach()) : upstream;
                  if (grads.wants(0)) grads.add(0, input_gradient(dy, w.get(), g, x.get().sizes().shape()));
                  if (grads.wants(1)) grads.add(1, weight_gradient(x.get(), dy, g, w.get().sizes().shape(), turned));
                  if (grads.wants(2)) grads.add(2, channel_sums(dy));
                });
}

/// dx = G(dy, w) + bias
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Geometry& g, const Shape& x_sizes, const Tensor& bias) {
  Tensor dx = empty_channels_last(x_sizes, dy.dtype()), turned;
  if (dx.numel() > 0) {
    NoGradGuard no_grad;
    const kernels::ConvShape shape = shape_of(g, x_sizes, w.sizes(), dy.sizes());
    const Tensor upstream = channels_last(dy.detach()), weights = w.detach().contiguous(), offset = row_major(bias);
    with_real(dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      kernels::conv_backward_input<T>(shape, upstream.data<T>(), weights.data<T>(), static_cast<const T*>(offset.data_or_null()), dx.data<T>());
      if (upstream.data_or_null() != dy.data_or_null() && w.requires_grad()) turned = upstream;
    });
  }
  note_geometry("ConvolutionBackwardInput", g, false);
  return record("ConvolutionBackwardInput", {dy, w, bias}, std::move(dx), [dy = Saved(dy), w = Saved(w), turned, g](const Tensor& u, Grads& grads) {
    if (grads.wants(0)) grads.add(0, convolve(u, w.get(), {}, g, dy.get().sizes().shape()));
    if (grads.wants(1)) grads.add(1, weight_gradient(u, dy.get(), g, w.get().sizes().shape(), {}, turned));
    if (grads.wants(2)) grads.add(2, channel_sums(u));
  });
}

/// dw = H(x, dy). The turned ones are x, or those of its pixels that the kernel meets, and dy with their channels innermost, where somebody has them.
Tensor weight_gradient(const Tensor& x, const Tensor& dy, const Geometry& g, const Shape& w_sizes, const Tensor& turned_x, const Tensor& turned_dy) {
  Tensor dw = empty(w_sizes, x.dtype());
  {
    NoGradGuard no_grad;
    kernels::ConvShape shape = shape_of(g, x.sizes(), w_sizes, dy.sizes());
    const Tensor upstream = turned_dy.defined() ? turned_dy : channels_last(dy.detach());
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      shape.planes = !turned_x.defined() && lies_in_planes(x) && kernels::conv_weight_reads_planes<T>(shape);
      const Tensor image = turned_x.defined() ? turned_x : shape.planes ? x.detach() : channels_last(x.detach());
      if (image.sizes() != x.sizes()) shape = kernels::shape_of_met(shape);
      kernels::conv_backward_weight<T>(shape, image.data<T>(), upstream.data<T>(), dw.data<T>());
    });
  }
  return record("ConvolutionBackwardWeight", {x, dy}, std::move(dw), [x = Saved(x), dy = Saved(dy), g](const Tensor& v, Grads& grads) {
    if (grads.wants(0)) grads.add(0, input_gradient(dy.get(), v, g, x.get().sizes().shape()));
    if (grads.wants(1)) grads.add(1, convolve(x.get(), v, {}, g, dy.get().sizes().shape()));
  });
}

/// (C, L), (N, C, L), (C, H, W) or (N, C, H, W) as (N, C, H, W).
Tensor as_batch_of_images(const Tensor& x, int spatial) {
  Tensor y = x.dim() == spatial + 1 ? x.unsqueeze(0) : x;
  return spatial == 1 ? y.unsqueeze(2) : y;
}
Tensor back_to(const Tensor& y, const Tensor& x, int spatial) {
  const Tensor images = spatial == 1 ? y.squeeze(2) : y;
  return x.dim() == spatial + 1 ? images.squeeze(0) : images;
}

/// One dimension is the second of two.
template <int N>
Geometry geometry_of(const ExpandingArray<N>& stride, const ExpandingArray<N>& padding, const ExpandingArray<N>& dilation, int64_t groups) {
  Geometry g{{1, 1}, {0, 0}, {1, 1}, groups};
  for (int i = 0; i < N; ++i) {
    g.stride[i + 2 - N] = stride[i];
    g.padding[i + 2 - N] = padding[i];
    g.dilation[i + 2 - N] = dilation[i];
  }
  return g;
}

template <int N>
Tensor convolution(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvOptions<N>& given, const Then& then = {}) {
  ConvOptions<N> options = given;
  const Tensor input = without_same_padding(name, x, w, bias, options);
  const ExpandingArray<N>& padding = options.padding.numbers;
  Shape sizes = conv_sizes(input, w, bias, options.stride, padding, options.dilation, options.groups);
  if (then.addend.defined()) check_addend(then.addend, sizes, x.dtype());
  if constexpr (N == 3) {
    return back_to(conv_volumes(as_batch_of_images(input, 3), w, bias, options), x, 3);
  } else {
    if (N == 1) sizes.insert(2, 1);
    const Geometry g = geometry_of<N>(options.stride, padding, options.dilation, options.groups);
    return back_to(convolve(as_batch_of_images(input, N), N == 1 ? w.unsqueeze(2) : w, bias, g, sizes, then), x, N);
  }
}

template <int N>
Tensor transposed(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvTransposeOptions<N>& o) {
  Shape sizes = conv_transpose_sizes(name, x, w, bias, o);
  if constexpr (N == 3) {
    return back_to(conv_transpose_volumes(as_batch_of_images(x, 3), w, bias, o), x, 3);
  } else {
    if (N == 1) sizes.insert(2, 1);
    const Geometry g = geometry_of<N>(o.stride, o.padding, o.dilation, o.groups);
    return back_to(input_gradient(as_batch_of_images(x, N), N == 1 ? w.unsqueeze(2) : w, g, sizes, bias), x, N);
  }
}

}  // namespace

namespace {

// Integers go through the reals, exact up to 2^53: nobody trains on them.
bool all_integers(const Tensor& x, const Tensor& w, const Tensor& bias) {
  return x.dtype() == kInt64 && w.dtype() == kInt64 && (!bias.defined() || bias.dtype() == kInt64);
}
Tensor real(const Tensor& t) { return t.defined() ? t.to(kFloat64) : t; }

}  // namespace

void set_conv_algorithm(ConvAlgorithm algorithm) { kernels::conv_wish = kernels::ConvWish(algorithm); }
ConvAlgorithm get_conv_algorithm() { return ConvAlgorithm(kernels::conv_wish.load()); }

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<1> options) {
  require_defined("conv1d", x, weight);
  if (all_integers(x, weight, bias)) return conv1d(real(x), real(weight), real(bias), options).to(kInt64);
  return convolution<1>("conv1d", x, weight, bias, options);
}
namespace {

/// A tail that convolve runs in its own pass: a ReLU, or in evaluation a norm and what follows it. Whatever else it is, the operations
/// themselves say what is wrong with it.
bool runs_within(const Then& then, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const FixedNorm& norm = then.norm;
  if (!norm.defined()) return !then.addend.defined() && !then.max_pool;
  if (x.dim() != 4 || !x.is_floating_point() || !norm.running_mean.defined() || !norm.running_var.defined() || !(norm.eps >= 0)) return false;
  if (then.addend.defined() && (!then.relu || then.max_pool || then.addend.dtype() != x.dtype())) return false;
  for (const Tensor* t : {&norm.running_mean, &norm.running_var, &norm.weight, &norm.bias})
    if (t->defined() && (t->dtype() != x.dtype() || t->numel() != weight.sizes()[0])) return false;
  return !will_record({x, weight, bias, norm.weight, norm.bias, then.addend});
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<2> options, const Then& then) {
  require_defined("conv2d", x, weight);
  if (all_integers(x, weight, bias)) return apply(then, conv2d(real(x), real(weight), real(bias), options).to(kInt64));
  if (runs_within(then, x, weight, bias)) return convolution<2>("conv2d", x, weight, bias, options, then);
  if (then.max_pool) return max_pool2d(conv2d(x, weight, bias, options, {then.norm, then.addend, then.relu}), 2);
  const Tensor y = convolution<2>("conv2d", x, weight, bias, options);
  const FixedNorm& norm = then.norm;
  if (!norm.defined()) return apply(then, y);
  return batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, false, 0.1, norm.eps, {.addend = then.addend, .relu = then.relu});
}

Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<3> options) {
  require_defined("conv3d", x, weight);
  if (all_integers(x, weight, bias)) return conv3d(real(x), real(weight), real(bias), options).to(kInt64);
  return convolution<3>("conv3d", x, weight, bias, options);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvTransposeOptions<1> options) {
  require_defined("conv_transpose1d", x, weight);
  if (all_integers(x, weight, bias)) return conv_transpose1d(real(x), real(weight), real(bias), options).to(kInt64);
  return transposed<1>("conv_transpose1d", x, weight, bias, options);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvTransposeOptions<2> options) {
  require_defined("conv_transpose2d", x, weight);
  if (all_integers(x, weight, bias)) return conv_transpose2d(real(x), real(weight), real(bias), options).to(kInt64);
  return transposed<2>("conv_transpose2d", x, weight, bias, options);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvTransposeOptions<3> options) {
  require_defined("conv_transpose3d", x, weight);
  if (all_integers(x, weight, bias)) return conv_transpose3d(real(x), real(weight), real(bias), options).to(kInt64);
  return transposed<3>("conv_transpose3d", x, weight, bias, options);
}

}  // namespace ember
