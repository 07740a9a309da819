// .pt files: the zip format since PyTorch 1.6, and the row of pickles before.
#include <ember/io/npy.h>
#include <ember/io/pt.h>
#include <ember/io/safetensors.h>

#include <cstring>
#include <functional>
#include <unordered_map>

#include "error_format.h"
#include "io/read.h"
#include "io/unpickle.h"
#include "io/zip.h"
#include "tensor/impl.h"

namespace ember::io {
namespace {

constexpr int kDeepest = 100;
constexpr int64_t kMostValues = 150000;

/// Python objects as values. A list that holds itself, and one that is shared so often that it would fill the memory, are refused.
class Builder {
 public:
  Builder(const Source& source, std::function<Tensor(const Object&)> storage) : source_(source), storage_(std::move(storage)) {}

  Value value(const Object& o, int depth = 0) {
    check<RuntimeError>(depth < kDeepest, "{}: containers nested more than {} deep", source_.path(), kDeepest);
    switch (o.kind) {
      case Object::None: return Value();
      case Object::Bool: return Value(o.integer != 0);
      case Object::Int: return Value(o.integer);
      case Object::Float: return Value(o.real);
      case Object::String:
      case Object::Bytes: return Value(string(o));
      case Object::Tensor: return Value(tensor(o));
      case Object::List:
      case Object::Tuple: {
        count_values(o.items.size());
        std::vector<Value> items;
        items.reserve(o.items.size());
        for (const Object* item : o.items) items.push_back(value(*item, depth + 1));
        return o.kind == Object::List ? Value::list(std::move(items)) : Value::tuple(std::move(items));
      }
      case Object::Dict:
      case Object::OrderedDict: return dict(o, depth);
      case Object::Global: {  // a dtype
        const std::size_t space = o.text.find_first_of("\n ");
        return Value("torch." + std::string(space == std::string_view::npos ? o.text : o.text.substr(space + 1)));
      }
      case Object::BigInt: fail<RuntimeError>("{}: an integer of more than 64 bits", source_.path());
      default: fail<RuntimeError>("{}: a storage where a value was expected", source_.path());
    }
  }

 private:
  /// Before they are made, so that the memory of containers that hold one another is limited, too.
  void count_values(std::size_t count) {
    check<RuntimeError>(int64_t(count) <= kMostValues - values_, "{}: more than {} values", source_.path(), kMostValues);
    values_ += int64_t(count);
  }

  /// A long text may be named again and again.
  std::string string(const Object& o) {
    if (o.text.size() > 15) source_.spend(int64_t(o.text.size()) + 16);
    return std::string(o.text);
  }

  Value dict(const Object& o, int depth) {
    count_values(o.items.size());
    std::vector<Value::Entry> entries;
    entries.reserve(o.items.size() / 2);
    for (std::size_t i = 0; i + 1 < o.items.size(); i += 2) {
      const Object::Kind key = o.items[i]->kind;
      check<RuntimeError>(key == Object::String || key == Object::Int || key == Object::Bool || key == Object::None || key == Object::Float || key == Object::Tuple,
                          "{}: a dictionary with a key that is neither a string nor a number", source_.path());
      entries.push_back({value(*o.items[i], depth + 1), value(*o.items[i + 1], depth + 1)});
    }
    Value v = Value::dict(std::move(entries));
    v.ordered = o.kind == Object::OrderedDict;
    if (o.attributes) read_versions(*o.attributes, v);
    return v;
  }

  /// {'_metadata': OrderedDict(path -> {'version': n})}
  void read_versions(const Object& attributes, Value& v) {
    for (std::size_t i = 0; i + 1 < attributes.items.size(); i += 2) {
      const Object &key = *attributes.items[i], &table = *attributes.items[i + 1];
      if (key.kind != Object::String || key.text != "_metadata") continue;
      for (std::size_t k = 0; k + 1 < table.items.size(); k += 2) {
        const Object &path = *table.items[k], &info = *table.items[k + 1];
        for (std::size_t j = 0; j + 1 < info.items.size(); j += 2) {
          count_values(1);
          if (path.kind == Object::String && info.items[j]->kind == Object::String && info.items[j]->text == "version" && info.items[j + 1]->kind == Object::Int)
            v.versions.emplace_back(string(path), info.items[j + 1]->integer);
        }
      }
    }
  }

  Tensor tensor(const Object& o) {
    const Tensor storage = storage_(*o.items[0]);
    Shape sizes, strides;
    const std::vector<Object*>&given_sizes = o.items[1]->items, &given_strides = o.items[2]->items;
    check<RuntimeError>(given_sizes.size() == given_strides.size() && given_sizes.size() <= std::size_t(kMaxDims),
                        "{}: a tensor with {} sizes and {} strides (at most {} dimensions)", source_.path(), given_sizes.size(), given_strides.size(), kMaxDims);
    int64_t last = o.integer;
    bool overflow = o.integer < 0, empty = false;
    int64_t numel = 1;
    for (std::size_t d = 0; d < given_sizes.size(); ++d) {
      const Object &size = *given_sizes[d], &stride = *given_strides[d];
      check<RuntimeError>(size.kind == Object::Int && stride.kind == Object::Int && size.integer >= 0 && stride.integer >= 0,
                          "{}: a tensor with a size or stride that is no count", source_.path());
      sizes.push_back(size.integer);
      strides.push_back(stride.integer);
      empty = empty || size.integer == 0;
      int64_t reach = 0;
      overflow = overflow || __builtin_mul_overflow(size.integer - 1, stride.integer, &reach) || __builtin_add_overflow(last, reach, &last);
      overflow = overflow || __builtin_mul_overflow(numel, size.integer > 0 ? size.integer : 1, &numel);
    }
    check<RuntimeError>(!overflow && numel < (int64_t(1) << 47), "{}: a tensor with sizes out of range", source_.path());
    // An empty slice may begin anywhere: torch.save keeps its offset.
    check<RuntimeError>(empty || last < storage.numel(), "{}: a tensor of sizes {} and strides {} at {} reaches beyond its storage of {} elements",
                        source_.path(), sizes, strides, o.integer, storage.numel());
    Tensor t = make_alias(storage, sizes, strides, empty ? 0 : o.integer);
    if (o.requires_grad && is_floating_point(t.dtype())) t.requires_grad_();
    return t;
  }

  const Source& source_;
  std::function<Tensor(const Object&)> storage_;
  int64_t values_ = 0;
};

const ElementType& storage_type(const Source& source, const Object& storage) {
  std::string name(storage.items[1]->text);
  const std::size_t space = name.find_first_of("\n ");
  const ElementType* type = space == std::string::npos ? nullptr : type_by_torch_storage(name.substr(space + 1));
  check<RuntimeError>(type != nullptr, "{}: a storage of type {}, which Ember does not know", source.path(), name);
  return *type;
}

Value read_zip(const Source& file, const std::vector<ZipEntry>& entries, std::size_t pickle_at, LoadFileOptions options) {
  const std::string& pickle_name = entries[pickle_at].name;
  const std::string root = pickle_name.substr(0, pickle_name.size() - std::strlen("data.pkl"));
  check<RuntimeError>(!root.empty(), "{}: file in archive is not in a subdirectory: {}", file.path(), pickle_name);
  std::unordered_map<std::string, const ZipEntry*> by_name;
  for (const ZipEntry& e : entries) by_name[e.name] = &e;
  if (const auto order = by_name.find(root + "byteorder"); order != by_name.end()) {
    check<RuntimeError>(order->second->size < 16, "{}: broken byteorder record", file.path());
    std::string word(std::size_t(order->second->size), '\0');
    read_entry(file, *order->second, word.data());
    check<RuntimeError>(word == "little", "{}: byte order {}, expected little", file.path(), word);
  }
  const ZipEntry& record = entries[pickle_at];
  file.spend(record.size);
  std::string pickle(std::size_t(record.size), '\0');
  read_entry(file, record, pickle.data());

  std::unordered_map<std::string, Tensor> storages;
  Unpickler unpickler(file, pickle);
  const Object* object = unpickler.run();
  Builder builder(file, [&](const Object& storage) {
    const std::string key(storage.items[2]->text);
    const ElementType& type = storage_type(file, storage);
    const int64_t n = storage.items[4]->integer;
    if (const auto known = storages.find(key); known != storages.end()) {
      check<RuntimeError>(known->second.numel() == n && known->second.dtype() == type.dtype, "{}: storage {} is described in two ways", file.path(), key);
      return known->second;
    }
    const auto found = by_name.find(root + "data/" + key);
    check<RuntimeError>(found != by_name.end(), "{}: storage {} is missing", file.path(), key);
    const ZipEntry& e = *found->second;
    check<RuntimeError>(n >= 0 && n <= (int64_t(1) << 56) && e.size == n * type.bytes,
                        "{}: record size ({} bytes) does not match expected size ({} elements * {} bytes/element) for storage {}", file.path(), e.size, n, type.bytes, key);
    const Elements from{file, options, "storage " + key};
    Tensor t;
    if (!e.deflated && type.conversion == ElementType::Same && type.dtype != kBool) {
      file.spend(e.size + 256);
      t = empty({n}, type.dtype);
      read_entry(file, e, t.data_ptr());
    } else {
      file.spend(e.size);
      std::string raw(std::size_t(e.size), '\0');
      read_entry(file, e, raw.data());
      t = convert_elements(from, type, n, raw.data());
    }
    storages[key] = t;
    return t;
  });
  return builder.value(*object);
}

Value read_legacy(const Source& file, LoadFileOptions options) {
  // All pickles come first; storages follow. The pickles are read through a window that grows to the whole file only if need be.
  file.spend(file.size());
  const std::string bytes = file.read(0, file.size());
  std::string_view rest = bytes;
  Unpickler unpickler(file, rest);
  const auto next = [&] {
    const Object* o = unpickler.run();
    rest = rest.substr(unpickler.position());
    unpickler.skip_to(rest);
    return o;
  };
  const Object* magic = next();
  constexpr char kMagic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  check<RuntimeError>(magic->kind == Object::BigInt && magic->text == std::string_view(kMagic, 10), "{}: a pickle, but not one of torch.save", file.path());
  const Object* protocol = next();
  check<RuntimeError>(protocol->kind == Object::Int && protocol->integer == 1001, "{}: unknown protocol", file.path());
  next();  // the system's properties
  const Object* object = next();
  const Object* keys = next();
  check<RuntimeError>(keys->kind == Object::List, "{}: no list of storages", file.path());

  struct Record {
    std::string_view data;
    int64_t n;
  };
  std::unordered_map<std::string, Record> records;
  // The sizes of elements are known from the pickle only: collect the types first.
  std::unordered_map<std::string, const ElementType*> types;
  std::vector<const Object*> pending{object};
  std::unordered_map<const Object*, bool> seen;
  while (!pending.empty()) {
    const Object* o = pending.back();
    pending.pop_back();
    if (seen[o]) continue;
    seen[o] = true;
    if (o->kind == Object::Storage) types[std::string(o->items[2]->text)] = &storage_type(file, *o);
    for (const Object* item : o->items) pending.push_back(item);
  }
  for (const Object* key : keys->items) {
    check<RuntimeError>(key->kind == Object::String && types.count(std::string(key->text)), "{}: a storage that no tensor uses", file.path());
    check<RuntimeError>(rest.size() >= 8, "{}: truncated before storage {}", file.path(), std::string(key->text));
    int64_t n = 0;
    std::memcpy(&n, rest.data(), 8);
    const int64_t bytes_each = types[std::string(key->text)]->bytes;
    check<RuntimeError>(n >= 0 && std::uint64_t(n) <= (rest.size() - 8) / std::uint64_t(bytes_each), "{}: storage {} claims {} elements", file.path(), std::string(key->text), n);
    records[std::string(key->text)] = {rest.substr(8, std::size_t(n * bytes_each)), n};
    rest = rest.substr(8 + std::size_t(n * bytes_each));
  }
  std::unordered_map<std::string, Tensor> storages;
  Builder builder(file, [&](const Object& storage) {
    const std::string key(storage.items[2]->text);
    const auto record = records.find(key);
    check<RuntimeError>(record != records.end() && record->second.n == storage.items[4]->integer, "{}: storage {} is missing or has another size", file.path(), key);
    Tensor& t = storages[key];
    if (!t.defined()) t = convert_elements({file, options, "storage " + key}, storage_type(file, storage), record->second.n, record->second.data.data());
    return t;
  });
  return builder.value(*object);
}

}  // namespace

FileKind kind_of(const Source& file) {
  const std::string head = file.read(0, std::min<int64_t>(file.size(), 16));
  const auto starts = [&](std::string_view magic) { return head.compare(0, magic.size(), magic) == 0; };
  if (starts("PK\3\4") || starts("PK\5\6")) return FileKind::Zip;
  if (starts("\x93NUMPY")) return FileKind::Npy;
  if (head.size() >= 9 && head[8] == '{') return FileKind::Safetensors;
  if (starts("\x80\x02") || starts("\x80\x03") || starts("\x80\x04")) return FileKind::LegacyPt;
  fail<RuntimeError>("{}: neither .pt, safetensors, .npy nor .npz by its content", file.path());
}

Value read_any(const Source& file, LoadFileOptions options) {
  switch (kind_of(file)) {
    case FileKind::Npy: return Value(read_npy(file, options));
    case FileKind::Safetensors: return Value(read_safetensors(file, options));
    case FileKind::LegacyPt: return read_legacy(file, options);
    case FileKind::Zip: break;
  }
  const std::vector<ZipEntry> entries = read_directory(file);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].name;
    if (name.size() >= 8 && name.compare(name.size() - 8, 8, "data.pkl") == 0) return read_zip(file, entries, i, options);
  }
  return Value(read_npz(file, entries, options));
}

}  // namespace ember::io

namespace ember {

Value load(const std::string& path, LoadFileOptions options) {
  const io::Source file(path);
  return io::read_any(file, options);
}

}  // namespace ember
