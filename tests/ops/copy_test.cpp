// Copies between layouts: every size around the blocks in which transposes are done, and every width of element.
#include <ember/ember.h>

#include "support/catch.h"

using namespace ember;

TEST_CASE("a transposed copy has each element in its place") {
  for (const DType dtype : {kFloat32, kFloat64, kInt64, kUInt8, kBool})
    for (const int64_t rows : {1, 3, 8, 15, 16, 17, 33, 100})
      for (const int64_t columns : {1, 2, 7, 16, 31, 48}) {
        INFO(rows << " x " << columns << " of " << name(dtype));
        const Tensor x = arange(rows * columns).to(dtype).reshape({rows, columns}), y = x.t().contiguous();
        bool equal = y.is_contiguous();
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < columns; ++j) equal = equal && y[j][i].item<double>() == x[i][j].item<double>();
        CHECK(equal);
      }
}

TEST_CASE("images go to channels-last and back, sliced ones too") {
  for (const int64_t channels : {1, 3, 16, 19, 40}) {
    const Tensor x = randn({3, channels, 9, 7}), last = x.contiguous(MemoryFormat::ChannelsLast),
                 part = x.slice(3, 1, 6).slice(1, 0, (channels + 1) / 2);
    CHECK(equal(last, x));
    CHECK(equal(last.contiguous(), x));
    CHECK(equal(part.contiguous(MemoryFormat::ChannelsLast).contiguous(), part.contiguous()));
  }
}

TEST_CASE("one value spreads over any number of elements") {
  for (const int64_t n : {0, 1, 5, 16, 63, 1000, 5000})
    for (const DType dtype : {kFloat32, kFloat64, kInt64, kUInt8, kBool}) {
      const Tensor y = full({}, 1, dtype).expand({n}).contiguous();
      CHECK(y.numel() == n);
      CHECK(y.to(kInt64).sum().item<int64_t>() == n);
    }
}

TEST_CASE("a column spread over rows, and a row over columns") {
  for (const int64_t n : {1, 7, 16, 40}) {
    const Tensor column = randn({n, 1}), wide = column.expand({n, 19}).contiguous(), tall = column.t().expand({19, n}).contiguous();
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < 19; ++j)
        CHECK((wide[i][j].item<float>() == column[i][0].item<float>() && tall[j][i].item<float>() == column[i][0].item<float>()));
  }
}
