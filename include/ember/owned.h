// Owned, Boxed and Shared: who deletes what on the heap. For headers that ember.h reaches: <memory> alone takes a third of the time that a training
// script needs to compile. The sources and the other headers use std::unique_ptr and std::shared_ptr.
#pragma once

#include <ember/tensor_impl.h>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace ember {

/// As std::unique_ptr: the one owner of a T. For a class with many derived ones a function `delete_owned(T*)` in the library keeps the compiler from
/// looking through all of them for what the virtual destructor may be.
template <class T>
class Owned {
 public:
  Owned() = default;
  Owned(std::nullptr_t) {}
  explicit Owned(T* object) : object_(object) {}
  /// From whatever else owns one: a std::unique_ptr, an Owned of a derived class.
  template <class Pointer>
    requires(!std::is_same_v<Pointer, Owned> && requires(Pointer& pointer, T* object) { object = pointer.release(); })
  Owned(Pointer&& pointer) noexcept : object_(pointer.release()) {
    static_assert(!std::is_lvalue_reference_v<Pointer>, "what is owned is handed over by std::move");
  }
  Owned(Owned&& other) noexcept : object_(other.release()) {}
  Owned& operator=(Owned other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() {
    if constexpr (requires(T* object) { delete_owned(object); }) {
      delete_owned(object_);
    } else {
      static_assert(sizeof(T) > 0, "the destructor of a class that owns this is written where the T is known");
      delete object_;
    }
  }

  template <class D = T, class... Args>
  static Owned make(Args&&... args) {
    return Owned(new D(static_cast<Args&&>(args)...));
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
  template <class D = T, class... Args>
  static Shared make(Args&&... args) {
    return Shared(new D(static_cast<Args&&>(args)...));
  }
  /// One owner more of an object that others own.
  static Shared of(T& object) {
    object.references.increment();
    return Shared(&object);
  }
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
  explicit Shared(T* object) : object_(object) {}
  T* object_ = nullptr;
};

}  // namespace ember
