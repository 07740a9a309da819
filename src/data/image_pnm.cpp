// PNM: P1 to P6 of netpbm, plain and raw, up to 16 bits.
#include <cctype>

#include "data/image_formats.h"
#include "error_format.h"

namespace ember::data {
namespace {

class Reader {
 public:
  Reader(const std::string& path, const unsigned char* data, std::size_t size) : path_(path), at_(data + 2), end_(data + size) {}

  /// The next number of the header or of plain data, past blanks and comments.
  std::uint64_t number(std::uint64_t most) {
    skip_blanks();
    check<RuntimeError>(at_ != end_ && std::isdigit(*at_), "{}: broken PNM: expected a number{}", path_,
                        at_ == end_ ? ", got the end of the file" : "");
    std::uint64_t n = 0;
    while (at_ != end_ && std::isdigit(*at_)) {
      n = n * 10 + std::uint64_t(*at_++ - '0');
      check<RuntimeError>(n <= most, "{}: broken PNM: a number above {}", path_, most);
    }
    return n;
  }
  /// A digit of a plain bitmap, which need not be apart from the next.
  int bit() {
    skip_blanks();
    check<RuntimeError>(at_ != end_ && (*at_ == '0' || *at_ == '1'), "{}: broken PNM: expected 0 or 1", path_);
    return *at_++ - '0';
  }
  /// Raw data begins behind one blank.
  const unsigned char* raw(std::size_t bytes) {
    check<RuntimeError>(at_ != end_ && std::isspace(*at_) && std::size_t(end_ - at_ - 1) >= bytes,
                        "{}: broken PNM: expected {} bytes of data, got {}", path_, bytes, at_ == end_ ? 0 : end_ - at_ - 1);
    return at_ + 1;
  }

 private:
  void skip_blanks() {
    while (at_ != end_ && (std::isspace(*at_) || *at_ == '#')) {
      if (*at_ == '#')
        while (at_ != end_ && *at_ != '\n') ++at_;
      else ++at_;
    }
  }
  const std::string& path_;
  const unsigned char *at_, *end_;
};

}  // namespace

Pixels read_pnm(const std::string& path, const unsigned char* data, std::size_t size) {
  const int kind = data[1] - '0';  // 1 to 3 plain, 4 to 6 raw: bitmap, grey, RGB
  const bool plain = kind <= 3, bits = kind % 3 == 1;
  Reader reader(path, data, size);
  const std::uint64_t width = reader.number(1 << 24), height = reader.number(1 << 24), most = bits ? 1 : reader.number(65535);
  check_image_size(path, height, width, size);
  check<RuntimeError>(most > 0, "{}: broken PNM: a largest value of 0", path);
  Pixels pixels{int64_t(height), int64_t(width), kind % 3 == 0 ? 3 : 1, {}};
  const std::size_t count = std::size_t(height * width) * std::size_t(pixels.channels), stride = (std::size_t(width) + 7) / 8;
  check<RuntimeError>(!plain || count <= size, "{}: broken PNM: {} values in {} bytes", path, count, size);
  const unsigned char* const raw = plain ? nullptr : reader.raw(bits ? stride * std::size_t(height) : count * (most > 255 ? 2 : 1));
  pixels.bytes.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (bits) {  // 1 is black
      const std::size_t y = i / width, x = i % width;
      const int bit = plain ? reader.bit() : raw[y * stride + x / 8] >> (7 - x % 8) & 1;
      pixels.bytes[i] = bit ? 0 : 255;
      continue;
    }
    const std::uint64_t v = plain ? reader.number(most) : most > 255 ? std::uint64_t(raw[2 * i] << 8 | raw[2 * i + 1]) : raw[i];
    check<RuntimeError>(v <= most, "{}: broken PNM: a value of {} above {}", path, v, most);
    pixels.bytes[i] = static_cast<unsigned char>(most == 255 ? v : (v * 255 + most / 2) / most);
  }
  return pixels;
}

Bytes write_pnm(const Pixels& pixels) {
  const std::string header = fmt::format("P{}\n{} {}\n255\n", pixels.channels == 1 ? 5 : 6, pixels.width, pixels.height);
  Bytes out(header.begin(), header.end());
  out.insert(out.end(), pixels.bytes.begin(), pixels.bytes.end());
  return out;
}

}  // namespace ember::data
