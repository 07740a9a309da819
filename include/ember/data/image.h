// Images in files: PNG, JPEG and PNM, folders of them, and grids to look at.
//
//   const Tensor cat = data::read_image("cat.jpg");                                   // uint8 (C, H, W)
//   data::ImageFolder pets("pets", {.resize = 256, .crop = 224});                     // pets/cat/..., pets/dog/...
//   data::write_image("batch.png", data::make_grid(images, {.nrow = 8}));
#pragma once

#include <ember/data/dataset.h>
#include <ember/data/draws.h>

namespace ember::data {

enum class ImageMode : std::uint8_t { Unchanged, Gray, Rgb };

/// uint8 (C, H, W): 1 channel grey, 2 grey and alpha, 3 RGB, 4 RGBA (or CMYK of a JPEG). Gray and Rgb convert, and drop alpha; 16 bits become 8.
/// Throws RuntimeError with the path for what is no image, broken, or of a kind that this build cannot read. As torchvision.io.read_image.
Tensor read_image(const std::string& path, ImageMode mode = ImageMode::Unchanged);

struct WriteImageOptions {
  int64_t quality = 75;     ///< of JPEG, 1 .. 100
  int64_t compression = 6;  ///< of PNG, 0 .. 9
};
/// Writes (C, H, W) or (H, W): uint8, or floats in 0 .. 1 (clamped and rounded, as torchvision.utils.save_image). The kind follows the name:
/// .png, .jpg, .jpeg, .ppm, .pgm, .pnm. The file is there whole or not at all.
void write_image(const std::string& path, const Tensor& image, WriteImageOptions options = {});

struct MakeGridOptions {
  int64_t nrow = 8;        ///< images in a row
  int64_t padding = 2;     ///< pixels between them
  bool normalize = false;  ///< from the range of all values (or `low` .. `high`) to 0 .. 1
  double low = 0, high = 0;
  bool scale_each = false;  ///< each image from its own range
  double pad_value = 0;
};
/// Images (N, C, H, W) as one (C, H', W'); one channel becomes three. As torchvision.utils.make_grid.
Tensor make_grid(const Tensor& images, MakeGridOptions options = {});

struct ImageFolderOptions {
  int64_t resize = 0;  ///< the shorter side gets this length; 0: as they are
  int64_t crop = 0;    ///< then the middle of this size
  ImageMode mode = ImageMode::Rgb;
  KeptTransform transform = {};  ///< of each image, behind resize and crop; random ones belong into the loader
};
/// Images in a folder for each class; classes are numbered in the order of their names. Samples are {image (C, H, W) float32 in 0 .. 1, class}.
/// As torchvision.datasets.ImageFolder.
class ImageFolder final : public Dataset {
 public:
  static constexpr bool kSharesAll = true;
  explicit ImageFolder(const std::string& root, ImageFolderOptions options = {});
  int64_t size() const override;
  Sample get(int64_t index) const override;
  const std::vector<std::string>& classes() const& { return classes_; }
  std::vector<std::string> classes() && { return std::move(classes_); }
  const std::vector<int64_t>& targets() const& { return targets_; }
  const std::string& path(int64_t index) const&;

 private:
  ImageFolderOptions o_;
  std::vector<std::string> classes_, files_;
  std::vector<int64_t> targets_;
};

}  // namespace ember::data
