// How a loss is reduced, from PyTorch's three arguments: size_average and reduce (the old ones), and reduction.
#pragma once

#include "bind/binding.h"

#include <ember/ops/loss.h>

namespace ember::parity {

/// The word, after the old arguments had their say.
inline std::string reduction_word(const Argument& size_average, const Argument& reduce, const Argument& reduction) {
  if (size_average.is_none() && reduce.is_none()) return reduction.is_text() ? reduction.text() : "none";
  if (!reduce.is_none() && !reduce.boolean()) return "none";
  return size_average.is_none() || size_average.boolean() ? "mean" : "sum";
}

inline Reduction reduction_of(const std::string& word) {
  if (word == "mean") return Reduction::Mean;
  if (word == "sum") return Reduction::Sum;
  if (word == "none") return Reduction::None;
  throw ValueError(word + " is not a valid value for reduction");
}

inline Reduction reduction_of(const Argument& size_average, const Argument& reduce, const Argument& reduction) {
  return reduction_of(reduction_word(size_average, reduce, reduction));
}

}  // namespace ember::parity
