// Mapping a file, and unpacking one that is gzipped.
#include "data/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "error_format.h"

#ifdef EMBER_ZLIB
#include <zlib.h>
#endif

namespace ember::data {
namespace {

#ifdef EMBER_ZLIB
std::vector<char> unpack(const char* data, std::size_t size, const std::string& path) {
  std::vector<char> unpacked;
  unsigned char block[1 << 16];
  z_stream stream{};
  check<RuntimeError>(inflateInit2(&stream, 15 + 16) == Z_OK, "{}: zlib does not start", path);
  int status = Z_OK;
  std::size_t given = 0;
  while (true) {
    if (stream.avail_in == 0 && given < size) {
      const std::size_t part = std::min<std::size_t>(size - given, UINT_MAX);
      stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(data + given));
      stream.avail_in = unsigned(part);
      given += part;
    }
    stream.next_out = block;
    stream.avail_out = sizeof block;
    status = inflate(&stream, Z_NO_FLUSH);
    unpacked.insert(unpacked.end(), block, block + (sizeof block - stream.avail_out));
    if (status == Z_STREAM_END && (stream.avail_in > 0 || given < size) && inflateReset(&stream) == Z_OK) continue;  // another member
    if (status != Z_OK) break;
  }
  inflateEnd(&stream);
  check<RuntimeError>(status == Z_STREAM_END, "{}: broken gzip data after {} bytes", path, unpacked.size());
  return unpacked;
}
#endif

}  // namespace

FileBytes::FileBytes(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe without a writer would wait for ever
  check<RuntimeError>(file >= 0, "cannot read {}: {}", path, std::strerror(errno));
  struct stat status{};
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  void* map = MAP_FAILED;
  if (regular && status.st_size > 0) map = ::mmap(nullptr, std::size_t(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  const int error = errno;
  ::close(file);
  check<RuntimeError>(regular, "cannot read {}: not a regular file", path);
  if (status.st_size == 0) return;
  check<RuntimeError>(map != MAP_FAILED, "cannot map {}: {}", path, std::strerror(error));
  ::madvise(map, std::size_t(status.st_size), MADV_WILLNEED);
  data_ = static_cast<const char*>(map);
  size_ = mapped_ = std::size_t(status.st_size);
  if (size_ < 2 || data_[0] != '\x1f' || data_[1] != '\x8b') return;
#ifdef EMBER_ZLIB
  try {
    unpacked_ = unpack(data_, size_, path);
  } catch (...) {
    ::munmap(map, mapped_);
    throw;
  }
  ::munmap(map, mapped_);
  mapped_ = 0;
  data_ = unpacked_.data();
  size_ = unpacked_.size();
#else
  ::munmap(map, mapped_);
  fail<RuntimeError>("{} is gzipped, and this library was built without zlib", path);
#endif
}

FileBytes::~FileBytes() {
  if (mapped_ > 0) ::munmap(const_cast<char*>(data_), mapped_);
}

bool file_exists(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace ember::data
