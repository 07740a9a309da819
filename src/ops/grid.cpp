// Sampling at places that are real numbers: whole places around each one, gathered and weighted. Gradients of values and of places follow
// from the parts.
#include <ember/ops/grid.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/linalg.h>
#include <ember/ops/shape.h>

#include <string_view>

#include "autograd/recorder.h"
#include "error_format.h"
#include "tensor/defined.h"

namespace ember {
namespace {

enum class Outside { Zeros, Border, Reflection };

/// -1 .. 1 as positions 0 .. size - 1.
Tensor positions(const Tensor& place, int64_t size, bool align_corners) {
  if (align_corners) return (place + 1) * (double(size - 1) / 2);
  return ((place + 1) * double(size) - 1) / 2;
}

/// The nearest position inside; the gradient is 0 at the ends, too.
Tensor clipped(const Tensor& at, int64_t size) {
  const double last = double(size - 1);
  return where(gt(at, 0), where(ge(at, last), last, at), 0);  // NaN is at the first one
}

Tensor reflected(const Tensor& at, int64_t size, bool align_corners) {
  const double low = align_corners ? 0 : -0.5, span = align_corners ? double(size - 1) : double(size);
  if (span <= 0) return zeros_like(at.detach());
  const Tensor distance = abs(at - low), beyond = fmod(distance, span);
  const Tensor even = eq(remainder(floor(distance.detach() / span), 2), 0);
  return where(even, beyond + low, span - beyond + low);
}

Tensor brought_inside(const Tensor& at, int64_t size, Outside outside, bool align_corners) {
  if (outside == Outside::Border) return clipped(at, size);
  if (outside == Outside::Reflection) return clipped(reflected(at, size, align_corners), size);
  return at;
}

/// Whole positions along one axis (N, places) and their weights.
struct Tap {
  Tensor index, weight;
};

/// The values of x (N, C, pixels) where `taps` say, one for each axis from the first to the last; 0 outside.
Tensor values_at(const Tensor& pixels, IntArrayRef sizes, const std::vector<Tap>& taps) {
  Tensor at, inside, weight;
  for (std::size_t a = 0; a < taps.size(); ++a) {
    const int64_t size = sizes[int(a)];
    const Tensor valid = ge(taps[a].index, 0) & lt(taps[a].index, double(size));
    const Tensor place = where(valid, taps[a].index, 0).to(kInt64);
    at = at.defined() ? at * size + place : place;
    inside = inside.defined() ? inside & valid : valid;
    weight = weight.defined() ? weight * taps[a].weight : taps[a].weight;
  }
  const Tensor values = gather(pixels, 2, at.unsqueeze(1).expand({pixels.size(0), pixels.size(1), at.size(1)}));
  return where(inside.unsqueeze(1), values, 0) * weight.unsqueeze(1);
}

/// The sum over one tap of each axis.
Tensor sum_of_taps(const Tensor& pixels, IntArrayRef sizes, const std::vector<std::vector<Tap>>& axes) {
  Tensor sum;
  std::vector<std::size_t> chosen(axes.size(), 0);
  for (bool more = true; more;) {
    std::vector<Tap> taps;
    for (std::size_t a = 0; a < axes.size(); ++a) taps.push_back(axes[a][chosen[a]]);
    const Tensor part = values_at(pixels, sizes, taps);
    sum = sum.defined() ? sum + part : part;
    more = false;
    for (std::size_t a = axes.size(); a-- > 0 && !more;) {
      more = ++chosen[a] < axes[a].size();
      if (!more) chosen[a] = 0;
    }
  }
  return sum;
}

/// The place that was taken does not move with the coordinate: the gradient is 0.
std::vector<Tap> nearest_tap(const Tensor& at) {
  const Tensor one = record("GridSampler2D", {at}, ones_like(at.detach()), [](const Tensor& dy, Grads& grads) { grads.add(0, zeros_like(dy)); });
  return {{round(at.detach()), one}};
}

std::vector<Tap> linear_taps(const Tensor& at) {
  const Tensor low = floor(at.detach()), share = at - low;
  return {{low, 1 - share}, {low + 1, share}};
}

/// Keys 1981 with a = -0.75; each of the four places is brought inside by itself.
std::vector<Tap> cubic_taps(const Tensor& at, int64_t size, Outside outside, bool align_corners) {
  constexpr double a = -0.75;
  const auto near = [](const Tensor& t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
  const auto far = [](const Tensor& t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
  const Tensor low = floor(at.detach()), t = at - low;
  const Tensor weights[4] = {far(t + 1), near(t), near(1 - t), far(2 - t)};
  std::vector<Tap> taps;
  for (int k = 0; k < 4; ++k) taps.push_back({brought_inside(low + (k - 1), size, outside, align_corners), weights[k]});
  return taps;
}

void check_grid(const Tensor& x, const Tensor& grid, bool cubic) {
  check<RuntimeError>(x.dtype() == grid.dtype() && is_floating_point(x.dtype()),
                      "grid_sampler(): expected input and grid to have same dtype, but input has {} and grid has {}", name(x.dtype()),
                      name(grid.dtype()));
  check<RuntimeError>(
      (x.dim() == 4 || x.dim() == 5) && x.dim() == grid.dim(),
      "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes {} and grid with sizes {}",
      x.sizes(), grid.sizes());
  check<RuntimeError>(x.size(0) == grid.size(0),
                      "grid_sampler(): expected grid and input to have same batch size, but got input with sizes {} and grid with sizes {}",
                      x.sizes(), grid.sizes());
  check<RuntimeError>(grid.size(-1) == x.dim() - 2, "grid_sampler(): expected grid to have size {} in last dimension, but got grid with sizes {}",
                      x.dim() - 2, grid.sizes());
  for (int d = 2; d < x.dim(); ++d)
    check<RuntimeError>(x.sizes()[d] > 0,
                        "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {} with dimension {} being empty",
                        x.sizes(), d);
  check<RuntimeError>(!cubic || x.dim() == 4, "grid_sampler(): bicubic interpolation only supports 4D input");
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& o) {
  require_defined("grid_sample", x, grid);
  const std::string_view mode = o.mode, padding = o.padding_mode;
  check<ValueError>(mode == "bilinear" || mode == "nearest" || mode == "bicubic",
                    "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{}'", mode);
  check<ValueError>(padding == "zeros" || padding == "border" || padding == "reflection",
                    "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{}'", padding);
  check_grid(x, grid, mode == "bicubic");
  const Outside outside = padding == "zeros" ? Outside::Zeros : padding == "border" ? Outside::Border : Outside::Reflection;
  const int spatial = x.dim() - 2;
  const IntArrayRef sizes(x.sizes().data() + 2, std::size_t(spatial));
  Shape result{x.size(0), x.size(1)};
  int64_t places = 1;
  for (int d = 1; d <= spatial; ++d) result.push_back(grid.sizes()[d]), places *= grid.sizes()[d];
  std::vector<std::vector<Tap>> axes;
  for (int a = 0; a < spatial; ++a) {  // the last axis comes first in the grid
    const Tensor at = positions(grid.select(-1, spatial - 1 - a).reshape({x.size(0), places}), sizes[a], o.align_corners);
    if (mode == "bicubic") axes.push_back(cubic_taps(at, sizes[a], outside, o.align_corners));
    else if (mode == "nearest") axes.push_back(nearest_tap(brought_inside(at, sizes[a], outside, o.align_corners)));
    else axes.push_back(linear_taps(brought_inside(at, sizes[a], outside, o.align_corners)));
  }
  return composed("GridSampler2D", {x, grid}, sum_of_taps(x.flatten(2), sizes, axes).reshape(result), [&] {
    return Attributes{{"mode",
                       {mode == "bilinear"  ? 0
                        : mode == "nearest" ? 1
                                            : 2}},
                      {"padding", {int(outside)}},
                      {"align_corners", {o.align_corners}}};
  });
}

Tensor affine_grid(const Tensor& theta, IntArrayRef size, bool align_corners) {
  require_defined("affine_grid", theta);
  check<ValueError>(is_floating_point(theta.dtype()), "Expected theta to have floating point type, but got {}", name(theta.dtype()));
  check<NotImplementedError>(size.size() == 4 || size.size() == 5,
                             "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size torch.Size({}).",
                             size);
  const int spatial = size.size() - 2;
  check<ValueError>(theta.dim() == 3 && theta.size(1) == spatial && theta.size(2) == spatial + 1,
                    "Expected a batch of {}D affine matrices of shape Nx{}x{} for size torch.Size({}). Got {}.", spatial, spatial, spatial + 1, size,
                    theta.sizes());
  for (int64_t one : size) check<ValueError>(one > 0, "Expected non-zero, positive output size. Got torch.Size({})", size);
  check<RuntimeError>(theta.size(0) == size[0], "Expected a batch of {} affine matrices, but got theta of size {}", size[0], theta.sizes());
  const IntArrayRef room(size.data() + 2, std::size_t(spatial));
  std::vector<Tensor> columns;
  for (int a = spatial; a-- > 0;) {
    Shape along = Shape::filled(spatial, 1);
    along[a] = room[a];
    Tensor line = room[a] > 1 ? linspace(-1, 1, room[a], {.dtype = theta.dtype()}) : zeros({1}, theta.dtype());
    if (!align_corners) line = line * (double(room[a] - 1) / double(room[a]));
    columns.push_back(line.reshape(along).expand(room).reshape({-1}));
  }
  columns.push_back(ones({columns[0].numel()}, theta.dtype()));
  const Tensor base = stack(columns, 1);
  Shape result{size[0]};
  for (int64_t n : room) result.push_back(n);
  result.push_back(spatial);
  return matmul(base, theta.mT()).reshape(result);
}

Tensor channel_shuffle(const Tensor& x, int64_t groups) {
  require_defined("channel_shuffle", x);
  check<RuntimeError>(x.dim() > 2, "channel_shuffle expects input with > 2 dims, but got input with sizes {}", x.sizes());
  check<RuntimeError>(groups > 0, "Number of groups to divide channels in must be positive. Value of groups:{}", groups);
  check<RuntimeError>(x.size(1) % groups == 0, "Number of channels must be divisible by groups. Got {} channels and {} groups.", x.size(1), groups);
  return x.unflatten(1, {groups, x.size(1) / groups}).transpose(1, 2).flatten(1, 2);
}

}  // namespace ember
