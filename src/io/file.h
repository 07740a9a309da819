// Files under the readers and writers: reads that check their range, writes that are whole or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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

  /// The whole file in memory, pages read when they are touched, writes kept private. Lives as long as its last owner.
  std::shared_ptr<char> map() const;

  /// What readers may allocate in all, whatever a header promises: twice the file and some room. Throws when it is used up.
  void spend(int64_t bytes) const;
  /// What was spent since `left` was read has been freed.
  int64_t left() const { return budget_; }
  void refund(int64_t left) const { budget_ = left; }

 private:
  std::string path_;
  int file_;
  int64_t size_;
  mutable int64_t budget_;
  mutable std::weak_ptr<char> map_;
};

/// Bytes that come one after the other.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void read(void* out, int64_t bytes) = 0;
};

/// Those in memory.
class BytesStream final : public Stream {
 public:
  explicit BytesStream(std::string_view bytes) : bytes_(bytes) {}
  void read(void* out, int64_t bytes) override;

 private:
  std::string_view bytes_;
};

/// Those of a file, from `offset` on.
class FileStream final : public Stream {
 public:
  FileStream(const Source& file, int64_t offset) : file_(file), at_(offset) {}
  void read(void* out, int64_t bytes) override {
    file_.read(at_, bytes, out);
    at_ += bytes;
  }

 private:
  const Source& file_;
  int64_t at_;
};

/// A file that appears under its name whole or not at all. The new one is flushed to disk, then renamed: until commit() the old one
/// stays as it is, whatever happens. The target keeps its permissions; a link to a file stays a link.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();  ///< without commit() the new file vanishes
  AtomicFile(const AtomicFile&) = delete;

  void write(const void* data, int64_t bytes);
  void write(const std::string& text) { write(text.data(), int64_t(text.size())); }
  /// Replaces what was written before at `offset`.
  void rewrite(int64_t offset, const std::string& text);
  int64_t position() const { return position_; }
  void commit();

 private:
  void open_temporary(int mode);
  void flush();
  void write_all(const char* from, int64_t bytes);
  [[noreturn]] void fail_to_write(const char* what, int error);

  std::string path_, temporary_;
  bool nameless_ = false;  // the system frees it when the process dies
  int file_ = -1;
  int64_t position_ = 0;
  std::vector<char> buffer_;
};

/// The folder's list of names reaches the disk.
void flush_folder_of(const std::string& path);

}  // namespace ember::io
