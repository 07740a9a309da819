// Group norm and instance norm: the passes of batch norm, with statistics for each group of channels of each image.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <utility>
#include <vector>

#include "error_format.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// (C) so that it broadcasts over (N, C, ...).
Tensor per_channel(const Tensor& t, int dims) {
  Shape sizes = Shape::filled(dims, 1);
  sizes[1] = t.numel();
  return t.reshape(sizes);
}

Tensor with_affine(Tensor y, const Tensor& weight, const Tensor& bias) {
  if (weight.defined()) y = y * per_channel(weight, y.dim());
  return bias.defined() ? y + per_channel(bias, y.dim()) : y;
}

void check_affine(const char* name, const Tensor& t, int64_t channels) {
  check<RuntimeError>(!t.defined() || (t.dim() == 1 && t.numel() == channels),
                      "Expected {} to be a vector of size equal to the number of channels in input, but got {} of shape {} and input of channels {}",
                      name, name, t.defined() ? t.sizes() : IntArrayRef(), channels);
}

/// From basic operations: for gradients of gradients, and where there is little to do.
Tensor composed(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  if (x.numel() == 0) return with_affine(x.clone(), weight, bias);
  const int64_t n = x.numel() / (x.sizes()[0] * groups);
  return with_affine(layer_norm(x.reshape({x.sizes()[0] * groups, n}), {n}, {}, {}, eps).reshape(x.sizes()), weight, bias);
}

template <class T>
const kernels::BatchNormLoops<T>& loops() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().batch_norm.float32;
  else return kernels::kernels().batch_norm.float64;
}

/// A row-major (N, C, ...) tensor as images x groups x channels of a group x numbers of a channel.
struct Groups {
  int64_t images, groups, channels, length;

  Groups(const Tensor& x, int64_t groups)
      : images(x.sizes()[0]), groups(groups), channels(x.sizes()[1] / groups), length(x.numel() / (images * x.sizes()[1])) {}
  int64_t size() const { return channels * length; }
  kernels::Planes channel() const { return {1, length, length}; }
};

template <class T>
void forward(const Groups& at, const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, const Tensor& y, const Tensor& mean,
             const Tensor& invstd) {
  const T *const w = static_cast<const T*>(weight.data_or_null()), *const b = static_cast<const T*>(bias.data_or_null());
  kernels::parallel_for(at.images * at.groups, 1, 2 * double(x.numel()), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const T* const in = x.data<T>() + group * at.size();
      T *const m = mean.data<T>() + group, *const s = invstd.data<T>() + group, squares;
      loops<T>().planes.moments({1, at.size(), at.size()}, in, m, &squares);
      *s = T(1 / std::sqrt(double(squares) / double(at.size()) + eps));
      const int64_t first = group % at.groups * at.channels;
      for (int64_t c = 0; c < at.channels; ++c) {
        const T scale = w ? *s * w[first + c] : *s, shift = (b ? b[first + c] : T(0)) - *m * scale;
        loops<T>().planes.affine(at.channel(), in + c * at.length, {scale, shift, false}, nullptr,
                                 y.data<T>() + group * at.size() + c * at.length, false);
      }
    }
  });
}

// With g = dy * weight, over the n numbers of a group: dx = g * invstd + (x - mean) * slope + offset, slope = -invstd^3 * sum(g * (x - mean)) / n,
// offset = -invstd * sum(g) / n, as for a row of layer norm; dweight and dbias of a channel are sums over the images.
template <class T>
void backward(const Groups& at, const Tensor& x, const Tensor& dy, const Tensor& weight, const Tensor& mean, const Tensor& invstd, Grads& grads) {
  const int64_t channels = at.groups * at.channels;
  const T* const w = static_cast<const T*>(weight.data_or_null());
  const Tensor dx = grads.wants(0) ? make_dense(x.sizes(), x.dtype()) : Tensor();
  const kernels::Scratch<double> dweight(at.images * channels), dbias(at.images * channels);
  kernels::parallel_for(at.images * at.groups, 1, 4 * double(x.numel()), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int64_t from = group * at.size(), first = group % at.groups * at.channels;
      const T m = mean.data<T>()[group], s = invstd.data<T>()[group];
      double sum = 0, dot = 0;
      for (int64_t c = 0; c < at.channels; ++c) {
        const int64_t p = from + c * at.length;
        const kernels::GradientSums sums = loops<T>().planes.gradient_sums(at.channel(), x.data<T>() + p, dy.data<T>() + p, m, {s, T(0), false});
        dweight[group * at.channels + c] = sums.dot * double(s);
        dbias[group * at.channels + c] = sums.dy;
        const double factor = w ? double(w[first + c]) : 1;
        sum += factor * sums.dy;
        dot += factor * sums.dot;
      }
      if (!dx.defined()) continue;
      const double scale = double(s), n = double(at.size());
      const T slope = T(-scale * scale * scale * dot / n), offset = T(-scale * sum / n);
      for (int64_t c = 0; c < at.channels; ++c) {
        const int64_t p = from + c * at.length;
        loops<T>().planes.gradient(at.channel(), x.data<T>() + p, dy.data<T>() + p, m, {w ? s * w[first + c] : s, T(0), false}, slope, offset,
                                   dx.data<T>() + p, false);
      }
    }
  });
  grads.add(0, dx);
  for (int input = 1; input <= 2; ++input) {
    if (!grads.wants(input)) continue;
    const double* const of_images = input == 1 ? dweight.data() : dbias.data();
    const Tensor g = make_dense({channels}, x.dtype());
    for (int64_t c = 0; c < channels; ++c) {
      double total = 0;
      for (int64_t image = 0; image < at.images; ++image) total += of_images[image * channels + c];
      g.data<T>()[c] = T(total);
    }
    grads.add(input, g);
  }
}

/// Everything is checked.
Tensor normalise(const Tensor& input, int64_t groups, const Tensor& given_weight, const Tensor& given_bias, double eps) {
  constexpr int64_t kShort = 16;  // numbers of a channel, below which a call for each channel takes longer than further passes
  const auto alike = [&](const Tensor& t) { return !t.defined() || t.dtype() == input.dtype(); };
  const bool has_runs = input.numel() >= kShort * input.sizes()[0] * input.sizes()[1] && input.numel() > 0;
  if (!has_runs || !is_floating_point(input.dtype()) || !alike(given_weight) || !alike(given_bias))
    return composed(input, groups, given_weight, given_bias, eps);
  const Tensor x = input.contiguous();
  const Tensor weight = given_weight.defined() ? given_weight.contiguous() : given_weight;
  const Tensor bias = given_bias.defined() ? given_bias.contiguous() : given_bias;
  const Groups at(x, groups);
  Tensor y = make_dense(x.sizes(), x.dtype());
  const Tensor mean = make_dense({at.images * groups}, x.dtype()), invstd = make_dense({at.images * groups}, x.dtype());
  with_real(x.dtype(), [&]<class T>(T) { forward<T>(at, x, weight, bias, eps, y, mean, invstd); });
  return record("NativeGroupNorm", {x, weight, bias}, std::move(y),
                [x = Saved(x), weight = Saved(weight), bias, mean, invstd, groups, eps](const Tensor& dy, Grads& grads) {
                  if (grads.create_graph())
                    return grads.replay(dy, {x.get(), weight.get(), bias}, [&](const std::vector<Tensor>& in) {
                      return composed(in[0], groups, in[1], in[2], eps);
                    });
                  const Tensor values = x.get();
                  with_real(dy.dtype(), [&]<class T>(T) {
                    backward<T>(Groups(values, groups), values, dy.contiguous(), weight.get(), mean, invstd, grads);
                  });
                });
}

}  // namespace

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  check<RuntimeError>(x.dim() >= 2, "Expected at least 2 dimensions for input tensor but received {}", x.dim());
  const int64_t channels = x.sizes()[1];
  check<RuntimeError>(num_groups > 0, "Expected num groups to be greater than 0, got {}", num_groups);
  check<RuntimeError>(channels % num_groups == 0,
                      "Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={}", x.sizes(), num_groups);
  check_affine("weight", weight, channels);
  check_affine("bias", bias, channels);
  const int64_t spatial = x.sizes()[0] * channels != 0 ? x.numel() / (x.sizes()[0] * channels) : 1;
  check<ValueError>(x.sizes()[0] * channels / num_groups * spatial != 1 || x.numel() == 0 || channels / num_groups * spatial * x.sizes()[0] > 1,
                    "Expected more than 1 value per channel when training, got input size torch.Size([{}, {}, 1])", x.sizes()[0] * channels / num_groups, num_groups);
  return normalise(x, num_groups, weight, bias, eps);
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                     bool use_input_stats, double momentum, double eps) {
  check<RuntimeError>(x.dim() >= 2, "instance_norm: expected input (N, C, ...), got shape {}", x.sizes());
  check<RuntimeError>(use_input_stats || (running_mean.defined() && running_var.defined()),
                      "Expected running_mean and running_var to be defined when use_input_stats is false");
  const int64_t batch = x.sizes()[0], channels = x.sizes()[1];
  if (!use_input_stats) return batch_norm(x, running_mean, running_var, weight, bias, false, momentum, eps);
  const int64_t spatial = batch * channels != 0 ? x.numel() / (batch * channels) : 0;
  check<ValueError>(spatial != 1, "Expected more than 1 spatial element when training, got input size torch.Size({})", x.sizes());
  check<RuntimeError>(!weight.defined() || weight.numel() == channels, "weight should contain {} elements not {}", channels, weight.defined() ? weight.numel() : 0);
  check<RuntimeError>(!bias.defined() || bias.numel() == channels, "bias should contain {} elements not {}", channels, bias.defined() ? bias.numel() : 0);
  if (running_mean.defined() && x.numel() > 0) {
    NoGradGuard no_grad;
    const Tensor flat = x.detach().reshape({batch, channels, spatial});
    const VarMean moments = var_mean(flat, 2);
    running_mean.copy_(running_mean * (1 - momentum) + moments.mean.mean(0) * momentum);
    running_var.copy_(running_var * (1 - momentum) + moments.var.mean(0) * momentum);
  }
  return normalise(x, channels, weight, bias, eps);
}

}  // namespace ember
