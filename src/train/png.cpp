// PNG as the specification has it (ISO 15948): no filters; compressed where zlib is there, else stored.
#include "train/png.h"

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>

#ifdef EMBER_ZLIB
#include <zlib.h>
#endif

#include <algorithm>

#include "error_format.h"
#include "io/crc32.h"

namespace ember::train {

namespace {

void put_big_endian(std::string& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to += char(value >> shift & 255);
}

void put_chunk(std::string& to, const std::string& type, const std::string& data) {
  put_big_endian(to, std::uint32_t(data.size()));
  const std::string checked = type + data;
  to += checked;
  put_big_endian(to, io::crc32(0, checked.data(), std::int64_t(checked.size())));
}

/// A zlib stream (RFC 1950) of these bytes.
std::string packed(const std::string& bytes) {
#ifdef EMBER_ZLIB
  uLongf size = compressBound(uLong(bytes.size()));
  std::string out(size, 0);
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), uLong(bytes.size()), 6);
  out.resize(size);
  return out;
#else
  std::string out = "\x78\x01";
  for (std::size_t at = 0; at < bytes.size() || at == 0; at += 65535) {
    const std::size_t n = std::min<std::size_t>(65535, bytes.size() - at);
    out += char(at + n == bytes.size());
    for (const std::size_t v : {n, ~n}) out += {char(v & 255), char(v >> 8 & 255)};
    out.append(bytes, at, n);
  }
  std::uint32_t a = 1, b = 0;  // Adler-32
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  put_big_endian(out, b << 16 | a);
  return out;
#endif
}

}  // namespace

std::string png_bytes(const char* who, const Tensor& image) {
  check<ValueError>(image.defined(), "{}: expected an image, got an undefined tensor", who);
  const bool plane = image.dim() == 2;
  check<ValueError>((plane || (image.dim() == 3 && (image.size(0) == 1 || image.size(0) == 3))) && image.numel() > 0,
                    "{}: expected an image of shape (H, W), (1, H, W) or (3, H, W), got {}", who, image.sizes());
  check<ValueError>(image.is_floating_point() || image.dtype() == kUInt8, "{}: expected uint8 or real numbers 0 .. 1, got {}", who,
                    name(image.dtype()));
  NoGradGuard no_grad;
  Tensor bytes = image.detach();
  if (image.is_floating_point()) bytes = bytes.mul(255).clamp(0, 255).nan_to_num().to(kUInt8);  // cut off as SummaryWriter does
  if (plane) bytes = bytes.unsqueeze(0);
  bytes = bytes.permute({1, 2, 0}).contiguous();
  const int64_t height = bytes.size(0), row = bytes.size(1) * bytes.size(2);

  std::string raw;
  for (int64_t y = 0; y < height; ++y) {
    raw += '\0';  // the filter of this row: none
    raw.append(reinterpret_cast<const char*>(bytes.data<std::uint8_t>()) + y * row, std::size_t(row));
  }
  std::string header;
  put_big_endian(header, std::uint32_t(bytes.size(1)));
  put_big_endian(header, std::uint32_t(height));
  header += {8, char(bytes.size(2) == 3 ? 2 : 0), 0, 0, 0};
  std::string png = "\x89PNG\r\n\x1a\n";
  put_chunk(png, "IHDR", header);
  put_chunk(png, "IDAT", packed(raw));
  put_chunk(png, "IEND", "");
  return png;
}

}  // namespace ember::train
