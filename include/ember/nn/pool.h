// Pooling layers. As the modules of the same names in torch.nn.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/pool.h>

namespace ember::nn {

template <int N>
class MaxPoolBase : public Module {
 public:
  MaxPoolBase(ExpandingArray<N> kernel_size, MaxPoolOptions<N> options);
  std::string extra_repr() const override;
  const ExpandingArray<N> kernel_size;
  const MaxPoolOptions<N> options;
};
class MaxPool1d final : public MaxPoolBase<1> {
 public:
  explicit MaxPool1d(ExpandingArray<1> kernel_size, MaxPoolOptions<1> options = {});
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  MaxPool1d(ExpandingArray<1> kernel_size, Stride stride, ExpandingArray<1> padding = 0, ExpandingArray<1> dilation = 1)
      : MaxPoolBase(kernel_size, {stride, padding, dilation}) {}
  Tensor forward(const Tensor& x) override { return max_pool1d(x, kernel_size, options); }
  MaxPool1d clone() const;
  PoolIndices forward_with_indices(const Tensor& x) { return max_pool1d_with_indices(x, kernel_size, options); }
};
class MaxPool2d final : public MaxPoolBase<2> {
 public:
  explicit MaxPool2d(ExpandingArray<2> kernel_size, MaxPoolOptions<2> options = {});
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  MaxPool2d(ExpandingArray<2> kernel_size, Stride stride, ExpandingArray<2> padding = 0, ExpandingArray<2> dilation = 1)
      : MaxPoolBase(kernel_size, {stride, padding, dilation}) {}
  template <class T>
    requires std::is_integral_v<T>  // {2, 1} is a stride, as in PyTorch
  MaxPool2d(ExpandingArray<2> kernel_size, std::initializer_list<T> stride, ExpandingArray<2> padding = 0, ExpandingArray<2> dilation = 1)
      : MaxPoolBase(kernel_size, {ember::detail::stride_of(stride), padding, dilation}) {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, kernel_size, options); }
  bool join(Then& then, const Tensor& x) const override;  ///< by 2 x 2, behind a ReLU
  MaxPool2d clone() const;
  PoolIndices forward_with_indices(const Tensor& x) { return max_pool2d_with_indices(x, kernel_size, options); }
};
class MaxPool3d final : public MaxPoolBase<3> {
 public:
  explicit MaxPool3d(ExpandingArray<3> kernel_size, MaxPoolOptions<3> options = {});
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  MaxPool3d(ExpandingArray<3> kernel_size, Stride stride, ExpandingArray<3> padding = 0, ExpandingArray<3> dilation = 1)
      : MaxPoolBase(kernel_size, {stride, padding, dilation}) {}
  template <class T>
    requires std::is_integral_v<T>
  MaxPool3d(ExpandingArray<3> kernel_size, std::initializer_list<T> stride, ExpandingArray<3> padding = 0, ExpandingArray<3> dilation = 1)
      : MaxPoolBase(kernel_size, {ember::detail::stride_of<3>(stride), padding, dilation}) {}
  Tensor forward(const Tensor& x) override { return max_pool3d(x, kernel_size, options); }
  MaxPool3d clone() const;
  PoolIndices forward_with_indices(const Tensor& x) { return max_pool3d_with_indices(x, kernel_size, options); }
};

template <int N>
class MaxUnpoolBase : public Module {
 public:
  MaxUnpoolBase(ExpandingArray<N> kernel_size, MaxUnpoolOptions<N> options) : kernel_size(kernel_size), options(std::move(options)) {}
  std::string extra_repr() const override;
  const ExpandingArray<N> kernel_size;
  const MaxUnpoolOptions<N> options;
};
/// Undoes a MaxPool1d: takes its values and indices.
class MaxUnpool1d final : public MaxUnpoolBase<1> {
 public:
  explicit MaxUnpool1d(ExpandingArray<1> kernel_size, MaxUnpoolOptions<1> options = {});
  MaxUnpool1d clone() const;
  Tensor operator()(const Tensor& x, const Tensor& indices) const;
};
/// Undoes a MaxPool2d.
class MaxUnpool2d final : public MaxUnpoolBase<2> {
 public:
  explicit MaxUnpool2d(ExpandingArray<2> kernel_size, MaxUnpoolOptions<2> options = {});
  MaxUnpool2d clone() const;
  Tensor operator()(const Tensor& x, const Tensor& indices) const;
};
/// Undoes a MaxPool3d.
class MaxUnpool3d final : public MaxUnpoolBase<3> {
 public:
  explicit MaxUnpool3d(ExpandingArray<3> kernel_size, MaxUnpoolOptions<3> options = {});
  MaxUnpool3d clone() const;
  Tensor operator()(const Tensor& x, const Tensor& indices) const;
};

template <int N>
class AvgPoolBase : public Module {
 public:
  AvgPoolBase(ExpandingArray<N> kernel_size, AvgPoolOptions<N> options);
  std::string extra_repr() const override;
  const ExpandingArray<N> kernel_size;
  const AvgPoolOptions<N> options;
};
class AvgPool1d final : public AvgPoolBase<1> {
 public:
  explicit AvgPool1d(ExpandingArray<1> kernel_size, AvgPoolOptions<1> options = {});
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  AvgPool1d(ExpandingArray<1> kernel_size, Stride stride, ExpandingArray<1> padding = 0, bool ceil_mode = false, bool count_include_pad = true)
      : AvgPoolBase(kernel_size, {stride, padding, ceil_mode, count_include_pad}) {}
  Tensor forward(const Tensor& x) override { return avg_pool1d(x, kernel_size, options); }
  AvgPool1d clone() const;
};
class AvgPool2d final : public AvgPoolBase<2> {
 public:
  explicit AvgPool2d(ExpandingArray<2> kernel_size, AvgPoolOptions<2> options = {});
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  AvgPool2d(ExpandingArray<2> kernel_size, Stride stride, ExpandingArray<2> padding = 0, bool ceil_mode = false, bool count_include_pad = true)
      : AvgPoolBase(kernel_size, {stride, padding, ceil_mode, count_include_pad}) {}
  template <class T>
    requires std::is_integral_v<T>
  AvgPool2d(ExpandingArray<2> kernel_size, std::initializer_list<T> stride, ExpandingArray<2> padding = 0, bool ceil_mode = false,
            bool count_include_pad = true)
      : AvgPoolBase(kernel_size, {ember::detail::stride_of(stride), padding, ceil_mode, count_include_pad}) {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, kernel_size, options); }
  AvgPool2d clone() const;
};
class AvgPool3d final : public AvgPoolBase<3> {
 public:
  explicit AvgPool3d(ExpandingArray<3> kernel_size, AvgPoolOptions<3> options = {});
  template <class Stride>
    requires ember::detail::is_stride<Stride>
  AvgPool3d(ExpandingArray<3> kernel_size, Stride stride, ExpandingArray<3> padding = 0, bool ceil_mode = false, bool count_include_pad = true)
      : AvgPoolBase(kernel_size, {stride, padding, ceil_mode, count_include_pad}) {}
  template <class T>
    requires std::is_integral_v<T>
  AvgPool3d(ExpandingArray<3> kernel_size, std::initializer_list<T> stride, ExpandingArray<3> padding = 0, bool ceil_mode = false,
            bool count_include_pad = true)
      : AvgPoolBase(kernel_size, {ember::detail::stride_of<3>(stride), padding, ceil_mode, count_include_pad}) {}
  Tensor forward(const Tensor& x) override { return avg_pool3d(x, kernel_size, options); }
  AvgPool3d clone() const;
};

template <int N>
class LPPoolBase : public Module {
 public:
  LPPoolBase(double norm_type, ExpandingArray<N> kernel_size, LpPoolOptions<N> options)
      : norm_type(norm_type), kernel_size(kernel_size), options(options) {}
  std::string extra_repr() const override;
  const double norm_type;
  const ExpandingArray<N> kernel_size;
  const LpPoolOptions<N> options;
};
class LPPool1d final : public LPPoolBase<1> {
 public:
  LPPool1d(double norm_type, ExpandingArray<1> kernel_size, LpPoolOptions<1> options = {});
  Tensor forward(const Tensor& x) override { return lp_pool1d(x, norm_type, kernel_size, options); }
  LPPool1d clone() const;
};
class LPPool2d final : public LPPoolBase<2> {
 public:
  LPPool2d(double norm_type, ExpandingArray<2> kernel_size, LpPoolOptions<2> options = {});
  template <class T>
    requires std::is_integral_v<T>
  LPPool2d(double norm_type, ExpandingArray<2> kernel_size, std::initializer_list<T> stride, bool ceil_mode = false)
      : LPPoolBase(norm_type, kernel_size, {ember::detail::stride_of<2>(stride), ceil_mode}) {}
  Tensor forward(const Tensor& x) override { return lp_pool2d(x, norm_type, kernel_size, options); }
  LPPool2d clone() const;
};
class LPPool3d final : public LPPoolBase<3> {
 public:
  LPPool3d(double norm_type, ExpandingArray<3> kernel_size, LpPoolOptions<3> options = {});
  template <class T>
    requires std::is_integral_v<T>
  LPPool3d(double norm_type, ExpandingArray<3> kernel_size, std::initializer_list<T> stride, bool ceil_mode = false)
      : LPPoolBase(norm_type, kernel_size, {ember::detail::stride_of<3>(stride), ceil_mode}) {}
  Tensor forward(const Tensor& x) override { return lp_pool3d(x, norm_type, kernel_size, options); }
  LPPool3d clone() const;
};

class AdaptiveAvgPool1d final : public Module {
 public:
  explicit AdaptiveAvgPool1d(ExpandingArray<1> output_size);
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool1d(x, output_size); }
  AdaptiveAvgPool1d clone() const;
  std::string extra_repr() const override;
  const ExpandingArray<1> output_size;
};
/// kKeepSize along a dimension keeps the input's.
inline constexpr int64_t kKeepSize = -1;
class AdaptiveAvgPool2d final : public Module {
 public:
  explicit AdaptiveAvgPool2d(ExpandingArray<2> output_size);
  Tensor forward(const Tensor& x) override;
  AdaptiveAvgPool2d clone() const;
  std::string extra_repr() const override;
  const ExpandingArray<2> output_size;
};
class AdaptiveAvgPool3d final : public Module {
 public:
  explicit AdaptiveAvgPool3d(ExpandingArray<3> output_size);
  Tensor forward(const Tensor& x) override;
  AdaptiveAvgPool3d clone() const;
  std::string extra_repr() const override;
  const ExpandingArray<3> output_size;
};
class AdaptiveMaxPool1d final : public Module {
 public:
  explicit AdaptiveMaxPool1d(ExpandingArray<1> output_size);
  Tensor forward(const Tensor& x) override { return adaptive_max_pool1d(x, output_size); }
  AdaptiveMaxPool1d clone() const;
  PoolIndices forward_with_indices(const Tensor& x) { return adaptive_max_pool1d_with_indices(x, output_size); }
  std::string extra_repr() const override;
  const ExpandingArray<1> output_size;
};
class AdaptiveMaxPool2d final : public Module {
 public:
  explicit AdaptiveMaxPool2d(ExpandingArray<2> output_size);
  Tensor forward(const Tensor& x) override { return forward_with_indices(x).values; }
  AdaptiveMaxPool2d clone() const;
  PoolIndices forward_with_indices(const Tensor& x);
  std::string extra_repr() const override;
  const ExpandingArray<2> output_size;
};
class AdaptiveMaxPool3d final : public Module {
 public:
  explicit AdaptiveMaxPool3d(ExpandingArray<3> output_size);
  Tensor forward(const Tensor& x) override;
  AdaptiveMaxPool3d clone() const;
  PoolIndices forward_with_indices(const Tensor& x);
  std::string extra_repr() const override;
  const ExpandingArray<3> output_size;
};

}  // namespace ember::nn
