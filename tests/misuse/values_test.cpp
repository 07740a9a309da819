// Values that no operation can work with: PyTorch's errors, before anything is computed.
#include <cmath>

#include "misuse/misuse.h"

namespace ember {
namespace {

TEST_CASE("misuse: numbers that a whole number cannot hold") {
  const Tensor whole = zeros({2}, kInt64), bytes = zeros({2}, kUInt8), mask = tensor({true, false});
  const char* const int64_words = "value cannot be converted to type int64_t without overflow";
  const char* const uint8_words = "value cannot be converted to type uint8_t without overflow";

  refused<RuntimeError>("full({2}, NaN, kInt64)", int64_words, [&] { full({2}, NAN, kInt64); });
  refused<RuntimeError>("tensor({NaN}, kInt64)", int64_words, [&] { tensor({NAN}, kInt64); });
  refused<RuntimeError>("tensor({300}, kUInt8)", uint8_words, [&] { tensor({300}, kUInt8); });
  refused<RuntimeError>("whole.fill_(NaN)", int64_words, {whole}, [&] { whole.fill_(NAN); });
  refused<RuntimeError>("whole.fill_(infinity)", int64_words, {whole}, [&] { whole.fill_(INFINITY); });
  refused<RuntimeError>("whole[0] = NaN", int64_words, {whole}, [&] { whole[0] = NAN; });
  refused<RuntimeError>("whole.masked_fill(mask, NaN)", int64_words, {whole}, [&] { whole.masked_fill(mask, NAN); });
  refused<RuntimeError>("bytes.fill_(300)", uint8_words, {bytes}, [&] { bytes.fill_(300); });
  refused<RuntimeError>("NaN as item<int64_t>()", int64_words, [&] { tensor(NAN).item<int64_t>(); });
  refused<RuntimeError>("1e30 as item<int64_t>()", int64_words, [&] { tensor(1e30).item<int64_t>(); });
  refused<RuntimeError>("2^40 as item<int>()", "value cannot be converted to type int without overflow",
                        [&] { tensor(int64_t(1) << 40).item<int>(); });
  refused<RuntimeError>("double v = 2^60 + 1", "value cannot be converted to type double without overflow",
                        [&] { [[maybe_unused]] const double v = tensor((int64_t(1) << 60) + 1).item(); });
  refused<RuntimeError>("arange to NaN", "unsupported range: 0 -> nan", [&] { arange(NAN); });
  refused<RuntimeError>("arange by NaN", "step must be nonzero", [&] { arange(0, 1, NAN); });
  refused<RuntimeError>("arange by 0", "step must be nonzero", [&] { arange(0, 1, 0); });
  CHECK(tensor({-1}, kUInt8).item<int>() == 255);  // integers wrap around, as in PyTorch
  CHECK(tensor({2.7}, kInt64).item<int>() == 2);
  CHECK(tensor(-0x1p63).item<int64_t>() == INT64_MIN);
}

TEST_CASE("misuse: from_blob takes the type of its pointer") {
  double numbers[2] = {1, 2};
  std::uint8_t bytes[8] = {};

  CHECK(from_blob(numbers, {2}).dtype() == kFloat64);
  CHECK(from_blob(numbers, {2}).sum().item<double>() == 3);
  CHECK(from_blob(static_cast<void*>(bytes), {2}).dtype() == kFloat32);  // as libtorch
  refused<RuntimeError>("double* as float32", "from_blob: expected memory of float32, got a pointer to float64",
                        [&] { from_blob(numbers, {2}, kFloat32); });
  refused<RuntimeError>("bytes as int64", "from_blob: expected memory of int64, got a pointer to uint8", [&] { from_blob(bytes, {1}, kInt64); });
  refused<RuntimeError>("null", "from_blob: expected memory for sizes [2], got a null pointer",
                        [&] { from_blob(static_cast<float*>(nullptr), {2}); });
  refused<RuntimeError>("a negative size", "Trying to create tensor with negative dimension -1", [&] { from_blob(numbers, {-1}); });
  refused<RuntimeError>("strides of another number of dimensions", "dimensionality of sizes (1) must match dimensionality of strides (2)",
                        [&] { from_blob(numbers, {2}, {1, 1}); });
  refused<RuntimeError>("a negative stride", "Negative strides are not supported", [&] { from_blob(numbers, {2}, {-1}); });
}

TEST_CASE("misuse: elements by accessors, pointers and vectors of another kind") {
  const Tensor x = arange(6.f).view(2, 3);
  const auto a = x.accessor<float, 2>();

  refused<IndexError>("a[2]", "index 2 is out of bounds for a dimension with size 2", {x}, [&] { a[2]; });
  refused<IndexError>("a[0][-1]", "index -1 is out of bounds for a dimension with size 3", {x}, [&] { a[0][-1]; });
  refused<IndexError>("a.size(2)", "out of bounds", {x}, [&] { a.size(2); });
  refused<RuntimeError>("accessor<float, 1>", "TensorAccessor expected 1 dims but tensor has 2", {x}, [&] { x.accessor<float, 1>(); });
  refused<RuntimeError>("accessor<double, 2>", "expected scalar type Double but found Float", {x}, [&] { x.accessor<double, 2>(); });
  refused<RuntimeError>("data_ptr<int64_t>", "expected scalar type Long but found Float", {x}, [&] { x.data_ptr<int64_t>(); });
  refused<RuntimeError>("item of many", "a Tensor with 6 elements cannot be converted to Scalar", {x}, [&] { x.item(); });
  CHECK(a[1][2] == 5);
  const Tensor columns = x.T();
  CHECK(columns.accessor<float, 2>()[2][1] == 5);
  CHECK(columns.to_vector<double>() == std::vector<double>{0, 3, 1, 4, 2, 5});
  CHECK((x > 2).to_vector<bool>() == std::vector<bool>{false, false, false, true, true, true});
  x.accessor<float, 2>()[0][0] = 9;
  CHECK(x[0][0].item<float>() == 9);
}

TEST_CASE("misuse: arguments outside of what an operation means") {
  const Tensor half = full({2}, 0.5), x = zeros({1, 1, 4, 4}), mean = zeros({1});
  const char* const both = "running_mean and running_var must either both be None or neither be None";

  refused<RuntimeError>("BCE target 2", "all elements of target should be between 0 and 1", [&] { binary_cross_entropy(half, full({2}, 2.f)); });
  refused<RuntimeError>("BCE target -1", "all elements of target should be between 0 and 1", [&] { binary_cross_entropy(half, full({2}, -1.f)); });
  refused<RuntimeError>("BCE target NaN", "all elements of target should be between 0 and 1", [&] { binary_cross_entropy(half, full({2}, NAN)); });
  refused<RuntimeError>("BCE input 1.5", "all elements of input should be between 0 and 1", [&] { binary_cross_entropy(full({2}, 1.5f), half); });
  refused<RuntimeError>("dropout2d of one dimension", "Feature dropout requires at least 2 dimensions in the input", [&] { dropout2d(zeros({3})); });
  refused<RuntimeError>("dropout1d of one dimension", "dropout1d: Expected 2D or 3D input, but received a 1D input", [&] { dropout1d(zeros({3})); });
  refused<ValueError>("dropout of 1.1", "dropout probability has to be between 0 and 1, but got 1.1", [&] { dropout(half, 1.1); });
  refused<ValueError>("only a running mean", both, {mean}, [&] { batch_norm(x, mean, {}, {}, {}, true); });
  refused<ValueError>("only a running variance", both, {mean}, [&] { batch_norm(x, {}, mean, {}, {}, true); });
  refused<ValueError>("only a running mean of instances", both, {mean}, [&] { instance_norm(x, mean, {}); });
  refused<RuntimeError>("no running statistics", "running_mean must be defined in evaluation mode", [&] { batch_norm(x, {}, {}); });
  refused<ValueError>("reduction = \"avg\"", "avg is not a valid value for reduction", [&] { mse_loss(half, half, {.reduction = "avg"}); });
  refused<ValueError>("batchmean of mse", "batchmean is not a valid value for reduction", [&] { mse_loss(half, half, {.reduction = "batchmean"}); });
  refused<NotImplementedError>("padding mode", "Unrecognised padding mode mirror", [&] { pad(x, {1, 1}, "mirror"); });
  refused<RuntimeError>("Conv2d(1, 1, {3, 3, 3})", "expected a single integer value or a list of 2 values to match the dimensions, but got [3, 3, 3]",
                        [&] { nn::Conv2d(1, 1, {3, 3, 3}); });
  refused<IndexError>("x.index({\"..\"})", "invalid index '..'", {x}, [&] { x.index({".."}); });
}

}  // namespace
}  // namespace ember
