// Pooling: windows along two axes, then one loop for all kinds. Row-major inputs are pooled plane by plane, channels-last ones with the
// channels side by side; the result has the layout of the input.
#include <ember/ops/pool.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "error_format.h"
#include "kernels/kernels.h"
#include "ops/pool_windows.h"
#include "runtime/parallel.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// What a batch is cut into: whole images, or rows of outputs. Loops that see only the first window of AnyRows and take the others to
/// follow it may get the rows of several planes at once.
enum class Pieces { Images, Rows, AnyRows };

/// How a batch lies in memory: images of some channels side by side, or planes of one channel each.
struct Batch {
  bool planes;
  int64_t images, channels;

  explicit Batch(const Tensor& x) : Batch(x.is_contiguous(), x.sizes()[0], x.sizes()[1]) {}
  Batch(bool planes, int64_t n, int64_t c) : planes(planes), images(planes ? n * c : n), channels(planes ? 1 : c) {}

  MemoryFormat format() const { return planes ? MemoryFormat::Contiguous : MemoryFormat::ChannelsLast; }
  /// With the layout of the batch.
  Tensor make(const Shape& sizes, DType dtype) const {
    return planes ? make_dense(sizes, dtype) : empty_strided(sizes, channels_last_strides(sizes), dtype);
  }
  template <class T>
  const kernels::PoolFamily<T>& loops() const {
    const kernels::PoolKernels& k = kernels::kernels().pool;
    if constexpr (sizeof(T) == 4) return planes ? k.float32_planes : k.float32;
    else return planes ? k.float64_planes : k.float64;
  }

  /// body(shape, offset into the images, offset into the outputs, position of the first output) for pieces of the batch.
  template <class Body>
  void for_each(const Windows& w, Pieces pieces, Body&& body) const {
    if (pieces == Pieces::AnyRows && planes && w.pairs()) return for_each_joined(w, body);
    const int64_t rows = pieces == Pieces::Images ? 1 : w.y.out(), all = images * rows;
    const int64_t in = w.y.in * w.x.in * channels, line = w.x.out() * channels;
    kernels::parallel_for(all, 1, double(images * in) * 2, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin, next; i < end; i = next) {
        const int64_t image = i / rows, first = i % rows;
        next = std::min(end, (image + 1) * rows);
        kernels::PoolShape shape{w.y_view, w.x_view, channels};
        if (pieces != Pieces::Images) {
          shape.y.start += first;
          shape.y.count += first;
          shape.y.out = next - i;
        }
        body(shape, image * in, (image * w.y.out() + first) * line, first * w.x.out());
      }
    });
  }

 private:
  /// Planes that pairs cover are one high plane.
  template <class Body>
  void for_each_joined(const Windows& w, Body&& body) const {
    const int64_t rows = images * w.y.out();
    kernels::parallel_for(rows, 1, double(rows * w.y_view.tiles * w.x.in) * 2, [&](int64_t begin, int64_t end) {
      kernels::PoolShape shape{w.y_view, w.x_view, 1};
      shape.y.out = end - begin;
      body(shape, begin * w.y_view.tiles * w.x.in, begin * w.x.out(), begin * w.x.out());
    });
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
  bool are_bytes() const { return numbers.dtype() == kUInt8; }
  std::uint8_t* bytes() const { return numbers.data<std::uint8_t>(); }
  int32_t* ints() const { return static_cast<int32_t*>(numbers.data_ptr()); }
};

Tensor scatter_taps(const Tensor& dy, const Taps& taps, const SharedWindows& w, const Shape& sizes);

Tensor gather_taps(const Tensor& given, const Taps& taps, const SharedWindows& w) {
  const Batch batch(taps.planes, given.sizes()[0], given.sizes()[1]);
  const Tensor x = given.detach().contiguous(batch.format());
  Tensor y = batch.make(pooled_sizes(x, *w), x.dtype());
  if (w->some_empty()) y.zero_();
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = batch.loops<T>();
    batch.for_each(*w, Pieces::Rows, [&](const kernels::PoolShape& s, int64_t in, int64_t out, int64_t) {
      if (taps.are_bytes()) loops.gather_byte(s, x.data<T>() + in, taps.bytes() + out, y.data<T>() + out);
      else loops.gather_int(s, x.data<T>() + in, taps.ints() + out, y.data<T>() + out);
    });
  });
  return record("MaxPool2DWithIndicesBackwardBackward", {given}, std::move(y), [taps, w, sizes = x.sizes().shape()](const Tensor& u, Grads& grads) {
    grads.add(0, scatter_taps(u, taps, w, sizes));
  });
}

Tensor scatter_taps(const Tensor& given, const Taps& taps, const SharedWindows& w, const Shape& sizes) {
  const Batch batch(taps.planes, sizes[0], sizes[1]);
  const Tensor dy = given.detach().contiguous(batch.format());
  Tensor dx = batch.make(sizes, dy.dtype());
  with_real(dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = batch.loops<T>();
    batch.for_each(*w, w->tiled ? Pieces::AnyRows : Pieces::Images, [&](const kernels::PoolShape& s, int64_t in, int64_t out, int64_t) {
      T* const to = dx.data<T>() + in;
      if (!w->tiled) std::fill_n(to, s.y.in * s.x.in * s.c, T(0));
      if (taps.are_bytes()) loops.scatter_byte(s, dy.data<T>() + out, taps.bytes() + out, to, w->tiled);
      else loops.scatter_int(s, dy.data<T>() + out, taps.ints() + out, to, w->tiled);
    });
  });
  return record("MaxPool2DWithIndicesBackward", {given}, std::move(dx), [taps, w](const Tensor& u, Grads& grads) {
    grads.add(0, gather_taps(u, taps, w));
  });
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
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto& loops = batch.loops<T>();
    batch.for_each(*w, Pieces::AnyRows, [&](const kernels::PoolShape& s, int64_t in, int64_t out, int64_t) {
      if (taps.are_bytes()) loops.max_byte(s, x.data<T>() + in, y.data<T>() + out, taps.bytes() + out);
      else loops.max_int(s, x.data<T>() + in, y.data<T>() + out, taps.ints() + out);
    });
  });
  y = record(name, {given}, std::move(y), [taps, w, sizes = x.sizes().shape()](const Tensor& dy, Grads& grads) {
    grads.add(0, scatter_taps(dy, taps, w, sizes));
  });
  return {y, taps};
}

/// Taps as PyTorch's indices: positions in each plane.
Tensor indices_of(const MaxResult& r, const Windows& w) {
  const Batch batch(r.taps.planes, r.y.sizes()[0], r.y.sizes()[1]);
  const Tensor indices = batch.make(r.y.sizes().shape(), kInt64);
  int64_t* to = indices.data<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    const int64_t position = i / batch.channels % w.outputs(), tap = r.taps.are_bytes() ? r.taps.bytes()[i] : r.taps.ints()[i];
    const std::size_t oy = std::size_t(position / w.x.out()), ox = std::size_t(position % w.x.out());
    const int64_t columns = std::max<int64_t>(w.x.count[ox], 1);
    to[i] = (w.y.start[oy] + tap / columns * w.y.step) * w.x.in + w.x.start[ox] + tap % columns * w.x.step;
  }
  return indices;
}

// --- average

Tensor average_backward(const Tensor& dy, const SharedWindows& w, int64_t divisor, const Shape& sizes, bool planes);

template <class T>
Tensor scales_of(const Windows& w, int64_t divisor) {
  Tensor scales = empty({w.outputs()}, dtype_of<T>);
  T* scale = scales.data<T>();
  for (int64_t dy : w.y.divisor)
    for (int64_t dx : w.x.divisor) *scale++ = T(1.0 / double(divisor ? divisor : dy * dx));
  return scales;
}

/// Pairs that cover planes, one divisor for all.
bool are_alike(const Batch& batch, const Windows& w) {
  const auto all_equal = [](const std::vector<int64_t>& v) { return std::adjacent_find(v.begin(), v.end(), std::not_equal_to<>()) == v.end(); };
  return batch.planes && w.pairs() && all_equal(w.y.divisor) && all_equal(w.x.divisor);
}

Tensor average_over(const char* name, const Tensor& given, const SharedWindows& w, int64_t divisor) {
  const Tensor x = known_layout(given.detach());
  const Batch batch(x);
  Tensor y = batch.make(pooled_sizes(x, *w), x.dtype());
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor scales = scales_of<T>(*w, divisor);
    const bool pairs = are_alike(batch, *w);
    batch.for_each(*w, pairs ? Pieces::AnyRows : Pieces::Rows, [&](const kernels::PoolShape& s, int64_t in, int64_t out, int64_t position) {
      batch.loops<T>().average(s, x.data<T>() + in, scales.data<T>() + (pairs ? 0 : position), y.data<T>() + out, pairs);
    });
  });
  return record(name, {given}, std::move(y), [w, divisor, sizes = x.sizes().shape(), planes = batch.planes](const Tensor& dy, Grads& grads) {
    grads.add(0, average_backward(dy, w, divisor, sizes, planes));
  });
}

Tensor average_backward(const Tensor& given, const SharedWindows& w, int64_t divisor, const Shape& sizes, bool planes) {
  const Batch batch(planes, sizes[0], sizes[1]);
  const Tensor dy = given.detach().contiguous(batch.format());
  Tensor dx = batch.make(sizes, dy.dtype());
  with_real(dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor scales = scales_of<T>(*w, divisor);
    const bool pairs = are_alike(batch, *w);
    batch.for_each(*w, pairs ? Pieces::AnyRows : Pieces::Images, [&](const kernels::PoolShape& s, int64_t in, int64_t out, int64_t) {
      T* const to = dx.data<T>() + in;
      if (!pairs) std::fill_n(to, s.y.in * s.x.in * s.c, T(0));
      batch.loops<T>().spread(s, dy.data<T>() + out, scales.data<T>(), to, pairs);
    });
  });
  return record("AvgPool2DBackward", {given}, std::move(dx), [w, divisor](const Tensor& u, Grads& grads) {
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

namespace {

PoolIndices adaptive_max_pool(const Tensor& x, ExpandingArray<2> size, bool indices) {
  check_input("adaptive_max_pool2d", x, 2);
  const Tensor images = as_images(x, 2);
  const SharedWindows w = adaptive_windows(images, size[0], size[1]);
  const MaxResult r = max_over("AdaptiveMaxPool2D", images, w);
  return {back_to(r.y, x, 2), indices ? back_to(indices_of(r, *w), x, 2) : Tensor()};
}

}  // namespace

PoolIndices adaptive_max_pool2d_with_indices(const Tensor& x, ExpandingArray<2> size) { return adaptive_max_pool(x, size, true); }
Tensor adaptive_max_pool2d(const Tensor& x, ExpandingArray<2> size) { return adaptive_max_pool(x, size, false).values; }

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
  const Tensor flat = indices.contiguous().view({-1});  // reshape() may keep strides
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
