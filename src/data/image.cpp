// Images from and to files by their kind, and grids.
#include <ember/autograd.h>
#include <ember/data/image.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "data/bytes.h"
#include "data/image_formats.h"
#include "error_format.h"

namespace ember::data {
namespace {

std::string ending_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  std::string ending = dot == path.npos ? "" : path.substr(dot);
  for (char& c : ending) c = char(std::tolower(static_cast<unsigned char>(c)));
  return ending;
}

/// Luma as in torchvision (and ITU-R 601), or grey three times. Alpha is dropped.
Pixels converted(Pixels from, ImageMode mode) {
  const int64_t wanted = mode == ImageMode::Gray ? 1 : mode == ImageMode::Rgb ? 3 : from.channels;
  if (wanted == from.channels) return from;
  Pixels to{from.height, from.width, wanted, Bytes(std::size_t(from.height * from.width * wanted))};
  const bool grey = from.channels <= 2;
  for (int64_t i = 0; i < from.height * from.width; ++i) {
    const unsigned char* p = from.bytes.data() + i * from.channels;
    unsigned char* q = to.bytes.data() + i * wanted;
    if (grey) std::fill(q, q + wanted, p[0]);
    else if (wanted == 3) std::copy(p, p + 3, q);
    else *q = static_cast<unsigned char>((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 0x8000) >> 16);  // Pillow's, exact to a half
  }
  return to;
}

/// Rows of pixels to planes.
Tensor planes(const Pixels& pixels) {
  const Tensor t = empty({pixels.channels, pixels.height, pixels.width}, kUInt8);
  const int64_t plane = pixels.height * pixels.width;
  for (int64_t c = 0; c < pixels.channels; ++c) {
    std::uint8_t* to = t.data<std::uint8_t>() + c * plane;
    const unsigned char* from = pixels.bytes.data() + c;
    for (int64_t i = 0; i < plane; ++i) to[i] = from[i * pixels.channels];
  }
  return t;
}

Pixels pixels_of(const Tensor& image) {
  check<ValueError>(image.defined() && (image.dim() == 2 || image.dim() == 3), "write_image: expected an image (C, H, W) or (H, W), got {}",
                    image.defined() ? to_string(image.sizes()) : std::string("an undefined tensor"));
  check<TypeError>(image.dtype() == kUInt8 || image.is_floating_point(), "write_image: expected uint8, or floats in 0 .. 1, got {}",
                   name(image.dtype()));
  NoGradGuard no_grad;
  Tensor t = image.dim() == 2 ? image.unsqueeze(0) : image;
  check<ValueError>(t.size(0) >= 1 && t.size(0) <= 4, "write_image: expected 1 to 4 channels, got {}", image.sizes());
  check<ValueError>(t.size(1) > 0 && t.size(2) > 0, "write_image: expected an image with pixels, got {}", image.sizes());
  if (t.is_floating_point()) t = (t * 255 + 0.5).clamp(0, 255).nan_to_num().to(kUInt8);
  t = t.contiguous();
  Pixels pixels{t.size(1), t.size(2), t.size(0), Bytes(std::size_t(t.numel()))};
  const int64_t plane = pixels.height * pixels.width;
  for (int64_t c = 0; c < pixels.channels; ++c)
    for (int64_t i = 0; i < plane; ++i) pixels.bytes[std::size_t(i * pixels.channels + c)] = t.data<std::uint8_t>()[c * plane + i];
  return pixels;
}

/// Beside its place first, then renamed: no half file is ever there under the name.
void write_whole(const std::string& path, const Bytes& bytes) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  check<RuntimeError>(file != nullptr, "cannot write {}: {}", path, std::strerror(errno));
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool closed = std::fclose(file) == 0;
  if (written && closed && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  std::remove(temporary.c_str());
  fail<RuntimeError>("cannot write {}: {}", path, std::strerror(error));
}

}  // namespace

void check_image_size(const std::string& path, std::uint64_t height, std::uint64_t width, std::size_t file_bytes) {
  check<RuntimeError>(height > 0 && width > 0, "{}: an image without pixels: {} x {}", path, height, width);
  check<RuntimeError>(height <= (1u << 28) / width, "{}: {} x {} pixels are more than the 2^28 that are read", path, height, width);
  // Deflate packs at most 1032 to 1, a bitmap 8 pixels to a byte.
  check<RuntimeError>(height * width / 10000 <= file_bytes, "{}: the header promises {} x {} pixels, more than {} bytes can hold", path, height,
                      width, file_bytes);
}

Tensor read_image(const std::string& path, ImageMode mode) {
  const FileBytes file(path);
  const auto* data = reinterpret_cast<const unsigned char*>(file.data());
  const std::size_t size = file.size();
  Pixels pixels;
  if (size >= 8 && std::memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0) pixels = read_png(path, data, size, mode);
  else if (size >= 3 && std::memcmp(data, "\xff\xd8\xff", 3) == 0) pixels = read_jpeg(path, data, size, mode);
  else if (size >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && (std::isspace(data[2]) || data[2] == '#'))
    pixels = read_pnm(path, data, size);
  else fail<RuntimeError>("{}: no PNG, JPEG or PNM file", path);
  return planes(converted(std::move(pixels), mode));
}

void write_image(const std::string& path, const Tensor& image, WriteImageOptions options) {
  const std::string ending = ending_of(path);
  const bool png = ending == ".png", jpeg = ending == ".jpg" || ending == ".jpeg", pnm = ending == ".ppm" || ending == ".pgm" || ending == ".pnm";
  check<ValueError>(png || jpeg || pnm, "write_image: expected a name that ends in .png, .jpg, .jpeg, .ppm, .pgm or .pnm, got \"{}\"", path);
  check<ValueError>(options.quality >= 1 && options.quality <= 100,
                    "Image quality should be a positive number between 1 and 100\nwrite_image: got {}", options.quality);
  check<ValueError>(options.compression >= 0 && options.compression <= 9, "Compression level should be between 0 and 9\nwrite_image: got {}",
                    options.compression);
  const Pixels pixels = pixels_of(image);
  check<ValueError>(png || pixels.channels == 1 || pixels.channels == 3, "write_image: expected 1 or 3 channels for {}, got {}", ending,
                    pixels.channels);
  write_whole(path, png    ? write_png(path, pixels, int(options.compression))
                    : jpeg ? write_jpeg(path, pixels, int(options.quality))
                           : write_pnm(pixels));
}

Tensor make_grid(const Tensor& tensor, MakeGridOptions o) {
  check<ValueError>(tensor.defined() && tensor.dim() >= 2 && tensor.dim() <= 4, "make_grid: expected images (N, C, H, W), got {}",
                    tensor.defined() ? to_string(tensor.sizes()) : std::string("an undefined tensor"));
  check<ValueError>(o.nrow > 0 && o.padding >= 0, "make_grid: expected nrow above 0 and a padding of 0 or more, got {} and {}", o.nrow, o.padding);
  NoGradGuard no_grad;
  Tensor images = tensor;
  while (images.dim() < 4) images = images.unsqueeze(0);
  check<ValueError>(images.size(0) > 0, "make_grid: expected at least one image, got {}", tensor.sizes());
  if (images.size(1) == 1) images = images.expand({images.size(0), 3, images.size(2), images.size(3)});
  if (o.normalize) {
    const auto scaled = [&](const Tensor& t) {
      const bool given = o.low != 0 || o.high != 0;
      const double low = given ? o.low : t.min().item<double>(), high = given ? o.high : t.max().item<double>();
      return (t.clamp(low, high) - low) / std::max(high - low, 1e-5);
    };
    std::vector<Tensor> each;
    for (int64_t i = 0; o.scale_each && i < images.size(0); ++i) each.push_back(scaled(images.select(0, i)));
    images = o.scale_each ? stack(each) : scaled(images);
  }
  if (images.size(0) == 1) return images.select(0, 0).contiguous();
  const int64_t n = images.size(0), across = std::min(o.nrow, n), down = (n + across - 1) / across, height = images.size(2) + o.padding,
                width = images.size(3) + o.padding;
  Tensor grid = full({images.size(1), height * down + o.padding, width * across + o.padding}, o.pad_value, images.dtype());
  for (int64_t i = 0; i < n; ++i)
    grid.narrow(1, i / across * height + o.padding, images.size(2))
        .narrow(2, i % across * width + o.padding, images.size(3))
        .copy_(images.select(0, i));
  return grid;
}

}  // namespace ember::data
