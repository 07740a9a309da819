// Cuts the weights between the threads, so that each is read once.
#include "kernels/conv/streams.h"

#include <algorithm>

#include "kernels/conv/axis.h"
#include "kernels/conv/patches.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"

namespace ember::kernels {

namespace {

/// Lanes along the patches, which are laid as rows of weights are.
template <class T>
void dot_patches(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& e, T* y) {
  const int64_t count = s.n * s.oh * s.ow, patch = patch_size(s), pixel = s.planes ? 1 : s.c, channel = s.planes ? s.h * s.w : 1;
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  const Scratch<T> rows(count * patch);
  std::fill_n(rows.data(), count * patch, T(0));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t oy = i / s.ow % s.oh, ox = i % s.ow;
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t ky = ay.begin(oy); ky < ay.end(oy); ++ky) {
        const T* const from = x + i / (s.oh * s.ow) * s.c * s.h * s.w + c * channel + ay.input(oy, ky) * s.w * pixel;
        T* const to = rows + i * patch + (c * s.kh + ky) * s.kw;
        for (int64_t kx = ax.begin(ox); kx < ax.end(ox); ++kx) to[kx] = from[ax.input(ox, kx) * pixel];
      }
  }
  gemm<T>(count, s.o, patch, {rows.data(), patch, 1}, {w, 1, patch}, y, s.o, {false, e.bias, e.relu && !e.norms()});
  if (e.norms()) norm_rows(e, 0, count, s.o, y);
}

}  // namespace

// y^T = W X: rows of weights from memory against the patches in the cache, lanes along the pixels.
template <class T>
void streams_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& e, T* y) {
  const GemmFamily<T>& f = gemm_loops<T>();
  const int64_t count = s.n * s.oh * s.ow, patch = patch_size(s);
  if (count <= kFewPixels) return dot_patches(s, x, w, e, y);
  // A vector more than other panels have rather than the weights once more.
  const int64_t strip = count <= (f.panel_vectors + 1) * f.lanes ? count : 0;
  const PatchReader<T> reader(s, x, count);
  const Patches<T> patches = reader.by_number(0, 0, count);
  parallel_for(s.o, f.lanes, s.multiply_adds() / 8, [&](int64_t begin, int64_t end) {
    const Scratch<T> product((end - begin) * count);
    gemm_in_cache<T>(end - begin, count, patch, {w + begin * patch, patch, 1}, patches.data, patches.step, product.data(), count, false, strip);
    f.write_transposed(count, end - begin, product, count, y + begin, s.o, {false, e.bias ? e.bias + begin : nullptr, e.relu && !e.norms()});
  });
  if (e.norms()) norm_rows(e, 0, count, s.o, y);
}

// dX = W^T dy^T a few rows of W at a time: so many streams that the caches follow; then each number goes where it came from.
template <class T>
void streams_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx) {
  constexpr int64_t kRows = 64;
  const int64_t count = s.n * s.oh * s.ow, patch = patch_size(s), taps = s.kh * s.kw, pixels = s.oh * s.ow;
  const Scratch<T> product(count * patch);
  for (int64_t o = 0; o < s.o; o += kRows)
    gemm<T>(count, patch, std::min(kRows, s.o - o), {dy + o, s.o, 1}, {w + o * patch, patch, 1}, product, patch, {o > 0, nullptr, false});
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  parallel_for(s.c, 16, double(count * patch), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < s.n * s.h * s.w; ++i)
      for (int64_t c = begin; c < end; ++c) dx[i * s.c + c] = bias ? bias[c] : T(0);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t oy = i % pixels / s.ow, ox = i % s.ow;
      T* const image = dx + i / pixels * s.h * s.w * s.c;
      for (int64_t ky = ay.begin(oy); ky < ay.end(oy); ++ky)
        for (int64_t kx = ax.begin(ox); kx < ax.end(ox); ++kx) {
          const T* from = product + i * patch + ky * s.kw + kx;
          T* const to = image + (ay.input(oy, ky) * s.w + ax.input(ox, kx)) * s.c;
          for (int64_t c = begin; c < end; ++c) to[c] += from[c * taps];
        }
    }
  });
}

template <class T>
void streams_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const int64_t count = s.n * s.oh * s.ow, patch = patch_size(s);
  const PatchReader<T> reader(s, x, count);
  const Patches<T> patches = reader.by_number(0, 0, count);
  gemm<T>(s.o, patch, count, {dy, 1, s.o}, {patches.data, patches.row, patches.step}, dw, patch);
}

template void streams_forward(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void streams_forward(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&, double*);
template void streams_backward_input(const ConvShape&, const float*, const float*, const float*, float*);
template void streams_backward_input(const ConvShape&, const double*, const double*, const double*, double*);
template void streams_backward_weight(const ConvShape&, const float*, const float*, float*);
template void streams_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
