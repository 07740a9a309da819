// Layer norm, RMS norm, unit vectors.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <limits>
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
const kernels::LayerNormLoops<T>& loops() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().layer_norm.float32;
  else return kernels::kernels().layer_norm.float64;
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

template <class T>
void backward(const Tensor& x, const Tensor& dy, const Tensor& weight, const Tensor& mean, const Tensor& invstd, IntArrayRef shape,
              bool center, Grads& grads) {
  constexpr int64_t kGrain = 32;  // rows of a part at least: each has sums of its own
  const int64_t n = shape.shape().numel(), rows = x.numel() / n, parts = kernels::slices_for(rows, kGrain, 3 * double(x.numel()));
  Tensor dx = grads.wants(0) ? make_dense(x.sizes(), x.dtype()) : Tensor();
  const bool sums = grads.wants(1) || grads.wants(2);
  const kernels::Scratch<double> partial(sums ? parts * 2 * n : 0);  // of each part dweight and dbias
  kernels::parallel_slices(parts, [&](int64_t part) {
    const kernels::Range r = kernels::slice_range(rows, kGrain, part, parts);
    double* const own = partial + part * 2 * n;
    const kernels::Scratch<T> room(sums ? 2 * n : 0);
    const int64_t at = r.begin * n;
    loops<T>().backward(r.end - r.begin, n, x.data<T>() + at, dy.data<T>() + at, static_cast<const T*>(weight.data_or_null()),
                        center ? mean.data<T>() + r.begin : nullptr, invstd.data<T>() + r.begin, center,
                        dx.defined() ? dx.data<T>() + at : nullptr, grads.wants(1) ? own : nullptr, grads.wants(2) ? own + n : nullptr, room);
  });
  grads.add(0, std::move(dx));
  for (int input = 1; input <= 2; ++input) {
    if (!grads.wants(input)) continue;
    Tensor g = make_dense(shape, x.dtype());
    loops<T>().add_parts(parts, n, 2 * n, partial + (input - 1) * n, g.data<T>());
    grads.add(input, std::move(g));
  }
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
    kernels::parallel_for(rows, 1, 2 * double(x.numel()), [&](int64_t begin, int64_t end) {
      loops<T>().forward(end - begin, n, x.data<T>() + begin * n, static_cast<const T*>(weight.data_or_null()),
                         static_cast<const T*>(bias.data_or_null()), eps, center, y.data<T>() + begin * n,
                         center ? mean.data<T>() + begin : nullptr, invstd.data<T>() + begin);
    });
  });

  return record(name, {x, weight, bias}, std::move(y),
                [x = Saved(x), weight = Saved(weight), bias, mean, invstd, shape, center, eps](const Tensor& dy, Grads& grads) {
                  if (grads.create_graph())
                    return grads.replay(dy, {x.get(), weight.get(), bias}, [&](const std::vector<Tensor>& in) {
                      return plain(in, shape.size(), center, eps);
                    });
                  with_real(dy.dtype(), [&]<class T>(T) {
                    backward<T>(x.get(), dy.contiguous(), weight.get(), mean, invstd, shape, center, grads);
                  });
                });
}

}  // namespace

Tensor layer_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight, const Tensor& bias, double eps) {
  check_normalized_shape(x, normalized_shape, weight, bias);
  return normalise_rows("NativeLayerNorm", x, normalized_shape, weight, bias, true, eps);
}

Tensor rms_norm(const Tensor& x, IntArrayRef normalized_shape, const Tensor& weight, double eps) {
  check_normalized_shape(x, normalized_shape, weight, {});
  if (eps == -1) eps = x.dtype() == kFloat32 ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
  return normalise_rows("FusedRmsNorm", x, normalized_shape, weight, {}, false, eps);
}

Tensor normalize(const Tensor& x, double p, int64_t dim, double eps) {
  return x / norm(x, p, dim, true).clamp_min(eps).expand(x.sizes());
}

}  // namespace ember
