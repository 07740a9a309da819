// Random numbers by sample.
#include <ember/data/draws.h>

#include <cmath>
#include <numbers>

#include "error_format.h"

namespace ember::data {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): a counter, mixed.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;

}  // namespace

Draws::Draws(std::uint64_t epoch_seed, std::uint64_t sample, std::uint64_t occurrence)
    : state_(mixed(mixed(mixed(epoch_seed + kStep) + (sample + 1) * kStep) + occurrence * kStep)) {}

std::uint64_t Draws::random64() { return mixed(state_ += kStep); }

double Draws::normal() {
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

// Marsaglia and Tsang 2000; below 1 by the power of a uniform number.
double Draws::gamma(double shape) {
  check<ValueError>(shape > 0, "Draws::gamma: expected a shape above 0, got {}", shape);
  if (shape < 1) {
    const double larger = gamma(shape + 1);
    return larger * std::pow(1 - uniform(), 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal(), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Draws::beta(double a, double b) {
  const double x = gamma(a), y = gamma(b);
  return x + y > 0 ? x / (x + y) : 0.5;
}

Tensor Transform::operator()(const Tensor& input, std::uint64_t seed) const {
  Sample batch{input.unsqueeze(0)};
  std::vector<Draws> draws{Draws(seed)};
  apply(batch, draws);
  check<RuntimeError>(!batch.empty() && batch[0].defined(), "Transform: it left no tensor");
  return batch[0].select(0, 0);
}

}  // namespace ember::data
