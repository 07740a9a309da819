// Running extremes and running sums of exponentials; the k-th smallest and the most frequent value of each row.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>
#include <ember/ops/statistics.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/picked.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

template <class T>
bool nan(T v) {
  return v != v;
}

/// x with `dim` last, row-major.
Tensor rows_of(const Tensor& x, int dim) { return x.detach().movedim({dim}, {-1}).contiguous(); }
Tensor back_to(const Tensor& rows, int dim) { return rows.movedim({-1}, {dim}).contiguous(); }

/// body(row, n, out) for each row of `x` and of an int64 tensor with `width` numbers for each.
template <class Body>
Tensor indices_of_rows(const Tensor& x, int64_t width, Body&& body) {
  const int64_t n = x.sizes().back(), rows = n ? x.numel() / n : 0;
  Shape sizes = x.sizes().shape();
  sizes[x.dim() - 1] = width;
  const Tensor indices = make_dense(sizes, kInt64);
  with_type(x.dtype(), [&]<class T>(T) {
    for (int64_t r = 0; r < rows; ++r) body(x.data<T>() + r * n, n, indices.data<int64_t>() + r * width);
  });
  return indices;
}

template <class Before>
ValuesIndices running_extreme(const char* name, const Tensor& x, int64_t at, Before before) {
  const int dim = wrap_dim(at, x.dim());
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  if (x.numel() == 0) return {x.clone(), zeros(x.sizes(), kInt64)};
  const Tensor indices = indices_of_rows(rows_of(x, dim), x.sizes()[dim], [&](const auto* row, int64_t n, int64_t* out) {
    for (int64_t i = 0, best = 0; i < n; ++i) {
      if (nan(row[i]) || (!nan(row[best]) && before(row[i], row[best]))) best = i;
      out[i] = best;
    }
  });
  const Tensor places = back_to(indices, dim);
  Tensor values;
  {
    const NoGradGuard no_grad;
    values = gather(x.detach(), dim, places);
  }
  // One element may be the largest of many: its gradients are summed.
  return {record(name, {x}, std::move(values),
                 [sizes = x.sizes().shape(), places, dim](const Tensor& dy, Grads& grads) {
                   grads.add(0, scatter_add(zeros(sizes, dy.dtype()), dim, places, dy));
                 }),
          places};
}

}  // namespace

ValuesIndices cummax(const Tensor& x, int64_t dim) {
  require_defined("cummax", x);
  return running_extreme("Cummax", x, dim, [](auto a, auto b) { return a >= b; });
}
ValuesIndices cummin(const Tensor& x, int64_t dim) {
  require_defined("cummin", x);
  return running_extreme("Cummin", x, dim, [](auto a, auto b) { return a <= b; });
}

Tensor logcumsumexp(const Tensor& x, int64_t at) {
  require_defined("logcumsumexp", x);
  const int dim = wrap_dim(at, x.dim());
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"logcumsumexp_out_cpu\" not implemented for '{}'", scalar_type_name(x.dtype()));
  if (x.dim() == 0 || x.numel() == 0) return x.clone();
  const Tensor rows = rows_of(x, dim);
  const int64_t n = rows.sizes().back();
  Tensor y = make_dense(rows.sizes(), rows.dtype());
  with_real(rows.dtype(), [&]<class T>(T) {
    for (int64_t i = 0; i < rows.numel(); ++i) {
      T& out = y.data<T>()[i];
      const T v = rows.data<T>()[i];
      out = v;
      if (i % n == 0) continue;
      const T before = (&out)[-1];
      const T low = nan(v) || nan(before) ? v + before : std::min(v, before), high = nan(v) || nan(before) ? v + before : std::max(v, before);
      out = low != high || std::isfinite(low) ? high + std::log1p(std::exp(low - high)) : high;
    }
  });
  y = back_to(y, dim);
  const Saved output = Saved::output(y);
  note("Logcumsumexp", [&] { return Attributes{{"axis", {dim}}}; });
  return record("Logcumsumexp", {x}, std::move(y), [x = Saved(x), output, dim](const Tensor& dy, Grads& grads) {
    if (grads.create_graph())
      return grads.replay(dy, {x.get()}, [dim](const std::vector<Tensor>& in) {
        const Tensor top = amax(in[0].detach(), dim, true);
        return log(cumsum(exp(in[0] - top), dim)) + top;
      });
    // dx_i = e^x_i times the sum over j >= i of dy_j e^-y_j, whose positive and negative parts stay logarithms
    const Tensor y = output.get();
    const auto part = [&](const Tensor& share) { return exp(flip(logcumsumexp(flip(log(share) - y, dim), dim), dim) + x.get()); };
    grads.add(0, part(clamp_min(dy, 0)) - part(clamp_min(-dy, 0)));
  });
}

namespace {

/// Which element has k smaller ones. Hoare's selection with the middle of three as pivot: among equals its swaps decide, and PyTorch does the same.
template <class T>
int64_t selected(std::vector<std::pair<T, int64_t>>& v, int64_t k) {
  const auto above = [](const auto& a, const auto& b) { return (nan(a.first) && !nan(b.first)) || a.first > b.first; };
  const auto order = [&](int64_t a, int64_t b) {
    if (above(v[std::size_t(a)], v[std::size_t(b)])) std::swap(v[std::size_t(a)], v[std::size_t(b)]);
  };
  for (int64_t low = 0, high = int64_t(v.size()) - 1; high > low;) {
    if (high == low + 1) {
      order(low, high);
      break;
    }
    std::swap(v[std::size_t(low + (high - low) / 2)], v[std::size_t(low + 1)]);
    order(low + 1, high);
    order(low, high);
    order(low + 1, low);
    const auto pivot = v[std::size_t(low)];
    int64_t i = low + 1, j = high;
    while (true) {
      do ++i;
      while (above(pivot, v[std::size_t(i)]));
      do --j;
      while (above(v[std::size_t(j)], pivot));
      if (j < i) break;
      std::swap(v[std::size_t(i)], v[std::size_t(j)]);
    }
    std::swap(v[std::size_t(low)], v[std::size_t(j)]);
    if (j <= k) low = i;
    if (j >= k) high = j - 1;
  }
  return v[std::size_t(k)].second;
}

}  // namespace

ValuesIndices kthvalue(const Tensor& x, int64_t k, int64_t at, bool keepdim) {
  require_defined("kthvalue", x);
  const int dim = wrap_dim(at, x.dim());
  check<RuntimeError>(k >= 1 && k <= (x.dim() ? x.sizes()[dim] : 1), "kthvalue(): selected number k out of range for dimension {}", dim);
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  const Tensor indices = indices_of_rows(rows_of(x, dim), 1, [&]<class T>(const T* row, int64_t n, int64_t* out) {
    std::vector<std::pair<T, int64_t>> pairs;
    for (int64_t i = 0; i < n; ++i) pairs.push_back({row[i], i});
    *out = selected(pairs, k - 1);
  });
  return picked("Kthvalue", x, dim, back_to(indices, dim), keepdim);
}

ValuesIndices mode(const Tensor& x, int64_t at, bool keepdim) {
  require_defined("mode", x);
  const int dim = wrap_dim(at, x.dim());
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  check<IndexError>(x.sizes()[dim] > 0, "mode(): Expected reduction dim {} to have non-zero size.", dim);
  const Tensor indices = indices_of_rows(rows_of(x, dim), 1, [&]<class T>(const T* row, int64_t n, int64_t* out) {
    std::vector<std::pair<T, int64_t>> pairs;
    for (int64_t i = 0; i < n; ++i) pairs.push_back({row[i], i});
    // Which of equals comes last is what this algorithm makes of it, as in PyTorch.
    std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return (!nan(a.first) && nan(b.first)) || a.first < b.first; });
    int64_t most = 0, run = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      run = i > 0 && (pairs[i].first == pairs[i - 1].first || (nan(pairs[i].first) && nan(pairs[i - 1].first))) ? run + 1 : 1;
      if (run > most) most = run, *out = pairs[i].second;
    }
  });
  return picked("Mode", x, dim, back_to(indices, dim), keepdim);
}

ValuesIndices nanmedian(const Tensor& x, int64_t at, bool keepdim) {
  require_defined("nanmedian", x);
  const int dim = wrap_dim(at, x.dim());
  if (x.dim() == 0) return {x.clone(), zeros({}, kInt64)};
  check<IndexError>(x.sizes()[dim] > 0, "median(): Expected reduction dim {} to have non-zero size.", dim);
  std::vector<int64_t> order;
  const Tensor indices = indices_of_rows(rows_of(x, dim), 1, [&](const auto* row, int64_t n, int64_t* out) {
    order.clear();
    for (int64_t i = 0; i < n; ++i)
      if (!nan(row[i])) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [row](int64_t a, int64_t b) { return row[a] < row[b]; });
    *out = order.empty() ? 0 : order[(order.size() - 1) / 2];
  });
  return picked("Nanmedian", x, dim, back_to(indices, dim), keepdim);
}

Tensor nanmedian(const Tensor& x) {
  require_defined("nanmedian", x);
  if (x.numel() == 0 || !is_floating_point(x.dtype())) return median(x);
  Tensor y;
  {
    const NoGradGuard no_grad;
    y = nanmedian(x.detach().reshape({-1}), 0).values;
  }
  const Saved output = Saved::output(y);
  return record("Nanmedian", {x}, std::move(y), [x = Saved(x), output](const Tensor& dy, Grads& grads) {
    const Tensor mask = where(isnan(output.get()), isnan(x.get()), eq(x.get(), output.get())).to(dy.dtype());
    grads.add(0, mask / mask.sum() * dy);
  });
}

}  // namespace ember
