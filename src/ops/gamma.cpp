// Recurrences up to where the asymptotic series hold, reflections below 0.
#include "ops/gamma.h"

#include <cmath>
#include <limits>

namespace ember {
namespace {

constexpr double kPi = 3.14159265358979323846, kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

}  // namespace

// Upwards by digamma(x) = digamma(x + 1) - 1 / x, then the asymptotic series (Abramowitz & Stegun 6.3.18); below 0 by reflection.
double digamma_of(double x) {
  if (x == 0) return std::copysign(kInf, -x);
  if (x < 0) {
    double whole;
    const double part = std::modf(x, &whole);
    if (part == 0) return kNaN;
    return digamma_of(1 - x) - kPi / std::tan(kPi * part);
  }
  if (std::isnan(x)) return x;
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  if (std::isinf(x)) return x;
  const double z = 1 / (x * x);
  const double series = z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12))))));
  return sum + std::log(x) - 0.5 / x - series;
}

// Ten terms, then the Euler-Maclaurin formula for the rest.
double zeta_of(double s, double x) {
  if (s == 1) return kInf;
  if (s < 1 || std::isnan(x)) return kNaN;
  if (x <= 0) {
    if (x == std::floor(x)) return kInf;
    if (s != std::floor(s)) return kNaN;
  }
  double sum = 0;
  for (int k = 0; k < 10 || x < 10; ++k, x += 1) sum += std::pow(x, -s);
  if (std::isinf(x)) return sum;
  constexpr double bernoulli[] = {1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,     5.0 / 66,
                                  -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798, -174611.0 / 330};
  double term = std::pow(x, -s);
  sum += term * x / (s - 1) + 0.5 * term;
  double factor = s * term / x;  // s (s + 1) ... x^(-s - 2k + 1) / (2k)!
  double factorial = 2;
  for (int k = 1; k <= 10; ++k) {
    sum += bernoulli[k - 1] / factorial * factor;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / (x * x);
    factorial *= (2 * k + 1) * (2 * k + 2);
  }
  return sum;
}

double polygamma_of(std::int64_t n, double x) {
  if (n == 0) return digamma_of(x);
  if (n == 1 && x < 0.5) {  // reflection; at 0 and the negative integers infinite
    const double sine = std::sin(kPi * x);
    return kPi * kPi / (sine * sine) - zeta_of(2, 1 - x);
  }
  return (n % 2 ? 1.0 : -1.0) * std::exp(std::lgamma(double(n) + 1)) * zeta_of(double(n) + 1, x);
}

// Giles 2012 gives a start; two steps of Newton's method make it exact.
double erfinv_of(double x) {
  if (!(std::fabs(x) <= 1)) return kNaN;
  if (std::fabs(x) == 1) return std::copysign(kInf, x);
  double w = -std::log((1 - x) * (1 + x)), y;
  if (w < 5) {
    w -= 2.5;
    y = ((((((((2.81022636e-08 * w + 3.43273939e-07) * w - 3.5233877e-06) * w - 4.39150654e-06) * w + 0.00021858087) * w - 0.00125372503) * w -
           0.00417768164) *
              w +
          0.246640727) *
             w +
         1.50140941) *
        x;
  } else {
    w = std::sqrt(w) - 3;
    y = ((((((((-0.000200214257 * w + 0.000100950558) * w + 0.00134934322) * w - 0.00367342844) * w + 0.00573950773) * w - 0.0076224613) * w +
           0.00943887047) *
              w +
          1.00167406) *
             w +
         2.83297682) *
        x;
  }
  for (int step = 0; step < 2; ++step) {
    const double miss = x >= 0 ? std::erfc(y) - (1 - x) : std::erf(y) - x;  // near 1 erf has no digits left
    y += (x >= 0 ? 1 : -1) * miss / (2 / std::sqrt(kPi) * std::exp(-y * y));
  }
  return y;
}

}  // namespace ember
