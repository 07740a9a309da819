// Reading by ranges, within a budget; writing beside the old file, which is replaced at the end.
#include "io/file.h"

#include <ember/error.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "error_format.h"

namespace ember::io {

Source::Source(const std::string& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe without a writer would wait for ever
  check<RuntimeError>(file_ >= 0, "cannot read {}: {}", path, std::strerror(errno));
  struct stat status{};
  const bool regular = ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) {
    ::close(file_);
    fail<RuntimeError>("cannot read {}: not a regular file", path);
  }
  size_ = status.st_size;
  budget_ = 2 * size_ + (int64_t(40) << 20);
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

void BytesStream::read(void* out, int64_t bytes) {
  check<RuntimeError>(bytes <= int64_t(bytes_.size()), "{} bytes where {} are needed", bytes_.size(), bytes);
  std::memcpy(out, bytes_.data(), std::size_t(bytes));
  bytes_.remove_prefix(std::size_t(bytes));
}

std::shared_ptr<char> Source::map() const {
  if (std::shared_ptr<char> known = map_.lock()) return known;
  void* p = ::mmap(nullptr, std::size_t(size_), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file_, 0);
  check<RuntimeError>(p != MAP_FAILED, "cannot map {}: {}", path_, std::strerror(errno));
  const std::shared_ptr<char> map(static_cast<char*>(p), [bytes = std::size_t(size_)](char* start) { ::munmap(start, bytes); });
  map_ = map;
  return map;
}

void Source::spend(int64_t bytes) const {
  check<RuntimeError>(bytes >= 0 && bytes <= budget_, "{}: what it describes needs more memory than twice its {} bytes", path_, size_);
  budget_ -= bytes;
}

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

/// What a symbolic link stands for, or the path itself.
std::string resolved(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  char* target = ::realpath(path.c_str(), nullptr);
  check<RuntimeError>(target != nullptr, "cannot write {}: the link leads nowhere: {}", path, std::strerror(errno));
  std::string text = target;
  std::free(target);
  return text;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(resolved(path)) {
  int mode = 0;
  if (struct stat old{}; ::stat(path_.c_str(), &old) == 0) {
    check<RuntimeError>(!S_ISDIR(old.st_mode), "cannot write {}: Is a directory", path);
    check<RuntimeError>(S_ISREG(old.st_mode), "cannot write {}: not a regular file", path);
    if (::access(path_.c_str(), W_OK) != 0) fail_to_write("write", errno);
    mode = int(old.st_mode & 07777);
  }
  open_temporary(mode);
  buffer_.reserve(1 << 20);
}

/// A file without a name where the system has such: a process that is killed leaves nothing behind. `mode` 0: the default one.
void AtomicFile::open_temporary(int mode) {
  static std::atomic<unsigned> counter{0};
  const std::string folder = folder_of(path_);
  temporary_ = fmt::format("{}.{}.{}-{}.tmp", folder, path_.substr(path_.rfind('/') + 1), ::getpid(), counter++);
#ifdef O_TMPFILE
  file_ = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  nameless_ = file_ >= 0;
  if (nameless_ && ::access(fmt::format("/proc/self/fd/{}", file_).c_str(), F_OK) != 0) {  // it could not be given a name later
    ::close(std::exchange(file_, -1));
    nameless_ = false;
  }
#endif
  if (file_ < 0) file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0) fail<RuntimeError>("cannot write {}: {}", path_, std::strerror(errno));
  if (mode != 0) (void)!::fchmod(file_, mode_t(mode));
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  if (!nameless_) ::unlink(temporary_.c_str());
}

void AtomicFile::fail_to_write(const char* what, int error) {
  fail<RuntimeError>("cannot {} {}: {}; what was there before is unchanged", what, path_, std::strerror(error));
}

void AtomicFile::write_all(const char* from, int64_t bytes) {
  while (bytes > 0) {
    const ssize_t n = ::write(file_, from, std::size_t(bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_to_write("write", n < 0 ? errno : ENOSPC);
    from += n;
    bytes -= n;
  }
}

void AtomicFile::flush() {
  write_all(buffer_.data(), int64_t(buffer_.size()));
  buffer_.clear();
}

void AtomicFile::write(const void* data, int64_t bytes) {
  position_ += bytes;
  const char* from = static_cast<const char*>(data);
  const bool small = bytes < (1 << 18);
  if (!small || int64_t(buffer_.size()) + bytes > (1 << 20)) flush();
  if (small) buffer_.insert(buffer_.end(), from, from + bytes);
  else write_all(from, bytes);
}

void AtomicFile::rewrite(int64_t offset, const std::string& text) {
  const int64_t on_disk = position_ - int64_t(buffer_.size());
  if (offset >= on_disk) {
    std::memcpy(buffer_.data() + (offset - on_disk), text.data(), text.size());
    return;
  }
  flush();
  ssize_t n;
  do n = ::pwrite(file_, text.data(), text.size(), offset);
  while (n < 0 && errno == EINTR);
  if (n != ssize_t(text.size())) fail_to_write("write", n < 0 ? errno : ENOSPC);
}

void AtomicFile::commit() {
  flush();
  if (::fsync(file_) != 0) fail_to_write("flush", errno);
  if (nameless_) {
    const std::string self = fmt::format("/proc/self/fd/{}", file_);
    const auto name_it = [&] { return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW); };
    // A process of the same number may have been killed between this and the renaming.
    if (name_it() != 0 && (errno != EEXIST || ::unlink(temporary_.c_str()) != 0 || name_it() != 0)) fail_to_write("name", errno);
  }
  int error = ::close(std::exchange(file_, -1)) != 0 ? errno : 0;
  if (error == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary_.c_str());
    fail_to_write("replace", error);
  }
  flush_folder_of(path_);
}

void flush_folder_of(const std::string& path) {
  if (const int directory = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

}  // namespace ember::io
