// Special functions: a loop of the standard library's function, or of ember's own, and the derivative.
#include <ember/ops/special.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/gamma.h"
#include "ops/pointwise.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

/// f of every element, in x's layout where it is dense. x has a real type.
template <class F>
Tensor each(const Tensor& given, F f) {
  const Tensor x = is_dense(given) ? given.detach() : given.detach().contiguous();
  Tensor y = empty_like(x);
  with_real(x.dtype(), [&]<class T>(T) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    for (int64_t i = 0, n = x.numel(); i < n; ++i) to[i] = T(f(from[i]));
  });
  return y;
}

/// f of every pair of elements of two tensors of this type, broadcast.
template <class T, class F>
Tensor each_pair(const Tensor& a, const Tensor& b, F f) {
  const Shape sizes = broadcast_shapes(a.sizes(), b.sizes());
  const Tensor x = a.detach().expand(sizes).contiguous(), y = b.detach().expand(sizes).contiguous(), out = make_dense(sizes, x.dtype());
  const T *left = x.data<T>(), *right = y.data<T>();
  T* to = out.data<T>();
  for (int64_t i = 0, n = out.numel(); i < n; ++i) to[i] = f(left[i], right[i]);
  return out;
}

Tensor real(const Tensor& x) { return x.to(real_type(x.dtype())); }

/// y = f(x) and dx = derivative(dy, x).
template <class F, class Derivative>
Tensor function_of(const char* name, const Tensor& given, F f, Derivative derivative) {
  const Tensor x = real(given);
  return record(name, {x}, each(x, f), [x = Saved(x), derivative](const Tensor& dy, Grads& grads) { grads.add(0, derivative(dy, x.get())); });
}

/// a and b in the type that both promote to.
struct Pair {
  Tensor a, b;
  DType dtype;
  Pair(const Operand& x, const Operand& y, DType type) : a(tensor_of(x, type)), b(tensor_of(y, type)), dtype(type) {}
  static Tensor tensor_of(const Operand& operand, DType type) {
    return operand.is_tensor() ? operand.tensor().to(type) : full({}, operand.number(), type);
  }
};

using In = const Tensor&;

}  // namespace

Tensor positive(const Tensor& x) {
  require_defined("positive", x);
  check<RuntimeError>(x.dtype() != kBool, "The `+` operator, on a bool tensor is not supported.");
  return x;
}

Tensor exp2(const Tensor& x) {
  require_defined("exp2", x);
  return function_of("Exp2", x, [](auto v) { return std::exp2(v); }, [](In dy, In x) { return dy * exp2(x) * std::numbers::ln2; });
}
Tensor asinh(const Tensor& x) {
  require_defined("asinh", x);
  return function_of("Asinh", x, [](auto v) { return std::asinh(v); }, [](In dy, In x) { return dy * rsqrt(square(x) + 1); });
}
Tensor acosh(const Tensor& x) {
  require_defined("acosh", x);
  return function_of("Acosh", x, [](auto v) { return std::acosh(v); }, [](In dy, In x) { return dy * rsqrt(square(x) - 1); });
}
Tensor atanh(const Tensor& x) {
  require_defined("atanh", x);
  return function_of("Atanh", x, [](auto v) { return std::atanh(v); }, [](In dy, In x) { return dy / (1 - square(x)); });
}
Tensor erfc(const Tensor& x) {
  require_defined("erfc", x);
  return function_of(
      "Erfc", x, [](auto v) { return std::erfc(v); }, [](In dy, In x) { return dy * exp(-square(x)) * (-2 / std::sqrt(std::numbers::pi)); });
}
Tensor erfinv(const Tensor& x) {
  require_defined("erfinv", x);
  return function_of(
      "Erfinv", x, [](auto v) { return erfinv_of(double(v)); },
      [](In dy, In x) { return dy * exp(square(erfinv(x))) * (std::sqrt(std::numbers::pi) / 2); });
}
Tensor lgamma(const Tensor& x) {
  require_defined("lgamma", x);
  return function_of("Lgamma", x, [](auto v) { return std::lgamma(double(v)); }, [](In dy, In x) { return dy * digamma(x); });
}
Tensor digamma(const Tensor& x) {
  require_defined("digamma", x);
  return function_of("Digamma", x, [](auto v) { return digamma_of(double(v)); }, [](In dy, In x) { return dy * polygamma(1, x); });
}
Tensor polygamma(int64_t n, const Tensor& x) {
  require_defined("polygamma", x);
  check<RuntimeError>(n >= 0, "polygamma(n, x) does not support negative n.");
  return function_of("Polygamma", x, [n](auto v) { return polygamma_of(n, double(v)); }, [n](In dy, In x) { return dy * polygamma(n + 1, x); });
}

Tensor sinc(const Tensor& x) {
  require_defined("sinc", x);
  const auto value = [](auto v) {
    const auto angle = v * decltype(v)(std::numbers::pi);
    return v == 0 ? decltype(v)(1) : std::sin(angle) / angle;
  };
  return function_of("Sinc", x, value, [](In dy, In x) {
    const Tensor angle = x * std::numbers::pi, below = x * angle, at_zero = eq(below, 0);
    return where(at_zero, 0, dy * (angle * cos(angle) - sin(angle)) / where(at_zero, 1, below));
  });
}

Tensor logit(const Tensor& x) {
  require_defined("logit", x);
  note("Logit", [] { return Attributes{{"epsilon", {}, {-1.0}}}; });
  return function_of(
      "Logit", x, [](auto v) { return std::log(v / (1 - v)); },
      [](In dy, In x) { return where(ge(x, 0) & le(x, 1), dy / (x * (1 - x)), __builtin_nan("")); });
}
Tensor logit(const Tensor& x, double eps) {
  require_defined("logit", x);
  const auto value = [eps](auto v) {
    using T = decltype(v);
    const T z = v < T(eps) ? T(eps) : v > T(1 - eps) ? T(1 - eps) : v;
    return std::log(z / (1 - z));
  };
  note("Logit", [&] { return Attributes{{"epsilon", {}, {eps}}}; });
  return function_of("Logit", x, value, [eps](In dy, In x) {
    const Tensor inside = ge(x, eps) & le(x, 1 - eps);
    return where(inside, dy / (x * (1 - x)), 0);
  });
}

Tensor deg2rad(const Tensor& x) {
  require_defined("deg2rad", x);
  return real(x) * (std::numbers::pi / 180);
}
Tensor rad2deg(const Tensor& x) {
  require_defined("rad2deg", x);
  return real(x) * (180 / std::numbers::pi);
}

Tensor signbit(const Tensor& x) {
  require_defined("signbit", x);
  if (!is_floating_point(x.dtype())) return x.dtype() == kInt64 ? lt(x.detach(), 0) : zeros_like(x.detach(), kBool);
  return ne(each(x, [](auto v) { return std::signbit(v) ? 1 : 0; }), 0);
}

Tensor float_power(const Operand& base, const Operand& exponent) {
  require_defined("float_power", base, exponent);
  check<TypeError>(base.is_tensor() || exponent.is_tensor(), "float_power(): one of base and exponent must be a tensor");
  if (!exponent.is_tensor()) return pow(base.tensor().to(kFloat64), exponent.number().to<double>());
  const Tensor p = exponent.tensor().to(kFloat64);
  return base.is_tensor() ? pow(base.tensor().to(kFloat64), p) : pow(base.number().to<double>(), p);
}

Tensor hypot(const Tensor& a, const Tensor& b) {
  require_defined("hypot", a, b);
  const Pair p(a, b, result_type(a, b));
  check<NotImplementedError>(is_floating_point(p.dtype), "\"hypot_cpu\" not implemented for '{}'", scalar_type_name(p.dtype));
  Tensor y;
  with_real(p.dtype, [&]<class T>(T) { y = each_pair<T>(p.a, p.b, [](T u, T v) { return std::hypot(u, v); }); });
  return record("Hypot", {p.a, p.b}, std::move(y), [a = Saved(p.a), b = Saved(p.b)](const Tensor& dy, Grads& grads) {
    const Tensor y = hypot(a.get(), b.get());
    if (grads.wants(0)) grads.add(0, dy * (a.get() / y));
    if (grads.wants(1)) grads.add(1, dy * (b.get() / y));
  });
}

Tensor xlogy(const Operand& x, const Operand& y) {
  require_defined("xlogy", x, y);
  check<TypeError>(x.is_tensor() || y.is_tensor(), "xlogy(): one of the operands must be a tensor");
  const Pair p(x, y, real_type(result_type(x, y)));
  Tensor z;
  with_real(p.dtype, [&]<class T>(T) { z = each_pair<T>(p.a, p.b, [](T u, T v) { return std::isnan(v) ? v : u == 0 ? T(0) : u * std::log(v); }); });
  const bool of_number = !y.is_tensor();  // of which a NaN counts as not positive
  return record("Xlogy", {p.a, p.b}, std::move(z), [x = Saved(p.a), y = Saved(p.b), of_number](const Tensor& dz, Grads& grads) {
    if (grads.wants(0)) grads.add(0, masked_fill(xlogy(dz, y.get()), eq(x.get(), 0) & (of_number ? logical_not(gt(y.get(), 0)) : le(y.get(), 0)), 0));
    if (grads.wants(1)) grads.add(1, dz * x.get() / y.get());
  });
}

Tensor copysign(const Tensor& magnitude, const Operand& sign) {
  require_defined("copysign", magnitude, sign);
  const Pair p(magnitude, sign, real_type(result_type(Operand(magnitude), sign)));
  Tensor y;
  with_real(p.dtype, [&]<class T>(T) { y = each_pair<T>(p.a, p.b, [](T u, T v) { return std::copysign(u, v); }); });
  const Saved output = Saved::output(y);
  return record("Copysign", {p.a, p.b}, std::move(y), [a = Saved(p.a), output, other = p.b.sizes().shape()](const Tensor& dy, Grads& grads) {
    const Tensor x = a.get().detach();
    grads.add(0, dy * where(eq(x, 0), 0, output.get().detach() / x));
    if (grads.wants(1)) grads.add(1, zeros(other, dy.dtype()));
  });
}

Tensor heaviside(const Tensor& x, const Tensor& values) {
  require_defined("heaviside", x, values);
  check<RuntimeError>(x.dtype() == values.dtype(), "heaviside is not yet implemented for tensors with different dtypes.");
  Tensor y;
  with_type(x.dtype(), [&]<class T>(T) { y = each_pair<T>(x, values, [](T u, T v) { return u == 0 ? v : T(u > 0); }); });
  return y;
}

namespace {

template <class F>
Tensor of_whole(const char* name, const Tensor& a, const Tensor& b, F f) {
  const Pair p(a, b, result_type(a, b));
  check<NotImplementedError>(is_integral(p.dtype, false), "\"{}_cpu\" not implemented for '{}'", name, scalar_type_name(p.dtype));
  if (p.dtype == kUInt8) return each_pair<std::uint8_t>(p.a, p.b, f);
  return each_pair<int64_t>(p.a, p.b, f);
}

}  // namespace

Tensor gcd(const Tensor& a, const Tensor& b) {
  require_defined("gcd", a, b);
  return of_whole("gcd", a, b, [](auto u, auto v) { return std::gcd(u, v); });
}
Tensor lcm(const Tensor& a, const Tensor& b) {
  require_defined("lcm", a, b);
  return of_whole("lcm", a, b, [](auto u, auto v) {
    using T = decltype(u);
    const T shared = std::gcd(u, v);
    const T product = shared == 0 ? T(0) : T(u / shared * v);
    return std::is_signed_v<T> && product < 0 ? T(-product) : product;
  });
}

}  // namespace ember
