// Transforms that move pixels: crops, flips, holes, affine maps.
#include <ember/data/transforms.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "data/planes.h"

namespace ember::data::transforms {
namespace {

/// Copies height x width pixels from (top, left), which may lie outside, where `fill` stands.
template <class T>
void crop_plane(const T* from, int64_t height, int64_t width, int64_t top, int64_t left, T* to, Size size, T fill) {
  for (int64_t y = 0; y < size.height; ++y, to += size.width) {
    const int64_t row = top + y, begin = std::clamp<int64_t>(-left, 0, size.width), end = std::clamp<int64_t>(width - left, begin, size.width);
    if (row < 0 || row >= height) {
      std::fill(to, to + size.width, fill);
      continue;
    }
    std::fill(to, to + begin, fill);
    if (end > begin) std::memcpy(to + begin, from + row * width + left + begin, std::size_t(end - begin) * sizeof(T));
    std::fill(to + end, to + size.width, fill);
  }
}

/// corner(i) gives top and left of image i.
template <class Corner>
Tensor crop(const Images& images, Size size, double fill, Corner&& corner) {
  const Tensor out = images.like(size.height, size.width);
  with_pixels(out, [&]<class T>() {
    T* to = out.data<T>();
    for (int64_t i = 0; i < images.count; ++i) {
      const auto [top, left] = corner(i);
      for (int64_t c = 0; c < images.channels; ++c, to += size.height * size.width)
        crop_plane(images.plane<T>(i, c), images.height, images.width, top, left, to, size, pixel_of<T>(fill));
    }
  });
  return out;
}

template <class T>
void erase(T* planes, const Images& images, int64_t top, int64_t left, Size size, double value) {
  const int64_t bottom = std::min(images.height, top + size.height), right = std::min(images.width, left + size.width);
  top = std::max<int64_t>(top, 0);
  left = std::max<int64_t>(left, 0);
  for (int64_t c = 0; c < images.channels; ++c)
    for (int64_t y = top; y < bottom; ++y)
      if (left < right)
        std::fill(planes + (c * images.height + y) * images.width + left, planes + (c * images.height + y) * images.width + right,
                  pixel_of<T>(value));
}

void check_size(const char* transform, Size size) {
  check<ValueError>(size.height > 0 && size.width > 0, "{}: expected a size above 0, got {} x {}", transform, size.height, size.width);
}

/// Flips the planes of an image along one of its axes.
void flip(const char* transform, Sample& batch, std::vector<Draws>& draws, double p, bool horizontal) {
  Tensor& tensor = first_of(transform, batch);
  const Images images(transform, tensor);
  check_draws(transform, images, draws);
  const Tensor out = images.like(images.height, images.width);
  with_pixels(out, [&]<class T>() {
    T* to = out.data<T>();
    const int64_t rows = images.channels * images.height, width = images.width;
    for (int64_t i = 0; i < images.count; ++i, to += rows * width) {
      const T* from = images.plane<T>(i, 0);
      if (!draws[std::size_t(i)].toss(p)) {
        std::memcpy(to, from, std::size_t(rows * width) * sizeof(T));
        continue;
      }
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t y = r % images.height, source = horizontal ? r : r - y + images.height - 1 - y;
        if (horizontal) std::reverse_copy(from + source * width, from + (source + 1) * width, to + r * width);
        else std::memcpy(to + r * width, from + source * width, std::size_t(width) * sizeof(T));
      }
    }
  });
  tensor = out;
}

}  // namespace

RandomCrop::RandomCrop(Size size, RandomCropOptions options) : size_(size), o_(options) {
  check_size("RandomCrop", size);
  check<ValueError>(o_.padding >= 0, "RandomCrop: expected a padding of 0 or more, got {}", o_.padding);
}

void RandomCrop::apply(Sample& batch, std::vector<Draws>& draws) const {
  Tensor& tensor = first_of("RandomCrop", batch);
  const Images images("RandomCrop", tensor);
  check_draws("RandomCrop", images, draws);
  const int64_t free_y = images.height + 2 * o_.padding - size_.height, free_x = images.width + 2 * o_.padding - size_.width;
  check<ValueError>(free_y >= 0 && free_x >= 0, "Required crop size ({}, {}) is larger than input image size ({}, {})\nRandomCrop: .padding = {}",
                    size_.height, size_.width, images.height + 2 * o_.padding, images.width + 2 * o_.padding, o_.padding);
  tensor = crop(images, size_, o_.fill, [&](int64_t i) {
    const int64_t top = draws[std::size_t(i)].below(free_y + 1), left = draws[std::size_t(i)].below(free_x + 1);
    return std::pair{top - o_.padding, left - o_.padding};
  });
}

CenterCrop::CenterCrop(Size size) : size_(size) { check_size("CenterCrop", size); }
void CenterCrop::apply(Sample& batch, std::vector<Draws>&) const {
  Tensor& tensor = first_of("CenterCrop", batch);
  const Images images("CenterCrop", tensor);
  // Python's round, half to even, and padding of what is too small, as in torchvision.
  const auto start = [](int64_t length, int64_t size) {
    return length >= size ? int64_t(std::nearbyint(double(length - size) / 2)) : -((size - length) / 2);
  };
  tensor = crop(images, size_, 0, [&](int64_t) { return std::pair{start(images.height, size_.height), start(images.width, size_.width)}; });
}

RandomHorizontalFlip::RandomHorizontalFlip(double p) : p_(p) { check_probability("RandomHorizontalFlip", p); }
void RandomHorizontalFlip::apply(Sample& batch, std::vector<Draws>& draws) const { flip("RandomHorizontalFlip", batch, draws, p_, true); }
RandomVerticalFlip::RandomVerticalFlip(double p) : p_(p) { check_probability("RandomVerticalFlip", p); }
void RandomVerticalFlip::apply(Sample& batch, std::vector<Draws>& draws) const { flip("RandomVerticalFlip", batch, draws, p_, false); }

RandomErasing::RandomErasing(RandomErasingOptions options) : o_(options) {
  check_probability("RandomErasing", o_.p);
  check<ValueError>(o_.scale.low >= 0 && o_.scale.high <= 1 && o_.scale.low <= o_.scale.high,
                    "Scale should be between 0 and 1\nRandomErasing: got {} .. {}", o_.scale.low, o_.scale.high);
  check<ValueError>(o_.ratio.low > 0 && o_.ratio.low <= o_.ratio.high, "RandomErasing: expected ratios above 0, the smaller first, got {} .. {}",
                    o_.ratio.low, o_.ratio.high);
}

void RandomErasing::apply(Sample& batch, std::vector<Draws>& draws) const {
  Tensor& tensor = first_of("RandomErasing", batch);
  const Images images("RandomErasing", tensor);
  check_draws("RandomErasing", images, draws);
  const Tensor out = images.from.clone();
  with_pixels(out, [&]<class T>() {
    for (int64_t i = 0; i < images.count; ++i) {
      Draws& d = draws[std::size_t(i)];
      if (!d.toss(o_.p)) continue;
      for (int attempt = 0; attempt < 10; ++attempt) {  // as torchvision: ten tries, or nothing
        const double area = double(images.height * images.width) * d.uniform(o_.scale.low, o_.scale.high);
        const double ratio = std::exp(d.uniform(std::log(o_.ratio.low), std::log(o_.ratio.high)));
        const int64_t h = std::llround(std::sqrt(area / ratio)), w = std::llround(std::sqrt(area * ratio));
        if (h >= images.height || w >= images.width) continue;
        const int64_t top = d.below(images.height - h + 1), left = d.below(images.width - w + 1);
        erase(out.data<T>() + i * images.channels * images.height * images.width, images, top, left, {h, w}, o_.value);
        break;
      }
    }
  });
  tensor = out;
}

Cutout::Cutout(int64_t length, int64_t holes) : length_(length), holes_(holes) {
  check<ValueError>(length > 0 && holes >= 0, "Cutout: expected a length above 0 and holes of 0 or more, got {} and {}", length, holes);
}

void Cutout::apply(Sample& batch, std::vector<Draws>& draws) const {
  Tensor& tensor = first_of("Cutout", batch);
  const Images images("Cutout", tensor);
  check_draws("Cutout", images, draws);
  const Tensor out = images.from.clone();
  with_pixels(out, [&]<class T>() {
    for (int64_t i = 0; i < images.count; ++i)
      for (int64_t h = 0; h < holes_; ++h) {
        Draws& d = draws[std::size_t(i)];
        const int64_t y = d.below(images.height), x = d.below(images.width);
        erase(out.data<T>() + i * images.channels * images.height * images.width, images, y - length_ / 2, x - length_ / 2, {length_, length_}, 0);
      }
  });
  tensor = out;
}

namespace {

/// From the pixels of the result to those of the source, both counted from the middle: the inverse of turning, shearing and scaling about
/// the middle and moving then. As torchvision's _get_inverse_affine_matrix.
struct InverseMap {
  double xx, xy, x0, yx, yy, y0;
  InverseMap(double degrees, const AffineOptions& o) {
    const double turn = degrees * std::numbers::pi / 180, sx = o.shear_x * std::numbers::pi / 180, sy = o.shear_y * std::numbers::pi / 180;
    const double a = std::cos(turn - sy) / std::cos(sy), b = -std::cos(turn - sy) * std::tan(sx) / std::cos(sy) - std::sin(turn);
    const double c = std::sin(turn - sy) / std::cos(sy), d = -std::sin(turn - sy) * std::tan(sx) / std::cos(sy) + std::cos(turn);
    xx = d / o.scale, xy = -b / o.scale, yx = -c / o.scale, yy = a / o.scale;
    x0 = -xx * o.translate_x - xy * o.translate_y;
    y0 = -yx * o.translate_x - yy * o.translate_y;
  }
};

template <class T>
void affine_plane(const T* from, int64_t height, int64_t width, const InverseMap& m, const AffineOptions& o, T* to) {
  const auto pixel = [&](int64_t y, int64_t x) { return y >= 0 && y < height && x >= 0 && x < width ? double(from[y * width + x]) : o.fill; };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const double cx = double(x) - double(width - 1) / 2, cy = double(y) - double(height - 1) / 2;
      const double sx = m.xx * cx + m.xy * cy + m.x0 + double(width - 1) / 2, sy = m.yx * cx + m.yy * cy + m.y0 + double(height - 1) / 2;
      if (!o.bilinear) {
        *to++ = pixel_of<T>(pixel(std::llrint(sy), std::llrint(sx)));
        continue;
      }
      const double fx = std::floor(sx), fy = std::floor(sy), rx = sx - fx, ry = sy - fy;
      const int64_t ix = int64_t(fx), iy = int64_t(fy);
      *to++ = pixel_of<T>((1 - ry) * ((1 - rx) * pixel(iy, ix) + rx * pixel(iy, ix + 1)) +
                          ry * ((1 - rx) * pixel(iy + 1, ix) + rx * pixel(iy + 1, ix + 1)));
    }
}

template <class T>
void affine_image(const Images& images, int64_t i, double degrees, const AffineOptions& o, const Tensor& out) {
  const InverseMap map(degrees, o);
  for (int64_t c = 0; c < images.channels; ++c)
    affine_plane(images.plane<T>(i, c), images.height, images.width, map, o,
                 out.data<T>() + (i * images.channels + c) * images.height * images.width);
}

}  // namespace

Tensor affine(const Tensor& tensor, double degrees, AffineOptions options) {
  const Images images("affine", tensor);
  check<ValueError>(options.scale > 0, "Argument scale should be positive\naffine: got {}", options.scale);
  check<ValueError>(
      std::isfinite(degrees) && std::isfinite(options.scale) && std::isfinite(options.translate_x) && std::isfinite(options.translate_y),
      "affine: expected finite numbers");
  const Tensor out = images.like(images.height, images.width);
  with_pixels(out, [&]<class T>() {
    for (int64_t i = 0; i < images.count; ++i) affine_image<T>(images, i, degrees, options, out);
  });
  return out;
}

RandomAffine::RandomAffine(double degrees, RandomAffineOptions options) : degrees_(degrees), o_(options) {
  check<ValueError>(degrees >= 0 && std::isfinite(degrees), "If degrees is a single number, it must be positive.\nRandomAffine: got {}", degrees);
  check<ValueError>(o_.translate_x >= 0 && o_.translate_x <= 1 && o_.translate_y >= 0 && o_.translate_y <= 1,
                    "translation values should be between 0 and 1\nRandomAffine: got {} and {}", o_.translate_x, o_.translate_y);
  check<ValueError>(o_.scale.low > 0 && o_.scale.low <= o_.scale.high, "scale values should be positive\nRandomAffine: got {} .. {}", o_.scale.low,
                    o_.scale.high);
}

void RandomAffine::apply(Sample& batch, std::vector<Draws>& draws) const {
  Tensor& tensor = first_of("RandomAffine", batch);
  const Images images("RandomAffine", tensor);
  check_draws("RandomAffine", images, draws);
  const Tensor out = images.like(images.height, images.width);
  with_pixels(out, [&]<class T>() {
    for (int64_t i = 0; i < images.count; ++i) {
      Draws& d = draws[std::size_t(i)];
      const double angle = d.uniform(-degrees_, degrees_), most_x = o_.translate_x * double(images.width),
                   most_y = o_.translate_y * double(images.height);
      AffineOptions its{.fill = o_.fill, .bilinear = o_.bilinear};
      its.translate_x = std::nearbyint(d.uniform(-most_x, most_x));
      its.translate_y = std::nearbyint(d.uniform(-most_y, most_y));
      its.scale = d.uniform(o_.scale.low, o_.scale.high);
      its.shear_x = d.uniform(o_.shear.low, o_.shear.high);
      affine_image<T>(images, i, angle, its, out);
    }
  });
  tensor = out;
}

}  // namespace ember::data::transforms
