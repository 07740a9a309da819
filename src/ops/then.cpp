// The tail of an operation as the operations that it stands for.
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/pool.h>
#include <ember/ops/then.h>

#include "ops/addend.h"
#include "tensor/defined.h"

namespace ember {

Tensor apply(const Then& then, const Tensor& given) {
  require_defined("apply", given);
  const FixedNorm& norm = then.norm;
  Tensor y = norm.defined() ? batch_norm(given, norm.running_mean, norm.running_var, norm.weight, norm.bias, false, 0.1, norm.eps) : given;
  if (then.addend.defined()) {
    check_addend(then.addend, y.sizes(), y.dtype());
    y = y + then.addend;
  }
  if (then.relu) y = relu(y);
  return then.max_pool ? max_pool2d(y, 2) : y;
}

}  // namespace ember
