// Writing .pt files: a pickle of protocol 2 without memo, and the storages, each once, in torch.save's order of records.
#include <ember/io/pt.h>
#include <ember/nn/module.h>

#include <bit>
#include <unordered_map>

#include "error_format.h"
#include "io/zip.h"
#include "tensor/impl.h"

namespace ember {
namespace {

using io::ZipWriter;

class Pickler {
 public:
  std::string text = "\x80\x02";
  std::vector<Tensor> storages;  // one tensor of each, in the order of their numbers

  void value(const Value& v) {
    switch (v.kind()) {
      case Value::Nothing: text += 'N'; break;
      case Value::Bool: text += v.as_bool() ? '\x88' : '\x89'; break;
      case Value::Int: integer(v.as_int()); break;
      case Value::Float: {
        text += 'G';
        const auto bits = std::bit_cast<std::uint64_t>(v.as_float());
        for (int shift = 56; shift >= 0; shift -= 8) text += char(bits >> shift & 255);
        break;
      }
      case Value::String: string(v.as_string()); break;
      case Value::Array: tensor(v.as_tensor()); break;
      case Value::List:
        text += ']';
        if (v.size() == 0) break;
        text += '(';
        for (const Value& item : v.items()) value(item);
        text += 'e';
        break;
      case Value::Tuple:
        text += v.size() == 0 ? ")" : "(";
        for (const Value& item : v.items()) value(item);
        if (v.size() > 0) text += 't';
        break;
      case Value::Dict: dict(v); break;
    }
  }

 private:
  void little(std::uint64_t v, int bytes) {
    for (int i = 0; i < bytes; ++i, v >>= 8) text += char(v & 255);
  }
  void integer(int64_t v) {
    if (v >= 0 && v < 256) text += 'K', little(std::uint64_t(v), 1);
    else if (v >= 0 && v < 65536) text += 'M', little(std::uint64_t(v), 2);
    else if (v == std::int32_t(v)) text += 'J', little(std::uint64_t(v), 4);
    else {
      int bytes = 1;
      while (bytes < 8 && (v >> (8 * bytes - 1)) != 0 && (v >> (8 * bytes - 1)) != -1) ++bytes;
      text += "\x8a";
      little(std::uint64_t(bytes), 1);
      little(std::uint64_t(v), bytes);
    }
  }
  void string(const std::string& s) {
    check<ValueError>(s.size() < (std::size_t(1) << 32), "save: a text of {} bytes", s.size());
    text += 'X';
    little(s.size(), 4);
    text += s;
  }
  void empty_ordered_dict() { text += "ccollections\nOrderedDict\n)R"; }

  void dict(const Value& v) {
    if (v.is_ordered()) empty_ordered_dict();
    else text += '}';
    if (v.size() > 0) {
      text += '(';
      for (const Value::Entry& e : v.entries()) {
        value(e.key);
        value(e.value);
      }
      text += 'u';
    }
    if (v.versions().empty() || !v.is_ordered()) return;
    text += "}";
    string("_metadata");
    empty_ordered_dict();
    text += '(';
    for (const auto& [path, version] : v.versions()) {
      string(path);
      text += '}';
      string("version");
      integer(version);
      text += 's';
    }
    text += "us";
    text += 'b';
  }

  void numbers(IntArrayRef values) {
    text += values.empty() ? ")" : "(";
    for (int64_t v : values) integer(v);
    if (!values.empty()) text += 't';
  }

  void tensor(const Tensor& t) {
    check<ValueError>(t.defined(), "save: a tensor is undefined");
    const auto [place, fresh] = numbers_of_.try_emplace(t.impl()->storage, storages.size());
    if (fresh) storages.push_back(t);
    // A storage has one type; a tensor that reads it as another cannot share it.
    check<ValueError>(storages[place->second].dtype() == t.dtype(), "save: tensors of {} and {} share memory", name(storages[place->second].dtype()),
                      name(t.dtype()));
    text += "ctorch._utils\n_rebuild_tensor_v2\n((";
    string("storage");
    text += "ctorch\n";
    text += detail::dtype_row(t.dtype()).scalar_type;
    text += "Storage";
    text += '\n';
    string(std::to_string(place->second));
    string("cpu");
    integer(elements_of(t));
    text += "tQ";
    integer(t.storage_offset());
    numbers(t.sizes());
    numbers(t.strides());
    text += t.requires_grad() && t.is_leaf() ? '\x88' : '\x89';
    empty_ordered_dict();
    text += "tR";
  }

 public:
  static int64_t elements_of(const Tensor& t) { return t.impl()->storage->bytes / item_size(t.dtype()); }

 private:
  std::unordered_map<const Storage*, std::size_t> numbers_of_;
};

}  // namespace

void save(const Value& value, const std::string& path) {
  Pickler pickler;
  pickler.value(value);
  pickler.text += '.';

  // PyTorch names the folder after the file; any name does, and with one for all a file's bytes depend on the value alone.
  const std::string root = "archive/";
  io::AtomicFile file(path);
  ZipWriter zip(file);
  const auto text = [&](const char* name, const std::string& content) { zip.add(root + name, content.data(), int64_t(content.size())); };
  text("data.pkl", pickler.text);
  text(".format_version", "1");
  text(".storage_alignment", "64");
  text("byteorder", "little");
  for (std::size_t i = 0; i < pickler.storages.size(); ++i) {
    const Tensor& t = pickler.storages[i];
    zip.add(root + "data/" + std::to_string(i), t.impl()->storage->data, Pickler::elements_of(t) * item_size(t.dtype()));
  }
  text("version", "3\n");
  text(".data/serialization_id", std::string(40, '0'));
  zip.finish();
  file.commit();
}

void save(const nn::Module& module, const std::string& path) { save(Value(module.state_dict()), path); }

}  // namespace ember
