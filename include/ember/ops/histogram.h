// How values are distributed: histograms and quantiles. As the functions of the same names in torch.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// Counts of the values in `bins` bins of equal width from min to max (of the data when both are equal), in x's dtype, which must be a
/// floating one; values outside are ignored. No gradient. Throws RuntimeError "torch.histc: range of [1, inf] is not finite".
Tensor histc(const Tensor& x, int64_t bins = 100, double min = 0, double max = 0);

struct Histogram {
  Tensor hist, bin_edges;
};
struct HistogramOptions {
  double low = 0, high = 0;  ///< the range; that of the data when both are equal
  Tensor weight = {};        ///< of x's shape: what each value counts
  bool density = false;      ///< divided by the total and the width of the bin, so that the integral is 1
};
/// The same with its edges. The last bin includes its right edge.
Histogram histogram(const Tensor& x, int64_t bins, const HistogramOptions& options = {});
Histogram histogram(const Tensor& x, const Tensor& bin_edges, const HistogramOptions& options = {});  ///< bins between rising edges

enum class Interpolation : std::uint8_t { Linear, Lower, Higher, Midpoint, Nearest };
/// The value below which the share q of all values lies (of each row along dim), between two of them as `interpolation` says. q (K) gives K
/// results in a new first dimension. A row with a NaN gives NaN. Throws RuntimeError "quantile() q must be in the range [0, 1] but got 1.5".
Tensor quantile(const Tensor& x, double q, Interpolation interpolation = Interpolation::Linear);
Tensor quantile(const Tensor& x, double q, int64_t dim, bool keepdim = false, Interpolation interpolation = Interpolation::Linear);
Tensor quantile(const Tensor& x, const Tensor& q, Interpolation interpolation = Interpolation::Linear);
Tensor quantile(const Tensor& x, const Tensor& q, int64_t dim, bool keepdim = false, Interpolation interpolation = Interpolation::Linear);

}  // namespace ember
