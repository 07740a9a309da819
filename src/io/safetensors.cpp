// The format as the Rust library reads and writes it. The header is parsed as it comes, without a tree in memory.
#include <ember/io/safetensors.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "error_format.h"
#include "io/element_type.h"
#include "io/read.h"

namespace ember {
namespace io {
namespace {

struct Described {
  std::string name;
  const ElementType* type = nullptr;
  std::string code;  // of it, "F32"
  Shape shape;
  int64_t begin = -1, end = -1;
};

/// Follows {"name": {"dtype": "F32", "shape": [..], "data_offsets": [a, b]}, "__metadata__": {..}} event by event.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderHandler(const Source& file, const ReadOptions& options) : file_(file), options_(options) {}
  std::vector<Described> tensors;

  bool null() override { return reject("null"); }
  bool boolean(bool) override { return reject("a bool"); }
  bool number_integer(number_integer_t) override { return reject("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return reject("a fraction"); }
  bool binary(binary_t&) override { return reject("binary data"); }
  bool number_unsigned(number_unsigned_t v) override {
    if (depth_ != 3 || v > std::uint64_t(1) << 62) return reject("a number");
    Described& t = tensors.back();
    if (field_ == "shape") {
      check<RuntimeError>(t.shape.size() < kMaxDims, "{}: {} has more than {} dimensions", file_.path(), t.name, kMaxDims);
      t.shape.push_back(int64_t(v));
    } else {
      (count_ == 0 ? t.begin : t.end) = int64_t(v);
      if (++count_ > 2) return reject("a third offset");
    }
    return true;
  }
  bool string(string_t& v) override {
    if (in_metadata_) {
      if (options_.facts) options_.facts->metadata.emplace_back(field_, v);
      return depth_ == 2;
    }
    if (depth_ != 2 || field_ != "dtype") return reject("a string");
    Described& t = tensors.back();
    t.type = type_by_safetensors(v);
    t.code = v;
    return true;
  }
  bool start_object(std::size_t) override {
    ++depth_;
    return depth_ <= 2 ? true : reject("an object");
  }
  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) {
      const Described& t = tensors.back();
      check<RuntimeError>(!t.code.empty() && has_shape_ && count_ == 2, "{}: {} lacks dtype, shape or data_offsets", file_.path(), t.name);
    }
    if (depth_ == 2) in_metadata_ = false;
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    if (depth_ != 3 || in_metadata_ || (field_ != "shape" && field_ != "data_offsets")) return reject("an array");
    if (field_ == "shape") has_shape_ = true;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& v) override {
    if (depth_ == 1) {
      in_metadata_ = v == "__metadata__";
      check<RuntimeError>(!in_metadata_ || !had_metadata_, "{}: __metadata__ occurs twice", file_.path());
      had_metadata_ = had_metadata_ || in_metadata_;
      fields_ = 0;
      has_shape_ = false;
      count_ = 0;
      if (in_metadata_) return true;
      file_.spend(320);
      tensors.push_back({.name = v, .shape = {}});
      return true;
    }
    if (in_metadata_) {
      field_ = v;
      return true;
    }
    const int bit = v == "dtype" ? 1 : v == "shape" ? 2 : v == "data_offsets" ? 4 : 0;
    if (bit == 0 || (fields_ & bit)) return reject("an unknown or repeated field");
    fields_ |= bit;
    field_ = v;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fail<RuntimeError>("{}: the header is no JSON at byte {}", file_.path(), position + 8);
  }

 private:
  bool reject(const char* what) {
    fail<RuntimeError>("{}: unexpected {} in the header{}", file_.path(), what, tensors.empty() ? "" : " near \"" + tensors.back().name + "\"");
  }
  const Source& file_;
  const ReadOptions& options_;
  std::string field_;
  int depth_ = 0, count_ = 0, fields_ = 0;
  bool in_metadata_ = false, had_metadata_ = false, has_shape_ = false;
};

}  // namespace

nn::StateDict read_safetensors(const Source& file, const ReadOptions& options) {
  check<RuntimeError>(file.size() >= 8, "{}: too short for safetensors", file.path());
  std::uint64_t length = 0;
  file.read(0, 8, &length);
  check<RuntimeError>(length <= 100000000 && std::int64_t(length) <= file.size() - 8, "{}: the header claims {} bytes of a file of {}", file.path(),
                      length, file.size());
  file.spend(std::int64_t(length) * 2);
  const std::string header = file.read(8, std::int64_t(length));
  check<RuntimeError>(!header.empty() && header[0] == '{', "{}: the header does not start with {{", file.path());
  HeaderHandler handler(file, options);
  // Trailing blanks are padding; anything else behind the object is an error of the parser.
  nlohmann::json::sax_parse(header, &handler);

  std::vector<Described>& tensors = handler.tensors;
  std::sort(tensors.begin(), tensors.end(), [](const Described& a, const Described& b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(tensors.begin(), tensors.end(), [](const Described& a, const Described& b) { return a.name == b.name; });
  check<RuntimeError>(twice == tensors.end(), "{}: \"{}\" occurs twice", file.path(), twice == tensors.end() ? "" : twice->name);
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const Described& a, const Described& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  const int64_t data = 8 + std::int64_t(length);
  int64_t expected = 0;
  std::vector<nn::StateDict::Entry> result;
  for (const Described& t : tensors) {
    check<RuntimeError>(t.begin == expected && t.end >= t.begin, "{}: {} is at {}..{}, expected to begin at {}", file.path(), t.name, t.begin, t.end,
                        expected);
    check<RuntimeError>(t.end <= file.size() - data, "{}: truncated: {} ends at {} of {} bytes of data", file.path(), t.name, t.end,
                        file.size() - data);
    expected = t.end;
    if (!t.type || !t.type->readable()) {
      unreadable(file, options, t.name, fmt::format("it has type {}, which Ember does not know", t.code));
      continue;
    }
    std::int64_t bytes = t.type->bytes;
    bool overflow = false;
    for (std::int64_t size : t.shape) overflow = __builtin_mul_overflow(bytes, size, &bytes) || overflow;
    check<RuntimeError>(!overflow && bytes == t.end - t.begin, "{}: {} has shape {} of {}, which is not {} bytes", file.path(), t.name, t.shape,
                        t.type->name, t.end - t.begin);
    result.emplace_back(t.name, read_elements({file, options, t.name, *t.type, bytes / t.type->bytes}, data + t.begin).view(t.shape));
  }
  check<RuntimeError>(expected == file.size() - data, "{}: {} bytes after the last tensor", file.path(), file.size() - data - expected);
  return nn::StateDict(std::move(result));
}

}  // namespace io

nn::StateDict load_safetensors(const std::string& path, LoadFileOptions options) {
  const io::Source file(path);
  return io::read_safetensors(file, options);
}

static std::string quoted(const std::string& name) {
  try {
    return nlohmann::json(name).dump();
  } catch (const nlohmann::json::exception&) {
    fail<ValueError>("save_safetensors: the text \"{}\" is no UTF-8", name);
  }
}

void save_safetensors(const nn::StateDict& tensors, const std::string& path) { save_safetensors(tensors, path, {{"format", "pt"}}); }
void save_safetensors(const nn::StateDict& tensors, const std::string& path, const std::vector<std::pair<std::string, std::string>>& metadata) {
  const auto row = [](const Tensor& t) { return detail::dtype_row(t.dtype()); };
  std::vector<std::pair<std::string, Tensor>> order(tensors.begin(), tensors.end());
  for (const auto& [name, t] : order) check<ValueError>(t.defined(), "save_safetensors: \"{}\" is undefined", name);
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return std::pair(row(a.second).order, std::string_view(a.first)) < std::pair(row(b.second).order, std::string_view(b.first));
  });
  std::string header = R"({"__metadata__":{)";
  for (const auto& [key, text] : metadata) header += fmt::format("{}{}:{}", header.back() == '{' ? "" : ",", quoted(key), quoted(text));
  header += '}';
  int64_t offset = 0;
  for (const auto& [name, t] : order) {
    const int64_t bytes = t.numel() * item_size(t.dtype());
    header += fmt::format(R"(,{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", quoted(name), row(t).safetensors,
                          fmt::join(t.sizes().begin(), t.sizes().end(), ","), offset, offset + bytes);
    offset += bytes;
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  io::AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(&length, 8);
  file.write(header);
  for (const auto& [name, t] : order) {
    const Tensor dense = t.detach().contiguous();
    file.write(dense.data_ptr(), dense.numel() * item_size(dense.dtype()));
  }
  file.commit();
}

}  // namespace ember
