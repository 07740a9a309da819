// Fewer channels of dx than a vector has lanes: then the taps of a kernel row fill it up. For one output column and one row of dx the
// spans of some images are the rows of a matrix product, which sums over kernel rows and channels of dy, and is added to dx. The spans
// of neighbouring columns overlap, so they come one after the other.
#include "kernels/conv/spans.h"

#include <algorithm>

#include "kernels/conv/weights.h"
#include "runtime/parallel.h"

namespace ember::kernels {

template <class T>
void spans_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  // Of images no more than a register tile has rows, and an even number of such groups, for the threads.
  const int64_t groups = s.n <= 14 ? 1 : (s.n + 27) / 28 * 2;
  const GemmFamily<T>& f = gemm_loops<T>();
  const int64_t span = s.kw * s.c, wide = (span + f.lanes - 1) / f.lanes * f.lanes, piece = panel_columns<T>(span, s.kh * s.o);
  const int64_t x_image = s.h * s.w * s.c, y_image = s.oh * s.ow * s.o, row = s.o * wide;
  const Scratch<T> spans(s.kh * row + wide);  // (kh, o, kw * c), and room to read whole vectors
  std::fill_n(spans.data(), s.kh * row + wide, T(0));
  for (int64_t o = 0; o < s.o; ++o)
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t ky = 0; ky < s.kh; ++ky)
        for (int64_t kx = 0; kx < s.kw; ++kx) spans[ky * row + o * wide + kx * s.c + c] = w[((o * s.c + c) * s.kh + ky) * s.kw + kx];

  parallel_for(groups, 1, s.multiply_adds() / 16, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int64_t image = s.n * group / groups;
      Panel<T> q{};
      q.rows = s.n * (group + 1) / groups - image;
      q.a_row = y_image;
      q.c_row = x_image;
      q.inner = {s.o, 1, wide};
      q.epilogue.accumulate = true;
      std::fill_n(dx + image * x_image, q.rows * x_image, T(0));
      for (int64_t ox = 0; ox < s.ow; ++ox) {
        const int64_t left = ox - s.padding[1], from = std::max<int64_t>(0, -left) * s.c, to = std::min(s.kw, s.w - left) * s.c;
        for (int64_t y = 0; y < s.h; ++y) {
          const int64_t top = y + s.padding[0], ky = std::max<int64_t>(0, top - s.oh + 1);
          q.outer = {std::min(s.kh, top + 1) - ky, -s.ow * s.o, row};
          q.a = dy + image * y_image + ((top - ky) * s.ow + ox) * s.o;
          for (int64_t j = from; j < to && q.outer.length > 0; j += piece) {
            q.columns = int(std::min(piece, to - j));
            q.b = spans + ky * row + j;
            q.c = dx + image * x_image + (y * s.w + left) * s.c + j;
            f.panel(q);
          }
        }
      }
    }
  });
}

template void spans_backward_input(const ConvShape&, const float*, const float*, float*);
template void spans_backward_input(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
