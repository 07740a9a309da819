// Comparing tensors and numbers by the rules of the case files.
#include "runner/compare.h"

#include "error_format.h"

#include <ember/autograd.h>

#include <cmath>

namespace ember::parity {
namespace {

Tolerance resolve(Tolerance t, DType dtype) {
  if (!is_floating_point(dtype)) return {0, 0};
  if (t.rtol < 0 && t.atol < 0) return dtype == kFloat32 ? Tolerance{1.3e-6, 1e-5} : Tolerance{1e-7, 1e-7};
  return {std::max(t.rtol, 0.0), std::max(t.atol, 0.0)};
}

/// The error in units of the tolerance; infinite where no tolerance can help.
double error_units(double got, double want, Tolerance t) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  if (!std::isfinite(got) || !std::isfinite(want)) return INFINITY;
  const double allowed = t.atol + t.rtol * std::abs(want), error = std::abs(got - want);
  return allowed > 0 ? error / allowed : INFINITY;
}

std::string index_text(int64_t flat, IntArrayRef sizes) {
  Shape index = sizes.shape();
  for (int d = sizes.size() - 1; d >= 0; --d) {
    index[d] = flat % sizes[d];
    flat /= sizes[d];
  }
  return to_string(index);
}

template <class T>
void compare_elements(Findings& findings, const std::string& what, const Tensor& got, const Tensor& want, Tolerance t) {
  const T *g = got.data<T>(), *w = want.data<T>();
  int64_t wrong = 0, worst_at = 0;
  double worst = 0;
  for (int64_t i = 0; i < want.numel(); ++i) {
    double units;
    if constexpr (std::is_floating_point_v<T>) units = error_units(double(g[i]), double(w[i]), t);
    else units = g[i] == w[i] ? 0 : INFINITY;
    wrong += units > 1;
    if (units > worst) worst = units, worst_at = i;
  }
  findings.worst = std::max(findings.worst, worst);
  if (!wrong) return;
  const double a = double(g[worst_at]), b = double(w[worst_at]);
  findings.add(fmt::format("{} at {}: got {:.9g}, want {:.9g}, error {:.3g} ({:.3g} of the tolerance), {} of {} wrong", what,
                           index_text(worst_at, want.sizes()), a, b, std::abs(a - b), worst, wrong, want.numel()));
}

}  // namespace

Tolerance Tolerance::of_case(const Json& json) { return {json.value("rtol", -1.0), json.value("atol", -1.0)}; }

void compare_tensors(Findings& findings, const std::string& what, const Tensor& got, const Tensor& want, Tolerance tolerance) {
  if (!got.defined()) return findings.add(what + ": got no tensor");
  if (!(got.sizes() == want.sizes()) || got.dtype() != want.dtype())
    return findings.add(fmt::format("{}: got {} of {}, want {} of {}", what, got.sizes(), name(got.dtype()), want.sizes(), name(want.dtype())));
  NoGradGuard no_grad;
  const Tensor dense = got.detach().contiguous();
  const Tolerance t = resolve(tolerance, want.dtype());
  switch (want.dtype()) {
    case DType::Float32: return compare_elements<float>(findings, what, dense, want, t);
    case DType::Float64: return compare_elements<double>(findings, what, dense, want, t);
    case DType::Int64: return compare_elements<int64_t>(findings, what, dense, want, t);
    case DType::UInt8: return compare_elements<std::uint8_t>(findings, what, dense, want, t);
    default: return compare_elements<bool>(findings, what, dense, want, t);
  }
}

void compare_values(Findings& findings, const std::string& what, const Value& got, const Value& want, Tolerance tolerance) {
  const auto *got_tensor = got.as<Tensor>(), *want_tensor = want.as<Tensor>();
  if (got_tensor && want_tensor) return compare_tensors(findings, what, *got_tensor, *want_tensor, tolerance);
  if (got.content.index() != want.content.index()) return findings.add(fmt::format("{}: got {}, want {}", what, got.describe(), want.describe()));
  if (const auto* number = want.as<double>()) {
    const double units = error_units(*got.as<double>(), *number, resolve(tolerance, kFloat64));
    findings.worst = std::max(findings.worst, units);
    if (units > 1) findings.add(fmt::format("{}: got {:.17g}, want {:.17g}", what, *got.as<double>(), *number));
  } else if (got.describe() != want.describe()) {
    findings.worst = INFINITY;
    findings.add(fmt::format("{}: got {}, want {}", what, got.describe(), want.describe()));
  }
}

List flatten_values(const List& values) {
  List flat;
  for (const Value& value : values) {
    if (const auto* list = value.as<List>()) {
      for (Value& inner : flatten_values(*list)) flat.push_back(std::move(inner));
    } else {
      flat.push_back(value);
    }
  }
  return flat;
}

void compare_outputs(Findings& findings, const std::string& what, const List& got, const Json& outputs, const Suite& suite, Tolerance tolerance) {
  const List flat = flatten_values(got);
  Inputs stored(suite, nullptr, nullptr);
  const List want = flatten_values(stored.list(outputs));
  if (flat.size() != want.size()) return findings.add(fmt::format("{}: got {} outputs, want {}", what, flat.size(), want.size()));
  for (std::size_t i = 0; i < want.size(); ++i) compare_values(findings, fmt::format("{}output {}", what, i), flat[i], want[i], tolerance);
}

}  // namespace ember::parity
