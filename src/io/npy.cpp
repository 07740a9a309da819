// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <ember/io/npy.h>

#include <algorithm>
#include <cstring>

#include "error_format.h"
#include "io/element_type.h"
#include "io/npz_write.h"
#include "io/read.h"
#include "io/zip.h"

namespace ember {
namespace io {
namespace {

struct Header {
  const ElementType* type = nullptr;
  std::string unreadable;  // what else the elements are
  bool big_endian = false, fortran = false;
  Shape shape;
  int64_t data = 0;   // where the numbers begin
  int64_t count = 0;  // of numbers
};

std::string kind_of_elements(const std::string& descr) {
  const std::string_view code = std::string_view(descr).substr(std::min<std::size_t>(descr.size(), 1));
  const char* const kind = code.starts_with('U') || code.starts_with('S')   ? " (strings)"
                           : code.starts_with('O')                          ? " (Python objects, which only running Python code could read)"
                           : code.starts_with('M') || code.starts_with('m') ? " (dates)"
                           : code.starts_with('c')                          ? " (complex numbers)"
                                                                            : "";
  return fmt::format("element type '{}'{}, which Ember does not know", descr, kind);
}

/// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: the three keys in any order, each once, and nothing else.
class HeaderParser {
 public:
  HeaderParser(const std::string& text, const std::string& what) : text_(text), what_(what) {}

  Header parse() {
    expect('{');
    bool seen[3] = {};
    while (!eat('}')) {
      const std::string key = string();
      expect(':');
      const int field = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (field == 3 || seen[field]) broken();
      seen[field] = true;
      if (field == 0) element_type();
      if (field == 1) h_.fortran = truth();
      if (field == 2) shape();
      if (eat(',')) continue;
      expect('}');
      break;
    }
    blanks();
    if (!seen[0] || !seen[1] || !seen[2] || at_ != text_.size()) broken();
    return h_;
  }

 private:
  [[noreturn]] void broken() const { fail<RuntimeError>("{}: broken .npy header at byte {}", what_, at_); }
  void blanks() { at_ = std::min(text_.find_first_not_of(" \n\t", at_), text_.size()); }
  bool eat(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!eat(c)) broken();
  }
  std::string string() {
    const char quote = eat('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string::npos) broken();
    const std::string word = text_.substr(at_, end - at_);
    at_ = end + 1;
    return word;
  }
  bool truth() {
    blanks();
    for (const char* word : {"True", "False"})
      if (text_.compare(at_, std::strlen(word), word) == 0) {
        at_ += std::strlen(word);
        return word[0] == 'T';
      }
    broken();
  }
  void element_type() {
    blanks();
    if (at_ < text_.size() && text_[at_] == '[') return records();
    const std::string descr = string();
    if (!descr.empty() && std::strchr("<>|=", descr[0])) h_.type = type_by_numpy(std::string_view(descr).substr(1));
    if (!h_.type) h_.unreadable = kind_of_elements(descr);
    h_.big_endian = descr.starts_with('>');
  }
  /// [('x', '<f4'), ...]: skipped, with the brackets and quotes in it.
  void records() {
    h_.unreadable = "records of several fields, expected plain numbers";
    int depth = 0;
    do {
      if (at_ == text_.size()) broken();
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        string();
        continue;
      }
      depth += c == '[' || c == '(' ? 1 : c == ']' || c == ')' ? -1 : 0;
      ++at_;
    } while (depth > 0);
  }
  void shape() {
    expect('(');
    for (bool comma = true; !eat(')'); comma = eat(',')) {
      if (!comma) broken();
      const std::size_t start = at_;
      int64_t size = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        check<RuntimeError>(size < int64_t(1) << 56, "{}: a size out of range", what_);
        size = size * 10 + (text_[at_] - '0');
      }
      check<RuntimeError>(h_.shape.size() < kMaxDims, "{}: more than {} dimensions", what_, kMaxDims);
      if (at_ == start) broken();
      eat('L');  // as Python 2 wrote it
      h_.shape.push_back(size);
      if (h_.shape.size() == 1 && text_.compare(std::min(text_.find_first_not_of(' ', at_), text_.size()), 1, ")") == 0) broken();  // (3) is no tuple
    }
  }

  const std::string &text_, &what_;
  std::size_t at_ = 0;
  Header h_;
};

/// From the first of `available` bytes on; the stream stands at the numbers afterwards.
Header read_header(Stream& bytes, int64_t available, const Source& file, const std::string& what) {
  char start[12] = {};
  check<RuntimeError>(available >= 12, "{}: too short for .npy", what);
  bytes.read(start, 10);
  check<RuntimeError>(std::memcmp(start, "\x93NUMPY", 6) == 0, "{}: no .npy data", what);
  const int major = static_cast<unsigned char>(start[6]);
  check<RuntimeError>(major >= 1 && major <= 3, "{}: .npy version {}, expected 1, 2 or 3", what, major);
  if (major > 1) bytes.read(start + 10, 2);
  const int64_t prefix = major == 1 ? 10 : 12;
  std::uint32_t length = 0;
  std::memcpy(&length, start + 8, std::size_t(prefix - 8));
  check<RuntimeError>(int64_t(length) <= available - prefix, "{}: truncated: the header claims {} bytes", what, length);
  file.spend(length);
  std::string text(length, '\0');
  bytes.read(text.data(), length);

  Header h = HeaderParser(text, what).parse();
  h.data = prefix + length;
  if (!h.type || !h.type->readable()) {
    h.type = nullptr;
    return h;
  }
  h.count = 1;
  bool overflow = false;
  for (int64_t size : h.shape) overflow = __builtin_mul_overflow(h.count, size, &h.count) || overflow;
  int64_t needed = 0;
  overflow = __builtin_mul_overflow(h.count, int64_t(h.type->bytes), &needed) || overflow;
  check<RuntimeError>(!overflow && needed <= available - h.data, "{}: truncated: shape {} of {} needs more than {} bytes", what, h.shape,
                      h.type->name, available - h.data);
  return h;
}

Tensor shaped(const Header& h, const Source& file, const ReadOptions& options, const Tensor& flat) {
  if (!h.fortran) return flat.view(h.shape);
  Shape reversed;
  for (int d = h.shape.size(); d-- > 0;) reversed.push_back(h.shape[d]);
  file.spend(h.count * item_size(flat.dtype()));
  Tensor t = flat.view(reversed).T().contiguous();
  options.note(t, *h.type);
  return t;
}

std::string header_text(const Tensor& t) {
  std::string shape;
  for (int64_t size : t.sizes()) shape += std::to_string(size) + ", ";
  if (t.dim() > 1) shape.resize(shape.size() - 2);
  if (t.dim() == 1) shape.resize(shape.size() - 1);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", detail::dtype_row(t.dtype()).numpy, shape);
  const std::size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
  text.append(total - 10 - text.size() - 1, ' ');
  text += '\n';
  std::string header = std::string("\x93NUMPY\x01\x00", 8);
  header += char(text.size() & 255);
  header += char(text.size() >> 8);
  return header + text;
}

}  // namespace

Tensor read_npy(const Source& file, const ReadOptions& options) {
  FileStream bytes(file, 0);
  const Header h = read_header(bytes, file.size(), file, file.path());
  check<RuntimeError>(h.type, "{}: {}", file.path(), h.unreadable);
  return shaped(h, file, options, read_elements({file, options, "the array", *h.type, h.count, h.big_endian}, h.data));
}

nn::StateDict read_npz(const Source& file, const std::vector<ZipEntry>& entries, const ReadOptions& options) {
  check<RuntimeError>(!entries.empty(), "{}: an empty ZIP archive, neither .pt nor .npz", file.path());
  std::vector<nn::StateDict::Entry> arrays;
  for (const ZipEntry& e : entries) {
    if (e.name.size() <= 4 || !e.name.ends_with(".npy")) {
      unreadable(file, options, e.name, "it is neither of a .pt nor of a .npz");
      continue;
    }
    const std::string what = file.path() + ":" + e.name, name = e.name.substr(0, e.name.size() - 4);
    EntryStream bytes(file, e);
    const Header h = read_header(bytes, e.size, file, what);
    if (!h.type) {
      unreadable(file, options, e.name, h.unreadable);
      continue;
    }
    check<RuntimeError>(e.size - h.data == h.count * h.type->bytes, "{}: {} bytes of data for shape {} of {}", what, e.size - h.data, h.shape,
                        h.type->name);
    const Elements elements{file, options, name, *h.type, h.count, h.big_endian};
    const bool in_place = !e.deflated && can_map(elements, e.offset + h.data);
    arrays.emplace_back(name, shaped(h, file, options, in_place ? read_elements(elements, e.offset + h.data) : read_elements(elements, bytes)));
  }
  check<RuntimeError>(!arrays.empty(), "{}: it holds no array that Ember reads", file.path());
  return nn::StateDict(std::move(arrays));
}

void add_npy(ZipWriter& zip, const std::string& name, const Tensor& tensor) {
  check<ValueError>(tensor.defined(), "save_npz: \"{}\" is undefined", name);
  const Tensor t = tensor.detach().contiguous();
  const std::string header = header_text(t);  // a multiple of 64 bytes: the numbers are aligned, too
  zip.add(name + ".npy", {{header.data(), int64_t(header.size())}, {t.data_ptr(), t.numel() * item_size(t.dtype())}}, 64);
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
  check<ValueError>(tensor.defined(), "save_npy: the tensor is undefined");
  const Tensor t = tensor.detach().contiguous();
  io::AtomicFile file(path);
  file.write(io::header_text(t));
  file.write(t.data_ptr(), t.numel() * item_size(t.dtype()));
  file.commit();
}

void save_npz(const nn::StateDict& tensors, const std::string& path) {
  io::AtomicFile file(path);
  io::ZipWriter zip(file);
  for (const auto& [name, tensor] : tensors) io::add_npy(zip, name, tensor);
  zip.finish();
  file.commit();
}

}  // namespace ember
