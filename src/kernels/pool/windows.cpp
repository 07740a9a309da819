// Where each window begins and ends, with padding, dilation and PyTorch's ceil_mode.
#include "kernels/pool/windows.h"

#include <utility>

namespace ember::kernels {
namespace {

struct WindowsKey {
  int64_t numbers[13] = {};
  bool operator==(const WindowsKey&) const = default;
};
/// The windows of recent shapes are kept, so that a training step asks the system for no memory; in time they are worth 1 % of a small CNN.
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

}  // namespace

PoolAxis WindowAxis::view() const {
  PoolAxis axis{start.data(), count.data(), step, in, out(), 0, 0, 1, 0};
  for (int64_t begin = 0, end; begin < out(); begin = end) {
    const int64_t stride = begin + 1 < out() ? start[std::size_t(begin) + 1] - start[std::size_t(begin)] : 1;
    for (end = begin + 1; end < out() && is_even(end, stride);) ++end;
    if (end - begin > axis.even_end - axis.even_begin) axis.even_begin = begin, axis.even_end = end, axis.stride = stride;
  }
  const bool even = out() > 0 && axis.even_end - axis.even_begin == out() && (step == 1 || count[0] == 1);
  if (even && (out() == 1 || axis.stride == count[0])) axis.tiles = count[0];
  return axis;
}

bool WindowAxis::tiles() const {
  int64_t next = 0;
  for (std::size_t o = 0; o < start.size(); ++o) {
    if (start[o] != next || (step != 1 && count[o] > 1)) return false;
    next += count[o];
  }
  return next == in;
}

int64_t pooled_size(int64_t in, const Sliding& slide, bool ceil_mode) {
  const auto [kernel, stride, padding, dilation] = slide;
  const int64_t span = in + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  int64_t out = (span >= 0 ? span / stride : -((-span + stride - 1) / stride)) + 1;
  // The last window must start inside the image or its left padding.
  if (ceil_mode && (out - 1) * stride >= in + padding) --out;
  return out;
}

WindowAxis sliding_axis(int64_t in, const Sliding& slide, bool ceil_mode, bool count_padding) {
  const auto [kernel, stride, padding, dilation] = slide;
  WindowAxis axis;
  axis.in = in;
  axis.step = dilation;
  for (int64_t o = 0, n = pooled_size(in, slide, ceil_mode); o < n; ++o) {
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

WindowAxis adaptive_axis(int64_t in, int64_t out) {
  WindowAxis axis;
  axis.in = in;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o * in / out, end = ((o + 1) * in + out - 1) / out;
    axis.start.push_back(first);
    axis.count.push_back(end - first);
    axis.divisor.push_back(end - first);
  }
  return axis;
}

SharedWindows sliding_windows(int64_t h, int64_t w, const Sliding& y, const Sliding& x, bool ceil_mode, bool count_padding) {
  const WindowsKey key{{1, h, w, y.kernel, y.stride, y.padding, y.dilation, x.kernel, x.stride, x.padding, x.dilation, ceil_mode, count_padding}};
  return remembered(key, [&] {
    return std::make_shared<const Windows>(sliding_axis(h, y, ceil_mode, count_padding), sliding_axis(w, x, ceil_mode, count_padding));
  });
}

SharedWindows adaptive_windows(int64_t h, int64_t w, int64_t out_h, int64_t out_w) {
  return remembered({{0, h, w, out_h, out_w}}, [&] { return std::make_shared<const Windows>(adaptive_axis(h, out_h), adaptive_axis(w, out_w)); });
}

}  // namespace ember::kernels
