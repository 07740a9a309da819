// What a file can hold: tensors, numbers, strings, and lists, tuples and dictionaries of them.
#pragma once

#include <ember/nn/state_dict.h>
#include <ember/owned.h>
#include <ember/tensor.h>

#include <initializer_list>

namespace ember {

class Value {
 public:
  enum Kind : std::uint8_t { Nothing, Bool, Int, Float, String, Array, List, Tuple, Dict };
  struct Entry;

  /// The layout versions of modules by their paths, as they come with a state dict (`_metadata`).
  using Versions = std::vector<std::pair<std::string, int64_t>>;

  Value() = default;
  Value(NoneType) {}
  Value(bool value) : kind_(Bool), integer_(value) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Value(T value) : kind_(Int), integer_(int64_t(value)) {}
  Value(double value) : kind_(Float), real_(value) {}
  Value(const char* text);
  Value(std::string text);
  Value(Tensor tensor);
  Value(const nn::StateDict& state);            ///< an ordered dictionary with the versions of the modules
  Value(std::initializer_list<Entry> entries);  ///< a dictionary: Value{{"epoch", 3}, {"best", 0.98}}
  static Value list(std::vector<Value> items = {});
  static Value tuple(std::vector<Value> items = {});
  static Value dict();
  static Value dict(std::vector<Entry> entries);
  static Value ordered_dict(std::vector<Entry> entries, Versions versions = {});  ///< Python's OrderedDict

  Value(const Value& other);  ///< containers are copied; tensors share their memory
  Value(Value&& other) noexcept;
  Value& operator=(Value other) noexcept;
  ~Value();

  Kind kind() const { return kind_; }
  const char* kind_name() const;
  bool is_none() const { return kind_ == Nothing; }

  // What it holds. A wrong kind throws TypeError naming both.
  bool as_bool() const;
  int64_t as_int() const;
  double as_float() const;  ///< an Int, too
  // Of a value that is kept they are references into it, of a temporary, load(path)["model"], values of their own.
  const std::string& as_string() const&;
  std::string as_string() const&&;
  const Tensor& as_tensor() const&;
  Tensor as_tensor() const&&;
  const std::vector<Value>& items() const&;  ///< of a List or Tuple
  std::vector<Value> items() const&&;
  const std::vector<Entry>& entries() const&;  ///< of a Dict, in order
  std::vector<Entry> entries() const&&;
  int64_t size() const;
  bool is_ordered() const;            ///< a Dict that is Python's OrderedDict
  const Versions& versions() const&;  ///< of a Dict
  Versions versions() const&&;

  const Value* find(const std::string& key) const&;            ///< in a Dict; null when there is none
  const Value* find(const std::string& key) const&& = delete;  ///< it would point into a temporary: keep the Value in a variable
  bool contains(const std::string& key) const { return find(key) != nullptr; }
  const Value& operator[](const char* key) const&;  ///< throws RuntimeError naming the key that is missing, and those that are there
  Value operator[](const char* key) const&&;
  const Value& operator[](const std::string& key) const&;
  Value operator[](const std::string& key) const&&;
  const Value& at(int64_t index) const&;  ///< of a List or Tuple; throws IndexError
  Value at(int64_t index) const&&;
  template <class T>
    requires std::is_integral_v<T>
  const Value& operator[](T index) const& {
    return at(int64_t(index));
  }
  template <class T>
    requires std::is_integral_v<T>
  Value operator[](T index) const&& {
    return at(int64_t(index));
  }
  void set(Value key, Value value);  ///< into a Dict: replaces or appends
  void append(Value value);          ///< to a List

  /// A Dict of tensors as a state dict. Throws TypeError naming the first entry that is no tensor.
  nn::StateDict to_state_dict() const;
  operator nn::StateDict() const;
  /// Tensor t = load("tensor.pt").
  operator Tensor() const;

  /// Containers nest at most as deep, in memory as in files: more throws ValueError.
  static constexpr int kDeepest = 256;

 private:
  struct Content {  // what does not fit into a number
    virtual ~Content() = default;
    virtual Owned<Content> copy() const = 0;
  };
  template <class T>
  struct Holding;
  struct Sequence;
  struct Dictionary;
  Value(Kind kind, Owned<Content> content);
  template <class T>
  T& content() const;
  int depth() const;

  // A history of losses has many of them: 24 bytes each.
  Kind kind_ = Nothing;
  union {
    int64_t integer_ = 0;
    double real_;
  };
  Owned<Content> content_;
};

struct Value::Entry {
  Value key, value;
};

}  // namespace ember
