// Sizes and strides: an inline array that owns up to eight numbers, and a view of any array of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace ember {

using std::int64_t;
inline constexpr int kMaxDims = 8;

/// The sizes (or strides) of a tensor, held in place: no heap. More than kMaxDims entries throw.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(dims.begin(), dims.end()) {}
  Shape(const int64_t* begin, const int64_t* end);
  static Shape filled(int count, int64_t value);

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const int64_t* begin() const { return dims_; }
  const int64_t* end() const { return dims_ + size_; }
  int64_t* begin() { return dims_; }
  int64_t* end() { return dims_ + size_; }
  int64_t operator[](int i) const { return dims_[i]; }
  int64_t& operator[](int i) { return dims_[i]; }
  int64_t back() const { return dims_[size_ - 1]; }

  void push_back(int64_t dim) { insert(size_, dim); }
  void insert(int at, int64_t dim);
  void erase(int at);

  int64_t numel() const;  ///< the product; 1 for no dimensions

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.size_ != b.size_) return false;
    for (int i = 0; i < a.size_; ++i)
      if (a.dims_[i] != b.dims_[i]) return false;
    return true;
  }

 private:
  int64_t dims_[kMaxDims];
  int size_ = 0;
};

/// A view of numbers that live elsewhere: what functions take for sizes, dimensions and orders. `{2, 3}` works.
class IntArrayRef {
 public:
  constexpr IntArrayRef() = default;
  constexpr IntArrayRef(const int64_t* data, std::size_t size) : data_(data), size_(int(size)) {}
  IntArrayRef(std::initializer_list<int64_t> values) : size_(int(values.size())) { data_ = values.begin(); }
  IntArrayRef(const Shape& shape) : data_(shape.begin()), size_(shape.size()) {}
  IntArrayRef(const std::vector<int64_t>& values) : data_(values.data()), size_(int(values.size())) {}

  constexpr int size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const int64_t* begin() const { return data_; }
  constexpr const int64_t* end() const { return data_ + size_; }
  constexpr const int64_t* data() const { return data_; }
  constexpr int64_t operator[](int i) const { return data_[i]; }
  constexpr int64_t back() const { return data_[size_ - 1]; }
  Shape shape() const { return Shape(begin(), end()); }

  friend bool operator==(IntArrayRef a, IntArrayRef b) {
    if (a.size_ != b.size_) return false;
    for (int i = 0; i < a.size_; ++i)
      if (a.data_[i] != b.data_[i]) return false;
    return true;
  }

 private:
  const int64_t* data_ = nullptr;
  int size_ = 0;
};

[[noreturn]] void wrong_count(std::initializer_list<int64_t> given, int wanted);

/// N numbers of which one may stand for all: `.stride = 2` and `.stride = {2, 1}`. Any other number of them throws RuntimeError.
template <int N>
struct ExpandingArray {
  int64_t values[N];
  constexpr ExpandingArray(int64_t all) {
    for (int64_t& v : values) v = all;
  }
  constexpr ExpandingArray(int all) : ExpandingArray(int64_t(all)) {}
  constexpr ExpandingArray(std::initializer_list<int64_t> each) {
    if (each.size() != 1 && each.size() != N) wrong_count(each, N);
    for (int i = 0; i < N; ++i) values[i] = each.begin()[each.size() == 1 ? 0 : i];
  }
  constexpr int64_t operator[](int i) const { return values[i]; }
  friend constexpr bool operator==(const ExpandingArray& a, const ExpandingArray& b) {
    for (int i = 0; i < N; ++i)
      if (a.values[i] != b.values[i]) return false;
    return true;
  }
};

/// Row-major strides of these sizes.
Shape contiguous_strides(IntArrayRef sizes);

/// The shape that both broadcast to. Throws PyTorch's "The size of tensor a (3) must match the size of tensor b (4) at
/// non-singleton dimension 1".
Shape broadcast_shapes(IntArrayRef a, IntArrayRef b);

/// dim counted from the front: -1 is the last of `dims`. Throws "Dimension out of range (expected to be in range of ...)".
int wrap_dim(int64_t dim, int dims);

}  // namespace ember
