// The noise of dropout.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// noise = bernoulli(keep) / keep in one pass: the random numbers of bernoulli_, the values of a division behind it.
void fill_noise(const Tensor& noise, double keep);

}  // namespace ember
