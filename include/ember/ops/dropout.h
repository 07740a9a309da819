// Dropout: noise in training, the identity in evaluation. As the functions of the same names in torch.nn.functional; the masks are
// PyTorch's for the same seed, drawn in the order of memory.
#pragma once

#include <ember/tensor.h>

namespace ember {

struct DropoutOptions {
  double p = 0.5;  ///< the probability that an element (or channel) is dropped
  bool training = true;
};

/// Each element is 0 with probability p, else x / (1 - p). Any shape. Srivastava et al. 2014.
/// Throws ValueError "dropout probability has to be between 0 and 1, but got 1.1".
Tensor dropout(const Tensor& x, DropoutOptions options = {});
/// Whole channels: (N, C, L) or (C, L).
Tensor dropout1d(const Tensor& x, DropoutOptions options = {});
/// Whole channels: (N, C, H, W); of (N, C, L), with PyTorch's warning, too.
Tensor dropout2d(const Tensor& x, DropoutOptions options = {});
/// Whole channels: (N, C, D, H, W) or (C, D, H, W).
Tensor dropout3d(const Tensor& x, DropoutOptions options = {});
/// Keeps mean and variance of inputs that are normal, for SELU networks. Klambauer et al. 2017.
Tensor alpha_dropout(const Tensor& x, DropoutOptions options = {});
/// The same for whole channels: (N, C, *).
Tensor feature_alpha_dropout(const Tensor& x, DropoutOptions options = {});

// PyTorch's positional forms: dropout(x, 0.1, training).
template <class P>
concept Probability = std::is_arithmetic_v<P> && !std::is_same_v<P, bool>;
template <Probability P>
Tensor dropout(const Tensor& x, P p, bool training = true) {
  return dropout(x, DropoutOptions{double(p), training});
}
template <Probability P>
Tensor dropout1d(const Tensor& x, P p, bool training = true) {
  return dropout1d(x, DropoutOptions{double(p), training});
}
template <Probability P>
Tensor dropout2d(const Tensor& x, P p, bool training = true) {
  return dropout2d(x, DropoutOptions{double(p), training});
}
template <Probability P>
Tensor dropout3d(const Tensor& x, P p, bool training = true) {
  return dropout3d(x, DropoutOptions{double(p), training});
}
template <Probability P>
Tensor feature_alpha_dropout(const Tensor& x, P p, bool training = true) {
  return feature_alpha_dropout(x, DropoutOptions{double(p), training});
}
template <Probability P>
Tensor alpha_dropout(const Tensor& x, P p, bool training = true) {
  return alpha_dropout(x, DropoutOptions{double(p), training});
}

}  // namespace ember
