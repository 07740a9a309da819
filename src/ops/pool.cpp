// Pooling: windows along two axes, then one loop for all kinds. Row-major inputs are pooled plane by plane, channels-last ones with the
// channels side by side; the result has the layout of the input.
#include <ember/ops/pool.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

#include <algorithm>
#include <cmath>

#include "autograd/recorder.h"
#include "error_format.h"
#include "kernels/pool/batch.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

using kernels::SharedWindows;
using kernels::Windows;

/// How a batch lies in memory, and tensors of that layout.
struct Batch : kernels::PoolBatch {
  explicit Batch(const Tensor& x) : Batch(x.is_contiguous(), x.sizes()[0], x.sizes()[1]) {}
  Batch(bool planes, int64_t n, int64_t c) : PoolBatch(planes, n, c) {}

  MemoryFormat format() const { return planes ? MemoryFormat::Contiguous : MemoryFormat::ChannelsLast; }
  Tensor make(const Shape& sizes, DType dtype) const {
    return planes ? make_dense(sizes, dtype) : empty_strided(sizes, channels_last_strides(sizes), dtype);
  }
};

/// x in one of the layouts that the loops know.
Tensor known_layout(const Tensor& x) { return x.is_contiguous() || x.is_contiguous(MemoryFormat::ChannelsLast) ? x : x.contiguous(); }

Shape pooled_sizes(const Tensor& x, const Windows& w) { return {x.sizes()[0], x.sizes()[1], w.y.out(), w.x.out()}; }

// --- maximum. The taps are kept as bytes where windows are small.

/// Bytes, or 32-bit taps in an int64 tensor of half the length: Tensor has no such type. In the order of the outputs in memory.
struct Taps {
  Tensor numbers;
  bool planes;

  Taps(int64_t count, bool bytes, bool planes)
      : numbers(bytes ? make_dense({count}, kUInt8) : make_dense({(count + 1) / 2}, kInt64)), planes(planes) {}
  /// Where they lie.
  kernels::PoolTaps at() const {
    if (numbers.dtype() == kUInt8) return {numbers.data<std::uint8_t>(), nullptr};
    return {nullptr, static_cast<int32_t*>(numbers.data_ptr())};
  }
};

Tensor scatter_taps(const Tensor& dy, const Taps& taps, const SharedWindows& w, const Shape& sizes);

Tensor gather_taps(const Tensor& given, const Taps& taps, const SharedWindows& w) {
  const Batch batch(taps.planes, given.sizes()[0], given.sizes()[1]);
  const Tensor x = given.detach().contiguous(batch.format());
  Tensor y = batch.make(pooled_sizes(x, *w), x.dtype());
  if (w->some_empty()) y.zero_();
  with_real(x.dtype(), [&]<class T>(T) { kernels::max_pool_gather(batch, *w, x.data<T>(), taps.at(), y.data<T>()); });
  return record("MaxPool2DWithIndicesBackwardBackward", {given}, std::move(y),
                [taps, w, sizes = x.sizes().shape()](const Tensor& u, Grads& grads) { grads.add(0, scatter_taps(u, taps, w, sizes)); });
}

Tensor scatter_taps(const Tensor& given, const Taps& taps, const SharedWindows& w, const Shape& sizes) {
  const Batch batch(taps.planes, sizes[0], sizes[1]);
  const Tensor dy = given.detach().contiguous(batch.format());
  Tensor dx = batch.make(sizes, dy.dtype());
  with_real(dy.dtype(), [&]<class T>(T) { kernels::max_pool_backward(batch, *w, dy.data<T>(), taps.at(), dx.data<T>()); });
  return record("MaxPool2DWithIndicesBackward", {given}, std::move(dx),
                [taps, w](const Tensor& u, Grads& grads) { grads.add(0, gather_taps(u, taps, w)); });
}

struct MaxResult {
  Tensor y;
  Taps taps;
};

MaxResult max_over(const char* name, const Tensor& given, const SharedWindows& w) {
  const Tensor x = known_layout(given.detach());
  const Batch batch(x);
  Tensor y = batch.make(pooled_sizes(x, *w), x.dtype());
  const Taps taps(y.numel(), w->most_taps() <= 256, batch.planes);
  if (w->some_empty()) {  // dilation may step over the whole image
    y.fill_(-INFINITY);
    taps.numbers.zero_();
  }
  with_real(x.dtype(), [&]<class T>(T) { kernels::max_pool(batch, *w, x.data<T>(), y.data<T>(), taps.at()); });
  y = record(name, {given}, std::move(y),
             [taps, w, sizes = x.sizes().shape()](const Tensor& dy, Grads& grads) { grads.add(0, scatter_taps(dy, taps, w, sizes)); });
  return {y, taps};
}

/// Taps as PyTorch's indices: positions in each plane.
Tensor indices_of(const MaxResult& r, const Windows& w) {
  const Batch batch(r.taps.planes, r.y.sizes()[0], r.y.sizes()[1]);
  const Tensor indices = batch.make(r.y.sizes().shape(), kInt64);
  int64_t* to = indices.data<int64_t>();
  const kernels::PoolTaps taps = r.taps.at();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    const int64_t position = i / batch.channels % w.outputs(), tap = taps.bytes ? taps.bytes[i] : taps.ints[i];
    const std::size_t oy = std::size_t(position / w.x.out()), ox = std::size_t(position % w.x.out());
    const int64_t columns = std::max<int64_t>(w.x.count[ox], 1);
    to[i] = (w.y.start[oy] + tap / columns * w.y.step) * w.x.in + w.x.start[ox] + tap % columns * w.x.step;
  }
  return indices;
}

// --- average

Tensor average_backward(const Tensor& dy, const SharedWindows& w, int64_t divisor, const Shape& sizes, bool planes);

Tensor average_over(const char* name, const Tensor& given, const SharedWindows& w, int64_t divisor) {
  const Tensor x = known_layout(given.detach());
  const Batch batch(x);
  Tensor y = batch.make(pooled_sizes(x, *w), x.dtype());
  with_real(x.dtype(), [&]<class T>(T) { kernels::average_pool(batch, *w, divisor, x.data<T>(), y.data<T>()); });
  return record(name, {given}, std::move(y), [w, divisor, sizes = x.sizes().shape(), planes = batch.planes](const Tensor& dy, Grads& grads) {
    grads.add(0, average_backward(dy, w, divisor, sizes, planes));
  });
}

Tensor average_backward(const Tensor& given, const SharedWindows& w, int64_t divisor, const Shape& sizes, bool planes) {
  const Batch batch(planes, sizes[0], sizes[1]);
  const Tensor dy = given.detach().contiguous(batch.format());
  Tensor dx = batch.make(sizes, dy.dtype());
  with_real(dy.dtype(), [&]<class T>(T) { kernels::average_pool_backward(batch, *w, divisor, dy.data<T>(), dx.data<T>()); });
  return record("AvgPool2DBackward", {given}, std::move(dx),
                [w, divisor](const Tensor& u, Grads& grads) { grads.add(0, average_over("AvgPool2D", u, w, divisor)); });
}

// --- checks, and one dimension as two

/// The windows of images (N, C, H, W); N = 1 takes them as lines and slides along W alone.
template <int N>
SharedWindows sliding_windows(const Tensor& images, ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding,
                              ExpandingArray<N> dilation, bool ceil_mode, bool count_padding) {
  kernels::Sliding slides[2];
  int64_t out[2];
  for (int i = 0; i < 2; ++i) {
    if (const int j = i - (2 - N); j >= 0) slides[i] = {kernel[j], stride[j] == kSameAsKernel ? kernel[j] : stride[j], padding[j], dilation[j]};
    const auto [k, s, p, d] = slides[i];
    for (int64_t number : {k, s, p, d})
      check<RuntimeError>(number <= INT32_MAX,
                          "value cannot be converted to type int without overflow\npooling: got kernel_size={}, stride={}, padding={}, dilation={}",
                          k, s, p, d);
    check<RuntimeError>(s != 0 && k != 0, "stride should not be zero\npooling: got kernel_size={}, stride={}", k, s);
    check<RuntimeError>(k > 0, "kernel size should be greater than zero, but got kH: {} kW: {}", kernel[0], kernel[N - 1]);
    check<RuntimeError>(s > 0, "stride should be greater than zero, but got dH: {} dW: {}", stride[0], stride[N - 1]);
    check<RuntimeError>(d > 0, "dilation should be greater than zero, but got dilationH: {} dilationW: {}", dilation[0], dilation[N - 1]);
    check<RuntimeError>(p >= 0, "pad must be non-negative, but got pad: {}", p);
    check<RuntimeError>(p <= (d * (k - 1) + 1) / 2,
                        "pad should be at most half of effective kernel size, but got pad={}, kernel_size={} and dilation={}", p, k, d);
    out[i] = kernels::pooled_size(images.sizes()[i + 2], slides[i], ceil_mode);
  }
  const int64_t c = images.sizes()[1], h = images.sizes()[2], w = images.sizes()[3];
  check<RuntimeError>(out[0] >= 1 && out[1] >= 1, "Given input size: ({}x{}x{}). Calculated output size: ({}x{}x{}). Output size is too small", c, h,
                      w, c, out[0], out[1]);
  return kernels::sliding_windows(h, w, slides[0], slides[1], ceil_mode, count_padding);
}

SharedWindows adaptive_windows(const Tensor& images, int64_t h, int64_t w) {
  check<RuntimeError>(h >= 0 && w >= 0, "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {{{}, {}}}", h,
                      w);
  constexpr int64_t most = int64_t(1) << 28;  // windows along an axis, each of which takes 24 bytes
  check<RuntimeError>(h <= most && w <= most,
                      "Storage size calculation overflowed with sizes={}\nadaptive pooling: output_size {{{}, {}}}, at most {} along an axis",
                      Shape{images.sizes()[0], images.sizes()[1], h, w}, h, w, most);
  check_storable({images.sizes()[0], images.sizes()[1], h, w});
  return kernels::adaptive_windows(images.sizes()[2], images.sizes()[3], h, w);
}

void check_input(const char* name, const Tensor& x, int spatial) {
  check<RuntimeError>(x.dim() == spatial + 1 || x.dim() == spatial + 2, "{}: Expected {}D or {}D input tensor, but got input of size: {}", name,
                      spatial + 1, spatial + 2, x.sizes());
  for (int d = x.dim() == spatial + 2 ? 1 : 0; d < x.dim(); ++d)
    check<RuntimeError>(x.sizes()[d] > 0, "{}: Expected {}D or {}D (batch mode) tensor with optional 0 dim batch size for input, but got: {}", name,
                        spatial + 1, spatial + 2, x.sizes());
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

/// What slides, for a recorder: in two dimensions, as all here.
template <int N>
Attributes sliding_attributes(ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding, ExpandingArray<N> dilation,
                              bool ceil_mode) {
  std::vector<int64_t> k(2, 1), s(2, 1), p(4, 0), d(2, 1);
  for (int i = 0; i < N; ++i) {
    const std::size_t at = std::size_t(i + 2 - N);
    k[at] = kernel[i];
    s[at] = stride[i] == kSameAsKernel ? kernel[i] : stride[i];
    p[at] = p[at + 2] = padding[i];
    d[at] = dilation[i];
  }
  return {{"kernel_shape", k}, {"strides", s}, {"pads", p}, {"dilations", d}, {"ceil_mode", {ceil_mode}}};
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
  note("MaxPool2DWithIndices", [&] { return sliding_attributes<N>(kernel, o.stride, o.padding, o.dilation, o.ceil_mode); });
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
  note("AvgPool2D", [&] {
    Attributes attributes = sliding_attributes<N>(kernel, o.stride, o.padding, 1, o.ceil_mode);
    attributes.push_back({"count_include_pad", {o.count_include_pad}});
    attributes.push_back({"divisor", {o.divisor_override == kSameAsKernelSize ? 0 : o.divisor_override}});
    return attributes;
  });
  return back_to(average_over("AvgPool2D", images, w, o.divisor_override == kSameAsKernelSize ? 0 : o.divisor_override), x, N);
}

}  // namespace

Tensor max_pool1d(const Tensor& x, ExpandingArray<1> kernel, MaxPoolOptions<1> o) {
  require_defined("max_pool1d", x);
  return max_pool<1>("max_pool1d", x, kernel, o, false).values;
}
Tensor max_pool2d(const Tensor& x, ExpandingArray<2> kernel, MaxPoolOptions<2> o) {
  require_defined("max_pool2d", x);
  return max_pool<2>("max_pool2d", x, kernel, o, false).values;
}
PoolIndices max_pool1d_with_indices(const Tensor& x, ExpandingArray<1> kernel, MaxPoolOptions<1> o) {
  require_defined("max_pool1d_with_indices", x);
  return max_pool<1>("max_pool1d", x, kernel, o, true);
}
PoolIndices max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> kernel, MaxPoolOptions<2> o) {
  require_defined("max_pool2d_with_indices", x);
  return max_pool<2>("max_pool2d", x, kernel, o, true);
}
Tensor avg_pool1d(const Tensor& x, ExpandingArray<1> kernel, AvgPoolOptions<1> o) {
  require_defined("avg_pool1d", x);
  return avg_pool<1>("avg_pool1d", x, kernel, o);
}
Tensor avg_pool2d(const Tensor& x, ExpandingArray<2> kernel, AvgPoolOptions<2> o) {
  require_defined("avg_pool2d", x);
  return avg_pool<2>("avg_pool2d", x, kernel, o);
}

Tensor adaptive_avg_pool1d(const Tensor& x, ExpandingArray<1> size) {
  require_defined("adaptive_avg_pool1d", x);
  check_input("adaptive_avg_pool1d", x, 1);
  const Tensor images = as_images(x, 1);
  return back_to(average_over("AdaptiveAvgPool2D", images, adaptive_windows(images, 1, size[0]), 0), x, 1);
}
Tensor adaptive_avg_pool2d(const Tensor& x, ExpandingArray<2> size) {
  require_defined("adaptive_avg_pool2d", x);
  check_input("adaptive_avg_pool2d", x, 2);
  const Tensor images = as_images(x, 2);
  return back_to(average_over("AdaptiveAvgPool2D", images, adaptive_windows(images, size[0], size[1]), 0), x, 2);
}

namespace {

template <int N>
PoolIndices adaptive_max_pool(const char* name, const Tensor& x, ExpandingArray<N> size, bool indices) {
  check_input(name, x, N);
  const Tensor images = as_images(x, N);
  const SharedWindows w = adaptive_windows(images, N == 1 ? 1 : size[0], size[N - 1]);
  const MaxResult r = max_over("AdaptiveMaxPool2D", images, w);
  return {back_to(r.y, x, N), indices ? back_to(indices_of(r, *w), x, N) : Tensor()};
}

}  // namespace

PoolIndices adaptive_max_pool1d_with_indices(const Tensor& x, ExpandingArray<1> size) {
  require_defined("adaptive_max_pool1d_with_indices", x);
  return adaptive_max_pool("adaptive_max_pool1d", x, size, true);
}
PoolIndices adaptive_max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> size) {
  require_defined("adaptive_max_pool2d_with_indices", x);
  return adaptive_max_pool("adaptive_max_pool2d", x, size, true);
}
Tensor adaptive_max_pool1d(const Tensor& x, ExpandingArray<1> size) {
  require_defined("adaptive_max_pool1d", x);
  return adaptive_max_pool("adaptive_max_pool1d", x, size, false).values;
}
Tensor adaptive_max_pool2d(const Tensor& x, ExpandingArray<2> size) {
  require_defined("adaptive_max_pool2d", x);
  return adaptive_max_pool("adaptive_max_pool2d", x, size, false).values;
}

}  // namespace ember
