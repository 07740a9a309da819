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
#include "kernels/kernels.h"
#include "ops/addend.h"
#include "ops/relu_backward.h"
#include "runtime/scratch.h"
#include "ops/window_sizes.h"
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
  return {x[0], x[2], x[3], x[1], y[2], y[3], y[1], w[2], w[3], {g.stride[0], g.stride[1]}, {g.padding[0], g.padding[1]},
          {g.dilation[0], g.dilation[1]}, g.groups};
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

bool add_input_gradient(const Tensor& dy, const Tensor& w, const Geometry& g, const Tensor& sum);
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Geometry& g, const Shape& x_sizes, const Tensor& bias = {});
Tensor weight_gradient(const Tensor& x, const Tensor& dy, const Geometry& g, const Shape& w_sizes);

void note_geometry(const char* name, const Geometry& g, bool relu) {
  note(name, [&] {
    return Attributes{{"strides", {g.stride[0], g.stride[1]}}, {"pads", {g.padding[0], g.padding[1], g.padding[0], g.padding[1]}},
                      {"dilations", {g.dilation[0], g.dilation[1]}}, {"group", {g.groups}}, {"relu", {relu}}};
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
    const kernels::ChannelNumbers<T>& numbers = kernels::kernels<T>().batch_norm.numbers;
    numbers.invstd_of_variance(channels, var.data<T>(), norm.eps, invstd);
    numbers.affine_of(channels, mean.data<T>(), invstd, static_cast<const T*>(w.data_or_null()), static_cast<const T*>(b.data_or_null()), scale, shift);
  }
};

/// y = F(x, w) + bias, then a ReLU or, where nothing is recorded, a tail with a norm.
Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& bias, const Geometry& g, const Shape& y_sizes, const Then& then = {}) {
  kernels::ConvShape shape = shape_of(g, x.sizes(), w.sizes(), y_sizes);
  bool pools = false;
  const bool wants_pool = then.norm.defined() && then.max_pool;
  with_real(x.dtype(), [&](auto zero) {
    shape.planes = lies_in_planes(x) && kernels::conv_reads_planes<decltype(zero)>(shape);
    pools = wants_pool && shape.oh > 1 && shape.ow > 1 && kernels::conv_pools<decltype(zero)>(shape);
  });
  Tensor y = empty_channels_last(pools ? Shape{shape.n, shape.o, shape.oh / 2, shape.ow / 2} : y_sizes, x.dtype());
  if (y.numel() > 0) {
    NoGradGuard no_grad;
    const Tensor weights = w.detach().contiguous(), offset = row_major(bias);
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const Tensor image = shape.planes ? x.detach() : channels_last(x.detach());
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
  const Saved output = then.relu && will_record({x, w, bias}) ? Saved::output(y) : Saved();
  note_geometry("Convolution", g, then.relu);
  return record("Convolution", {x, w, bias}, std::move(y), [x = Saved(x), w = Saved(w), output, relu = then.relu, g](const Tensor& upstream, Grads& grads) {
    const Tensor dy = relu ? relu_backward(upstream, output.get().detach()) : upstream;
    if (grads.wants(0) && !add_input_gradient(dy, w.get(), g, grads.arrived(0))) grads.add(0, input_gradient(dy, w.get(), g, x.get().sizes().shape()));
    if (grads.wants(1)) grads.add(1, weight_gradient(x.get(), dy, g, w.get().sizes().shape()));
    if (grads.wants(2)) grads.add(2, channel_sums(dy));
  });
}

/// sum += G(dy, w) where that is done in one pass: of a shortcut's gradient and that of what it passed by.
bool add_input_gradient(const Tensor& dy, const Tensor& w, const Geometry& g, const Tensor& sum) {
  if (!sum.defined() || !sum.is_contiguous(MemoryFormat::ChannelsLast) || sum.dtype() != dy.dtype()) return false;
  const kernels::ConvShape shape = shape_of(g, sum.sizes(), w.sizes(), dy.sizes());
  const Tensor upstream = channels_last(dy), weights = w.detach().contiguous();
  bool done = false;
  with_real(dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    done = kernels::conv_add_backward_input<T>(shape, upstream.data<T>(), weights.data<T>(), sum.data<T>());
  });
  return done;
}

/// dx = G(dy, w) + bias
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Geometry& g, const Shape& x_sizes, const Tensor& bias) {
  Tensor dx = empty_channels_last(x_sizes, dy.dtype());
  if (dx.numel() > 0) {
    NoGradGuard no_grad;
    const kernels::ConvShape shape = shape_of(g, x_sizes, w.sizes(), dy.sizes());
    const Tensor upstream = channels_last(dy.detach()), weights = w.detach().contiguous(), offset = row_major(bias);
    with_real(dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      kernels::conv_backward_input<T>(shape, upstream.data<T>(), weights.data<T>(), static_cast<const T*>(offset.data_or_null()), dx.data<T>());
    });
  }
  note_geometry("ConvolutionBackwardInput", g, false);
  return record("ConvolutionBackwardInput", {dy, w, bias}, std::move(dx), [dy = Saved(dy), w = Saved(w), g](const Tensor& u, Grads& grads) {
    if (grads.wants(0)) grads.add(0, convolve(u, w.get(), {}, g, dy.get().sizes().shape()));
    if (grads.wants(1)) grads.add(1, weight_gradient(u, dy.get(), g, w.get().sizes().shape()));
    if (grads.wants(2)) grads.add(2, channel_sums(u));
  });
}

/// dw = H(x, dy)
Tensor weight_gradient(const Tensor& x, const Tensor& dy, const Geometry& g, const Shape& w_sizes) {
  Tensor dw = empty(w_sizes, x.dtype());
  {
    NoGradGuard no_grad;
    kernels::ConvShape shape = shape_of(g, x.sizes(), w_sizes, dy.sizes());
    const Tensor upstream = channels_last(dy.detach());
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      shape.planes = lies_in_planes(x) && kernels::conv_weight_reads_planes<T>(shape);
      const Tensor image = shape.planes ? x.detach() : channels_last(x.detach());
      kernels::conv_backward_weight<T>(shape, image.data<T>(), upstream.data<T>(), dw.data<T>());
    });
  }
  return record("ConvolutionBackwardWeight", {x, dy}, std::move(dw), [x = Saved(x), dy = Saved(dy), g](const Tensor& v, Grads& grads) {
    if (grads.wants(0)) grads.add(0, input_gradient(dy.get(), v, g, x.get().sizes().shape()));
    if (grads.wants(1)) grads.add(1, convolve(x.get(), v, {}, g, dy.get().sizes().shape()));
  });
}

// --- checks. `spatial` is 1 or 2; a 1-D convolution is a 2-D one of height 1.

void check_types(const Tensor& x, const Tensor& w, const Tensor& bias) {
  check<RuntimeError>(is_floating_point(x.dtype()) && x.dtype() == w.dtype(),
                      "Input type ({}) and weight type ({}) should be the same", scalar_type_name(x.dtype()), scalar_type_name(w.dtype()));
  check<RuntimeError>(!bias.defined() || bias.dtype() == x.dtype(), "Input type ({}) and bias type ({}) should be the same",
                      scalar_type_name(x.dtype()), bias.defined() ? scalar_type_name(bias.dtype()) : "");
}

void check_rank(const char* name, const Tensor& x, const Tensor& w, int spatial) {
  check<RuntimeError>(w.dim() == spatial + 2, "expected {}-dimensional weight for {}, but got weight of size {}", spatial + 2, name, w.sizes());
  for (int d = 2; d < w.dim(); ++d)
    check<RuntimeError>(w.sizes()[d] > 0, "kernel size should be greater than zero, but got weight of size {}", w.sizes());
  check<RuntimeError>(x.dim() == spatial + 1 || x.dim() == spatial + 2,
                      "Expected {}D (unbatched) or {}D (batched) input to {}, but got input of size: {}", spatial + 1, spatial + 2, name, x.sizes());
}

template <int N>
Geometry geometry_of(const ExpandingArray<N>& stride, const ExpandingArray<N>& padding, const ExpandingArray<N>& dilation, int64_t groups) {
  Geometry g{{1, 1}, {0, 0}, {1, 1}, groups};
  for (int i = 0; i < N; ++i) {
    g.stride[i + 2 - N] = stride[i];
    g.padding[i + 2 - N] = padding[i];
    g.dilation[i + 2 - N] = dilation[i];
  }
  check<RuntimeError>(groups > 0, "non-positive groups is not supported");
  for (int i = 0; i < 2; ++i) {
    check<RuntimeError>(g.stride[i] > 0, "non-positive stride is not supported, but got {}", IntArrayRef(g.stride + 2 - N, N));
    check<RuntimeError>(g.padding[i] >= 0, "negative padding is not supported");
    check<RuntimeError>(g.dilation[i] > 0, "dilation should be greater than zero, but got {}", IntArrayRef(g.dilation + 2 - N, N));
    check<RuntimeError>(g.padding[i] < kTooLarge / 4, "Given padding={} at dimension {} , expected padding to be at most {}", g.padding[i], i - 2 + N, kTooLarge / 4 - 1);
  }
  return g;
}

void check_channels(const Tensor& x, const Tensor& w, const Tensor& bias, int64_t groups, int spatial) {
  const int64_t channels = x.size(-spatial - 1);
  check<RuntimeError>(w.sizes()[0] >= groups,
                      "Given groups={}, expected weight to be at least {} at dimension 0, but got weight of size {} instead", groups, groups, w.sizes());
  check<RuntimeError>(w.sizes()[0] % groups == 0,
                      "Given groups={}, expected weight to be divisible by {} at dimension 0, but got weight of size [{}] instead", groups,
                      groups, fmt::join(w.sizes(), ", "));
  Shape batched = x.sizes().shape();
  if (x.dim() == spatial + 1) batched.insert(0, 1);
  check<RuntimeError>(channels == w.sizes()[1] * groups,
                      "Given groups={}, weight of size {}, expected input{} to have {} channels, but got {} channels instead", groups,
                      w.sizes(), batched, w.sizes()[1] * groups, channels);
  check<RuntimeError>(!bias.defined() || (bias.dim() == 1 && bias.numel() == w.sizes()[0]),
                      "Given weight of size {}, expected bias to be 1-dimensional with {} elements, but got bias of size {} instead",
                      w.sizes(), w.sizes()[0], bias.defined() ? bias.sizes() : IntArrayRef());
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

template <int N>
Tensor convolution(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvOptions<N>& options, const Then& then = {}) {
  check_rank(name, x, w, N);
  check_types(x, w, bias);
  if (options.padding.kind == ConvPadding<N>::Same) {
    // What is left over of an odd sum goes to the end.
    ConvOptions<N> symmetric = options;
    symmetric.padding = 0;
    std::vector<int64_t> uneven;
    bool any_uneven = false;
    for (int i = 0; i < N; ++i) {
      check<RuntimeError>(options.stride[i] == 1, "padding='same' is not supported for strided convolutions");
      const int64_t total = saturated(options.dilation[i], w.sizes()[i + 2] - 1, 0);
      symmetric.padding.numbers.values[i] = total / 2;
      any_uneven = any_uneven || total % 2;
      uneven.insert(uneven.begin(), {0, total % 2});
    }
    return convolution(name, any_uneven ? pad(x, uneven) : x, w, bias, symmetric, then);
  }
  const Geometry g = geometry_of<N>(options.stride, options.padding.numbers, options.dilation, options.groups);
  check_channels(x, w, bias, g.groups, N);
  const Tensor images = as_batch_of_images(x, N), weights = N == 1 ? w.unsqueeze(2) : w;
  Shape sizes{images.sizes()[0], w.sizes()[0]};
  for (int i = 0; i < 2; ++i) {
    const int64_t padded = saturated(2, g.padding[i], images.sizes()[i + 2]), reach = window_reach(weights.sizes()[i + 2], g.dilation[i]);
    if (padded < reach) {
      std::string have, want;
      for (int d = 2 - N; d < 2; ++d) {
        have += fmt::format("{}{}", d > 2 - N ? " x " : "", images.sizes()[d + 2] + 2 * g.padding[d]);
        want += fmt::format("{}{}", d > 2 - N ? " x " : "", window_reach(weights.sizes()[d + 2], g.dilation[d]));
      }
      fail<RuntimeError>("Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size", have, want);
    }
    sizes.push_back((padded - reach) / g.stride[i] + 1);
    check<RuntimeError>(images.sizes()[i + 2] > 0, "Only zero batch or zero channel inputs are supported, but got input shape: {}", x.sizes());
  }
  check_storable(sizes);
  if (then.addend.defined()) check_addend(then.addend, sizes, x.dtype());
  return back_to(convolve(images, weights, bias, g, sizes, then), x, N);
}

template <int N>
Tensor transposed(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvTransposeOptions<N>& options) {
  check_rank(name, x, w, N);
  check_types(x, w, bias);
  const Geometry g = geometry_of<N>(options.stride, options.padding, options.dilation, options.groups);
  Shape batched = x.sizes().shape();
  if (x.dim() == N + 1) batched.insert(0, 1);
  check<RuntimeError>(x.size(-N - 1) == w.sizes()[0],
                      "Given transposed=1, weight of size {}, expected input{} to have {} channels, but got {} channels instead",
                      w.sizes(), batched, w.sizes()[0], x.size(-N - 1));
  const int64_t out = w.sizes()[1] * g.groups;
  check<RuntimeError>(!bias.defined() || (bias.dim() == 1 && bias.numel() == out),
                      "Given transposed=1, weight of size {}, expected bias to be 1-dimensional with {} elements, but got bias of size {} instead",
                      w.sizes(), out, bias.defined() ? bias.sizes() : IntArrayRef());
  const Tensor images = as_batch_of_images(x, N), weights = N == 1 ? w.unsqueeze(2) : w;
  Shape sizes{images.sizes()[0], out};
  for (int i = 0; i < 2; ++i) {
    const int64_t extra = i < 2 - N ? 0 : options.output_padding[i - (2 - N)];
    check<RuntimeError>(extra >= 0 && (extra < g.stride[i] || extra < g.dilation[i] || extra == 0 || x.numel() == 0),
                        "output padding must be smaller than either stride or dilation, but got output_padding_height: {} stride_height: {} dilation_height: {}",
                        extra, g.stride[i], g.dilation[i]);
    const int64_t shown = saturated(images.sizes()[i + 2] - 1, g.stride[i], window_reach(weights.sizes()[i + 2], g.dilation[i]));
    sizes.push_back(saturated(-2, g.padding[i], saturated(1, shown, extra)));
  }
  // An output without elements is taken as well: of PyTorch's own kernels some refuse it and some do not.
  check<RuntimeError>(sizes[2] >= 0 && sizes[3] >= 0,
                      "Given input size per channel: ({}). Calculated output size per channel: ({}). Output size is too small",
                      fmt::join(x.sizes().end() - N, x.sizes().end(), " x "), fmt::join(sizes.end() - N, sizes.end(), " x "));
  check<RuntimeError>(images.sizes()[2] > 0 && images.sizes()[3] > 0, "Only zero batch or zero channel inputs are supported, but got input shape: {}",
                      x.sizes());
  check_storable(sizes);
  return back_to(input_gradient(images, weights, g, sizes, bias), x, N);
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
  return batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, false, 0.1, norm.eps,
                    {.addend = then.addend, .relu = then.relu});
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

}  // namespace ember
