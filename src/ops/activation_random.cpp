// Activations that draw random numbers, PyTorch's for the same seed.
#include <ember/ops/activation.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/random.h>

#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {

Tensor rrelu(const Tensor& x, RReluOptions o) {
  require_defined("rrelu", x);
  check<RuntimeError>(o.lower <= o.upper, "Lower bound should be less than or equal to the upper bound");
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"rrelu_with_noise_out_cpu\" not implemented for '{}'", scalar_type_name(x.dtype()));
  if (!o.training) return leaky_relu(x, (o.lower + o.upper) / 2);
  // Only elements that are not positive draw, in row-major order.
  const Tensor dense = x.detach().contiguous(), slopes = make_dense(x.sizes(), x.dtype());
  Generator& generator = default_generator();
  with_real(x.dtype(), [&]<class T>(T) {
    const double lower = T(o.lower), upper = T(o.upper);
    for (int64_t i = 0; i < dense.numel(); ++i)
      slopes.data<T>()[i] = dense.data<T>()[i] <= 0 ? T(generator.uniform() * (upper - lower) + lower) : T(1);
  });
  return x * slopes;
}

Tensor gumbel_softmax(const Tensor& x, GumbelSoftmaxOptions o) {
  require_defined("gumbel_softmax", x);
  Tensor noise;
  {
    const NoGradGuard no_grad;
    noise = -log(make_dense(x.sizes(), x.dtype()).exponential_());
  }
  const Tensor soft = softmax((x + noise) / o.tau, o.dim);
  if (!o.hard) return soft;
  const Tensor index = soft.detach().max(o.dim, true).indices;
  return scatter(zeros(x.sizes(), x.dtype()), o.dim, index, 1) - soft.detach() + soft;
}

}  // namespace ember
