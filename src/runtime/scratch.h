// Memory that a kernel needs for the time of one call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/allocator.h"

namespace ember::kernels {

/// Room for `count` numbers, uninitialised, 64-byte aligned; taken from the caching allocator, so that it costs a few
/// nanoseconds and is shared with the tensors.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : bytes_(std::size_t(count) * sizeof(T)), data_(static_cast<T*>(block_allocate(bytes_))) {}
  ~Scratch() {
    if (data_) block_free(data_, bytes_);
  }
  Scratch(Scratch&& other) noexcept : bytes_(other.bytes_), data_(other.data_) { other.data_ = nullptr; }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return data_; }
  operator T*() const { return data_; }

 private:
  std::size_t bytes_;
  T* data_;
};

}  // namespace ember::kernels
