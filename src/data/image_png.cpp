// PNG by libpng. Its errors leave by longjmp, so between setjmp and it nothing has a destructor.
#include "data/image_formats.h"
#include "error_format.h"

#ifdef EMBER_PNG
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#endif

namespace ember::data {

#ifdef EMBER_PNG
namespace {

struct Reading {
  const unsigned char* at;
  const unsigned char* end;
  char error[200] = "";
};
struct Writing {
  Bytes* out;
  char error[200] = "";
};

template <class Context>
void on_error(png_structp png, png_const_charp text) {
  Context* context = static_cast<Context*>(png_get_error_ptr(png));
  std::snprintf(context->error, sizeof context->error, "%s", text);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep to, std::size_t n) {
  Reading* r = static_cast<Reading*>(png_get_io_ptr(png));
  if (std::size_t(r->end - r->at) < n) png_error(png, "the file ends too early");
  std::memcpy(to, r->at, n);
  r->at += n;
}
void write_bytes(png_structp png, png_bytep from, std::size_t n) {
  Writing* w = static_cast<Writing*>(png_get_io_ptr(png));
  bool done = true;
  try {
    w->out->insert(w->out->end(), from, from + n);
  } catch (...) {
    done = false;
  }
  if (!done) png_error(png, "not enough memory");
}
void flush(png_structp) {}

/// Up to the size, with the conversions asked for.
bool read_header(png_structp png, png_infop info, Reading* reading, bool strip_alpha) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, reading, read_bytes);
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_strip_16(png);
  if (strip_alpha) png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return true;
}

bool read_rows(png_structp png, unsigned char** rows) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_read_image(png, rows);
  png_read_end(png, nullptr);
  return true;
}

bool write_all(png_structp png, png_infop info, Writing* writing, const Pixels* pixels, unsigned char** rows, int compression) {
  if (setjmp(png_jmpbuf(png))) return false;
  constexpr int kinds[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  png_set_write_fn(png, writing, write_bytes, flush);
  png_set_compression_level(png, compression);
  png_set_IHDR(png, info, png_uint_32(pixels->width), png_uint_32(pixels->height), 8, kinds[pixels->channels], PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  png_write_image(png, rows);
  png_write_end(png, info);
  return true;
}

struct Structs {
  png_structp png;
  png_infop info = nullptr;
  bool reads;
  Structs(png_structp made, bool reads) : png(made), reads(reads) {
    if (png) info = png_create_info_struct(png);
    check<RuntimeError>(png && info, "libpng does not start");
  }
  ~Structs() {
    if (reads) png_destroy_read_struct(&png, &info, nullptr);
    else png_destroy_write_struct(&png, &info);
  }
};

std::vector<unsigned char*> rows_of(unsigned char* data, int64_t height, std::size_t stride) {
  std::vector<unsigned char*> rows;
  for (int64_t y = 0; y < height; ++y) rows.push_back(data + std::size_t(y) * stride);
  return rows;
}

}  // namespace

Pixels read_png(const std::string& path, const unsigned char* data, std::size_t size, ImageMode mode) {
  Reading reading{data, data + size};
  Structs s(png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_error<Reading>, on_warning), true);
  check<RuntimeError>(read_header(s.png, s.info, &reading, mode != ImageMode::Unchanged), "{}: broken PNG: {}", path, reading.error);
  Pixels pixels{png_get_image_height(s.png, s.info), png_get_image_width(s.png, s.info), png_get_channels(s.png, s.info), {}};
  check_image_size(path, std::uint64_t(pixels.height), std::uint64_t(pixels.width), size);
  const std::size_t stride = png_get_rowbytes(s.png, s.info);
  pixels.bytes.resize(std::size_t(pixels.height) * stride);
  std::vector<unsigned char*> rows = rows_of(pixels.bytes.data(), pixels.height, stride);
  check<RuntimeError>(read_rows(s.png, rows.data()), "{}: broken PNG: {}", path, reading.error);
  return pixels;
}

Bytes write_png(const std::string& path, const Pixels& pixels, int compression) {
  Bytes out;
  Writing writing{&out};
  Structs s(png_create_write_struct(PNG_LIBPNG_VER_STRING, &writing, on_error<Writing>, on_warning), false);
  std::vector<unsigned char*> rows = rows_of(const_cast<unsigned char*>(pixels.bytes.data()), pixels.height,
                                             std::size_t(pixels.width * pixels.channels));
  check<RuntimeError>(write_all(s.png, s.info, &writing, &pixels, rows.data(), compression), "cannot write {}: {}", path, writing.error);
  return out;
}
#else
Pixels read_png(const std::string& path, const unsigned char*, std::size_t, ImageMode) {
  fail<RuntimeError>("{} is a PNG, and this library was built without libpng (Debian: libpng-dev)", path);
}
Bytes write_png(const std::string& path, const Pixels&, int) {
  fail<RuntimeError>("cannot write {}: this library was built without libpng (Debian: libpng-dev); .ppm needs none", path);
}
#endif

}  // namespace ember::data
