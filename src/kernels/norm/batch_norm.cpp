// Cuts batch norm by planes or rows of memory, and merges their moments and sums in a fixed order.
#include "kernels/norm/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/kernels.h"
#include "kernels/norm/window_rows.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

constexpr int64_t kFullVector = 16;       // numbers in the longest vector
constexpr int64_t kChannelsOfSlice = 32;  // of (N, C): two vectors

template <class T>
const BatchNormLoops<T>& loops() {
  return batch_norm_loops<T>();
}

/// Outputs larger than the last-level cache use non-temporal stores.
template <class T>
bool streams(const ChannelLayout& at) {
  return at.numel() * int64_t(sizeof(T)) >= (4 << 20);
}

// --- forward

/// Numbers per channel as often as a row has them.
template <class T>
class Repeated {
 public:
  Repeated(const ChannelLayout& at, const T* numbers) : copies_(at.repeat > 1 ? at.columns() : 0), data_(numbers) {
    if (at.repeat == 1) return;
    for (int64_t i = 0; i < at.columns(); ++i) copies_[i] = numbers[i % at.channels];
    data_ = copies_;
  }
  operator const T*() const { return data_; }

 private:
  const Scratch<T> copies_;
  const T* data_;
};

/// Adds to the moments of `before` numbers those of `more` others. Chan, Golub & LeVeque 1979.
void merge_moments(double before, double& mean, double& squares, double more, double other_mean, double other_squares) {
  const double delta = other_mean - mean, share = more / (before + more);
  mean += delta * share;
  squares += other_squares + delta * delta * before * share;
}

/// Moments that were merged are NaN where an infinity is; the sum of the channel is not. Of each channel that begins at x there are
/// `count` numbers, `step` apart.
template <class T>
void mend_infinite_means(int64_t channels, int64_t count, int64_t step, const T* x, double* mean) {
  double all = 0;  // NaN when one is
  for (int64_t c = 0; c < channels; ++c) all += mean[c];
  if (!std::isnan(all)) [[likely]]
    return;
  for (int64_t c = 0; c < channels; ++c) {
    if (!std::isnan(mean[c])) continue;
    mean[c] = 0;
    for (int64_t i = 0; i < count; ++i) mean[c] += double(x[i * step + c]);
    mean[c] /= double(count);
  }
}

template <class T>
void row_statistics(const ChannelLayout& at, const T* x, T* mean, T* squares) {
  const int64_t c = at.channels, n = at.columns(), slices = slices_for(at.rows(), 64, at.work());
  const Scratch<double> part(slices * 2 * n);
  parallel_slices(slices, [&](int64_t s) {
    const Range r = slice_range(at.rows(), 64, s, slices);
    loops<T>().rows.moments({r.end - r.begin, n, n}, x + r.begin * n, part + s * 2 * n, part + s * 2 * n + n);
  });

  double *const m = part, *const q = part + n;
  for (int64_t s = 0; s < slices; ++s) {
    const Range r = slice_range(at.rows(), 64, s, slices);
    const double *const m2 = part + s * 2 * n, *const q2 = m2 + n, rows = double(r.end - r.begin);
    for (int64_t i = s == 0 ? c : 0; i < n; ++i)
      merge_moments(double(r.begin * at.repeat) + double(i / c) * rows, m[i % c], q[i % c], rows, m2[i], q2[i]);
  }
  mend_infinite_means(c, at.count(), c, x, m);
  for (int64_t i = 0; i < c; ++i) {
    mean[i] = T(m[i]);
    squares[i] = T(q[i]);
  }
}

/// From moments or running statistics to scale and shift, for channels [c, c + n).
template <class T>
void finish(const ChannelLayout& at, const BatchNormInputs<T>& in, const BatchNormBlock<T>& block, int64_t c, int64_t n) {
  const ChannelNumbers<T>& numbers = loops<T>().numbers;
  if (in.training) {
    numbers.invstd_of_squares(n, block.var + c, at.count(), in.eps, block.invstd + c, block.var + c);
  } else {
    std::copy_n(in.running_mean + c, n, block.mean + c);
    numbers.invstd_of_variance(n, in.running_var + c, in.eps, block.invstd + c);
  }
  numbers.affine_of(n, block.mean + c, block.invstd + c, in.weight ? in.weight + c : nullptr, in.bias ? in.bias + c : nullptr, block.scale + c,
                    block.shift + c);
}

/// The block of channels side by side.
template <class T>
void statistics(const ChannelLayout& at, const BatchNormInputs<T>& in, const BatchNormBlock<T>& block) {
  if (in.training) row_statistics(at, in.x, block.mean, block.var);
  finish(at, in, block, 0, at.channels);
}

/// Each thread takes some channels of (N, C) through all passes.
template <class T>
void forward_by_channels(const ChannelLayout& at, const BatchNormInputs<T>& in, const BatchNormBlock<T>& block, T* y) {
  const RowNormLoops<T>& loop = loops<T>().rows;
  const bool stream = streams<T>(at);
  parallel_for(at.channels, kChannelsOfSlice, at.work(), [&](int64_t c, int64_t end) {
    const int64_t n = end - c;
    const Rows rows{at.batch, n, at.channels};
    if (in.training) {
      const Scratch<double> moments(2 * n);
      loop.moments(rows, in.x + c, moments, moments + n);
      mend_infinite_means<T>(n, at.batch, at.channels, in.x + c, moments);
      for (int64_t i = 0; i < n; ++i) {
        block.mean[c + i] = T(moments[i]);
        block.var[c + i] = T(moments[n + i]);
      }
    }
    finish(at, in, block, c, n);
    loop.affine(rows, in.x + c, block.scale + c, block.shift + c, in.addend ? in.addend + c : nullptr, in.relu, y + c, stream);
  });
}

}  // namespace

template <class T>
void batch_norm_forward(const ChannelLayout& at, const BatchNormInputs<T>& in, BatchNormBlock<T> block, T* y) {
  if (at.by_channels()) return forward_by_channels(at, in, block, y);
  const bool stream = streams<T>(at);
  if (at.side_by_side) {
    statistics(at, in, block);
    const Repeated<T> scale(at, block.scale), shift(at, block.shift);
    parallel_for(at.rows(), 16, at.work(), [&](int64_t begin, int64_t end) {
      const int64_t i = begin * at.columns();
      loops<T>().rows.affine({end - begin, at.columns(), at.columns()}, in.x + i, scale, shift, in.addend ? in.addend + i : nullptr, in.relu, y + i,
                             stream);
    });
    return;
  }
  // All passes over one channel while it is in the cache.
  const PlaneNormLoops<T>& loop = loops<T>().planes;
  parallel_for(at.channels, 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t i = c * at.length;
      if (in.training) loop.moments(at.planes(), in.x + i, block.mean + c, block.var + c);
      finish(at, in, block, c, 1);
      loop.affine(at.planes(), in.x + i, {block.scale[c], block.shift[c], in.relu}, in.addend ? in.addend + i : nullptr, y + i, stream);
    }
  });
}

template <class T>
void batch_norm_pool_forward(const ChannelLayout& at, int64_t width, const BatchNormInputs<T>& in, BatchNormBlock<T> block, T* y,
                             std::uint8_t* taps) {
  statistics(at, in, block);
  const WindowRows rows{at.batch, at.length / width, width, at.channels};
  parallel_for(rows.count(), 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      loops<T>().windows.affine_taps(width, at.channels, in.x + rows.input(i), block.scale, block.shift, y + rows.output(i), taps + rows.output(i));
  });
}

// --- backward

namespace {

/// The gradient sums over all rows of a layout, which add(rows, sums) adds up for parts of them.
template <class T>
struct RowGradientSums {
  const int64_t slices;
  const Scratch<double> part;
  double *const dy, *const dot;

  template <class Add>
  RowGradientSums(const ChannelLayout& at, Add add)
      : slices(slices_for(at.rows(), 64, at.work())), part(slices * 2 * at.columns()), dy(part), dot(dy + at.columns()) {
    const int64_t n = at.columns();
    parallel_slices(slices, [&](int64_t s) {
      double* const sums = part + s * 2 * n;
      std::fill_n(sums, 2 * n, 0.0);
      add(slice_range(at.rows(), 64, s, slices), sums);
    });
    for (int64_t s = 0; s < slices; ++s)
      for (int64_t i = s == 0 ? at.channels : 0; i < n; ++i) {
        dy[i % at.channels] += part[s * 2 * n + i];
        dot[i % at.channels] += part[s * 2 * n + n + i];
      }
  }
};

// With xhat = (x - mean) * invstd, n values in a channel, and scale = invstd * weight:
//   dbias   = sum dy
//   dweight = sum dy * xhat                    = invstd * dot, where dot = sum dy * (x - mean)
//   dx      = scale * (dy - dbias / n - xhat * dweight / n)
//           = dy * scale + (x - mean) * slope + offset
// The two subtracted terms are what dy sends through mean and variance: shifting or scaling a whole channel of x does not change y,
// so dx has no component along 1 and along xhat. Running statistics do not depend on x: then dx = dy * scale.
/// The sums and the gradient of one call, in each of the layouts.
template <class T>
struct Backward {
  const ChannelLayout& at;
  const T* const x;
  const BatchNormBlock<T> block;
  const T* const dy;
  const bool training, relu, stream, needs_sums;
  const BatchNormGradients<T>& out;
  const Scratch<T> factors;
  T *const slope, *const offset;

  Backward(const ChannelLayout& at, const T* x, BatchNormBlock<T> block, const T* dy, bool training, bool relu, const BatchNormGradients<T>& out)
      : at(at), x(x), block(block), dy(dy), training(training), relu(relu), stream(streams<T>(at)), needs_sums(training || out.needs_sums), out(out),
        factors(2 * at.channels), slope(factors), offset(slope + at.channels) {}

  /// What follows from the sums of channels [c, c + n).
  void finish(int64_t c, int64_t n, const double* sum_dy, const double* dot) const {
    loops<T>().numbers.gradients_of_sums(n, sum_dy, dot, block.invstd + c, block.scale + c, at.count(), training, out.dweight + c, out.dbias + c,
                                         slope + c, offset + c);
  }

  void by_planes() const {
    const PlaneNormLoops<T>& loop = loops<T>().planes;
    parallel_for(at.channels, 1, at.work(), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const int64_t i = c * at.length;
        const Affine<T> affine{block.scale[c], block.shift[c], relu};
        if (needs_sums) {
          const GradientSums sums = loop.gradient_sums(at.planes(), x + i, dy + i, block.mean[c], affine);
          finish(c, 1, &sums.dy, &sums.dot);
        }
        if (!out.dx) continue;
        if (training) loop.gradient(at.planes(), x + i, dy + i, block.mean[c], affine, slope[c], offset[c], out.dx + i, stream);
        else loop.affine(at.planes(), dy + i, {block.scale[c], T(0), false}, nullptr, out.dx + i, stream);
      }
    });
  }

  void by_channels() const {
    const RowNormLoops<T>& loop = loops<T>().rows;
    parallel_for(at.channels, kChannelsOfSlice, at.work(), [&](int64_t c, int64_t end) {
      const int64_t n = end - c;
      const Rows rows{at.batch, n, at.channels};
      const T *const mean = block.mean + c, *const scale = block.scale + c, *const shift = block.shift + c;
      const Scratch<double> sums(2 * n);
      std::fill_n(sums.data(), 2 * n, 0.0);
      if (needs_sums) loop.gradient_sums(rows, x + c, dy + c, mean, scale, shift, relu, sums, sums + n);
      finish(c, n, sums, sums + n);
      if (!out.dx) return;
      if (training) loop.gradient(rows, x + c, dy + c, mean, scale, shift, relu, slope + c, offset + c, out.dx + c, stream);
      else loop.affine(rows, dy + c, scale, offset + c, nullptr, false, out.dx + c, stream);
    });
  }

  void by_rows() const {
    const RowNormLoops<T>& loop = loops<T>().rows;
    const int64_t n = at.columns();
    const Repeated<T> mean(at, block.mean), scale(at, block.scale), shift(at, block.shift);
    if (needs_sums) {
      const RowGradientSums<T> sums(at, [&](Range r, double* to) {
        loop.gradient_sums({r.end - r.begin, n, n}, x + r.begin * n, dy + r.begin * n, mean, scale, shift, relu, to, to + n);
      });
      finish(0, at.channels, sums.dy, sums.dot);
    }
    if (!out.dx) return;
    if (!training) std::fill_n(slope, 2 * at.channels, T(0));
    const Repeated<T> slopes(at, slope), offsets(at, offset);
    parallel_for(at.rows(), 16, at.work(), [&](int64_t begin, int64_t end) {
      const int64_t i = begin * n;
      if (training) loop.gradient({end - begin, n, n}, x + i, dy + i, mean, scale, shift, relu, slopes, offsets, out.dx + i, stream);
      else loop.affine({end - begin, n, n}, dy + i, scale, offsets, nullptr, false, out.dx + i, stream);
    });
  }
};

}  // namespace

template <class T>
void batch_norm_backward(const ChannelLayout& at, const T* x, BatchNormBlock<T> block, const T* dy, bool training, bool relu,
                         const BatchNormGradients<T>& out) {
  const Backward<T> pass(at, x, block, dy, training, relu, out);
  if (!at.side_by_side) pass.by_planes();
  else if (at.by_channels()) pass.by_channels();
  else pass.by_rows();
}

template <class T>
void batch_norm_pool_backward(const ChannelLayout& at, int64_t width, const T* x, BatchNormBlock<T> block, const T* dy, const std::uint8_t* taps,
                              const BatchNormGradients<T>& out) {
  const WindowRows rows{at.batch, at.length / width, width, at.channels};
  const int64_t c = at.channels, n = at.columns();
  const Repeated<T> mean(at, block.mean), scale(at, block.scale), shift(at, block.shift);
  // Row by row, though most of dy are zeros: the sums have the bits of the single operations.
  const RowGradientSums<T> sums(at, [&](Range r, double* to) {
    const SpreadGradient<T> spread(rows, dy, taps);
    const int64_t most = norm_block_rows(n, sizeof(T));
    const Scratch<T> upstream(most * n);
    for (int64_t row = r.begin; row < r.end; row += most) {
      const int64_t count = std::min(most, r.end - row);
      spread.write(row * at.repeat, (row + count) * at.repeat, upstream);
      loops<T>().rows.gradient_sums({count, n, n}, x + row * n, upstream, mean, scale, shift, true, to, to + n);
    }
  });
  const Scratch<T> factors(2 * c);
  T *const slope = factors, *const offset = slope + c;
  loops<T>().numbers.gradients_of_sums(c, sums.dy, sums.dot, block.invstd, block.scale, at.count(), true, out.dweight, out.dbias, slope, offset);

  if (!out.dx) return;
  const bool stream = streams<T>(at);
  parallel_for(rows.count(), 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      loops<T>().windows.gradient(width, c, x + rows.input(i), dy + rows.output(i), taps + rows.output(i), block.mean, block.scale, block.shift,
                                  slope, offset, out.dx + rows.input(i), stream);
  });
  if (rows.height % 2 == 0) return;
  // The odd row under the last windows gets nothing from above.
  const int64_t row = width * c, an_image = rows.height * row;
  const Scratch<T> nothing(row);
  std::fill_n(nothing.data(), row, T(0));
  for (int64_t last = an_image - row; last < rows.images * an_image; last += an_image)
    loops<T>().rows.gradient({width, c, c}, x + last, nothing, block.mean, block.scale, block.shift, false, slope, offset, out.dx + last, stream);
}

template <class T>
void move_running(int64_t channels, const T* batch, double momentum, bool fused, T* running, int64_t step) {
  const T f = T(momentum), rest = T(1 - momentum);
  const T* const end = batch + channels;
  if (fused)
    for (; batch != end; ++batch, running += step) *running = T(double(f) * double(*batch) + double(T(rest * *running)));
  else
    for (; batch != end; ++batch, running += step) *running = T(f * *batch) + T(rest * *running);
}

ChannelLayout::ChannelLayout(int64_t batch, int64_t channels, int64_t length, bool channels_last)
    : batch(batch), channels(channels), length(length), side_by_side(length == 1 || channels_last) {
  const int64_t filling = kFullVector / std::gcd(channels, kFullVector);
  if (side_by_side && channels < 4 * kFullVector && count() % filling == 0) repeat = filling;
}

template void move_running(int64_t, const float*, double, bool, float*, int64_t);
template void move_running(int64_t, const double*, double, bool, double*, int64_t);
template void batch_norm_forward(const ChannelLayout&, const BatchNormInputs<float>&, BatchNormBlock<float>, float*);
template void batch_norm_backward(const ChannelLayout&, const float*, BatchNormBlock<float>, const float*, bool, bool,
                                  const BatchNormGradients<float>&);
template void batch_norm_pool_forward(const ChannelLayout&, int64_t, const BatchNormInputs<float>&, BatchNormBlock<float>, float*, std::uint8_t*);
template void batch_norm_pool_backward(const ChannelLayout&, int64_t, const float*, BatchNormBlock<float>, const float*, const std::uint8_t*,
                                       const BatchNormGradients<float>&);
template void batch_norm_forward(const ChannelLayout&, const BatchNormInputs<double>&, BatchNormBlock<double>, double*);
template void batch_norm_backward(const ChannelLayout&, const double*, BatchNormBlock<double>, const double*, bool, bool,
                                  const BatchNormGradients<double>&);
template void batch_norm_pool_forward(const ChannelLayout&, int64_t, const BatchNormInputs<double>&, BatchNormBlock<double>, double*, std::uint8_t*);
template void batch_norm_pool_backward(const ChannelLayout&, int64_t, const double*, BatchNormBlock<double>, const double*, const std::uint8_t*,
                                       const BatchNormGradients<double>&);

}  // namespace ember::kernels
