// Pooling of volumes: windows of images first, then windows along the depth of what these gave. The maximum of maxima is the maximum, with the
// first of equals in the order of memory; sums of sums are sums, and divisors multiply.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/pool.h>

#include "autograd/recorder.h"
#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

void check_input(const char* name, const Tensor& x) {
  check<RuntimeError>(x.dim() == 4 || x.dim() == 5, "{}: Expected 4D or 5D input tensor, but got input of size: {}", name, x.sizes());
  for (int d = x.dim() == 5 ? 1 : 0; d < x.dim(); ++d)
    check<RuntimeError>(x.sizes()[d] > 0, "{}: Expected 4D or 5D (batch mode) tensor with optional 0 dim batch size for input, but got: {}", name,
                        x.sizes());
}

/// Volumes (N, C, D, H, W) as the pooling of images sees them.
struct Volumes {
  int64_t n, c, depth;
  bool inside;    // the channels are innermost in memory
  Tensor images;  // (N D, C, H, W), or (N C, D, H, W) of planes

  explicit Volumes(const Tensor& x) : n(x.size(0)), c(x.size(1)), depth(x.size(2)) {
    const Tensor last = x.permute({0, 2, 3, 4, 1});
    inside = !x.is_contiguous() && last.is_contiguous();
    images = inside ? last.flatten(0, 1).permute({0, 3, 1, 2}) : x.contiguous().flatten(0, 1);
  }

  /// Pooled images as (N, C, D, pixels), whose windows along the depth are those of images.
  Tensor columns(const Tensor& pooled) const {
    if (!inside) return pooled.unflatten(0, {n, c}).flatten(3);
    return pooled.permute({0, 2, 3, 1}).contiguous().flatten(1, 2).unflatten(0, {n, depth}).permute({0, 3, 1, 2});
  }
};

ExpandingArray<2> plane(const ExpandingArray<3>& all) { return {all[1], all[2]}; }
/// The option of the depth, and what leaves the pixels alone.
ExpandingArray<2> deep(const ExpandingArray<3>& all, int64_t neutral) { return {all[0], neutral}; }
ExpandingArray<3> stride_of(const ExpandingArray<3>& stride, const ExpandingArray<3>& kernel) { return stride[0] == kSameAsKernel ? kernel : stride; }

Tensor batched(const Tensor& x) { return x.dim() == 4 ? x.unsqueeze(0) : x; }
Tensor back_to(const Tensor& y, const Tensor& x) { return y.defined() && x.dim() == 4 ? y.squeeze(0) : y; }

/// Positions in each volume of D x H x W: `first` are those in the planes, `second` those among the columns.
Tensor positions(const Volumes& v, const Tensor& first, const Tensor& second) {
  const NoGradGuard no_grad;
  const Tensor columns = v.columns(first), chosen = second.contiguous().flatten(2);
  const int64_t pixels = columns.size(3), plane = v.images.size(2) * v.images.size(3);
  return (gather(columns.contiguous().flatten(2), 2, chosen) + floor_divide(chosen, pixels) * plane).view(second.sizes());
}

/// Both passes over x (N, C, D, H, W): pool(images) and pool_depth(columns) give values and, if asked for, indices.
template <class Pool, class PoolDepth>
PoolIndices max_in_two(const Tensor& x, bool indices, Pool&& pool, PoolDepth&& pool_depth) {
  const Volumes v(x);
  const PoolIndices planes = pool(v.images), all = pool_depth(v.columns(planes.values));
  const std::vector<int64_t> sizes{planes.values.size(2), planes.values.size(3)};
  return {all.values.unflatten(3, sizes), indices ? positions(v, planes.indices, all.indices).unflatten(3, sizes) : Tensor()};
}

/// What slides, for a recorder.
Attributes sliding_attributes(const ExpandingArray<3>& kernel, const ExpandingArray<3>& stride, const ExpandingArray<3>& padding,
                              const ExpandingArray<3>& dilation, bool ceil_mode) {
  const auto list = [](const ExpandingArray<3>& a) { return std::vector<int64_t>{a[0], a[1], a[2]}; };
  std::vector<int64_t> pads = list(padding);
  for (int i = 0; i < 3; ++i) pads.push_back(padding[i]);
  return {{"kernel_shape", list(kernel)}, {"strides", list(stride)}, {"pads", pads}, {"dilations", list(dilation)}, {"ceil_mode", {ceil_mode}}};
}

PoolIndices max_pool(const Tensor& x, const ExpandingArray<3>& kernel, const MaxPoolOptions<3>& o, bool indices) {
  check_input("max_pool3d", x);
  const ExpandingArray<3> stride = stride_of(o.stride, kernel);
  const MaxPoolOptions<2> planes{plane(stride), plane(o.padding), plane(o.dilation), o.ceil_mode};
  const MaxPoolOptions<2> depth{deep(stride, 1), deep(o.padding, 0), deep(o.dilation, 1), o.ceil_mode};
  const Tensor whole = batched(x);
  const PoolIndices r = max_in_two(
      whole, indices,
      [&](const Tensor& t) {
        return indices ? max_pool2d_with_indices(t, plane(kernel), planes) : PoolIndices{max_pool2d(t, plane(kernel), planes), {}};
      },
      [&](const Tensor& t) {
        return indices ? max_pool2d_with_indices(t, deep(kernel, 1), depth) : PoolIndices{max_pool2d(t, deep(kernel, 1), depth), {}};
      });
  const Tensor values = composed("MaxPool3DWithIndices", {whole}, r.values,
                                 [&] { return sliding_attributes(kernel, stride, o.padding, o.dilation, o.ceil_mode); });
  return {back_to(values, x), back_to(r.indices, x)};
}

void check_output(const char* name, const ExpandingArray<3>& size) {
  for (int64_t one : size.values)
    check<RuntimeError>(one >= 0, "{}: elements of output_size must be greater than or equal to 0 but received {{{}, {}, {}}}", name, size[0],
                        size[1], size[2]);
}
bool any_zero(const ExpandingArray<3>& size) { return size[0] == 0 || size[1] == 0 || size[2] == 0; }
Tensor nothing(const Tensor& x, const ExpandingArray<3>& size, DType dtype) {
  Shape sizes = x.sizes().shape();
  for (int i = 0; i < 3; ++i) sizes[x.dim() - 3 + i] = size[i];
  return zeros(sizes, dtype);
}

PoolIndices adaptive_max(const Tensor& x, const ExpandingArray<3>& size, bool indices) {
  check_input("adaptive_max_pool3d", x);
  check_output("adaptive_max_pool3d", size);
  if (any_zero(size)) return {nothing(x, size, x.dtype()), indices ? nothing(x, size, kInt64) : Tensor()};
  const Tensor whole = batched(x);
  const PoolIndices r = max_in_two(
      whole, indices,
      [&](const Tensor& t) {
        return indices ? adaptive_max_pool2d_with_indices(t, plane(size)) : PoolIndices{adaptive_max_pool2d(t, plane(size)), {}};
      },
      [&](const Tensor& t) {
        const ExpandingArray<2> depth{size[0], t.size(3)};
        return indices ? adaptive_max_pool2d_with_indices(t, depth) : PoolIndices{adaptive_max_pool2d(t, depth), {}};
      });
  const Tensor values = composed("AdaptiveMaxPool3D", {whole}, r.values, [] { return Attributes{}; });
  return {back_to(values, x), back_to(r.indices, x)};
}

}  // namespace

Tensor max_pool3d(const Tensor& x, ExpandingArray<3> kernel, MaxPoolOptions<3> o) {
  require_defined("max_pool3d", x);
  return max_pool(x, kernel, o, false).values;
}
PoolIndices max_pool3d_with_indices(const Tensor& x, ExpandingArray<3> kernel, MaxPoolOptions<3> o) {
  require_defined("max_pool3d_with_indices", x);
  return max_pool(x, kernel, o, true);
}

Tensor avg_pool3d(const Tensor& x, ExpandingArray<3> kernel, AvgPoolOptions<3> o) {
  require_defined("avg_pool3d", x);
  check<RuntimeError>(o.divisor_override != 0, "divisor must be not zero");
  if (x.dtype() == kInt64) return avg_pool3d(x.to(kFloat64), kernel, o).to(kInt64);
  check_input("avg_pool3d", x);
  const ExpandingArray<3> stride = stride_of(o.stride, kernel);
  const bool own = o.divisor_override != kSameAsKernelSize;
  const Tensor whole = batched(x);
  const Volumes v(whole);
  const Tensor planes = avg_pool2d(v.images, plane(kernel),
                                   {plane(stride), plane(o.padding), o.ceil_mode, o.count_include_pad, own ? 1 : kSameAsKernelSize});
  const Tensor y = avg_pool2d(v.columns(planes), deep(kernel, 1),
                              {deep(stride, 1), deep(o.padding, 0), o.ceil_mode, o.count_include_pad, o.divisor_override});
  const Tensor volumes = composed("AvgPool3D", {whole}, y.unflatten(3, {planes.size(2), planes.size(3)}), [&] {
    Attributes attributes = sliding_attributes(kernel, stride, o.padding, 1, o.ceil_mode);
    attributes.push_back({"count_include_pad", {o.count_include_pad}});
    attributes.push_back({"divisor", {own ? o.divisor_override : 0}});
    return attributes;
  });
  return back_to(volumes, x);
}

Tensor adaptive_avg_pool3d(const Tensor& x, ExpandingArray<3> size) {
  require_defined("adaptive_avg_pool3d", x);
  check_input("adaptive_avg_pool3d", x);
  check_output("adaptive_avg_pool3d", size);
  if (any_zero(size)) return nothing(x, size, x.dtype());
  const Tensor whole = batched(x);
  const Volumes v(whole);
  const Tensor planes = adaptive_avg_pool2d(v.images, plane(size)), columns = v.columns(planes);
  const Tensor y = adaptive_avg_pool2d(columns, {size[0], columns.size(3)}).unflatten(3, {size[1], size[2]});
  return back_to(composed("AdaptiveAvgPool3D", {whole}, y, [] { return Attributes{}; }), x);
}

Tensor adaptive_max_pool3d(const Tensor& x, ExpandingArray<3> size) {
  require_defined("adaptive_max_pool3d", x);
  return adaptive_max(x, size, false).values;
}
PoolIndices adaptive_max_pool3d_with_indices(const Tensor& x, ExpandingArray<3> size) {
  require_defined("adaptive_max_pool3d_with_indices", x);
  return adaptive_max(x, size, true);
}

}  // namespace ember
