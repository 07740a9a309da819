// Transforms of samples: what torchvision.transforms has for tensors. Images are (N, C, H, W) batches, float32 in 0 .. 1 or uint8.
//
//   using namespace ember::data::transforms;
//   data::DataLoader loader(train, {.batch_size = 64, .shuffle = true, .num_workers = 1,
//                                   .transform = Compose{RandomCrop(28, {.padding = 2}), RandomHorizontalFlip(), Normalize({0.1307}, {0.3081})}});
//
// They change the first tensor of a sample (the image), but OneHot, MixUp and CutMix, which change the second, too. What is random is drawn
// from the Draws of the sample: by (seed, epoch, sample), whatever the batch size, the order and the number of workers. None writes into a
// tensor that it was given.
#pragma once

#include <ember/autograd.h>
#include <ember/data/draws.h>

namespace ember::data::transforms {

/// Height and width; one number stands for both.
struct Size {
  int64_t height, width;
  constexpr Size(int64_t both) : height(both), width(both) {}
  constexpr Size(int both) : Size(int64_t(both)) {}
  constexpr Size(int64_t height, int64_t width) : height(height), width(width) {}
};
/// A range of numbers to draw from.
struct Range {
  double low, high;
};

/// One after the other.
class Compose final : public Transform {
 public:
  template <class... T>
    requires(std::is_base_of_v<Transform, std::remove_cvref_t<T>> && ...)
  Compose(T&&... steps) : Compose(std::initializer_list<KeptTransform>{KeptTransform(static_cast<T&&>(steps))...}) {}
  Compose(std::initializer_list<KeptTransform> steps);
  explicit Compose(std::vector<KeptTransform> steps);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  Boxed<std::vector<KeptTransform>> steps_;
};

/// uint8 0 .. 255 to float32 0 .. 1; floats stay.
class ToFloat final : public Transform {
 public:
  void apply(Sample& batch, std::vector<Draws>& draws) const override;
};

/// (x - mean) / std of each channel; one number stands for all. Throws TypeError for whole numbers, ValueError for a std of 0.
class Normalize final : public Transform {
 public:
  Normalize(std::vector<double> mean, std::vector<double> std);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  std::vector<double> mean_, std_;
};

struct RandomCropOptions {
  int64_t padding = 0;  ///< added on all sides first
  double fill = 0;
};
class RandomCrop final : public Transform {
 public:
  RandomCrop(Size size, RandomCropOptions options = {});
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  Size size_;
  RandomCropOptions o_;
};
class CenterCrop final : public Transform {
 public:
  CenterCrop(Size size);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  Size size_;
};

class RandomHorizontalFlip final : public Transform {
 public:
  explicit RandomHorizontalFlip(double p = 0.5);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  double p_;
};
class RandomVerticalFlip final : public Transform {
 public:
  explicit RandomVerticalFlip(double p = 0.5);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  double p_;
};

struct RandomErasingOptions {
  double p = 0.5;
  Range scale = {0.02, 0.33};  ///< the part of the area
  Range ratio = {0.3, 3.3};    ///< of width to height
  double value = 0;
};
/// Overwrites a rectangle (Zhong et al. 2020).
class RandomErasing final : public Transform {
 public:
  explicit RandomErasing(RandomErasingOptions options = {});
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  RandomErasingOptions o_;
};
/// Overwrites `holes` squares of this length with zeros, around places anywhere in the image (DeVries & Taylor 2017).
class Cutout final : public Transform {
 public:
  explicit Cutout(int64_t length, int64_t holes = 1);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  int64_t length_, holes_;
};

struct AffineOptions {
  double translate_x = 0, translate_y = 0;  ///< pixels
  double scale = 1;
  double shear_x = 0, shear_y = 0;  ///< degrees
  double fill = 0;
  bool bilinear = false;
};
/// Images (N, C, H, W), turned clockwise by `degrees` about the middle, moved, scaled and sheared. As torchvision's affine.
Tensor affine(const Tensor& images, double degrees, AffineOptions options = {});

struct RandomAffineOptions {
  double translate_x = 0, translate_y = 0;  ///< at most this part of width and height
  Range scale = {1, 1};
  Range shear = {0, 0};  ///< degrees, along x
  double fill = 0;
  bool bilinear = false;
};
class RandomAffine final : public Transform {
 public:
  /// Turns by -degrees .. degrees.
  explicit RandomAffine(double degrees, RandomAffineOptions options = {});
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  double degrees_;
  RandomAffineOptions o_;
};

// Of one image or a batch of floats in 0 .. 1 with 1 or 3 channels. As torchvision.transforms.functional.
Tensor adjust_brightness(const Tensor& images, double factor);  ///< factor * x, cut to 0 .. 1; throws ValueError for a factor below 0
Tensor adjust_contrast(const Tensor& images, double factor);    ///< factor * x + (1 - factor) * the mean grey of the image
Tensor adjust_saturation(const Tensor& images, double factor);  ///< factor * x + (1 - factor) * the grey of each pixel
Tensor adjust_hue(const Tensor& images, double factor);         ///< turns the hue by -0.5 .. 0.5 of the circle

struct ColorJitterOptions {
  double brightness = 0, contrast = 0, saturation = 0;  ///< factors from max(0, 1 - b) to 1 + b
  double hue = 0;                                       ///< -h .. h, at most 0.5
};
/// The four of them in random order.
class ColorJitter final : public Transform {
 public:
  explicit ColorJitter(ColorJitterOptions options);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  ColorJitterOptions o_;
};

/// Bilinear, smoothed when it shrinks (antialias). As torch.nn.functional.interpolate(antialias=True).
Tensor resize(const Tensor& images, Size size);
/// One number: the shorter side gets this length, the other one in proportion; two: height and width.
class Resize final : public Transform {
 public:
  explicit Resize(int64_t shorter_side);
  Resize(int64_t height, int64_t width);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  int64_t height_, width_;  // width 0: height is the shorter side
};

/// Targets (N) int64 to (N, classes) float32.
class OneHot final : public Transform {
 public:
  explicit OneHot(int64_t classes);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  int64_t classes_;
};

struct MixUpOptions {
  double alpha = 1;  ///< of the Beta distribution
  int64_t classes = 0;
};
/// lambda x + (1 - lambda) x', x' the batch moved on by one; targets likewise, one-hot over `classes` (Zhang et al. 2018). A batch_transform.
class MixUp final : public Transform {
 public:
  explicit MixUp(MixUpOptions options);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  MixUpOptions o_;
};
/// A rectangle of x' in x, targets in proportion of the areas (Yun et al. 2019). A batch_transform.
class CutMix final : public Transform {
 public:
  explicit CutMix(MixUpOptions options);
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  MixUpOptions o_;
};

/// Any function of the first tensor (N, ...), or of the whole batch and its draws.
class Lambda final : public Transform {
 public:
  template <class F>
    requires std::is_invocable_r_v<Tensor, F&, const Tensor&>
  explicit Lambda(F f) : of_input_(static_cast<F&&>(f)) {}
  template <class F>
    requires std::is_invocable_v<F&, Sample&, std::vector<Draws>&>
  explicit Lambda(F f) : of_batch_([f = static_cast<F&&>(f)](Sample& batch, std::vector<Draws>& draws) mutable { f(batch, draws); }) {}
  void apply(Sample& batch, std::vector<Draws>& draws) const override;

 private:
  Callback<Tensor(const Tensor&)> of_input_;
  Callback<void(Sample&, std::vector<Draws>&)> of_batch_;
};

}  // namespace ember::data::transforms
