// Analytical against numerical Jacobians. The cotangents are unit vectors in gradcheck and random numbers in gradgradcheck.
#include <ember/gradcheck.h>

#include <cmath>
#include <random>

#include "error_format.h"

namespace ember::autograd {
namespace {

using Column = std::vector<double>;

Column to_column(const Tensor& t) {
  const Tensor dense = t.detach().to(kFloat64).contiguous();
  return Column(dense.data<double>(), dense.data<double>() + dense.numel());
}

/// The i-th element, in row-major order, of a tensor of any strides.
double& element(const Tensor& t, int64_t i) {
  int64_t offset = 0;
  for (int d = t.dim(); d-- > 0;) {
    offset += i % t.size(d) * t.stride(d);
    i /= t.size(d);
  }
  return t.data<double>()[offset];
}

struct Mismatch {
  bool found = false;
  std::string text;
};

void compare(const Column& numerical, const Column& analytical, std::size_t output, std::size_t input, int64_t column,
             const GradcheckOptions& options, Mismatch& mismatch) {
  for (std::size_t row = 0; row < numerical.size() && !mismatch.found; ++row) {
    const double n = numerical[row], a = analytical[row];
    const bool close = std::fabs(n - a) <= options.atol + options.rtol * std::fabs(n) || (std::isnan(n) && std::isnan(a));
    if (close) continue;
    mismatch.found = true;
    mismatch.text = fmt::format(
        "Jacobian mismatch for output {} with respect to input {},\nnumerical: {}\nanalytical: {}\nat output element {}, input element {}", output,
        input, n, a, row, column);
  }
}

bool report(const Mismatch& mismatch, const GradcheckOptions& options) {
  if (mismatch.found && options.raise_exception) throw RuntimeError(mismatch.text);
  return !mismatch.found;
}

void check_inputs(const std::vector<Tensor>& inputs) {
  bool any = false;
  for (const Tensor& t : inputs) {
    if (!t.defined() || !t.requires_grad()) continue;
    any = true;
    check<ValueError>(t.dtype() == kFloat64, "gradcheck expects float64 inputs, got {}: finite differences need the digits", name(t.dtype()));
  }
  check<ValueError>(any,
                    "gradcheck expects at least one input tensor to require gradient, but none of the them have "
                    "requires_grad=True.");
}

/// Columns of the numerical Jacobian of all outputs with respect to element i of an input.
std::vector<Column> numerical_columns(const GradcheckFunction& function, const std::vector<Tensor>& inputs, const Tensor& input, int64_t i,
                                      double eps) {
  const NoGradGuard quiet;
  double& x = element(input, i);
  const double before = x;
  x = before + eps;
  const std::vector<Tensor> above = function(inputs);
  std::vector<Column> result;
  for (const Tensor& t : above) result.push_back(to_column(t));
  x = before - eps;
  const std::vector<Tensor> below = function(inputs);  // perhaps the input itself: read before x is restored
  for (std::size_t o = 0; o < below.size(); ++o) {
    const Column low = to_column(below[o]);
    for (std::size_t row = 0; row < low.size(); ++row) result[o][row] = (result[o][row] - low[row]) / (2 * eps);
  }
  x = before;
  return result;
}

}  // namespace

bool gradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  check_inputs(inputs);
  const std::vector<Tensor> outputs = function(inputs);
  Mismatch mismatch;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (!inputs[k].defined() || !inputs[k].requires_grad()) continue;
    // analytical[o][row]: gradient of element `row` of output o, as a column over the input's elements
    std::vector<std::vector<Column>> analytical(outputs.size());
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      if (!outputs[o].is_floating_point()) continue;
      for (int64_t row = 0; row < outputs[o].numel(); ++row) {
        const Tensor cotangent = zeros(outputs[o].sizes(), outputs[o].dtype());
        element(cotangent, row) = 1;
        Column gradient(std::size_t(inputs[k].numel()), 0.0);
        if (outputs[o].requires_grad()) {
          const Tensor g = grad({outputs[o]}, {inputs[k]}, {cotangent}, {.retain_graph = true, .allow_unused = true})[0];
          if (g.defined()) {
            check<RuntimeError>(g.sizes() == inputs[k].sizes(), "gradient of input {} has shape {}, expected {}", k, g.sizes(), inputs[k].sizes());
            gradient = to_column(g);
          }
        }
        analytical[o].push_back(std::move(gradient));
      }
    }
    for (int64_t i = 0; i < inputs[k].numel() && !mismatch.found; ++i) {
      const std::vector<Column> numerical = numerical_columns(function, inputs, inputs[k], i, options.eps);
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        if (!outputs[o].is_floating_point()) continue;
        Column column;
        for (const Column& row : analytical[o]) column.push_back(row[std::size_t(i)]);
        compare(numerical[o], column, o, k, i, options, mismatch);
      }
    }
  }
  return report(mismatch, options);
}

bool gradgradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  check_inputs(inputs);
  std::vector<Tensor> outputs;
  for (const Tensor& t : function(inputs))
    if (t.is_floating_point() && t.requires_grad()) outputs.push_back(t);
  if (outputs.empty()) return true;

  std::mt19937_64 generator(options.seed);
  std::normal_distribution<double> normal;
  std::vector<Tensor> extended = inputs;
  for (const Tensor& t : outputs) {
    Tensor cotangent = empty_like(t.detach());
    for (int64_t i = 0; i < t.numel(); ++i) element(cotangent, i) = normal(generator);
    extended.push_back(cotangent.requires_grad_());
  }
  const std::size_t count = inputs.size();
  const GradcheckFunction gradient = [&function, count](const std::vector<Tensor>& all) {
    const EnableGradGuard enable;  // the numerical side calls this without recording, but needs the inner gradient
    const std::vector<Tensor> in(all.begin(), all.begin() + std::ptrdiff_t(count));
    std::vector<Tensor> differentiable, targets, cotangents;
    for (const Tensor& t : function(in))
      if (t.is_floating_point() && t.requires_grad()) differentiable.push_back(t);
    for (std::size_t i = 0; i < differentiable.size(); ++i) cotangents.push_back(all[count + i]);
    for (const Tensor& t : in)
      if (t.defined() && t.requires_grad()) targets.push_back(t);
    std::vector<Tensor> result = grad(differentiable, targets, cotangents, {.create_graph = true, .allow_unused = true});
    for (std::size_t i = 0; i < result.size(); ++i)
      if (!result[i].defined()) result[i] = zeros_like(targets[i].detach());
    return result;
  };
  return gradcheck(gradient, extended, options);
}

}  // namespace ember::autograd
