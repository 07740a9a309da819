// The hand-written digits of the examples: 1,797 images of 8x8, four fifths to train on and one fifth held out.
#pragma once

#include <ember/ember.h>

struct Digits {
  ember::Tensor train_x, train_y, test_x, test_y;  // (N, 1, 8, 8) float32 in 0..1; (N) int64
};

/// Every fifth image is held out. Rows of the file come from different writers in turn.
inline Digits load_digits(const std::string& path = EMBER_EXAMPLE_DATA "/digits.csv.gz") {
  using namespace ember;
  const Tensor table = data::read_csv(path);
  const Tensor x = (table.narrow(1, 0, 64) / 16).reshape({-1, 1, 8, 8}), y = table.select(1, 64).to(kInt64);
  const Tensor held_out = arange(x.size(0)) % 5 == 4;
  return {x.index({~held_out}), y.index({~held_out}), x.index({held_out}), y.index({held_out})};
}
