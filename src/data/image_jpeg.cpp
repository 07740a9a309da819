// JPEG by libjpeg-turbo. Its errors leave by longjmp, so between setjmp and it nothing has a destructor.
#include "data/image_formats.h"
#include "error_format.h"

#ifdef EMBER_JPEG
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs cstdio before it.
#include <jerror.h>
#include <jpeglib.h>
#endif

namespace ember::data {

#ifdef EMBER_JPEG
namespace {

struct Errors {
  jpeg_error_mgr manager;  // first: libjpeg knows this part only
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX] = "";
};

void on_error(j_common_ptr info) {
  Errors* errors = reinterpret_cast<Errors*>(info->err);
  errors->manager.format_message(info, errors->text);
  std::longjmp(errors->back, 1);
}

/// A file that ends too early or has damaged data is a warning to libjpeg, which fills in grey.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  const int code = info->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE) on_error(info);
}

void set_up(Errors& errors) {
  jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_error;
  errors.manager.emit_message = on_message;
}

bool read_header(jpeg_decompress_struct* d, Errors* errors, const unsigned char* data, std::size_t size, ImageMode mode) {
  if (setjmp(errors->back)) return false;
  jpeg_create_decompress(d);
  jpeg_mem_src(d, data, static_cast<unsigned long>(size));
  jpeg_read_header(d, TRUE);
  const bool grey = mode == ImageMode::Gray || (mode == ImageMode::Unchanged && d->jpeg_color_space == JCS_GRAYSCALE);
  const bool four = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
  d->out_color_space = four ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_calc_output_dimensions(d);
  return true;
}

bool read_rows(jpeg_decompress_struct* d, Errors* errors, unsigned char* to, std::size_t stride) {
  if (setjmp(errors->back)) return false;
  jpeg_start_decompress(d);
  while (d->output_scanline < d->output_height) {
    JSAMPROW row = to + d->output_scanline * stride;
    jpeg_read_scanlines(d, &row, 1);
  }
  jpeg_finish_decompress(d);
  return true;
}

bool write_rows(jpeg_compress_struct* c, Errors* errors, const Pixels* pixels, int quality, unsigned char** out, unsigned long* size) {
  if (setjmp(errors->back)) return false;
  jpeg_create_compress(c);
  jpeg_mem_dest(c, out, size);
  c->image_width = JDIMENSION(pixels->width);
  c->image_height = JDIMENSION(pixels->height);
  c->input_components = int(pixels->channels);
  c->in_color_space = pixels->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(c);
  jpeg_set_quality(c, quality, TRUE);
  jpeg_start_compress(c, TRUE);
  while (c->next_scanline < c->image_height) {
    JSAMPROW row = const_cast<unsigned char*>(pixels->bytes.data()) + c->next_scanline * std::size_t(pixels->width * pixels->channels);
    jpeg_write_scanlines(c, &row, 1);
  }
  jpeg_finish_compress(c);
  return true;
}

struct Decompress {
  jpeg_decompress_struct d{};
  ~Decompress() { jpeg_destroy_decompress(&d); }
};
struct Compress {
  jpeg_compress_struct c{};
  unsigned char* out = nullptr;
  unsigned long size = 0;
  ~Compress() {
    jpeg_destroy_compress(&c);
    std::free(out);
  }
};

}  // namespace

Pixels read_jpeg(const std::string& path, const unsigned char* data, std::size_t size, ImageMode mode) {
  Errors errors;
  set_up(errors);
  Decompress j;
  j.d.err = &errors.manager;
  check<RuntimeError>(read_header(&j.d, &errors, data, size, mode), "{}: broken JPEG: {}", path, errors.text);
  check<RuntimeError>(j.d.out_color_space != JCS_CMYK || mode == ImageMode::Unchanged,
                      "{}: a CMYK JPEG; ImageMode::Unchanged gives its four channels", path);
  check_image_size(path, j.d.output_height, j.d.output_width, size);
  Pixels pixels{j.d.output_height, j.d.output_width, j.d.out_color_components, {}};
  pixels.bytes.resize(std::size_t(pixels.height * pixels.width * pixels.channels));
  check<RuntimeError>(read_rows(&j.d, &errors, pixels.bytes.data(), std::size_t(pixels.width * pixels.channels)), "{}: broken JPEG: {}", path,
                      errors.text);
  return pixels;
}

Bytes write_jpeg(const std::string& path, const Pixels& pixels, int quality) {
  Errors errors;
  set_up(errors);
  Compress j;
  j.c.err = &errors.manager;
  check<RuntimeError>(write_rows(&j.c, &errors, &pixels, quality, &j.out, &j.size), "cannot write {}: {}", path, errors.text);
  return {j.out, j.out + j.size};
}
#else
Pixels read_jpeg(const std::string& path, const unsigned char*, std::size_t, ImageMode) {
  fail<RuntimeError>("{} is a JPEG, and this library was built without libjpeg-turbo (Debian: libjpeg-dev)", path);
}
Bytes write_jpeg(const std::string& path, const Pixels&, int) {
  fail<RuntimeError>("cannot write {}: this library was built without libjpeg-turbo (Debian: libjpeg-dev); .ppm needs none", path);
}
#endif

}  // namespace ember::data
