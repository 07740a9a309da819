// Files under the readers and writers: reads that check their range, writes that are whole or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ember::io {

using std::int64_t;

/// Reads anywhere in a file. Every read is checked against the size; errors name the path.
class Source {
 public:
  explicit Source(const std::string& path);
  ~Source();
  Source(const Source&) = delete;

  int64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  void read(int64_t offset, int64_t bytes, void* out) const;
  std::string read(int64_t offset, int64_t bytes) const;

  /// What readers may allocate in all, whatever a header promises: twice the file and some room. Throws when it is used up.
  void spend(int64_t bytes) const;

 private:
  std::string path_;
  int file_;
  int64_t size_;
  mutable int64_t budget_;
};

/// Writes beside the target, then flushes to disk and renames: until commit() the old file stays as it is.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();  ///< without commit() the new file vanishes
  AtomicFile(const AtomicFile&) = delete;

  void write(const void* data, int64_t bytes);
  void write(const std::string& text) { write(text.data(), int64_t(text.size())); }
  int64_t position() const { return position_; }
  void commit();

 private:
  void flush();
  [[noreturn]] void fail_to_write(const char* what, int error);

  std::string path_, temporary_;
  int file_ = -1;
  int64_t position_ = 0;
  std::vector<char> buffer_;
};

}  // namespace ember::io
