// Transforms of values, colours and targets, and the ones that put others together.
#include <ember/data/transforms.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <cmath>

#include "data/planes.h"

namespace ember::data::transforms {

Compose::Compose(std::vector<KeptTransform> steps) : steps_(std::move(steps)) {
  for (std::size_t i = 0; i < steps_->size(); ++i) check<ValueError>(bool(steps_[i]), "Compose: transform {} is a null pointer", i);
}
Compose::Compose(std::initializer_list<KeptTransform> steps) : Compose(std::vector<KeptTransform>(steps)) {}
void Compose::apply(Sample& batch, std::vector<Draws>& draws) const {
  for (const KeptTransform& step : *steps_) step->apply(batch, draws);
}

void Lambda::apply(Sample& batch, std::vector<Draws>& draws) const {
  if (of_batch_) return of_batch_(batch, draws);
  Tensor& first = first_of("Lambda", batch);
  first = of_input_(first);
  check<RuntimeError>(first.defined(), "Lambda: the function gave an undefined tensor");
}

void ToFloat::apply(Sample& batch, std::vector<Draws>&) const {
  Tensor& first = first_of("ToFloat", batch);
  if (!first.is_floating_point()) first = first.to(kFloat32) / 255;
}

Normalize::Normalize(std::vector<double> mean, std::vector<double> std) : mean_(std::move(mean)), std_(std::move(std)) {
  check<ValueError>(!mean_.empty() && mean_.size() == std_.size(), "Normalize: expected one mean and one std for each channel, got {} and {}",
                    mean_.size(), std_.size());
  for (double s : std_) check<ValueError>(s != 0, "std evaluated to zero after conversion to torch.float32, leading to division by zero.");
}

void Normalize::apply(Sample& batch, std::vector<Draws>&) const {
  Tensor& tensor = first_of("Normalize", batch);
  check<TypeError>(tensor.is_floating_point(), "Input tensor should be a float tensor. Got torch.{}.\nNormalize: ToFloat() before it",
                   name(tensor.dtype()));
  const Images images("Normalize", tensor);
  check<ValueError>(mean_.size() == 1 || int64_t(mean_.size()) == images.channels, "Normalize: expected images with {} channels, got {}",
                    mean_.size(), tensor.sizes());
  const Tensor out = images.like(images.height, images.width);
  const float* from = images.from.data<float>();
  float* to = out.data<float>();
  const int64_t plane = images.height * images.width;
  for (int64_t p = 0; p < images.count * images.channels; ++p, from += plane, to += plane) {
    const std::size_t c = mean_.size() == 1 ? 0 : std::size_t(p % images.channels);
    const float mean = float(mean_[c]), std = float(std_[c]);
    for (int64_t i = 0; i < plane; ++i) to[i] = (from[i] - mean) / std;
  }
  tensor = out;
}

namespace {

/// Images of floats with three channels; (C, H, W) as well.
Tensor colour_images(const char* function, const Tensor& images) {
  check<ValueError>(images.defined() && (images.dim() == 3 || images.dim() == 4), "{}: expected images (N, C, H, W) or (C, H, W)", function);
  check<TypeError>(images.is_floating_point(), "{}: expected floats in 0 .. 1, got {}; ToFloat() before it", function, name(images.dtype()));
  check<ValueError>(images.size(-3) == 1 || images.size(-3) == 3, "{}: expected images with 1 or 3 channels, got {}", function, images.sizes());
  return images;
}

Tensor grey(const Tensor& images) {
  if (images.size(-3) == 1) return images;
  return (images.select(-3, 0) * 0.2989 + images.select(-3, 1) * 0.587 + images.select(-3, 2) * 0.114).unsqueeze(-3);
}

Tensor blend(const Tensor& a, const Tensor& b, double factor) { return (a * factor + b * (1 - factor)).clamp(0, 1); }

}  // namespace

Tensor adjust_brightness(const Tensor& images, double factor) {
  check<ValueError>(factor >= 0, "brightness_factor ({}) is not non-negative.", factor);
  return (colour_images("adjust_brightness", images) * factor).clamp(0, 1);
}

Tensor adjust_contrast(const Tensor& images, double factor) {
  check<ValueError>(factor >= 0, "contrast_factor ({}) is not non-negative.", factor);
  return blend(images, grey(colour_images("adjust_contrast", images)).mean({-3, -2, -1}, true), factor);
}

Tensor adjust_saturation(const Tensor& images, double factor) {
  check<ValueError>(factor >= 0, "saturation_factor ({}) is not non-negative.", factor);
  if (colour_images("adjust_saturation", images).size(-3) == 1) return images;
  return blend(images, grey(images), factor);
}

Tensor adjust_hue(const Tensor& images, double factor) {
  check<ValueError>(factor >= -0.5 && factor <= 0.5, "hue_factor ({}) is not in [-0.5, 0.5].", factor);
  if (colour_images("adjust_hue", images).size(-3) == 1) return images;
  const Tensor from = images.to(kFloat32).contiguous(), out = empty_like(from);
  const int64_t plane = from.size(-1) * from.size(-2), count = from.numel() / std::max<int64_t>(3 * plane, 1);
  for (int64_t i = 0; i < count; ++i) {
    const float* p = from.data<float>() + i * 3 * plane;
    float* q = out.data<float>() + i * 3 * plane;
    for (int64_t k = 0; k < plane; ++k, ++p, ++q) {
      // To hue, saturation, value; the hue moves round; back again.
      const float r = p[0], g = p[plane], b = p[2 * plane], high = std::max({r, g, b}), low = std::min({r, g, b}), range = high - low;
      float hue = 0;
      if (range > 0) {
        const float rc = (high - r) / range, gc = (high - g) / range, bc = (high - b) / range;
        hue = high == r ? bc - gc : high == g ? 2 + rc - bc : 4 + gc - rc;
        hue = std::fmod(hue / 6 + 1, 1.0f);
      }
      hue = hue + float(factor);
      hue -= std::floor(hue);
      const float s = high > 0 ? range / high : 0, sector = std::floor(hue * 6), f = hue * 6 - sector;
      const auto unit = [](float v) { return std::clamp(v, 0.0f, 1.0f); };
      const float pp = unit(high * (1 - s)), qq = unit(high * (1 - s * f)), tt = unit(high * (1 - s * (1 - f)));
      const float table[6][3] = {{high, tt, pp}, {qq, high, pp}, {pp, high, tt}, {pp, qq, high}, {tt, pp, high}, {high, pp, qq}};
      const float* rgb = table[int(sector) % 6];
      q[0] = rgb[0], q[plane] = rgb[1], q[2 * plane] = rgb[2];
    }
  }
  return out;
}

ColorJitter::ColorJitter(ColorJitterOptions options) : o_(options) {
  check<ValueError>(o_.brightness >= 0 && o_.contrast >= 0 && o_.saturation >= 0,
                    "If brightness, contrast or saturation is a single number, it must be non negative.");
  check<ValueError>(o_.hue >= 0 && o_.hue <= 0.5, "hue values should be between (-0.5, 0.5)\nColorJitter: got {}", o_.hue);
}

void ColorJitter::apply(Sample& batch, std::vector<Draws>& draws) const {
  Tensor& tensor = first_of("ColorJitter", batch);
  const Images images("ColorJitter", tensor);
  check_draws("ColorJitter", images, draws);
  std::vector<Tensor> out;
  for (int64_t i = 0; i < images.count; ++i) {
    Draws& d = draws[std::size_t(i)];
    int order[4] = {0, 1, 2, 3};
    for (int k = 3; k > 0; --k) std::swap(order[k], order[d.below(k + 1)]);
    const auto factor = [&](double spread) { return d.uniform(std::max(0.0, 1 - spread), 1 + spread); };
    const double brightness = factor(o_.brightness), contrast = factor(o_.contrast), saturation = factor(o_.saturation),
                 hue = d.uniform(-o_.hue, o_.hue);
    Tensor image = images.from.select(0, i);
    for (int step : order) {
      if (step == 0 && o_.brightness > 0) image = adjust_brightness(image, brightness);
      if (step == 1 && o_.contrast > 0) image = adjust_contrast(image, contrast);
      if (step == 2 && o_.saturation > 0) image = adjust_saturation(image, saturation);
      if (step == 3 && o_.hue > 0) image = adjust_hue(image, hue);
    }
    out.push_back(image);
  }
  if (!out.empty()) tensor = stack(out);
}

namespace {

Tensor one_hot(const char* transform, const Tensor& targets, int64_t classes) {
  check<TypeError>(targets.defined() && targets.dtype() == kInt64 && targets.dim() == 1, "{}: expected targets (N) of int64", transform);
  const Tensor out = zeros({targets.size(0), classes}, kFloat32), t = targets.contiguous();
  for (int64_t i = 0; i < t.numel(); ++i) {
    const int64_t k = t.data<int64_t>()[i];
    check<ValueError>(k >= 0 && k < classes, "Class values must be smaller than num_classes.\n{}: got class {} of {}", transform, k, classes);
    out.data<float>()[i * classes + k] = 1;
  }
  return out;
}

/// (N, classes) from class numbers, or as it is.
Tensor soft_targets(const char* transform, const Sample& batch, int64_t classes) {
  check<ValueError>(batch.size() >= 2, "{}: expected batches of images and targets, got {} tensors", transform, batch.size());
  return batch[1].is_floating_point() ? batch[1] : one_hot(transform, batch[1], classes);
}

/// The batch moved on by one: the last sample comes first.
Tensor moved_on(const Tensor& x) { return x.size(0) > 1 ? cat({x.narrow(0, x.size(0) - 1, 1), x.narrow(0, 0, x.size(0) - 1)}) : x; }

void check_mix(const char* transform, const MixUpOptions& o) {
  check<ValueError>(o.alpha > 0, "{}: alpha param should be positive.\ngot {}", transform, o.alpha);
  check<ValueError>(o.classes > 0, "{}: expected the number of classes, got {}", transform, o.classes);
}

}  // namespace

OneHot::OneHot(int64_t classes) : classes_(classes) {
  check<ValueError>(classes > 0, "OneHot: expected a number of classes above 0, got {}", classes);
}
void OneHot::apply(Sample& batch, std::vector<Draws>&) const {
  check<ValueError>(batch.size() >= 2, "OneHot: expected samples of an input and a target, got {} tensors", batch.size());
  batch[1] = one_hot("OneHot", batch[1], classes_);
}

MixUp::MixUp(MixUpOptions options) : o_(options) { check_mix("MixUp", o_); }
void MixUp::apply(Sample& batch, std::vector<Draws>& draws) const {
  const Tensor targets = soft_targets("MixUp", batch, o_.classes), &images = batch[0];
  check<TypeError>(images.is_floating_point(), "MixUp: expected floats, got {}; ToFloat() before it", name(images.dtype()));
  const double lambda = draws.at(0).beta(o_.alpha, o_.alpha);
  batch[0] = images * lambda + moved_on(images) * (1 - lambda);
  batch[1] = targets * lambda + moved_on(targets) * (1 - lambda);
}

CutMix::CutMix(MixUpOptions options) : o_(options) { check_mix("CutMix", o_); }
void CutMix::apply(Sample& batch, std::vector<Draws>& draws) const {
  const Tensor targets = soft_targets("CutMix", batch, o_.classes);
  const Images images("CutMix", batch[0]);
  Draws& d = draws.at(0);
  const double half = 0.5 * std::sqrt(1 - d.beta(o_.alpha, o_.alpha));
  const int64_t x = d.below(images.width), y = d.below(images.height), rx = int64_t(half * double(images.width)),
                ry = int64_t(half * double(images.height));
  const int64_t left = std::max<int64_t>(x - rx, 0), top = std::max<int64_t>(y - ry, 0), right = std::min(x + rx, images.width),
                bottom = std::min(y + ry, images.height);
  const double lambda = 1 - double((right - left) * (bottom - top)) / double(images.width * images.height);
  const Tensor out = images.from.clone();
  out.slice(2, top, bottom).slice(3, left, right).copy_(moved_on(images.from).slice(2, top, bottom).slice(3, left, right));
  batch[0] = out;
  batch[1] = targets * lambda + moved_on(targets) * (1 - lambda);
}

}  // namespace ember::data::transforms
