// A batch of images as transforms see it: dense planes.
#pragma once

#include <ember/data/draws.h>
#include <ember/ops/shape.h>

#include "error_format.h"

namespace ember::data {

/// The first tensor of a batch, (N, C, H, W) in order of memory, and room for the changed one.
struct Images {
  Tensor from;
  int64_t count, channels, height, width;

  Images(const char* transform, const Tensor& images) {
    check<ValueError>(images.defined() && images.dim() == 4, "{}: expected images (N, C, H, W), got {}", transform,
                      images.defined() ? to_string(images.sizes()) : std::string("an undefined tensor"));
    check<TypeError>(images.dtype() == kFloat32 || images.dtype() == kUInt8, "{}: expected images of float32 or uint8, got {}", transform,
                     name(images.dtype()));
    from = images.contiguous();
    count = images.size(0);
    channels = images.size(1);
    height = images.size(2);
    width = images.size(3);
  }
  Tensor like(int64_t new_height, int64_t new_width) const { return empty({count, channels, new_height, new_width}, from.dtype()); }
  template <class T>
  const T* plane(int64_t image, int64_t channel) const {
    return from.data<T>() + (image * channels + channel) * height * width;
  }
};

/// body.operator()<T>() for the dtype of the images.
template <class Body>
void with_pixels(const Tensor& images, Body&& body) {
  if (images.dtype() == kUInt8) body.template operator()<std::uint8_t>();
  else body.template operator()<float>();
}

template <class T>
T pixel_of(double value) {
  if constexpr (std::is_same_v<T, std::uint8_t>) return T(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
  else return T(value);
}

inline Tensor& first_of(const char* transform, Sample& batch) {
  check<ValueError>(!batch.empty(), "{}: expected a sample of at least one tensor", transform);
  return batch[0];
}

inline void check_draws(const char* transform, const Images& images, const std::vector<Draws>& draws) {
  check<ValueError>(int64_t(draws.size()) == images.count,
                    "{}: expected draws for {} samples, got {} (it is a .transform of samples, not a .batch_transform)", transform, images.count,
                    draws.size());
}

inline void check_probability(const char* transform, double p) {
  check<ValueError>(p >= 0 && p <= 1, "{}: expected a probability p between 0 and 1, got {}", transform, p);
}

}  // namespace ember::data
