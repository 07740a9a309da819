// Calls that a pickle asks for become values where they are known and harmless; each is paid for from the budget of the file.
#include "io/pickle_value.h"

#include <ember/error.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "error_format.h"
#include "io/read.h"
#include "io/utf8.h"
#include "tensor/impl.h"

namespace ember::io {
namespace {

/// What Ember cannot hold, on its way to the nearest container that can do without it.
struct Unreadable {
  std::string why;
};

/// "FloatStorage" of "torch\nFloatStorage".
std::string_view last_name(const Object& global) { return global.text.substr(global.text.rfind('\n') + 1); }

/// Of little-endian bytes, two's complement.
double nearest(std::string_view bytes) {
  double value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    const int byte = i + 1 == bytes.size() ? int(static_cast<signed char>(bytes[i])) : int(static_cast<unsigned char>(bytes[i]));
    value = value * 256 + byte;
  }
  return value;
}

class Builder {
 public:
  Builder(const Source& source, const ReadOptions& options, const ReadStorage& storage) : source_(source), options_(options), storage_(storage) {}

  Value top(const Object& o) {
    try {
      return value(o, 0);
    } catch (const Unreadable& it) {
      fail<RuntimeError>("{}: refused: it is {}", source_.path(), it.why);
    }
  }

 private:
  Value value(const Object& o, int depth) {
    switch (o.kind) {
      case Object::None: return Value();
      case Object::Bool: return Value(o.integer != 0);
      case Object::Int: return Value(o.integer);
      case Object::BigInt: return Value(nearest(o.text));  // no integer of ours holds it
      case Object::Float: return Value(o.real);
      case Object::String:
      case Object::Bytes: return Value(string(o));
      case Object::Tensor: return Value(tensor(o));
      case Object::List: return Value::list(items(o, depth));
      case Object::Tuple: return Value::tuple(items(o, depth));
      case Object::Dict:
      case Object::OrderedDict: return dict(o, depth);
      case Object::Global:
        if (type_by_name(last_name(o)) && o.text.starts_with("torch\n")) return Value("torch." + std::string(last_name(o)));  // a dtype
        unreadable(dotted(o.text));
      case Object::NumpyType: return Value(string(o));
      case Object::NumpyScalar: return numpy_scalar(*o.items[0], o.items[1]->text);
      case Object::NumpyArray: return Value(numpy_array(o));
      case Object::Instance: return instance(o, depth);
      default: fail<RuntimeError>("{}: a storage where a value was expected", source_.path());
    }
  }

  [[noreturn]] void unreadable(std::string why) const {
    if (options_.skip_unreadable) throw Unreadable{std::move(why)};
    fail<RuntimeError>("{}: refused: it holds {}, which Ember does not know; load(path, {{.skip_unreadable = true}}) reads the rest", source_.path(),
                       why);
  }

  /// False when it was left out, with a warning that names it.
  bool read(const Object& o, int depth, const std::string& key, Value& to) {
    if (options_.skip_unreadable) path_.push_back(key);
    bool readable = true;
    try {
      to = value(o, depth);
    } catch (const Unreadable& it) {
      readable = false;
      io::unreadable(source_, options_, fmt::format("{}", fmt::join(path_, ".")), "it is " + it.why);
    }
    if (options_.skip_unreadable) path_.pop_back();
    return readable;
  }

  /// Before they are made, so that the memory of containers that hold one another is limited, too.
  void pay_for(std::size_t values) { source_.spend(int64_t(values * sizeof(Value)) + 64); }

  void check_depth(int depth) const {
    check<RuntimeError>(depth < Value::kDeepest, "{}: containers nested more than {} deep", source_.path(), Value::kDeepest);
  }

  std::vector<Value> items(const Object& o, int depth) {
    check_depth(depth);
    pay_for(o.items.size());
    std::vector<Value> items;
    items.reserve(o.items.size());
    // A place in a list stays one, so that what comes behind keeps its number.
    for (std::size_t i = 0; i < o.items.size(); ++i)
      read(*o.items[i], depth + 1, options_.skip_unreadable ? std::to_string(i) : "", items.emplace_back());
    return items;
  }

  /// A long text may be named again and again.
  std::string string(const Object& o) {
    source_.spend(int64_t(o.text.size()) + 64);
    return std::string(o.text);
  }

  Value dict(const Object& o, int depth) {
    check_depth(depth);
    check_keys(o);
    pay_for(o.items.size());
    std::vector<Value::Entry> entries;
    entries.reserve(o.items.size() / 2);
    for (std::size_t i = 0; i + 1 < o.items.size(); i += 2) {
      Value::Entry entry;
      const std::string name = !options_.skip_unreadable            ? ""
                               : o.items[i]->kind == Object::String ? std::string(o.items[i]->text)
                                                                    : fmt::format("#{}", i / 2);
      if (read(*o.items[i], depth + 1, name, entry.key) && read(*o.items[i + 1], depth + 1, name, entry.value)) entries.push_back(std::move(entry));
    }
    if (o.kind == Object::Dict) return Value::dict(std::move(entries));
    return Value::ordered_dict(std::move(entries), o.attributes ? versions(*o.attributes) : Value::Versions());
  }

  /// Python's last one would win; but nobody writes two.
  void check_keys(const Object& o) {
    using Key = std::tuple<Object::Kind, int64_t, double, std::string_view>;
    source_.spend(int64_t(o.items.size() / 2 * sizeof(Key)));
    std::vector<Key> keys;
    keys.reserve(o.items.size() / 2);
    for (std::size_t i = 0; i + 1 < o.items.size(); i += 2) {
      const Object& key = *o.items[i];
      switch (key.kind) {
        case Object::String: keys.emplace_back(key.kind, 0, 0.0, key.text); break;
        case Object::Int:
        case Object::Bool: keys.emplace_back(Object::Int, key.integer, 0.0, ""); break;
        case Object::Float:
          if (!std::isnan(key.real)) keys.emplace_back(key.kind, 0, key.real, "");
          break;
        case Object::None: keys.emplace_back(key.kind, 0, 0.0, ""); break;
        case Object::Tuple:
        case Object::Bytes:
        case Object::Global:
        case Object::NumpyType:
        case Object::NumpyScalar:
        case Object::Instance: break;
        default: fail<RuntimeError>("{}: a dictionary with a key that is neither a string nor a number", source_.path());
      }
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return;
    const auto& [kind, integer, real, text] = *twice;
    fail<RuntimeError>("{}: the key {} occurs twice in a dictionary", source_.path(),
                       kind == Object::String  ? fmt::format("\"{}\"", text)
                       : kind == Object::Int   ? std::to_string(integer)
                       : kind == Object::Float ? std::to_string(real)
                                               : "None");
  }

  /// {'_metadata': OrderedDict(path -> {'version': n})}
  Value::Versions versions(const Object& attributes) {
    Value::Versions result;
    for (std::size_t i = 0; i + 1 < attributes.items.size(); i += 2) {
      const Object &key = *attributes.items[i], &table = *attributes.items[i + 1];
      if (key.kind != Object::String || key.text != "_metadata") continue;
      for (std::size_t k = 0; k + 1 < table.items.size(); k += 2) {
        const Object &path = *table.items[k], &info = *table.items[k + 1];
        for (std::size_t j = 0; j + 1 < info.items.size(); j += 2) {
          source_.spend(64);
          if (path.kind == Object::String && info.items[j]->kind == Object::String && info.items[j]->text == "version" &&
              info.items[j + 1]->kind == Object::Int)
            result.emplace_back(string(path), info.items[j + 1]->integer);
        }
      }
    }
    return result;
  }

  // --- NumPy

  Tensor numbers(const Object& type, std::string_view bytes, int64_t count, const char* what, bool convert) {
    const ElementType* known = type_by_numpy(type.text);
    if (!known) unreadable(fmt::format("a NumPy {} of type '{}'", what, type.text));
    check<RuntimeError>(count <= int64_t(bytes.size()) / known->bytes && count * known->bytes == int64_t(bytes.size()),
                        "{}: a NumPy {} of {} {} numbers with {} bytes", source_.path(), what, count, known->name, bytes.size());
    ReadOptions options = options_;
    options.convert = options.convert || convert;
    BytesStream stream(bytes);
    return read_elements({source_, options, fmt::format("a NumPy {}", what), *known, count, type.integer == '>'}, stream);
  }

  Value numpy_scalar(const Object& type, std::string_view bytes) {
    if (type.text.starts_with('U')) return Value(text_of_utf32(bytes, type.integer == '>'));
    if (type.text.starts_with('S')) return Value(std::string(bytes.substr(0, bytes.find('\0'))));
    const Tensor t = numbers(type, bytes, 1, "scalar", true);
    if (is_floating_point(t.dtype())) return Value(t.item<double>());
    return t.dtype() == kBool ? Value(t.item<bool>()) : Value(t.item<int64_t>());
  }

  std::string text_of_utf32(std::string_view bytes, bool big_endian) const {
    std::string text;
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      unsigned long code = 0;
      for (std::size_t k = 0; k < 4; ++k) code = code << 8 | static_cast<unsigned char>(bytes[i + (big_endian ? k : 3 - k)]);
      if (code == 0) break;  // the rest is padding
      check<RuntimeError>(code < 0x110000, "{}: a NumPy text with a character beyond Unicode", source_.path());
      append_character(text, code);
    }
    return text;
  }

  Tensor numpy_array(const Object& o) {
    check<RuntimeError>(o.items.size() == 3, "{}: a NumPy array without numbers", source_.path());
    const Object &type = *o.items[0], &sizes = *o.items[1], &bytes = *o.items[2];
    if (bytes.kind != Object::Bytes) unreadable("a NumPy array of Python objects");
    const Extent extent = extent_of(sizes);
    Shape stored = extent.sizes;
    if (o.integer)
      for (int d = 0; d < stored.size(); ++d) stored[d] = extent.sizes[stored.size() - 1 - d];
    const Tensor t = numbers(type, bytes.text, extent.numel, "array", false).view(stored);
    if (!o.integer || t.dim() < 2) return t;
    source_.spend(t.numel() * item_size(t.dtype()));
    Tensor rows = t.T().contiguous();
    options_.note(rows, *type_by_numpy(type.text));
    return rows;
  }

  // --- objects

  Value instance(const Object& o, int depth) {
    if (is_torchscript(o.text) || (is_module(o) && options_.skip_unreadable)) {
      std::vector<Value::Entry> entries;
      add_module(o, "", depth, entries);
      return Value::ordered_dict(std::move(entries));
    }
    const bool plain = o.text == "argparse\nNamespace" || o.text == "types\nSimpleNamespace";
    if (plain && !o.attributes) return Value::dict();
    if (plain && is_dict(*o.attributes)) return dict(*o.attributes, depth);
    unreadable("an object of " + dotted(o.text));
  }

  /// The tensors of a module under the names that its state_dict() would have.
  void add_module(const Object& o, const std::string& prefix, int depth, std::vector<Value::Entry>& entries) {
    check_depth(depth);
    if (!o.attributes || !is_dict(*o.attributes)) return;
    if (is_torchscript(o.text)) return add_attributes(*o.attributes, prefix, depth, entries);
    for (const char* part : {"_parameters", "_buffers", "_modules"})
      for (std::size_t i = 0; i + 1 < o.attributes->items.size(); i += 2)
        if (o.attributes->items[i]->text == part && is_dict(*o.attributes->items[i + 1]))
          add_attributes(*o.attributes->items[i + 1], prefix, depth, entries);
  }
  void add_attributes(const Object& attributes, const std::string& prefix, int depth, std::vector<Value::Entry>& entries) {
    check_keys(attributes);
    for (std::size_t i = 0; i + 1 < attributes.items.size(); i += 2) {
      if (attributes.items[i]->kind != Object::String) continue;
      const Object& held = *attributes.items[i + 1];
      const std::string name = prefix + std::string(attributes.items[i]->text);
      source_.spend(int64_t(sizeof(Value::Entry) + name.size()) + 64);
      if (held.kind == Object::Tensor) entries.push_back({name, Value(tensor(held))});
      if (held.kind == Object::Instance) add_module(held, name + ".", depth + 1, entries);
    }
  }

  // --- tensors

  struct Extent {
    Shape sizes;
    int64_t numel = 1;
  };
  Extent extent_of(const Object& given) {
    Extent e;
    check<RuntimeError>(given.items.size() <= std::size_t(kMaxDims), "{}: a NumPy array of {} dimensions (at most {})", source_.path(),
                        given.items.size(), kMaxDims);
    for (const Object* size : given.items) {
      check<RuntimeError>(size->kind == Object::Int && size->integer >= 0 && !__builtin_mul_overflow(e.numel, size->integer, &e.numel),
                          "{}: a NumPy array with a size that is no count", source_.path());
      e.sizes.push_back(size->integer);
    }
    return e;
  }

  Tensor tensor(const Object& o) {
    source_.spend(sizeof(TensorImpl));
    const ElementType& type = element_type(source_, *o.items[0], o.items.size() > 3 ? o.items[3] : nullptr);
    if (!type.readable()) unreadable(fmt::format("a tensor of {}", type.name));
    const Tensor storage = storage_(*o.items[0], type);
    Shape sizes, strides;
    const std::vector<Object*>&given_sizes = o.items[1]->items, &given_strides = o.items[2]->items;
    check<RuntimeError>(given_sizes.size() == given_strides.size() && given_sizes.size() <= std::size_t(kMaxDims),
                        "{}: a tensor with {} sizes and {} strides (at most {} dimensions)", source_.path(), given_sizes.size(), given_strides.size(),
                        kMaxDims);
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
  const ReadOptions& options_;
  const ReadStorage& storage_;
  std::vector<std::string> path_;  // to where the reader is, when what it finds there may be left out
};

}  // namespace

const ElementType& element_type(const Source& source, const Object& storage, const Object* dtype) {
  const std::string_view name = last_name(*storage.items[1]);
  const bool untyped = name == "UntypedStorage";
  check<RuntimeError>(!untyped || dtype, "{}: an untyped storage in a tensor without a dtype", source.path());
  const ElementType* type = untyped ? type_by_name(last_name(*dtype)) : type_by_torch_storage(name);
  check<RuntimeError>(type != nullptr, "{}: a tensor of type {}, which Ember does not know", source.path(), untyped ? last_name(*dtype) : name);
  return *type;
}

Value to_value(const Source& source, const Unpickler& unpickler, const Object& object, const ReadOptions& options, const ReadStorage& storage) {
  if (!options.skip_unreadable) unpickler.refuse_foreign();
  return Builder(source, options, storage).top(object);
}

}  // namespace ember::io
