// Python's pickles, as far as torch.save writes them: an allow-list of opcodes and names, nothing is ever run.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "io/element_type.h"

namespace ember::io {

/// A Python object. Strings point into the pickle; containers and what they hold live as long as the Unpickler.
struct Object {
  enum Kind : std::uint8_t { None, Bool, Int, BigInt, Float, String, Bytes, List, Tuple, Dict, OrderedDict, Global, Storage, Tensor, Mark };
  Kind kind = None;
  bool parameter = false, requires_grad = false;
  union {
    int64_t integer = 0;
    double real;
  };
  std::string_view text;           // String, BigInt; Global: "module name"
  std::vector<Object*> items;      // List, Tuple; Dict: key, value, key, value; Tensor: storage, sizes, strides
  Object* attributes = nullptr;    // what BUILD gave an OrderedDict
};

class Unpickler {
 public:
  /// `source` is for messages and the memory budget.
  Unpickler(const Source& source, std::string_view pickle) : source_(source), pickle_(pickle) {}

  /// Runs to STOP and returns the object; `consumed` says how far.
  Object* run();
  std::size_t position() const { return at_; }
  void skip_to(std::string_view rest) { pickle_ = rest, at_ = 0; }

 private:
  [[noreturn]] void broken(const char* what) const;
  std::string_view take(std::uint64_t bytes);
  std::uint64_t number(int bytes);
  std::string_view line();
  Object* make(Object::Kind kind);
  Object* pop();
  std::vector<Object*> pop_to_mark();
  void push(Object* object) { stack_.push_back(object); }
  void remember(std::uint64_t index);
  Object* recall(std::uint64_t index);
  void global(std::string_view module, std::string_view name);
  void reduce();
  void build();
  Object* rebuild_tensor(const std::vector<Object*>& arguments);
  void count_copies(std::size_t count);
  bool step(unsigned char op);
  void append(const std::vector<Object*>& values);
  void set_items(const std::vector<Object*>& values);

  const Source& source_;
  std::string_view pickle_;
  std::size_t at_ = 0, copies_ = 0;
  std::vector<std::unique_ptr<Object>> objects_;
  std::vector<Object*> stack_, memo_;
};

}  // namespace ember::io
