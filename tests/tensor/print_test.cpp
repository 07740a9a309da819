// Tensors as text: PyTorch's, character for character.
#include <ember/ember.h>

#include <cmath>

#include "support/catch.h"

using namespace ember;

TEST_CASE("numbers are printed with as many digits as the tensor needs") {
  CHECK(to_string(tensor({1., 2.5})) == "tensor([1.0000, 2.5000])");
  CHECK(to_string(tensor({1., 2.})) == "tensor([1., 2.])");
  CHECK(to_string(tensor({-0.})) == "tensor([-0.])");
  CHECK(to_string(tensor({{1, 20}, {300, 4}})) == "tensor([[  1,  20],\n        [300,   4]])");
  CHECK(to_string(scalar_tensor(3.14159)) == "tensor(3.1416)");
  CHECK(to_string(scalar_tensor(7, {.dtype = kInt64})) == "tensor(7)");
  CHECK(to_string(tensor({true, false})) == "tensor([ True, False])");
  CHECK(to_string(tensor({{1.5, -2.}, {3., 4.}}, kFloat64)) == "tensor([[ 1.5000, -2.0000],\n        [ 3.0000,  4.0000]], dtype=torch.float64)");
  CHECK(to_string(tensor({1, 2}, kUInt8)) == "tensor([1, 2], dtype=torch.uint8)");
}

TEST_CASE("a wide range is printed with exponents") {
  CHECK(to_string(tensor({1e-8, 1.})) == "tensor([1.0000e-08, 1.0000e+00])");
  CHECK(to_string(tensor({123456., 0.5})) == "tensor([1.2346e+05, 5.0000e-01])");
  CHECK(to_string(tensor({0.1, 0.25, 1000.})) == "tensor([1.0000e-01, 2.5000e-01, 1.0000e+03])");
  CHECK(to_string(tensor({1e5, 2e5})) == "tensor([100000., 200000.])");
  CHECK(to_string(tensor({12345678.})) == "tensor([12345678.])");
  CHECK(to_string(scalar_tensor(1e-5)) == "tensor(1.0000e-05)");
}

TEST_CASE("NaN, infinity and nothing") {
  CHECK(to_string(tensor({double(NAN), double(INFINITY), -1.})) == "tensor([nan, inf, -1.])");
  CHECK(to_string(zeros({0})) == "tensor([])");
  CHECK(to_string(zeros({2, 0})) == "tensor([], size=(2, 0))");
}

TEST_CASE("three dimensions, long rows, and tensors too large to show") {
  CHECK(to_string(zeros({2, 2, 2})) == "tensor([[[0., 0.],\n         [0., 0.]],\n\n        [[0., 0.],\n         [0., 0.]]])");
  const std::string row = "1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,\n         ";
  CHECK(to_string(ones({1, 40})) == "tensor([[" + row + row + "1., 1., 1., 1.]])");
  CHECK(to_string(arange(1200.)) == "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.1970e+03, 1.1980e+03,\n        1.1990e+03])");
}

TEST_CASE("where a tensor comes from") {
  CHECK(to_string(ones({3}, {.requires_grad = true})) == "tensor([1., 1., 1.], requires_grad=True)");
  CHECK(to_string(ones({2}, {.requires_grad = true}) * 2) == "tensor([2., 2.], grad_fn=<MulBackward0>)");
}
