// The file of a trace: arrays as they come, and at the end what one must know about them.
#pragma once

#include <ember/train/trace.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/zip.h"

namespace ember {

class TraceFile {
 public:
  TraceFile(std::string path, const TraceOptions& options) : path_(std::move(path)), options_(options) {}
  ~TraceFile();

  void open();  ///< throws RuntimeError when it cannot be written
  bool is_open() const { return file_ != nullptr; }

  /// Adds an array; ends the file when it would become too long. An error stops the recording with a warning: the run goes on.
  void write(const std::string& name, const Tensor& value);

  /// What a module is; `training` as of this step.
  void describe(const std::string& module, const std::string& type, const std::string& extra, bool training, int64_t step);

  void close(int64_t steps);                         ///< once; throws RuntimeError when something could not be written
  const std::string& error() const { return error_; }
  const std::string& path() const { return path_; }

  int64_t step = -1;  ///< that is being recorded

 private:
  struct Described {
    std::string path, type, extra;
    std::vector<std::pair<int64_t, bool>> training;  // from which step on
  };
  void end(int64_t steps, bool truncated);
  std::string header(int64_t steps, bool truncated) const;

  std::string path_;
  TraceOptions options_;
  std::unique_ptr<io::AtomicFile> file_;
  std::unique_ptr<io::ZipWriter> zip_;
  std::vector<Described> modules_;
  std::map<std::string, std::size_t> places_;
  int64_t end_ = 1024;  // bytes that the zip's directory and the description of the modules will need, about
  std::string error_;
};

}  // namespace ember
