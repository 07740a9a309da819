// Sorting and what follows from it: median, topk, unique, bincount.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/picked.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// NaN is larger than every number.
template <class T>
bool less(T a, T b) {
  return a < b || (b != b && a == a);
}

/// Positions of the elements of each row (the last dimension of contiguous x) in order. When not stable, equal ones come as
/// std::sort leaves them, which is what PyTorch gives.
Tensor row_order(const Tensor& x, bool descending, bool stable) {
  const int64_t n = x.sizes().back(), rows = n ? x.numel() / n : 0;
  Tensor indices = make_dense(x.sizes(), kInt64);
  std::vector<int64_t> order(static_cast<std::size_t>(n));
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* row = x.data<T>();
    int64_t* out = indices.data<int64_t>();
    for (int64_t r = 0; r < rows; ++r, row += n, out += n) {
      std::iota(order.begin(), order.end(), 0);
      const auto before = [row, descending](int64_t a, int64_t b) { return descending ? less(row[b], row[a]) : less(row[a], row[b]); };
      if (stable) std::stable_sort(order.begin(), order.end(), before);
      else std::sort(order.begin(), order.end(), before);
      std::copy(order.begin(), order.end(), out);
    }
  });
  return indices;
}

/// Positions of the k largest (or smallest) of each row. Which of equals are taken, and in which order, is what PyTorch's choice of
/// the standard library's algorithms makes of it; this is the same choice.
Tensor row_top(const Tensor& x, int64_t k, bool largest, bool sorted) {
  const int64_t n = x.sizes().back(), rows = n ? x.numel() / n : 0;
  Shape shape = x.sizes().shape();
  shape[x.dim() - 1] = k;
  Tensor indices = make_dense(shape, kInt64);
  if (k == 0) return indices;
  std::vector<int64_t> order(static_cast<std::size_t>(n));
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* row = x.data<T>();
    int64_t* out = indices.data<int64_t>();
    for (int64_t r = 0; r < rows; ++r, row += n, out += k) {
      std::iota(order.begin(), order.end(), 0);
      const auto before = [row, largest](int64_t a, int64_t b) { return largest ? less(row[b], row[a]) : less(row[a], row[b]); };
      if (k * 64 <= n) {
        std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
      } else {
        std::nth_element(order.begin(), order.begin() + k - 1, order.end(), before);
        if (sorted) std::sort(order.begin(), order.begin() + k - 1, before);
      }
      std::copy(order.begin(), order.begin() + k, out);
    }
  });
  return indices;
}

/// The positions in order along dim, in x's shape.
Tensor order_along(const Tensor& x, int dim, bool descending, bool stable) {
  NoGradGuard no_grad;
  // Long vectors of integers go through PyTorch's radix sort, which is stable.
  stable = stable || (!descending && x.dim() == 1 && x.numel() >= 32768 && is_integral(x.dtype(), false));
  return row_order(x.movedim({dim}, {-1}).contiguous(), descending, stable).movedim({-1}, {dim}).contiguous();
}

}  // namespace

ValuesIndices picked(const char* name, const Tensor& x, int dim, const Tensor& indices, bool keepdim) {
  Tensor values;
  {
    NoGradGuard no_grad;
    values = gather(x, dim, indices);
  }
  values = record(name, {x}, std::move(values), [sizes = x.sizes().shape(), indices, dim](const Tensor& dy, Grads& grads) {
    grads.add(0, scatter(zeros(sizes, dy.dtype()), dim, indices, dy));
  });
  return keepdim ? ValuesIndices{values, indices} : ValuesIndices{values.squeeze(dim), indices.squeeze(dim)};
}

namespace {

/// What a listener is told: the values, and where they were.
ValuesIndices in_order(const char* name, const ValuesIndices& r, const Tensor& x, int dim, bool largest) {
  const auto attributes = [&] { return Attributes{{"axis", {dim}}, {"largest", {largest}}}; };
  return {composed(name, {x}, r.values, attributes), composed("PlacesInOrder", {x}, r.indices, attributes)};
}

}  // namespace

ValuesIndices sort(const Tensor& x, int64_t dim, bool descending, bool stable) {
  require_defined("sort", x);
  const int d = wrap_dim(dim, x.dim());
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  return in_order("Sort", picked("Sort", x, d, order_along(x, d, descending, stable), true), x, d, descending);
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending, bool stable) {
  require_defined("argsort", x);
  const int d = wrap_dim(dim, x.dim());
  return x.dim() == 0 ? zeros({}, kInt64) : order_along(x, d, descending, stable);
}

ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim, bool largest, bool sorted) {
  require_defined("topk", x);
  const int d = wrap_dim(dim, x.dim());
  check<RuntimeError>(k >= 0 && k <= (x.dim() ? x.sizes()[d] : 1), "selected index k out of range");
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  Tensor indices;
  {
    NoGradGuard no_grad;
    indices = row_top(x.movedim({d}, {-1}).contiguous(), k, largest, sorted).movedim({-1}, {d}).contiguous();
  }
  return in_order("Topk", picked("Topk", x, d, indices, true), x, d, largest);
}

namespace {

/// Along the last dimension of contiguous x: where the lower middle value is; the first NaN where there is one.
Tensor middle(const Tensor& x) {
  const int64_t n = x.sizes().back();
  const Tensor sorted = row_order(x, false, true);
  Tensor at = sorted.select(-1, (n - 1) / 2).contiguous();
  if (!is_floating_point(x.dtype())) return at;
  const Tensor nan = isnan(x);
  return where(any(nan, -1), argmax(nan.to(kUInt8), -1), at);
}

}  // namespace

ValuesIndices median(const Tensor& x, int64_t dim, bool keepdim) {
  require_defined("median", x);
  const int d = wrap_dim(dim, x.dim());
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  check<IndexError>(x.sizes()[d] > 0, "median(): Expected reduction dim {} to have non-zero size.", d);
  Tensor indices;
  {
    NoGradGuard no_grad;
    indices = middle(x.movedim({d}, {-1}).contiguous()).unsqueeze(-1).movedim({-1}, {d}).contiguous();
  }
  return picked("Median", x, d, indices, keepdim);
}

Tensor median(const Tensor& x) {
  require_defined("median", x);
  if (x.numel() == 0)
    return record("Median", {x},
                  full({}, is_floating_point(x.dtype()) ? Scalar(__builtin_nan("")) : Scalar(x.dtype() == kInt64 ? INT64_MIN : 0), x.dtype()),
                  [sizes = x.sizes().shape()](const Tensor& dy, Grads& grads) { grads.add(0, zeros(sizes, dy.dtype())); });
  Tensor y;
  {
    NoGradGuard no_grad;
    const Tensor flat = x.reshape({-1}).contiguous();
    y = flat.index_select(0, middle(flat).reshape({1})).reshape({});
  }
  const Saved output = Saved::output(y);
  return record("Median", {x}, std::move(y), [x = Saved(x), output](const Tensor& dy, Grads& grads) {
    const Tensor mask = where(isnan(output.get()), isnan(x.get()), eq(x.get(), output.get())).to(dy.dtype());
    grads.add(0, mask / mask.sum() * dy);
  });
}

Unique unique(const Tensor& x, bool return_inverse, bool return_counts) {
  require_defined("unique", x);
  NoGradGuard no_grad;
  const Tensor flat = x.detach().reshape({-1}).contiguous();
  const Tensor order = row_order(flat, false, true);
  const Tensor sorted = flat.index_select(0, order).contiguous();
  const int64_t n = flat.numel();
  Tensor inverse = zeros({n}, kInt64);
  std::vector<int64_t> first;
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* v = sorted.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      if (i == 0 || v[i] != v[i - 1]) first.push_back(i);
      inverse.data<int64_t>()[order.data<int64_t>()[i]] = int64_t(first.size()) - 1;
    }
  });
  Tensor starts = make_dense({int64_t(first.size())}, kInt64), counts = make_dense(starts.sizes(), kInt64);
  for (std::size_t i = 0; i < first.size(); ++i) {
    starts.data<int64_t>()[i] = first[i];
    counts.data<int64_t>()[i] = (i + 1 < first.size() ? first[i + 1] : n) - first[i];
  }
  return {sorted.index_select(0, starts), return_inverse ? inverse.reshape(x.sizes()) : Tensor(), return_counts ? counts : Tensor()};
}

Unique unique(const Tensor& x, bool return_inverse, bool return_counts, int64_t at) {
  require_defined("unique", x);
  NoGradGuard no_grad;
  const int dim = wrap_dim(at, x.dim());
  check<IndexError>(x.dim() > 0, "Dimension specified as {} but tensor has no dimensions", at);
  const Tensor front = x.detach().movedim({dim}, {0}).contiguous();
  const int64_t n = front.sizes()[0], width = n ? front.numel() / n : 0;
  check<RuntimeError>(n == 0 || width > 0, "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
  std::vector<int64_t> order(static_cast<std::size_t>(n)), kept;
  std::iota(order.begin(), order.end(), 0);
  Tensor inverse = zeros({n}, kInt64);
  std::vector<int64_t> counts;
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* p = front.data<T>();
    const auto compare = [p, width](int64_t a, int64_t b) {
      return std::lexicographical_compare(p + a * width, p + (a + 1) * width, p + b * width, p + (b + 1) * width);
    };
    std::stable_sort(order.begin(), order.end(), compare);
    for (int64_t i : order) {
      if (kept.empty() || !std::equal(p + i * width, p + (i + 1) * width, p + kept.back() * width)) {
        kept.push_back(i);
        counts.push_back(0);
      }
      ++counts.back();
      inverse.data<int64_t>()[i] = int64_t(kept.size()) - 1;
    }
  });
  const auto as_tensor = [](const std::vector<int64_t>& v) {
    Tensor t = make_dense({int64_t(v.size())}, kInt64);
    std::copy(v.begin(), v.end(), t.data<int64_t>());
    return t;
  };
  return {index_select(x.detach(), dim, as_tensor(kept)), return_inverse ? inverse : Tensor(), return_counts ? as_tensor(counts) : Tensor()};
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  require_defined("bincount", x);
  check<RuntimeError>(minlength >= 0, "minlength should be >= 0");
  check<RuntimeError>(x.dim() == 1 && !is_floating_point(x.dtype()) && x.dtype() != kBool,
                      "bincount only supports 1-d non-negative integral inputs.");
  check<RuntimeError>(!weights.defined() || (weights.dim() == 1 && weights.numel() == x.numel()),
                      "weights should be 1-d and have the same length as input");
  NoGradGuard no_grad;
  const Tensor values = x.to(kInt64).contiguous();
  const int64_t* v = values.data<int64_t>();
  int64_t bins = minlength;
  for (int64_t i = 0; i < values.numel(); ++i) {
    check<RuntimeError>(v[i] >= 0, "bincount only supports 1-d non-negative integral inputs.");
    bins = std::max(bins, v[i] + 1);
  }
  if (!weights.defined() || values.numel() == 0) return zeros({bins}, kInt64).scatter_add_(0, values, ones_like(values));
  const DType dtype = weights.dtype() == kFloat32 ? kFloat32 : kFloat64;
  return zeros({bins}, dtype).scatter_add_(0, values, weights.detach().to(dtype));
}

}  // namespace ember
