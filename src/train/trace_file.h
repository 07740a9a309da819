// The file of a trace: arrays as they come, what one must know about them, and a directory. It is complete behind every step or at most
// half a second later, so that it can be read whatever ends the process.
#pragma once

#include <ember/train/trace.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "io/zip.h"

namespace ember {

class TraceFile {
 public:
  struct Parameter {
    std::string name, shape;  // "float32 (8, 1, 3, 3)"
    bool requires_grad;
  };
  struct Module {
    std::string path, type, extra;
    std::vector<Parameter> parameters;
    std::vector<std::pair<int64_t, bool>> training = {};  // from which step on
  };

  TraceFile(std::string path, const TraceOptions& options) : path_(std::move(path)), options_(options) {}
  ~TraceFile();

  void open();  ///< throws RuntimeError when it cannot be written
  bool is_open() const { return file_ >= 0; }

  /// Adds an array; ends the file when it would become too long. An error stops the recording with a warning: the run goes on.
  void write(const std::string& name, const Tensor& value);
  void write_if_it_fits(const std::string& name, const Tensor& value);

  bool knows(const std::string& module) const { return places_.count(module) > 0; }
  void describe(Module module);
  void mode(const std::string& module, bool training);  ///< as of this step
  void saw_stranger(const std::string& type) { strangers_.insert(type); }
  const std::set<std::string>& strangers() const { return strangers_; }

  void saw_backward(bool yes);  ///< in this step, so far
  void save_when_due();         ///< brings the file up to date unless its directory is much longer than what is new
  void close();                 ///< once; throws RuntimeError when something could not be written
  const std::string& error() const { return error_; }
  const std::string& path() const { return path_; }

  int64_t step = -1;  ///< that is being recorded

 private:
  /// What is not in the file yet; it begins at `base` there.
  struct Pending final : io::Sink {
    using Sink::write;
    void write(const void* data, int64_t bytes) override { text.append(static_cast<const char*>(data), std::size_t(bytes)); }
    void rewrite(int64_t offset, const std::string& with) override { text.replace(std::size_t(offset - base), with.size(), with); }
    int64_t position() const override { return base + int64_t(text.size()); }
    int64_t base = 0;
    std::string text;
  };

  bool fits(const std::string& name, const Tensor& value) const;
  void add(const std::string& name, const Tensor& value);
  void save();
  void write_at(int64_t offset, const std::string& text);
  void stop(const std::string& why);
  void end();
  std::string header() const;

  std::string path_, temporary_;
  TraceOptions options_;
  int file_ = -1;
  Pending pending_;
  std::unique_ptr<io::ZipWriter> zip_;
  std::string tail_;  // of the file as it is: description and directory
  int64_t entries_ = 0;
  bool named_ = false, truncated_ = false;
  std::chrono::steady_clock::time_point saved_;
  std::vector<Module> modules_;
  std::map<std::string, std::size_t> places_;
  std::set<std::string> strangers_;
  std::vector<std::pair<int64_t, bool>> backward_;  // did steps have one, from which step on
  int64_t end_ = 1024;                              // bytes that the directory and the description of the modules will need, about
  std::string error_;
};

}  // namespace ember
