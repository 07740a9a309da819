// What the tests of several ranks share: parts of a batch, nets, and checks that hold on all ranks or fail on all.
#pragma once

#include <ember/distributed.h>
#include <ember/ember.h>

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/close.h"

namespace ember {

/// True when it is true on every rank, so that a REQUIRE ends a test on all ranks or on none.
inline bool everywhere(bool mine) {
  const Tensor all = tensor({int64_t(mine)});
  distributed::all_reduce(all, distributed::ReduceOp::Min);
  return all.item<int64_t>() != 0;
}

inline bool close(const Tensor& a, const Tensor& b, double rtol, double atol) { return difference(a, b, rtol, atol).empty(); }

/// The same bits on every rank.
inline bool same_everywhere(const Tensor& t) {
  const Tensor theirs = t.detach().clone();
  distributed::broadcast(theirs, 0);
  return everywhere(theirs.equal(t.detach()));
}

/// Sizes of the parts of n samples: equal ones, or growing with the rank (the first may be empty).
inline std::vector<int64_t> part_sizes(int64_t n, bool even) {
  const int64_t ranks = distributed::world_size();
  std::vector<int64_t> sizes;
  int64_t left = n;
  for (int64_t r = 0; r < ranks; ++r) {
    const int64_t size = r + 1 == ranks ? left : even ? n / ranks : std::min(left, 1 + r * n / (ranks * ranks));
    sizes.push_back(size);
    left -= size;
  }
  return sizes;
}

/// This rank's part of a batch.
inline Tensor part_of(const Tensor& batch, const std::vector<int64_t>& sizes) {
  int64_t begin = 0;
  for (int r = 0; r < distributed::rank(); ++r) begin += sizes[std::size_t(r)];
  return batch.narrow(0, begin, sizes[std::size_t(distributed::rank())]);
}

/// What `call` throws, or "".
template <class Call>
std::string text_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

}  // namespace ember
