// Each convolution goes to the kernel that suits its shape.
#include "kernels/conv/conv.h"

#include <algorithm>

#include "kernels/conv/choice.h"
#include "kernels/conv/columns.h"
#include "kernels/conv/crop.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/images.h"
#include "kernels/conv/planes.h"
#include "kernels/conv/pointwise.h"
#include "kernels/conv/spans.h"
#include "kernels/conv/streams.h"
#include "kernels/conv/winograd.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"

namespace ember::kernels {

template <class T>
void norm_rows(const ConvEpilogue<T>& e, int64_t row, int64_t rows, int64_t o, T* y) {
  T* const from = y + row * o;
  batch_norm_loops<T>().rows.affine({rows, o, o}, from, e.scale, e.shift, e.addend ? e.addend + row * o : nullptr, e.relu, from, false);
}

template <class T>
void norm_and_pool(const ConvEpilogue<T>& e, int64_t windows, int64_t width, int64_t o, const T* x, T* y) {
  for (int64_t i = 0; i < windows; ++i, x += 2 * width * o, y += width / 2 * o)
    batch_norm_loops<T>().windows.affine(width, o, x, e.scale, e.shift, e.relu, y);
}

template <class T>
void add_to_pixels(const ConvShape& s, const T* bias, T* dx) {
  parallel_for(s.n * s.h * s.w, 16, double(s.n * s.h * s.w * s.c) / 4, [&](int64_t begin, int64_t end) {
    for (T* pixel = dx + begin * s.c; pixel < dx + end * s.c; pixel += s.c)
      for (int64_t c = 0; c < s.c; ++c) pixel[c] += bias[c];
  });
}

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  if (const Crop crop(s); crop) return conv_forward<T>(crop.shape(), x, crop.weights(w), epilogue, y);
  const ConvPath path = conv_path(s, ConvDirection::Forward, sizeof(T));
  if constexpr (std::is_same_v<T, float>) {
    if (path == ConvPath::Winograd2) return winograd_forward(winograd_loops().two, s, x, w, epilogue, y);
    if (path == ConvPath::Winograd4) return winograd_forward(winograd_loops().four, s, x, w, epilogue, y);
  }
  if (path == ConvPath::Dots) return dots_forward(s, x, w, epilogue, y);
  if (path == ConvPath::Direct) return direct_forward(s, x, w, epilogue, y);
  if (path == ConvPath::Columns) return columns_forward(s, x, w, epilogue, y);
  if (path == ConvPath::Streams) return streams_forward(s, x, w, epilogue, y);
  const bool relu = epilogue.relu && !epilogue.norms();
  if (path == ConvPath::Pointwise) pointwise_forward(s, x, w, epilogue.bias, relu, y);
  else if (path == ConvPath::Images) images_forward(s, x, w, epilogue.bias, relu, y);
  else depthwise_forward(s, x, w, epilogue.bias, relu, y);
  if (!epilogue.norms()) return;
  const int64_t rows = s.n * s.oh * s.ow;
  parallel_for(rows, 16, double(rows * s.o), [&](int64_t begin, int64_t end) { norm_rows(epilogue, begin, end - begin, s.o, y); });
}

template <class T>
bool conv_reads_planes(const ConvShape& s) {
  ConvShape planes = Crop(s).shape();
  planes.planes = true;
  const ConvPath path = conv_path(planes, ConvDirection::Forward, sizeof(T));
  return path == ConvPath::Direct || path == ConvPath::Streams || path == ConvPath::Dots || path == ConvPath::Images ||
         (path == ConvPath::Columns && columns_read_planes(planes)) || (path == ConvPath::Depthwise && s.o_group() == 1) ||
         (path == ConvPath::Pointwise && pointwise_reads_planes(planes));
}

template <class T>
bool conv_weight_reads_planes(const ConvShape& s) {
  ConvShape planes = Crop(s).shape();
  planes.planes = true;
  const ConvPath path = conv_path(planes, ConvDirection::BackwardWeight, sizeof(T));
  return path == ConvPath::Streams || path == ConvPath::Pointwise || path == ConvPath::Images ||
         (path == ConvPath::Columns && columns_read_planes(planes));
}

template <class T>
bool conv_pools(const ConvShape& s) {
  const ConvPath path = conv_path(Crop(s).shape(), ConvDirection::Forward, sizeof(T));
  return path == ConvPath::Direct || path == ConvPath::Dots || path == ConvPath::Winograd2;
}

template <class T>
void conv_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx) {
  if (const Crop crop(s); crop) return conv_backward_input<T>(crop.shape(), dy, crop.weights(w), bias, dx);
  const ConvPath path = conv_path(s, ConvDirection::BackwardInput, sizeof(T));
  if (path == ConvPath::Columns) return columns_backward_input(s, dy, w, bias, dx);
  if (path == ConvPath::Streams) return streams_backward_input(s, dy, w, bias, dx);
  if (path == ConvPath::Images) return images_backward_input(s, dy, w, bias, dx);
  if (path == ConvPath::Direct) return direct_backward_input(s, dy, w, bias, dx);
  if (path == ConvPath::Planes) return planes_backward_input(s, dy, w, bias, dx);
  if constexpr (std::is_same_v<T, float>) {
    if (path == ConvPath::Winograd2) winograd_backward_input(winograd_loops().two, s, dy, w, dx);
    if (path == ConvPath::Winograd4) winograd_backward_input(winograd_loops().four, s, dy, w, dx);
  }
  if (path == ConvPath::Pointwise) pointwise_backward_input(s, dy, w, dx);
  if (path == ConvPath::Depthwise) depthwise_backward_input(s, dy, w, dx);
  if (path == ConvPath::Dots) dots_backward_input(s, dy, w, dx);
  if (path == ConvPath::Spans) spans_backward_input(s, dy, w, dx);
  if (bias) add_to_pixels(s, bias, dx);
}

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  if (s.n == 0 || s.oh == 0 || s.ow == 0) {
    std::fill_n(dw, s.o * s.c_group() * s.kh * s.kw, T(0));
    return;
  }
  if (const Crop crop(s); crop) {
    const Scratch<T> kept(s.o * crop.shape().c_group() * crop.shape().kh * crop.shape().kw);
    conv_backward_weight<T>(crop.shape(), x, dy, kept.data());
    return crop.spread(kept.data(), dw);
  }
  const ConvPath path = conv_path(s, ConvDirection::BackwardWeight, sizeof(T));
  if constexpr (std::is_same_v<T, float>) {
    if (path == ConvPath::Winograd2) return winograd_backward_weight(winograd_loops().two, s, x, dy, dw);
    if (path == ConvPath::Winograd4) return winograd_backward_weight(winograd_loops().four, s, x, dy, dw);
  }
  if (path == ConvPath::Columns) return columns_backward_weight(s, x, dy, dw);
  if (path == ConvPath::Streams) return streams_backward_weight(s, x, dy, dw);
  if (path == ConvPath::Images) return images_backward_weight(s, x, dy, dw);
  if (path == ConvPath::Pointwise) return pointwise_backward_weight(s, x, dy, dw);
  if (path == ConvPath::Depthwise) return depthwise_backward_weight(s, x, dy, dw);
  direct_backward_weight(s, x, dy, dw);
}

template void norm_rows(const ConvEpilogue<float>&, int64_t, int64_t, int64_t, float*);
template void norm_rows(const ConvEpilogue<double>&, int64_t, int64_t, int64_t, double*);
template void conv_forward(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&, float*);
template void conv_forward(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&, double*);
template void norm_and_pool(const ConvEpilogue<float>&, int64_t, int64_t, int64_t, const float*, float*);
template void norm_and_pool(const ConvEpilogue<double>&, int64_t, int64_t, int64_t, const double*, double*);
template bool conv_pools<float>(const ConvShape&);
template bool conv_pools<double>(const ConvShape&);
template bool conv_reads_planes<float>(const ConvShape&);
template bool conv_reads_planes<double>(const ConvShape&);
template bool conv_weight_reads_planes<float>(const ConvShape&);
template bool conv_weight_reads_planes<double>(const ConvShape&);
template void conv_backward_input(const ConvShape&, const float*, const float*, const float*, float*);
template void conv_backward_input(const ConvShape&, const double*, const double*, const double*, double*);
template void conv_backward_weight(const ConvShape&, const float*, const float*, float*);
template void conv_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels
