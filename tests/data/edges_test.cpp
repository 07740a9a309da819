// Tables with every kind of line end, cells of every spelling, and plain and raw images of widths around a byte's bits, against what was written.
#include <ember/ember.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;

namespace {

data::Table table_of(const std::string& text, const data::TableOptions& options = {}) {
  const Folder folder;
  write_bytes(folder / "t.csv", text);
  return data::read_table(folder / "t.csv", options);
}

/// A PNM file of this kind (1 to 3 in text, 4 to 6 in bytes: bitmap, grey, RGB) whose largest value is `most`.
std::string pnm(int kind, int64_t width, int64_t height, int most, const std::vector<int>& values) {
  const bool bits = kind % 3 == 1, plain = kind <= 3;
  std::string text = "P" + std::to_string(kind) + "\n# made by a test\n" + std::to_string(width) + " " + std::to_string(height) + "\n";
  if (!bits) text += std::to_string(most) + "\n";
  const int64_t row = width * (kind % 3 == 0 ? 3 : 1);
  for (int64_t y = 0; y < height; ++y) {
    int byte = 0;
    for (int64_t x = 0; x < row; ++x) {
      const int v = values[std::size_t(y * row + x)];
      if (plain) {
        text += std::to_string(v) + (x % 9 == 8 ? "\n" : " ");
      } else if (bits) {
        byte |= v << (7 - x % 8);
        if (x % 8 == 7 || x + 1 == row) text += char(byte), byte = 0;
      } else {
        if (most > 255) text += char(v / 256);
        text += char(v % 256);
      }
    }
  }
  return text;
}

}  // namespace

TEST_CASE("tables: line ends of all systems, lines to skip, and a last line without an end") {
  for (const std::string end : {"\n", "\r\n", "\r"})
    for (const bool ended : {true, false})
      for (const int64_t skip : {0, 1, 2}) {
        CAPTURE(int(end[0]), end.size(), ended, skip);
        std::string text;
        for (int64_t i = 0; i < skip; ++i) text += "a title, and more" + end;
        text += "x;y" + end + "1;-2.5" + end + "3e2;.5" + end + end + "-0;7" + (ended ? end : "");
        const data::Table t = table_of(text, {.skip_rows = skip});
        CHECK(t.column(0).name == "x");
        CHECK_THAT(t.cells(), is_close({{1., -2.5}, {300., 0.5}, {0., 7.}}, 0, 0));
      }
  CHECK(table_of("1,2", {.skip_rows = 0}).rows() == 1);
  CHECK_THAT(table_of("a b\n  1\t 2  \n3   4", {.delimiter = ' '}).cells(), is_close({{1., 2.}, {3., 4.}}, 0, 0));
  CHECK_THAT(table_of("# nothing\na,b # names\n1,2 # more\n#\n3,4#", {.comment = '#'}).cells(), is_close({{1., 2.}, {3., 4.}}, 0, 0));
  CHECK_THAT(table_of("a;b\n1,5;2\n-3,25;1e3\n", {.decimal = ','}).cells(), is_close({{1.5, 2.}, {-3.25, 1000.}}, 0, 0));
}

TEST_CASE("tables: quoted cells, missing words and numbers that stand for nothing") {
  const data::Table t = table_of("n,w\n1,\"a,b\"\n-999,\"say \"\"hi\"\"\"\n3,NA\n4,\"two\nlines\"\n",
                                 {.missing_values = {"NA", "-999"}, .missing = data::Missing::NaN});
  CHECK(t.rows() == 4);
  CHECK(t.column("n").missing == 1);
  CHECK(t.column("w").missing == 1);
  CHECK(t.word(0, "w") == "a,b");
  CHECK(t.word(1, "w") == "say \"hi\"");
  CHECK(t.word(3, "w") == "two\nlines");
  CHECK(std::isnan(t.cells()[1][0].item<double>()));
  // Words of rows that are dropped go, the others get codes of their own.
  const data::Table whole = t.with_missing(data::Missing::Drop);
  CHECK(whole.column("w").classes == std::vector<std::string>{"a,b", "two\nlines"});
  CHECK_THAT(whole.cells(), is_close({{1., 0.}, {4., 1.}}, 0, 0));
}

TEST_CASE("tables: a head says whether there is more") {
  const data::Table t = table_of("a\n1\n2\n");
  CHECK(t.head(2).find("...") == std::string::npos);
  CHECK(t.head(3).find("...") == std::string::npos);
  CHECK(t.head(1).find("...") != std::string::npos);
  CHECK(t.head(0).find("...") != std::string::npos);
}

TEST_CASE("images: bitmaps, grey and colour, in text and in bytes, of any width and range") {
  const Folder folder;
  const std::string path = folder / "a.pnm";
  for (const int kind : {1, 2, 3, 4, 5, 6})
    for (const int64_t width : {1, 7, 8, 9, 16, 17})
      for (const int most : {1, 15, 255, 1000, 65535}) {
        if (kind % 3 == 1 && most > 1) continue;
        CAPTURE(kind, width, most);
        const int64_t height = 3, channels = kind % 3 == 0 ? 3 : 1;
        std::vector<int> values;
        for (int64_t i = 0; i < width * height * channels; ++i) values.push_back(int((i * 7919 + kind) % (most + 1)));
        write_bytes(path, pnm(kind, width, height, most, values));
        const Tensor image = data::read_image(path);
        REQUIRE(image.sizes() == IntArrayRef({channels, height, width}));
        bool same = true;
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x) {
              const int v = values[std::size_t((y * width + x) * channels + c)];
              const double wanted = kind % 3 == 1 ? (v ? 0 : 255) : std::floor(v * 255. / most + 0.5);
              same = same && image.data<std::uint8_t>()[(c * height + y) * width + x] == wanted;
            }
        CHECK(same);
      }
  for (const char* broken :
       {"P5\n2 2\n255\nabc", "P2\n1 1\n3\n4", "P1\n1 1\n2", "P6\n1 1\n0\nabc", "P5\n2\n", "P3\n0 1\n255\n", "P2\n1 1\n70000\n1"}) {
    INFO(broken);
    write_bytes(path, broken);
    CHECK_THROWS_AS(data::read_image(path), RuntimeError);
  }
}

TEST_CASE("images: a jitter of one property changes that property alone") {
  manual_seed(0);
  const Tensor images = rand({3, 3, 4, 5}) * 0.5 + 0.1;
  const auto jittered = [&](const data::transforms::ColorJitterOptions& options) {
    data::Sample batch{images.clone()};
    std::vector<data::Draws> draws{data::Draws(1, 0, 0), data::Draws(1, 1, 0), data::Draws(1, 2, 0)};
    data::transforms::ColorJitter(options).apply(batch, draws);
    return batch[0];
  };
  using data::transforms::adjust_brightness, data::transforms::adjust_contrast, data::transforms::adjust_saturation, data::transforms::adjust_hue;
  struct One {
    data::transforms::ColorJitterOptions options;
    Tensor (*adjust)(const Tensor&, double);
    double low, high;
  };
  for (const One& one : {One{{.brightness = 0.4}, adjust_brightness, 0.6, 1.4}, One{{.contrast = 0.4}, adjust_contrast, 0.6, 1.4},
                         One{{.saturation = 0.4}, adjust_saturation, 0.6, 1.4}, One{{.hue = 0.2}, adjust_hue, -0.2, 0.2}}) {
    const Tensor changed = jittered(one.options);
    for (int64_t i = 0; i < 3; ++i) {
      // Some factor of the range makes this image of that one: the nearest of a fine grid comes close.
      double nearest = INFINITY;
      for (int k = 0; k <= 400; ++k) {
        const Tensor like = one.adjust(images[i], one.low + (one.high - one.low) * k / 400);
        nearest = std::min(nearest, (like - changed[i]).abs().max().item<double>());
      }
      CHECK(nearest < 4e-3);
      CHECK((changed[i] - images[i]).abs().max().item<double>() > 1e-3);
    }
  }
}
