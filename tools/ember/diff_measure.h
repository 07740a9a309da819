// How far two arrays are apart.
#pragma once

#include <ember/tensor.h>

#include <string>
#include <vector>

struct Distance {
  double size = 0;                 ///< root mean square, of the larger one
  double maximum = 0;              ///< largest absolute value of both
  double apart = 0;                ///< root mean square of the differences; infinite when only one is finite somewhere
  double error = 0, a = 0, b = 0;  ///< at the element that is farthest off for its size
  double largest = 0;              ///< difference of all
  std::int64_t at = 0, count = 0, differing = 0;
};

/// Differences up to `slack` do not count. `scale`: the size to which elements near zero are held, the array's own when 0.
Distance distance(const ember::Tensor& a, const ember::Tensor& b, double slack = 0);

/// The numbers as doubles, in the order of memory.
std::vector<double> numbers(const ember::Tensor& t);

/// Elements of a gradient that differ although rounding could have decided a maximum or the kink of a ReLU there: few, or where `output_a`
/// and `output_b`, the values that it is the gradient of, are within `closeness` of a kink or of another one that won. Returns their
/// number and takes them out of `apart`; 0 when what differs is no tie.
std::int64_t ties(const ember::Tensor& a, const ember::Tensor& b, const ember::Tensor* output_a, const ember::Tensor* output_b, double tolerance,
                  double closeness, double& apart);

std::vector<std::int64_t> position(const ember::Tensor& t, std::int64_t flat);
std::string shape_text(const ember::Tensor& t);  ///< "float32 (64, 10)"
bool equal_bits(const ember::Tensor& a, const ember::Tensor& b);
