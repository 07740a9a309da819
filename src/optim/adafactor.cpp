// Adafactor and Muon: their steps, as the tensor operations of torch.optim.
#include <ember/optim/adafactor.h>

#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "optim/method.h"

namespace ember::optim {

namespace {

// --- Adafactor. Buffers: means of the squared gradient over rows and over columns of the last two dimensions, or all squares of a vector.

void begin_adafactor(const ParamGroup&, const Tensor& p, ParamState& state) {
  Shape rows = p.sizes().shape(), columns = rows;
  if (p.dim() < 2) {
    state.buffers[2] = full_like(p.detach(), 0);
    return;
  }
  rows[p.dim() - 1] = 1;
  columns[p.dim() - 2] = 1;
  state.buffers[0] = zeros(rows, p.dtype());
  state.buffers[1] = zeros(columns, p.dtype());
}

Tensor mean_of_squares(const Tensor& gradient, int64_t dim) { return norm(gradient, 2, dim, true).square_().div_(gradient.size(dim)); }

/// Euclidean length over the root of the number of elements.
double root_mean_square(const Tensor& t) { return norm(t).item<double>() / std::sqrt(double(t.numel())); }

void adafactor(const ParamGroup& group, const Tensor& p, const Tensor& given, ParamState& state) {
  const auto& [row_var, col_var, variance] = state.buffers;
  check<RuntimeError>(variance.defined() ? variance.sizes() == p.sizes()
                                         : row_var.dim() == p.dim() && row_var.size(-2) == p.size(-2) && col_var.size(-1) == p.size(-1),
                      "Adafactor found a parameter of sizes {} with a state of another shape", p.sizes());
  const double smallest = p.dtype() == kFloat64 ? std::numeric_limits<double>::epsilon() : double(std::numeric_limits<float>::epsilon());
  const double eps = is_set(group.epsilons.first) ? group.epsilons.first : smallest;
  const Tensor gradient = group.maximize ? neg(given) : given;

  const double forget = std::pow(state.step, group.beta2_decay), rate = std::min(group.lr, 1 / std::sqrt(state.step));
  const double alpha = std::max(group.epsilons.second, root_mean_square(p.detach())) * rate;
  if (group.weight_decay != 0) p.mul_(1 - group.lr * group.weight_decay);

  Tensor estimate;
  if (p.dim() > 1) {
    row_var.lerp_(mean_of_squares(gradient, -1), forget);
    col_var.lerp_(mean_of_squares(gradient, -2), forget);
    estimate = matmul(row_var, col_var).div_(mean(row_var, -2, true).clamp_(eps, None));
  } else {
    variance.lerp_(gradient * gradient, forget);
    estimate = variance.clone();
  }
  const Tensor update = estimate.clamp_(eps * eps, None).rsqrt_().mul_(gradient);
  const double excess = std::max(1.0, root_mean_square(update) / group.d);
  p.add_(update, -alpha / excess);
}

const Method kAdafactor{
    .name = "Adafactor",
    .settings = {"lr", "beta2_decay", "epsilons", "d", "weight_decay", "foreach", "maximize"},
    .buffers = {"row_var", "col_var", "variance"},
    .wanted = [](const ParamGroup&) { return 0u; },
    .begin = begin_adafactor,
    .formula = adafactor,
};

ParamGroup defaults_of(const AdafactorOptions& options) {
  const auto at_least = [](const char* what, double bound, double value) {
    check<ValueError>(value >= bound, "{} should be >= {} but is: {}", what, bound, python_repr(value));
  };
  at_least("Learning rate", 0, options.lr);
  check<ValueError>(options.beta2_decay <= 0, "beta2_decay should be <= 0 but is: {}", python_repr(options.beta2_decay));
  if (is_set(options.eps.first)) at_least("epsilon1", 0, options.eps.first);
  at_least("epsilon2", 0, options.eps.second);
  at_least("Clipping threshold d", 1, options.d);
  at_least("weight_decay", 0, options.weight_decay);
  return {.lr = options.lr,
          .weight_decay = options.weight_decay,
          .maximize = options.maximize,
          .epsilons = options.eps,
          .beta2_decay = options.beta2_decay,
          .d = options.d};
}

// --- Muon. Buffer: the moving average of the gradient.

/// The nearest bfloat16 number, to even at ties, as a float32. PyTorch runs the iteration in that type.
float bfloat16(float x) {
  if (x != x) return x;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

Tensor bfloat16(Tensor t) {
  Tensor rounded = t.contiguous();
  float* const x = rounded.data<float>();
  for (int64_t i = 0; i < rounded.numel(); ++i) x[i] = bfloat16(x[i]);
  return rounded;
}

/// beta * c + alpha * a b, rounded once.
Tensor bfloat16_addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return bfloat16(add(matmul(a, b) * alpha, c, beta));
}

/// X <- a X + (b X X' + c (X X')^2) X, begun at the gradient over its norm, drives all singular values towards 1.
Tensor orthogonalized(const ParamGroup& group, const Tensor& update) {
  const bool is_high = update.size(0) > update.size(1);
  Tensor x = bfloat16((is_high ? update.t() : update).to(kFloat32).clone());
  const float length = bfloat16(std::max(bfloat16(norm(x).item<float>()), bfloat16(float(group.eps))));
  x = bfloat16(x / length);
  const Triple& ns = group.ns_coefficients;
  for (int64_t i = 0; i < int64_t(group.ns_steps); ++i) {
    const Tensor gram = bfloat16(matmul(x, x.t()));
    const Tensor polynomial = bfloat16_addmm(gram, gram, gram, ns.second, ns.third);
    x = bfloat16_addmm(x, polynomial, x, ns.first, 1);
  }
  return is_high ? x.t() : x;
}

void begin_muon(const ParamGroup&, const Tensor& p, ParamState& state) { state.buffers[0] = full_like(p.detach(), 0); }

void muon(const ParamGroup& group, const Tensor& p, const Tensor& gradient, ParamState& state) {
  check<ValueError>(gradient.dim() == 2, "Param gradient must be a 2D matrix");
  const Tensor& average = state.buffers[0];
  average.lerp_(gradient, 1 - group.momentum);
  const Tensor update = orthogonalized(group, group.nesterov ? lerp(gradient, average, group.momentum) : average);
  const double rows = double(p.size(0)), columns = double(p.size(1));
  const double ratio = group.adjust_lr_fn == "match_rms_adamw" ? 0.2 * std::sqrt(std::max(rows, columns)) : std::sqrt(std::max(1.0, rows / columns));
  p.mul_(1 - group.lr * group.weight_decay).add_(update.to(p.dtype()), -group.lr * ratio);
}

const Method kMuon{
    .name = "Muon",
    .settings = {"lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps", "adjust_lr_fn"},
    .buffers = {"momentum_buffer"},
    .has_step = false,
    .wanted = [](const ParamGroup&) { return 1u; },
    .begin = begin_muon,
    .formula = muon,
};

ParamGroup defaults_of(const MuonOptions& options) {
  check<ValueError>(options.lr >= 0, "Learning rate should be >= 0 but is: {}", python_repr(options.lr));
  check<ValueError>(options.momentum >= 0, "momentum should be >= 0 but is: {}", python_repr(options.momentum));
  check<ValueError>(options.weight_decay >= 0, "weight decay should be >= 0 but is: {}", python_repr(options.weight_decay));
  const std::string& adjust = options.adjust_lr_fn;
  check<ValueError>(adjust.empty() || adjust == "original" || adjust == "match_rms_adamw", "Adjust learning rate function {} is not supported",
                    adjust);
  check<ValueError>(options.ns_steps < 100, "Number of steps must be less than 100 for computational efficiency");
  return {.lr = options.lr,
          .eps = options.eps,
          .momentum = options.momentum,
          .weight_decay = options.weight_decay,
          .nesterov = options.nesterov,
          .ns_coefficients = options.ns_coefficients,
          .ns_steps = double(options.ns_steps),
          .adjust_lr_fn = adjust};
}

const std::vector<ParamGroup>& only_matrices(const std::vector<ParamGroup>& groups) {
  for (const ParamGroup& group : groups)
    for (const Tensor& p : group.params)
      check<ValueError>(!p.defined() || p.dim() == 2, "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([{}])",
                        fmt::join(p.sizes(), ", "));
  return groups;
}

}  // namespace

template <>
OptimizerWith<AdafactorOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdafactorOptions options)
    : Optimizer(kAdafactor, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<MuonOptions>::OptimizerWith(std::vector<ParamGroup> groups, MuonOptions options)
    : Optimizer(kMuon, only_matrices(groups), defaults_of(options)) {}

}  // namespace ember::optim
