// Initial values, in place, with PyTorch's numbers for the same seed. As torch.nn.init.
#pragma once

#include <ember/tensor.h>

namespace ember::nn::init {

enum class FanMode : std::uint8_t { FanIn, FanOut };

/// What keeps the variance of a layer's output at that of its input: "linear", "conv1d", "conv2d", "sigmoid" 1, "tanh" 5/3, "relu"
/// sqrt(2), "leaky_relu" sqrt(2 / (1 + param^2)), "selu" 3/4. Throws ValueError "Unsupported nonlinearity ...".
double calculate_gain(const std::string& nonlinearity, double param = 0.01);

const Tensor& uniform_(const Tensor& t, double a = 0, double b = 1, Generator* generator = nullptr);      ///< uniform in [a, b)
const Tensor& normal_(const Tensor& t, double mean = 0, double std = 1, Generator* generator = nullptr);  ///< normal, with this mean and deviation
/// Normal numbers between a and b (absolute bounds, not in units of std).
const Tensor& trunc_normal_(const Tensor& t, double mean = 0, double std = 1, double a = -2, double b = 2, Generator* generator = nullptr);
const Tensor& constant_(const Tensor& t, Scalar value);
const Tensor& ones_(const Tensor& t);
const Tensor& zeros_(const Tensor& t);
const Tensor& eye_(const Tensor& t);                        ///< a matrix with ones on the diagonal
const Tensor& dirac_(const Tensor& t, int64_t groups = 1);  ///< convolution weights that pass their input on

/// Glorot & Bengio 2010. Weights are (out, in, ...); the fans are in and out times the size of the kernel.
const Tensor& xavier_uniform_(const Tensor& t, double gain = 1, Generator* generator = nullptr);
const Tensor& xavier_normal_(const Tensor& t, double gain = 1, Generator* generator = nullptr);
/// He et al. 2015. `a` is the negative slope that "leaky_relu" stands for.
const Tensor& kaiming_uniform_(const Tensor& t, double a = 0, FanMode mode = FanMode::FanIn, const char* nonlinearity = "leaky_relu",
                               Generator* generator = nullptr);
const Tensor& kaiming_normal_(const Tensor& t, double a = 0, FanMode mode = FanMode::FanIn, const char* nonlinearity = "leaky_relu",
                              Generator* generator = nullptr);
/// Saxe et al. 2013: rows (or columns, where there are fewer) of length 1 at right angles, times gain.
const Tensor& orthogonal_(const Tensor& t, double gain = 1, Generator* generator = nullptr);

}  // namespace ember::nn::init
