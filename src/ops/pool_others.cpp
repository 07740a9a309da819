// The way back from max pooling, and power-average pooling.
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/pool.h>

#include <cmath>

#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

template <int N>
Tensor max_unpool(const Tensor& x, const Tensor& indices, const ExpandingArray<N>& kernel, const MaxUnpoolOptions<N>& o) {
  check<RuntimeError>(indices.dtype() == kInt64, "elements in indices should be type int64 but got: {}", scalar_type_name(indices.dtype()));
  check<RuntimeError>(x.dim() == N + 1 || x.dim() == N + 2,
                      "Input to max_unpooling{}d should be a {}d or {}d Tensor, but got a tensor with {} dimensions.", N, N + 1, N + 2, x.dim());
  check<RuntimeError>(x.sizes() == indices.sizes(),
                      "Expected shape of indices to be same as that of the input tensor ({}) but got indices tensor with shape: {}", x.sizes(),
                      indices.sizes());
  const std::size_t named = o.output_size.size();
  check<ValueError>(named == 0 || named == std::size_t(N) || named == std::size_t(N) + 2,
                    "output_size should be a sequence containing {} or {} elements, but it has a length of '{}'", N, N + 2, named);
  Shape sizes = x.sizes().shape(), volumes;
  int64_t volume = 1;
  for (int i = 0; i < N; ++i) {
    const int64_t stride = o.stride[i] == kSameAsKernel ? kernel[i] : o.stride[i];
    int64_t size = (x.size(i - N) - 1) * stride - 2 * o.padding[i] + kernel[i];
    if (named) {
      const int64_t asked = o.output_size[named - N + std::size_t(i)];
      check<ValueError>(asked > size - stride && asked < size + stride, "invalid output_size {} (dim {} must be between {} and {})",
                        IntArrayRef(o.output_size), i, size - stride, size + stride);
      size = asked;
    }
    check<ValueError>(size >= 0, "max_unpooling: output_size must contain non-negative spatial dimensions, but got output_size[{}]={}", i, size);
    sizes[x.dim() - N + i] = size;
  }
  check_storable(sizes);
  for (int d = 0; d < x.dim(); ++d)
    if (d < x.dim() - N) volumes.push_back(sizes[d]);
    else volume *= sizes[d];
  const Tensor flat = indices.contiguous().view({-1});  // reshape() may keep strides
  for (int64_t i = 0; i < flat.numel(); ++i)
    check<RuntimeError>(flat.data<int64_t>()[i] >= 0 && flat.data<int64_t>()[i] < volume,
                        "Found an invalid max index: {} (output volumes are of size {})", flat.data<int64_t>()[i],
                        fmt::join(sizes.end() - N, sizes.end(), "x"));
  volumes.push_back(volume);
  return scatter(zeros(volumes, x.dtype()), -1, indices.flatten(-N), x.flatten(-N)).reshape(sizes);
}

/// (sum of x^p)^(1 / p) from the average, with PyTorch's roundings.
Tensor root_of(const Tensor& average, double p, int64_t count) {
  check<ValueError>(p != 0, "float division by zero\nlp_pool: expected a norm_type other than 0");
  return pow(sign(average) * relu(abs(average)) * double(count), 1 / p);
}

}  // namespace

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, ExpandingArray<1> kernel, const MaxUnpoolOptions<1>& options) {
  require_defined("max_unpool1d", x, indices);
  return max_unpool<1>(x, indices, kernel, options);
}
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, ExpandingArray<2> kernel, const MaxUnpoolOptions<2>& options) {
  require_defined("max_unpool2d", x, indices);
  return max_unpool<2>(x, indices, kernel, options);
}
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, ExpandingArray<3> kernel, const MaxUnpoolOptions<3>& options) {
  require_defined("max_unpool3d", x, indices);
  return max_unpool<3>(x, indices, kernel, options);
}

Tensor lp_pool1d(const Tensor& x, double p, ExpandingArray<1> kernel, LpPoolOptions<1> o) {
  require_defined("lp_pool1d", x);
  if (std::isinf(p))
    return p > 0 ? max_pool1d(abs(x), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode})
                 : -max_pool1d(-abs(x), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode});
  return root_of(avg_pool1d(pow(x, p), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode}), p, kernel[0]);
}
Tensor lp_pool2d(const Tensor& x, double p, ExpandingArray<2> kernel, LpPoolOptions<2> o) {
  require_defined("lp_pool2d", x);
  if (std::isinf(p))
    return p > 0 ? max_pool2d(abs(x), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode})
                 : -max_pool2d(-abs(x), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode});
  return root_of(avg_pool2d(pow(x, p), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode}), p, kernel[0] * kernel[1]);
}
Tensor lp_pool3d(const Tensor& x, double p, ExpandingArray<3> kernel, LpPoolOptions<3> o) {
  require_defined("lp_pool3d", x);
  if (std::isinf(p))
    return p > 0 ? max_pool3d(abs(x), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode})
                 : -max_pool3d(-abs(x), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode});
  return root_of(avg_pool3d(pow(x, p), kernel, {.stride = o.stride, .ceil_mode = o.ceil_mode}), p, kernel[0] * kernel[1] * kernel[2]);
}

}  // namespace ember
