// The noise of dropout.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// noise = bernoulli(keep) / keep in one pass: the random numbers of bernoulli_, the values of a division behind it.
void fill_noise(const Tensor& noise, double keep);

/// y = x * noise without a noise in memory: all float32 and dense in the same way. kept gets 1 where an element stays and 0 elsewhere;
/// undefined where nobody asks.
void drop_out(const Tensor& x, double keep, const Tensor& y, const Tensor& kept);
/// dx = dy * the same noise.
void drop_out_again(const Tensor& dy, double keep, const Tensor& kept, const Tensor& dx);

}  // namespace ember
