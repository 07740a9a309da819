// Cuts the rows between the threads; the gradients of weight and bias are summed part by part, in a fixed order.
#include "kernels/norm/layer.h"

#include <cmath>

#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {

template <class T>
void layer_norm(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, bool center, T* y, T* mean, T* invstd) {
  parallel_for(rows, 1, 2 * double(rows * n), [&](int64_t begin, int64_t end) {
    layer_norm_loops<T>().forward(end - begin, n, x + begin * n, weight, bias, eps, center, y + begin * n, center ? mean + begin : nullptr,
                                  invstd + begin);
  });
}

template <class T>
void layer_norm_backward(int64_t rows, int64_t n, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, bool center, T* dx,
                         T* dweight, T* dbias) {
  constexpr int64_t kGrain = 32;  // rows of a part at least: each has sums of its own
  const int64_t parts = slices_for(rows, kGrain, 3 * double(rows * n));
  const bool sums = dweight || dbias;
  const Scratch<double> partial(sums ? parts * 2 * n : 0);  // of each part dweight and dbias
  parallel_slices(parts, [&](int64_t part) {
    const Range r = slice_range(rows, kGrain, part, parts);
    double* const own = partial + part * 2 * n;
    const Scratch<T> room(sums ? 2 * n : 0);
    const int64_t at = r.begin * n;
    layer_norm_loops<T>().backward(r.end - r.begin, n, x + at, dy + at, weight, center ? mean + r.begin : nullptr, invstd + r.begin, center,
                                   dx ? dx + at : nullptr, dweight ? own : nullptr, dbias ? own + n : nullptr, room);
  });
  if (dweight) layer_norm_loops<T>().add_parts(parts, n, 2 * n, partial, dweight);
  if (dbias) layer_norm_loops<T>().add_parts(parts, n, 2 * n, partial + n, dbias);
}

template <class T>
void group_norm(const GroupLayout& at, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* invstd) {
  const PlaneNormLoops<T>& loop = batch_norm_loops<T>().planes;
  parallel_for(at.images * at.groups, 1, 2 * double(at.numel()), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int64_t from = group * at.size(), first = group % at.groups * at.channels;
      T *const m = mean + group, *const s = invstd + group, squares;
      loop.moments({1, at.size(), at.size()}, x + from, m, &squares);
      *s = T(1 / std::sqrt(double(squares) / double(at.size()) + eps));
      for (int64_t c = 0; c < at.channels; ++c) {
        const T scale = weight ? *s * weight[first + c] : *s, shift = (bias ? bias[first + c] : T(0)) - *m * scale;
        loop.affine(at.channel(), x + from + c * at.length, {scale, shift, false}, nullptr, y + from + c * at.length, false);
      }
    }
  });
}

// With g = dy * weight, over the n numbers of a group: dx = g * invstd + (x - mean) * slope + offset, slope = -invstd^3 * sum(g * (x - mean)) / n,
// offset = -invstd * sum(g) / n, as for a row of layer norm; dweight and dbias of a channel are sums over the images.
template <class T>
void group_norm_backward(const GroupLayout& at, const T* x, const T* dy, const T* weight, const T* mean, const T* invstd, T* dx, T* dweight,
                         T* dbias) {
  const PlaneNormLoops<T>& loop = batch_norm_loops<T>().planes;
  const int64_t channels = at.groups * at.channels;
  const Scratch<double> weight_sums(at.images * channels), bias_sums(at.images * channels);
  parallel_for(at.images * at.groups, 1, 4 * double(at.numel()), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int64_t from = group * at.size(), first = group % at.groups * at.channels;
      const T m = mean[group], s = invstd[group];
      double sum = 0, dot = 0;
      for (int64_t c = 0; c < at.channels; ++c) {
        const int64_t p = from + c * at.length;
        const GradientSums sums = loop.gradient_sums(at.channel(), x + p, dy + p, m, {s, T(0), false});
        weight_sums[group * at.channels + c] = sums.dot * double(s);
        bias_sums[group * at.channels + c] = sums.dy;
        const double factor = weight ? double(weight[first + c]) : 1;
        sum += factor * sums.dy;
        dot += factor * sums.dot;
      }
      if (!dx) continue;
      const double scale = double(s), n = double(at.size());
      const T slope = T(-scale * scale * scale * dot / n), offset = T(-scale * sum / n);
      for (int64_t c = 0; c < at.channels; ++c) {
        const int64_t p = from + c * at.length;
        loop.gradient(at.channel(), x + p, dy + p, m, {weight ? s * weight[first + c] : s, T(0), false}, slope, offset, dx + p, false);
      }
    }
  });
  const auto over_images = [&](const double* sums, T* to) {
    for (int64_t c = 0; to && c < channels; ++c) {
      double total = 0;
      for (int64_t image = 0; image < at.images; ++image) total += sums[image * channels + c];
      to[c] = T(total);
    }
  };
  over_images(weight_sums, dweight);
  over_images(bias_sums, dbias);
}

template void layer_norm(int64_t, int64_t, const float*, const float*, const float*, double, bool, float*, float*, float*);
template void layer_norm(int64_t, int64_t, const double*, const double*, const double*, double, bool, double*, double*, double*);
template void layer_norm_backward(int64_t, int64_t, const float*, const float*, const float*, const float*, const float*, bool, float*, float*,
                                  float*);
template void layer_norm_backward(int64_t, int64_t, const double*, const double*, const double*, const double*, const double*, bool, double*, double*,
                                  double*);
template void group_norm(const GroupLayout&, const float*, const float*, const float*, double, float*, float*, float*);
template void group_norm(const GroupLayout&, const double*, const double*, const double*, double, double*, double*, double*);
template void group_norm_backward(const GroupLayout&, const float*, const float*, const float*, const float*, const float*, float*, float*, float*);
template void group_norm_backward(const GroupLayout&, const double*, const double*, const double*, const double*, const double*, double*, double*,
                                  double*);

}  // namespace ember::kernels
