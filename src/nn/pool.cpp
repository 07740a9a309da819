// Pooling layers hand their options to the functions; where a ReLU may come first, they join its pass.
#include <ember/nn/pool.h>

#include "error_format.h"
#include "python_repr.h"

namespace ember::nn {
namespace {

/// A number when all are equal, as users write it; a tuple otherwise.
template <int N>
std::string shown(const ExpandingArray<N>& values) {
  for (int i = 1; i < N; ++i)
    if (values[i] != values[0]) return python_repr(values);
  return values[0] == kKeepSize ? "None" : std::to_string(values[0]);
}

template <int N>
ExpandingArray<N> stride_or_kernel(const ExpandingArray<N>& stride, const ExpandingArray<N>& kernel) {
  return stride[0] == kSameAsKernel ? kernel : stride;
}

template <int N>
ExpandingArray<N> resolved(const ExpandingArray<N>& size, const Tensor& x) {
  ExpandingArray<N> result = size;
  for (int i = 0; i < N; ++i)
    if (size[i] == kKeepSize && x.dim() >= N) result.values[i] = x.size(i - N);
  return result;
}

}  // namespace

/// PyTorch says this when the layer is called.
template <int N>
static void check_windows(const ExpandingArray<N>& kernel, const ExpandingArray<N>& stride, const ExpandingArray<N>& padding,
                          const ExpandingArray<N>& dilation) {
  for (int i = 0; i < N; ++i) {
    check<RuntimeError>(kernel[i] > 0, "kernel size should be greater than zero, but got kernel_size={}", python_repr(kernel));
    check<RuntimeError>(stride[i] > 0 || stride == ExpandingArray<N>(kSameAsKernel), "stride should be greater than zero, but got stride={}",
                        python_repr(stride));
    check<RuntimeError>(padding[i] >= 0, "pad must be non-negative, but got padding={}", python_repr(padding));
    check<RuntimeError>(padding[i] <= kernel[i] / 2, "pad should be at most half of effective kernel size, but got padding={}, kernel_size={}",
                        python_repr(padding), python_repr(kernel));
    check<RuntimeError>(dilation[i] > 0, "dilation should be greater than zero, but got dilation={}", python_repr(dilation));
  }
}

template <int N>
MaxPoolBase<N>::MaxPoolBase(ExpandingArray<N> kernel_size, MaxPoolOptions<N> options) : kernel_size(kernel_size), options(options) {
  check_windows(kernel_size, options.stride, options.padding, options.dilation);
}
template <int N>
AvgPoolBase<N>::AvgPoolBase(ExpandingArray<N> kernel_size, AvgPoolOptions<N> options) : kernel_size(kernel_size), options(options) {
  check_windows(kernel_size, options.stride, options.padding, ExpandingArray<N>(1));
}

template <int N>
std::string MaxPoolBase<N>::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}", shown(kernel_size),
                     shown(stride_or_kernel(options.stride, kernel_size)), shown(options.padding), shown(options.dilation),
                     python_repr(options.ceil_mode));
}
template <int N>
std::string AvgPoolBase<N>::extra_repr() const {
  if (N == 1)
    return fmt::format("kernel_size={}, stride={}, padding={}", python_repr(kernel_size), python_repr(stride_or_kernel(options.stride, kernel_size)),
                       python_repr(options.padding));
  return fmt::format("kernel_size={}, stride={}, padding={}", shown(kernel_size), shown(stride_or_kernel(options.stride, kernel_size)),
                     shown(options.padding));
}
template class MaxPoolBase<1>;
template class MaxPoolBase<2>;
template class MaxPoolBase<3>;
template class AvgPoolBase<1>;
template class AvgPoolBase<2>;
template class AvgPoolBase<3>;

template <int N>
std::string MaxUnpoolBase<N>::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}", python_repr(kernel_size), python_repr(stride_or_kernel(options.stride, kernel_size)),
                     python_repr(options.padding));
}
template class MaxUnpoolBase<1>;
template class MaxUnpoolBase<2>;
template class MaxUnpoolBase<3>;

template <int N>
std::string LPPoolBase<N>::extra_repr() const {
  const bool whole = norm_type == double(int64_t(norm_type));
  return fmt::format("norm_type={}, kernel_size={}, stride={}, ceil_mode={}", whole ? std::to_string(int64_t(norm_type)) : python_repr(norm_type),
                     shown(kernel_size), options.stride[0] == kSameAsKernel ? "None" : shown(options.stride), python_repr(options.ceil_mode));
}
template class LPPoolBase<1>;
template class LPPoolBase<2>;
template class LPPoolBase<3>;

std::string AdaptiveAvgPool1d::extra_repr() const { return "output_size=" + shown(output_size); }
Tensor AdaptiveAvgPool2d::forward(const Tensor& x) { return adaptive_avg_pool2d(x, resolved(output_size, x)); }
std::string AdaptiveAvgPool2d::extra_repr() const { return "output_size=" + shown(output_size); }
PoolIndices AdaptiveMaxPool2d::forward_with_indices(const Tensor& x) { return adaptive_max_pool2d_with_indices(x, resolved(output_size, x)); }
std::string AdaptiveMaxPool2d::extra_repr() const { return "output_size=" + shown(output_size); }
Tensor AdaptiveAvgPool3d::forward(const Tensor& x) { return adaptive_avg_pool3d(x, resolved(output_size, x)); }
std::string AdaptiveAvgPool3d::extra_repr() const { return "output_size=" + shown(output_size); }
std::string AdaptiveMaxPool1d::extra_repr() const { return "output_size=" + shown(output_size); }
Tensor AdaptiveMaxPool3d::forward(const Tensor& x) { return adaptive_max_pool3d(x, resolved(output_size, x)); }
PoolIndices AdaptiveMaxPool3d::forward_with_indices(const Tensor& x) { return adaptive_max_pool3d_with_indices(x, resolved(output_size, x)); }
std::string AdaptiveMaxPool3d::extra_repr() const { return "output_size=" + shown(output_size); }

bool MaxPool2d::join(Then& then, const Tensor&) const {
  if (!then.relu || then.max_pool || options.ceil_mode) return false;
  for (int d = 0; d < 2; ++d) {
    const int64_t stride = options.stride[d] == kSameAsKernel ? kernel_size[d] : options.stride[d];
    if (kernel_size[d] != 2 || stride != 2 || options.padding[d] != 0 || options.dilation[d] != 1) return false;
  }
  return then.max_pool = true;
}

Tensor MaxUnpool1d::operator()(const Tensor& x, const Tensor& indices) const {
  return observed([&] { return max_unpool1d(x, indices, kernel_size, options); }, x, indices);
}
Tensor MaxUnpool2d::operator()(const Tensor& x, const Tensor& indices) const {
  return observed([&] { return max_unpool2d(x, indices, kernel_size, options); }, x, indices);
}
Tensor MaxUnpool3d::operator()(const Tensor& x, const Tensor& indices) const {
  return observed([&] { return max_unpool3d(x, indices, kernel_size, options); }, x, indices);
}

}  // namespace ember::nn
