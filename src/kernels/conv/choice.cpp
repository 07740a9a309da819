#include "kernels/conv/choice.h"

#include <algorithm>

#include "kernels/conv/winograd.h"
#include "kernels/kernels.h"

namespace ember::kernels {

std::atomic<ConvWish> conv_wish = ConvWish::Auto;

const char* name(ConvPath path) {
  switch (path) {
    case ConvPath::Direct: return "direct";
    case ConvPath::Pointwise: return "pointwise";
    case ConvPath::Depthwise: return "depthwise";
    case ConvPath::Dots: return "dots";
    case ConvPath::Spans: return "spans";
    case ConvPath::Winograd2: return "winograd 2x2";
    case ConvPath::Winograd4: return "winograd 4x4";
  }
  return "";
}

namespace {

bool is_pointwise(const ConvShape& s) { return s.kh == 1 && s.kw == 1 && s.padding[0] == 0 && s.padding[1] == 0 && s.groups == 1; }

bool can_winograd(const ConvShape& s, int bytes) {
  const auto plain = [&](int i) { return s.stride[i] == 1 && s.dilation[i] == 1 && s.padding[i] <= 2; };
  return bytes == 4 && s.groups == 1 && s.kh == 3 && s.kw == 3 && plain(0) && plain(1);
}

double whole_vectors(int64_t n, int bytes = 4) {
  const int64_t lanes = bytes == 4 ? gemm_loops<float>().lanes : gemm_loops<double>().lanes;
  return double((n + lanes - 1) / lanes * lanes);
}

// Costs in multiply-adds of the register tiles. A transformed number costs about as much as kTransform of them, made or consumed.
constexpr double kTransform = 6;

double direct_cost(const ConvShape& s) { return double(s.n * s.oh * s.ow) * 9 * double(s.c) * whole_vectors(s.o); }

/// Are so few outputs better summed along the inputs? One of both wastes lanes; adding a vector up costs about as much as six products.
bool suits_dots(const ConvShape& s, ConvDirection direction, int bytes) {
  const bool forward = direction == ConvDirection::Forward;
  const int64_t inputs = forward ? s.c : s.o, outputs = forward ? s.o : s.c;
  if (direction == ConvDirection::BackwardWeight || s.groups > 1 || s.dilation[1] > 1 || outputs > kMostDotOutputs) return false;
  if (!forward && (s.stride[0] > 1 || s.stride[1] > 1 || s.dilation[0] > 1)) return false;
  const double rows = double(s.kh), dots = double(outputs) * (rows * whole_vectors(s.kw * inputs, bytes) + 6 * whole_vectors(1, bytes));
  return dots * 1.25 < rows * double(s.kw * inputs) * whole_vectors(outputs, bytes);
}

/// Are the channels of dx so few that spans of them, of all taps in a row, fill the vectors better? Many images are one product then.
bool suits_spans(const ConvShape& s, ConvDirection direction, int bytes) {
  if (direction != ConvDirection::BackwardInput || s.groups > 1 || s.n < 8) return false;
  if (s.stride[0] > 1 || s.stride[1] > 1 || s.dilation[0] > 1 || s.dilation[1] > 1) return false;
  const double rows = double(s.kh * s.oh) * double(s.w);  // of taps that meet dy, over all pixels of a row of dx
  const double direct = rows * double(s.kw * s.o) * whole_vectors(s.c, bytes);
  const double dots = double(s.c) * (rows * whole_vectors(s.kw * s.o, bytes) + 6 * double(s.h * s.w) * whole_vectors(1, bytes));
  const double spans = double(s.kh * s.oh) * double(s.ow * s.o) * whole_vectors(s.kw * s.c, bytes);
  return spans * 1.5 < (s.c <= kMostDotOutputs ? std::min(direct, dots) : direct);
}

double winograd_cost(const WinogradFamily& f, const ConvShape& s) {
  const double elements = (f.outputs + 2) * (f.outputs + 2), tiles = double(winograd_tiles(f, s));
  const double products = double(s.c) * whole_vectors(s.o);
  return elements * (tiles * products + kTransform * (tiles * (whole_vectors(s.c) + whole_vectors(s.o)) + products));
}

}  // namespace

ConvPath conv_path(const ConvShape& s, ConvDirection direction, int bytes) {
  if (is_pointwise(s)) return ConvPath::Pointwise;
  if (s.groups > 1 && s.groups == s.c) return ConvPath::Depthwise;
  const bool winograd = can_winograd(s, bytes);
  if (winograd && conv_wish == ConvWish::Winograd2) return ConvPath::Winograd2;
  if (winograd && conv_wish == ConvWish::Winograd4) return ConvPath::Winograd4;
  if (suits_spans(s, direction, bytes)) return ConvPath::Spans;
  if (suits_dots(s, direction, bytes)) return ConvPath::Dots;
  // Fewer channels than 12 fill no vectors, and the transforms cost more than they save.
  if (!winograd || conv_wish == ConvWish::Direct || s.c < 12 || s.o < 12) return ConvPath::Direct;
  return winograd_cost(winograd_loops().two, s) < direct_cost(s) ? ConvPath::Winograd2 : ConvPath::Direct;
}

}  // namespace ember::kernels
