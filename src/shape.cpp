// Shapes: growing, broadcasting, counting dimensions from the end.
#include <ember/shape.h>

#include "error_format.h"
#include "sizes.h"

namespace ember {

static void check_size(int64_t size) { check<RuntimeError>(size <= kMaxDims, "a tensor has at most {} dimensions, got {}", kMaxDims, size); }

Shape::Shape(const int64_t* begin, const int64_t* end) {
  check_size(end - begin);
  for (; begin != end; ++begin) dims_[size_++] = *begin;
}

Shape Shape::filled(int count, int64_t value) {
  check_size(count);
  Shape shape;
  shape.size_ = count;
  for (int64_t& dim : shape) dim = value;
  return shape;
}

void Shape::insert(int at, int64_t dim) {
  check_size(size_ + 1);
  for (int i = size_++; i > at; --i) dims_[i] = dims_[i - 1];
  dims_[at] = dim;
}

void Shape::erase(int at) {
  --size_;
  for (int i = at; i < size_; ++i) dims_[i] = dims_[i + 1];
}

int64_t Shape::numel() const { return numel_of(*this); }

int64_t numel_of(IntArrayRef sizes) {
  int64_t product = 1;
  bool empty = false, overflow = false;
  for (int64_t size : sizes) {
    if (size == 0) empty = true;
    else overflow |= __builtin_mul_overflow(product, size, &product);
  }
  check<RuntimeError>(!overflow, "numel: integer multiplication overflow\nsizes {} stand for more elements than an int64 can count", sizes);
  return empty ? 0 : product;
}

int64_t span_of(IntArrayRef sizes, IntArrayRef strides) {
  int64_t span = 1;
  bool empty = false, overflow = false;
  for (int i = 0; i < sizes.size(); ++i) {
    int64_t reach;
    if (sizes[i] == 0) empty = true;
    else overflow |= __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) || __builtin_add_overflow(span, reach, &span);
  }
  check<RuntimeError>(!overflow && span < kMostElements, "Storage size calculation overflowed with sizes={} and strides={}", sizes, strides);
  return empty ? 0 : span;
}

Shape contiguous_strides(IntArrayRef sizes) {
  Shape strides = Shape::filled(sizes.size(), 1);
  int64_t next = 1;
  bool overflow = false;
  for (int i = sizes.size(); i-- > 0;) {
    strides[i] = next;
    if (sizes[i] > 1) overflow |= __builtin_mul_overflow(next, sizes[i], &next);
  }
  check<RuntimeError>(!overflow, "Stride calculation overflowed\nsizes {} stand for more elements than an int64 can count", sizes);
  return strides;
}

void wrong_count(std::initializer_list<int64_t> given, int wanted) {
  fail<RuntimeError>("expected a single integer value or a list of {} values to match the dimensions, but got {}", wanted, IntArrayRef(given));
}

Shape broadcast_shapes(IntArrayRef a, IntArrayRef b) {
  const int dims = a.size() > b.size() ? a.size() : b.size();
  Shape result = Shape::filled(dims, 1);
  for (int i = 1; i <= dims; ++i) {
    const int64_t x = i <= a.size() ? a[a.size() - i] : 1, y = i <= b.size() ? b[b.size() - i] : 1;
    check<RuntimeError>(x == y || x == 1 || y == 1, "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}", x,
                        y, dims - i);
    result[dims - i] = x == 1 ? y : x;
  }
  return result;
}

int wrap_dim(int64_t dim, int dims) {
  const int range = dims > 0 ? dims : 1;  // a 0-dim tensor takes -1 and 0
  check<IndexError>(dim >= -range && dim < range, "Dimension out of range (expected to be in range of [{}, {}], but got {})", -range, range - 1, dim);
  return int(dim < 0 ? dim + range : dim);
}

std::string to_string(IntArrayRef sizes) { return fmt::format("[{}]", fmt::join(sizes.begin(), sizes.end(), ", ")); }

}  // namespace ember
