// Sizes whose products or sums do not fit, and windows of no or negative size: refused before any work.
#include "misuse/misuse.h"

namespace ember {
namespace {

constexpr int64_t kHuge = int64_t(1) << 62;
const char* const kNumel = "numel: integer multiplication overflow";
const char* const kStorage = "Storage size calculation overflowed with sizes=";

TEST_CASE("misuse: sizes of views and of new tensors that overflow") {
  const Tensor x = zeros({2}), one = zeros({1}), none = zeros({0});

  refused<RuntimeError>("none.reshape", kNumel, {none}, [&] { none.reshape({int64_t(1) << 32, int64_t(1) << 32}); });
  refused<RuntimeError>("none.view", kNumel, {none}, [&] { none.view({int64_t(1) << 32, int64_t(1) << 32, -1}); });
  refused<RuntimeError>("one.expand", kNumel, {one}, [&] { one.expand({kHuge, 4}); });
  refused<RuntimeError>("one.broadcast_to", kNumel, {one}, [&] { one.broadcast_to({kHuge, kHuge}); });
  refused<RuntimeError>("zeros", kStorage, [&] { zeros({int64_t(1) << 40, int64_t(1) << 40}); });
  refused<RuntimeError>("zeros with an empty dimension", kStorage, [&] { zeros({0, int64_t(1) << 40, int64_t(1) << 40}); });
  refused<RuntimeError>("zeros of 2^62", kStorage, [&] { zeros({kHuge}); });
  refused<RuntimeError>("zeros of -1", "Trying to create tensor with negative dimension -1: [2, -1]", [&] { zeros({2, -1}); });
  refused<RuntimeError>("randn", kStorage, [&] { randn({kHuge, 2}); });
  refused<RuntimeError>("eye", kStorage, [&] { eye(int64_t(1) << 40); });
  refused<RuntimeError>("empty_strided", kStorage, [&] { empty_strided({2, 2}, {kHuge, 4}, kFloat32); });
  refused<RuntimeError>("empty_strided of negative strides", "Negative strides are not supported", [&] { empty_strided({2}, {-1}, kFloat32); });
  refused<RuntimeError>("as_strided", "Storage size calculation overflowed with sizes=[3] and strides=[2305843009213693952]", {x},
                        [&] { x.as_strided({3}, {int64_t(1) << 61}); });
  refused<RuntimeError>("as_strided with a negative offset", "Tensor: invalid storage offset -3", {x}, [&] { x.as_strided({1}, {1}, -3); });
  refused<RuntimeError>("as_strided with a huge offset", "out of bounds for storage", {x}, [&] { x.as_strided({1}, {1}, kHuge); });
  refused<RuntimeError>("as_strided of many", "overflow", {x}, [&] { x.as_strided({kHuge, 4}, {0, 0}); });
  refused<RuntimeError>("from_blob", kStorage, [&] {
    float f = 0;
    from_blob(&f, {4}, {kHuge});
  });
  refused<RuntimeError>("arange", "invalid size, possible overflow?", [&] { arange(0, 1e18, 1e-3); });
  refused<RuntimeError>("arange to 1e30", "invalid size, possible overflow?", [&] { arange(0, 1e30); });
  refused<RuntimeError>("arange over all integers", "invalid size, possible overflow?", [&] { arange(INT64_MIN, INT64_MAX, 1); });
  refused<RuntimeError>("linspace", kStorage, [&] { linspace(0, 1, int64_t(1) << 60); });
}

TEST_CASE("misuse: operations whose results would overflow") {
  const Tensor x = zeros({2}), one = zeros({1});

  refused<RuntimeError>("outer", kStorage, [&] { outer(one.expand({int64_t(1) << 40}), one.expand({int64_t(1) << 40})); });
  refused<RuntimeError>("broadcasting", "overflow", [&] { one.expand({int64_t(1) << 40, 1}) + one.expand({1, int64_t(1) << 40}); });
  refused<RuntimeError>("repeat", "overflow", {x}, [&] { x.repeat({kHuge}); });
  refused<RuntimeError>("repeat twice", kStorage, {x}, [&] { x.repeat({int64_t(1) << 40, int64_t(1) << 40}); });
  refused<RuntimeError>("tile", "overflow", {x}, [&] { x.tile({kHuge, 3}); });
  refused<RuntimeError>("repeat_interleave", "overflow", {x}, [&] { repeat_interleave(x, kHuge); });
  refused<RuntimeError>("diag", "overflow", {x}, [&] { diag(x, kHuge); });
  refused<RuntimeError>("pad", "pad: expected numbers of elements that fit into memory", [&] { pad(zeros({1, 1, 4}), {kHuge, kHuge}); });
  refused<RuntimeError>("pad by INT64_MIN", "pad: expected numbers of elements", [&] { pad(zeros({1, 1, 4}), {INT64_MIN, 0}); });
  refused<RuntimeError>("unfold", "padding should be", [&] { unfold(zeros({1, 1, 4, 4}), 2, {.padding = kHuge}); });
  refused<RuntimeError>("fold", "expected a spatial size that fits into memory", [&] { fold(zeros({1, 4, 9}), {kHuge, 4}, 2); });
  CHECK(zeros({0}).repeat({int64_t(1) << 40}).numel() == 0);  // nothing, however often
  CHECK(x.slice(0, 1, Slice::None, kHuge).sizes() == IntArrayRef({1}));
  CHECK(zeros({2, 2}).diagonal(kHuge).numel() == 0);
  CHECK(zeros({2, 2}).diagonal(INT64_MIN).numel() == 0);
  CHECK(roll(zeros({5}), kHuge).numel() == 5);
}

TEST_CASE("misuse: windows of convolutions") {
  const Tensor x = zeros({1, 1, 4, 4}), w = zeros({1, 1, 3, 3});

  refused<RuntimeError>("padding", "Given padding=4611686018427387904 at dimension 0 , expected padding to be at most",
                        [&] { conv2d(x, w, {}, {.padding = kHuge}); });
  refused<RuntimeError>("dilation", "Kernel size can't be greater than actual input size", [&] { conv2d(x, w, {}, {.dilation = kHuge}); });
  refused<RuntimeError>("large padding", kStorage, [&] { conv2d(x, w, {}, {.padding = int64_t(1) << 40}); });
  refused<RuntimeError>("padding of 'same'", "", [&] { conv2d(x, w, {}, {.padding = "same", .dilation = kHuge}); });
  refused<RuntimeError>("stride 0", "non-positive stride is not supported", [&] { conv2d(x, w, {}, {.stride = 0}); });
  refused<RuntimeError>("stride -1", "non-positive stride is not supported", [&] { conv2d(x, w, {}, {.stride = -1}); });
  refused<RuntimeError>("dilation 0", "dilation should be greater than zero, but got [0, 0]", [&] { conv2d(x, w, {}, {.dilation = 0}); });
  refused<RuntimeError>("padding -1", "negative padding is not supported", [&] { conv2d(x, w, {}, {.padding = -1}); });
  refused<RuntimeError>("no groups", "non-positive groups is not supported", [&] { conv2d(x, w, {}, {.groups = 0}); });
  refused<RuntimeError>("kernel 0", "kernel size should be greater than zero", [&] { conv2d(x, zeros({1, 1, 0, 0})); });
  refused<RuntimeError>("height 0", "Kernel size can't be greater than actual input size", [&] { conv2d(zeros({1, 1, 0, 4}), w); });
  refused<RuntimeError>("height 0, padded", "Only zero batch or zero channel inputs are supported, but got input shape: [1, 1, 0, 4]",
                        [&] { conv2d(zeros({1, 1, 0, 4}), w, {}, {.padding = 2}); });
  refused<RuntimeError>("three strides", "expected a single integer value or a list of 2 values to match the dimensions, but got [1, 1, 1]",
                        [&] { conv2d(x, w, {}, {.stride = {1, 1, 1}}); });
  refused<RuntimeError>("transposed, stride", "", [&] { conv_transpose2d(x, w, {}, {.stride = kHuge}); });
  refused<RuntimeError>("transposed, dilation", "", [&] { conv_transpose2d(x, w, {}, {.dilation = kHuge}); });
  refused<RuntimeError>("transposed, padding", "", [&] { conv_transpose2d(x, w, {}, {.padding = int64_t(1) << 61}); });
  refused<RuntimeError>("transposed, height 0", "Only zero batch or zero channel inputs are supported",
                        [&] { conv_transpose2d(zeros({1, 1, 0, 4}), w); });
  CHECK(conv2d(zeros({0, 1, 4, 4}), w).sizes() == IntArrayRef({0, 1, 2, 2}));
}

TEST_CASE("misuse: windows of pooling") {
  const Tensor x = zeros({1, 1, 4, 4});
  const char* const as_int = "value cannot be converted to type int without overflow";

  refused<RuntimeError>("kernel 0", "stride should not be zero", [&] { max_pool2d(x, 0); });
  refused<RuntimeError>("kernel 0 of averages", "stride should not be zero", [&] { avg_pool2d(x, 0); });
  refused<RuntimeError>("stride 0", "stride should not be zero", [&] { max_pool2d(x, 2, {.stride = 0}); });
  refused<RuntimeError>("stride -1", "stride should be greater than zero, but got dH: -1 dW: -1", [&] { max_pool2d(x, 2, {.stride = -1}); });
  refused<RuntimeError>("stride -1 of averages", "stride should be greater than zero, but got dH: -1 dW: -1",
                        [&] { avg_pool2d(x, 2, {.stride = -1}); });
  refused<RuntimeError>("stride -1 by position", "stride should be greater than zero", [&] { max_pool2d(x, 2, -1); });
  refused<RuntimeError>("dilation 0", "dilation should be greater than zero", [&] { max_pool2d(x, 2, {.dilation = 0}); });
  refused<RuntimeError>("dilation 2^62", as_int, [&] { max_pool2d(x, 2, {.dilation = kHuge}); });
  refused<RuntimeError>("padding 2^62", as_int, [&] { avg_pool2d(x, 2, {.padding = kHuge}); });
  refused<RuntimeError>("kernel 2^62", as_int, [&] { max_pool2d(x, kHuge); });
  refused<RuntimeError>("padding -1", "pad must be non-negative, but got pad: -1", [&] { max_pool2d(x, 2, {.padding = -1}); });
  refused<RuntimeError>("padding 2", "pad should be at most half of effective kernel size", [&] { max_pool2d(x, 2, {.padding = 2}); });
  refused<RuntimeError>("divisor 0", "divisor must be not zero", [&] { avg_pool2d(x, 2, {.divisor_override = 0}); });
  refused<RuntimeError>("height 0", "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got: [1, 1, 0, 4]",
                        [&] { max_pool2d(zeros({1, 1, 0, 4}), 1); });
  refused<RuntimeError>("no channels", "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got: [2, 0, 4, 4]",
                        [&] { avg_pool2d(zeros({2, 0, 4, 4}), 2); });
  refused<RuntimeError>("adaptive 2^40", kStorage, [&] { adaptive_avg_pool2d(x, int64_t(1) << 40); });
  refused<RuntimeError>("adaptive 2^40 of nothing", kStorage, [&] { adaptive_avg_pool2d(zeros({0, 1, 4, 4}), {int64_t(1) << 40, 1}); });
  refused<RuntimeError>("adaptive maximum 2^40", kStorage, [&] { adaptive_max_pool2d(x, int64_t(1) << 40); });
  refused<RuntimeError>("adaptive -1", "elements of output_size must be greater than or equal to 0 but received {-1, -1}",
                        [&] { adaptive_avg_pool2d(x, -1); });
  refused<RuntimeError>("adaptive maximum of height 0", "tensor with optional 0 dim batch size for input, but got: [1, 1, 0, 4]",
                        [&] { adaptive_max_pool2d(zeros({1, 1, 0, 4}), 1); });
  refused<RuntimeError>("three kernel sizes", "expected a single integer value or a list of 2 values", [&] { max_pool2d(x, {2, 2, 2}); });
  CHECK(max_pool2d(zeros({0, 2, 4, 4}), 2).sizes() == IntArrayRef({0, 2, 2, 2}));
}

}  // namespace
}  // namespace ember
