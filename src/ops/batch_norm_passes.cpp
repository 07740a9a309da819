#include "ops/batch_norm_passes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/kernels.h"
#include "ops/window_rows.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "tensor/impl.h"

namespace ember {
namespace {

using kernels::Scratch;

constexpr int64_t kFullVector = 16;  // numbers in the longest vector
constexpr int64_t kChannelsOfSlice = 32;  // of (N, C): two vectors

template <class T>
const kernels::BatchNormLoops<T>& loops() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().batch_norm.float32;
  else return kernels::kernels().batch_norm.float64;
}

/// Outputs far beyond the caches are written past them.
bool streams(const Tensor& y) { return y.numel() * item_size(y.dtype()) >= (4 << 20); }

/// The rows of the block, in the order of BatchNormRow.
template <class T>
struct Stats {
  T *mean, *invstd, *scale, *shift, *var;
  Stats(const Tensor& block, int64_t channels)
      : mean(block.data<T>()), invstd(mean + channels), scale(mean + 2 * channels), shift(mean + 3 * channels), var(mean + 4 * channels) {}
};

/// A parameter's numbers, row-major; null when there is none.
template <class T>
struct Numbers {
  Tensor held;
  const T* data;
  explicit Numbers(const Tensor& t) : held(t.defined() && !t.is_contiguous() ? t.detach().contiguous() : t), data(static_cast<const T*>(held.data_or_null())) {}
};

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
  for (int64_t c = 0; c < channels; ++c) {
    if (!std::isnan(mean[c])) continue;
    mean[c] = 0;
    for (int64_t i = 0; i < count; ++i) mean[c] += double(x[i * step + c]);
    mean[c] /= double(count);
  }
}

template <class T>
void row_statistics(const ChannelLayout& at, const T* x, T* mean, T* squares) {
  const int64_t c = at.channels, n = at.columns(), slices = kernels::slices_for(at.rows(), 64, at.work());
  const Scratch<double> part(slices * 2 * n);
  kernels::parallel_slices(slices, [&](int64_t s) {
    const kernels::Range r = kernels::slice_range(at.rows(), 64, s, slices);
    loops<T>().rows.moments({r.end - r.begin, n, n}, x + r.begin * n, part + s * 2 * n, part + s * 2 * n + n);
  });

  double *const m = part, *const q = part + n;
  for (int64_t s = 0; s < slices; ++s) {
    const kernels::Range r = kernels::slice_range(at.rows(), 64, s, slices);
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
struct Finish {
  const ChannelLayout& at;
  const BatchNormArguments& in;
  const Stats<T> stats;
  const Numbers<T> weight, bias, running_mean, running_var;

  Finish(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block)
      : at(at), in(in), stats(block, at.channels), weight(in.weight), bias(in.bias), running_mean(in.running_mean), running_var(in.running_var) {}

  void operator()(int64_t c, int64_t n) const {
    const auto& k = loops<T>();
    if (in.training) {
      k.numbers.invstd_of_squares(n, stats.var + c, at.count(), in.eps, stats.invstd + c, stats.var + c);
    } else {
      for (int64_t i = c; i < c + n; ++i) stats.mean[i] = running_mean.data[i];
      k.numbers.invstd_of_variance(n, running_var.data + c, in.eps, stats.invstd + c);
    }
    k.numbers.affine_of(n, stats.mean + c, stats.invstd + c, weight.data ? weight.data + c : nullptr, bias.data ? bias.data + c : nullptr,
                stats.scale + c, stats.shift + c);
  }
};

/// The block of channels side by side.
template <class T>
void statistics(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block) {
  const Finish<T> finish(at, in, block);
  if (in.training) row_statistics(at, in.x.data<T>(), finish.stats.mean, finish.stats.var);
  finish(0, at.channels);
}

template <class T>
void forward(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block, const Tensor& y) {
  const auto& k = loops<T>();
  const T* const x = in.x.data<T>();
  const T* const addend = static_cast<const T*>(in.addend.data_or_null());
  T* const out = y.data<T>();
  const bool stream = streams(y);
  const Stats<T> stats(block, at.channels);

  if (at.by_channels()) {
    const Finish<T> finish(at, in, block);
    kernels::parallel_for(at.channels, kChannelsOfSlice, at.work(), [&](int64_t c, int64_t end) {
      const int64_t n = end - c;
      const kernels::Rows rows{at.batch, n, at.channels};
      if (in.training) {
        const Scratch<double> moments(2 * n);
        k.rows.moments(rows, x + c, moments, moments + n);
        mend_infinite_means<T>(n, at.batch, at.channels, x + c, moments);
        for (int64_t i = 0; i < n; ++i) {
          stats.mean[c + i] = T(moments[i]);
          stats.var[c + i] = T(moments[n + i]);
        }
      }
      finish(c, n);
      k.rows.affine(rows, x + c, stats.scale + c, stats.shift + c, addend ? addend + c : nullptr, in.relu, out + c, stream);
    });
    return;
  }
  if (at.side_by_side) {
    statistics<T>(at, in, block);
    const Repeated<T> scale(at, stats.scale), shift(at, stats.shift);
    kernels::parallel_for(at.rows(), 16, at.work(), [&](int64_t begin, int64_t end) {
      const int64_t i = begin * at.columns();
      k.rows.affine({end - begin, at.columns(), at.columns()}, x + i, scale, shift, addend ? addend + i : nullptr, in.relu, out + i, stream);
    });
    return;
  }
  // All passes over one channel while it is in the cache.
  const Finish<T> finish(at, in, block);
  kernels::parallel_for(at.channels, 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t i = c * at.length;
      if (in.training) k.planes.moments(at.planes(), x + i, stats.mean + c, stats.var + c);
      finish(c, 1);
      k.planes.affine(at.planes(), x + i, {stats.scale[c], stats.shift[c], in.relu}, addend ? addend + i : nullptr, out + i, stream);
    }
  });
}

/// statistics, then what is written: the largest number of each window.
template <class T>
void forward_and_pool(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block, const Tensor& y, const Tensor& taps) {
  statistics<T>(at, in, block);
  const Stats<T> stats(block, at.channels);
  const WindowRows rows(in.x);
  kernels::parallel_for(rows.count(), 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      loops<T>().windows.affine_taps(rows.width, at.channels, in.x.data<T>() + rows.input(i), stats.scale, stats.shift, y.data<T>() + rows.output(i),
                                    taps.data<std::uint8_t>() + rows.output(i));
  });
}

// --- backward

/// The gradient sums over all rows of a layout, which add(rows, sums) adds up for parts of them.
template <class T>
struct RowGradientSums {
  const int64_t slices;
  const Scratch<double> part;
  double *const dy, *const dot;

  template <class Add>
  RowGradientSums(const ChannelLayout& at, Add add)
      : slices(kernels::slices_for(at.rows(), 64, at.work())), part(slices * 2 * at.columns()), dy(part), dot(dy + at.columns()) {
    const int64_t n = at.columns();
    kernels::parallel_slices(slices, [&](int64_t s) {
      double* const sums = part + s * 2 * n;
      std::fill_n(sums, 2 * n, 0.0);
      add(kernels::slice_range(at.rows(), 64, s, slices), sums);
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
template <class T>
void backward(const ChannelLayout& at, const Tensor& input, const Tensor& block, const Tensor& gradient, bool training, bool relu,
              const BatchNormGradients& out) {
  const Stats<T> stats(block, at.channels);
  const auto& k = loops<T>();
  const T *const x = input.data<T>(), *const dy = gradient.data<T>();
  T* const dx = static_cast<T*>(out.x.data_or_null());
  const bool stream = dx && streams(out.x), needs_sums = training || out.needs_sums;
  const Scratch<T> factors(2 * at.channels);
  T *const slope = factors, *const offset = slope + at.channels;
  T *const dweight = out.sums.data<T>(), *const dbias = dweight + at.channels;
  const auto finish = [&](int64_t c, int64_t n, const double* sum_dy, const double* dot) {
    k.numbers.gradients_of_sums(n, sum_dy, dot, stats.invstd + c, stats.scale + c, at.count(), training, dweight + c, dbias + c, slope + c, offset + c);
  };

  if (!at.side_by_side) {
    kernels::parallel_for(at.channels, 1, at.work(), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const int64_t i = c * at.length;
        const kernels::Affine<T> affine{stats.scale[c], stats.shift[c], relu};
        if (needs_sums) {
          const kernels::GradientSums sums = k.planes.gradient_sums(at.planes(), x + i, dy + i, stats.mean[c], affine);
          finish(c, 1, &sums.dy, &sums.dot);
        }
        if (!dx) continue;
        if (training) k.planes.gradient(at.planes(), x + i, dy + i, stats.mean[c], affine, slope[c], offset[c], dx + i, stream);
        else k.planes.affine(at.planes(), dy + i, {stats.scale[c], T(0), false}, nullptr, dx + i, stream);
      }
    });
    return;
  }

  if (at.by_channels()) {
    kernels::parallel_for(at.channels, kChannelsOfSlice, at.work(), [&](int64_t c, int64_t end) {
      const int64_t n = end - c;
      const kernels::Rows rows{at.batch, n, at.channels};
      const T *const mean = stats.mean + c, *const scale = stats.scale + c, *const shift = stats.shift + c;
      const Scratch<double> sums(2 * n);
      for (int64_t i = 0; i < 2 * n; ++i) sums[i] = 0;
      if (needs_sums) k.rows.gradient_sums(rows, x + c, dy + c, mean, scale, shift, relu, sums, sums + n);
      finish(c, n, sums, sums + n);
      if (!dx) return;
      if (training) k.rows.gradient(rows, x + c, dy + c, mean, scale, shift, relu, slope + c, offset + c, dx + c, stream);
      else k.rows.affine(rows, dy + c, scale, offset + c, nullptr, false, dx + c, stream);
    });
    return;
  }

  const int64_t n = at.columns();
  const Repeated<T> mean(at, stats.mean), scale(at, stats.scale), shift(at, stats.shift);
  if (needs_sums) {
    const RowGradientSums<T> sums(at, [&](kernels::Range r, double* to) {
      k.rows.gradient_sums({r.end - r.begin, n, n}, x + r.begin * n, dy + r.begin * n, mean, scale, shift, relu, to, to + n);
    });
    finish(0, at.channels, sums.dy, sums.dot);
  }
  if (!dx) return;
  if (!training)
    for (int64_t c = 0; c < at.channels; ++c) slope[c] = offset[c] = 0;
  const Repeated<T> slopes(at, slope), offsets(at, offset);
  kernels::parallel_for(at.rows(), 16, at.work(), [&](int64_t begin, int64_t end) {
    const int64_t i = begin * n;
    if (training) k.rows.gradient({end - begin, n, n}, x + i, dy + i, mean, scale, shift, relu, slopes, offsets, dx + i, stream);
    else k.rows.affine({end - begin, n, n}, dy + i, scale, offsets, nullptr, false, dx + i, stream);
  });
}

/// The same in training behind a ReLU and a max pooling, from the gradient of its result.
template <class T>
void backward_from_pool(const ChannelLayout& at, const Tensor& input, const Tensor& block, const Tensor& gradient, const Tensor& taps,
                        const BatchNormGradients& out) {
  const Stats<T> stats(block, at.channels);
  const WindowRows rows(input);
  const int64_t c = at.channels, n = at.columns();
  const T *const x = input.data<T>(), *const dy = gradient.data<T>();
  const std::uint8_t* const tap = taps.data<std::uint8_t>();
  const Repeated<T> mean(at, stats.mean), scale(at, stats.scale), shift(at, stats.shift);
  // Row by row, though most of dy are zeros: the sums have the bits of the single operations.
  const RowGradientSums<T> sums(at, [&](kernels::Range r, double* to) {
    const SpreadGradient<T> spread(input, dy, tap);
    const int64_t most = kernels::norm_block_rows(n, sizeof(T));
    const Scratch<T> upstream(most * n);
    for (int64_t row = r.begin; row < r.end; row += most) {
      const int64_t count = std::min(most, r.end - row);
      spread.write(row * at.repeat, (row + count) * at.repeat, upstream);
      loops<T>().rows.gradient_sums({count, n, n}, x + row * n, upstream, mean, scale, shift, true, to, to + n);
    }
  });
  const Scratch<T> factors(2 * c);
  T *const slope = factors, *const offset = slope + c, *const dweight = out.sums.data<T>();
  loops<T>().numbers.gradients_of_sums(c, sums.dy, sums.dot, stats.invstd, stats.scale, at.count(), true, dweight, dweight + c, slope, offset);

  T* const dx = static_cast<T*>(out.x.data_or_null());
  if (!dx) return;
  const bool stream = streams(out.x);
  kernels::parallel_for(rows.count(), 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      loops<T>().windows.gradient(rows.width, c, x + rows.input(i), dy + rows.output(i), tap + rows.output(i), stats.mean, stats.scale, stats.shift,
                                 slope, offset, dx + rows.input(i), stream);
  });
  if (rows.height % 2 == 0) return;
  // The odd row under the last windows gets nothing from above.
  const int64_t row = rows.width * c, an_image = rows.height * row;
  const Scratch<T> nothing(row);
  std::fill_n(nothing.data(), row, T(0));
  for (int64_t last = an_image - row; last < rows.images * an_image; last += an_image)
    loops<T>().rows.gradient({rows.width, c, c}, x + last, nothing, stats.mean, stats.scale, stats.shift, false, slope, offset, dx + last, stream);
}

}  // namespace

ChannelLayout::ChannelLayout(const Tensor& x) : batch(x.sizes()[0]), channels(x.sizes()[1]), length(1) {
  for (int d = 2; d < x.dim(); ++d) length *= x.sizes()[d];
  side_by_side = length == 1 || !x.is_contiguous();
  const int64_t filling = kFullVector / std::gcd(channels, kFullVector);
  if (side_by_side && channels < 4 * kFullVector && count() % filling == 0) repeat = filling;
}

void batch_norm_forward(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block, const Tensor& y) {
  if (in.x.dtype() == kFloat32) forward<float>(at, in, block, y);
  else forward<double>(at, in, block, y);
}

void batch_norm_pool_forward(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& block, const Tensor& y, const Tensor& taps) {
  if (in.x.dtype() == kFloat32) forward_and_pool<float>(at, in, block, y, taps);
  else forward_and_pool<double>(at, in, block, y, taps);
}

void batch_norm_backward(const ChannelLayout& at, const Tensor& x, const Tensor& block, const Tensor& dy, bool training, bool relu,
                         const BatchNormGradients& out) {
  if (x.dtype() == kFloat32) backward<float>(at, x, block, dy, training, relu, out);
  else backward<double>(at, x, block, dy, training, relu, out);
}

void batch_norm_pool_backward(const ChannelLayout& at, const Tensor& x, const Tensor& block, const Tensor& dy, const Tensor& taps,
                              const BatchNormGradients& out) {
  if (x.dtype() == kFloat32) backward_from_pool<float>(at, x, block, dy, taps, out);
  else backward_from_pool<double>(at, x, block, dy, taps, out);
}

}  // namespace ember
