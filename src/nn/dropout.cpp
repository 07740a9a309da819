// Dropout layers ask their mode, and call the functions.
#include <ember/nn/dropout.h>
#include <ember/ops/dropout.h>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {

DropoutBase::DropoutBase(double p, bool inplace) : p(p), inplace(inplace) {
  check<ValueError>(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got {}", python_repr(p));
}
std::string DropoutBase::extra_repr() const { return fmt::format("p={}, inplace={}", python_repr(p), python_repr(inplace)); }
Tensor DropoutBase::finish(const Tensor& x, const Tensor& y) const { return inplace && !y.is_same(x) ? assign_inplace(x, y) : y; }

Tensor Dropout::forward(const Tensor& x) { return finish(x, dropout(x, {p, is_training()})); }
Tensor Dropout1d::forward(const Tensor& x) { return finish(x, dropout1d(x, {p, is_training()})); }
Tensor Dropout2d::forward(const Tensor& x) { return finish(x, dropout2d(x, {p, is_training()})); }
Tensor AlphaDropout::forward(const Tensor& x) { return finish(x, alpha_dropout(x, {p, is_training()})); }
Tensor Dropout3d::forward(const Tensor& x) { return finish(x, dropout3d(x, {p, is_training()})); }
Tensor FeatureAlphaDropout::forward(const Tensor& x) { return finish(x, feature_alpha_dropout(x, {p, is_training()})); }

}  // namespace ember::nn
