#include "ops/pool_windows.h"

#include <algorithm>

#include "error_format.h"

namespace ember {
namespace {

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

template <int N>
SharedWindows make_sliding_windows(const Tensor& images, ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding,
                                   ExpandingArray<N> dilation, bool ceil_mode, bool count_padding) {
  Axis axes[2];
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
    axes[i] = sliding(images.sizes()[i + 2], k, s, p, d, ceil_mode, count_padding);
    out[i] = output_size(images.sizes()[i + 2], k, s, p, d, ceil_mode);
  }
  const int64_t c = images.sizes()[1];
  check<RuntimeError>(out[0] >= 1 && out[1] >= 1,
                      "Given input size: ({}x{}x{}). Calculated output size: ({}x{}x{}). Output size is too small", c, images.sizes()[2],
                      images.sizes()[3], c, out[0], out[1]);
  return std::make_shared<const Windows>(std::move(axes[0]), std::move(axes[1]));
}

}  // namespace

template <int N>
SharedWindows sliding_windows(const Tensor& images, ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding,
                              ExpandingArray<N> dilation, bool ceil_mode, bool count_padding) {
  const WindowsKey key{{N, images.sizes()[2], images.sizes()[3], kernel[0], kernel[N - 1], stride[0], stride[N - 1], padding[0],
                        padding[N - 1], dilation[0], dilation[N - 1], ceil_mode, count_padding}};
  return remembered(key, [&] { return make_sliding_windows<N>(images, kernel, stride, padding, dilation, ceil_mode, count_padding); });
}
template SharedWindows sliding_windows<1>(const Tensor&, ExpandingArray<1>, ExpandingArray<1>, ExpandingArray<1>, ExpandingArray<1>, bool, bool);
template SharedWindows sliding_windows<2>(const Tensor&, ExpandingArray<2>, ExpandingArray<2>, ExpandingArray<2>, ExpandingArray<2>, bool, bool);

SharedWindows adaptive_windows(const Tensor& images, int64_t h, int64_t w) {
  check<RuntimeError>(h >= 0 && w >= 0, "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {{{}, {}}}", h, w);
  return remembered({{0, images.sizes()[2], images.sizes()[3], h, w}},
                    [&] { return std::make_shared<const Windows>(adaptive(images.sizes()[2], h), adaptive(images.sizes()[3], w)); });
}

}  // namespace ember
