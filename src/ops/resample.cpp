// Images at another resolution: along one dimension after the other, the last one first. Pixels as more channels, and back.
#include <ember/ops/elementwise.h>
#include <ember/ops/embedding.h>
#include <ember/ops/index.h>
#include <ember/ops/pool.h>
#include <ember/ops/reduce.h>

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// Nearest: the input element that each output element copies; with `half` the distance is measured between pixel centres.
Tensor resize_nearest(const Tensor& x, int dim, int64_t out, double scale, bool half) {
  const int64_t in = x.sizes()[dim];
  const Tensor at = make_dense({out}, kInt64);
  float step = scale > 0 ? float(1 / scale) : float(in) / float(out);
  // PyTorch copies or doubles when the sizes say so, whatever the factor was: 3 pixels by 2.3 are 6, each one twice.
  if (!half && (out == in || out == 2 * in)) step = out == in ? 1.0f : 0.5f;
  for (int64_t i = 0; i < out; ++i)
    at.data<int64_t>()[i] = std::min(int64_t(std::floor(half ? float((double(i) + 0.5) * double(step)) : float(i) * step)), in - 1);
  return index_select(x, dim, at);
}

/// A weighted sum of neighbours: which ones, and how much each counts, for each output.
struct WeightedTap {
  Tensor index, weight;
  WeightedTap(int64_t out) : index(make_dense({out}, kInt64)), weight(make_dense({out}, kFloat64)) {}
  void set(int64_t i, int64_t at, double share) {
    index.data<int64_t>()[i] = at;
    weight.data<double>()[i] = share;
  }
};

/// At a border several taps name the same element: the first of them takes all their weights, the others weigh nothing.
std::vector<WeightedTap> merge_at_borders(const std::vector<WeightedTap>& taps) {
  std::vector<WeightedTap> merged;
  for (const WeightedTap& tap : taps) {
    const int64_t out = tap.index.numel();
    WeightedTap copy(out);
    for (int64_t i = 0; i < out; ++i) {
      const int64_t at = tap.index.data<int64_t>()[i];
      double weight = tap.weight.data<double>()[i];
      for (WeightedTap& earlier : merged)
        if (weight != 0 && earlier.index.data<int64_t>()[i] == at) earlier.weight.data<double>()[i] += std::exchange(weight, 0.0);
      copy.set(i, at, weight);
    }
    merged.push_back(copy);
  }
  return merged;
}

/// Bytes are weighted as PyTorch does it: by whole numbers of as many bits as fit 16, halves rounded away from 0.
Tensor weighted_bytes(const Tensor& x, int dim, const std::vector<WeightedTap>& by_tap, IntArrayRef shape) {
  const std::vector<WeightedTap> taps = merge_at_borders(by_tap);  // before their weights are rounded
  double largest = 0;
  for (const WeightedTap& tap : taps) largest = std::max(largest, tap.weight.max().item<double>());
  int bits = 0;
  while (bits < 22 && int64_t(0.5 + largest * double(int64_t(1) << (bits + 1))) < (1 << 15)) ++bits;
  const double one = double(int64_t(1) << bits);
  Tensor total;
  for (const WeightedTap& tap : taps) {
    const Tensor whole = (tap.weight * one + sign(tap.weight) * 0.5).trunc();
    const Tensor part = index_select(x, dim, tap.index).to(kFloat64) * whole.reshape(shape);
    total = total.defined() ? total + part : part;
  }
  return clamp(floor((total + one / 2) / one), 0, 255).to(kUInt8);
}

Tensor weighted(const Tensor& x, int dim, const std::vector<WeightedTap>& taps) {
  Shape shape = Shape::filled(x.dim(), 1);
  shape[dim] = taps[0].index.numel();
  if (x.dtype() == kUInt8) return weighted_bytes(x, dim, taps, shape);
  Tensor y;
  for (const WeightedTap& tap : taps) {
    const Tensor part = index_select(x, dim, tap.index) * tap.weight.to(x.dtype()).reshape(shape);
    y = y.defined() ? y + part : part;
  }
  return y;
}

/// Where the middle of output i lies among the inputs.
struct Positions {
  double step;
  bool align_corners;
  Positions(int64_t in, int64_t out, double scale, bool align_corners)
      : step(align_corners ? (out > 1 ? double(in - 1) / double(out - 1) : 0)
             : scale > 0   ? 1 / scale
                           : double(in) / double(out)),
        align_corners(align_corners) {}
  double operator()(int64_t i) const { return align_corners ? step * double(i) : step * (double(i) + 0.5) - 0.5; }
};

Tensor resize_linear(const Tensor& x, int dim, int64_t out, double scale, bool align_corners) {
  const int64_t in = x.sizes()[dim];
  const Positions position(in, out, scale, align_corners);
  std::vector<WeightedTap> taps{out, out};
  for (int64_t i = 0; i < out; ++i) {
    const double at = std::max(position(i), 0.0);
    const int64_t first = std::min(int64_t(at), in - 1);
    const double share = std::min(std::max(at - double(first), 0.0), 1.0);
    taps[0].set(i, first, 1 - share);
    taps[1].set(i, std::min(first + 1, in - 1), share);
  }
  return weighted(x, dim, taps);
}

/// Keys 1981 with a = -0.75: the polynomials of four neighbours at distance 1 + t, t, 1 - t and 2 - t.
Tensor resize_cubic(const Tensor& x, int dim, int64_t out, double scale, bool align_corners) {
  constexpr double a = -0.75;
  const auto near = [](double t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
  const auto far = [](double t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
  const int64_t in = x.sizes()[dim];
  const Positions position(in, out, scale, align_corners);
  std::vector<WeightedTap> taps{out, out, out, out};
  for (int64_t i = 0; i < out; ++i) {
    const double at = position(i), first = std::floor(at), t = at - first;
    const double share[4] = {far(1 + t), near(t), near(1 - t), far(2 - t)};
    for (int k = 0; k < 4; ++k) taps[std::size_t(k)].set(i, std::min(std::max(int64_t(first) + k - 1, int64_t(0)), in - 1), share[k]);
  }
  return weighted(x, dim, taps);
}

Tensor resize_area(const Tensor& x, const Shape& size) {
  if (size.size() == 1) return adaptive_avg_pool1d(x, size[0]);
  if (size.size() == 2) return adaptive_avg_pool2d(x, {size[0], size[1]});
  return adaptive_avg_pool3d(x, {size[0], size[1], size[2]});
}

/// The output's sizes. Throws where neither or both of size and scale_factor are named, or not one for each dimension.
Shape output_sizes(const Tensor& x, const InterpolateOptions& o, int spatial) {
  check<ValueError>(o.size.empty() || o.scale_factor.empty(), "only one of size or scale_factor should be defined");
  check<ValueError>(!o.size.empty() || !o.scale_factor.empty(), "either size or scale_factor should be defined");
  const std::size_t given = o.size.empty() ? o.scale_factor.size() : o.size.size();
  check<ValueError>(
      given == 1 || int(given) == spatial,
      "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {} and output size of {}.",
      IntArrayRef(x.sizes().data() + 2, std::size_t(spatial)), IntArrayRef(o.size));
  Shape sizes;
  for (int i = 0; i < spatial; ++i) {
    const std::size_t j = given == 1 ? 0 : std::size_t(i);
    sizes.push_back(o.scale_factor.empty() ? o.size[j] : int64_t(std::floor(double(x.sizes()[i + 2]) * o.scale_factor[j])));
    check<RuntimeError>(sizes[i] > 0 && x.sizes()[i + 2] > 0, "Input and output sizes should be greater than 0, but got input (H: {}) output (H: {})",
                        x.sizes()[i + 2], sizes[i]);
  }
  return sizes;
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& o) {
  require_defined("interpolate", x);
  const std::string_view mode = o.mode;
  const int spatial = x.dim() - 2;
  check<NotImplementedError>(spatial >= 1 && spatial <= 3,
                             "Input Error: Only 3D, 4D and 5D input Tensors supported (got {}D) for the modes: nearest | linear | bilinear | bicubic "
                             "| trilinear | area | nearest-exact (got {})",
                             x.dim(), o.mode);
  const int linear = mode == "linear" ? 1 : mode == "bilinear" ? 2 : mode == "trilinear" ? 3 : 0;
  const bool cubic = mode == "bicubic", half = mode == "nearest-exact";
  check<NotImplementedError>(linear || cubic || half || mode == "nearest" || mode == "area",
                             "interpolate: mode {} is not one of nearest, linear, bilinear, bicubic, trilinear, area, nearest-exact", o.mode);
  check<NotImplementedError>((!linear || linear == spatial) && (!cubic || spatial == 2), "Got {}D input, but {} mode needs {}D input", x.dim(),
                             o.mode, linear ? linear + 2 : 4);
  check<ValueError>(!o.align_corners || linear || cubic,
                    "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear");
  const Shape sizes = output_sizes(x, o, spatial);
  check<NotImplementedError>((!linear && !cubic) || x.dtype() == kUInt8 || is_floating_point(x.dtype()),
                             "\"compute_indices_weights_{}\" not implemented for '{}'", cubic ? "cubic" : "linear", scalar_type_name(x.dtype()));
  if (mode == "area") return resize_area(x, sizes);
  Tensor y = x;
  for (int i = spatial; i-- > 0;) {  // rows first: bytes are rounded between the two
    const double scale = o.scale_factor.empty() || o.recompute_scale_factor ? 0 : o.scale_factor[o.scale_factor.size() == 1 ? 0 : std::size_t(i)];
    if (linear) y = resize_linear(y, i + 2, sizes[i], scale, o.align_corners);
    else if (cubic) y = resize_cubic(y, i + 2, sizes[i], scale, o.align_corners);
    else y = resize_nearest(y, i + 2, sizes[i], scale, half);
  }
  return y;
}

Tensor pixel_shuffle(const Tensor& x, int64_t r) {
  require_defined("pixel_shuffle", x);
  check<RuntimeError>(x.dim() >= 3, "pixel_shuffle expects input to have at least 3 dimensions, but got input with {} dimension(s)", x.dim());
  check<RuntimeError>(r > 0, "pixel_shuffle expects a positive upscale_factor, but got {}", r);
  const int64_t c = x.size(-3), h = x.size(-2), w = x.size(-1);
  check<RuntimeError>(c % (r * r) == 0,
                      "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={} "
                      "is not divisible by {}",
                      c, r * r);
  Shape sizes = x.sizes().shape();
  sizes[x.dim() - 3] = c / (r * r);
  sizes[x.dim() - 2] = h * r;
  sizes[x.dim() - 1] = w * r;
  const int64_t batch = x.numel() && c * h * w != 0 ? x.numel() / (c * h * w) : sizes.numel() ? 1 : 0;
  return x.reshape({batch, c / (r * r), r, r, h, w}).permute({0, 1, 4, 2, 5, 3}).reshape(sizes);
}

Tensor pixel_unshuffle(const Tensor& x, int64_t r) {
  require_defined("pixel_unshuffle", x);
  check<RuntimeError>(x.dim() >= 3, "pixel_unshuffle expects input to have at least 3 dimensions, but got input with {} dimension(s)", x.dim());
  check<RuntimeError>(r > 0, "pixel_unshuffle expects a positive downscale_factor, but got {}", r);
  const int64_t c = x.size(-3), h = x.size(-2), w = x.size(-1);
  check<RuntimeError>(h % r == 0, "pixel_unshuffle expects height to be divisible by downscale_factor, but input.size(-2)={} is not divisible by {}",
                      h, r);
  check<RuntimeError>(w % r == 0, "pixel_unshuffle expects width to be divisible by downscale_factor, but input.size(-1)={} is not divisible by {}",
                      w, r);
  Shape sizes = x.sizes().shape();
  sizes[x.dim() - 3] = c * r * r;
  sizes[x.dim() - 2] = h / r;
  sizes[x.dim() - 1] = w / r;
  const int64_t batch = x.numel() && c * h * w != 0 ? x.numel() / (c * h * w) : 0;
  return x.reshape({batch, c, h / r, r, w / r, r}).permute({0, 1, 3, 5, 2, 4}).reshape(sizes);
}

}  // namespace ember
