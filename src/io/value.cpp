// What values hold, how they are copied, and the errors of those who take one for another kind.
#include <ember/io/value.h>

#include <algorithm>

#include "error_format.h"

namespace ember {
namespace {

constexpr const char* kNames[] = {"None", "bool", "int", "float", "string", "tensor", "list", "tuple", "dict"};

void expect(bool right, const Value& value, const char* wanted) { check<TypeError>(right, "expected a {}, got a {}", wanted, value.kind_name()); }

/// "a", "b", "c" and 7 more
std::string key_list(const Value& dict) {
  constexpr std::size_t kMost = 8;
  std::string text;
  const std::vector<Value::Entry>& entries = dict.entries();
  for (std::size_t i = 0; i < entries.size() && i < kMost; ++i) {
    const Value& key = entries[i].key;
    text += (i ? ", " : "") + (key.kind() == Value::String ? fmt::format("\"{}\"", key.as_string())
                               : key.kind() == Value::Int  ? std::to_string(key.as_int())
                                                           : "...");
  }
  if (entries.empty()) return "no keys";
  return entries.size() > kMost ? text + fmt::format(" and {} more", entries.size() - kMost) : text;
}

/// The key under which a checkpoint keeps the weights: the first dictionary whose values are all tensors.
const Value* state_inside(const Value& dict) {
  for (const Value::Entry& e : dict.entries()) {
    if (e.key.kind() != Value::String || e.value.kind() != Value::Dict || e.value.size() == 0) continue;
    const std::vector<Value::Entry>& inner = e.value.entries();
    if (std::all_of(inner.begin(), inner.end(), [](const Value::Entry& i) { return i.value.kind() == Value::Array; })) return &e.key;
  }
  return nullptr;
}

}  // namespace

template <class T>
struct Value::Holding final : Content {
  T value;
  explicit Holding(T&& value) : value(std::move(value)) {}
  explicit Holding(const T& value) : value(value) {}
  Owned<Content> copy() const override { return Owned<Content>::make<Holding>(value); }
};

// Containers know how deep they nest: copies, destructors, readers and writers follow them by recursion.
struct Value::Sequence {
  std::vector<Value> items;
  int depth = 1;
};
struct Value::Dictionary {
  std::vector<Entry> entries;
  int depth = 1;
  Versions versions = {};
  bool ordered = false;
};

Value::Value(const char* text) : Value(std::string(text)) {}
Value::Value(Kind kind, Owned<Content> content) : kind_(kind), content_(std::move(content)) {}
Value::Value(std::string text) : Value(String, Owned<Content>::make<Holding<std::string>>(std::move(text))) {}
Value::Value(Tensor tensor) : Value(Array, Owned<Content>::make<Holding<Tensor>>(std::move(tensor))) {}
Value::Value(const nn::StateDict& state) {
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : state) entries.push_back({name, tensor});
  *this = ordered_dict(std::move(entries), state.versions);
}
Value::Value(std::initializer_list<Entry> entries) : Value(dict(entries)) {}

/// Of a value whose kind is the one that has a T.
template <class T>
T& Value::content() const {
  return static_cast<Holding<T>*>(content_.get())->value;
}

int Value::depth() const { return kind_ == Dict ? content<Dictionary>().depth : kind_ == List || kind_ == Tuple ? content<Sequence>().depth : 0; }

/// Of a container of `depth` that gets one more value.
static int deeper(int depth, int of_value) {
  check<ValueError>(of_value < Value::kDeepest, "Value: containers nested more than {} deep", Value::kDeepest);
  return std::max(depth, of_value + 1);
}

Value Value::list(std::vector<Value> items) {
  int depth = 1;
  for (const Value& item : items) depth = deeper(depth, item.depth());
  return {List, Owned<Content>::make<Holding<Sequence>>(Sequence{std::move(items), depth})};
}
Value Value::tuple(std::vector<Value> items) {
  Value v = list(std::move(items));
  v.kind_ = Tuple;
  return v;
}
Value Value::dict() { return dict({}); }
Value Value::dict(std::vector<Entry> entries) {
  int depth = 1;
  for (const Entry& e : entries) depth = deeper(depth, std::max(e.key.depth(), e.value.depth()));
  return {Dict, Owned<Content>::make<Holding<Dictionary>>(Dictionary{std::move(entries), depth})};
}
Value Value::ordered_dict(std::vector<Entry> entries, Versions versions) {
  Value v = dict(std::move(entries));
  Dictionary& dictionary = v.content<Dictionary>();
  dictionary.versions = std::move(versions);
  dictionary.ordered = true;
  return v;
}

Value::Value(const Value& other) : kind_(other.kind_), integer_(other.integer_), content_(other.content_ ? other.content_->copy() : nullptr) {}
Value::Value(Value&& other) noexcept : kind_(std::exchange(other.kind_, Nothing)), integer_(other.integer_), content_(std::move(other.content_)) {}
Value& Value::operator=(Value other) noexcept {
  std::swap(kind_, other.kind_);
  std::swap(integer_, other.integer_);
  std::swap(content_, other.content_);
  return *this;
}
Value::~Value() = default;

const char* Value::kind_name() const { return kNames[kind_]; }
bool Value::as_bool() const {
  expect(kind_ == Bool, *this, "bool");
  return integer_ != 0;
}
int64_t Value::as_int() const {
  expect(kind_ == Int || kind_ == Bool, *this, "int");
  return integer_;
}
double Value::as_float() const {
  expect(kind_ == Float || kind_ == Int, *this, "float");
  return kind_ == Float ? real_ : double(integer_);
}
const std::string& Value::as_string() const& {
  expect(kind_ == String, *this, "string");
  return content<std::string>();
}
std::string Value::as_string() const&& { return as_string(); }
const Tensor& Value::as_tensor() const& {
  check<TypeError>(kind_ == Array, "expected a tensor, got a {}{}", kind_name(), kind_ == Dict ? " with " + key_list(*this) : "");
  return content<Tensor>();
}
Tensor Value::as_tensor() const&& { return as_tensor(); }
Value::operator Tensor() const { return as_tensor(); }
const std::vector<Value>& Value::items() const& {
  expect(kind_ == List || kind_ == Tuple, *this, "list");
  return content<Sequence>().items;
}
std::vector<Value> Value::items() const&& { return items(); }
const std::vector<Value::Entry>& Value::entries() const& {
  expect(kind_ == Dict, *this, "dict");
  return content<Dictionary>().entries;
}
std::vector<Value::Entry> Value::entries() const&& { return entries(); }
int64_t Value::size() const { return kind_ == Dict ? int64_t(entries().size()) : int64_t(items().size()); }
bool Value::is_ordered() const { return kind_ == Dict && content<Dictionary>().ordered; }
const Value::Versions& Value::versions() const& {
  expect(kind_ == Dict, *this, "dict");
  return content<Dictionary>().versions;
}

Value::Versions Value::versions() const&& { return versions(); }

const Value* Value::find(const std::string& key) const& {
  for (const Entry& e : entries())
    if (e.key.kind_ == String && e.key.as_string() == key) return &e.value;
  return nullptr;
}
const Value& Value::operator[](const char* key) const& {
  const Value* found = find(key);
  check<RuntimeError>(found != nullptr, "KeyError: '{}'; there are {}", key, found ? "" : key_list(*this));
  return *found;
}
Value Value::operator[](const char* key) const&& { return (*this)[key]; }
const Value& Value::operator[](const std::string& key) const& { return (*this)[key.c_str()]; }
Value Value::operator[](const std::string& key) const&& { return (*this)[key.c_str()]; }
const Value& Value::at(int64_t index) const& {
  const int64_t n = int64_t(items().size());
  check<IndexError>(index >= -n && index < n, "list index {} out of range for {} items", index, n);
  return items()[std::size_t(index < 0 ? index + n : index)];
}
Value Value::at(int64_t index) const&& { return at(index); }
void Value::set(Value key, Value value) {
  expect(kind_ == Dict, *this, "dict");
  Dictionary& dictionary = content<Dictionary>();
  dictionary.depth = deeper(dictionary.depth, std::max(key.depth(), value.depth()));
  for (Entry& e : dictionary.entries)
    if (e.key.kind_ == key.kind_ && (key.kind_ == String ? e.key.as_string() == key.as_string() : e.key.integer_ == key.integer_)) {
      e.value = std::move(value);
      return;
    }
  dictionary.entries.push_back({std::move(key), std::move(value)});
}
void Value::append(Value value) {
  expect(kind_ == List, *this, "list");
  Sequence& sequence = content<Sequence>();
  sequence.depth = deeper(sequence.depth, value.depth());
  sequence.items.push_back(std::move(value));
}

Value::operator nn::StateDict() const { return to_state_dict(); }
nn::StateDict Value::to_state_dict() const {
  nn::StateDict state;
  for (const Entry& e : entries()) {
    check<TypeError>(e.key.kind() == String, "state dict: expected names as keys, got a {}", e.key.kind_name());
    if (e.value.kind() == Array) {
      state.set(e.key.as_string(), e.value.as_tensor());
      continue;
    }
    const Value* const inner = state_inside(*this);
    fail<TypeError>("state dict: expected a tensor under \"{}\", got a {}{}", e.key.as_string(), e.value.kind_name(),
                    inner ? fmt::format("; this is a checkpoint: the weights are in value[\"{}\"]", inner->as_string()) : "");
  }
  state.versions = versions();
  return state;
}

}  // namespace ember
