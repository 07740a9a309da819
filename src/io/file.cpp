#include "io/file.h"

#include <ember/error.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "error_format.h"

namespace ember::io {

Source::Source(const std::string& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check<RuntimeError>(file_ >= 0, "cannot read {}: {}", path, std::strerror(errno));
  struct stat status {};
  const bool regular = ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) {
    ::close(file_);
    fail<RuntimeError>("cannot read {}: not a regular file", path);
  }
  size_ = status.st_size;
  budget_ = 2 * size_ + (int64_t(24) << 20);
}

Source::~Source() { ::close(file_); }

void Source::read(int64_t offset, int64_t bytes, void* out) const {
  check<RuntimeError>(offset >= 0 && bytes >= 0 && offset <= size_ && bytes <= size_ - offset,
                      "{}: truncated: {} bytes at {} lie beyond its end at {}", path_, bytes, offset, size_);
  char* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t n = ::pread(file_, to, std::size_t(bytes), offset);
    if (n < 0 && errno == EINTR) continue;
    check<RuntimeError>(n > 0, "cannot read {}: {}", path_, n < 0 ? std::strerror(errno) : "it became shorter");
    to += n;
    offset += n;
    bytes -= n;
  }
}

std::string Source::read(int64_t offset, int64_t bytes) const {
  check<RuntimeError>(offset >= 0 && bytes >= 0 && offset <= size_ && bytes <= size_ - offset,
                      "{}: truncated: {} bytes at {} lie beyond its end at {}", path_, bytes, offset, size_);
  std::string text(std::size_t(bytes), '\0');
  read(offset, bytes, text.data());
  return text;
}

void Source::spend(int64_t bytes) const {
  check<RuntimeError>(bytes >= 0 && bytes <= budget_, "{}: what it describes needs more memory than twice its {} bytes", path_, size_);
  budget_ -= bytes;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  static std::atomic<unsigned> counter{0};
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1), name = slash == std::string::npos ? path : path.substr(slash + 1);
  temporary_ = fmt::format("{}.{}.{}-{}.tmp", folder, name, ::getpid(), counter++);
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0) fail<RuntimeError>("cannot write {}: {}", path, std::strerror(errno));
  buffer_.reserve(1 << 20);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail_to_write(const char* what, int error) {
  fail<RuntimeError>("cannot {} {}: {}; what was there before is unchanged", what, path_, std::strerror(error));
}

void AtomicFile::flush() {
  const char* from = buffer_.data();
  std::size_t rest = buffer_.size();
  while (rest > 0) {
    const ssize_t n = ::write(file_, from, rest);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_to_write("write", n < 0 ? errno : ENOSPC);
    from += n;
    rest -= std::size_t(n);
  }
  buffer_.clear();
}

void AtomicFile::write(const void* data, int64_t bytes) {
  position_ += bytes;
  const char* from = static_cast<const char*>(data);
  if (int64_t(buffer_.size()) + bytes > (1 << 20)) flush();
  if (bytes < (1 << 20)) {
    buffer_.insert(buffer_.end(), from, from + bytes);
    return;
  }
  while (bytes > 0) {
    const ssize_t n = ::write(file_, from, std::size_t(bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_to_write("write", n < 0 ? errno : ENOSPC);
    from += n;
    bytes -= n;
  }
}

void AtomicFile::commit() {
  flush();
  if (::fsync(file_) != 0) fail_to_write("flush", errno);
  if (::close(std::exchange(file_, -1)) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_to_write("close", error);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_to_write("replace", error);
  }
  // The new name itself must reach the disk, too.
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  if (const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

}  // namespace ember::io
