// Bits of whole numbers; logic of bools; errors on real numbers. The values are PyTorch 2.13's.
#include "misuse/misuse.h"

namespace ember {
namespace {

TEST_CASE("misuse: & | ^ ~ << >> of whole numbers are bit by bit") {
  const Tensor i = tensor({6, 3}), b = tensor({true, false}), bytes = tensor({200, 3}, kUInt8);

  CHECK((i & 3).equal(tensor({2, 3})));
  CHECK((3 & i).equal(tensor({2, 3})));
  CHECK((i | 8).equal(tensor({14, 11})));
  CHECK((i ^ tensor({5, 5})).equal(tensor({3, 6})));
  CHECK((i & b).equal(tensor({0, 0})));
  CHECK((i & bytes).equal(tensor({0, 3})));
  CHECK((~i).equal(tensor({-7, -4})));
  CHECK((~bytes).equal(tensor({55, 252}, kUInt8)));
  CHECK((i << 1).equal(tensor({12, 6})));
  CHECK((1 << i).equal(tensor({64, 8})));
  CHECK((i << -1).equal(tensor({0, 0})));
  CHECK((i << 64).equal(tensor({0, 0})));
  CHECK((i >> 64).equal(tensor({0, 0})));
  CHECK((i >> -1).equal(tensor({0, 0})));
  CHECK((tensor({-5}) >> 1).equal(tensor({-3})));
  CHECK((tensor({-5}) >> 70).equal(tensor({-1})));
  CHECK((bytes << 1).equal(tensor({144, 6}, kUInt8)));
  CHECK((bytes << 8).equal(tensor({0, 0}, kUInt8)));
  CHECK((bytes >> 9).equal(tensor({0, 0}, kUInt8)));
  CHECK((bytes & 300).equal(tensor({8, 0}, kUInt8)));
  CHECK((b << 1).equal(tensor({2, 0})));
  CHECK((i.view({2, 1}) & tensor({1, 2})).equal(tensor({{0, 2}, {1, 2}})));
  CHECK((arange(12).view({3, 4}).T() & 1).equal((arange(12) % 2).view({3, 4}).T()));
  CHECK((zeros({0}, kInt64) & 1).numel() == 0);
}

TEST_CASE("misuse: & | ^ ~ of bools are logical") {
  const Tensor a = tensor({true, true, false, false}), b = tensor({true, false, true, false});

  CHECK((a & b).equal(tensor({true, false, false, false})));
  CHECK((a | b).equal(tensor({true, true, true, false})));
  CHECK((a ^ b).equal(tensor({false, true, true, false})));
  CHECK((~a).equal(tensor({false, false, true, true})));
  CHECK((a & true).dtype() == kBool);
  CHECK((a & 1).equal(tensor({1, 1, 0, 0})));
  CHECK((a | 2).equal(tensor({3, 3, 2, 2})));
}

TEST_CASE("misuse: bits in place") {
  const Tensor i = tensor({6, 3}), bytes = tensor({200, 3}, kUInt8), b = tensor({true, false});
  i &= 3;
  CHECK(i.equal(tensor({2, 3})));
  i |= 4;
  i ^= 1;
  i <<= 2;
  i >>= 1;
  CHECK(i.equal(tensor({14, 12})));
  bytes.bitwise_and_(i);
  CHECK(bytes.equal(tensor({8, 0}, kUInt8)));
  CHECK(i.bitwise_not_().equal(tensor({-15, -13})));

  refused<RuntimeError>("b &= whole numbers", "result type Long can't be cast to the desired output type Bool", {b}, [&] { b &= tensor({1, 1}); });
}

TEST_CASE("misuse: real numbers have no bits") {
  const Tensor f = tensor({1.5f, 2.f}), i = tensor({6, 3}), b = tensor({true, false});

  refused<NotImplementedError>("f & 1", "\"bitwise_and_cpu\" not implemented for 'Float'", {f}, [&] { f & 1; });
  refused<NotImplementedError>("i & 1.5", "\"bitwise_and_cpu\" not implemented for 'Float'", {i}, [&] { i & 1.5; });
  refused<NotImplementedError>("i | f", "\"bitwise_or_cpu\" not implemented for 'Float'", {i, f}, [&] { i | f; });
  refused<NotImplementedError>("f ^ 2", "\"bitwise_xor_cpu\" not implemented for 'Float'", {f}, [&] { f ^ 2; });
  refused<TypeError>("~f", "~ (operator.invert) is only implemented on integer and Boolean-type tensors", {f}, [&] { ~f; });
  refused<NotImplementedError>("f << 1", "\"lshift_cpu\" not implemented for 'Float'", {f}, [&] { f << 1; });
  refused<NotImplementedError>("f >> 1", "\"rshift_cpu\" not implemented for 'Float'", {f}, [&] { f >> 1; });
  refused<NotImplementedError>("b << b", "\"lshift_cpu\" not implemented for 'Bool'", {b}, [&] { b << b; });
  refused<NotImplementedError>("f &= 1", "\"bitwise_and_cpu\" not implemented for 'Float'", {f}, [&] { f &= 1; });
}

}  // namespace
}  // namespace ember
