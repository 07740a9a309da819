// .pt files: the zip format since PyTorch 1.6, and the row of pickles before.
#include <ember/io/npy.h>
#include <ember/io/pt.h>
#include <ember/io/safetensors.h>
#include <ember/nn/module.h>

#include <algorithm>
#include <unordered_map>

#include "error_format.h"
#include "io/pickle_value.h"
#include "io/read.h"
#include "io/zip.h"

namespace ember::io {
namespace {

/// What a storage object says: its key, and how many elements it has.
std::string key_of(const Object& storage) { return std::string(storage.items[2]->text); }

int64_t count_of(const Source& file, const Object& storage, const ElementType& type) {
  const bool in_bytes = storage.items[1]->text == "torch.storage\nUntypedStorage";
  const int64_t n = storage.items[4]->integer, unit = in_bytes ? type.bytes : 1;
  check<RuntimeError>(n >= 0 && n <= int64_t(1) << 56 && n % unit == 0, "{}: storage {} claims {} elements", file.path(), key_of(storage), n);
  return n / unit;
}

/// The storages that were read, each once: tensors that shared one share it again.
class Storages {
 public:
  explicit Storages(const Source& file) : file_(file) {}

  template <class Read>
  Tensor get(const Object& storage, const ElementType& type, Read read) {
    const std::string key = key_of(storage);
    const int64_t n = count_of(file_, storage, type);
    const auto [at, fresh] = known_.try_emplace(key, Known{Tensor(), &type});
    if (fresh) at->second.elements = read(key, n);
    check<RuntimeError>(at->second.type == &type && at->second.elements.numel() == n, "{}: storage {} is described in two ways", file_.path(), key);
    return at->second.elements;
  }

 private:
  struct Known {
    Tensor elements;
    const ElementType* type;
  };
  const Source& file_;
  std::unordered_map<std::string, Known> known_;
};

Value read_zip(const Source& file, const std::vector<ZipEntry>& entries, std::size_t pickle_at, const ReadOptions& options) {
  const std::string& pickle_name = entries[pickle_at].name;
  const std::string root = pickle_name.substr(0, pickle_name.rfind('/') + 1);
  check<RuntimeError>(!root.empty(), "{}: file in archive is not in a subdirectory: {}", file.path(), pickle_name);
  std::unordered_map<std::string_view, const ZipEntry*> by_name;
  for (const ZipEntry& e : entries) by_name[e.name] = &e;
  if (const auto order = by_name.find(root + "byteorder"); order != by_name.end()) {
    check<RuntimeError>(order->second->size < 16, "{}: broken byteorder record", file.path());
    const std::string word = read_entry(file, *order->second);
    check<RuntimeError>(word == "little", "{}: byte order {}, expected little", file.path(), word);
  }
  const std::string pickle = read_entry(file, entries[pickle_at]);
  Unpickler unpickler(file, pickle);
  Storages storages(file);
  const Object& object = *unpickler.run();
  return to_value(file, unpickler, object, options, [&](const Object& storage, const ElementType& type) {
    return storages.get(storage, type, [&](const std::string& key, int64_t n) {
      const auto found = by_name.find(root + "data/" + key);
      check<RuntimeError>(found != by_name.end(), "{}: storage {} is missing", file.path(), key);
      const ZipEntry& e = *found->second;
      check<RuntimeError>(e.size == n * type.bytes,
                          "{}: record size ({} bytes) does not match expected size ({} elements * {} bytes/element) for storage {}", file.path(),
                          e.size, n, type.bytes, key);
      const Elements elements{file, options, "storage " + key, type, n};
      if (!e.deflated && can_map(elements, e.offset)) return read_elements(elements, e.offset);
      EntryStream bytes(file, e);
      return read_elements(elements, bytes);
    });
  });
}

/// The five pickles at the head of an old file, from a window of its first bytes.
struct LegacyHead {
  std::string window;
  Unpickler unpickler;
  const Object *object = nullptr, *keys = nullptr;

  LegacyHead(const Source& file, int64_t bytes) : window(file.read(0, bytes)), unpickler(file, window) {}

  void run(const Source& file) {
    const Object* magic = unpickler.run();
    constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    check<RuntimeError>(magic->kind == Object::BigInt && magic->text == kMagic, "{}: a pickle, but not one of torch.save", file.path());
    const Object* protocol = unpickler.run();
    check<RuntimeError>(protocol->kind == Object::Int && protocol->integer == 1001, "{}: unknown protocol", file.path());
    unpickler.run();  // the system's properties
    object = unpickler.run();
    keys = unpickler.run();
    check<RuntimeError>(keys->kind == Object::List, "{}: no list of storages", file.path());
  }
};

/// How long the pickles are is known when they have been read: the window grows until they fit.
std::unique_ptr<LegacyHead> read_legacy_head(const Source& file) {
  const int64_t left = file.left();
  for (int64_t bytes = 1 << 16;; bytes *= 4) {
    bytes = std::min(bytes, file.size());
    file.refund(left);
    file.spend(bytes);
    auto head = std::make_unique<LegacyHead>(file, bytes);
    try {
      head->run(file);
      return head;
    } catch (const Error&) {
      if (!head->unpickler.needs_more() || bytes == file.size()) throw;
    }
  }
}

/// The type of each storage; only the tensors say it.
std::unordered_map<std::string, const ElementType*> types_of_storages(const Source& file, const Object& object) {
  std::unordered_map<std::string, const ElementType*> types;
  std::vector<const Object*> pending{&object};
  std::unordered_map<const Object*, bool> seen;
  while (!pending.empty()) {
    const Object* o = pending.back();
    pending.pop_back();
    if (std::exchange(seen[o], true)) continue;
    file.spend(96);
    if (o->kind == Object::Tensor) types[key_of(*o->items[0])] = &element_type(file, *o->items[0], o->items.size() > 3 ? o->items[3] : nullptr);
    pending.insert(pending.end(), o->items.begin(), o->items.end());
    if (o->kind == Object::Instance && o->attributes) pending.push_back(o->attributes);
  }
  return types;
}

Value read_legacy(const Source& file, const ReadOptions& options) {
  const std::unique_ptr<LegacyHead> head = read_legacy_head(file);
  const auto types = types_of_storages(file, *head->object);
  struct Record {
    int64_t offset, n;
  };
  std::unordered_map<std::string, Record> records;
  int64_t at = int64_t(head->unpickler.position());
  for (const Object* key : head->keys->items) {
    const std::string name = key->kind == Object::String ? std::string(key->text) : "?";
    const auto type = types.find(name);
    check<RuntimeError>(type != types.end(), "{}: storage {} is used by no tensor", file.path(), name);
    int64_t n = 0;
    file.read(at, 8, &n);
    check<RuntimeError>(n >= 0 && n <= (file.size() - at - 8) / type->second->bytes, "{}: storage {} claims {} elements", file.path(), name, n);
    file.spend(128);
    records[name] = {at + 8, n};
    at += 8 + n * type->second->bytes;
  }
  Storages storages(file);
  return to_value(file, head->unpickler, *head->object, options, [&](const Object& storage, const ElementType& type) {
    return storages.get(storage, type, [&](const std::string& key, int64_t n) {
      const auto record = records.find(key);
      check<RuntimeError>(record != records.end() && record->second.n == n, "{}: storage {} is missing or has another size", file.path(), key);
      return read_elements({file, options, "storage " + key, type, n}, record->second.offset);
    });
  });
}

}  // namespace

void unreadable(const Source& file, const ReadOptions& options, std::string_view member, const std::string& why) {
  check<RuntimeError>(options.skip_unreadable, "{}: {}: {}; {{.skip_unreadable = true}} reads the rest", file.path(), member, why);
  warn(fmt::format("{}: {} was left out: {}", file.path(), member, why));
}

Value read_any(const Source& file, const ReadOptions& options) {
  switch (kind_of(file)) {
    case FileKind::Npy: options.note_kind("NumPy array"); return Value(read_npy(file, options));
    case FileKind::Safetensors: options.note_kind("safetensors"); return Value(read_safetensors(file, options));
    case FileKind::LegacyPt: options.note_kind("PyTorch before 1.6"); return read_legacy(file, options);
    case FileKind::Zip: break;
  }
  const std::vector<ZipEntry> entries = read_directory(file);
  check_zip(file, entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].name;
    if (name != "data.pkl" && !name.ends_with("/data.pkl")) continue;
    options.note_kind(is_torchscript(entries) ? "TorchScript" : "PyTorch");
    try {
      return read_zip(file, entries, i, options);
    } catch (const Error& error) {
      if (!is_torchscript(entries)) throw;
      fail<RuntimeError>(
          "{}; this is a TorchScript archive (torch.jit.save, or torch::save of libtorch): in Python torch.save(torch.jit.load(path).state_dict(), "
          "...) "
          "makes one that Ember reads",
          error.what());
    }
  }
  options.note_kind("NumPy archive");
  return Value(read_npz(file, entries, options));
}

}  // namespace ember::io

namespace ember {

Value load(const std::string& path, LoadFileOptions options) {
  const io::Source file(path);
  return io::read_any(file, options);
}

void load(nn::Module& module, const std::string& path, LoadFileOptions options) { module.load_state_dict(load(path, options)); }

}  // namespace ember
