// Histograms by the arithmetic of PyTorch's HistogramKernel.cpp, so that values at an edge fall into the same bin; quantiles from sorted rows.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/ops/statistics.h>

#include <algorithm>
#include <cmath>

#include "error_format.h"
#include "tensor/defined.h"
#include "with_type.h"

namespace ember {

namespace {

struct Range {
  double low, high;
};

void check_floating(const Tensor& x, const char* kernel) {
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"{}\" not implemented for '{}'", kernel, scalar_type_name(x.dtype()));
}

/// Adds each value (or its weight) to the bin that `bin_of` gives; what lies outside of the edges, and NaN, is left out.
template <class T, class BinOf>
void count(const Tensor& x, const Tensor& weight, const T* edges, int64_t bins, T* hist, BinOf&& bin_of) {
  const Tensor values = x.contiguous(), weights = weight.defined() ? weight.contiguous() : Tensor();
  const T* const v = values.data<T>();
  const T* const w = weights.defined() ? weights.data<T>() : nullptr;
  for (int64_t i = 0; i < values.numel(); ++i) {
    if (!(v[i] >= edges[0] && v[i] <= edges[bins])) continue;
    int64_t bin = bin_of(v[i]);
    if (bin == bins) --bin;  // the last bin includes its right edge
    if (bin >= 0 && bin < bins) hist[bin] += w ? w[i] : T(1);
  }
}

Range range_of(const Tensor& x, double low, double high, const char* what) {
  if (low == high && x.numel() > 0) low = x.min().item<double>(), high = x.max().item<double>();
  check<RuntimeError>(std::isfinite(low) && std::isfinite(high), "{} [{:g}, {:g}] is not finite", what, low, high);
  return {low, high};
}

Histogram finished(Tensor hist, Tensor edges, bool density) {
  if (density) hist = hist / hist.sum() / (edges.narrow(0, 1, hist.numel()) - edges.narrow(0, 0, hist.numel()));
  return {hist, edges};
}

void check_weight(const Tensor& x, const Tensor& weight) {
  if (!weight.defined()) return;
  check<RuntimeError>(
      weight.sizes() == x.sizes(),
      "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but "
      "got input with shape {} and weight with shape {}",
      x.sizes(), weight.sizes());
  check<RuntimeError>(weight.dtype() == x.dtype(),
                      "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got "
                      "input(dtype = {}) and weight(dtype = {})",
                      name(x.dtype()), name(weight.dtype()));
}

}  // namespace

Tensor histc(const Tensor& x, int64_t bins, double min, double max) {
  require_defined("histc", x);
  check_floating(x, "histogram_cpu");
  check<RuntimeError>(bins > 0, "torch.histogram(): bins must be > 0, but got {} for dimension 0", bins);
  NoGradGuard no_grad;
  Range range = range_of(x, min, max, "torch.histc: range of");
  if (range.low == range.high) range = {range.low - 1, range.high + 1};
  check<RuntimeError>(range.low < range.high, "torch.histc: max must be larger than min");
  Tensor hist = zeros({bins}, x.dtype());
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor edges = linspace(range.low, range.high, bins + 1, {.dtype = x.dtype()});
    const T* const e = edges.data<T>();
    count<T>(x, {}, e, bins, hist.data<T>(), [&](T v) { return int64_t((v - e[0]) * T(bins) / (e[bins] - e[0])); });
  });
  return hist;
}

Histogram histogram(const Tensor& x, int64_t bins, const HistogramOptions& options) {
  require_defined("histogram", x);
  check_floating(x, "histogramdd");
  check<RuntimeError>(bins > 0, "torch.histogram(): bins must be > 0, but got {} for dimension 0", bins);
  check_weight(x, options.weight);
  NoGradGuard no_grad;
  Range range = x.numel() == 0 && options.low == options.high ? Range{0, 1}
                                                              : range_of(x, options.low, options.high, "torch.histogramdd: dimension 0's range");
  check<RuntimeError>(range.low <= range.high, "torch.histogramdd: min should not exceed max, but got min {:g} max {:g} for dimension 0", range.low,
                      range.high);
  if (range.low == range.high) range = {range.low - 0.5, range.high + 0.5};
  const Tensor edges = linspace(range.low, range.high, bins + 1, {.dtype = x.dtype()});
  Tensor hist = zeros({bins}, x.dtype());
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* const e = edges.data<T>();
    count<T>(x, options.weight, e, bins, hist.data<T>(), [&](T v) {
      const auto guess = int64_t((v - e[0]) * T(bins) / (e[bins] - e[0]));  // rounded: one of its neighbours may be right
      const int64_t from = std::max<int64_t>(0, guess - 1), to = std::min(guess + 2, bins + 1);
      return int64_t(std::upper_bound(e + from, e + to, v) - e) - 1;
    });
  });
  return finished(hist, edges, options.density);
}

Histogram histogram(const Tensor& x, const Tensor& bin_edges, const HistogramOptions& options) {
  require_defined("histogram", x, bin_edges);
  check_floating(x, "histogramdd");
  check<RuntimeError>(bin_edges.dim() == 1 && bin_edges.numel() >= 1,
                      "torch.histogramdd: bins tensor should have at least 1 element, but got {} elements in the bins tensor for dimension 0",
                      bin_edges.numel());
  check<RuntimeError>(bin_edges.numel() > 1, "torch.histogram(): bins must be > 0, but got 0 for dimension 0");
  check<RuntimeError>(bin_edges.dtype() == x.dtype(),
                      "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype {} and bins for "
                      "dimension 0 with dtype {}",
                      x.dtype() == kFloat32 ? "float" : "double", bin_edges.dtype() == kFloat32 ? "float" : "double");
  check_weight(x, options.weight);
  NoGradGuard no_grad;
  const Tensor edges = bin_edges.detach().clone().contiguous();
  const int64_t bins = edges.numel() - 1;
  Tensor hist = zeros({bins}, x.dtype());
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* const e = edges.data<T>();
    if (bins > 0) count<T>(x, options.weight, e, bins, hist.data<T>(), [&](T v) { return int64_t(std::upper_bound(e, e + bins + 1, v) - e) - 1; });
  });
  return finished(hist, edges, options.density);
}

// --- quantiles

namespace {

/// What a NaN does to its row.
enum class NaN { Wins, IsLeftOut };

void check_quantile(const Tensor& x) {
  check<RuntimeError>(is_floating_point(x.dtype()), "quantile() input tensor must be either float or double dtype");
  check<RuntimeError>(x.numel() > 0, "quantile() input tensor must be non-empty");
}

void check_share(double q) { check<RuntimeError>(q >= 0 && q <= 1, "quantile() q must be in the range [0, 1] but got {:g}", q); }

/// Of each row (the last dimension of x), for each share in q: (K, ...) where x is (..., n).
Tensor of_rows(const Tensor& x, const Tensor& q, Interpolation interpolation, NaN nan) {
  const Tensor sorted = ember::sort(x, -1).values;
  const int64_t n = x.size(-1), count = q.numel();
  Tensor below, above, between;
  {
    NoGradGuard no_grad;
    // Where each share falls among 0 .. n - 1; in a row with NaN, which sorts last, on that.
    Shape shape = x.sizes().shape();
    shape[x.dim() - 1] = count;
    const Tensor is_nan = isnan(x.detach());
    Tensor rank;
    if (nan == NaN::Wins)
      rank = where(is_nan.any(-1, true).expand(shape), full({}, double(n - 1), x.dtype()), (q.detach() * double(n - 1)).expand(shape));
    else rank = clamp_min(q.detach() * (logical_not(is_nan).sum(-1, true) - 1).to(x.dtype()), 0);
    if (interpolation == Interpolation::Lower) rank = rank.floor();
    if (interpolation == Interpolation::Higher) rank = rank.ceil();
    if (interpolation == Interpolation::Nearest) rank = rank.round();
    const Tensor low = rank.floor();
    below = low.to(kInt64);
    above = rank.ceil().to(kInt64);
    between = interpolation == Interpolation::Midpoint ? full_like(rank, 0.5) : rank - low;
  }
  Tensor result = gather(sorted, -1, below);
  if (interpolation == Interpolation::Linear || interpolation == Interpolation::Midpoint) result = lerp(result, gather(sorted, -1, above), between);
  return result.movedim({-1}, {0});
}

Tensor shares(const Tensor& x, const Tensor& q) {
  check<RuntimeError>(q.defined() && q.dim() <= 1, "quantile() q must be a scalar or 1D tensor");
  check<RuntimeError>(q.dtype() == x.dtype(), "quantile() q tensor must be same dtype as the input tensor");
  check<RuntimeError>(q.numel() == 0 || (q.min().item<double>() >= 0 && q.max().item<double>() <= 1),
                      "quantile() q values must be in the range [0, 1]");
  return q.reshape({-1});
}

/// Along `dim`, or, with kFlat, of all values.
constexpr int64_t kFlat = INT64_MIN;
Tensor quantiles(const Tensor& given, const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation, NaN nan) {
  check_quantile(given);
  const Tensor x = dim == kFlat ? given.reshape({-1}) : given;
  const int d = dim == kFlat ? 0 : wrap_dim(dim, int(x.dim()));
  const Tensor rows = x.dim() == 0 ? x.reshape({1}) : x.movedim({d}, {-1});
  Tensor y = of_rows(rows, shares(x, q), interpolation, nan);
  if (keepdim && x.dim() > 0) y = y.unsqueeze(d + 1);
  return q.dim() == 0 ? y.squeeze(0) : y;
}
Tensor quantiles(const Tensor& x, double q, int64_t dim, bool keepdim, Interpolation interpolation, NaN nan) {
  check_quantile(x);
  check_share(q);
  return quantiles(x, full({}, q, x.dtype()), dim, keepdim, interpolation, nan);
}

}  // namespace

Tensor quantile(const Tensor& x, const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation) {
  require_defined("quantile", x, q);
  return quantiles(x, q, dim, keepdim, interpolation, NaN::Wins);
}
Tensor quantile(const Tensor& x, const Tensor& q, Interpolation interpolation) {
  require_defined("quantile", x, q);
  return quantiles(x, q, kFlat, false, interpolation, NaN::Wins);
}
Tensor quantile(const Tensor& x, double q, int64_t dim, bool keepdim, Interpolation interpolation) {
  require_defined("quantile", x);
  return quantiles(x, q, dim, keepdim, interpolation, NaN::Wins);
}
Tensor quantile(const Tensor& x, double q, Interpolation interpolation) {
  require_defined("quantile", x);
  return quantiles(x, q, kFlat, false, interpolation, NaN::Wins);
}
Tensor nanquantile(const Tensor& x, const Tensor& q, int64_t dim, bool keepdim, Interpolation interpolation) {
  require_defined("nanquantile", x, q);
  return quantiles(x, q, dim, keepdim, interpolation, NaN::IsLeftOut);
}
Tensor nanquantile(const Tensor& x, const Tensor& q, Interpolation interpolation) {
  require_defined("nanquantile", x, q);
  return quantiles(x, q, kFlat, false, interpolation, NaN::IsLeftOut);
}
Tensor nanquantile(const Tensor& x, double q, int64_t dim, bool keepdim, Interpolation interpolation) {
  require_defined("nanquantile", x);
  return quantiles(x, q, dim, keepdim, interpolation, NaN::IsLeftOut);
}
Tensor nanquantile(const Tensor& x, double q, Interpolation interpolation) {
  require_defined("nanquantile", x);
  return quantiles(x, q, kFlat, false, interpolation, NaN::IsLeftOut);
}

}  // namespace ember
