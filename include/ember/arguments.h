// What functions of tensors take beside tensors: options, slices, dimensions. Part of ember/tensor.h.
#pragma once

#include <ember/dtype.h>
#include <ember/shape.h>

#include <iosfwd>
#include <type_traits>
#include <vector>

namespace ember {

/// The type of a size or a dimension as it is typed: any integer, but no bool.
template <class T>
concept WholeNumber = std::is_integral_v<T> && !std::is_same_v<T, bool>;

std::ostream& operator<<(std::ostream& out, IntArrayRef sizes);  ///< "[2, 3]"
std::ostream& operator<<(std::ostream& out, DType dtype);        ///< "float32"

enum class MemoryFormat : std::uint8_t { Contiguous, ChannelsLast, Preserve };

/// dtype (the default one when Undefined) and whether gradients are collected.
struct TensorOptions {
  DType dtype = DType::Undefined;
  bool requires_grad = false;
};

/// start:stop:step as in Python; a missing end is Slice::None.
struct Slice {
  static constexpr int64_t None = INT64_MIN;
  int64_t start = None, stop = None, step = 1;
  constexpr Slice(int64_t start = None, int64_t stop = None, int64_t step = 1) : start(start), stop(stop), step(step) {}
};
struct NoneType {};
struct EllipsisType {};
inline constexpr NoneType None{};          ///< a new dimension of size 1
inline constexpr EllipsisType Ellipsis{};  ///< as many full slices as are missing

/// Dimensions to reduce or flip: none named means all; a number; a list. Negative ones count from the end.
class Dims {
 public:
  Dims() : all_(true) {}
  template <WholeNumber T>
  Dims(T dim) : list_{int64_t(dim)} {}
  template <class T>
    requires std::is_same_v<T, bool>
  Dims(T) {
    static_assert(sizeof(T) == 0, "a dimension is a number, not a bool: write x.sum({}, true) to keep the dimensions of a sum over all");
  }
  Dims(std::initializer_list<int64_t> dims) : list_(dims) {}
  Dims(IntArrayRef dims) : list_(dims.shape()) {}
  Dims(const std::vector<int64_t>& dims) : Dims(IntArrayRef(dims)) {}
  Dims(NoneType) : Dims() {}
  static Dims of_mask(std::uint32_t mask) {
    Dims dims{IntArrayRef()};
    for (int d = 0; mask >> d; ++d)
      if (mask >> d & 1) dims.list_.push_back(d);
    return dims;
  }
  bool all() const { return all_; }
  IntArrayRef list() const { return list_; }

 private:
  Shape list_;
  bool all_ = false;
};

}  // namespace ember
