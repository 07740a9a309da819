#include "io/pickle_value.h"

#include <ember/error.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "error_format.h"
#include "tensor/impl.h"

namespace ember::io {
namespace {

constexpr int kDeepest = 100;

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
  Builder(const Source& source, const std::function<Tensor(const Object&, const ElementType&)>& storage) : source_(source), storage_(storage) {}

  Value value(const Object& o, int depth = 0) {
    check<RuntimeError>(depth < kDeepest, "{}: containers nested more than {} deep", source_.path(), kDeepest);
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
      case Object::Global: return Value("torch." + std::string(last_name(o)));  // a dtype
      default: fail<RuntimeError>("{}: a storage where a value was expected", source_.path());
    }
  }

 private:
  /// Before they are made, so that the memory of containers that hold one another is limited, too.
  void pay_for(std::size_t values) { source_.spend(int64_t(values * sizeof(Value)) + 64); }

  std::vector<Value> items(const Object& o, int depth) {
    pay_for(o.items.size());
    std::vector<Value> items;
    items.reserve(o.items.size());
    for (const Object* item : o.items) items.push_back(value(*item, depth + 1));
    return items;
  }

  /// A long text may be named again and again.
  std::string string(const Object& o) {
    source_.spend(int64_t(o.text.size()) + 64);
    return std::string(o.text);
  }

  Value dict(const Object& o, int depth) {
    check_keys(o);
    pay_for(o.items.size());
    std::vector<Value::Entry> entries;
    entries.reserve(o.items.size() / 2);
    for (std::size_t i = 0; i + 1 < o.items.size(); i += 2) entries.push_back({value(*o.items[i], depth + 1), value(*o.items[i + 1], depth + 1)});
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
        case Object::Tuple: break;
        default: fail<RuntimeError>("{}: a dictionary with a key that is neither a string nor a number", source_.path());
      }
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return;
    const auto& [kind, integer, real, text] = *twice;
    fail<RuntimeError>("{}: the key {} occurs twice in a dictionary", source_.path(),
                       kind == Object::String ? fmt::format("\"{}\"", text) : kind == Object::Int ? std::to_string(integer) : kind == Object::Float ? std::to_string(real) : "None");
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
          if (path.kind == Object::String && info.items[j]->kind == Object::String && info.items[j]->text == "version" && info.items[j + 1]->kind == Object::Int)
            result.emplace_back(string(path), info.items[j + 1]->integer);
        }
      }
    }
    return result;
  }

  Tensor tensor(const Object& o) {
    source_.spend(sizeof(TensorImpl));
    const Tensor storage = storage_(*o.items[0], element_type(source_, *o.items[0], o.items.size() > 3 ? o.items[3] : nullptr));
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
  const std::function<Tensor(const Object&, const ElementType&)>& storage_;
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

Value to_value(const Source& source, const Object& object, const std::function<Tensor(const Object&, const ElementType&)>& storage) {
  return Builder(source, storage).value(object);
}

}  // namespace ember::io
