// Assignment to what a function has returned: into the view, as libtorch does it, or an error where the write would be lost.
#include "misuse/misuse.h"

namespace ember {
namespace {

TEST_CASE("misuse: assignment to an index or another view writes into it") {
  Tensor x = zeros({2, 3});

  x[0] = tensor({1.f, 2.f, 3.f});
  CHECK(x.equal(tensor({{1.f, 2.f, 3.f}, {0.f, 0.f, 0.f}})));
  x[1] = 7;
  CHECK(x.equal(tensor({{1.f, 2.f, 3.f}, {7.f, 7.f, 7.f}})));
  x[1][2] = 0.5;
  CHECK(x[1][2].item<float>() == 0.5f);
  x.index({Slice(), 0}) = tensor({8, 9});  // converted to float32
  CHECK(x.select(1, 0).equal(tensor({8.f, 9.f})));
  x.index({"...", -1}) = -1;
  CHECK(x.select(1, 2).equal(full({2}, -1.f)));
  x.select(1, 1) = ones({});  // broadcast
  CHECK(x.select(1, 1).equal(ones({2})));
  x.slice(0, 1) += 1;
  CHECK(x[1].equal(tensor({10.f, 2.f, 0.f})));
  x.view({6}) = arange(6);
  CHECK(x.equal(arange(6.f).reshape({2, 3})));
  x.T() = zeros({3, 2});
  CHECK(x.equal(zeros({2, 3})));
  x.diagonal() = 4;
  CHECK(x.sum().item<float>() == 8);
  x[0] = x[1];
  CHECK(x[0].equal(x[1]));
  x[0] = x[1] = tensor({1, 2, 3});
  CHECK(x[0].equal(tensor({1.f, 2.f, 3.f})));
}

TEST_CASE("misuse: assignment to a variable gives it another tensor and writes nothing") {
  Tensor x = zeros({2, 2}), y = x[0];
  const std::uint32_t version = x.version();
  y = ones({2});
  CHECK(x.equal(zeros({2, 2})));
  CHECK(x.version() == version);
  y = {};
  CHECK_FALSE(y.defined());
}

TEST_CASE("misuse: assignment to a view is recorded on the tape") {
  // The numbers of torch: x = w * 1; x[0] = v * v; (x * x).sum().backward()
  const Tensor w = tensor({{1.f, 2.f}, {3.f, 4.f}}, {.requires_grad = true}), v = tensor({5.f, 6.f}, {.requires_grad = true});
  Tensor x = w * 1;
  x[0] = v * v;
  (x * x).sum().backward();
  CHECK(w.grad().equal(tensor({{0.f, 0.f}, {6.f, 8.f}})));
  CHECK(v.grad().equal(tensor({500.f, 864.f})));

  const Tensor z = w * 2;
  z.select(1, 0) = 0;
  w.set_grad({});
  z.sum().backward();
  CHECK(w.grad().equal(tensor({{0.f, 2.f}, {0.f, 2.f}})));
}

TEST_CASE("misuse: assignments that are refused") {
  const Tensor x = zeros({2, 3}), leaf = ones({2, 3}).requires_grad_(), u;

  refused<RuntimeError>("x[0] = zeros({4})", "The expanded size of the tensor (3) must match the existing size (4)", {x}, [&] { x[0] = zeros({4}); });
  refused<IndexError>("x[2] = 1", "index 2 is out of bounds for dimension 0 with size 2", {x}, [&] { x[2] = 1; });
  refused<RuntimeError>("leaf[0] = 1", "a view of a leaf Variable that requires grad is being used in an in-place operation.", {leaf},
                        [&] { leaf[0] = 1; });
  refused<RuntimeError>("x.expand({2, 2, 3})[0] ...", "more than one element of the written-to tensor refers to a single memory location", {x},
                        [&] { x[0].expand({2, 3}) = 1; });
  refused<RuntimeError>("u[0] = 1", "undefined Tensor", [&] { u[0] = 1; });
  refused<RuntimeError>("bytes[0] = 300", "value cannot be converted to type uint8_t without overflow", [&] { zeros({2}, kUInt8)[0] = 300; });
}

TEST_CASE("misuse: a write that nobody could see is an error") {
  const Tensor x = arange(4.f), mask = x > 1, picked = tensor({0, 2});
  const char* const words = "assignment to a temporary tensor, which nobody could read afterwards";

  refused<RuntimeError>("x.index({mask}) = 0", words, {x}, [&] { x.index({mask}) = 0; });
  refused<RuntimeError>("x[picked] = 0", words, {x}, [&] { x[picked] = 0; });
  refused<RuntimeError>("x.clone() = x", words, {x}, [&] { x.clone() = x; });
  refused<RuntimeError>("x + 1 = x", words, {x}, [&] { x + 1 = x; });
  refused<RuntimeError>("x.to(kFloat64) = 1", words, {x}, [&] { x.to(kFloat64) = 1; });
  refused<RuntimeError>("zeros({2}) = 1", words, [&] { zeros({2}) = 1; });
  refused<RuntimeError>("x.T().reshape(4) of a matrix", words, [&] { arange(4.f).view(2, 2).T().reshape(4) = 1; });
  refused<RuntimeError>("x.index({mask}) += 1", words, {x}, [&] { x.index({mask}) += 1; });
  refused<RuntimeError>("x[picked] *= 2", words, {x}, [&] { x[picked] *= 2; });
  refused<RuntimeError>("x.clone() -= x", words, {x}, [&] { x.clone() -= x; });
  refused<RuntimeError>("(x + 1) /= 2", words, {x}, [&] { (x + 1) /= 2; });
  refused<RuntimeError>("(x > 1) |= mask", words, {x}, [&] { (x > 1) |= mask; });
  x.index_put_({mask}, 0);
  CHECK(x.equal(tensor({0.f, 1.f, 0.f, 0.f})));
  float outside[2] = {1, 2};
  from_blob(outside, {2}) = 5;  // the memory of somebody who can read it
  CHECK(outside[1] == 5);
}

TEST_CASE("misuse: writes in place into one of several views of one operation") {
  const Tensor leaf = ones({4}).requires_grad_(), y = leaf * 1;
  const char* const words = "is a view and is being modified inplace. This view is the output of a function that returns multiple views.";

  refused<RuntimeError>("split", std::string("Output 0 of Split ") + words, {y}, [&] { y.split(2)[0].add_(1); });
  refused<RuntimeError>("split with sizes", std::string("Output 1 of SplitWithSizes ") + words, {y}, [&] { y.split({1, 3})[1].add_(1); });
  refused<RuntimeError>("chunk", std::string("Output 1 of Split ") + words, {y}, [&] { y.chunk(2)[1].mul_(2); });
  refused<RuntimeError>("unbind", std::string("Output 1 of Unbind ") + words, {y}, [&] { y.unbind()[1].zero_(); });
  refused<RuntimeError>("copy_ of what requires a gradient", "returns multiple views", [&] { ones({4}).split(2)[0].copy_(y.slice(0, 0, 2)); });

  const Tensor plain = ones({4});  // without gradients the views can be written to, as in PyTorch
  plain.split(2)[0].add_(1);
  plain.unbind()[3].zero_();
  CHECK(plain.equal(tensor({2.f, 2.f, 1.f, 0.f})));
  NoGradGuard no_grad;
  y.split(2)[0].add_(1);
  CHECK(y.equal(tensor({2.f, 2.f, 1.f, 1.f})));
}

}  // namespace
}  // namespace ember
