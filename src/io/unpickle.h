// Python's pickles, as far as torch.save writes them: an allow-list of opcodes and names, nothing is ever run.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "io/element_type.h"

namespace ember::io {

/// A Python object. Texts point into the pickle, or into what the Unpickler keeps; containers and what they hold live as long as it does.
struct Object {
  enum Kind : std::uint8_t {
    None,
    Bool,
    Int,
    BigInt,
    Float,
    String,
    Bytes,
    List,
    Tuple,
    Dict,
    OrderedDict,
    Global,
    Storage,
    Tensor,
    Mark,
    NumpyType,    ///< a numpy.dtype: text "f4", "U5"; integer its byte order, one of <>|=
    NumpyScalar,  ///< NumpyType, Bytes
    NumpyArray,   ///< NumpyType, sizes, Bytes; integer 1 in Fortran's order
    Instance,     ///< of a class that is no container: text its name, attributes its state or null, items what it was made of
  };
  Kind kind = None;
  bool requires_grad = false;
  union {
    int64_t integer = 0;  // Bool, Int; Tensor: its offset
    double real;
    Object* attributes;  // OrderedDict, Instance: what BUILD gave it
  };
  std::string_view text;  // String, Bytes, BigInt; Global, Instance: module, line end, name
  std::vector<Object*>
      items;  // List, Tuple; Dict: key, value, key, value; Storage: its persistent id; Tensor: storage, sizes, strides, perhaps dtype
};

bool is_sequence(const Object& o);  ///< a List or Tuple
bool is_dict(const Object& o);      ///< a Dict or OrderedDict
/// "collections\nOrderedDict" as Python writes it, "collections.OrderedDict".
std::string dotted(std::string_view name);
/// What pickle holds a TorchScript class, "__torch__.Net": its attributes are tensors, numbers and further ones.
bool is_torchscript(std::string_view name);
/// An nn.Module that was saved whole.
bool is_module(const Object& instance);

class Unpickler {
 public:
  /// `source` is for messages and the memory budget.
  Unpickler(const Source& source, std::string_view pickle) : source_(source), pickle_(pickle) {}

  /// Runs to STOP and returns the object. The next call goes on behind it.
  Object* run();
  std::size_t position() const { return at_; }
  /// The last failure was that the pickle has no more bytes.
  bool needs_more() const { return needs_more_; }

  /// Throws when a class or function was named that is no tensor and no container, with what to do about it.
  void refuse_foreign() const;

 private:
  [[noreturn]] void broken(const char* what) const;
  std::string_view take(std::uint64_t bytes);
  std::uint64_t number(int bytes);
  std::string_view line();
  std::string_view keep(std::string text);
  Object* make(Object::Kind kind);
  Object* make_text(Object::Kind kind, std::string_view text);
  Object* make_integer(Object::Kind kind, int64_t value);
  Object* pop();
  std::vector<Object*> pop_to_mark();
  void push(Object* object);
  void remember(std::uint64_t index);
  Object* recall(std::uint64_t index);
  void long_integer(std::uint64_t bytes);
  void tuple(std::vector<Object*> items);
  void persistent(Object* id);
  void append(const std::vector<Object*>& values);
  void set_items(const std::vector<Object*>& values);
  bool step(unsigned char op);

  // unpickle_calls.cpp: what names mean
  void global(std::string_view module_and_name);
  void reduce();
  void new_object(Object* arguments);
  void build();
  Object* call(std::string_view name, const Object& arguments);
  Object* instance(std::string_view name, const Object* arguments);
  Object* container(Object::Kind kind, const std::vector<Object*>& arguments);
  Object* rebuild_tensor(const std::vector<Object*>& arguments, bool typed);
  Object* rebuild_parameter(const std::vector<Object*>& arguments);
  Object* numpy_call(std::string_view name, const std::vector<Object*>& arguments);
  void build_numpy(Object& target, const Object& state);
  Object* encoded(const std::vector<Object*>& arguments);
  Object* path(const std::vector<Object*>& parts);
  void copy(const Object* from, Object* to);

  const Source& source_;
  std::string_view pickle_;
  std::size_t at_ = 0;
  bool needs_more_ = false;
  std::string_view foreign_;  // the first name that is neither known nor TorchScript's
  std::deque<Object> objects_;
  std::deque<std::string> texts_;
  std::vector<Object*> stack_, memo_;
};

// What an object, a place on the stack and a place in a list cost in memory, with the slack of growing vectors.
inline constexpr int64_t kObjectBytes = sizeof(Object) + 8, kPlaceBytes = 16;

}  // namespace ember::io
