// Callback: a function that a program hands over, with what it captured: hooks, closures of optimisers, transforms.
#pragma once

#include <ember/owned.h>

#include <type_traits>
#include <utility>

namespace ember {

class Tensor;

/// A callable that owns what it captured; copies share it. The light stand-in for std::function in public headers.
/// Where a Tensor may be returned, a callable that only looks and returns nothing is one that returns an undefined tensor.
template <class Signature>
class Callback;
template <class F, class... Args>
concept returns_nothing = requires(F& f, Args... args) { requires std::is_void_v<decltype(f(static_cast<Args&&>(args)...))>; };
template <class Result, class... Args>
class Callback<Result(Args...)> {
 public:
  Callback() = default;
  template <class F>
    requires(!std::is_base_of_v<Callback, std::remove_cvref_t<F>> &&
             (std::is_invocable_r_v<Result, F&, Args...> || (std::is_same_v<Result, Tensor> && returns_nothing<F, Args...>)))
  Callback(F f) : body_(Shared<Base>::template make<Body<F>>(static_cast<F&&>(f))) {}
  explicit operator bool() const { return bool(body_); }
  Result operator()(Args... args) const { return body_->call(static_cast<Args&&>(args)...); }

 private:
  struct Base {
    ReferenceCount references;
    virtual Result call(Args... args) = 0;
    virtual ~Base() = default;
  };
  template <class F>
  struct Body final : Base {
    F f;
    explicit Body(F&& f) : f(static_cast<F&&>(f)) {}
    Result call(Args... args) override {
      if constexpr (!std::is_void_v<Result> && returns_nothing<F, Args...>) {
        f(static_cast<Args&&>(args)...);  // a hook that only looks
        return Result();
      } else {
        return static_cast<Result>(f(static_cast<Args&&>(args)...));
      }
    }
  };
  Shared<Base> body_;
};

}  // namespace ember
