// Owned, Boxed and Shared: who deletes what on the heap. std::unique_ptr and std::shared_ptr would do; <memory> alone takes a third of the time that
// a training script needs to compile. The sources use <memory>.
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

/// A value of its own on the heap, copied with what it is a member of. Classes in public headers hold what only their sources use as
/// `Boxed<std::vector<Phase>>`: each std::vector of another type takes as long to compile as ten modules, a Boxed of it nothing. One that was
/// never written to, or was moved from, is a T().
template <class T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(T&& value) : value_(new T(static_cast<T&&>(value))) {}
  Boxed(const Boxed& other) : value_(other.value_ ? new T(*other.value_) : nullptr) {}
  Boxed(Boxed&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  Boxed& operator=(Boxed other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Boxed() { delete value_; }

  T& operator*() {
    if (!value_) value_ = new T();
    return *value_;
  }
  T* operator->() { return &**this; }
  const T& operator*() const {
    static const T none;
    return value_ ? *value_ : none;
  }
  const T* operator->() const { return &**this; }
  auto& operator[](std::size_t place) { return (**this)[place]; }
  const auto& operator[](std::size_t place) const { return (**this)[place]; }

 private:
  T* value_ = nullptr;
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
