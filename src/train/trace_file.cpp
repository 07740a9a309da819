// Writes a .npz piece by piece: arrays, then the directory, in whose place the next arrays come.
#include "train/trace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "error_format.h"
#include "io/npz_write.h"

namespace ember {

namespace {

constexpr int64_t kPending = 32 << 20;  // bytes in memory
constexpr auto kMayBeLost = std::chrono::milliseconds(500);

}  // namespace

TraceFile::~TraceFile() {
  if (is_open()) ::close(file_);
  if (is_open() && !named_) ::unlink(temporary_.c_str());
}

void TraceFile::open() {
  std::error_code none;
  check<RuntimeError>(!std::filesystem::is_directory(path_, none), "cannot write {}: Is a directory", path_);
  check<RuntimeError>(!std::filesystem::exists(path_, none) || ::access(path_.c_str(), W_OK) == 0, "cannot write {}: {}", path_,
                      std::strerror(EACCES));
  temporary_ = fmt::format("{}.{}.tmp", path_, ::getpid());
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail<RuntimeError>("cannot write {}: {}", path_, std::strerror(errno));
  zip_ = std::make_unique<io::ZipWriter>(pending_);
  saved_ = std::chrono::steady_clock::now();
}

bool TraceFile::fits(const std::string& name, const Tensor& value) const {
  const int64_t bytes = value.numel() * item_size(value.dtype()) + 384, entry = int64_t(name.size()) + 64;
  return pending_.position() + end_ + bytes + 2 * entry <= options_.max_bytes;
}

void TraceFile::write(const std::string& name, const Tensor& value) {
  if (!is_open() || !value.defined()) return;
  if (fits(name, value)) return add(name, value);
  truncated_ = true;
  end();
  if (error_.empty()) warn(fmt::format("Trace: {} has reached max_bytes = {} in step {} and is complete", path_, options_.max_bytes, step));
}

void TraceFile::write_if_it_fits(const std::string& name, const Tensor& value) {
  if (is_open() && value.defined() && fits(name, value)) add(name, value);
}

void TraceFile::add(const std::string& name, const Tensor& value) {
  end_ += int64_t(name.size()) + 64;
  io::add_npy(*zip_, name, value);
  ++entries_;
  if (int64_t(pending_.text.size()) > kPending) save();
}

void TraceFile::describe(Module module) {
  end_ += int64_t(module.path.size() + module.type.size() + module.extra.size()) + 128 + 96 * int64_t(module.parameters.size());
  places_.emplace(module.path, modules_.size());
  modules_.push_back(std::move(module));
}

void TraceFile::mode(const std::string& module, bool training) {
  auto& changes = modules_[places_.at(module)].training;
  if (changes.empty() || changes.back().second != training) changes.emplace_back(step, training);
}

void TraceFile::saw_backward(bool yes) {
  if (!backward_.empty() && backward_.back().first == step) backward_.pop_back();
  if (backward_.empty() || backward_.back().second != yes) backward_.emplace_back(step, yes);
}

void TraceFile::save_when_due() {
  const bool due = int64_t(pending_.text.size()) * 8 >= 96 * entries_;
  if (is_open() && (due || std::chrono::steady_clock::now() > saved_ + kMayBeLost)) save();
}

/// The new arrays take the place of the old description and directory, which follow them anew.
void TraceFile::save() {
  const int64_t arrays = int64_t(pending_.text.size());
  const std::string text = header();
  const Tensor bytes = empty({int64_t(text.size())}, kUInt8);
  std::memcpy(bytes.data_ptr(), text.data(), text.size());
  io::add_npy(*zip_, "trace", bytes);
  const std::string tail = pending_.text.substr(std::size_t(arrays)) + zip_->directory();
  zip_->drop_last();
  pending_.text.resize(std::size_t(arrays));
  try {
    write_at(pending_.base, pending_.text + tail);
    if (!named_ && ::rename(temporary_.c_str(), path_.c_str()) != 0) fail<RuntimeError>("cannot write {}: {}", path_, std::strerror(errno));
  } catch (const Error& failure) {
    return stop(failure.what());
  }
  named_ = true;
  tail_ = tail;
  pending_.base += arrays;
  pending_.text.clear();
  saved_ = std::chrono::steady_clock::now();
}

void TraceFile::write_at(int64_t offset, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::pwrite(file_, text.data() + done, text.size() - done, offset + int64_t(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail<RuntimeError>("cannot write {}: {}; what was there before is unchanged", path_, std::strerror(n < 0 ? errno : ENOSPC));
    done += std::size_t(n);
  }
  if (::ftruncate(file_, offset + int64_t(text.size())) != 0) fail<RuntimeError>("cannot write {}: {}", path_, std::strerror(errno));
}

/// The file stays what it was when it was last complete.
void TraceFile::stop(const std::string& why) {
  error_ = why;
  try {
    if (named_) write_at(pending_.base, tail_);
  } catch (const Error&) {
  }
  if (!named_) ::unlink(temporary_.c_str());
  ::close(std::exchange(file_, -1));
  warn(fmt::format("Trace: {}; the recording has stopped", error_));
}

void TraceFile::close() {
  if (is_open()) end();
  check<RuntimeError>(error_.empty(), "{}", error_);
}

void TraceFile::end() {
  save();
  if (is_open()) ::close(std::exchange(file_, -1));
}

std::string TraceFile::header() const {
  using Json = nlohmann::ordered_json;
  Json modules = Json::array(), backward = Json::array();
  for (const auto& [from, on] : backward_) backward.push_back({from, on});
  for (const Module& m : modules_) {
    Json training = Json::array(), parameters = Json::array();
    for (const auto& [from, on] : m.training) training.push_back({from, on});
    for (const Parameter& p : m.parameters) parameters.push_back({{"name", p.name}, {"shape", p.shape}, {"requires_grad", p.requires_grad}});
    modules.push_back({{"path", m.path}, {"type", m.type}, {"extra", m.extra}, {"training", training}, {"parameters", parameters}});
  }
  const Json all{{"version", 1},          {"framework", "Ember 0.1.0"}, {"steps", step + 1},    {"every", options_.every},
                 {"only", options_.only}, {"truncated", truncated_},    {"backward", backward}, {"strangers", strangers_},
                 {"modules", modules}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ember
