#include "train/trace_file.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "error_format.h"
#include "io/npz_write.h"

namespace ember {

TraceFile::~TraceFile() = default;

void TraceFile::open() {
  file_ = std::make_unique<io::AtomicFile>(path_);
  zip_ = std::make_unique<io::ZipWriter>(*file_);
}

void TraceFile::write(const std::string& name, const Tensor& value) {
  if (!is_open() || !value.defined()) return;
  const int64_t bytes = value.numel() * item_size(value.dtype()) + 384, entry = int64_t(name.size()) + 64;
  if (file_->position() + end_ + bytes + 2 * entry > options_.max_bytes) return end(step + 1, true);
  end_ += entry;
  try {
    io::add_npy(*zip_, name, value);
  } catch (const Error& failure) {
    zip_.reset();
    file_.reset();
    error_ = failure.what();
    warn(fmt::format("Trace: {}; the recording has stopped", error_));
  }
}

void TraceFile::describe(const std::string& module, const std::string& type, const std::string& extra, bool training, int64_t now) {
  const auto [place, fresh] = places_.emplace(module, modules_.size());
  if (fresh) {
    modules_.push_back({module, type, extra, {}});
    end_ += int64_t(module.size() + type.size() + extra.size()) + 128;
  }
  auto& changes = modules_[place->second].training;
  if (changes.empty() || changes.back().second != training) changes.emplace_back(now, training);
}

void TraceFile::close(int64_t steps) {
  if (is_open()) end(steps, false);
  check<RuntimeError>(error_.empty(), "{}", error_);
}

void TraceFile::end(int64_t steps, bool truncated) {
  try {
    const std::string text = header(steps, truncated);
    const Tensor bytes = empty({int64_t(text.size())}, kUInt8);
    std::memcpy(bytes.data_ptr(), text.data(), text.size());
    io::add_npy(*zip_, "trace", bytes);
    zip_->finish();
    file_->commit();
  } catch (const Error& failure) {
    error_ = failure.what();
  }
  zip_.reset();
  file_.reset();
  if (truncated && error_.empty())
    warn(fmt::format("Trace: {} has reached max_bytes = {} in step {} and is complete", path_, options_.max_bytes, step));
}

std::string TraceFile::header(int64_t steps, bool truncated) const {
  nlohmann::ordered_json modules = nlohmann::ordered_json::array();
  for (const Described& m : modules_) {
    nlohmann::ordered_json training = nlohmann::ordered_json::array();
    for (const auto& [from, on] : m.training) training.push_back({from, on});
    modules.push_back({{"path", m.path}, {"type", m.type}, {"extra", m.extra}, {"training", training}});
  }
  const nlohmann::ordered_json all{{"version", 1},         {"framework", "Ember 0.1.0"}, {"steps", steps},
                                   {"every", options_.every}, {"only", options_.only},   {"truncated", truncated},
                                   {"modules", modules}};
  return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace ember
