// Activation functions. Each is a loop for the value, a loop for the derivative, and a composition of basic operations with the same
// value, through which the derivative can be differentiated again.
#include <ember/ops/activation.h>

#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <string_view>

#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"

namespace ember {
namespace {

using In = const Tensor&;

void check_real(const char* name, const Tensor& x) {
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"{}\" not implemented for '{}'", name, scalar_type_name(x.dtype()));
}

template <class Plain>
Tensor activation(NamedOp op, const Tensor& x, Parameters parameters, Plain plain) {
  check_real(op.name, x);
  return record(op.name, {x}, pointwise(op.loop, x, parameters), [x = Saved(x), backward = op.derivative, parameters, plain](In dy, Grads& grads) {
    if (grads.create_graph()) return grads.replay(dy, {x.get()}, [&](const std::vector<Tensor>& in) { return plain(in[0]); });
    grads.add(0, pointwise(backward, dy, x.get(), parameters));
  });
}

}  // namespace

Tensor relu(const Tensor& x) {
  require_defined("relu", x);
  check<NotImplementedError>(x.dtype() != kBool, "Boolean inputs not supported for relu");
  Tensor y = pointwise("Relu"_op, x);
  const Saved output = Saved::output(y);
  return record("Relu", {x}, std::move(y), [output](In dy, Grads& grads) {
    const Tensor y = output.get().detach();  // the derivative does not depend on how large y is
    grads.add(0, grads.create_graph() ? where(gt(y, 0), dy, 0) : pointwise("ReluBackward"_op, dy, y));
  });
}

Tensor relu6(const Tensor& x) {
  require_defined("relu6", x);
  return hardtanh(x, 0, 6);
}

Tensor leaky_relu(const Tensor& x, double slope) {
  require_defined("leaky_relu", x);
  return activation("LeakyRelu", x, {{slope}}, [slope](In x) { return where(gt(x, 0), x, x * slope); });
}

namespace {

Tensor elu_like(const Tensor& x, double alpha, double scale, double input_scale) {
  return activation("Elu", x, {{alpha, scale, input_scale}},
                    [=](In x) { return where(gt(x, 0), x * scale, expm1(where(gt(x, 0), 0, x) * input_scale) * (alpha * scale)); });
}

}  // namespace

Tensor elu(const Tensor& x, double alpha) {
  require_defined("elu", x);
  return elu_like(x, alpha, 1, 1);
}
Tensor selu(const Tensor& x) {
  require_defined("selu", x);
  return elu_like(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1);
}
Tensor celu(const Tensor& x, double alpha) {
  require_defined("celu", x);
  check<RuntimeError>(alpha != 0, "ZeroDivisionError: alpha cannot be 0 for CELU");
  return elu_like(x, alpha, 1, 1 / alpha);
}

Tensor gelu(const Tensor& x, const char* approximate) {
  require_defined("gelu", x);
  const std::string_view kind = approximate;
  check<RuntimeError>(kind == "none" || kind == "tanh", "approximate argument must be either none or tanh.");
  if (kind == "none") return activation("Gelu", x, {}, [](In x) { return x * (0.5 * (1 + erf(x * M_SQRT1_2))); });
  return activation({"Gelu", "GeluTanh"}, x, {}, [](In x) { return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * (x * x * x)))); });
}

Tensor silu(const Tensor& x) {
  require_defined("silu", x);
  return activation("Silu", x, {}, [](In x) { return x * sigmoid(x); });
}
Tensor mish(const Tensor& x) {
  require_defined("mish", x);
  return activation("Mish", x, {}, [](In x) { return x * tanh(log1p(exp(clamp_max(x, 20))) + clamp_min(x - 20, 0)); });
}
Tensor softplus(const Tensor& x, double beta, double threshold) {
  require_defined("softplus", x);
  return activation("Softplus", x, {{beta, threshold}}, [=](In x) {
    const Tensor linear = gt(x * beta, threshold);
    return where(linear, x, log1p(exp(where(linear, 0, x) * beta)) / beta);
  });
}
Tensor softsign(const Tensor& x) {
  require_defined("softsign", x);
  if (!is_floating_point(x.dtype())) return softsign(x.to(get_default_dtype()));
  return activation("Softsign", x, {}, [](In x) { return x / (1 + abs(x)); });
}
Tensor hardtanh(const Tensor& x, double low, double high) {
  require_defined("hardtanh", x);
  check<ValueError>(low <= high, "min_val cannot be greater than max_val");
  if (!is_floating_point(x.dtype())) {
    check<NotImplementedError>(x.dtype() != kBool, "Bool inputs not supported for hardtanh");
    return pointwise("Hardtanh"_op, x, {{low, high}});
  }
  return activation("Hardtanh", x, {{low, high}}, [=](In x) { return where(le(x, low), low, where(ge(x, high), high, x)); });
}
Tensor hardswish(const Tensor& x) {
  require_defined("hardswish", x);
  return activation("Hardswish", x, {}, [](In x) { return where(le(x, -3), 0, where(ge(x, 3), x, x * (x + 3) / 6)); });
}
Tensor hardsigmoid(const Tensor& x) {
  require_defined("hardsigmoid", x);
  return activation("Hardsigmoid", x, {}, [](In x) { return where(le(x, -3), 0, where(ge(x, 3), 1, (x + 3) / 6)); });
}
Tensor logsigmoid(const Tensor& x) {
  require_defined("logsigmoid", x);
  return activation("LogSigmoid", x, {}, [](In x) { return clamp_max(x, 0) - log1p(exp(-abs(x))); });
}
Tensor threshold(const Tensor& x, double threshold, double value) {
  require_defined("threshold", x);
  if (!is_floating_point(x.dtype())) return pointwise("Threshold"_op, x, {{threshold, value}});
  return activation("Threshold", x, {{threshold, value}}, [=](In x) { return where(gt(x, threshold), x, value); });
}
Tensor softshrink(const Tensor& x, double lambd) {
  require_defined("softshrink", x);
  check<RuntimeError>(lambd >= 0, "lambda must be in range [0, {}] for input dtype {}, but found {}",
                      x.dtype() == kFloat64 ? "1.79769e+308" : "3.40282e+38", scalar_type_name(x.dtype()), lambd);
  return activation({"Softshrink", "Softshrink", "Shrink"}, x, {{lambd}},
                    [=](In x) { return where(gt(x, lambd), x - lambd, where(lt(x, -lambd), x + lambd, 0)); });
}
Tensor hardshrink(const Tensor& x, double lambd) {
  require_defined("hardshrink", x);
  return activation({"Hardshrink", "Hardshrink", "Shrink"}, x, {{lambd}}, [=](In x) { return where(gt(abs(x), lambd), x, 0); });
}
Tensor tanhshrink(const Tensor& x) {
  require_defined("tanhshrink", x);
  return x - tanh(x);
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  require_defined("prelu", x, weight);
  check<RuntimeError>(weight.dim() <= 1, "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {}", weight.dim());
  check<RuntimeError>(x.dtype() == weight.dtype(), "prelu: Type promoting not supported. Got {} and {}", scalar_type_name(x.dtype()),
                      scalar_type_name(weight.dtype()));
  Tensor slope = weight;
  if (weight.numel() != 1) {
    check<RuntimeError>(x.dim() > 0, "Not allow zero-dim input tensor.");
    const int64_t channels = x.dim() >= 2 ? x.sizes()[1] : 1;
    check<RuntimeError>(channels == weight.numel(),
                        "Mismatch of parameter numbers and input channel size. Found parameter numbers = {} and channel size = {}.", weight.numel(),
                        channels);
    Shape sizes = Shape::filled(x.dim(), 1);
    sizes[1] = channels;
    slope = weight.reshape(sizes);
  } else if (weight.dim() == 1) {
    slope = weight.reshape({});
  }
  return where(gt(x, 0), x, x * slope);
}

Tensor glu(const Tensor& x, int64_t dim) {
  require_defined("glu", x);
  check<RuntimeError>(x.dim() > 0, "glu does not support 0-dimensional tensors");
  const int d = wrap_dim(dim, x.dim());
  const int64_t size = x.sizes()[d];
  check<RuntimeError>(size % 2 == 0, "Halving dimension must be even, but dimension {} is size {}", d, size);
  return x.narrow(d, 0, size / 2) * sigmoid(x.narrow(d, size / 2, size / 2));
}

}  // namespace ember
