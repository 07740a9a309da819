// Pooling: windows along two axes, then one loop for all kinds. Inputs are brought into channels-last form.
#include <ember/ops/pool.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>

#include <memory>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// The windows along one dimension.
struct Axis {
  std::vector<int64_t> start, count;
  int64_t step = 1, in = 0;
  std::vector<int64_t> divisor;  // how many positions an average counts, padding included where asked

  kernels::PoolAxis view() const { return {start.data(), count.data(), step, in, int64_t(start.size())}; }
};

/// Shared between an operation and its gradients.
struct Windows {
  Axis y, x;
  int64_t most_taps() const {
    int64_t rows = 1, columns = 1;
    for (int64_t n : y.count) rows = std::max(rows, n);
    for (int64_t n : x.count) columns = std::max(columns, n);
    return rows * columns;
  }
  kernels::PoolShape shape(int64_t channels) const { return {y.view(), x.view(), channels}; }
  int64_t outputs() const { return int64_t(y.start.size() * x.start.size()); }
};
using SharedWindows = std::shared_ptr<const Windows>;

/// The windows that make() gives for these numbers, kept from one of the last calls where possible: a network asks for the same ones
/// in every step.
struct WindowsKey {
  int64_t numbers[13] = {};
  bool operator==(const WindowsKey&) const = default;
};
template <class Make>
SharedWindows remembered(const WindowsKey& key, Make&& make) {
  struct Recent {
    WindowsKey key;
    SharedWindows windows;
  };
  thread_local Recent recent[16];
  thread_local int next = 0;
  for (const Recent& r : recent)
    if (r.windows && r.key == key) return r.windows;
  SharedWindows windows = make();
  recent[next++ % 16] = {key, windows};
  return windows;
}

int64_t output_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, bool ceil_mode) {
  const int64_t span = in + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  int64_t out = (span >= 0 ? span / stride : -((-span + stride - 1) / stride)) + 1;
  // The last window must start inside the image or its left padding.
  if (ceil_mode && (out - 1) * stride >= in + padding) --out;
  return out;
}

Axis sliding(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, bool ceil_mode, bool count_padding) {
  Axis axis;
  axis.in = in;
  axis.step = dilation;
  for (int64_t o = 0, n = output_size(in, kernel, stride, padding, dilation, ceil_mode); o < n; ++o) {
    int64_t first = o * stride - padding;
    const int64_t end = std::min(first + dilation * (kernel - 1) + 1, in), padded_end = std::min(first + kernel, in + padding);
    const int64_t counted = padded_end - first;
    if (first < 0) first += (-first + dilation - 1) / dilation * dilation;
    axis.start.push_back(first);
    axis.count.push_back(end > first ? (end - first + dilation - 1) / dilation : 0);
    axis.divisor.push_back(count_padding ? counted : axis.count.back());
  }
  return axis;
}

Axis adaptive(int64_t in, int64_t out) {
  Axis axis;
  axis.in = in;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o * in / out, end = ((o + 1) * in + out - 1) / out;
    axis.start.push_back(first);
    axis.count.push_back(end - first);
    axis.divisor.push_back(end - first);
  }
  return axis;
}

template <class T>
const kernels::PoolFamily<T>& family() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().pool.float32;
  else return kernels::kernels().pool.float64;
}

template <class F>
void with_real(DType dtype, F&& f) {
  if (dtype == kFloat32) f(float());
  else f(double());
}

Tensor channels_last(const Tensor& x) { return x.is_contiguous(MemoryFormat::ChannelsLast) ? x : x.contiguous(MemoryFormat::ChannelsLast); }

Shape pooled_sizes(const Tensor& x, const Windows& w) {
  return {x.sizes()[0], x.sizes()[1], int64_t(w.y.start.size()), int64_t(w.x.start.size())};
}

/// body(image) for each image of the batch.
template <class Body>
void for_each_image(const Tensor& large, Body&& body) {
  kernels::parallel_for(large.sizes()[0], 1, double(large.numel()) * 2, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) body(n);
  });
}

Tensor strided_channels_last(const Shape& sizes, DType dtype) { return empty_strided(sizes, channels_last_strides(sizes), dtype); }

// --- maximum. The taps are kept as bytes where windows are small.

Tensor scatter_taps(const Tensor& dy, const Tensor& taps, const SharedWindows& w, const Shape& sizes);

Tensor gather_taps(const Tensor& x_any, const Tensor& taps, const SharedWindows& w) {
  const Tensor x = channels_last(x_any.detach());
  const Shape sizes = pooled_sizes(x, *w);
  Tensor y = strided_channels_last(sizes, x.dtype());
  const int64_t c = sizes[1], in = c * w->y.in * w->x.in, out = c * w->outputs();
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for_each_image(x, [&](int64_t n) {
      if (taps.dtype() == kUInt8) family<T>().gather_byte(w->shape(c), x.data<T>() + n * in, taps.data<std::uint8_t>() + n * out, y.data<T>() + n * out);
      else family<T>().gather_int(w->shape(c), x.data<T>() + n * in, static_cast<const int32_t*>(taps.data_ptr()) + n * out, y.data<T>() + n * out);
    });
  });
  return record("MaxPool2DWithIndicesBackwardBackward", {x_any}, std::move(y), [taps, w, sizes = x.sizes().shape()](const Tensor& u, Grads& grads) {
    grads.add(0, scatter_taps(u, taps, w, sizes));
  });
}

Tensor scatter_taps(const Tensor& dy_any, const Tensor& taps, const SharedWindows& w, const Shape& sizes) {
  const Tensor dy = channels_last(dy_any.detach());
  Tensor dx = strided_channels_last(sizes, dy.dtype());
  const int64_t c = sizes[1], in = c * w->y.in * w->x.in, out = c * w->outputs();
  with_real(dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for_each_image(dx, [&](int64_t n) {
      T* to = dx.data<T>() + n * in;
      for (int64_t i = 0; i < in; ++i) to[i] = 0;
      if (taps.dtype() == kUInt8) family<T>().scatter_byte(w->shape(c), dy.data<T>() + n * out, taps.data<std::uint8_t>() + n * out, to);
      else family<T>().scatter_int(w->shape(c), dy.data<T>() + n * out, static_cast<const int32_t*>(taps.data_ptr()) + n * out, to);
    });
  });
  return record("MaxPool2DWithIndicesBackward", {dy_any}, std::move(dx), [taps, w](const Tensor& u, Grads& grads) {
    grads.add(0, gather_taps(u, taps, w));
  });
}

struct MaxResult {
  Tensor y, taps;
};

MaxResult max_over(const char* name, const Tensor& x_any, const SharedWindows& w) {
  const Tensor x = channels_last(x_any.detach());
  const Shape sizes = pooled_sizes(x, *w);
  const int64_t c = sizes[1], in = c * w->y.in * w->x.in, out = c * w->outputs();
  Tensor y = strided_channels_last(sizes, x.dtype());
  const bool bytes = w->most_taps() <= 256;
  // 32-bit taps lie in an int64 tensor of half the length: Tensor has no such type.
  const Tensor taps = bytes ? make_dense({sizes[0] * out}, kUInt8) : make_dense({(sizes[0] * out + 1) / 2}, kInt64);
  if (y.numel() > 0)
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for_each_image(x, [&](int64_t n) {
        if (bytes) family<T>().max_byte(w->shape(c), x.data<T>() + n * in, y.data<T>() + n * out, taps.data<std::uint8_t>() + n * out);
        else family<T>().max_int(w->shape(c), x.data<T>() + n * in, y.data<T>() + n * out, static_cast<int32_t*>(taps.data_ptr()) + n * out);
      });
    });
  y = record(name, {x_any}, std::move(y), [taps, w, x_sizes = x.sizes().shape()](const Tensor& dy, Grads& grads) {
    grads.add(0, scatter_taps(dy, taps, w, x_sizes));
  });
  return {y, taps};
}

/// Taps as PyTorch's indices: positions in each plane.
Tensor indices_of(const MaxResult& r, const Windows& w) {
  Tensor indices = strided_channels_last(r.y.sizes().shape(), kInt64);
  const int64_t c = r.y.sizes()[1], out = w.outputs(), columns_out = int64_t(w.x.start.size());
  int64_t* to = indices.data<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    const int64_t position = i / c % out, oy = position / columns_out, ox = position % columns_out, columns = w.x.count[std::size_t(ox)];
    const int64_t tap = r.taps.dtype() == kUInt8 ? int64_t(r.taps.data<std::uint8_t>()[i]) : static_cast<const int32_t*>(r.taps.data_ptr())[i];
    to[i] = (w.y.start[std::size_t(oy)] + tap / columns * w.y.step) * w.x.in + w.x.start[std::size_t(ox)] + tap % columns * w.x.step;
  }
  return indices.contiguous();
}

// --- average

Tensor average_backward(const Tensor& dy, const SharedWindows& w, int64_t divisor, const Shape& sizes);

template <class T>
Tensor scales_of(const Windows& w, int64_t divisor) {
  Tensor scales = empty({w.outputs()}, dtype_of<T>);
  T* scale = scales.data<T>();
  for (int64_t dy : w.y.divisor)
    for (int64_t dx : w.x.divisor) *scale++ = T(1.0 / double(divisor ? divisor : dy * dx));
  return scales;
}

Tensor average_over(const char* name, const Tensor& x_any, const SharedWindows& w, int64_t divisor) {
  const Tensor x = channels_last(x_any.detach());
  const Shape sizes = pooled_sizes(x, *w);
  const int64_t c = sizes[1], in = c * w->y.in * w->x.in, out = c * w->outputs();
  Tensor y = strided_channels_last(sizes, x.dtype());
  if (y.numel() > 0)
    with_real(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const Tensor scales = scales_of<T>(*w, divisor);
      const T* scale = scales.data<T>();
      for_each_image(x, [&](int64_t n) { family<T>().average(w->shape(c), x.data<T>() + n * in, scale, y.data<T>() + n * out); });
    });
  return record(name, {x_any}, std::move(y), [w, divisor, x_sizes = x.sizes().shape()](const Tensor& dy, Grads& grads) {
    grads.add(0, average_backward(dy, w, divisor, x_sizes));
  });
}

Tensor average_backward(const Tensor& dy_any, const SharedWindows& w, int64_t divisor, const Shape& sizes) {
  const Tensor dy = channels_last(dy_any.detach());
  const int64_t c = sizes[1], in = c * w->y.in * w->x.in, out = c * w->outputs();
  Tensor dx = strided_channels_last(sizes, dy.dtype());
  with_real(dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor scales = scales_of<T>(*w, divisor);
    const T* scale = scales.data<T>();
    for_each_image(dx, [&](int64_t n) {
      T* to = dx.data<T>() + n * in;
      for (int64_t i = 0; i < in; ++i) to[i] = 0;
      family<T>().spread(w->shape(c), dy.data<T>() + n * out, scale, to);
    });
  });
  return record("AvgPool2DBackward", {dy_any}, std::move(dx), [w, divisor](const Tensor& u, Grads& grads) {
    grads.add(0, average_over("AvgPool2D", u, w, divisor));
  });
}

// --- checks, and one dimension as two

void check_input(const char* name, const Tensor& x, int spatial) {
  check<RuntimeError>(x.dim() == spatial + 1 || x.dim() == spatial + 2, "{}: Expected {}D or {}D input tensor, but got input of size: {}",
                      name, spatial + 1, spatial + 2, x.sizes());
  for (int d = x.dim() == spatial + 2 ? 1 : 0; d < x.dim(); ++d)
    check<RuntimeError>(x.sizes()[d] > 0, "{}: Expected {}D or {}D (batch mode) tensor with optional 0 dim batch size for input, but got: {}",
                        name, spatial + 1, spatial + 2, x.sizes());
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"{}\" not implemented for '{}'", name, scalar_type_name(x.dtype()));
}

Tensor as_images(const Tensor& x, int spatial) {
  const Tensor batched = x.dim() == spatial + 1 ? x.unsqueeze(0) : x;
  return spatial == 1 ? batched.unsqueeze(2) : batched;
}
Tensor back_to(const Tensor& y, const Tensor& x, int spatial) {
  const Tensor lines = spatial == 1 ? y.squeeze(2) : y;
  return x.dim() == spatial + 1 ? lines.squeeze(0) : lines;
}

template <int N>
SharedWindows make_sliding_windows(const Tensor& images, ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding,
                                   ExpandingArray<N> dilation, bool ceil_mode, bool count_padding) {
  auto w = std::make_shared<Windows>();
  Axis* axes[2] = {&w->y, &w->x};
  int64_t out[2] = {1, 1};
  for (int i = 0; i < 2; ++i) {
    const int j = i - (2 - N);
    const int64_t k = j < 0 ? 1 : kernel[j], s = j < 0 ? 1 : stride[j] == kSameAsKernel ? k : stride[j];
    const int64_t p = j < 0 ? 0 : padding[j], d = j < 0 ? 1 : dilation[j];
    check<RuntimeError>(k > 0, "kernel size should be greater than zero, but got kH: {} kW: {}", kernel[0], kernel[N - 1]);
    check<RuntimeError>(s > 0, "stride should be greater than zero, but got dH: {} dW: {}", stride[0], stride[N - 1]);
    check<RuntimeError>(d > 0, "dilation should be greater than zero, but got dilationH: {} dilationW: {}", dilation[0], dilation[N - 1]);
    check<RuntimeError>(p >= 0, "pad must be non-negative, but got pad: {}", p);
    check<RuntimeError>(p <= (d * (k - 1) + 1) / 2, "pad should be at most half of effective kernel size, but got pad={}, kernel_size={} and dilation={}", p, k, d);
    *axes[i] = sliding(images.sizes()[i + 2], k, s, p, d, ceil_mode, count_padding);
    out[i] = output_size(images.sizes()[i + 2], k, s, p, d, ceil_mode);
  }
  const int64_t c = images.sizes()[1];
  check<RuntimeError>(out[0] >= 1 && out[1] >= 1,
                      "Given input size: ({}x{}x{}). Calculated output size: ({}x{}x{}). Output size is too small", c, images.sizes()[2],
                      images.sizes()[3], c, out[0], out[1]);
  return w;
}

template <int N>
SharedWindows sliding_windows(const Tensor& images, ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding,
                              ExpandingArray<N> dilation, bool ceil_mode, bool count_padding) {
  const WindowsKey key{{N, images.sizes()[2], images.sizes()[3], kernel[0], kernel[N - 1], stride[0], stride[N - 1], padding[0],
                        padding[N - 1], dilation[0], dilation[N - 1], ceil_mode, count_padding}};
  return remembered(key, [&] { return make_sliding_windows<N>(images, kernel, stride, padding, dilation, ceil_mode, count_padding); });
}

template <int N>
PoolIndices max_pool(const char* name, const Tensor& x, ExpandingArray<N> kernel, const MaxPoolOptions<N>& o, bool indices) {
  if (is_integral(x.dtype(), false)) {  // through the reals, exact up to 2^53
    const PoolIndices real = max_pool<N>(name, x.to(kFloat64), kernel, o, indices);
    return {real.values.to(x.dtype()), real.indices};
  }
  check_input(name, x, N);
  const Tensor images = as_images(x, N);
  const SharedWindows w = sliding_windows<N>(images, kernel, o.stride, o.padding, o.dilation, o.ceil_mode, false);
  const MaxResult r = max_over("MaxPool2DWithIndices", images, w);
  return {back_to(r.y, x, N), indices ? back_to(indices_of(r, *w), x, N) : Tensor()};
}

template <int N>
Tensor avg_pool(const char* name, const Tensor& x, ExpandingArray<N> kernel, const AvgPoolOptions<N>& o) {
  check<RuntimeError>(o.divisor_override != 0, "divisor must be not zero");
  if (x.dtype() == kInt64) return avg_pool<N>(name, x.to(kFloat64), kernel, o).to(kInt64);
  check_input(name, x, N);
  const Tensor images = as_images(x, N);
  const SharedWindows w = sliding_windows<N>(images, kernel, o.stride, o.padding, 1, o.ceil_mode, o.count_include_pad);
  return back_to(average_over("AvgPool2D", images, w, o.divisor_override == kSameAsKernelSize ? 0 : o.divisor_override), x, N);
}

SharedWindows adaptive_windows(const Tensor& images, int64_t h, int64_t w) {
  check<RuntimeError>(h >= 0 && w >= 0, "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {{{}, {}}}", h, w);
  return remembered({{0, images.sizes()[2], images.sizes()[3], h, w}}, [&] {
    auto windows = std::make_shared<Windows>();
    windows->y = adaptive(images.sizes()[2], h);
    windows->x = adaptive(images.sizes()[3], w);
    return windows;
  });
}

}  // namespace

Tensor max_pool1d(const Tensor& x, ExpandingArray<1> kernel, MaxPoolOptions<1> o) { return max_pool<1>("max_pool1d", x, kernel, o, false).values; }
Tensor max_pool2d(const Tensor& x, ExpandingArray<2> kernel, MaxPoolOptions<2> o) { return max_pool<2>("max_pool2d", x, kernel, o, false).values; }
PoolIndices max_pool1d_with_indices(const Tensor& x, ExpandingArray<1> kernel, MaxPoolOptions<1> o) { return max_pool<1>("max_pool1d", x, kernel, o, true); }
PoolIndices max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> kernel, MaxPoolOptions<2> o) { return max_pool<2>("max_pool2d", x, kernel, o, true); }
Tensor avg_pool1d(const Tensor& x, ExpandingArray<1> kernel, AvgPoolOptions<1> o) { return avg_pool<1>("avg_pool1d", x, kernel, o); }
Tensor avg_pool2d(const Tensor& x, ExpandingArray<2> kernel, AvgPoolOptions<2> o) { return avg_pool<2>("avg_pool2d", x, kernel, o); }

Tensor adaptive_avg_pool1d(const Tensor& x, ExpandingArray<1> size) {
  check_input("adaptive_avg_pool1d", x, 1);
  const Tensor images = as_images(x, 1);
  return back_to(average_over("AdaptiveAvgPool2D", images, adaptive_windows(images, 1, size[0]), 0), x, 1);
}
Tensor adaptive_avg_pool2d(const Tensor& x, ExpandingArray<2> size) {
  check_input("adaptive_avg_pool2d", x, 2);
  const Tensor images = as_images(x, 2);
  return back_to(average_over("AdaptiveAvgPool2D", images, adaptive_windows(images, size[0], size[1]), 0), x, 2);
}
PoolIndices adaptive_max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> size) {
  check_input("adaptive_max_pool2d", x, 2);
  const Tensor images = as_images(x, 2);
  const SharedWindows w = adaptive_windows(images, size[0], size[1]);
  const MaxResult r = max_over("AdaptiveMaxPool2D", images, w);
  return {back_to(r.y, x, 2), back_to(indices_of(r, *w), x, 2)};
}
Tensor adaptive_max_pool2d(const Tensor& x, ExpandingArray<2> size) { return adaptive_max_pool2d_with_indices(x, size).values; }

Tensor max_unpool2d(const Tensor& x, const Tensor& indices, ExpandingArray<2> kernel, MaxUnpoolOptions o) {
  check<RuntimeError>(indices.dtype() == kInt64, "elements in indices should be type int64 but got: {}", scalar_type_name(indices.dtype()));
  check<RuntimeError>(x.dim() == 3 || x.dim() == 4, "Input to max_unpooling2d should be a 3d or 4d Tensor, but got a tensor with {} dimensions.", x.dim());
  check<RuntimeError>(x.sizes() == indices.sizes(), "Expected shape of indices to be same as that of the input tensor ({}) but got indices tensor with shape: {}", x.sizes(), indices.sizes());
  int64_t size[2];
  for (int i = 0; i < 2; ++i) {
    const int64_t stride = o.stride[i] == kSameAsKernel ? kernel[i] : o.stride[i], in = x.size(i - 2);
    size[i] = (in - 1) * stride - 2 * o.padding[i] + kernel[i];
    if (o.output_size.size() < 2) continue;
    const int64_t asked = o.output_size[o.output_size.size() - 2 + std::size_t(i)];
    check<ValueError>(asked > size[i] - stride && asked < size[i] + stride, "invalid output_size {} (dim {} must be between {} and {})", IntArrayRef(o.output_size), i, size[i] - stride, size[i] + stride);
    size[i] = asked;
  }
  const int64_t planes = size[0] * size[1];
  const Tensor flat = indices.reshape({-1});
  for (int64_t i = 0; i < flat.numel(); ++i)
    check<RuntimeError>(flat.data<int64_t>()[i] >= 0 && flat.data<int64_t>()[i] < planes,
                        "Found an invalid max index: {} (output volumes are of size {}x{}", flat.data<int64_t>()[i], size[0], size[1]);
  Shape sizes = x.sizes().shape(), lines;
  sizes[x.dim() - 2] = size[0];
  sizes[x.dim() - 1] = size[1];
  for (int d = 0; d < x.dim() - 2; ++d) lines.push_back(x.sizes()[d]);
  lines.push_back(planes);
  return scatter(zeros(lines, x.dtype()), -1, indices.flatten(-2), x.flatten(-2)).reshape(sizes);
}

}  // namespace ember
