// Elements by their indices: `auto a = x.accessor<float, 2>(); a[i][j] = 1;`. As torch's C++ accessors, but every index is checked.
#pragma once

#include <ember/shape.h>

namespace ember {

[[noreturn]] void accessor_out_of_bounds(int64_t index, int64_t size);

/// The elements of a tensor of N dimensions; a[i] has one dimension less, and is an element at last. It does not keep the tensor alive.
template <class T, int N>
class TensorAccessor {
 public:
  TensorAccessor(T* data, const int64_t* sizes, const int64_t* strides) : data_(data) {
    for (int d = 0; d < N; ++d) sizes_[d] = sizes[d], strides_[d] = strides[d];
  }
  decltype(auto) operator[](int64_t i) const {
    if (i < 0 || i >= sizes_[0]) [[unlikely]]
      accessor_out_of_bounds(i, sizes_[0]);
    if constexpr (N == 1) return static_cast<T&>(data_[i * strides_[0]]);
    else return TensorAccessor<T, N - 1>(data_ + i * strides_[0], sizes_ + 1, strides_ + 1);
  }
  int64_t size(int dim) const {
    if (dim < 0 || dim >= N) [[unlikely]]
      accessor_out_of_bounds(dim, N);
    return sizes_[dim];
  }
  T* data() const { return data_; }

 private:
  static_assert(N > 0, "a tensor without dimensions has one element: item<T>()");
  T* data_;
  int64_t sizes_[N], strides_[N];
};

}  // namespace ember
