// Where values stand among others: sorted sequences, sets, runs of equals. No gradients.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/pick.h>
#include <ember/ops/shape.h>

#include <algorithm>

#include "error_format.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// The first position whose element is not below the value, or with `right` above it. A NaN stands behind all numbers.
template <class T>
int64_t position_of(const T* row, int64_t n, T value, bool right) {
  int64_t begin = 0, end = n;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    if (right ? !(row[middle] > value) : !(row[middle] >= value)) begin = middle + 1;
    else end = middle;
  }
  return begin;
}

}  // namespace

Tensor searchsorted(const Tensor& sequence, const Tensor& values, const SearchOptions& o) {
  require_defined("searchsorted", sequence, values);
  check<RuntimeError>(sequence.dim() > 0 || values.dim() > 0 || values.numel() != 1,
                      "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor "
                      "dim({}) and input value's dim({}) numel({})",
                      sequence.dim(), values.dim(), values.numel());
  check<RuntimeError>(sequence.dim() > 0, "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension");
  check<RuntimeError>(values.dim() > 0 || sequence.dim() == 1,
                      "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor "
                      "dim({}) and input value's dim({}) numel({})",
                      sequence.dim(), values.dim(), values.numel());
  bool rows_match = sequence.dim() == values.dim();
  for (int d = 0; rows_match && d + 1 < sequence.dim(); ++d) rows_match = sequence.sizes()[d] == values.sizes()[d];
  check<RuntimeError>(sequence.dim() == 1 || rows_match,
                      "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
                      "value tensor must match, but we got "
                      "boundaries tensor {} and input value tensor {}",
                      sequence.sizes(), values.sizes());
  const NoGradGuard no_grad;
  Tensor sorted = sequence.detach();
  if (o.sorter.defined()) {
    check<RuntimeError>(o.sorter.sizes() == sequence.sizes(),
                        "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {}and got sorter tensor {}",
                        sequence.sizes(), o.sorter.sizes());
    check<RuntimeError>(o.sorter.dtype() == kInt64, "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {}",
                        scalar_type_name(o.sorter.dtype()));
    check<RuntimeError>(sequence.numel() == 0 || (o.sorter.min().item<int64_t>() >= 0 && o.sorter.max().item<int64_t>() < sequence.size(-1)),
                        "torch.searchsorted(): sorter index out of range");
    sorted = gather(sorted, -1, o.sorter);
  }
  const DType dtype = promote_types(sequence.dtype(), values.dtype());
  sorted = sorted.to(dtype).contiguous();
  const Tensor asked = values.detach().to(dtype).contiguous(), found = make_dense(values.sizes(), kInt64);
  const int64_t n = sorted.size(-1), width = asked.dim() ? asked.size(-1) : 1;
  const bool one = sorted.dim() == 1;
  with_type(dtype, [&]<class T>(T) {
    for (int64_t i = 0; i < asked.numel(); ++i)
      found.data<int64_t>()[i] = position_of(sorted.data<T>() + (one ? 0 : i / width * n), n, asked.data<T>()[i], o.right);
  });
  return found;
}

Tensor searchsorted(const Tensor& sequence, Scalar value, const SearchOptions& options) {
  require_defined("searchsorted", sequence);
  return searchsorted(sequence, full({}, value, result_type(Operand(sequence), Operand(value))), options);
}

Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right) {
  require_defined("bucketize", x, boundaries);
  check<RuntimeError>(boundaries.dim() == 1, "boundaries tensor must be 1 dimension, but got dim({})", boundaries.dim());
  return searchsorted(boundaries, x, {.right = right});
}

Tensor isin(const Operand& elements, const Operand& tests, bool, bool invert) {
  require_defined("isin", elements, tests);
  check<TypeError>(elements.is_tensor() || tests.is_tensor(), "isin(): one of elements and test_elements must be a tensor");
  for (const Operand* operand : {&elements, &tests})
    check<RuntimeError>(!operand->is_tensor() || operand->tensor().dtype() != kBool, "Unsupported input type encountered for isin(): Bool");
  const NoGradGuard no_grad;
  const DType dtype = result_type(elements, tests);
  const auto values = [&](const Operand& operand) {
    return operand.is_tensor() ? operand.tensor().detach().to(dtype) : full({}, operand.number(), dtype);
  };
  const Tensor asked = values(elements).contiguous(), set = ember::sort(values(tests).reshape({-1})).values.contiguous();
  const Tensor found = make_dense(asked.sizes(), kBool);
  with_type(dtype, [&]<class T>(T) {
    const T *const begin = set.data<T>(), *const end = begin + set.numel();
    for (int64_t i = 0; i < asked.numel(); ++i) {
      const T value = asked.data<T>()[i];
      const int64_t at = position_of(begin, set.numel(), value, false);
      found.data<bool>()[i] = (begin + at != end && begin[at] == value) != invert;
    }
  });
  return found;
}

// --- runs of equals

namespace {

/// `starts` of runs among n; the slices of `front` there.
Unique runs_of(const Tensor& x, int dim, const std::vector<int64_t>& starts, int64_t n, bool inverse, bool counts) {
  const Tensor first = make_dense({int64_t(starts.size())}, kInt64), lengths = make_dense(first.sizes(), kInt64), number = make_dense({n}, kInt64);
  for (std::size_t r = 0; r < starts.size(); ++r) {
    const int64_t end = r + 1 < starts.size() ? starts[r + 1] : n;
    first.data<int64_t>()[r] = starts[r];
    lengths.data<int64_t>()[r] = end - starts[r];
    std::fill(number.data<int64_t>() + starts[r], number.data<int64_t>() + end, int64_t(r));
  }
  return {index_select(x, dim, first), inverse ? number : Tensor(), counts ? lengths : Tensor()};
}

}  // namespace

Unique unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts, int64_t at) {
  require_defined("unique_consecutive", x);
  const NoGradGuard no_grad;
  const int dim = wrap_dim(at, x.dim());
  const Tensor front = x.detach().movedim({dim}, {0}).contiguous();
  const int64_t n = x.dim() ? front.sizes()[0] : 1, width = n ? front.numel() / n : 0;
  check<RuntimeError>(n == 0 || width > 0, "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
  std::vector<int64_t> starts;
  with_type(x.dtype(), [&]<class T>(T) {
    const T* p = front.data<T>();
    for (int64_t i = 0; i < n; ++i)
      if (i == 0 || !std::equal(p + i * width, p + (i + 1) * width, p + (i - 1) * width)) starts.push_back(i);
  });
  return runs_of(x.detach(), dim, starts, n, return_inverse, return_counts);
}

Unique unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts) {
  require_defined("unique_consecutive", x);
  if (x.numel() == 0) {
    const Tensor none = zeros({0}, kInt64);
    return {zeros({0}, x.dtype()), return_inverse ? zeros(x.sizes(), kInt64) : Tensor(), return_counts ? none : Tensor()};
  }
  Unique runs = unique_consecutive(x.detach().reshape({-1}), return_inverse, return_counts, 0);
  if (return_inverse) runs.inverse = runs.inverse.reshape(x.sizes());
  return runs;
}

}  // namespace ember
