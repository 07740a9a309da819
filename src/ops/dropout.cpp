// Dropout in its forms.
#include <ember/ops/dropout.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/random.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "error_format.h"
#include "python_repr.h"
#include "random/noise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

void check_probability(double p) {
  if (!(p >= 0 && p <= 1)) fail<ValueError>("dropout probability has to be between 0 and 1, but got {}", python_repr(p));
}

void check_real(const Tensor& x) {
  check<RuntimeError>(is_floating_point(x.dtype()), "result type Float can't be cast to the desired output type {}", scalar_type_name(x.dtype()));
}

/// x times noise that is 0 or 1 / (1 - p).
Tensor noisy(const Tensor& x, const Tensor& noise, double p) {
  {
    NoGradGuard no_grad;
    fill_noise(noise, 1 - p);
  }
  return x * noise;
}

/// The same for dense float32, with a byte instead of a number for each element of the noise.
Tensor noisy_dense(const Tensor& x, double p) {
  Tensor y = empty_like(x);
  const Tensor kept = will_record({x}) ? empty_like(x, kUInt8) : Tensor();
  drop_out(x, 1 - p, y, kept);
  return record("Mul", {x}, std::move(y), [kept, p](const Tensor& dy, Grads& grads) {
    if (grads.create_graph() || !is_dense(dy) || !(dy.strides() == kept.strides()))
      return grads.add(0, dy * (kept.to(dy.dtype()) * double(1.0f / float(1 - p))));
    Tensor dx = empty_like(dy);
    drop_out_again(dy, 1 - p, kept, dx);
    grads.add(0, std::move(dx));
  });
}

Tensor channels(const Tensor& x, DropoutOptions options, bool batched) {
  check_probability(options.p);
  if (!options.training || options.p == 0 || x.numel() == 0) return x;
  check_real(x);
  if (options.p == 1) return x * 0;
  Shape sizes = Shape::filled(x.dim(), 1);
  for (int d = 0; d < (batched ? 2 : 1); ++d) sizes[d] = x.sizes()[d];
  return noisy(x, make_dense(sizes, x.dtype()), options.p);
}

}  // namespace

Tensor dropout(const Tensor& x, DropoutOptions options) {
  require_defined("dropout", x);
  check_probability(options.p);
  if (!options.training || options.p == 0 || x.numel() == 0) return x;
  check_real(x);
  if (options.p == 1) return x * 0;
  return x.dtype() == kFloat32 && is_dense(x) ? noisy_dense(x, options.p) : noisy(x, empty_like(x), options.p);
}

Tensor dropout1d(const Tensor& x, DropoutOptions options) {
  require_defined("dropout1d", x);
  check<RuntimeError>(x.dim() == 2 || x.dim() == 3,
                      "dropout1d: Expected 2D or 3D input, but received a {}D input. Note that dropout1d exists to provide "
                      "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
                      "dimension (i.e. 2D or 3D inputs).",
                      x.dim());
  return channels(x, options, x.dim() == 3);
}

Tensor dropout2d(const Tensor& x, DropoutOptions options) {
  require_defined("dropout2d", x);
  if (x.dim() != 3 && x.dim() != 4)
    warn("dropout2d: Received a " + std::to_string(x.dim()) +
         "-D input to dropout2d, which is deprecated and will result in an error in a future release.");
  if (x.dim() == 3)
    warn(
        "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is interpreted as shape "
        "(N, C, L).");
  check<RuntimeError>(!options.training || options.p == 0 || x.dim() >= 2,
                      "Feature dropout requires at least 2 dimensions in the input\ndropout2d: got input of size {}", x.sizes());
  return channels(x, options, x.dim() >= 2);
}

Tensor dropout3d(const Tensor& x, DropoutOptions options) {
  require_defined("dropout3d", x);
  check_probability(options.p);
  if (x.dim() != 4 && x.dim() != 5)
    warn("dropout3d: Received a " + std::to_string(x.dim()) +
         "-D input to dropout3d, which is deprecated and will result in an error in a future release.");
  check<RuntimeError>(x.dim() >= 1, "Feature dropout requires at least 2 dimensions in the input\ndropout3d: got input of size {}", x.sizes());
  return channels(x, options, x.dim() == 5);
}

namespace {

/// With noise of these sizes.
Tensor alpha_noisy(const Tensor& x, DropoutOptions options, const Tensor& like) {
  constexpr double alpha = 1.7580993408473766;
  const double p = options.p, a = 1 / std::sqrt((alpha * alpha * p + 1) * (1 - p));
  Tensor scale, shift;
  {
    NoGradGuard no_grad;
    const Tensor noise = like.bernoulli_(1 - p);
    shift = (noise - 1) * (alpha * a) + alpha * a * p;
    scale = noise * a;
  }
  return x * scale + shift;
}

}  // namespace

Tensor alpha_dropout(const Tensor& x, DropoutOptions options) {
  require_defined("alpha_dropout", x);
  check_probability(options.p);
  if (!options.training || options.p == 0 || x.numel() == 0) return x;
  check_real(x);
  return options.p == 1 ? x * 0 : alpha_noisy(x, options, empty_like(x));
}

Tensor feature_alpha_dropout(const Tensor& x, DropoutOptions options) {
  require_defined("feature_alpha_dropout", x);
  check_probability(options.p);
  if (!options.training || options.p == 0 || x.numel() == 0) return x;
  check_real(x);
  if (options.p == 1) return x * 0;
  check<RuntimeError>(x.dim() >= 2, "Feature dropout requires at least 2 dimensions in the input\nfeature_alpha_dropout: got input of size {}",
                      x.sizes());
  Shape sizes = Shape::filled(x.dim(), 1);
  for (int d = 0; d < 2; ++d) sizes[d] = x.sizes()[d];
  return alpha_noisy(x, options, make_dense(sizes, x.dtype()));
}

}  // namespace ember
