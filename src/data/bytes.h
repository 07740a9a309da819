// The bytes of a file: mapped where that is possible, unpacked when it is gzipped.
#pragma once

#include <string>
#include <vector>

namespace ember::data {

class FileBytes {
 public:
  /// Throws RuntimeError "cannot read PATH: No such file or directory" and the like.
  explicit FileBytes(const std::string& path);
  ~FileBytes();
  FileBytes(const FileBytes&) = delete;

  const char* data() const { return data_; }
  std::size_t size() const { return size_; }
  const char* begin() const { return data_; }
  const char* end() const { return data_ + size_; }

 private:
  const char* data_ = "";
  std::size_t size_ = 0, mapped_ = 0;
  std::vector<char> unpacked_;
};

bool file_exists(const std::string& path);

}  // namespace ember::data
