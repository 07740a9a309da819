#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/embedding.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <string_view>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/gather.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// Rows that are looked up, shortened to max_norm in place.
void shorten(const Tensor& weight, const Tensor& rows, double max_norm, double p) {
  NoGradGuard no_grad;
  const Tensor distinct = unique(rows).values;
  for (int64_t i = 0; i < distinct.numel(); ++i) {
    const Tensor row = weight.detach().select(0, distinct.data<int64_t>()[i]);
    const double length = norm(row, p).item<double>();
    if (length > max_norm) row.mul_(max_norm / (length + 1e-7));
  }
}

}  // namespace

Tensor embedding(const Tensor& indices, const Tensor& weight, EmbeddingOptions o) {
  require_defined("embedding", indices, weight);
  check<RuntimeError>(weight.dim() == 2, "'weight' must be 2-D");
  check<RuntimeError>(indices.dtype() == kInt64, "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got {} instead (while checking arguments for embedding)",
                      tensor_type_name(indices.dtype()));
  const int64_t rows = weight.sizes()[0];
  int64_t padding = o.padding_idx;
  if (padding != INT64_MIN) {
    check<RuntimeError>(padding < rows && padding >= -rows, "Padding_idx must be within num_embeddings");
    if (padding < 0) padding += rows;
  }
  const Tensor flat = indices.contiguous().view({-1});  // reshape() may keep strides
  Shape sizes = indices.sizes().shape();
  sizes.push_back(weight.sizes()[1]);
  for (int64_t i = 0; i < flat.numel(); ++i)
    check<IndexError>(flat.data<int64_t>()[i] >= 0 && flat.data<int64_t>()[i] < rows, "index out of range in self");
  if (o.max_norm > 0) shorten(weight, flat, o.max_norm, o.norm_type);
  Tensor y;
  {
    NoGradGuard no_grad;
    y = index_select(weight, 0, flat).reshape(sizes);
  }
  note("Embedding", [&] { return Attributes{{"indices", {}, {}, indices}}; });
  return record("Embedding", {weight}, std::move(y), [flat = Saved(flat), rows, padding, o](const Tensor& dy, Grads& grads) {
    const Tensor at = flat.get();
    const int64_t width = dy.size(-1);
    Tensor g = dy.reshape({at.numel(), width});
    if (o.scale_grad_by_freq && at.numel() > 0) {
      const Tensor counts = bincount(at, {}, rows).to(g.dtype());
      g = g / index_select(counts, 0, at).unsqueeze(1);
    }
    if (padding != INT64_MIN) g = where(eq(at, padding).unsqueeze(1), 0, g);
    grads.add(0, sum_slices(g, {rows, width}, 0, at));
  });
}

Tensor one_hot(const Tensor& indices, int64_t num_classes) {
  require_defined("one_hot", indices);
  check<RuntimeError>(indices.dtype() == kInt64, "one_hot is only applicable to index tensor of type LongTensor.");
  if (indices.numel() == 0) {
    check<RuntimeError>(num_classes > 0, "Can not infer total number of classes from empty tensor.");
  } else {
    check<RuntimeError>(indices.min().item<int64_t>() >= 0, "Class values must be non-negative.");
    const int64_t largest = indices.max().item<int64_t>();
    if (num_classes == -1) num_classes = largest + 1;
    check<RuntimeError>(num_classes >= 1, "num_classes should be positive");
    check<RuntimeError>(largest < num_classes, "Class values must be smaller than num_classes.");
  }
  Shape sizes = indices.sizes().shape();
  sizes.push_back(num_classes);
  return scatter(zeros(sizes, kInt64), -1, indices.unsqueeze(-1), 1);
}

// --- interpolation: along one dimension after the other

namespace {

/// Nearest: which input element each output element is.
Tensor resize_nearest(const Tensor& x, int dim, int64_t out, double scale) {
  const int64_t in = x.sizes()[dim];
  const Tensor at = make_dense({out}, kInt64);
  // PyTorch copies or doubles when the sizes say so, whatever the factor was: 3 pixels by 2.3 are 6, each one twice.
  const float step = out == in ? 1.0f : out == 2 * in ? 0.5f : scale > 0 ? float(1 / scale) : float(in) / float(out);
  for (int64_t i = 0; i < out; ++i) at.data<int64_t>()[i] = std::min(int64_t(std::floor(float(i) * step)), in - 1);
  return index_select(x, dim, at);
}

/// Linear: a weighted sum of two neighbours.
/// Bytes are weighted as PyTorch does it: by whole numbers of as many bits as fit 16, halves rounded up.
Tensor weighted_bytes(const Tensor& low, const Tensor& high, const Tensor& share) {
  const double largest = maximum(share, 1 - share).max().item<double>();
  int bits = 0;
  while (bits < 22 && int64_t(0.5 + largest * double(int64_t(1) << (bits + 1))) < (1 << 15)) ++bits;
  const double one = double(int64_t(1) << bits);
  const Tensor of_high = floor(share * one + 0.5), of_low = floor((1 - share) * one + 0.5);
  return clamp(floor((low.to(kFloat64) * of_low + high.to(kFloat64) * of_high + one / 2) / one), 0, 255).to(kUInt8);
}

Tensor resize_linear(const Tensor& x, int dim, int64_t out, double scale, bool align_corners) {
  const int64_t in = x.sizes()[dim];
  const Tensor low = make_dense({out}, kInt64), high = make_dense({out}, kInt64), share = make_dense({out}, kFloat64);
  const double step = align_corners ? (out > 1 ? double(in - 1) / double(out - 1) : 0) : scale > 0 ? 1 / scale : double(in) / double(out);
  for (int64_t i = 0; i < out; ++i) {
    double at = align_corners ? step * double(i) : step * (double(i) + 0.5) - 0.5;
    if (at < 0) at = 0;
    const int64_t first = std::min(int64_t(at), in - 1);
    low.data<int64_t>()[i] = first;
    high.data<int64_t>()[i] = std::min(first + 1, in - 1);
    share.data<double>()[i] = std::min(std::max(at - double(first), 0.0), 1.0);
  }
  Shape sizes = Shape::filled(x.dim(), 1);
  sizes[dim] = out;
  if (x.dtype() == kUInt8) return weighted_bytes(index_select(x, dim, low), index_select(x, dim, high), share.reshape(sizes));
  const Tensor weight = share.to(x.dtype()).reshape(sizes);
  return index_select(x, dim, low) * (1 - weight) + index_select(x, dim, high) * weight;
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& o) {
  require_defined("interpolate", x);
  const std::string_view mode = o.mode;
  const int spatial = x.dim() - 2;
  check<NotImplementedError>(spatial == 1 || spatial == 2, "Input Error: Only 3D, 4D and 5D input Tensors supported (got {}D) for the modes: nearest | linear | bilinear (got {})", x.dim(), o.mode);
  check<ValueError>(o.size.empty() || o.scale_factor.empty(), "only one of size or scale_factor should be defined");
  check<ValueError>(!o.size.empty() || !o.scale_factor.empty(), "either size or scale_factor should be defined");
  const bool linear = mode == "linear" || mode == "bilinear";
  check<NotImplementedError>(linear || mode == "nearest", "interpolate: mode {} is not one of nearest, linear, bilinear", o.mode);
  check<NotImplementedError>(!(mode == "linear" && spatial != 1), "Got {}D input, but linear mode needs 3D input", x.dim());
  check<NotImplementedError>(!(mode == "bilinear" && spatial != 2), "Got {}D input, but bilinear mode needs 4D input", x.dim());
  check<ValueError>(!o.align_corners || linear, "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear");
  const std::size_t given = o.size.empty() ? o.scale_factor.size() : o.size.size();
  check<ValueError>(given == 1 || int(given) == spatial, "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {} and output size of {}.",
                    IntArrayRef(x.sizes().data() + 2, std::size_t(spatial)), IntArrayRef(o.size));
  check<NotImplementedError>(!linear || x.dtype() == kUInt8 || is_floating_point(x.dtype()), "\"compute_indices_weights_linear\" not implemented for '{}'",
                             scalar_type_name(x.dtype()));
  Tensor y = x;
  for (int i = spatial; i-- > 0;) {  // rows first: bytes are rounded between the two
    const std::size_t j = given == 1 ? 0 : std::size_t(i);
    const double factor = o.scale_factor.empty() ? 0 : o.scale_factor[j];
    const int64_t out = o.scale_factor.empty() ? o.size[j] : int64_t(std::floor(double(x.sizes()[i + 2]) * factor));
    check<RuntimeError>(out > 0 && x.sizes()[i + 2] > 0, "Input and output sizes should be greater than 0, but got input (H: {}) output (H: {})", x.sizes()[i + 2], out);
    const double scale = o.recompute_scale_factor ? 0 : factor;
    y = linear ? resize_linear(y, i + 2, out, scale, o.align_corners) : resize_nearest(y, i + 2, out, scale);
  }
  return y;
}

Tensor pixel_shuffle(const Tensor& x, int64_t r) {
  require_defined("pixel_shuffle", x);
  check<RuntimeError>(x.dim() >= 3, "pixel_shuffle expects input to have at least 3 dimensions, but got input with {} dimension(s)", x.dim());
  check<RuntimeError>(r > 0, "pixel_shuffle expects a positive upscale_factor, but got {}", r);
  const int64_t c = x.size(-3), h = x.size(-2), w = x.size(-1);
  check<RuntimeError>(c % (r * r) == 0, "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={} is not divisible by {}", c, r * r);
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
  check<RuntimeError>(h % r == 0, "pixel_unshuffle expects height to be divisible by downscale_factor, but input.size(-2)={} is not divisible by {}", h, r);
  check<RuntimeError>(w % r == 0, "pixel_unshuffle expects width to be divisible by downscale_factor, but input.size(-1)={} is not divisible by {}", w, r);
  Shape sizes = x.sizes().shape();
  sizes[x.dim() - 3] = c * r * r;
  sizes[x.dim() - 2] = h / r;
  sizes[x.dim() - 1] = w / r;
  const int64_t batch = x.numel() && c * h * w != 0 ? x.numel() / (c * h * w) : 0;
  return x.reshape({batch, c, h / r, r, w / r, r}).permute({0, 1, 3, 5, 2, 4}).reshape(sizes);
}

}  // namespace ember
