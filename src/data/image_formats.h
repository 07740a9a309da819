// The kinds of image files: what each reads from bytes and writes to bytes. Rows are interleaved: height x width x channels.
#pragma once

#include <ember/data/image.h>

#include <functional>
#include <string>
#include <vector>

namespace ember::data {

using Bytes = std::vector<unsigned char>;

struct Pixels {
  int64_t height = 0, width = 0, channels = 0;
  Bytes bytes;
};

/// Throws for sizes that no picture has, or none in a file of so many bytes, before memory is taken.
void check_image_size(const std::string& path, std::uint64_t height, std::uint64_t width, std::size_t file_bytes);

Pixels read_png(const std::string& path, const unsigned char* data, std::size_t size, ImageMode mode);
Pixels read_jpeg(const std::string& path, const unsigned char* data, std::size_t size, ImageMode mode);
Pixels read_pnm(const std::string& path, const unsigned char* data, std::size_t size);
Bytes write_png(const std::string& path, const Pixels& pixels, int compression);
Bytes write_jpeg(const std::string& path, const Pixels& pixels, int quality);
Bytes write_pnm(const Pixels& pixels);

}  // namespace ember::data
