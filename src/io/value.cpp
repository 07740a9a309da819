#include <ember/io/value.h>

#include "error_format.h"

namespace ember {
namespace {

constexpr const char* kNames[] = {"None", "bool", "int", "float", "string", "tensor", "list", "tuple", "dict"};

void expect(bool right, const Value& value, const char* wanted) {
  check<TypeError>(right, "expected a {}, got a {}", wanted, value.kind_name());
}

}  // namespace

Value::Value(const nn::StateDict& state) : versions(state.versions), ordered(true), kind_(Dict) {
  for (const auto& [name, tensor] : state) entries_.push_back({name, tensor});
}
Value Value::list(std::vector<Value> items) {
  Value v;
  v.kind_ = List;
  v.items_ = std::move(items);
  return v;
}
Value Value::tuple(std::vector<Value> items) {
  Value v = list(std::move(items));
  v.kind_ = Tuple;
  return v;
}
Value Value::dict(std::vector<Entry> entries) {
  Value v;
  v.kind_ = Dict;
  v.entries_ = std::move(entries);
  return v;
}
Value Value::dict() { return dict(std::vector<Entry>()); }

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
const std::string& Value::as_string() const {
  expect(kind_ == String, *this, "string");
  return text_;
}
const Tensor& Value::as_tensor() const {
  expect(kind_ == Array, *this, "tensor");
  return tensor_;
}
const std::vector<Value>& Value::items() const {
  expect(kind_ == List || kind_ == Tuple, *this, "list");
  return items_;
}
const std::vector<Value::Entry>& Value::entries() const {
  expect(kind_ == Dict, *this, "dict");
  return entries_;
}
int64_t Value::size() const { return kind_ == Dict ? int64_t(entries_.size()) : int64_t(items().size()); }

const Value* Value::find(const std::string& key) const {
  for (const Entry& e : entries())
    if (e.key.kind() == String && e.key.text_ == key) return &e.value;
  return nullptr;
}
const Value& Value::operator[](const char* key) const {
  const Value* found = find(key);
  check<RuntimeError>(found != nullptr, "KeyError: '{}'", key);
  return *found;
}
const Value& Value::at(int64_t index) const {
  const int64_t n = int64_t(items().size());
  check<IndexError>(index >= -n && index < n, "list index {} out of range for {} items", index, n);
  return items_[std::size_t(index < 0 ? index + n : index)];
}
void Value::set(Value key, Value value) {
  expect(kind_ == Dict, *this, "dict");
  for (Entry& e : entries_)
    if (e.key.kind() == key.kind() && e.key.text_ == key.text_ && e.key.integer_ == key.integer_) {
      e.value = std::move(value);
      return;
    }
  entries_.push_back({std::move(key), std::move(value)});
}
void Value::append(Value value) {
  expect(kind_ == List, *this, "list");
  items_.push_back(std::move(value));
}

nn::StateDict Value::to_state_dict() const {
  nn::StateDict state;
  for (const Entry& e : entries()) {
    check<TypeError>(e.key.kind() == String, "state dict: expected names as keys, got a {}", e.key.kind_name());
    check<TypeError>(e.value.kind() == Array, "state dict: expected a tensor under \"{}\", got a {}", e.key.text_, e.value.kind_name());
    state.set(e.key.text_, e.value.tensor_);
  }
  state.versions = versions;
  return state;
}

}  // namespace ember
