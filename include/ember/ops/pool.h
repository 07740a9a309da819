// Pooling. x is (N, C, L), (N, C, H, W) or (N, C, D, H, W), or the same without N. As the functions of the same names in torch.nn.functional; stride
// is the kernel size unless named.
#pragma once

#include <ember/ops/stride.h>
#include <ember/tensor.h>

namespace ember {

inline constexpr int64_t kSameAsKernel = INT64_MIN;
inline constexpr int64_t kSameAsKernelSize = INT64_MIN;

template <int N>
struct MaxPoolOptions {
  ExpandingArray<N> stride = kSameAsKernel, padding = 0, dilation = 1;
  bool ceil_mode = false;
};
template <int N>
struct AvgPoolOptions {
  ExpandingArray<N> stride = kSameAsKernel, padding = 0;
  bool ceil_mode = false, count_include_pad = true;
  int64_t divisor_override = kSameAsKernelSize;  ///< the number of elements of the window unless named
};
struct PoolIndices {
  Tensor values, indices;  ///< indices (int64) into the flattened (D x) H x W of each channel
};

/// L -> (L + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded up in ceil_mode. Padding is never the largest; the first
/// of equals has the gradient; a NaN wins.
Tensor max_pool1d(const Tensor& x, ExpandingArray<1> kernel_size, MaxPoolOptions<1> options = {});
Tensor max_pool2d(const Tensor& x, ExpandingArray<2> kernel_size, MaxPoolOptions<2> options = {});
Tensor max_pool3d(const Tensor& x, ExpandingArray<3> kernel_size, MaxPoolOptions<3> options = {});
PoolIndices max_pool1d_with_indices(const Tensor& x, ExpandingArray<1> kernel_size, MaxPoolOptions<1> options = {});
PoolIndices max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> kernel_size, MaxPoolOptions<2> options = {});
PoolIndices max_pool3d_with_indices(const Tensor& x, ExpandingArray<3> kernel_size, MaxPoolOptions<3> options = {});
Tensor avg_pool1d(const Tensor& x, ExpandingArray<1> kernel_size, AvgPoolOptions<1> options = {});
Tensor avg_pool2d(const Tensor& x, ExpandingArray<2> kernel_size, AvgPoolOptions<2> options = {});
Tensor avg_pool3d(const Tensor& x, ExpandingArray<3> kernel_size, AvgPoolOptions<3> options = {});
/// PyTorch's positional forms: max_pool2d(x, 2, 2) is max_pool2d(x, 2, {.stride = 2}).
template <WholeNumber Stride>
Tensor max_pool1d(const Tensor& x, ExpandingArray<1> kernel_size, Stride stride, ExpandingArray<1> padding = 0, ExpandingArray<1> dilation = 1,
                  bool ceil_mode = false) {
  return max_pool1d(x, kernel_size, MaxPoolOptions<1>{stride, padding, dilation, ceil_mode});
}
/// By position.
template <WholeNumber Stride>
Tensor max_pool2d(const Tensor& x, ExpandingArray<2> kernel_size, Stride stride, ExpandingArray<2> padding = 0, ExpandingArray<2> dilation = 1,
                  bool ceil_mode = false) {
  return max_pool2d(x, kernel_size, MaxPoolOptions<2>{stride, padding, dilation, ceil_mode});
}
/// By position.
template <WholeNumber Stride>
Tensor max_pool3d(const Tensor& x, ExpandingArray<3> kernel_size, Stride stride, ExpandingArray<3> padding = 0, ExpandingArray<3> dilation = 1,
                  bool ceil_mode = false) {
  return max_pool3d(x, kernel_size, MaxPoolOptions<3>{stride, padding, dilation, ceil_mode});
}
/// By position.
template <WholeNumber Stride>
Tensor avg_pool1d(const Tensor& x, ExpandingArray<1> kernel_size, Stride stride, ExpandingArray<1> padding = 0, bool ceil_mode = false,
                  bool count_include_pad = true) {
  return avg_pool1d(x, kernel_size, AvgPoolOptions<1>{stride, padding, ceil_mode, count_include_pad});
}
/// By position.
template <WholeNumber Stride>
Tensor avg_pool2d(const Tensor& x, ExpandingArray<2> kernel_size, Stride stride, ExpandingArray<2> padding = 0, bool ceil_mode = false,
                  bool count_include_pad = true) {
  return avg_pool2d(x, kernel_size, AvgPoolOptions<2>{stride, padding, ceil_mode, count_include_pad});
}
/// By position.
template <WholeNumber Stride>
Tensor avg_pool3d(const Tensor& x, ExpandingArray<3> kernel_size, Stride stride, ExpandingArray<3> padding = 0, bool ceil_mode = false,
                  bool count_include_pad = true) {
  return avg_pool3d(x, kernel_size, AvgPoolOptions<3>{stride, padding, ceil_mode, count_include_pad});
}

/// A list is the stride, as in PyTorch, and not the fields of the options: max_pool2d(x, 3, {2, 1}).
template <WholeNumber T>
Tensor max_pool2d(const Tensor& x, ExpandingArray<2> kernel_size, std::initializer_list<T> stride, ExpandingArray<2> padding = 0,
                  ExpandingArray<2> dilation = 1, bool ceil_mode = false) {
  return max_pool2d(x, kernel_size, MaxPoolOptions<2>{detail::stride_of(stride), padding, dilation, ceil_mode});
}
/// A list is the stride.
template <WholeNumber T>
Tensor avg_pool2d(const Tensor& x, ExpandingArray<2> kernel_size, std::initializer_list<T> stride, ExpandingArray<2> padding = 0,
                  bool ceil_mode = false, bool count_include_pad = true) {
  return avg_pool2d(x, kernel_size, AvgPoolOptions<2>{detail::stride_of(stride), padding, ceil_mode, count_include_pad});
}
/// A list is the stride.
template <WholeNumber T>
Tensor max_pool3d(const Tensor& x, ExpandingArray<3> kernel_size, std::initializer_list<T> stride, ExpandingArray<3> padding = 0,
                  ExpandingArray<3> dilation = 1, bool ceil_mode = false) {
  return max_pool3d(x, kernel_size, MaxPoolOptions<3>{detail::stride_of<3>(stride), padding, dilation, ceil_mode});
}
/// A list is the stride.
template <WholeNumber T>
Tensor avg_pool3d(const Tensor& x, ExpandingArray<3> kernel_size, std::initializer_list<T> stride, ExpandingArray<3> padding = 0,
                  bool ceil_mode = false, bool count_include_pad = true) {
  return avg_pool3d(x, kernel_size, AvgPoolOptions<3>{detail::stride_of<3>(stride), padding, ceil_mode, count_include_pad});
}

/// Windows such that the output has this size.
Tensor adaptive_avg_pool1d(const Tensor& x, ExpandingArray<1> output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, ExpandingArray<2> output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, ExpandingArray<3> output_size);
Tensor adaptive_max_pool1d(const Tensor& x, ExpandingArray<1> output_size);
Tensor adaptive_max_pool2d(const Tensor& x, ExpandingArray<2> output_size);
Tensor adaptive_max_pool3d(const Tensor& x, ExpandingArray<3> output_size);
PoolIndices adaptive_max_pool1d_with_indices(const Tensor& x, ExpandingArray<1> output_size);
PoolIndices adaptive_max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> output_size);
PoolIndices adaptive_max_pool3d_with_indices(const Tensor& x, ExpandingArray<3> output_size);

template <int N>
struct MaxUnpoolOptions {
  ExpandingArray<N> stride = kSameAsKernel, padding = 0;
  std::vector<int64_t> output_size = {};
};
/// Puts values back where max_pool2d_with_indices took them from; zeros elsewhere.
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, ExpandingArray<1> kernel_size, const MaxUnpoolOptions<1>& options = {});
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, ExpandingArray<2> kernel_size, const MaxUnpoolOptions<2>& options = {});
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, ExpandingArray<3> kernel_size, const MaxUnpoolOptions<3>& options = {});
/// A list is the stride.
template <WholeNumber T>
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, ExpandingArray<2> kernel_size, std::initializer_list<T> stride,
                    ExpandingArray<2> padding = 0) {
  return max_unpool2d(x, indices, kernel_size, MaxUnpoolOptions<2>{detail::stride_of(stride), padding});
}
/// A list is the stride.
template <WholeNumber T>
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, ExpandingArray<3> kernel_size, std::initializer_list<T> stride,
                    ExpandingArray<3> padding = 0) {
  return max_unpool3d(x, indices, kernel_size, MaxUnpoolOptions<3>{detail::stride_of<3>(stride), padding});
}

template <int N>
struct LpPoolOptions {
  ExpandingArray<N> stride = kSameAsKernel;
  bool ceil_mode = false;
};
/// (the sum of x^norm_type over each window)^(1 / norm_type); the largest |x| for infinity.
Tensor lp_pool1d(const Tensor& x, double norm_type, ExpandingArray<1> kernel_size, LpPoolOptions<1> options = {});
Tensor lp_pool2d(const Tensor& x, double norm_type, ExpandingArray<2> kernel_size, LpPoolOptions<2> options = {});
Tensor lp_pool3d(const Tensor& x, double norm_type, ExpandingArray<3> kernel_size, LpPoolOptions<3> options = {});
/// A list is the stride.
template <WholeNumber T>
Tensor lp_pool2d(const Tensor& x, double norm_type, ExpandingArray<2> kernel_size, std::initializer_list<T> stride, bool ceil_mode = false) {
  return lp_pool2d(x, norm_type, kernel_size, LpPoolOptions<2>{detail::stride_of<2>(stride), ceil_mode});
}
/// A list is the stride.
template <WholeNumber T>
Tensor lp_pool3d(const Tensor& x, double norm_type, ExpandingArray<3> kernel_size, std::initializer_list<T> stride, bool ceil_mode = false) {
  return lp_pool3d(x, norm_type, kernel_size, LpPoolOptions<3>{detail::stride_of<3>(stride), ceil_mode});
}

}  // namespace ember
