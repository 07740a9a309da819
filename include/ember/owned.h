// Owned and Shared: who deletes what on the heap. std::unique_ptr and std::shared_ptr would do; <memory> alone takes a third of the time that a
// training script needs to compile. The sources use <memory>.
#pragma once

#include <ember/tensor_impl.h>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace ember {

/// As std::unique_ptr: the one owner of a T.
template <class T>
class Owned {
 public:
  Owned() = default;
  Owned(std::nullptr_t) {}
  explicit Owned(T* object) : object_(object) {}
  template <class D>
    requires(!std::is_same_v<D, T> && std::is_convertible_v<D*, T*>)
  Owned(Owned<D>&& other) noexcept : object_(other.release()) {}
  Owned(Owned&& other) noexcept : object_(other.release()) {}
  Owned& operator=(Owned other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() {
    static_assert(sizeof(T) > 0, "the destructor of a class that owns this is written where the T is known");
    delete object_;
  }

  template <class... Args>
  static Owned make(Args&&... args) {
    return Owned(new T(static_cast<Args&&>(args)...));
  }
  explicit operator bool() const { return object_ != nullptr; }
  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  T* release() { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

/// As std::shared_ptr, of a T that counts its owners by a member `references`.
template <class T>
class Shared {
 public:
  Shared() = default;
  Shared(std::nullptr_t) {}
  /// Takes over an object that nobody else owns yet.
  explicit Shared(T* object) : object_(object) {}
  Shared(const Shared& other) : object_(other.object_) {
    if (object_) object_->references.increment();
  }
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ && object_->references.decrement()) delete object_;
  }

  explicit operator bool() const { return object_ != nullptr; }
  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace ember
