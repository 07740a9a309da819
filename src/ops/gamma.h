// The gamma function's relatives as functions of one number, in double precision.
#pragma once

#include <cstdint>

namespace ember {

double digamma_of(double x);
/// Hurwitz: the sum over k >= 0 of (x + k)^-s, s > 1.
double zeta_of(double s, double x);
double polygamma_of(std::int64_t n, double x);
double erfinv_of(double x);

}  // namespace ember
