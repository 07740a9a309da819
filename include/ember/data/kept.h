// How data sets, samplers and transforms are handed over, so that nothing refers to a temporary.
#pragma once

#include <ember/owned.h>

#include <cstddef>
#include <type_traits>

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
  Kept(T* callers) {
    if (callers) hold(callers);
  }
  template <class D>
    requires is_object<D>
  Kept(D&& object) {
    using Plain = std::remove_cvref_t<D>;
    constexpr bool takes_over = !std::is_lvalue_reference_v<D> || shares_all<Plain>();
    if constexpr (takes_over) {
      static_assert(std::is_constructible_v<Plain, D>, "this temporary cannot be moved: give it a name and keep it as long as what uses it");
      take_over<Plain>(static_cast<D&&>(object), [](Plain& own) { return &own; });
    } else {
      hold(&object);
    }
  }
  /// std::unique_ptr<Dataset>, std::shared_ptr<Dataset>.
  template <class P>
    requires(!std::is_same_v<std::remove_cvref_t<P>, Kept> && !std::is_pointer_v<std::remove_cvref_t<P>> && !is_object<P> &&
             requires(std::remove_cvref_t<P>& p) { static_cast<T*>(p.get()); })
  Kept(P&& pointer) {
    using Plain = std::remove_cvref_t<P>;
    static_assert(std::is_constructible_v<Plain, P>, "a std::unique_ptr is handed over by std::move");
    if (pointer.get()) take_over<Plain>(static_cast<P&&>(pointer), [](Plain& own) { return own.get(); });
  }

  explicit operator bool() const { return bool(held_); }
  T* get() const { return held_ ? held_->object : nullptr; }
  T& operator*() const { return *held_->object; }
  T* operator->() const { return held_->object; }

 private:
  struct Held {
    ReferenceCount references;
    T* object = nullptr;
    virtual ~Held() = default;
  };
  /// The same, and what owns the object.
  template <class Owner>
  struct Holding final : Held {
    Owner owner;
    template <class From>
    explicit Holding(From&& from) : owner(static_cast<From&&>(from)) {}
  };
  template <class Owner, class From, class Find>
  void take_over(From&& from, Find find) {
    held_ = Shared<Held>::template make<Holding<Owner>>(static_cast<From&&>(from));
    held_->object = find(static_cast<Holding<Owner>&>(*held_).owner);
  }
  void hold(T* object) {
    held_ = Shared<Held>::make();
    held_->object = object;
  }

  Shared<Held> held_;
};

}  // namespace ember::data
