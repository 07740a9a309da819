// Python's pickles, as far as torch.save writes them: an allow-list of opcodes and names, nothing is ever run.
#pragma once

#include <deque>
#include <string_view>
#include <vector>

#include "io/element_type.h"

namespace ember::io {

/// A Python object. Texts point into the pickle; containers and what they hold live as long as the Unpickler.
struct Object {
  enum Kind : std::uint8_t { None, Bool, Int, BigInt, Float, String, Bytes, List, Tuple, Dict, OrderedDict, Global, Storage, Tensor, Mark };
  Kind kind = None;
  bool requires_grad = false;
  union {
    int64_t integer = 0;  // Bool, Int; Tensor: its offset
    double real;
    Object* attributes;   // OrderedDict: what BUILD gave it
  };
  std::string_view text;       // String, Bytes, BigInt; Global: module, line end, name
  std::vector<Object*> items;  // List, Tuple; Dict: key, value, key, value; Storage: its persistent id; Tensor: storage, sizes, strides, perhaps dtype
};

class Unpickler {
 public:
  /// `source` is for messages and the memory budget.
  Unpickler(const Source& source, std::string_view pickle) : source_(source), pickle_(pickle) {}

  /// Runs to STOP and returns the object. The next call goes on behind it.
  Object* run();
  std::size_t position() const { return at_; }
  /// The last failure was that the pickle has no more bytes.
  bool needs_more() const { return needs_more_; }

 private:
  [[noreturn]] void broken(const char* what) const;
  std::string_view take(std::uint64_t bytes);
  std::uint64_t number(int bytes);
  std::string_view line();
  Object* make(Object::Kind kind);
  Object* pop();
  std::vector<Object*> pop_to_mark();
  void push(Object* object);
  void remember(std::uint64_t index);
  Object* recall(std::uint64_t index);
  void global(std::string_view module_and_name);
  void reduce();
  void build();
  Object* rebuild_tensor(const std::vector<Object*>& arguments, bool typed);
  Object* rebuild_parameter(const std::vector<Object*>& arguments);
  void copy(const Object* from, Object* to);
  bool step(unsigned char op);
  void append(const std::vector<Object*>& values);
  void set_items(const std::vector<Object*>& values);

  const Source& source_;
  std::string_view pickle_;
  std::size_t at_ = 0;
  bool needs_more_ = false;
  std::deque<Object> objects_;
  std::vector<Object*> stack_, memo_;
};

}  // namespace ember::io
