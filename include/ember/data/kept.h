// How data sets, samplers and transforms are handed over, so that nothing refers to a temporary.
#pragma once

#include <ember/tensor_impl.h>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace ember::data {

/// A T that somebody hands over. A temporary is taken over and lives as long as the last Kept of it. An object with a name stays the
/// caller's, who keeps it for as long as it is used, except where copies share all they hold (TensorDataset, Subset, transforms): those are
/// copied. Pointers are the caller's, std::unique_ptr and std::shared_ptr are taken over.
template <class T>
class Kept {
  using Base = std::remove_const_t<T>;
  template <class D>
  static constexpr bool is_object = std::is_base_of_v<Base, std::remove_cvref_t<D>>;
  /// A class says by `kSharesAll` that its copies are as good as itself.
  template <class D>
  static constexpr bool shares_all() {
    if constexpr (requires { D::kSharesAll; }) return D::kSharesAll;
    else return false;
  }

 public:
  Kept() = default;
  Kept(std::nullptr_t) {}
  Kept(T* callers) : object_(callers) {}
  template <class D>
    requires is_object<D>
  Kept(D&& object) {
    using Plain = std::remove_cvref_t<D>;
    constexpr bool takes_over = !std::is_lvalue_reference_v<D> || shares_all<Plain>();
    if constexpr (takes_over) {
      static_assert(std::is_constructible_v<Plain, D>, "this temporary cannot be moved: give it a name and keep it as long as what uses it");
      hold(new Owned<Plain>(static_cast<D&&>(object)));
    } else {
      object_ = &object;
    }
  }
  /// std::unique_ptr<Dataset>, std::shared_ptr<Dataset>.
  template <class P>
    requires(!std::is_same_v<std::remove_cvref_t<P>, Kept> && !std::is_pointer_v<std::remove_cvref_t<P>> && !is_object<P> &&
             requires(std::remove_cvref_t<P>& p) { static_cast<T*>(p.get()); })
  Kept(P&& pointer) {
    using Plain = std::remove_cvref_t<P>;
    static_assert(std::is_constructible_v<Plain, P>, "a std::unique_ptr is handed over by std::move");
    if (pointer.get()) hold(new Pointed<Plain>(static_cast<P&&>(pointer)));
  }
  Kept(const Kept& other) : object_(other.object_), owners_(other.owners_) {
    if (owners_) owners_->references.increment();
  }
  Kept(Kept&& other) noexcept : object_(std::exchange(other.object_, nullptr)), owners_(std::exchange(other.owners_, nullptr)) {}
  Kept& operator=(Kept other) noexcept {
    std::swap(object_, other.object_);
    std::swap(owners_, other.owners_);
    return *this;
  }
  ~Kept() {
    if (owners_ && owners_->references.decrement()) delete owners_;
  }

  explicit operator bool() const { return object_ != nullptr; }
  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  struct Owners {
    ReferenceCount references;
    virtual ~Owners() = default;
  };
  template <class D>
  struct Owned final : Owners {
    D object;
    explicit Owned(const D& from) : object(from) {}
    explicit Owned(D&& from) : object(static_cast<D&&>(from)) {}
    T* get() { return &object; }
  };
  template <class P>
  struct Pointed final : Owners {
    P pointer;
    explicit Pointed(const P& from) : pointer(from) {}
    explicit Pointed(P&& from) : pointer(static_cast<P&&>(from)) {}
    T* get() { return pointer.get(); }
  };
  template <class O>
  void hold(O* owners) {
    owners_ = owners;
    object_ = owners->get();
  }

  T* object_ = nullptr;
  Owners* owners_ = nullptr;
};

}  // namespace ember::data
