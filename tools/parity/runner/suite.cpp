// Reading a suite: both files are mapped, tensors are copied out when a case asks for them.
#include "runner/suite.h"

#include "error_format.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace ember::parity {
namespace {

std::string_view map_file(const std::string& path, bool required) {
  const int file = open(path.c_str(), O_RDONLY);
  if (file < 0 && !required) return {};
  check<RuntimeError>(file >= 0, "cannot open {}", path);
  struct stat status{};
  fstat(file, &status);
  if (status.st_size == 0) return {};
  void* memory = mmap(nullptr, std::size_t(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  check<RuntimeError>(memory != MAP_FAILED, "cannot map {}", path);
  close(file);
  return {static_cast<const char*>(memory), std::size_t(status.st_size)};
}

DType dtype_from_code(const std::string& code) {
  if (code == "F32") return kFloat32;
  if (code == "F64") return kFloat64;
  if (code == "I64") return kInt64;
  if (code == "U8") return kUInt8;
  check<ValueError>(code == "BOOL", "tensors.safetensors: unknown dtype {}", code);
  return kBool;
}

/// Copies row-major `from` into the strided `to`.
void scatter_bytes(const char* from, char* to, const int64_t* sizes, const int64_t* strides, int dims, int64_t item, int64_t& done) {
  if (dims == 0) {
    std::memcpy(to, from + done++ * item, std::size_t(item));
    return;
  }
  for (int64_t i = 0; i < sizes[0]; ++i) scatter_bytes(from, to + i * strides[0] * item, sizes + 1, strides + 1, dims - 1, item, done);
}

}  // namespace

DType dtype_from_name(const std::string& name) {
  if (name == "float32" || name == "float") return kFloat32;
  if (name == "float64" || name == "double") return kFloat64;
  if (name == "int64" || name == "long") return kInt64;
  if (name == "uint8") return kUInt8;
  if (name == "bool") return kBool;
  throw Unsupported("dtype " + name);
}

Suite::Suite(const std::string& folder) {
  std::string_view cases = map_file(folder + "/cases.jsonl", true);
  while (!cases.empty()) {
    const std::size_t end = cases.find('\n');
    const std::string_view line = cases.substr(0, end);
    if (line.find_first_not_of(" \t\r") != line.npos) lines_.push_back(line);
    cases.remove_prefix(end == cases.npos ? cases.size() : end + 1);
  }
  read_tensors(map_file(folder + "/tensors.safetensors", false));
}

void Suite::read_tensors(std::string_view file) {
  if (file.empty()) return;
  std::uint64_t header_size = 0;
  check<ValueError>(file.size() >= 8, "tensors.safetensors is too short");
  std::memcpy(&header_size, file.data(), 8);
  check<ValueError>(header_size <= file.size() - 8, "tensors.safetensors: the header is longer than the file");
  const std::string_view data = file.substr(8 + header_size);
  const Json header = Json::parse(file.substr(8, header_size));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    StoredTensor stored{dtype_from_code(entry.at("dtype")), entry.at("shape"), nullptr};
    const std::uint64_t begin = entry.at("data_offsets").at(0), end = entry.at("data_offsets").at(1);
    int64_t bytes = item_size(stored.dtype);
    for (const int64_t size : stored.sizes) bytes *= size;
    check<ValueError>(begin <= end && end <= data.size() && int64_t(end - begin) == bytes, "tensors.safetensors: tensor {} lies outside the file",
                      name);
    stored.bytes = data.data() + begin;
    tensors_.emplace(name, std::move(stored));
  }
}

const StoredTensor& Suite::stored(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::runtime_error("the suite has no tensor " + name);
  return found->second;
}

Tensor Suite::tensor(const std::string& name) const {
  const StoredTensor& from = stored(name);
  check<RuntimeError>(from.sizes.size() <= std::size_t(kMaxDims), "tensors with {} dimensions: at most {} are supported", from.sizes.size(),
                      kMaxDims);
  Tensor t = empty(from.sizes, from.dtype);
  if (t.numel()) std::memcpy(t.data_ptr(), from.bytes, std::size_t(t.numel() * item_size(from.dtype)));
  return t;
}

Tensor Suite::tensor(const std::string& name, const Json& layout) const {
  const StoredTensor& from = stored(name);
  const std::vector<int64_t> strides = layout.at("strides");
  const int64_t offset = layout.value("offset", int64_t(0)), numel = layout.at("numel");
  Tensor buffer = full({numel}, is_floating_point(from.dtype) ? Scalar(double(NAN)) : Scalar(113), from.dtype);
  check<RuntimeError>(from.sizes.size() <= std::size_t(kMaxDims), "tensors with {} dimensions: at most {} are supported", from.sizes.size(),
                      kMaxDims);
  Tensor view = buffer.as_strided(from.sizes, strides, offset).detach();
  int64_t done = 0;
  if (view.numel())
    scatter_bytes(from.bytes, static_cast<char*>(view.data_ptr()), from.sizes.data(), strides.data(), view.dim(), item_size(from.dtype), done);
  return view;
}

Inputs::Inputs(const Suite& suite, const Json* layouts, const Json* gradients) : suite_(suite), layouts_(layouts), gradients_(gradients) {}

Tensor Inputs::tensor(const std::string& name) {
  Tensor& t = tensors_[name];
  if (t.defined()) return t;
  t = layouts_ && layouts_->contains(name) ? suite_.tensor(name, layouts_->at(name)) : suite_.tensor(name);
  if (gradients_ && gradients_->contains(name)) t.requires_grad_();
  return t;
}

Tensor Inputs::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? Tensor() : found->second;
}

List Inputs::list(const Json& json) {
  List values;
  for (const Json& item : json) values.push_back(value(item));
  return values;
}

Value Inputs::value(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) return list(json);
  if (json.contains("tensor")) return tensor(json["tensor"]);
  if (json.contains("dtype")) return dtype_from_name(json["dtype"]);
  if (json.contains("ellipsis")) return Ellipsis;
  if (json.contains("float")) {
    const std::string text = json["float"];
    return text == "nan" ? double(NAN) : text == "inf" ? double(INFINITY) : -double(INFINITY);
  }
  if (json.contains("slice")) {
    const Json& parts = json["slice"];
    const auto part = [&](std::size_t i, int64_t none) { return i >= parts.size() || parts[i].is_null() ? none : parts[i].get<int64_t>(); };
    return Slice(part(0, Slice::None), part(1, Slice::None), part(2, 1));
  }
  throw Unsupported("value " + json.dump());
}

}  // namespace ember::parity
