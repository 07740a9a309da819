// Generator::toss against one 53-bit number after the other.
#include <ember/ember.h>

#include <vector>

#include "support/catch.h"

using namespace ember;

namespace {

std::vector<std::uint64_t> numbers(Generator g, int64_t n) {
  std::vector<std::uint64_t> v;
  for (int64_t i = 0; i < n; ++i) v.push_back(g.random64() & ((std::uint64_t(1) << 53) - 1));
  return v;
}

void check_toss(const Generator& start, int64_t n, std::uint64_t threshold) {
  Generator tossed = start, single = start;
  std::vector<std::uint8_t> coins(std::size_t(n) + 1, 7);
  tossed.toss(n, threshold, coins.data());
  bool same = coins.back() == 7;
  for (int64_t i = 0; i < n; ++i) same &= coins[std::size_t(i)] == ((single.random64() & ((std::uint64_t(1) << 53) - 1)) < threshold);
  CHECK(same);
  CHECK(tossed.random() == single.random());
}

}  // namespace

TEST_CASE("coins are comparisons of 53 bits, from wherever the generator stands") {
  for (const int64_t n : {1, 7, 311, 312, 313, 624, 2000})
    for (const int drawn : {0, 1, 2, 300, 311, 622, 623, 624, 625}) {
      Generator g(9);
      for (int i = 0; i < drawn; ++i) g.random();
      INFO(n << " coins after " << drawn << " words");
      for (const double p : {0.0, 0.1, 0.5, 0.9, 1.0}) check_toss(g, n, std::uint64_t(p * 0x1p53));
    }
}

TEST_CASE("where the high words are equal, the low ones decide") {
  const Generator g(4);
  const std::vector<std::uint64_t> v = numbers(g, 1000);
  for (const std::size_t i : {0, 1, 15, 16, 303, 304, 311, 312, 700})
    for (const std::uint64_t off : {0, 1, 2}) check_toss(g, 1000, v[i] + off - 1);
}
