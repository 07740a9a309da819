// Activation functions, element by element, and the softmaxes. As the functions of the same names in torch.nn.functional, defaults
// included; what happens at a kink is PyTorch's choice.
#pragma once

#include <ember/tensor.h>

namespace ember {

Tensor relu(const Tensor& x);                                      ///< max(x, 0); gradient 0 at 0
Tensor relu6(const Tensor& x);                                     ///< min(max(x, 0), 6)
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);  ///< x above 0, else negative_slope * x
Tensor elu(const Tensor& x, double alpha = 1);                     ///< x above 0, else alpha (e^x - 1). Clevert et al. 2016
Tensor selu(const Tensor& x);                                      ///< scale * elu(x) with the fixed point of Klambauer et al. 2017
Tensor celu(const Tensor& x, double alpha = 1);                    ///< max(0, x) + min(0, alpha (e^(x / alpha) - 1))
/// x Phi(x), Phi the distribution function of the normal distribution; "tanh" approximates it.
Tensor gelu(const Tensor& x, const char* approximate = "none");
Tensor silu(const Tensor& x);  ///< x sigmoid(x)
Tensor mish(const Tensor& x);  ///< x tanh(softplus(x))
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
Tensor softsign(const Tensor& x);
Tensor hardtanh(const Tensor& x, double min_val = -1, double max_val = 1);
Tensor hardswish(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
Tensor logsigmoid(const Tensor& x);
Tensor threshold(const Tensor& x, double threshold, double value);  ///< x where above the threshold, else value
Tensor prelu(const Tensor& x, const Tensor& weight);                ///< a learned slope, one or one for each channel
Tensor glu(const Tensor& x, int64_t dim = -1);                      ///< first half times sigmoid of the second
Tensor tanhshrink(const Tensor& x);
Tensor softshrink(const Tensor& x, double lambd = 0.5);
Tensor hardshrink(const Tensor& x, double lambd = 0.5);
struct RReluOptions {
  double lower = 1.0 / 8, upper = 1.0 / 3;
  bool training = false;
};
/// A slope below 0 that is drawn for each element, uniform in [lower, upper]; in evaluation their middle. Xu et al. 2015.
/// Throws RuntimeError "Lower bound should be less than or equal to the upper bound".
Tensor rrelu(const Tensor& x, RReluOptions options = {});
struct GumbelSoftmaxOptions {
  double tau = 1;
  bool hard = false;  ///< one-hot, with the gradient of the soft one
  int64_t dim = -1;
};
/// softmax((x + g) / tau) with noise g from the Gumbel distribution. Jang, Gu & Poole 2017.
Tensor gumbel_softmax(const Tensor& x, GumbelSoftmaxOptions options = {});

/// e^x / sum e^x along dim.
Tensor softmax(const Tensor& x, int64_t dim, DType dtype = DType::Undefined);
Tensor softmin(const Tensor& x, int64_t dim, DType dtype = DType::Undefined);
Tensor log_softmax(const Tensor& x, int64_t dim, DType dtype = DType::Undefined);

}  // namespace ember
