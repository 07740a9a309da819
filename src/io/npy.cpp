// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <ember/io/npy.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "error_format.h"
#include "io/element_type.h"
#include "io/npy.h"
#include "io/read.h"
#include "io/zip.h"

namespace ember {
namespace io {
namespace {

struct Header {
  const ElementType* type = nullptr;
  bool big_endian = false, fortran = false;
  Shape shape;
  int64_t data = 0;  // where the numbers begin
};

/// The value behind 'key': in the header's dictionary.
std::string field(const std::string& header, const char* key, const std::string& path) {
  const std::size_t at = header.find(std::string("'") + key + "'");
  const std::size_t colon = at == std::string::npos ? at : header.find(':', at);
  check<RuntimeError>(colon != std::string::npos, "{}: the header has no '{}'", path, key);
  std::size_t from = header.find_first_not_of(' ', colon + 1);
  check<RuntimeError>(from != std::string::npos, "{}: broken header", path);
  const std::size_t to = header[from] == '(' ? header.find(')', from) : header.find_first_of(",}", from);
  check<RuntimeError>(to != std::string::npos, "{}: broken header", path);
  return header.substr(from, to - from + (header[from] == '('));
}

Header parse_header(const char* bytes, int64_t size, const std::string& path) {
  check<RuntimeError>(size >= 10 && std::memcmp(bytes, "\x93NUMPY", 6) == 0, "{}: no .npy data", path);
  const int major = bytes[6];
  check<RuntimeError>(major >= 1 && major <= 3, "{}: .npy version {}, expected 1, 2 or 3", path, major);
  const int64_t prefix = major == 1 ? 10 : 12;
  check<RuntimeError>(size >= prefix, "{}: truncated", path);
  std::uint32_t length = 0;
  std::memcpy(&length, bytes + 8, major == 1 ? 2 : 4);
  check<RuntimeError>(std::int64_t(length) <= size - prefix, "{}: truncated: the header claims {} bytes", path, length);
  const std::string text(bytes + prefix, length);

  Header h;
  h.data = prefix + length;
  std::string descr = field(text, "descr", path);
  check<RuntimeError>(descr.size() >= 4 && descr[0] == '\'', "{}: element type {}, expected a plain number", path, descr);
  descr = descr.substr(1, descr.find('\'', 1) - 1);
  check<RuntimeError>(descr.size() == 3, "{}: element type {}, expected a plain number", path, descr);
  const std::string code = descr.substr(1);
  h.big_endian = descr[0] == '>';
  struct Known {
    const char *code, *name;
  };
  for (const Known& k : {Known{"f4", "float32"}, {"f8", "float64"}, {"i8", "int64"}, {"u1", "uint8"}, {"b1", "bool"}, {"f2", "float16"}, {"i4", "int32"}, {"i2", "int16"}, {"i1", "int8"}})
    if (code == k.code) h.type = type_by_name(k.name);
  check<RuntimeError>(h.type != nullptr, "{}: element type {}, which Ember does not know", path, descr);
  const std::string order = field(text, "fortran_order", path);
  check<RuntimeError>(order.rfind("True", 0) == 0 || order.rfind("False", 0) == 0, "{}: broken fortran_order", path);
  h.fortran = order[0] == 'T';
  const std::string shape = field(text, "shape", path);
  check<RuntimeError>(shape[0] == '(', "{}: broken shape", path);
  for (std::size_t at = 1; at + 1 < shape.size();) {
    if (shape[at] == ' ' || shape[at] == ',') {
      ++at;
      continue;
    }
    int64_t value = 0;
    const std::size_t start = at;
    for (; at < shape.size() && shape[at] >= '0' && shape[at] <= '9'; ++at) {
      check<RuntimeError>(value < (int64_t(1) << 50), "{}: a size out of range", path);
      value = value * 10 + (shape[at] - '0');
    }
    if (at < shape.size() && shape[at] == 'L') ++at;
    check<RuntimeError>(at > start && h.shape.size() < kMaxDims, "{}: broken shape {}", path, shape);
    h.shape.push_back(value);
  }
  return h;
}

int64_t checked_count(const Header& h, int64_t bytes, const std::string& path) {
  int64_t n = 1;
  bool overflow = false;
  for (int64_t size : h.shape) overflow = __builtin_mul_overflow(n, size, &n) || overflow;
  int64_t needed = 0;
  overflow = __builtin_mul_overflow(n, int64_t(h.type->bytes), &needed) || overflow;
  check<RuntimeError>(!overflow && needed <= bytes, "{}: truncated: shape {} of {} needs more than {} bytes", path, h.shape, h.type->name, bytes);
  return n;
}

Tensor shaped(const Header& h, const Tensor& flat) {
  if (!h.fortran) return flat.view(h.shape);
  Shape reversed;
  for (int d = h.shape.size(); d-- > 0;) reversed.push_back(h.shape[d]);
  return flat.view(reversed).T().contiguous();
}

/// From memory: an entry of a .npz, or a whole file that is small or of the other byte order.
Tensor from_bytes(const Source& source, std::string& bytes, const std::string& what, LoadFileOptions options) {
  const Header h = parse_header(bytes.data(), int64_t(bytes.size()), what);
  const int64_t n = checked_count(h, int64_t(bytes.size()) - h.data, what);
  char* data = bytes.data() + h.data;
  if (h.big_endian)
    for (int64_t i = 0; i < n; ++i) std::reverse(data + i * h.type->bytes, data + (i + 1) * h.type->bytes);
  return shaped(h, convert_elements({source, options, what}, *h.type, n, data));
}

std::string header_text(const Tensor& t) {
  const char* descr = t.dtype() == kFloat32 ? "<f4" : t.dtype() == kFloat64 ? "<f8" : t.dtype() == kInt64 ? "<i8" : t.dtype() == kUInt8 ? "|u1" : "|b1";
  std::string shape;
  for (int64_t size : t.sizes()) shape += std::to_string(size) + ", ";
  if (t.dim() > 1) shape.resize(shape.size() - 2);
  if (t.dim() == 1) shape.resize(shape.size() - 1);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  const std::size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
  text.append(total - 10 - text.size() - 1, ' ');
  text += '\n';
  std::string header = std::string("\x93NUMPY\x01\x00", 8);
  header += char(text.size() & 255);
  header += char(text.size() >> 8);
  return header + text;
}

}  // namespace

Tensor read_npy(const Source& file, LoadFileOptions options) {
  const int64_t head_size = std::min<int64_t>(file.size(), 1 << 16);
  const std::string head = file.read(0, head_size);
  const Header h = parse_header(head.data(), head_size, file.path());
  const int64_t n = checked_count(h, file.size() - h.data, file.path());
  if (!h.big_endian) return shaped(h, read_elements({file, options, "the array"}, *h.type, n, h.data));
  file.spend(file.size());
  std::string bytes = file.read(0, file.size());
  return from_bytes(file, bytes, file.path(), options);
}

nn::StateDict read_npz(const Source& file, const std::vector<ZipEntry>& entries, LoadFileOptions options) {
  nn::StateDict result;
  for (const ZipEntry& e : entries) {
    check<RuntimeError>(e.name.size() > 4 && e.name.compare(e.name.size() - 4, 4, ".npy") == 0, "{}: {} is neither of a .pt nor of a .npz", file.path(), e.name);
    file.spend(e.size);
    std::string bytes(std::size_t(e.size), '\0');
    read_entry(file, e, bytes.data());
    result.set(e.name.substr(0, e.name.size() - 4), from_bytes(file, bytes, file.path() + ":" + e.name, options));
  }
  return result;
}

void add_npy(ZipWriter& zip, const std::string& name, const Tensor& tensor) {
  const Tensor t = tensor.detach().contiguous();
  std::string bytes = header_text(t);
  bytes.append(static_cast<const char*>(t.data_ptr()), std::size_t(t.numel() * item_size(t.dtype())));
  zip.add(name + ".npy", bytes.data(), int64_t(bytes.size()), 1);
}

}  // namespace io

Tensor load_npy(const std::string& path, LoadFileOptions options) {
  const io::Source file(path);
  return io::read_npy(file, options);
}

nn::StateDict load_npz(const std::string& path, LoadFileOptions options) {
  const io::Source file(path);
  return io::read_npz(file, io::read_directory(file), options);
}

void save_npy(const Tensor& tensor, const std::string& path) {
  const Tensor t = tensor.detach().contiguous();
  io::AtomicFile file(path);
  file.write(io::header_text(t));
  file.write(t.data_ptr(), t.numel() * item_size(t.dtype()));
  file.commit();
}

void save_npz(const nn::StateDict& tensors, const std::string& path) {
  io::AtomicFile file(path);
  io::ZipWriter zip(file);
  for (const auto& [name, tensor] : tensors) {
    const Tensor t = tensor.detach().contiguous();
    std::string bytes = io::header_text(t);
    bytes.append(static_cast<const char*>(t.data_ptr()), std::size_t(t.numel() * item_size(t.dtype())));
    zip.add(name + ".npy", bytes.data(), int64_t(bytes.size()), 1);
  }
  zip.finish();
  file.commit();
}

}  // namespace ember
