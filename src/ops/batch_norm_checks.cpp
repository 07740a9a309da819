// Batch norm's checks: those of shapes and numbers come before those of what the tensors are.
#include "ops/batch_norm_checks.h"

#include <ember/autograd.h>
#include <ember/ops/pool.h>

#include "error_format.h"
#include "ops/addend.h"
#include "python_repr.h"

namespace ember {
namespace {

void check_batch_size(const Tensor& x) {
  int64_t count = x.sizes()[0];
  for (int d = 2; d < x.dim(); ++d) count *= x.sizes()[d];
  check<ValueError>(count != 1, "Expected more than 1 value per channel when training, got input size torch.Size({})", x.sizes());
}

void check_eps(bool training, double eps) {
  if (eps > 0) return;
  check<ValueError>(!training, "batch_norm eps must be positive during training, but got {}", python_repr(eps));
  check<ValueError>(eps >= 0, "batch_norm eps must be non-negative, but got {}", python_repr(eps));
}

}  // namespace

void check_channels(const char* name, const Tensor& t, int64_t channels) {
  if (t.defined()) check<RuntimeError>(t.numel() == channels, "{} should contain {} elements not {}", name, channels, t.numel());
}

void check_batch_norm_shapes(const BatchNormArguments& in) {
  in.x.size(1);  // throws for fewer than two dimensions
  if (in.training) check_batch_size(in.x);
  check_eps(in.training, in.eps);
  if (in.addend.defined()) check_addend(in.addend, in.x.sizes(), in.x.dtype());
}

void check_pools(const Tensor& x) {
  if (x.dim() != 4 || (x.size(2) >= 2 && x.size(3) >= 2)) return;
  const NoGradGuard quiet;
  max_pool2d(x, 2);
}

void check_batch_norm_tensors(const BatchNormArguments& in) {
  const int64_t channels = in.x.size(1);
  check<ValueError>(!in.training || in.running_mean.defined() == in.running_var.defined(),
                    "running_mean and running_var must either both be None or neither be None");
  check<RuntimeError>(in.training || in.running_mean.defined(), "running_mean must be defined in evaluation mode");
  check_channels("running_mean", in.running_mean, channels);
  check<RuntimeError>(in.training || in.running_var.defined(), "running_var must be defined in evaluation mode");
  check_channels("running_var", in.running_var, channels);
  check_channels("weight", in.weight, channels);
  check_channels("bias", in.bias, channels);
  for (const Tensor* const t : {&in.running_mean, &in.running_var})
    check<RuntimeError>(!t->defined() || t->dim() == 1, "batch_norm: expected running statistics of shape [{}], got {}", channels,
                        t->defined() ? t->sizes() : IntArrayRef());
  check<NotImplementedError>(in.x.is_floating_point(), "\"batch_norm\" not implemented for '{}'", scalar_type_name(in.x.dtype()));
  const Tensor* const parameters[] = {&in.weight, &in.bias, &in.running_mean, &in.running_var};
  for (const Tensor* p : parameters) {
    if (!p->defined() || p->dtype() == in.x.dtype()) continue;
    check<RuntimeError>(p->dtype() == kFloat32, "mixed dtype (CPU): expect parameter to have scalar type of Float");
    fail<RuntimeError>("mixed dtype (CPU): all inputs must share same datatype.");
  }
}

}  // namespace ember
