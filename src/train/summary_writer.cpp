// Event files: records of TFRecord (length, checksum, bytes, checksum) that hold protocol buffers of tensorboard/compat/proto.
//
// The five messages are written by hand: a varint, a fixed number, a length in front of bytes are all that they need, and the library of
// protocol buffers would be a dependency of every training program.
#include <ember/autograd.h>
#include <ember/train/summary_writer.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "error_format.h"
#include "train/png.h"

namespace ember::train {

namespace {

/// One message, field by field (protobuf.dev/programming-guides/encoding).
struct Message {
  std::string bytes;

  Message& varint(int field, std::uint64_t value) { return raw(std::uint64_t(field) << 3).raw(value); }
  Message& real32(int field, float value) { return raw(std::uint64_t(field) << 3 | 5).fixed(std::bit_cast<std::uint32_t>(value), 4); }
  Message& real64(int field, double value) { return raw(std::uint64_t(field) << 3 | 1).fixed(std::bit_cast<std::uint64_t>(value), 8); }
  Message& text(int field, const std::string& value) {
    raw(std::uint64_t(field) << 3 | 2).raw(value.size());
    bytes += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return text(field, value.bytes); }
  Message& packed(int field, const std::vector<double>& values) {
    Message all;
    for (const double v : values) all.fixed(std::bit_cast<std::uint64_t>(v), 8);
    return message(field, all);
  }

  Message& fixed(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += char(value >> 8 * i & 255);
    return *this;
  }

 private:
  Message& raw(std::uint64_t value) {
    for (; value >= 128; value >>= 7) bytes += char(value | 128);
    bytes += char(value);
    return *this;
  }
};

/// CRC-32C (RFC 3720), turned and shifted by a constant as TFRecord wants it.
std::uint32_t masked_checksum(const std::string& bytes) {
  static const auto table = [] {
    std::vector<std::uint32_t> t(256);
    for (std::uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0x82F63B78u : 0);
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 255];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/// PyTorch's limits: ..., -1e-12, 0, 1e-12, 1.1e-12, ... as its loop adds them up.
const std::vector<double>& bucket_limits() {
  static const std::vector<double> limits = [] {
    std::vector<double> positive, all;
    for (double v = 1e-12; v < 1e20; v *= 1.1) positive.push_back(v);
    for (auto v = positive.rbegin(); v != positive.rend(); ++v) all.push_back(-*v);
    all.push_back(0);
    all.insert(all.end(), positive.begin(), positive.end());
    return all;
  }();
  return limits;
}

/// As PyTorch's make_histogram: numpy's bins (closed on the left, the last on both sides), from the first to the last that holds
/// something, with an empty one in front since TensorBoard knows right limits only.
Message histogram(const std::vector<double>& values) {
  const std::vector<double>& limits = bucket_limits();
  std::vector<double> counts(limits.size() - 1);
  double sum = 0, squares = 0, low = values[0], high = values[0];
  for (const double v : values) {
    const auto above = std::upper_bound(limits.begin(), limits.end(), v) - limits.begin();
    ++counts[std::size_t(std::clamp<std::ptrdiff_t>(above - 1, 0, std::ptrdiff_t(counts.size()) - 1))];
    sum += v;
    squares += v * v;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const auto is_used = [](double n) { return n > 0; };
  const auto first = std::size_t(std::find_if(counts.begin(), counts.end(), is_used) - counts.begin());
  const auto end = counts.size() - std::size_t(std::find_if(counts.rbegin(), counts.rend(), is_used) - counts.rbegin());
  std::vector<double> shown{0};
  shown.insert(shown.end(), counts.begin() + std::ptrdiff_t(first), counts.begin() + std::ptrdiff_t(end));
  const std::vector<double> right(limits.begin() + std::ptrdiff_t(first), limits.begin() + std::ptrdiff_t(end) + 1);
  return Message()
      .real64(1, low)
      .real64(2, high)
      .real64(3, double(values.size()))
      .real64(4, sum)
      .real64(5, squares)
      .packed(6, right)
      .packed(7, shown);
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string host_name() {
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

struct SummaryWriter::File {
  explicit File(const std::string& folder) {
    static std::atomic<int> number{0};
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    check<RuntimeError>(!error, "SummaryWriter: cannot make the folder {}: {}", folder, error.message());
    path = fmt::format("{}/events.out.tfevents.{}.{}.{}.{}", folder, std::int64_t(now()), host_name(), ::getpid(), number++);
    file = std::fopen(path.c_str(), "wbx");
    check<RuntimeError>(file != nullptr, "SummaryWriter: cannot write {}: {}", path, std::strerror(errno));
    write(Message().real64(1, now()).text(3, "brain.Event:2"));
  }
  ~File() {
    if (file) std::fclose(file);
  }

  void write(const Message& event) {
    check<RuntimeError>(file != nullptr, "SummaryWriter: {} is closed", path);
    Message record;
    record.fixed(event.bytes.size(), 8);
    const std::uint32_t length_checksum = masked_checksum(record.bytes);
    record.fixed(length_checksum, 4);
    record.bytes += event.bytes;
    record.fixed(masked_checksum(event.bytes), 4);
    if (std::fwrite(record.bytes.data(), 1, record.bytes.size(), file) != record.bytes.size()) fail_to_write();
    if (now() - last_flush > 2) flush();
  }
  void add(const Message& value, int64_t step) {
    write(Message().real64(1, now()).varint(2, std::uint64_t(step)).message(5, Message().message(1, value)));
  }
  void flush() {
    if (file && std::fflush(file) != 0) fail_to_write();
    last_flush = now();
  }
  void close() {
    if (!file) return;
    flush();
    const bool closed = std::fclose(std::exchange(file, nullptr)) == 0;
    if (!closed) fail_to_write();
  }
  [[noreturn]] void fail_to_write() const { fail<RuntimeError>("SummaryWriter: cannot write {}: {}", path, std::strerror(errno)); }

  std::string path;
  std::FILE* file = nullptr;
  double last_flush = now();
};

SummaryWriter::SummaryWriter(const std::string& folder) : file_(std::make_unique<File>(folder)) {}

SummaryWriter::~SummaryWriter() {
  try {
    file_->close();
  } catch (const Error& error) {
    warn(error.what());
  }
}

void SummaryWriter::add_scalar(const std::string& tag, double value, int64_t step) {
  file_->add(Message().text(1, tag).real32(2, float(value)), step);
}

void SummaryWriter::add_histogram(const std::string& tag, const Tensor& values, int64_t step) {
  check<ValueError>(values.defined() && values.numel() > 0, "The input has no element. add_histogram of '{}'", tag);
  const Tensor dense = values.detach().to(kFloat64).contiguous();
  std::vector<double> finite(dense.data<double>(), dense.data<double>() + dense.numel());
  std::erase_if(finite, [](double v) { return !std::isfinite(v); });
  if (!finite.empty()) file_->add(Message().text(1, tag).message(5, histogram(finite)), step);
}

void SummaryWriter::add_image(const std::string& tag, const Tensor& image, int64_t step) {
  const std::string png = png_bytes("add_image", image);
  const bool plane = image.dim() == 2;
  Message picture;
  picture.varint(1, std::uint64_t(image.size(-2))).varint(2, std::uint64_t(image.size(-1)));
  picture.varint(3, std::uint64_t(plane ? 1 : image.size(0))).text(4, png);
  file_->add(Message().text(1, tag).message(4, picture), step);
}

void SummaryWriter::add_text(const std::string& tag, const std::string& text, int64_t step) {
  const Message metadata = Message().message(1, Message().text(1, "text"));  // which plugin shows it
  const Message one = Message().message(2, Message().varint(1, 1));          // a shape of one element
  const Message tensor = Message().varint(1, 7 /* DT_STRING */).message(2, one).text(8, text);
  file_->add(Message().text(1, tag + "/text_summary").message(8, tensor).message(9, metadata), step);
}

void SummaryWriter::add_module(const nn::Module& module, int64_t step) {
  for (const auto& [path, p] : module.named_parameters()) {
    if (p.numel() == 0) continue;
    add_histogram("parameters/" + path, p, step);
    if (p.grad().defined()) add_histogram("gradients/" + path, p.grad(), step);
  }
  for (const auto& [path, b] : module.named_buffers())
    if (b.defined() && b.is_floating_point() && b.numel() > 0) add_histogram("buffers/" + path, b, step);
}

void SummaryWriter::flush() { file_->flush(); }
void SummaryWriter::close() { file_->close(); }
const std::string& SummaryWriter::path() const { return file_->path; }

}  // namespace ember::train
