// Python's brackets: x[1, :, None, ..., mask, idx], for reading and for writing.
#include <ember/ops/index.h>

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <string_view>

#include "autograd/recorder.h"
#include "error_format.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

/// An index tensor and the dimension of the view that it picks from.
struct Picked {
  int dim;
  Tensor index;
};

/// What remains after numbers, slices, None and Ellipsis have become a view.
struct Parts {
  Tensor view;
  std::vector<Picked> picked;
};

int consumed(const TensorIndex& part) {
  switch (part.kind) {
    case TensorIndex::Integer:
    case TensorIndex::Range: return 1;
    case TensorIndex::Array: return part.tensor.dtype() == kBool || part.tensor.dtype() == kUInt8 ? part.tensor.dim() : 1;
    default: return 0;
  }
}

Tensor select_checked(const Tensor& x, int dim, int64_t index) {
  const int64_t size = x.sizes()[dim];
  check<IndexError>(index >= -size && index < size, "index {} is out of bounds for dimension {} with size {}", index, dim, size);
  return x.select(dim, index);
}

void add_mask(Parts& parts, const Tensor& mask, int& dim) {
  for (int d = 0; d < mask.dim(); ++d)
    check<IndexError>(mask.sizes()[d] == parts.view.sizes()[dim + d],
                      "The shape of the mask {} at index {} does not match the shape of the indexed tensor {} at index {}", mask.sizes(), d,
                      parts.view.sizes(), dim + d);
  if (mask.dim() == 0) {  // a new dimension of size 1 or 0
    parts.view = parts.view.unsqueeze(dim);
    parts.picked.push_back({dim++, mask.item<bool>() ? zeros({1}, kInt64) : zeros({0}, kInt64)});
    return;
  }
  const Tensor positions = nonzero(mask);
  for (int d = 0; d < mask.dim(); ++d) parts.picked.push_back({dim++, positions.select(1, d)});
}

Parts split_index(const Tensor& x, const std::vector<TensorIndex>& indices) {
  int total = 0, position = 1;
  for (const TensorIndex& part : indices) {
    ++position;
    if (part.kind == TensorIndex::Array) detail::refuse_missing("index", position, part.tensor);
    total += consumed(part);
  }
  check<IndexError>(total <= x.dim(), "too many indices for tensor of dimension {}", x.dim());
  Parts parts{x, {}};
  int dim = 0;
  for (const TensorIndex& part : indices) {
    switch (part.kind) {
      case TensorIndex::Integer: parts.view = select_checked(parts.view, dim, part.integer); break;
      case TensorIndex::Range:
        check<ValueError>(part.slice.step != 0, "slice step cannot be zero");
        check<ValueError>(part.slice.step > 0, "step must be greater than zero");
        parts.view = parts.view.slice(dim, part.slice.start, part.slice.stop, part.slice.step);
        ++dim;
        break;
      case TensorIndex::NewDim: parts.view = parts.view.unsqueeze(dim++); break;
      case TensorIndex::Dots: dim += x.dim() - total; break;
      case TensorIndex::Boolean: add_mask(parts, full({}, part.integer != 0, kBool), dim); break;
      case TensorIndex::Array:
        if (part.tensor.dtype() == kBool || part.tensor.dtype() == kUInt8) {
          add_mask(parts, part.tensor.to(kBool), dim);
          break;
        }
        check<IndexError>(part.tensor.dtype() == kInt64, "tensors used as indices must be long, int, byte or bool tensors");
        if (part.tensor.dim() == 0) {  // as the number that it holds
          parts.view = select_checked(parts.view, dim, part.tensor.item<int64_t>());
          break;
        }
        parts.picked.push_back({dim++, part.tensor});
        break;
    }
  }
  return parts;
}

/// The view as rows: the indexed dimensions come first, merged into one. With the row number of each index, in the shape of the index.
struct Rows {
  Tensor rows;           // (product of the picked sizes, rest...)
  Tensor numbers;        // int64, in the broadcast shape of the indices
  Shape order;           // the permutation that brought the picked dimensions to the front
  Shape permuted_sizes;  // of the view, permuted
  int front = 0;         // in the result, the dimensions of the index stand behind this many others
};

Shape index_shape(const std::vector<Picked>& picked) {
  Shape shape;
  for (const Picked& p : picked) {
    try {
      shape = broadcast_shapes(shape, p.index.sizes());
    } catch (const RuntimeError&) {
      std::string shapes;
      for (const Picked& q : picked) shapes += (shapes.empty() ? "" : ", ") + to_string(q.index.sizes());
      fail<IndexError>("shape mismatch: indexing tensors could not be broadcast together with shapes {}", shapes);
    }
  }
  return shape;
}

/// Are the rows empty, because a dimension that is not indexed has size 0?
bool rows_are_empty(const Parts& parts) {
  int64_t count = std::count(parts.view.sizes().begin(), parts.view.sizes().end(), 0);
  for (const Picked& p : parts.picked) count -= parts.view.sizes()[p.dim] == 0;
  return count > 0;
}

/// The row number of each index, and whether all are in range. Of empty rows none is checked, as in PyTorch.
Tensor row_numbers(const Parts& parts) {
  NoGradGuard no_grad;
  Tensor numbers = zeros(index_shape(parts.picked), kInt64);
  const bool any_will_do = rows_are_empty(parts);
  for (const Picked& p : parts.picked) {
    const int64_t size = parts.view.sizes()[p.dim];
    check<IndexError>(size > 0 || p.index.numel() == 0, "index is out of bounds for dimension with size 0");
    if (any_will_do) continue;
    const Tensor outside = lt(p.index, -size) | ge(p.index, size);
    if (p.index.numel() > 0 && outside.any().item<bool>())
      fail<IndexError>("index {} is out of bounds for dimension {} with size {}", masked_select(p.index, outside).select(0, 0).item<int64_t>(), p.dim,
                       size);
    numbers = numbers * size + where(lt(p.index, 0), p.index + size, p.index);
  }
  return numbers;
}

Rows as_rows(const Parts& parts) {
  Rows r;
  r.numbers = row_numbers(parts);
  std::uint32_t picked_mask = 0;
  Shape merged{1};
  for (const Picked& p : parts.picked) {
    r.order.push_back(p.dim);
    picked_mask |= 1u << p.dim;
    merged[0] *= parts.view.sizes()[p.dim];
  }
  const int first = parts.picked.front().dim, last = parts.picked.back().dim;
  r.front = last - first + 1 == int(parts.picked.size()) ? first : 0;
  for (int d = 0; d < parts.view.dim(); ++d) {
    if (picked_mask >> d & 1) continue;
    r.order.push_back(d);
    merged.push_back(parts.view.sizes()[d]);
  }
  const Tensor permuted = parts.view.permute(r.order);
  r.permuted_sizes = permuted.sizes().shape();
  r.rows = permuted.reshape(merged);
  return r;
}

/// The shape of the rows that are picked: the index's, then the rest.
Shape picked_shape(const Rows& r) {
  Shape shape = r.numbers.sizes().shape();
  for (int d = 1; d < r.rows.dim(); ++d) shape.push_back(r.rows.sizes()[d]);
  return shape;
}

/// Dimensions [0, count) of t moved behind `front` others, or back.
Tensor move_front(const Tensor& t, int count, int front, bool back) {
  if (front == 0) return t;
  Shape order;
  if (!back) {
    for (int d = 0; d < front; ++d) order.push_back(count + d);
    for (int d = 0; d < count; ++d) order.push_back(d);
  } else {
    for (int d = 0; d < count; ++d) order.push_back(front + d);
    for (int d = 0; d < front; ++d) order.push_back(d);
  }
  for (int d = front + count; d < t.dim(); ++d) order.push_back(d);
  return t.permute(order);
}

/// x (rows, ...) with rows[numbers[i]] = values[i], or +=.
Tensor put_rows(const Tensor& x, const Tensor& numbers, const Tensor& values, bool accumulate) {
  if (accumulate) return index_add(x, 0, numbers, values);
  Tensor y;
  {
    NoGradGuard no_grad;
    y = x.clone(MemoryFormat::Contiguous);
    const int64_t* p = numbers.data<int64_t>();
    for (int64_t i = 0; i < numbers.numel(); ++i) y.select(0, p[i]).copy_(values.select(0, i));
  }
  note("IndexPut", [&] { return Attributes{{"indices", {}, {}, numbers}}; });
  return record("IndexPut", {x, values}, std::move(y), [numbers](const Tensor& dy, Grads& grads) {
    if (grads.wants(1)) grads.add(1, index_select(dy, 0, numbers));
    if (!grads.wants(0)) return;
    Shape sizes = dy.sizes().shape();
    sizes[0] = numbers.numel();
    grads.add(0, put_rows(dy, numbers, zeros({}, dy.dtype()).expand(sizes), false));
  });
}

/// Can values of shape `from` be spread over `to`? Leading dimensions of size 1 do not matter.
bool spreads_to(IntArrayRef from, const Shape& to) {
  for (int d = 1; d <= from.size(); ++d) {
    const int64_t size = from[from.size() - d];
    if (size != 1 && (d > to.size() || size != to[to.size() - d])) return false;
  }
  return true;
}

Tensor put(const Parts& parts, const Tensor& values, bool accumulate) {
  const Tensor converted = values.to(parts.view.dtype());
  if (parts.picked.empty()) {
    const Tensor spread = converted.expand(parts.view.sizes());
    return accumulate ? parts.view + spread : spread;
  }
  const Rows r = as_rows(parts);
  // The values as the read would give them, then in the order of the rows.
  Shape target = picked_shape(r);
  const int count = r.numbers.dim();
  Shape shown;
  for (int d = 0; d < r.front; ++d) shown.push_back(target[count + d]);
  for (int d = 0; d < count; ++d) shown.push_back(target[d]);
  for (int d = count + r.front; d < target.size(); ++d) shown.push_back(target[d]);
  check<RuntimeError>(spreads_to(converted.sizes(), shown),
                      "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}", converted.sizes(), shown);
  Tensor source = converted;
  while (source.dim() > shown.size() && source.sizes()[0] == 1) source = source.squeeze(0);
  Tensor rows = move_front(source.expand(shown), count, r.front, true);
  Shape flat = r.rows.sizes().shape();
  flat[0] = r.numbers.numel();
  const Tensor numbers = r.numbers.reshape({-1});
  const Tensor result = put_rows(r.rows, numbers, rows.reshape(flat), accumulate).reshape(r.permuted_sizes);
  Shape inverse = Shape::filled(r.order.size(), 0);
  for (int d = 0; d < r.order.size(); ++d) inverse[int(r.order[d])] = d;
  return result.permute(inverse);
}

}  // namespace

Tensor Tensor::index(const std::vector<TensorIndex>& indices) const {
  require_defined("index", *this);
  const Parts parts = split_index(*this, indices);
  if (parts.picked.empty()) return parts.view;
  const Rows r = as_rows(parts);
  const Tensor picked = ember::index_select(r.rows, 0, r.numbers.reshape({-1})).reshape(picked_shape(r));
  return move_front(picked, r.numbers.dim(), r.front, false);
}

TensorIndex::TensorIndex(const char* dots) : kind(Dots) {
  check<IndexError>(std::string_view(dots) == "...", "invalid index '{}': the only word among indices is \"...\"", dots);
}

Tensor Tensor::operator[](const Tensor& index) const {
  require_defined("index", *this, index);
  return this->index({index});
}

const Tensor& Tensor::index_put_(const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate) const {
  require_defined("index_put_", *this, values);
  const Tensor source = values.shares_storage(*this) ? values.clone() : values;
  const Parts parts = split_index(*this, indices);
  if (parts.picked.empty() && !accumulate) {
    Tensor from = source;
    while (from.dim() > parts.view.dim() && from.sizes()[0] == 1) from = from.squeeze(0);
    parts.view.copy_(from);
    return *this;
  }
  check_inplace(parts.view);
  assign_inplace(parts.view, put(parts, source, accumulate));
  return *this;
}

const Tensor& Tensor::index_put_(const std::vector<TensorIndex>& indices, Scalar value) const {
  require_defined("index_put_", *this);
  return index_put_(indices, full({}, value, dtype()));
}

Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate) {
  require_defined("index_put", x, values);
  const Tensor y = x.clone();
  y.index_put_(indices, values, accumulate);
  return y;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  require_defined("masked_select", x, mask);
  check<RuntimeError>(mask.dtype() == kBool || mask.dtype() == kUInt8, "masked_select: expected BoolTensor for mask");
  const Shape shape = broadcast_shapes(x.sizes(), mask.sizes());
  if (shape.empty()) return x.reshape({1}).index({mask.reshape({1}).to(kBool)});
  return x.expand(shape).index({mask.expand(shape).to(kBool)});
}

Tensor nonzero(const Tensor& x) {
  require_defined("nonzero", x);
  NoGradGuard no_grad;
  const Tensor truth = ne(x.detach(), 0).contiguous();
  const bool* p = truth.data<bool>();
  int64_t count = 0;
  for (int64_t i = 0; i < truth.numel(); ++i) count += p[i];
  Tensor positions = make_dense({count, x.dim()}, kInt64);
  int64_t* out = positions.data<int64_t>();
  for (int64_t i = 0; i < truth.numel(); ++i) {
    if (!p[i]) continue;
    int64_t rest = i;
    for (int d = x.dim(); d-- > 0; rest /= x.sizes()[d]) out[d] = rest % x.sizes()[d];
    out += x.dim();
  }
  return positions;
}

Tensor argwhere(const Tensor& x) {
  require_defined("argwhere", x);
  return nonzero(x);
}

}  // namespace ember
