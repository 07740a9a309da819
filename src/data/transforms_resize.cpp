// Bilinear resizing that smooths when it shrinks: each pixel of the result is a weighted mean of those that its triangle covers.
#include <ember/data/transforms.h>

#include <algorithm>
#include <cmath>

#include "data/planes.h"

namespace ember::data::transforms {
namespace {

/// Which pixels of the source one of the result is made of.
struct Taps {
  int64_t first;
  std::vector<float> weights;
};

std::vector<Taps> taps_of(int64_t from, int64_t to) {
  const double scale = double(from) / double(to), support = std::max(scale, 1.0), sharpness = 1 / support;
  std::vector<Taps> all;
  for (int64_t i = 0; i < to; ++i) {
    const double center = scale * (double(i) + 0.5);
    const int64_t first = std::max<int64_t>(int64_t(center - support + 0.5), 0), end = std::min<int64_t>(int64_t(center + support + 0.5), from);
    Taps taps{first, {}};
    double sum = 0;
    for (int64_t j = first; j < end; ++j) {
      const double weight = std::max(0.0, 1 - std::fabs((double(j) - center + 0.5) * sharpness));
      taps.weights.push_back(float(weight));
      sum += weight;
    }
    for (float& w : taps.weights) w = float(double(w) / sum);
    all.push_back(std::move(taps));
  }
  return all;
}

}  // namespace

Tensor resize(const Tensor& tensor, Size size) {
  check<ValueError>(size.height > 0 && size.width > 0, "Input and output sizes should be greater than 0\nresize: got {} x {}", size.height,
                    size.width);
  const Images images("resize", tensor);
  check<ValueError>(images.height > 0 && images.width > 0, "Input and output sizes should be greater than 0\nresize: got images {}", tensor.sizes());
  const std::vector<Taps> across = taps_of(images.width, size.width), down = taps_of(images.height, size.height);
  const Tensor out = images.like(size.height, size.width);
  std::vector<float> rows(std::size_t(images.height * size.width));
  with_pixels(out, [&]<class T>() {
    T* to = out.data<T>();
    for (int64_t p = 0; p < images.count * images.channels; ++p) {
      const T* from = images.plane<T>(0, p);
      for (int64_t y = 0; y < images.height; ++y)
        for (int64_t x = 0; x < size.width; ++x) {
          const Taps& taps = across[std::size_t(x)];
          float sum = 0;
          for (std::size_t k = 0; k < taps.weights.size(); ++k) sum += taps.weights[k] * float(from[y * images.width + taps.first + int64_t(k)]);
          rows[std::size_t(y * size.width + x)] = sum;
        }
      for (int64_t y = 0; y < size.height; ++y)
        for (int64_t x = 0; x < size.width; ++x) {
          const Taps& taps = down[std::size_t(y)];
          float sum = 0;
          for (std::size_t k = 0; k < taps.weights.size(); ++k)
            sum += taps.weights[k] * rows[std::size_t((taps.first + int64_t(k)) * size.width + x)];
          *to++ = pixel_of<T>(double(sum));
        }
    }
  });
  return out;
}

Resize::Resize(int64_t shorter_side) : height_(shorter_side), width_(0) {
  check<ValueError>(shorter_side > 0, "Resize: expected a size above 0, got {}", shorter_side);
}
Resize::Resize(int64_t height, int64_t width) : height_(height), width_(width) {
  check<ValueError>(height > 0 && width > 0, "Resize: expected sizes above 0, got {} x {}", height, width);
}

void Resize::apply(Sample& batch, std::vector<Draws>&) const {
  Tensor& tensor = first_of("Resize", batch);
  const Images images("Resize", tensor);
  Size size(height_, width_);
  if (width_ == 0) {
    const int64_t h = images.height, w = images.width;
    check<ValueError>(h > 0 && w > 0, "Resize: expected images, got {}", tensor.sizes());
    size = h <= w ? Size(height_, int64_t(double(height_) * double(w) / double(h))) : Size(int64_t(double(height_) * double(h) / double(w)), height_);
  }
  if (size.height != images.height || size.width != images.width) tensor = resize(tensor, size);
}

}  // namespace ember::data::transforms
