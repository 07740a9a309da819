// Images from and to files, as Pillow reads them; grids and transforms as torchvision makes them (tests/data/images, made by make.py there).
#include <ember/ember.h>

#include <filesystem>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"
#include "support/test_data.h"

using namespace ember;
using namespace ember::data::transforms;

namespace {

const nn::StateDict& expected() {
  static const nn::StateDict arrays = load_npz(test_data("images/expected.npz"));
  return arrays;
}

std::string image_file(const std::string& name) { return test_data("images/" + name); }

int64_t largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a.to(kInt64) - b.to(kInt64)).abs().max().item<int64_t>();
}

Tensor applied(const data::Transform& transform, const Tensor& images) {
  data::Sample batch{images};
  std::vector<data::Draws> draws(std::size_t(images.size(0)));
  for (std::size_t i = 0; i < draws.size(); ++i) draws[i] = data::Draws(7, i, 0);
  const Tensor before = images.clone();
  transform.apply(batch, draws);
  CHECK(images.equal(before));
  return batch[0];
}

/// Without the libraries for a kind, reading it is an error that names the package; the tests of that kind then end.
bool built_for(const std::string& name) {
  try {
    data::read_image(image_file(name));
    return true;
  } catch (const RuntimeError& error) {
    CHECK_THAT(error.what(), contains("built without"));
    return false;
  }
}

}  // namespace

TEST_CASE("images: files as Pillow reads them") {
  for (const char* name : {"rgb.png", "grey.png", "alpha.png", "grey_alpha.png", "bits.png", "palette.png", "rgb.jpg", "grey.jpg", "progressive.jpg",
                           "rgb.ppm", "grey.pgm", "bits.pbm"}) {
    INFO(name);
    if (!built_for(name)) continue;
    const std::string key = name;
    const bool jpeg = key.ends_with(".jpg");
    CHECK(largest_difference(data::read_image(image_file(name)), expected()[key]) <= (jpeg ? 1 : 0));
    CHECK(largest_difference(data::read_image(image_file(name), data::ImageMode::Rgb), expected()[key + " rgb"]) <= (jpeg ? 1 : 0));
    CHECK(largest_difference(data::read_image(image_file(name), data::ImageMode::Gray), expected()[key + " gray"]) <= (jpeg ? 3 : 0));
  }
}

TEST_CASE("images: what is written is read back") {
  Folder folder;
  const Tensor rgb = expected()["rgb.png"], grey = expected()["grey.png"];
  for (const char* name : {"a.png", "a.ppm", "a.jpg"}) {
    if (std::string(name) != "a.ppm" && !built_for(std::string("rgb") + (name + 1))) continue;
    const bool jpeg = std::string(name) == "a.jpg";
    data::write_image(folder / name, rgb, {.quality = 98});
    CHECK(largest_difference(data::read_image(folder / name), rgb) <= (jpeg ? 12 : 0));
    data::write_image(folder / name, grey.select(0, 0), {.quality = 100});
    CHECK(largest_difference(data::read_image(folder / name), grey) <= (jpeg ? 3 : 0));
  }
  data::write_image(folder / "f.ppm", rgb.to(kFloat32) / 255);
  CHECK(data::read_image(folder / "f.ppm").equal(rgb));
  data::write_image(folder / "f.ppm", tensor({{-1., 0.5}, {2., NAN}}));
  CHECK(data::read_image(folder / "f.ppm").equal(tensor({{{0, 128}, {255, 0}}}, kUInt8)));
  CHECK(folder.count() >= 2);
  write_bytes(folder / "plain.ppm", "P3 # a comment\n2 1\n15\n0 15 7   15 15 15\n");
  CHECK(data::read_image(folder / "plain.ppm").equal(tensor({{{0, 255}}, {{255, 255}}, {{119, 255}}}, kUInt8)));
  write_bytes(folder / "deep.pgm", std::string("P5 2 1 65535\n\xff\xff\x80\x00", 17));
  CHECK(data::read_image(folder / "deep.pgm").equal(tensor({{{255, 128}}}, kUInt8)));
}

TEST_CASE("images: what is refused, with the path") {
  Folder folder;
  for (const char* name : {"cut.png", "cut.jpg", "cut.ppm"}) CHECK_THROWS_WITH(data::read_image(image_file(name)), contains(name));
  CHECK_THROWS_WITH(data::read_image(image_file("cut.ppm")), contains("broken PNM: expected 360 bytes"));
  CHECK_THROWS_WITH(data::read_image(image_file("make.py")), contains("no PNG, JPEG or PNM file"));
  CHECK_THROWS_WITH(data::read_image(folder / "none.png"), contains("No such file"));
  write_bytes(folder / "huge.pgm", "P5 16000000 16000000 255\n");
  CHECK_THROWS_WITH(data::read_image(folder / "huge.pgm"), contains("more than the 2^28"));
  write_bytes(folder / "large.pgm", "P5 10000 10000 255\n");
  CHECK_THROWS_WITH(data::read_image(folder / "large.pgm"), contains("10000 x 10000 pixels, more than 19 bytes can hold"));
  write_bytes(folder / "empty.png", "");
  CHECK_THROWS_WITH(data::read_image(folder / "empty.png"), contains("no PNG, JPEG or PNM file"));
  const Tensor image = zeros({3, 2, 2});
  CHECK_THROWS_AS(data::write_image(folder / "a.gif", image), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.ppm", zeros({5, 2, 2})), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.ppm", zeros({3, 0, 2})), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.ppm", zeros({2}, kInt64)), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.ppm", zeros({2, 2}, kInt64)), TypeError);
  CHECK_THROWS_AS(data::write_image(folder / "a.jpg", image, {.quality = 0}), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.jpg", image, {.quality = 101}), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.png", image, {.compression = 10}), ValueError);
  CHECK_THROWS_AS(data::write_image(folder / "a.png", image, {.compression = -1}), ValueError);
  CHECK_NOTHROW(data::write_image(folder / "least.jpg", image, {.quality = 1}));
  CHECK_NOTHROW(data::write_image(folder / "least.png", image, {.compression = 0}));
  CHECK_NOTHROW(data::write_image(folder / "most.png", image, {.compression = 9}));
  CHECK_THROWS_WITH(data::write_image(folder / "no/a.ppm", image), contains("No such file"));
  CHECK_THROWS_AS(data::write_image(folder / "a.ppm", Tensor()), ValueError);
  CHECK_THROWS_AS(data::make_grid(Tensor()), ValueError);
  CHECK_THROWS_AS(data::make_grid(image, {.nrow = 0}), ValueError);
}

TEST_CASE("images: grids as torchvision's make_grid") {
  const Tensor x = expected()["x"];
  CHECK(data::make_grid(cat({x.narrow(1, 0, 1), x.narrow(1, 0, 1)}), {.nrow = 3, .padding = 1, .pad_value = 0.5}).equal(expected()["grid"]));
  CHECK_THAT(data::make_grid(x * 4 - 1, {.normalize = true, .scale_each = true}), is_close(expected()["grid normalised"], 1e-6, 1e-6));
  CHECK(data::make_grid(x.select(0, 0)).equal(x.select(0, 0)));
}

TEST_CASE("images: a folder for each class") {
  Folder folder;
  const std::string root = folder / "pets";
  for (const char* name : {"dog", "cat"}) std::filesystem::create_directories(root + "/" + name);
  CHECK_THROWS_WITH(data::ImageFolder(root), starts_with("Found no valid file for the classes cat, dog."));
  for (int i = 0; i < 3; ++i)
    data::write_image(root + (i == 2 ? "/cat/a.ppm" : i ? "/dog/b.ppm" : "/dog/a.pgm"), full({i ? 3 : 1, 8 + 2 * i, 12}, i * 60, kUInt8));
  write_bytes(root + "/cat/notes.txt", "x");
  const data::ImageFolder pets(root, {.resize = 6, .crop = 4});
  CHECK(pets.classes() == std::vector<std::string>{"cat", "dog"});
  CHECK(pets.targets() == std::vector<int64_t>{0, 1, 1});
  CHECK(pets.path(1).ends_with("/dog/a.pgm"));
  const data::DataLoader loader(pets, {.batch_size = 3, .num_workers = 2});
  for (const auto& [x, y] : loader) {
    CHECK_THAT(x, is_close(tensor({120 / 255., 0., 60 / 255.}).reshape({3, 1, 1, 1}).expand({3, 3, 4, 4}).to(kFloat32)));
    CHECK(y.equal(tensor({0, 1, 1})));
  }
  CHECK(data::ImageFolder(root)[0][0].sizes() == IntArrayRef{3, 12, 12});
  CHECK_THROWS_AS(pets[3], IndexError);
  CHECK_THROWS_WITH(data::ImageFolder(folder / "none"), contains("No such file"));
  write_bytes(root + "/dog/c.ppm", "nonsense");
  CHECK_THROWS_WITH((data::DataLoader(data::ImageFolder(root, {.crop = 4}), {.batch_size = 4, .num_workers = 1}).begin()),
                    contains("dog/c.ppm: no PNG"));
  std::filesystem::create_directories(folder / "bare");
  CHECK_THROWS_WITH(data::ImageFolder(folder / "bare"), starts_with("Couldn't find any class folder in"));
}

TEST_CASE("transforms: geometry as torchvision's") {
  const Tensor x = expected()["x"];
  CHECK_THAT(affine(x, 30, {.translate_x = 2, .translate_y = -1, .scale = 1.2, .shear_x = 10}), is_close(expected()["affine nearest"]));
  CHECK_THAT(affine(x, -20, {.translate_y = 1, .scale = 0.8, .shear_x = 5, .shear_y = 8, .bilinear = true}),
             is_close(expected()["affine bilinear"], 1e-4, 1e-5));
  CHECK_THAT(data::transforms::resize(x, {14, 20}), is_close(expected()["resize up"], 1e-5, 1e-6));
  CHECK_THAT(data::transforms::resize(x, {4, 5}), is_close(expected()["resize down"], 1e-5, 1e-6));
  CHECK_THAT(applied(Resize(6), x), is_close(expected()["resize shorter"], 1e-5, 1e-6));
  CHECK(applied(Resize(6), zeros({1, 1, 10, 15})).sizes() == IntArrayRef{1, 1, 6, 9});
  CHECK(applied(Resize(6), zeros({1, 1, 15, 10})).sizes() == IntArrayRef{1, 1, 9, 6});
  CHECK(applied(Resize(6), zeros({1, 1, 8, 8})).sizes() == IntArrayRef{1, 1, 6, 6});
  const int64_t height = x.sizes()[2], width = x.sizes()[3];
  CHECK(applied(Resize(height, width + 3), x).sizes() == IntArrayRef{x.sizes()[0], x.sizes()[1], height, width + 3});
  CHECK(applied(Resize(height + 3, width), x).sizes() == IntArrayRef{x.sizes()[0], x.sizes()[1], height + 3, width});
  CHECK(applied(CenterCrop({4, 6}), x).equal(expected()["centre crop"]));
  CHECK(applied(RandomHorizontalFlip(1), x).equal(flip(x, {3})));
  CHECK(applied(RandomVerticalFlip(1), x).equal(flip(x, {2})));
  CHECK(applied(RandomVerticalFlip(0), x).equal(x));
  const Tensor bytes = (x * 255).to(kUInt8);
  CHECK(applied(RandomHorizontalFlip(1), bytes).equal(flip(bytes, {3})));
  // Every crop of the padded image is met, and nothing else.
  const Tensor small = arange(4.f).reshape({1, 1, 2, 2}) + 1, many = small.expand({400, 1, 2, 2}),
               crops = applied(RandomCrop(2, {.padding = 1}), many);
  const Tensor padded = pad(small, {1, 1, 1, 1});
  for (int64_t top = 0; top < 3; ++top)
    for (int64_t left = 0; left < 3; ++left) {
      const double share = (crops == padded.narrow(2, top, 2).narrow(3, left, 2)).all(Dims{1, 2, 3}).to(kFloat32).mean().item<double>();
      CHECK(share > 0.06);
      CHECK(share < 0.17);
    }
}

TEST_CASE("transforms: values as torchvision's") {
  const Tensor x = expected()["x"];
  CHECK_THAT(adjust_brightness(x, 1.3), is_close(expected()["brightness"]));
  CHECK_THAT(adjust_contrast(x, 0.6), is_close(expected()["contrast"], 1e-5, 1e-6));
  CHECK_THAT(adjust_saturation(x, 1.7), is_close(expected()["saturation"], 1e-5, 1e-6));
  CHECK_THAT(adjust_hue(x, 0.2), is_close(expected()["hue"], 1e-4, 1e-5));
  CHECK_THAT(applied(Normalize({0.1, 0.2, 0.3}, {1, 2, 4}), x),
             is_close((x - tensor({0.1, 0.2, 0.3}).to(kFloat32).reshape({3, 1, 1})) / tensor({1., 2., 4.}).to(kFloat32).reshape({3, 1, 1})));
  CHECK(applied(ToFloat(), full({1, 1, 1, 2}, 255, kUInt8)).equal(ones({1, 1, 1, 2})));
  CHECK(applied(Lambda([](const Tensor& t) { return t * 2; }), x).equal(x * 2));
  const Tensor jittered = applied(ColorJitter({.brightness = 0.2, .contrast = 0.2, .saturation = 0.2, .hue = 0.1}), x);
  CHECK(!jittered.equal(x));
  CHECK(jittered.sizes() == x.sizes());
  const Tensor gone = applied(Cutout(4), ones({200, 2, 8, 8}));
  const Tensor zeros_each = (gone == 0).to(kFloat32).sum(Dims{1, 2, 3});
  CHECK(zeros_each.max().item<double>() == 32);
  CHECK(zeros_each.min().item<double>() >= 8);
  const Tensor erased = (applied(RandomErasing({.p = 1, .scale = {0.1, 0.2}}), ones({300, 1, 20, 20})) == 0).to(kFloat32).mean(Dims{1, 2, 3});
  CHECK(erased.mean().item<double>() > 0.12);
  CHECK(erased.mean().item<double>() < 0.18);
}

TEST_CASE("transforms: targets and mixtures") {
  data::Sample batch{arange(12.f).reshape({3, 1, 2, 2}), tensor({0, 2, 1})};
  std::vector<data::Draws> draws{data::Draws(3)};
  data::Sample hot = batch;
  OneHot(3).apply(hot, draws);
  CHECK(hot[1].equal(tensor({{1., 0., 0.}, {0., 0., 1.}, {0., 1., 0.}})));
  data::Sample mixed = batch;
  MixUp({.alpha = 0.4, .classes = 3}).apply(mixed, draws);
  const double lambda = mixed[1][1][2].item<double>();  // the second sample's own class
  CHECK(lambda > 0);
  CHECK_THAT(mixed[0][1], is_close(batch[0][1] * lambda + batch[0][0] * (1 - lambda)));
  CHECK_THAT(mixed[1].sum(1), is_close({1., 1., 1.}));
  data::Sample cut{cat({zeros({1, 1, 10, 10}), ones({1, 1, 10, 10})}), tensor({0, 1})};
  CutMix({.classes = 2}).apply(cut, draws);
  CHECK_THAT(cut[0][0].mean(), is_close(cut[1][0][1]));
  double sum = 0, squares = 0;
  data::Draws d(5);
  for (int i = 0; i < 20000; ++i) {
    const double b = d.beta(0.5, 1.5);
    sum += b;
    squares += b * b;
  }
  CHECK(std::fabs(sum / 20000 - 0.25) < 0.01);                 // a / (a + b)
  CHECK(std::fabs(squares / 20000 - 0.0625 - 0.0625) < 0.01);  // ab / (a + b)^2 / (a + b + 1)
}

TEST_CASE("MixUp and CutMix take probabilities as they take class numbers") {
  const MixUp mix({.alpha = 0.4, .classes = 3});
  const CutMix cut({.classes = 3});
  for (const data::Transform* transform : {static_cast<const data::Transform*>(&mix), static_cast<const data::Transform*>(&cut)}) {
    data::Sample by_number{rand({3, 1, 6, 8}), tensor({2, 0, 1})};
    data::Sample by_probability{by_number[0], tensor({{0.f, 0, 1}, {1, 0, 0}, {0, 1, 0}})};
    for (data::Sample* batch : {&by_number, &by_probability}) {
      std::vector<data::Draws> draws{data::Draws(4)};
      transform->apply(*batch, draws);
    }
    CHECK(by_probability[0].equal(by_number[0]));
    CHECK_THAT(by_probability[1], is_close(by_number[1]));
    CHECK_THAT(by_probability[1].sum(0), is_close({1., 1., 1.}));  // each class once, shared out
  }
}

TEST_CASE("CutMix cuts the box of torchvision: sides in the ratio sqrt(1 - lambda) around a drawn centre, cut off at the borders") {
  const int64_t h = 9, w = 23;
  const Tensor images = cat({zeros({1, 2, h, w}), ones({1, 2, h, w})});
  int64_t seen = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    data::Draws same(seed);
    const double r = 0.5 * std::sqrt(1 - same.beta(1, 1));
    const int64_t cx = same.below(w), cy = same.below(h), rx = int64_t(r * w), ry = int64_t(r * h);
    const int64_t x1 = std::max<int64_t>(cx - rx, 0), y1 = std::max<int64_t>(cy - ry, 0), x2 = std::min(cx + rx, w), y2 = std::min(cy + ry, h);
    Tensor box = zeros({2, h, w});
    for (int64_t y = y1; y < y2; ++y)
      for (int64_t x = x1; x < x2; ++x) box.select(1, y).select(1, x).fill_(1);
    seen += ry != rx && (x2 - x1) * (y2 - y1) > 0;
    data::Sample batch{images, tensor({0, 1})};
    std::vector<data::Draws> draws{data::Draws(seed)};
    CutMix({.classes = 2}).apply(batch, draws);
    CHECK(batch[0][0].equal(box));
    CHECK(batch[0][1].equal(1 - box));
    const double lambda = 1 - double((x2 - x1) * (y2 - y1)) / double(w * h);
    CHECK_THAT(batch[1], is_close({{lambda, 1 - lambda}, {1 - lambda, lambda}}));
  }
  CHECK(seen > 10);
}

TEST_CASE("transforms: what they refuse") {
  const Tensor x = rand({2, 3, 4, 4});
  CHECK_THROWS_WITH(applied(RandomCrop(6), x), starts_with("Required crop size (6, 6) is larger than input image size (4, 4)"));
  CHECK_THROWS_WITH(applied(Normalize({0}, {1}), x.to(kUInt8)), starts_with("Input tensor should be a float tensor. Got torch.uint8."));
  CHECK_THROWS_AS(applied(Normalize({0, 0}, {1, 1}), x), ValueError);
  CHECK_THROWS_AS(Normalize({0}, {0}), ValueError);
  CHECK_THROWS_AS(Normalize({0}, {1, 2}), ValueError);
  CHECK_THROWS_AS(RandomHorizontalFlip(1.5), ValueError);
  CHECK_THROWS_AS(RandomCrop(0), ValueError);
  CHECK_THROWS_AS(RandomAffine(-1), ValueError);
  CHECK_THROWS_AS(ColorJitter({.hue = 0.6}), ValueError);
  CHECK_THROWS_AS(MixUp({}), ValueError);
  CHECK_THROWS_AS(Cutout(0), ValueError);
  CHECK_THROWS_AS(Resize(0), ValueError);
  CHECK_THROWS_AS(RandomErasing({.scale = {0.5, 0.2}}), ValueError);
  CHECK_THROWS_AS(applied(RandomCrop(2), rand({4, 4})), ValueError);
  CHECK_THROWS_AS(applied(RandomCrop(2), rand({1, 1, 4, 4}).to(kInt64)), TypeError);
  data::Sample batch{x, tensor({0, 5})};
  std::vector<data::Draws> draws(2);
  CHECK_THROWS_WITH(OneHot(3).apply(batch, draws), starts_with("Class values must be smaller than num_classes."));
}
