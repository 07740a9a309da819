// Each activation calls the function of its name.
#include <ember/nn/activation.h>
#include <ember/nn/init.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>

#include <cmath>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {
namespace {

/// PyTorch prints what it was given: whole numbers as integers are the common way to write them.
std::string number(double value) { return value == std::floor(value) && std::fabs(value) < 1e15 ? fmt::format("{:.1f}", value) : python_repr(value); }

std::string with_inplace(std::string text, bool inplace) {
  if (!inplace) return text;
  return text.empty() ? "inplace=True" : text + ", inplace=True";
}

Tensor result(const Tensor& x, const Tensor& y, bool inplace) { return inplace ? assign_inplace(x, y) : y; }

}  // namespace

Tensor ReLU::forward(const Tensor& x) { return result(x, relu(x), inplace); }
bool ReLU::join(Then& then, const Tensor&) const { return !then.relu && !then.max_pool && (then.relu = true); }
std::string ReLU::extra_repr() const { return with_inplace("", inplace); }

Tensor ReLU6::forward(const Tensor& x) { return result(x, relu6(x), inplace); }
std::string ReLU6::extra_repr() const { return with_inplace("", inplace); }

Tensor LeakyReLU::forward(const Tensor& x) { return result(x, leaky_relu(x, negative_slope), inplace); }
std::string LeakyReLU::extra_repr() const { return with_inplace(fmt::format("negative_slope={}", number(negative_slope)), inplace); }

Tensor ELU::forward(const Tensor& x) { return result(x, elu(x, alpha), inplace); }
std::string ELU::extra_repr() const { return with_inplace(fmt::format("alpha={}", number(alpha)), inplace); }

Tensor SELU::forward(const Tensor& x) { return result(x, selu(x), inplace); }
std::string SELU::extra_repr() const { return with_inplace("", inplace); }

Tensor CELU::forward(const Tensor& x) { return result(x, celu(x, alpha), inplace); }
std::string CELU::extra_repr() const { return with_inplace(fmt::format("alpha={}", number(alpha)), inplace); }

Tensor SiLU::forward(const Tensor& x) { return result(x, silu(x), inplace); }
std::string SiLU::extra_repr() const { return with_inplace("", inplace); }

Tensor Mish::forward(const Tensor& x) { return result(x, mish(x), inplace); }
std::string Mish::extra_repr() const { return with_inplace("", inplace); }

Tensor Hardswish::forward(const Tensor& x) { return result(x, hardswish(x), inplace); }
std::string Hardswish::extra_repr() const { return with_inplace("", inplace); }

Tensor Hardsigmoid::forward(const Tensor& x) { return result(x, hardsigmoid(x), inplace); }
std::string Hardsigmoid::extra_repr() const { return with_inplace("", inplace); }

Tensor Hardtanh::forward(const Tensor& x) { return result(x, hardtanh(x, min_val, max_val), inplace); }
std::string Hardtanh::extra_repr() const { return with_inplace(fmt::format("min_val={}, max_val={}", number(min_val), number(max_val)), inplace); }

Tensor Threshold::forward(const Tensor& x) { return result(x, ember::threshold(x, threshold, value), inplace); }
std::string Threshold::extra_repr() const { return with_inplace(fmt::format("threshold={}, value={}", number(threshold), number(value)), inplace); }

Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x); }

Tensor Tanh::forward(const Tensor& x) { return tanh(x); }

Tensor Softsign::forward(const Tensor& x) { return softsign(x); }

Tensor Tanhshrink::forward(const Tensor& x) { return tanhshrink(x); }

Tensor LogSigmoid::forward(const Tensor& x) { return logsigmoid(x); }

Tensor Softplus::forward(const Tensor& x) { return softplus(x, beta, threshold); }
std::string Softplus::extra_repr() const { return fmt::format("beta={}, threshold={}", number(beta), number(threshold)); }

Tensor Softshrink::forward(const Tensor& x) { return softshrink(x, lambd); }
std::string Softshrink::extra_repr() const { return fmt::format("{}", number(lambd)); }

Tensor Hardshrink::forward(const Tensor& x) { return hardshrink(x, lambd); }
std::string Hardshrink::extra_repr() const { return fmt::format("{}", number(lambd)); }

Tensor GELU::forward(const Tensor& x) { return gelu(x, approximate.c_str()); }
std::string GELU::extra_repr() const { return fmt::format("approximate='{}'", approximate); }
Tensor GLU::forward(const Tensor& x) { return glu(x, dim); }
std::string GLU::extra_repr() const { return fmt::format("dim={}", dim); }
Tensor Softmax::forward(const Tensor& x) { return softmax(x, dim); }
std::string Softmax::extra_repr() const { return fmt::format("dim={}", dim); }
Tensor Softmin::forward(const Tensor& x) { return softmin(x, dim); }
std::string Softmin::extra_repr() const { return fmt::format("dim={}", dim); }
Tensor LogSoftmax::forward(const Tensor& x) { return log_softmax(x, dim); }
std::string LogSoftmax::extra_repr() const { return fmt::format("dim={}", dim); }
Tensor Softmax2d::forward(const Tensor& x) {
  check<ValueError>(x.dim() == 3 || x.dim() == 4, "Softmax2d: expected input to be 3D or 4D, got {}D instead", x.dim());
  return softmax(x, -3);
}
Tensor RReLU::forward(const Tensor& x) { return result(x, rrelu(x, {lower, upper, is_training()}), inplace); }
std::string RReLU::extra_repr() const { return with_inplace(fmt::format("lower={}, upper={}", number(lower), number(upper)), inplace); }

PReLU::PReLU(int64_t num_parameters, double init) { set_parameter(weight, full({num_parameters}, init, get_default_dtype())); }
Tensor PReLU::forward(const Tensor& x) { return prelu(x, weight); }
std::string PReLU::extra_repr() const { return fmt::format("num_parameters={}", weight.numel()); }

}  // namespace ember::nn
