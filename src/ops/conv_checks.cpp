// The checks of convolutions in the order in which PyTorch makes them.
#include "ops/conv_checks.h"

#include "error_format.h"
#include "ops/window_sizes.h"
#include "tensor/impl.h"

namespace ember {
namespace {

void check_types(const Tensor& x, const Tensor& w, const Tensor& bias) {
  check<RuntimeError>(is_floating_point(x.dtype()) && x.dtype() == w.dtype(), "Input type ({}) and weight type ({}) should be the same",
                      scalar_type_name(x.dtype()), scalar_type_name(w.dtype()));
  check<RuntimeError>(!bias.defined() || bias.dtype() == x.dtype(), "Input type ({}) and bias type ({}) should be the same",
                      scalar_type_name(x.dtype()), bias.defined() ? scalar_type_name(bias.dtype()) : "");
}

void check_rank(const char* name, const Tensor& x, const Tensor& w, int spatial) {
  check<RuntimeError>(w.dim() == spatial + 2, "expected {}-dimensional weight for {}, but got weight of size {}", spatial + 2, name, w.sizes());
  for (int d = 2; d < w.dim(); ++d)
    check<RuntimeError>(w.sizes()[d] > 0, "kernel size should be greater than zero, but got weight of size {}", w.sizes());
  check<RuntimeError>(x.dim() == spatial + 1 || x.dim() == spatial + 2,
                      "Expected {}D (unbatched) or {}D (batched) input to {}, but got input of size: {}", spatial + 1, spatial + 2, name, x.sizes());
}

template <int N>
void check_window(const ExpandingArray<N>& stride, const ExpandingArray<N>& padding, const ExpandingArray<N>& dilation, int64_t groups) {
  check<RuntimeError>(groups > 0, "non-positive groups is not supported");
  for (int i = 0; i < N; ++i) {
    check<RuntimeError>(stride[i] > 0, "non-positive stride is not supported, but got {}", IntArrayRef(stride.values, N));
    check<RuntimeError>(padding[i] >= 0, "negative padding is not supported");
    check<RuntimeError>(dilation[i] > 0, "dilation should be greater than zero, but got {}", IntArrayRef(dilation.values, N));
    check<RuntimeError>(padding[i] < kTooLarge / 4, "Given padding={} at dimension {} , expected padding to be at most {}", padding[i], i,
                        kTooLarge / 4 - 1);
  }
}

/// The sizes of x with the batch that it may lack.
Shape batched_sizes(const Tensor& x, int spatial) {
  Shape sizes = x.sizes().shape();
  if (x.dim() == spatial + 1) sizes.insert(0, 1);
  return sizes;
}

void check_channels(const Tensor& x, const Tensor& w, const Tensor& bias, int64_t groups, int spatial) {
  const int64_t channels = x.size(-spatial - 1);
  check<RuntimeError>(w.sizes()[0] >= groups, "Given groups={}, expected weight to be at least {} at dimension 0, but got weight of size {} instead",
                      groups, groups, w.sizes());
  check<RuntimeError>(w.sizes()[0] % groups == 0,
                      "Given groups={}, expected weight to be divisible by {} at dimension 0, but got weight of size [{}] instead", groups, groups,
                      fmt::join(w.sizes(), ", "));
  check<RuntimeError>(channels == w.sizes()[1] * groups,
                      "Given groups={}, weight of size {}, expected input{} to have {} channels, but got {} channels instead", groups, w.sizes(),
                      batched_sizes(x, spatial), w.sizes()[1] * groups, channels);
  check<RuntimeError>(!bias.defined() || (bias.dim() == 1 && bias.numel() == w.sizes()[0]),
                      "Given weight of size {}, expected bias to be 1-dimensional with {} elements, but got bias of size {} instead", w.sizes(),
                      w.sizes()[0], bias.defined() ? bias.sizes() : IntArrayRef());
}

}  // namespace

template <int N>
Tensor without_same_padding(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, ConvOptions<N>& options) {
  check_rank(name, x, w, N);
  check_types(x, w, bias);
  if (options.padding.kind != ConvPadding<N>::Same) return x;
  options.padding = 0;
  std::vector<int64_t> uneven;
  bool any_uneven = false;
  for (int i = 0; i < N; ++i) {
    check<RuntimeError>(options.stride[i] == 1, "padding='same' is not supported for strided convolutions");
    const int64_t total = saturated(options.dilation[i], w.sizes()[i + 2] - 1, 0);
    options.padding.numbers.values[i] = total / 2;
    any_uneven = any_uneven || total % 2;
    uneven.insert(uneven.begin(), {0, total % 2});
  }
  return any_uneven ? pad(x, uneven) : x;
}

template <int N>
Shape conv_sizes(const Tensor& x, const Tensor& w, const Tensor& bias, const ExpandingArray<N>& stride, const ExpandingArray<N>& padding,
                 const ExpandingArray<N>& dilation, int64_t groups) {
  check_window<N>(stride, padding, dilation, groups);
  check_channels(x, w, bias, groups, N);
  const IntArrayRef in(x.sizes().end() - N, std::size_t(N));
  Shape sizes{x.dim() == N + 1 ? 1 : x.sizes()[0], w.sizes()[0]};
  for (int i = 0; i < N; ++i) {
    const int64_t padded = saturated(2, padding[i], in[i]), reach = window_reach(w.sizes()[i + 2], dilation[i]);
    if (padded < reach) {
      std::string have, want;
      for (int d = 0; d < N; ++d) {
        have += fmt::format("{}{}", d ? " x " : "", in[d] + 2 * padding[d]);
        want += fmt::format("{}{}", d ? " x " : "", window_reach(w.sizes()[d + 2], dilation[d]));
      }
      fail<RuntimeError>("Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size",
                         have, want);
    }
    sizes.push_back((padded - reach) / stride[i] + 1);
    check<RuntimeError>(in[i] > 0, "Only zero batch or zero channel inputs are supported, but got input shape: {}", x.sizes());
  }
  check_storable(sizes);
  return sizes;
}

template <int N>
Shape conv_transpose_sizes(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvTransposeOptions<N>& o) {
  check_rank(name, x, w, N);
  check_types(x, w, bias);
  check_window<N>(o.stride, o.padding, o.dilation, o.groups);
  check<RuntimeError>(x.size(-N - 1) == w.sizes()[0],
                      "Given transposed=1, weight of size {}, expected input{} to have {} channels, but got {} channels instead", w.sizes(),
                      batched_sizes(x, N), w.sizes()[0], x.size(-N - 1));
  const int64_t out = w.sizes()[1] * o.groups;
  check<RuntimeError>(!bias.defined() || (bias.dim() == 1 && bias.numel() == out),
                      "Given transposed=1, weight of size {}, expected bias to be 1-dimensional with {} elements, but got bias of size {} instead",
                      w.sizes(), out, bias.defined() ? bias.sizes() : IntArrayRef());
  const IntArrayRef in(x.sizes().end() - N, std::size_t(N));
  Shape sizes{x.dim() == N + 1 ? 1 : x.sizes()[0], out};
  for (int i = 0; i < N; ++i) {
    const int64_t extra = o.output_padding[i];
    check<RuntimeError>(
        extra >= 0 && (extra < o.stride[i] || extra < o.dilation[i] || extra == 0 || x.numel() == 0),
        "output padding must be smaller than either stride or dilation, but got output_padding_height: {} stride_height: {} dilation_height: {}",
        extra, o.stride[i], o.dilation[i]);
    const int64_t shown = saturated(in[i] - 1, o.stride[i], window_reach(w.sizes()[i + 2], o.dilation[i]));
    sizes.push_back(saturated(-2, o.padding[i], saturated(1, shown, extra)));
  }
  // An output without elements is taken as well: of PyTorch's own kernels some refuse it and some do not.
  for (int i = 0; i < N; ++i)
    check<RuntimeError>(sizes[i + 2] >= 0, "Given input size per channel: ({}). Calculated output size per channel: ({}). Output size is too small",
                        fmt::join(in, " x "), fmt::join(sizes.end() - N, sizes.end(), " x "));
  for (int i = 0; i < N; ++i)
    check<RuntimeError>(in[i] > 0, "Only zero batch or zero channel inputs are supported, but got input shape: {}", x.sizes());
  check_storable(sizes);
  return sizes;
}

template Tensor without_same_padding(const char*, const Tensor&, const Tensor&, const Tensor&, ConvOptions<1>&);
template Tensor without_same_padding(const char*, const Tensor&, const Tensor&, const Tensor&, ConvOptions<2>&);
template Tensor without_same_padding(const char*, const Tensor&, const Tensor&, const Tensor&, ConvOptions<3>&);
template Shape conv_sizes(const Tensor&, const Tensor&, const Tensor&, const ExpandingArray<1>&, const ExpandingArray<1>&, const ExpandingArray<1>&,
                          int64_t);
template Shape conv_sizes(const Tensor&, const Tensor&, const Tensor&, const ExpandingArray<2>&, const ExpandingArray<2>&, const ExpandingArray<2>&,
                          int64_t);
template Shape conv_sizes(const Tensor&, const Tensor&, const Tensor&, const ExpandingArray<3>&, const ExpandingArray<3>&, const ExpandingArray<3>&,
                          int64_t);
template Shape conv_transpose_sizes(const char*, const Tensor&, const Tensor&, const Tensor&, const ConvTransposeOptions<1>&);
template Shape conv_transpose_sizes(const char*, const Tensor&, const Tensor&, const Tensor&, const ConvTransposeOptions<2>&);
template Shape conv_transpose_sizes(const char*, const Tensor&, const Tensor&, const Tensor&, const ConvTransposeOptions<3>&);

}  // namespace ember
