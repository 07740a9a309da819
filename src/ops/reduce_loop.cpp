// Bringing any tensor into the (outer, n, inner) form of the reduction loops, and cutting them for threads.
#include <algorithm>

#include "error_format.h"
#include "kernels/kernels.h"
#include "ops/reduced_dims.h"
#include "tensor/impl.h"

namespace ember {

ReducedDims reduced_dims(const Tensor& x, const Dims& dims) {
  ReducedDims reduced;
  if (dims.all()) return {(1u << x.dim()) - 1};
  for (int64_t dim : dims.list()) {
    const int d = wrap_dim(dim, x.dim());
    check<RuntimeError>(!reduced.contains(d) || x.dim() == 0, "dim {} appears multiple times in the list of dims", d);
    if (x.dim() > 0) reduced.mask |= 1u << d;
  }
  if (dims.list().empty()) reduced.mask = (1u << x.dim()) - 1;
  return reduced;
}

Shape reduced_shape(IntArrayRef sizes, ReducedDims dims, bool keepdim) {
  Shape shape;
  for (int d = 0; d < sizes.size(); ++d) {
    if (!dims.contains(d)) shape.push_back(sizes[d]);
    else if (keepdim) shape.push_back(1);
  }
  return shape;
}

int64_t reduced_count(IntArrayRef sizes, ReducedDims dims) {
  int64_t n = 1;
  for (int d = 0; d < sizes.size(); ++d)
    if (dims.contains(d)) n *= sizes[d];
  return n;
}

Tensor spread(const Tensor& y, IntArrayRef sizes, ReducedDims dims) { return y.reshape(reduced_shape(sizes, dims, true)).expand(sizes); }

Tensor as_rows(const Tensor& x, ReducedDims dims) {
  Shape order;
  for (int d = 0; d < x.dim(); ++d)
    if (!dims.contains(d)) order.push_back(d);
  for (int d = 0; d < x.dim(); ++d)
    if (dims.contains(d)) order.push_back(d);
  return x.permute(order).contiguous();
}

namespace {

// Pieces of one long sum: fixed, so that any number of threads adds alike.
constexpr int64_t kChunk = 1 << 15, kFewestRows = 128;

struct Geometry {
  int64_t outer = 1, n = 1, inner = 1;
};

/// Does row-major x reduce over neighbouring dimensions only? Then its sizes merge into three.
bool merge(IntArrayRef sizes, ReducedDims dims, Geometry& g) {
  int stage = 0;  // 0 before, 1 inside, 2 behind the reduced dimensions
  for (int d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 1) continue;
    if (dims.contains(d)) {
      if (stage == 2) return false;
      stage = 1;
      g.n *= sizes[d];
    } else if (stage == 0) {
      g.outer *= sizes[d];
    } else {
      stage = 2;
      g.inner *= sizes[d];
    }
  }
  return true;
}

void run(kernels::ReduceLoop loop, const Geometry& g, const Tensor& x, const Tensor& y) {
  const int64_t x_bytes = item_size(x.dtype()), y_bytes = item_size(y.dtype());
  const kernels::ReduceCall whole{g.outer, g.n, g.inner, g.n * g.inner, g.inner, g.inner, x.data_ptr(), y.data_ptr()};
  kernels::reduce(loop, whole, x_bytes, y_bytes, double(g.outer) * double(g.n) * double(g.inner) / 2, 512);
}

}  // namespace

Tensor reduce(ReduceKind reduction, const Tensor& input, ReducedDims dims, bool keepdim, DType out) {
  const bool narrow = input.dtype() == kUInt8 || input.dtype() == kBool;
  if (narrow && (reduction == ReduceKind::Sum || reduction == ReduceKind::Prod))
    return reduce(reduction, input.to(kInt64), dims, keepdim, kInt64).to(out);
  const Shape shape = reduced_shape(input.sizes(), dims, keepdim);
  const kernels::ReduceLoop loop = kernels::reduce_loops().loops[int(reduction)][int(input.dtype())];
  Tensor y = make_dense(shape, out);
  if (y.numel() == 0) return y;
  const bool is_sum = reduction == ReduceKind::Sum || reduction == ReduceKind::Prod;
  if (input.numel() == 0) return y.fill_(reduction == ReduceKind::Prod ? 1 : 0);

  NoGradGuard no_grad;
  Geometry g;
  Tensor x = input;
  bool merged = x.is_contiguous() && merge(x.sizes(), dims, g);
  if (!merged && is_dense(x) && dims.mask == (1u << x.dim()) - 1 && reduction < ReduceKind::ArgMax) {
    g = {1, x.numel(), 1};  // the order does not matter
    merged = true;
  }
  if (!merged) {
    x = as_rows(x, dims);
    g = {y.numel(), reduced_count(input.sizes(), dims), 1};
  }
  // One long sum of numbers or rows: pieces of a fixed size first, then their sum. (Positions would need more than their piece.)
  const int64_t rows = std::max(kChunk / g.inner, kFewestRows);
  if (g.outer == 1 && is_sum && g.n > 2 * rows) {
    const int64_t pieces = g.n / rows, rest = g.n - pieces * rows, row_bytes = g.inner * item_size(x.dtype());
    Tensor partial = make_dense({pieces + 1, g.inner}, x.dtype());
    run(loop, {pieces, rows, g.inner}, x, partial);
    const char* tail = static_cast<const char*>(x.data_ptr()) + pieces * rows * row_bytes;
    if (rest == 0) partial.narrow(0, pieces, 1).fill_(reduction == ReduceKind::Prod ? 1 : 0);
    else loop({1, rest, g.inner, rest, g.inner, g.inner, tail, static_cast<char*>(partial.data_ptr()) + pieces * row_bytes});
    run(loop, {1, pieces + 1, g.inner}, partial, y);
    return y;
  }
  run(loop, g, x, y);
  return y;
}

}  // namespace ember
