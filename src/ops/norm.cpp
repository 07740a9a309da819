// Layer norm, RMS norm, unit vectors.
#include <ember/autograd.h>
#include <ember/ops/conv.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/pool.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/norm/layer.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

void check_normalized_shape(const Tensor& x, IntArrayRef shape, const Tensor& weight, const Tensor& bias) {
  check<RuntimeError>(shape.size() >= 1,
                      "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = {}",
                      shape);
  check<RuntimeError>(!weight.defined() || weight.sizes() == shape,
                      "Expected weight to be of same shape as normalized_shape, but got weight of shape {} and normalized_shape = {}",
                      weight.defined() ? weight.sizes() : shape, shape);
  check<RuntimeError>(!bias.defined() || bias.sizes() == shape,
                      "Expected bias to be of same shape as normalized_shape, but got bias of shape {} and normalized_shape = {}",
                      bias.defined() ? bias.sizes() : shape, shape);
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

/// The same from basic operations, for gradients of gradients: x, weight, bias.
Tensor plain(const std::vector<Tensor>& in, int dims, bool center, double eps) {
  std::vector<int64_t> last;
  for (int d = 1; d <= dims; ++d) last.push_back(-d);
  const Tensor deviation = center ? in[0] - mean(in[0], last, true) : in[0];
  Tensor y = deviation * rsqrt(mean(square(deviation), last, true) + eps);
  if (in[1].defined()) y = y * in[1];
  return in[2].defined() ? y + in[2] : y;
}

void backward(const Tensor& x, const Tensor& dy, const Tensor& weight, const Tensor& mean, const Tensor& invstd, IntArrayRef shape, bool center,
              Grads& grads) {
  const int64_t n = shape.shape().numel();
  Tensor dx = grads.wants(0) ? make_dense(x.sizes(), x.dtype()) : Tensor();
  Tensor dweight = grads.wants(1) ? make_dense(shape, x.dtype()) : Tensor(), dbias = grads.wants(2) ? make_dense(shape, x.dtype()) : Tensor();
  with_real(x.dtype(), [&]<class T>(T) {
    const auto numbers = [](const Tensor& t) { return static_cast<T*>(t.data_or_null()); };
    kernels::layer_norm_backward<T>(x.numel() / n, n, x.data<T>(), dy.data<T>(), numbers(weight), numbers(mean), invstd.data<T>(), center,
                                    numbers(dx), numbers(dweight), numbers(dbias));
  });
  grads.add(0, std::move(dx));
  grads.add(1, std::move(dweight));
  grads.add(2, std::move(dbias));
}

/// Layer norm, and without `center` RMS norm. Everything is checked.
Tensor normalise_rows(const char* name, const Tensor& input, IntArrayRef normalized_shape, const Tensor& given_weight, const Tensor& given_bias,
                      bool center, double eps) {
  const Shape shape = normalized_shape.shape();
  if (input.numel() == 0) return plain({input, given_weight, given_bias}, shape.size(), center, eps);
  const Tensor x = input.contiguous();
  const Tensor weight = given_weight.defined() ? given_weight.contiguous() : given_weight;
  const Tensor bias = given_bias.defined() ? given_bias.contiguous() : given_bias;
  const int64_t n = shape.numel(), rows = x.numel() / n;
  Tensor y = make_dense(x.sizes(), x.dtype());
  const Tensor invstd = make_dense({rows}, x.dtype()), mean = center ? make_dense({rows}, x.dtype()) : Tensor();
  with_real(x.dtype(), [&]<class T>(T) {
    const auto numbers = [](const Tensor& t) { return static_cast<T*>(t.data_or_null()); };
    kernels::layer_norm<T>(rows, n, x.data<T>(), numbers(weight), numbers(bias), eps, center, y.data<T>(), numbers(mean), invstd.data<T>());
  });

  note(name, [&] { return Attributes{{"axis", {-shape.size()}}, {"epsilon", {}, {eps}}}; });
  return record(name, {x, weight, bias}, std::move(y),
                [x = Saved(x), weight = Saved(weight), bias, mean, invstd, shape, center, eps](const Tensor& dy, Grads& grads) {
                  if (grads.create_graph())
                    return grads.replay(dy, {x.get(), weight.get(), bias},
                                        [&](const std::vector<Tensor>& in) { return plain(in, shape.size(), center, eps); });
                  backward(x.get(), dy.contiguous(), weight.get(), mean, invstd, shape, center, grads);
                });
}

}  // namespace

Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight, const Tensor& bias, double eps) {
  require_defined("layer_norm", x);
  check_normalized_shape(x, normalized_shape, weight, bias);
  return normalise_rows("NativeLayerNorm", x, normalized_shape, weight, bias, true, eps);
}

Tensor rms_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight, double eps) {
  require_defined("rms_norm", x);
  check_normalized_shape(x, normalized_shape, weight, {});
  if (eps == -1) eps = x.dtype() == kFloat32 ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
  return normalise_rows("FusedRmsNorm", x, normalized_shape, weight, {}, false, eps);
}

Tensor local_response_norm(const Tensor& x, int64_t size, double alpha, double beta, double k) {
  require_defined("local_response_norm", x);
  check<ValueError>(x.dim() >= 3, "Expected 3D or higher dimensionality                          input (got {} dimensions)", x.dim());
  check<RuntimeError>(size > 0, "kernel size should be greater than zero, but got size: {}", size);
  if (x.numel() == 0) return x;
  // The channels as rows, so that windows over them are those of images.
  const Tensor squares = pad(square(x).flatten(2).unsqueeze(1), {0, 0, size / 2, (size - 1) / 2});
  const Tensor means = avg_pool2d(squares, {size, 1}, {.stride = 1}).squeeze(1).reshape(x.sizes());
  return x / pow(means * alpha + k, beta);
}

Tensor normalize(const Tensor& x, double p, int64_t dim, double eps) {
  require_defined("normalize", x);
  return x / norm(x, p, dim, true).clamp_min(eps).expand(x.sizes());
}

}  // namespace ember
