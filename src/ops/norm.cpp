// Layer norm, and what is made of it and of batch norm: group, instance and RMS norm, unit vectors.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <limits>
#include <vector>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "tensor/impl.h"

namespace ember {
namespace {

void check_normalized_shape(const Tensor& x, IntArrayRef shape, const Tensor& weight, const Tensor& bias) {
  check<RuntimeError>(shape.size() >= 1, "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = {}", shape);
  check<RuntimeError>(!weight.defined() || weight.sizes() == shape, "Expected weight to be of same shape as normalized_shape, but got weight of shape {} and normalized_shape = {}", weight.defined() ? weight.sizes() : shape, shape);
  check<RuntimeError>(!bias.defined() || bias.sizes() == shape, "Expected bias to be of same shape as normalized_shape, but got bias of shape {} and normalized_shape = {}", bias.defined() ? bias.sizes() : shape, shape);
  bool fits = x.dim() >= shape.size();
  for (int i = 0; fits && i < shape.size(); ++i) fits = x.sizes()[x.dim() - shape.size() + i] == shape[i];
  std::string expected = "[*";
  for (int64_t size : shape) expected += ", " + std::to_string(size);
  check<RuntimeError>(fits, "Given normalized_shape={}, expected input with shape {}], but got input of size{}", shape, expected, x.sizes());
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"LayerNormKernelImpl\" not implemented for '{}'", scalar_type_name(x.dtype()));
  for (const Tensor* t : {&weight, &bias})
    check<RuntimeError>(!t->defined() || t->dtype() == x.dtype(), "mixed dtype (CPU): {}",
                        x.dtype() == kFloat64 ? "all inputs must share same datatype." : "expect parameter to have scalar type of Float");
}

template <class T>
const kernels::NormFamily<T>& family() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().norm.float32;
  else return kernels::kernels().norm.float64;
}

template <class F>
void with_real(const Tensor& x, F&& f) {
  if (x.dtype() == kFloat32) f(float());
  else f(double());
}

/// From basic operations: x, weight, bias.
Tensor layer_norm_plain(const std::vector<Tensor>& in, int dims, double eps) {
  std::vector<int64_t> last;
  for (int d = 1; d <= dims; ++d) last.push_back(-d);
  const Tensor deviation = in[0] - mean(in[0], last, true);
  Tensor y = deviation * rsqrt(mean(deviation * deviation, last, true) + eps);
  if (in[1].defined()) y = y * in[1];
  return in[2].defined() ? y + in[2] : y;
}

template <class T>
void layer_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean, const Tensor& rstd, int64_t n, const Shape& shape, Grads& grads) {
  const int64_t rows = x.numel() / n, parts = kernels::slices_for(rows, 8, double(x.numel()) * 3);
  Tensor dx = grads.wants(0) ? make_dense(x.sizes(), x.dtype()) : Tensor();
  const bool sums = grads.wants(1) || grads.wants(2);
  std::vector<double> partial(sums ? std::size_t(parts * 2 * n) : 0, 0.0);
  kernels::parallel_slices(parts, [&](int64_t part) {
    const kernels::Range r = kernels::slice_range(rows, 8, part, parts);
    if (r.begin >= r.end) return;
    double* own = sums ? partial.data() + part * 2 * n : nullptr;
    const int64_t at = r.begin * n;
    family<T>().layer_backward(r.end - r.begin, n, dy.data<T>() + at, x.data<T>() + at, static_cast<const T*>(weight.data_or_null()),
                               mean.data<T>() + r.begin, rstd.data<T>() + r.begin, dx.defined() ? dx.data<T>() + at : nullptr,
                               grads.wants(1) ? own : nullptr, grads.wants(2) ? own + n : nullptr);
  });
  grads.add(0, dx);
  for (int k = 0; k < 2; ++k) {
    if (!grads.wants(k + 1)) continue;
    Tensor g = make_dense(shape, x.dtype());
    for (int64_t i = 0; i < n; ++i) {
      double total = 0;
      for (int64_t part = 0; part < parts; ++part) total += partial[std::size_t((2 * part + k) * n + i)];
      g.data<T>()[i] = T(total);
    }
    grads.add(k + 1, g);
  }
}

}  // namespace

Tensor layer_norm(const Tensor& input, IntArrayRef normalized_shape, const Tensor& weight, const Tensor& bias, double eps) {
  check_normalized_shape(input, normalized_shape, weight, bias);
  const Tensor x = input.contiguous();
  const Shape shape = normalized_shape.shape();
  const int64_t n = shape.numel(), rows = n ? x.numel() / n : 0;
  if (x.numel() == 0) return layer_norm_plain({x, weight, bias}, shape.size(), eps);
  Tensor y = make_dense(x.sizes(), x.dtype()), mean = make_dense({rows}, x.dtype()), rstd = make_dense({rows}, x.dtype());
  const Tensor w = weight.defined() ? weight.contiguous() : weight, b = bias.defined() ? bias.contiguous() : bias;
  with_real(x, [&](auto zero) {
    using T = decltype(zero);
    kernels::parallel_for(rows, 1, double(x.numel()) * 2, [&](int64_t begin, int64_t end) {
      family<T>().layer_forward(end - begin, n, x.data<T>() + begin * n, static_cast<const T*>(w.data_or_null()), static_cast<const T*>(b.data_or_null()),
                                eps, y.data<T>() + begin * n, mean.data<T>() + begin, rstd.data<T>() + begin);
    });
  });
  return record("NativeLayerNorm", {x, w, b}, std::move(y), [x = Saved(x), w = Saved(w), b, mean, rstd, n, shape, eps](const Tensor& dy, Grads& grads) {
    if (grads.create_graph())
      return grads.replay(dy, {x.get(), w.get(), b}, [&](const std::vector<Tensor>& in) { return layer_norm_plain(in, shape.size(), eps); });
    with_real(dy, [&](auto zero) { layer_backward<decltype(zero)>(dy.contiguous(), x.get(), w.get(), mean, rstd, n, shape, grads); });
  });
}

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

}  // namespace

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  check<RuntimeError>(x.dim() >= 2, "Expected at least 2 dimensions for input tensor but received {}", x.dim());
  const int64_t channels = x.sizes()[1];
  check<RuntimeError>(num_groups > 0, "Expected num groups to be greater than 0, got {}", num_groups);
  check<RuntimeError>(channels % num_groups == 0,
                      "Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={}", x.sizes(), num_groups);
  check_affine("weight", weight, channels);
  check_affine("bias", bias, channels);
  const int64_t spatial = x.sizes()[0] * channels ? x.numel() / (x.sizes()[0] * channels) : 1;
  check<ValueError>(x.sizes()[0] * channels / num_groups * spatial != 1 || x.numel() == 0 || channels / num_groups * spatial * x.sizes()[0] > 1,
                    "Expected more than 1 value per channel when training, got input size torch.Size([{}, {}, 1])", x.sizes()[0] * channels / num_groups, num_groups);
  if (x.numel() == 0) return with_affine(x.clone(), weight, bias);
  const int64_t n = channels / num_groups * spatial;
  return with_affine(layer_norm(x.reshape({x.sizes()[0] * num_groups, n}), {n}, {}, {}, eps).reshape(x.sizes()), weight, bias);
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                     bool use_input_stats, double momentum, double eps) {
  check<RuntimeError>(x.dim() >= 2, "instance_norm: expected input (N, C, ...), got shape {}", x.sizes());
  check<RuntimeError>(use_input_stats || (running_mean.defined() && running_var.defined()),
                      "Expected running_mean and running_var to be defined when use_input_stats is false");
  const int64_t batch = x.sizes()[0], channels = x.sizes()[1];
  if (!use_input_stats) return batch_norm(x, running_mean, running_var, weight, bias, false, momentum, eps);
  const int64_t spatial = batch * channels ? x.numel() / (batch * channels) : 0;
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
  if (x.numel() == 0) return with_affine(x.clone(), weight, bias);
  return with_affine(layer_norm(x.reshape({batch * channels, spatial}), {spatial}, {}, {}, eps).reshape(x.sizes()), weight, bias);
}

Tensor rms_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight, double eps) {
  check_normalized_shape(x, normalized_shape, weight, {});
  if (eps == -1) eps = x.dtype() == kFloat32 ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
  std::vector<int64_t> last;
  for (int d = 1; d <= normalized_shape.size(); ++d) last.push_back(-d);
  const Tensor y = x * rsqrt(mean(x * x, last, true) + eps);
  return weight.defined() ? y * weight : y;
}

Tensor normalize(const Tensor& x, double p, int64_t dim, double eps) {
  return x / norm(x, p, dim, true).clamp_min(eps).expand(x.sizes());
}

}  // namespace ember
