// Clipping of gradients. The norm of the whole is the norm of the norms, each rounded to its type, as PyTorch computes it.
#include <ember/optim/clip_grad.h>

#include <ember/autograd.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <cmath>

#include "error_format.h"
#include "kernels/kernels.h"
#include "python_repr.h"
#include "runtime/parallel.h"
#include "tensor/defined.h"

namespace ember::nn::utils {

/// f(gradient) for each parameter that has one.
template <class F>
static void each_gradient(const std::vector<Tensor>& parameters, F f) {
  for (const Tensor& p : parameters)
    if (const Tensor gradient = p.grad(); gradient.defined()) f(gradient.detach());
}

static bool is_dense(const Tensor& t) { return t.is_contiguous() || empty_like(t).strides() == t.strides(); }

namespace {

/// Pieces of all gradients that lie in one run of memory. Their size is fixed, so that sums are the same for any number of threads.
struct Piece {
  std::size_t gradient;
  void* data;
  int64_t n;
  bool wide;
};
constexpr int64_t kPiece = 1 << 16;

std::vector<Piece> pieces_of(const std::vector<Tensor>& gradients) {
  std::vector<Piece> pieces;
  for (std::size_t g = 0; g < gradients.size(); ++g) {
    const Tensor& t = gradients[g];
    if (!is_dense(t)) continue;
    for (int64_t begin = 0; begin < t.numel(); begin += kPiece)
      pieces.push_back(
          {g, static_cast<char*>(t.data_ptr()) + begin * item_size(t.dtype()), std::min(kPiece, t.numel() - begin), t.dtype() == kFloat64});
  }
  return pieces;
}

/// f(place of the piece) for all pieces, on all threads.
template <class F>
void each_piece(const std::vector<Piece>& pieces, F f) {
  double total = 0;
  for (const Piece& piece : pieces) total += double(piece.n);
  kernels::parallel_for(int64_t(pieces.size()), 1, total, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(std::size_t(i));
  });
}

/// The norm of each gradient, rounded to its type.
std::vector<double> norms_of(const std::vector<Tensor>& gradients, double norm_type) {
  std::vector<double> norms(gradients.size());
  if (norm_type == 2) {
    const std::vector<Piece> pieces = pieces_of(gradients);
    std::vector<double> squares(pieces.size());
    each_piece(pieces, [&](std::size_t i) { squares[i] = kernels::optim_loops().squares[pieces[i].wide](pieces[i].n, pieces[i].data); });
    for (std::size_t i = 0; i < pieces.size(); ++i) norms[pieces[i].gradient] += squares[i];
  }
  for (std::size_t g = 0; g < gradients.size(); ++g) {
    const Tensor& t = gradients[g];
    if (norm_type != 2 || !is_dense(t)) norms[g] = norm(t, norm_type).item<double>();
    else norms[g] = t.dtype() == kFloat64 ? std::sqrt(norms[g]) : double(float(std::sqrt(norms[g])));
  }
  return norms;
}

void scale(const std::vector<Tensor>& gradients, double factor) {
  const std::vector<Piece> pieces = pieces_of(gradients);
  each_piece(pieces, [&](std::size_t i) { kernels::optim_loops().scale[pieces[i].wide](pieces[i].n, pieces[i].data, factor); });
  for (const Tensor& t : gradients) {
    if (is_dense(t)) t.bump_version();
    else t.mul_(factor);
  }
}

}  // namespace

static double combine(const std::vector<double>& norms, double norm_type) {
  double total = 0;
  if (std::isinf(norm_type)) {
    total = norm_type > 0 ? 0 : norms[0];
    for (double n : norms) total = std::isnan(total) || std::isnan(n) ? NAN : norm_type > 0 ? std::max(total, n) : std::min(total, n);
    return total;
  }
  if (norm_type == 0) {
    for (double n : norms) total += n != 0;
    return total;
  }
  for (double n : norms) total += norm_type == 2 ? n * n : std::pow(std::fabs(n), norm_type);
  return norm_type == 2 ? std::sqrt(total) : std::pow(total, 1 / norm_type);
}

static bool has_doubles(const std::vector<Tensor>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t.dtype() == kFloat64; });
}

Tensor get_total_norm(const std::vector<Tensor>& given, NormOptions options) {
  require_defined("get_total_norm", given);
  NoGradGuard no_grad;
  if (given.empty()) return zeros({}, kFloat32);
  std::vector<Tensor> tensors;
  for (const Tensor& t : given) {
    check<RuntimeError>(t.is_floating_point(), "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
                        scalar_type_name(t.dtype()));
    tensors.push_back(t.detach());
  }
  const Tensor total = full({}, combine(norms_of(tensors, options.norm_type), options.norm_type), has_doubles(tensors) ? kFloat64 : kFloat32);
  check<RuntimeError>(!options.error_if_nonfinite || std::isfinite(total.item<double>()),
                      "The total norm of order {} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
                      "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`",
                      python_repr(options.norm_type));
  return total;
}

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, ClipOptions options) {
  NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  each_gradient(parameters, [&](const Tensor& gradient) { gradients.push_back(gradient); });
  const Tensor total = get_total_norm(gradients, {options.norm_type, options.error_if_nonfinite});
  if (gradients.empty()) return total;
  const bool wide = has_doubles(gradients);
  const double value = total.item<double>();
  double factor = wide ? 1 / (value + 1e-6) * max_norm : double(1 / (float(value) + 1e-6f) * float(max_norm));
  if (factor > 1) factor = 1;  // a NaN stays
  scale(gradients, factor);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  NoGradGuard no_grad;
  each_gradient(parameters, [&](const Tensor& gradient) { gradient.clamp_(-clip_value, clip_value); });
}

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters) parts.push_back(p.reshape({-1}));
  return cat(parts);
}

void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters) {
  NoGradGuard no_grad;
  int64_t at = 0, total = 0;
  for (const Tensor& p : parameters) total += p.numel();
  check<RuntimeError>(vector.dim() == 1 && vector.numel() >= total, "expected a vector of {} elements, got shape {}", total, vector.sizes());
  for (const Tensor& p : parameters) {
    p.detach().copy_(vector.slice(0, at, at + p.numel()).view_as(p));
    at += p.numel();
  }
}

}  // namespace ember::nn::utils
