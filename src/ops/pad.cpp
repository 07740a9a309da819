// Padding in its four modes; patches as columns and back.
#include <ember/autograd.h>
#include <ember/ops/conv.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

#include <string_view>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/window_sizes.h"
#include "sizes.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

const char* word(PadMode mode) {
  return mode == PadMode::Reflect ? "reflect" : mode == PadMode::Replicate ? "replicate" : mode == PadMode::Circular ? "circular" : "constant";
}

Tensor pad_constant(const Tensor& x, IntArrayRef pad, double value) {
  const int dims = pad.size() / 2;
  Shape sizes = x.sizes().shape();
  Tensor inside = x;
  for (int i = 0; i < dims; ++i) {
    const int d = x.dim() - 1 - i;
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    sizes[d] += before + after;
    check<RuntimeError>(sizes[d] >= 0,
                        "The input size {}, plus negative padding {} and {} resulted in a negative output size, which is invalid. "
                        "Check dimension {} of your input.",
                        x.sizes()[d], before, after, d);
    if (before < 0) inside = inside.narrow(d, -before, inside.sizes()[d] + before);
    if (after < 0) inside = inside.narrow(d, 0, inside.sizes()[d] + after);
  }
  Tensor y = x.is_contiguous(MemoryFormat::ChannelsLast) && !x.is_contiguous() && x.dim() == 4
                 ? empty_strided(sizes, channels_last_strides(sizes), x.dtype())
                 : make_dense(sizes, x.dtype());
  {
    NoGradGuard no_grad;
    y.fill_(value);
    Tensor middle = y;
    for (int i = 0; i < dims; ++i) {
      const int d = x.dim() - 1 - i;
      middle = middle.narrow(d, pad[2 * i] > 0 ? pad[2 * i] : 0, inside.sizes()[d]);
    }
    middle.copy_(inside.detach());
  }
  note("ConstantPadNd", [&] { return Attributes{{"pads", {pad.begin(), pad.end()}}, {"value", {}, {value}}}; });
  return record("ConstantPadNd", {x}, std::move(y), [opposite = [&] {
                  Shape negative = pad.shape();
                  for (int64_t& p : negative) p = -p;
                  return negative;
                }()](const Tensor& dy, Grads& grads) { grads.add(0, pad_constant(dy, opposite, 0)); });
}

/// The element at i of what remains after negative padding, repeated round and round.
int64_t wrapped(int64_t i, int64_t size, int64_t before, int64_t after) {
  const int64_t cut = before < 0 ? -before : 0, kept = size - cut - (after < 0 ? -after : 0);
  return ((i - before - cut) % kept + kept) % kept + cut;
}

/// Which input element each output element along one dimension is.
Tensor source_positions(int64_t size, int64_t before, int64_t after, PadMode mode) {
  Tensor positions = make_dense({size + before + after}, kInt64);
  for (int64_t i = 0; i < positions.numel(); ++i) {
    int64_t at = i - before;
    if (mode == PadMode::Replicate) at = at < 0 ? 0 : at >= size ? size - 1 : at;
    else if (mode == PadMode::Reflect) at = at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
    else at = wrapped(i, size, before, after);
    positions.data<int64_t>()[i] = at;
  }
  return positions;
}

}  // namespace

Tensor pad(const Tensor& x, IntArrayRef pad, PadMode mode, double value) {
  require_defined("pad", x);
  check<RuntimeError>(pad.size() % 2 == 0, "Padding length must be divisible by 2");
  check<RuntimeError>(
      pad.size() <= 2 * x.dim(),
      "Padding length should be less than or equal to two times the input dimension but got padding length {} and input of dimension {}", pad.size(),
      x.dim());
  for (int64_t p : pad)
    check<RuntimeError>(p > -kMostElements && p < kMostElements, "pad: expected numbers of elements that fit into memory, got {}", pad);
  if (mode == PadMode::Constant) return pad_constant(x, pad, value);
  const int dims = pad.size() / 2;
  check<NotImplementedError>(dims > 0 && (x.dim() == dims + 1 || x.dim() == dims + 2),
                             "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now");
  Tensor y = x;
  for (int i = 0; i < dims; ++i) {
    const int d = x.dim() - 1 - i;
    const int64_t size = x.sizes()[d], before = pad[2 * i], after = pad[2 * i + 1];
    if (mode == PadMode::Reflect)
      check<RuntimeError>(
          before < size && after < size,
          "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding ({}, {}) at dimension {} of input {}",
          before, after, d, x.sizes());
    if (mode == PadMode::Circular) check<RuntimeError>(before <= size && after <= size, "Padding value causes wrapping around more than once.");
    check<RuntimeError>(size + before + after > 0 && size > 0, "[pad {}] expected a positive output size, got input {} with padding ({}, {})",
                        word(mode), x.sizes(), before, after);
    if (before == 0 && after == 0) continue;
    y = index_select(y, d, source_positions(size, before, after, mode));
  }
  return y.is_same(x) ? x.clone() : y;
}

Tensor pad(const Tensor& x, IntArrayRef pad, const char* mode, double value) {
  require_defined("pad", x);
  for (PadMode known : {PadMode::Constant, PadMode::Reflect, PadMode::Replicate, PadMode::Circular})
    if (std::string_view(mode) == word(known)) return ember::pad(x, pad, known, value);
  fail<NotImplementedError>("Unrecognised padding mode {}\npad: expected \"constant\", \"reflect\", \"replicate\" or \"circular\"", mode);
}

namespace {

/// im2col as an index: which element of a padded plane, flattened to Hp Wp, entry (ky, kx; patch) of the columns shows.
Tensor patch_positions(int64_t padded_width, const int64_t (&kernel)[2], const int64_t (&count)[2], const UnfoldOptions& o) {
  Tensor at = make_dense({kernel[0] * kernel[1] * count[0] * count[1]}, kInt64);
  int64_t* p = at.data<int64_t>();
  for (int64_t ky = 0; ky < kernel[0]; ++ky)
    for (int64_t kx = 0; kx < kernel[1]; ++kx)
      for (int64_t oy = 0; oy < count[0]; ++oy)
        for (int64_t ox = 0; ox < count[1]; ++ox)
          *p++ = (oy * o.stride[0] + ky * o.dilation[0]) * padded_width + ox * o.stride[1] + kx * o.dilation[1];
  return at;
}

struct Patches {
  int64_t kernel[2], count[2];
};

Patches patches_of(int64_t h, int64_t w, ExpandingArray<2> kernel, const UnfoldOptions& o) {
  Patches p;
  const int64_t sizes[2] = {h, w};
  for (int i = 0; i < 2; ++i) {
    check<RuntimeError>(kernel[i] > 0, "kernel size should be greater than zero, but got kernel_height: {} kernel_width: {}", kernel[0], kernel[1]);
    check<RuntimeError>(o.stride[i] > 0, "stride should be greater than zero, but got stride_height: {} stride_width: {}", o.stride[0], o.stride[1]);
    check<RuntimeError>(o.dilation[i] > 0, "dilation should be greater than zero, but got dilation_height: {} dilation_width: {}", o.dilation[0],
                        o.dilation[1]);
    p.kernel[i] = kernel[i];
    check<RuntimeError>(o.padding[i] >= 0 && o.padding[i] < kMostElements,
                        "padding should be non-negative, and small enough for memory, but got padding_height: {} padding_width: {}", o.padding[0],
                        o.padding[1]);
    check<RuntimeError>(sizes[i] >= 0 && sizes[i] < kMostElements, "expected a spatial size that fits into memory, but got ({}, {})", h, w);
    const int64_t room = saturated(2, o.padding[i], sizes[i]), reach = window_reach(kernel[i], o.dilation[i]);
    p.count[i] = room < reach ? 0 : (room - reach) / o.stride[i] + 1;
  }
  check<RuntimeError>(p.count[0] > 0 && p.count[1] > 0,
                      "Given input with spatial size ({}, {}), kernel_size=({}, {}), dilation=({}, {}), padding=({}, {}), calculated shape of the "
                      "array of sliding blocks as ({}, {}), but its components must be at least one.",
                      h, w, kernel[0], kernel[1], o.dilation[0], o.dilation[1], o.padding[0], o.padding[1], p.count[0], p.count[1]);
  return p;
}

}  // namespace

Tensor unfold(const Tensor& x, ExpandingArray<2> kernel_size, UnfoldOptions o) {
  require_defined("unfold", x);
  check<RuntimeError>(x.dim() == 3 || x.dim() == 4,
                      "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {}",
                      x.sizes());
  if (x.dim() == 3) return unfold(x.unsqueeze(0), kernel_size, o).squeeze(0);
  const Patches p = patches_of(x.size(2), x.size(3), kernel_size, o);
  const Tensor padded = pad(x, {o.padding[1], o.padding[1], o.padding[0], o.padding[0]});
  const Tensor at = patch_positions(padded.size(3), p.kernel, p.count, o);
  return index_select(padded.flatten(2), 2, at).reshape({x.size(0), x.size(1) * p.kernel[0] * p.kernel[1], p.count[0] * p.count[1]});
}

Tensor fold(const Tensor& x, ExpandingArray<2> output_size, ExpandingArray<2> kernel_size, UnfoldOptions o) {
  require_defined("fold", x);
  check<RuntimeError>(x.dim() == 2 || x.dim() == 3,
                      "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {}",
                      x.sizes());
  if (x.dim() == 2) return fold(x.unsqueeze(0), output_size, kernel_size, o).squeeze(0);
  const Patches p = patches_of(output_size[0], output_size[1], kernel_size, o);
  const int64_t taps = p.kernel[0] * p.kernel[1], blocks = p.count[0] * p.count[1];
  check<RuntimeError>(
      x.size(1) % taps == 0,
      "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={} and kernel_size=({}, {}).",
      x.size(1), kernel_size[0], kernel_size[1]);
  check<RuntimeError>(x.size(2) == blocks,
                      "Given output_size=({}, {}), kernel_size=({}, {}), dilation=({}, {}), padding=({}, {}), stride=({}, {}), expected size of "
                      "input's dimension 2 to match the calculated number of sliding blocks {} * {} = {}, but got input.size(2)={}.",
                      output_size[0], output_size[1], kernel_size[0], kernel_size[1], o.dilation[0], o.dilation[1], o.padding[0], o.padding[1],
                      o.stride[0], o.stride[1], p.count[0], p.count[1], blocks, x.size(2));
  check_storable({x.size(0), x.size(1) / taps, output_size[0] + 2 * o.padding[0], output_size[1] + 2 * o.padding[1]});
  const int64_t channels = x.size(1) / taps, h = output_size[0] + 2 * o.padding[0], w = output_size[1] + 2 * o.padding[1];
  const Tensor at = patch_positions(w, p.kernel, p.count, o);
  const Tensor sums = index_add(zeros({x.size(0), channels, h * w}, x.dtype()), 2, at, x.reshape({x.size(0), channels, taps * blocks}));
  return sums.reshape({x.size(0), channels, h, w}).narrow(2, o.padding[0], output_size[0]).narrow(3, o.padding[1], output_size[1]);
}

}  // namespace ember
